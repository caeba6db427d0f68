/* Which models do alike work. */
#ifndef ASSAY_PREDICTOR_ALIKE_H
#define ASSAY_PREDICTOR_ALIKE_H

#include "base/arena.h"
#include "core/observation.h"

/* A family name for every run. given[run] is its name, or NULL: then it joins the family, given or
 * found, whose models spend their time in the same kernel classes, or founds one that is called
 * after its first model.
 *
 * The distance of two runs is half the sum of the differences of their shares of time by kernel
 * class: the share of the time that one would have to spend in other classes to be like the other.
 * Families join while their members are on average nearer than a fifth: what costs an architecture
 * its accuracy when it is left out is the time spent in classes and sizes of classes that no other
 * has, and up to there ResNet-18 and ResNet-34, or the encoders of text and of images, are one,
 * while a block that others lack keeps apart. Given names never join one another. The same
 * training gives the same names. */
const char *const *alike_families(struct arena *arena, const struct training *training,
                                  const char *const *given);

#endif
