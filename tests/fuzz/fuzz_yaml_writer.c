/* Any bytes as a text of a manifest: libyaml reads one document back, with that text in it. */
#include "reports/yaml_writer.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_document(struct yaml_writer *yaml, const char *text) {
    yaml_comment(yaml, "%s", text);
    yaml_map(yaml, "map");
    yaml_comment(yaml, "%s", text);
    yaml_text(yaml, text, text);
    yaml_list(yaml, "list");
    yaml_item_text(yaml, text);
    yaml_end(yaml);
    yaml_end(yaml);
}

/* Scalars in order: map, text, text, list, text. Bytes that are no UTF-8 become others. */
static void check_scalar(int index, const char *value, const char *text) {
    static const char *const expected[] = {"map", NULL, NULL, "list", NULL};
    if (index > 4 || (expected[index] && strcmp(value, expected[index]) != 0))
        abort();
    if (!expected[index] && !strstr(value, "\xef\xbf\xbd") && strcmp(value, text) != 0)
        abort();
}

static void read_back(const struct strbuf *document, const char *text) {
    yaml_parser_t parser;
    yaml_event_t event;
    int scalars = 0;
    bool done = false;
    if (!yaml_parser_initialize(&parser))
        abort();
    yaml_parser_set_input_string(&parser, (const unsigned char *)document->text, document->length);
    while (!done) {
        if (!yaml_parser_parse(&parser, &event))
            abort();
        if (event.type == YAML_SCALAR_EVENT)
            check_scalar(scalars++, (const char *)event.data.scalar.value, text);
        done = event.type == YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
    }
    if (scalars != 5)
        abort();
    yaml_parser_delete(&parser);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct arena arena;
    struct strbuf document;
    arena_init(&arena);
    strbuf_init(&document);
    struct yaml_writer yaml = {.arena = &arena, .out = &document};
    const char *text = arena_strndup(&arena, (const char *)data, size);
    write_document(&yaml, text);
    /* A key of more than 1024 characters is no simple key (YAML 1.2, 7.4.2). */
    if (strlen(text) < 128)
        read_back(&document, text);
    strbuf_done(&document);
    arena_done(&arena);
    return 0;
}
