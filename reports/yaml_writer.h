/* YAML that people read: block style, two blanks a level, comments where they belong. Text that is
 * not plainly a word is double-quoted and escaped (YAML 1.2, 7.3.1), so nothing that comes from
 * outside can end a string, a line or a comment; what is no UTF-8 becomes U+FFFD.
 *
 *     yaml_map(&yaml, "spec");
 *     yaml_uint(&yaml, "replicas", 3);
 *     yaml_list(&yaml, "ports");
 *     yaml_item(&yaml);
 *     yaml_text(&yaml, "name", "http");
 *     yaml_end(&yaml);   the item
 *     yaml_end(&yaml);   ports
 *     yaml_end(&yaml);   spec
 */
#ifndef ASSAY_REPORTS_YAML_WRITER_H
#define ASSAY_REPORTS_YAML_WRITER_H

#include "base/arena.h"
#include "base/strbuf.h"

#include <stdbool.h>
#include <stdint.h>

struct yaml_writer {
    struct arena *arena;
    struct strbuf *out; /* of the caller */
    int depth;
    bool dash; /* the next key is the first of a list's item */
};

/* Opened ones need at least one entry, and a yaml_end. */
void yaml_map(struct yaml_writer *yaml, const char *key);
void yaml_list(struct yaml_writer *yaml, const char *key);
void yaml_item(struct yaml_writer *yaml); /* a map in a list */
void yaml_end(struct yaml_writer *yaml);

void yaml_text(struct yaml_writer *yaml, const char *key, const char *text);
void yaml_uint(struct yaml_writer *yaml, const char *key, uint64_t value);
void yaml_bool(struct yaml_writer *yaml, const char *key, bool value);
void yaml_item_text(struct yaml_writer *yaml, const char *text); /* a text in a list */

/* Begins another document of the same file. */
void yaml_document(struct yaml_writer *yaml);

/* One line at the present depth; control characters and line breaks are shown escaped. */
void yaml_comment(struct yaml_writer *yaml, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
