#include "reports/yaml_writer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <yaml.h>

#include <cmocka.h>

struct sheet {
    struct arena arena;
    struct strbuf text;
    struct yaml_writer yaml;
};

static void sheet_open(struct sheet *sheet) {
    arena_init(&sheet->arena);
    strbuf_init(&sheet->text);
    sheet->yaml = (struct yaml_writer){.arena = &sheet->arena, .out = &sheet->text};
}

static void sheet_close(struct sheet *sheet) {
    strbuf_done(&sheet->text);
    arena_done(&sheet->arena);
}

/* The n-th scalar of a document, as libyaml reads it, and whether it is plain; fails when there is
 * none. */
static bool scalar(struct sheet *sheet, int n, const char **value) {
    yaml_parser_t parser;
    yaml_event_t event;
    bool plain = false, done = false;
    *value = NULL;
    assert_true(yaml_parser_initialize(&parser));
    yaml_parser_set_input_string(&parser, (const unsigned char *)sheet->text.text,
                                 sheet->text.length);
    while (!done) {
        assert_true(yaml_parser_parse(&parser, &event));
        if (event.type == YAML_SCALAR_EVENT && n-- == 0) {
            *value = arena_strdup(&sheet->arena, (const char *)event.data.scalar.value);
            assert_int_equal(strlen(*value), event.data.scalar.length);
            plain = event.data.scalar.plain_implicit;
        }
        done = event.type == YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    assert_non_null(*value);
    return plain;
}

static void maps_and_lists_are_indented(void **state) {
    (void)state;
    struct sheet sheet;
    sheet_open(&sheet);
    yaml_map(&sheet.yaml, "spec");
    yaml_comment(&sheet.yaml, "why %d", 3);
    yaml_uint(&sheet.yaml, "replicas", 3);
    yaml_list(&sheet.yaml, "ports");
    yaml_item(&sheet.yaml);
    yaml_comment(&sheet.yaml, "of the server");
    yaml_text(&sheet.yaml, "name", "http");
    yaml_bool(&sheet.yaml, "open", true);
    yaml_map(&sheet.yaml, "labels");
    yaml_text(&sheet.yaml, "app.kubernetes.io/name", "a");
    yaml_end(&sheet.yaml);
    yaml_end(&sheet.yaml);
    yaml_item_text(&sheet.yaml, "1");
    yaml_end(&sheet.yaml);
    yaml_end(&sheet.yaml);
    assert_int_equal(sheet.yaml.depth, 0);
    assert_string_equal(sheet.text.text, "spec:\n"
                                         "  # why 3\n"
                                         "  replicas: 3\n"
                                         "  ports:\n"
                                         "      # of the server\n"
                                         "    - name: http\n"
                                         "      open: true\n"
                                         "      labels:\n"
                                         "        app.kubernetes.io/name: a\n"
                                         "    - \"1\"\n");
    sheet_close(&sheet);
}

static void any_text_is_read_back_as_it_was(void **state) {
    (void)state;
    static const char *const texts[] = {
        "plain",
        "",
        " ",
        "null",
        "~",
        "On",
        "no",
        "1.0",
        "0x1f",
        "1e3",
        "-",
        "- a",
        "a: b",
        "a #b",
        "#",
        "\"",
        "\\",
        "\\n",
        "'",
        "a\nb: c",
        "a\r\nb",
        "\t",
        "---",
        "...",
        "{{ $value }}",
        "*x",
        "&x",
        "!!str",
        "%TAG",
        "@x",
        "`x`",
        "|",
        ">",
        "?",
        "[a]",
        "{a: b}",
        "\x01\x1f",
        "\x7f",
        "\xc2\x85",
        "\xe2\x80\xa8",
        "\xef\xbb\xbf",
        "na\xc3\xafve",
        "\xf0\x9f\x98\x80",
        "2026-01-01",
        "=",
        "<<",
        "a:",
        ":a",
        "1_000",
        "0o7",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct sheet sheet;
        const char *value;
        sheet_open(&sheet);
        yaml_comment(&sheet.yaml, "%s", texts[i]);
        yaml_text(&sheet.yaml, texts[i], "key");
        yaml_text(&sheet.yaml, "text", texts[i]);
        scalar(&sheet, 0, &value);
        assert_string_equal(value, texts[i]);
        bool plain = scalar(&sheet, 3, &value);
        assert_string_equal(value, texts[i]);
        assert_int_equal(plain, strcmp(texts[i], "plain") == 0);
        sheet_close(&sheet);
    }
}

static void what_is_no_utf8_is_replaced(void **state) {
    (void)state;
    static const char *const texts[] = {"\xff", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80",
                                        "\xe2\x82"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct sheet sheet;
        const char *value;
        sheet_open(&sheet);
        yaml_comment(&sheet.yaml, "%s", texts[i]);
        yaml_text(&sheet.yaml, "text", texts[i]);
        scalar(&sheet, 1, &value);
        assert_memory_equal(value, "\xef\xbf\xbd", 3);
        sheet_close(&sheet);
    }
}

static void a_comment_stays_one_line(void **state) {
    (void)state;
    struct sheet sheet;
    sheet_open(&sheet);
    yaml_comment(&sheet.yaml, "a\nkind: Pod\r\xc2\x85\xe2\x80\xa9z");
    assert_string_equal(sheet.text.text, "# a\\x0Akind: Pod\\x0D\\x85\\u2029z\n");
    sheet_close(&sheet);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(maps_and_lists_are_indented),
        cmocka_unit_test(any_text_is_read_back_as_it_was),
        cmocka_unit_test(what_is_no_utf8_is_replaced),
        cmocka_unit_test(a_comment_stays_one_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
