/* Single operators with their output shapes. Axes of arguments may be negative (from the end)
 * unless said otherwise. */
#ifndef ASSAY_MODELS_ZOO_NODES_H
#define ASSAY_MODELS_ZOO_NODES_H

#include "models/zoo/build.h"

/* Elementwise with broadcasting: "Add", "Mul", "Sub", "Div", "Pow". */
int32_t zoo_binary(struct zoo_builder *b, const char *type, int32_t x, int32_t y);
int32_t zoo_add(struct zoo_builder *b, int32_t x, int32_t y);
int32_t zoo_mul(struct zoo_builder *b, int32_t x, int32_t y);
int32_t zoo_matmul(struct zoo_builder *b, const char *name, int32_t x, int32_t y);

int32_t zoo_concat(struct zoo_builder *b, int32_t axis, uint32_t count, const int32_t *inputs);
int32_t zoo_flatten(struct zoo_builder *b, int32_t x); /* all but the first axis */
int32_t zoo_reshape(struct zoo_builder *b, int32_t x, int32_t rank, const int64_t *sizes);
int32_t zoo_transpose(struct zoo_builder *b, int32_t x, int32_t rank, const int64_t *perm);
int32_t zoo_slice(struct zoo_builder *b, int32_t x, int32_t axis, int64_t begin, int64_t end);
/* `count` parts of equal size. */
void zoo_split(struct zoo_builder *b, int32_t x, int32_t axis, int32_t count, int32_t *parts);
/* Rows of a table: ids' axes, then all axes of the table but the first. */
int32_t zoo_gather(struct zoo_builder *b, const char *name, int32_t table, int32_t ids);
/* One index of an axis, which goes away. */
int32_t zoo_select(struct zoo_builder *b, int32_t x, int32_t axis, int64_t index);
int32_t zoo_unsqueeze(struct zoo_builder *b, int32_t x, int32_t axis);
int32_t zoo_squeeze(struct zoo_builder *b, int32_t x, int32_t axis);

int32_t zoo_softmax(struct zoo_builder *b, int32_t x); /* last axis */
int32_t zoo_softmax_along(struct zoo_builder *b, int32_t x, int64_t axis);
/* The axes become 1 (keep) or go away. Axes ascending, from the start. */
int32_t zoo_reduce_mean(struct zoo_builder *b, int32_t x, int32_t count, const int64_t *axes,
                        bool keep);
int32_t zoo_resize(struct zoo_builder *b, int32_t x, int64_t height, int64_t width); /* bilinear */

#endif
