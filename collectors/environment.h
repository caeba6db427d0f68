/* The environment of programs that are started. */
#ifndef ASSAY_COLLECTORS_ENVIRONMENT_H
#define ASSAY_COLLECTORS_ENVIRONMENT_H

/* Ours with `added` ("NAME=value", NULL-terminated) in the place of entries of the same name. Only
 * the array is malloc'ed, the entries are borrowed. NULL: there is no memory. */
char **environment_with(const char *const *added);

#endif
