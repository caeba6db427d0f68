/* The families of architectures, one file each; zoo.c lists them. */
#ifndef ASSAY_MODELS_ZOO_FAMILIES_H
#define ASSAY_MODELS_ZOO_FAMILIES_H

#include "models/zoo/zoo.h"

/* Rows of image classifiers of 1,000 classes whose figures torchvision documents. */
#define ZOO_TORCHVISION(NAME, HELP, SIZE, PARAMETERS, GMACS, BUILD, CONFIG)                        \
    {                                                                                              \
#NAME, HELP,                                                                               \
            {.image_size = SIZE, .classes = 1000 },                                                \
            {PARAMETERS, 1 }, {GMACS, 0.001 }, "torchvision " #NAME, BUILD, CONFIG                 \
    }

extern const struct zoo_family zoo_resnet;     /* resnet.c: ResNet, ResNeXt, Wide ResNet */
extern const struct zoo_family zoo_plain;      /* plain.c: AlexNet, VGG */
extern const struct zoo_family zoo_squeezenet; /* squeezenet.c */
extern const struct zoo_family zoo_mobile;     /* mobile.c: inverted residuals */
extern const struct zoo_family zoo_shufflenet; /* shufflenet.c */
extern const struct zoo_family zoo_densenet;   /* densenet.c */
extern const struct zoo_family zoo_inception;  /* inception.c: GoogLeNet, Inception v3 */
extern const struct zoo_family zoo_regnet;     /* regnet.c */
extern const struct zoo_family zoo_vit;        /* vit.c: ViT, DeiT */
extern const struct zoo_family zoo_bert;       /* bert.c: BERT, DistilBERT */
extern const struct zoo_family zoo_gpt2;       /* gpt2.c */
extern const struct zoo_family zoo_llama;      /* llama.c */
extern const struct zoo_family zoo_convnext;   /* convnext.c */
extern const struct zoo_family zoo_swin;       /* swin.c */
extern const struct zoo_family zoo_whisper;    /* whisper.c: the encoders */
extern const struct zoo_family zoo_segment;    /* segment.c: U-Net, FCN, DeepLabV3 */
extern const struct zoo_family zoo_recurrent;  /* recurrent.c: LSTM language models */
extern const struct zoo_family zoo_audio;      /* audio.c: 1-D convolutions on sound */
extern const struct zoo_family zoo_tiny;       /* tiny.c: MLPerf Tiny, a dense network */

#endif
