/* The residual trunk, shared with segmentation networks. */
#ifndef ASSAY_MODELS_ZOO_RESNET_H
#define ASSAY_MODELS_ZOO_RESNET_H

#include "models/zoo/layers.h"

struct resnet {
    int blocks[4];
    bool basic; /* two 3x3 convolutions, else a bottleneck 1x1, 3x3, 1x1 */
    int64_t groups, group_width;
    int dilated_stages; /* last stages that widen their view instead of shrinking the image */
};

extern const struct resnet zoo_resnet50;

/* An image to the output of the last stage; *before_last (may be NULL): of the one before. */
int32_t resnet_features(struct zoo_builder *b, const struct resnet *net, int32_t x,
                        int32_t *before_last);

#endif
