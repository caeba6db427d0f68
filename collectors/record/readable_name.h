/* Symbols as people write them, as far as a tree of calls needs it. */
#ifndef ASSAY_COLLECTORS_RECORD_READABLE_NAME_H
#define ASSAY_COLLECTORS_RECORD_READABLE_NAME_H

#include "base/arena.h"

#include <stdbool.h>

/* "_ZN2at4_ops6conv2d4callERKNS_6TensorE" -> "at::_ops::conv2d::call": the nested name of the
 * Itanium C++ ABI (5.1.3) without arguments. What is no plain nested name (templates, operators,
 * C) comes back as it is. Lives in the arena. */
const char *readable_name(struct arena *arena, const char *symbol);

#endif
