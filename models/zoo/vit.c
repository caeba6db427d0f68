/* Vision transformers (Dosovitskiy et al. 2020; DeiT: Touvron et al. 2020): patches become tokens,
 * a trained token in front of them carries the class. */
#include "models/zoo/attention.h"
#include "models/zoo/configs.h"
#include "models/zoo/families.h"

static const float epsilon = 1e-6f;

static int32_t patch_tokens(struct zoo_builder *b, const struct vit *net, int32_t image) {
    if (b->options.image_size % net->patch)
        zoo_impossible(b, "the image is not a multiple of %lld wide", (long long)net->patch);
    int32_t x =
        zoo_conv(b, "patch_embed", image,
                 (struct zoo_conv){
                     .out = net->width, .kernel = net->patch, .stride = net->patch, .bias = true});
    int64_t n = zoo_dim(b, x, 0), count = zoo_dim(b, x, 2) * zoo_dim(b, x, 3);
    x = zoo_reshape(b, x, ZOO_SHAPE(n, net->width, count));
    return zoo_transpose(b, x, ZOO_SHAPE(0, 2, 1));
}

static int32_t class_token(struct zoo_builder *b, const struct vit *net) {
    int64_t sizes[] = {b->options.batch, 1, net->width};
    int32_t token = zoo_weight(b, "cls_token", 0, 0.02f, ZOO_SHAPE(1, 1, net->width));
    return zoo_simple(b, "Expand", ZOO_LIST(token, zoo_ints(b, 3, sizes)), 3, sizes);
}

void zoo_vit_build(struct zoo_builder *b, const void *config) {
    const struct vit *net = config;
    int32_t x = patch_tokens(b, net, zoo_image(b, 3));
    x = zoo_concat(b, 1, ZOO_LIST(class_token(b, net), x));
    int64_t length = zoo_dim(b, x, 1);
    x = zoo_add(b, x, zoo_weight(b, "pos_embed", 0, 0.02f, ZOO_SHAPE(1, length, net->width)));
    for (int i = 0; i < net->layers; i++) {
        zoo_enter(b, "blocks.%d", i);
        int32_t normal = zoo_layer_norm(b, "norm1", x, epsilon);
        x = zoo_add(b, x, zoo_packed_attention(b, normal, net->heads));
        normal = zoo_layer_norm(b, "norm2", x, epsilon);
        x = zoo_add(b, x, zoo_mlp(b, "mlp.fc1", "mlp.fc2", normal, 4 * net->width, ZOO_GELU));
        zoo_leave(b);
    }
    x = zoo_select(b, zoo_layer_norm(b, "norm", x, epsilon), 1, 0);
    zoo_output(b, zoo_linear(b, "head", x, b->options.classes, true), "output");
}

static const struct vit vit_b_16 = {12, 768, 12, 16};
static const struct vit vit_b_32 = {12, 768, 12, 32};
static const struct vit deit_tiny = {12, 192, 3, 16};

static const struct zoo_row rows[] = {
    {"deit_tiny",
     "image classification, transformer (Touvron et al. 2020)", {.image_size = 224, .classes = 1000},
     {5717416, 1},
     {1.3, 0.1},
     "timm deit_tiny_patch16_224; multiply-adds: Wang et al. 2021 (PVT), table 1", zoo_vit_build,
     &deit_tiny},
    ZOO_TORCHVISION(vit_b_32, "image classification, transformer (Dosovitskiy et al. 2020)", 224,
                    88224232, 4.409, zoo_vit_build, &vit_b_32),
    ZOO_TORCHVISION(vit_b_16, "image classification, transformer (Dosovitskiy et al. 2020)", 224,
                    86567656, 17.564, zoo_vit_build, &vit_b_16),
};

const struct zoo_family zoo_vit = {"vit", rows, sizeof rows / sizeof *rows};
