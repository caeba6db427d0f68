/* The families of architectures, one file each; zoo.c lists them. */
#ifndef ASSAY_MODELS_ZOO_FAMILIES_H
#define ASSAY_MODELS_ZOO_FAMILIES_H

#include "models/zoo/zoo.h"

extern const struct zoo_family zoo_resnet;

#endif
