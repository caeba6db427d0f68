/* "{B}x{M} {N}": texts with cells of a record in them, as mappings of tables write them.
 *
 *   {NAME}         the cell of the column NAME, or what stands for NAME in the path
 *   {NAME?}        the same, and empty where there is no such column
 *   {NAME|tuples}  "[(4, 8), (2,)]" as shapes: "4x8 2"
 *   {{  }}         braces
 */
#ifndef ASSAY_COLLECTORS_FOREIGN_TEMPLATE_H
#define ASSAY_COLLECTORS_FOREIGN_TEMPLATE_H

#include "base/arena.h"
#include "base/pairs.h"
#include "base/strbuf.h"
#include "collectors/foreign/csv.h"

struct template_part {
    const char *text; /* NULL: the cell of `column` */
    uint32_t column;
    bool tuples;
};

struct template {
    struct template_part *parts;
    uint32_t count;
};

/* What names mean. */
struct template_names {
    const struct csv_record *header;
    const struct pairs *variables; /* a key without a value is a name that means nothing here */
};

/* ERR_INPUT: a brace that is not closed, a name that nobody knows. All lives in the arena. */
int template_compile(struct arena *arena, const char *source, const struct template_names *names,
                     struct template *out, struct err *err);
/* Replaces what `out` holds. False: a cell is not what the filter reads. */
bool template_expand(const struct template *template, const char *const *cells, struct strbuf *out);
/* "{name}" inside `source` becomes `value`. */
const char *template_replace(struct arena *arena, const char *source, const char *name,
                             const char *value);

#endif
