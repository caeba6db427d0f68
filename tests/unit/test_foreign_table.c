#include "tests/unit/foreign_sink.h"

#include "base/file.h"
#include "base/lines.h"
#include "collectors/foreign/csv.h"
#include "collectors/foreign/mapping.h"
#include "collectors/foreign/table.h"
#include "collectors/foreign/template.h"

#include <ftw.h>
#include <math.h>
#include <zlib.h>

#define HEADER   "OPName,Latency,Device,Kernel Name,B,M,N,K\r\n"
#define MAPPINGS "collectors/foreign/mappings"

static void read_text(struct kept *kept, const char *text, const char *mapping) {
    kept_init(kept);
    const struct foreign_request request = {.mapping = mapping};
    if (kept_read_text(kept, &foreign_table, text, strlen(text), request))
        fail_msg("%s", kept->err.message);
}

/* ---- CSV ------------------------------------------------------------------------------------- */

struct cells {
    char text[400];
    size_t records;
};

static int join(void *context, const struct csv_record *record, struct err *err) {
    struct cells *cells = context;
    (void)err;
    for (uint32_t i = 0; i < record->count; i++)
        snprintf(cells->text + strlen(cells->text), sizeof cells->text - strlen(cells->text),
                 "<%s>", record->cells[i]);
    snprintf(cells->text + strlen(cells->text), sizeof cells->text - strlen(cells->text), "%d|",
             (int)record->line);
    cells->records++;
    return 0;
}

static const struct {
    const char *text, *cells;
} csv_cases[] = {
    {"a,b\n1,2\n",              "<a><b>1|<1><2>2|"           },
    {"a,b\r\n1,2\r\n",          "<a><b>1|<1><2>2|"           },
    {"\xef\xbb\xbf"
     "a,b\n1,2",           "<a><b>1|<1><2>2|"           },
    {"\xef\xbc\xa1,b\n1,2\n",   "<\xef\xbc\xa1><b>1|<1><2>2|"},
    {"\"a,x\",\"b\"\"c\"\n,\n", "<a,x><b\"c>1|<><>2|"        },
    {"a,b\n\"1\n2\",\"\"\n3,4", "<a><b>1|<1\n2><>2|<3><4>4|" },
    {"a,b\n\n1,\r\n\r\n,2\n",   "<a><b>1|<1><>3|<><2>5|"     },
    {"a\n\"\"\n",               "<a>1|<>2|"                  },
    {",b\r\n1,\"2\"\r\n",       "<><b>1|<1><2>2|"            },
};

/* Every text at once, and cut into pieces at every byte. */
static void records_are_what_rfc_4180_says_however_they_come(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof csv_cases / sizeof *csv_cases; i++)
        for (size_t at = 0; at <= strlen(csv_cases[i].text); at++) {
            struct cells cells = {0};
            struct csv csv;
            struct err err = {0};
            const char *cut, *text = csv_cases[i].text;
            csv_init(&csv, "f", join, &cells);
            assert_int_equal(csv_add(&csv, text, at, &err), 0);
            assert_int_equal(csv_add(&csv, text + at, strlen(text) - at, &err), 0);
            assert_int_equal(csv_end(&csv, &cut, &err), 0);
            assert_null(cut);
            csv_done(&csv);
            assert_string_equal(cells.text, csv_cases[i].cells);
        }
}

/* ---- templates ------------------------------------------------------------------------------- */

static void templates_put_cells_and_shapes_into_texts(void **state) {
    (void)state;
    static const char *const columns[] = {"a", "b c", "t"};
    static const char *const cells[] = {"1", "x", "[(4, 8), (2,)]"};
    static const struct {
        const char *source, *text;
    } cases[] = {
        {"{a}x{b c}",  "1xx"  },
        {"{{{a}}}",    "{1}"  },
        {"{t|tuples}", "4x8 2"},
        {"{none?}.",   "."    },
        {"{device}-",  "gpu-" },
        {"{nothing}-", "-"    },
        {"",           ""     },
    };
    struct pair variables[] = {
        {"device",  "gpu"},
        {"nothing", NULL }
    };
    const struct pairs pairs = {variables, 2};
    const struct csv_record header = {1, 3, columns};
    const struct template_names names = {&header, &pairs};
    struct arena arena;
    struct strbuf out;
    arena_init(&arena);
    strbuf_init(&out);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct template template;
        struct err err = {0};
        assert_int_equal(template_compile(&arena, cases[i].source, &names, &template, &err), 0);
        assert_true(template_expand(&template, cells, &out));
        assert_string_equal(out.text, cases[i].text);
    }
    strbuf_done(&out);
    arena_done(&arena);
}

static void paths_say_what_the_table_does_not(void **state) {
    (void)state;
    static const struct {
        const char *pattern, *path, *values;
    } cases[] = {
        {"*__{system}__{f}.csv*",       "/x/gemm__h100__sg-0.5.csv.gz", "h100 sg-0.5"},
        {"{device}/*/{model}/mlp.csv*", "v/a100/Qwen/Q-72B/mlp.csv",    "a100 Q-72B" },
        {"{device}/*/{model}/mlp.csv*", "mlp.csv",                      "- -"        },
        {"{device}/*/{model}/mlp.csv*", "v/a100/Qwen/Q-72B/x.csv",      "- -"        },
    };
    struct arena arena;
    arena_init(&arena);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct pairs variables;
        struct err err = {0};
        assert_int_equal(
            mapping_variables(&arena, cases[i].pattern, cases[i].path, &variables, &err), 0);
        assert_int_equal(variables.count, 2);
        const char *first = variables.items[0].value, *second = variables.items[1].value;
        assert_string_equal(
            arena_printf(&arena, "%s %s", first ? first : "-", second ? second : "-"),
            cases[i].values);
    }
    arena_done(&arena);
}

static void a_pattern_of_many_stars_is_given_up(void **state) {
    (void)state;
    struct arena arena;
    struct pairs variables;
    struct err err = {0};
    arena_init(&arena);
    char path[241];
    memset(path, 'a', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    assert_int_equal(
        mapping_variables(&arena, "*a*a*a*a*a*a*a*a*a*a*a*a{x}b", path, &variables, &err), 0);
    assert_null(variables.items[0].value);
    arena_done(&arena);
}

/* ---- tables ---------------------------------------------------------------------------------- */

static void the_header_chooses_the_mapping_and_rows_are_what_it_says(void **state) {
    (void)state;
    struct kept kept;
    read_text(&kept,
              HEADER "bmm,0.5,Tesla T4,\"f<4, int>\",6,27,21,390\r\n"
                     "linear,1.25,Tesla T4,g,1,8,16,32\r\n",
              NULL);
    assert_int_equal(kept.row_count, 2);
    assert_int_equal(kept.outcome.events, 2);
    const struct table_row *row = kept.rows;
    assert_string_equal(row[0].name, "bmm");
    assert_string_equal(row[0].device, "Tesla T4");
    assert_string_equal(row[0].shapes, "6x27x390 6x390x21");
    assert_string_equal(row[0].dtypes, "float32 float32");
    assert_string_equal(row[0].attributes, "b=6 k=390 kernel=\"f<4, int>\" m=27 n=21");
    assert_true(row[0].time_ns == 500000);
    assert_true(isnan(row[0].low_ns) && isnan(row[0].high_ns));
    assert_string_equal(row[1].shapes, "8x32 16x32");
    assert_true(kept_has_fact(&kept, "mapping=neusight-matmul"));
    assert_true(kept_has_fact(&kept, "table lines=2"));
    kept_done(&kept);
}

static void cells_that_are_no_numbers_are_named_and_counted(void **state) {
    (void)state;
    struct kept kept;
    read_text(&kept,
              HEADER "bmm,,T4,k,1,1,1,1\r\nbmm,nan,T4,k,1,1,1,1\r\n"
                     "bmm,-3,T4,k,1,1,1,1\r\nbmm,1e400,T4,k,1,1,1,1\r\n"
                     "bmm,7,T4,k,1,1,1,1\r\n",
              NULL);
    assert_int_equal(kept.row_count, 5);
    for (size_t i = 0; i < 4; i++)
        assert_true(isnan(kept.rows[i].time_ns));
    assert_true(kept.rows[4].time_ns == 7e6);
    assert_int_equal(kept.outcome.skipped, 4);
    assert_string_equal(kept.outcome.why, "in line 2: time cannot be read");
    assert_true(kept_has_fact(&kept, "table cells left out: time (row 1 of a line)=4, the first in "
                                     "line 2: \"\""));
    kept_done(&kept);
}

static void a_mapping_of_the_user_makes_several_rows_of_a_line(void **state) {
    (void)state;
    struct kept kept;
    kept_init(&kept);
    static const char mapping[] = "name: mine\ncolumns: [tokens]\nrows:\n"
                                  "  - each: \"t.{op}.ms\"\n    name: \"{op}\"\n"
                                  "    time: {value: \"{t.{op}.ms}\", unit: ms}\n"
                                  "    attributes: [tokens]\n"
                                  "samples:\n  - {metric: load, unit: \"1\", value: \"{load}\","
                                  " at: {value: \"{tokens}\", unit: s}}\n";
    static const char table[] = "tokens,t.add.ms,t.mul.ms,load\n16,1,2,0.5\n32,3,4,x\n";
    const char *path = file_of(&kept.arena, "m.yaml", mapping, strlen(mapping));
    const struct foreign_request request = {.mapping = path};
    if (kept_read_text(&kept, &foreign_table, table, strlen(table), request))
        fail_msg("%s", kept.err.message);
    remove_file(path);
    assert_int_equal(kept.row_count, 4);
    assert_string_equal(kept.rows[3].name, "mul");
    assert_string_equal(kept.rows[3].attributes, "tokens=32");
    assert_true(kept.rows[3].time_ns == 4e6);
    assert_int_equal(kept.sample_count, 1);
    assert_true(kept.samples[0].value == 0.5 && kept.samples[0].at_ns == 16000000000);
    assert_true(kept_has_fact(&kept, "load (row 3 of a line)=1, the first in line 3: \"x\""));
    kept_done(&kept);
}

/* The text of the first block of the page that begins so. */
static const char *block_of(struct arena *page_arena, const char *page, const char *begin) {
    const char *at = strstr(page, begin);
    assert_non_null(at);
    at = strchr(at, '\n') + 1;
    const char *end = strstr(at, "```");
    assert_non_null(end);
    return arena_strndup(page_arena, at, (size_t)(end - at));
}

static void the_example_of_the_manual_does_what_it_says(void **state) {
    (void)state;
    struct kept kept;
    struct file_map map;
    kept_init(&kept);
    assert_int_equal(file_map_open(&map, "docs/import-mappings.md", &kept.err), 0);
    const char *page = arena_strndup(&kept.arena, (const char *)map.bytes, map.size);
    const char *table = block_of(&kept.arena, page, "```\nop,");
    const char *mapping = block_of(&kept.arena, page, "```yaml\n");
    const char *path = file_of(&kept.arena, "mine.yaml", mapping, strlen(mapping));
    const struct foreign_request request = {.mapping = path};
    if (kept_read_text(&kept, &foreign_table, table, strlen(table), request))
        fail_msg("%s", kept.err.message);
    assert_int_equal(kept.outcome.events, 3);
    assert_int_equal(kept.row_count, 2);
    assert_string_equal(kept.rows[0].shapes, "128x11008 11008x4096");
    assert_true(kept.rows[0].low_ns == 301000 && kept.rows[0].count == 50);
    assert_string_equal(kept.rows[1].attributes, "cols=4096 rows=128");
    assert_true(kept_has_fact(&kept, "no rule applies=1"));
    remove_file(path);
    file_map_close(&map);
    kept_done(&kept);
}

static void lines_that_no_rule_wants_are_counted(void **state) {
    (void)state;
    struct kept kept;
    kept_init(&kept);
    static const char mapping[] = "name: mine\ncolumns: [a]\nrows:\n"
                                  "  - name: \"{a}\"\n    when: {a: [x, y]}\n";
    const char *path = file_of(&kept.arena, "m.yaml", mapping, strlen(mapping));
    const struct foreign_request request = {.mapping = path};
    assert_int_equal(kept_read_text(&kept, &foreign_table, "a,b\nx,1\nz,2\ny,3\n", 16, request), 0);
    remove_file(path);
    assert_int_equal(kept.row_count, 2);
    assert_true(isnan(kept.rows[0].time_ns));
    assert_true(kept_has_fact(&kept, "no rule applies=1"));
    kept_done(&kept);
}

static const struct hostile hostile_tables[] = {
    {"",                                   0, "a table without a header",               false},
    {"a,b\n1,2\n",                         0, "no mapping in",                          false},
    {HEADER "bmm,1\r\n",                   0, "input:2: 2 cells, the header has 8",     false},
    {HEADER "bmm,1,T4,k,1,1,1,1,9\r\n",    0, "input:2: 9 cells, the header has 8",     false},
    {HEADER "bmm,1,T\"4,k,1,1,1,1\r\n",    0, "input:2: a quote inside a cell",         false},
    {HEADER "bmm,1,\"T\"4,k,1,1,1,1\r\n",  0, "input:2: text behind the quote",         false},
    {"a,b\0c\n",                           6, "input:1: a NUL byte",                    false},
    {HEADER "bmm,1,T\xff,k,1,1,1,1\r\n",   0, "input:2: a cell is not UTF-8",           false},
    {HEADER "bmm,1,\"T4,k,1,1,1,1\r\n",    0, "the last cell is quoted and not closed", true },
    {HEADER "bmm,1,T4,k\r\nbmm",           0, "input:2: 4 cells",                       false},
    {HEADER "bmm,1,T4,k,1,1,1,1\r\nbmm,2", 0, "the last line has too few cells",        true },
    {HEADER "bmm,1,T4,k,1,1,1,1,\r\n",     0, "input:2: 9 cells",                       false},
};

static void hostile_tables_are_refused_or_cut_with_a_reason(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof hostile_tables / sizeof *hostile_tables; i++)
        check_hostile(&foreign_table, &hostile_tables[i], (struct foreign_request){0});
}

/* A packed table whose end is missing: what came whole is read, nothing of the last line. */
static void a_packed_table_that_is_cut_gives_its_whole_lines(void **state) {
    (void)state;
    struct kept kept;
    struct file_map map;
    kept_init(&kept);
    const char *path = file_of(&kept.arena, "table.gz", "", 0);
    gzFile file = gzopen(path, "wb");
    gzputs(file, HEADER);
    for (int i = 0; i < 5000; i++)
        gzprintf(file, "bmm,%d.5,T4,k,%d,2,3,4\r\n", i * 7919 % 1000, i);
    assert_int_equal(gzclose(file), Z_OK);
    assert_int_equal(file_map_open(&map, path, &kept.err), 0);
    int rc = kept_read_text(&kept, &foreign_table, (const char *)map.bytes, map.size / 2,
                            (struct foreign_request){0});
    file_map_close(&map);
    remove_file(path);
    assert_int_equal(rc, 0);
    assert_false(kept.outcome.complete);
    assert_string_equal(kept.outcome.cut, "the gzip stream ends early");
    assert_true(kept.row_count > 1000 && kept.row_count < 4900);
    assert_int_equal(kept.outcome.events, kept.row_count);
    for (size_t i = 0; i < kept.row_count; i++)
        assert_true(kept.rows[i].time_ns == (double)(i * 7919 % 1000) * 1e6 + 5e5);
    kept_done(&kept);
}

static void what_is_too_wide_or_too_long_is_refused(void **state) {
    (void)state;
    struct strbuf text;
    strbuf_init(&text);
    for (int i = 0; i < CSV_CELLS_MAX; i++)
        strbuf_puts(&text, "a,");
    struct hostile wide = {text.text, text.length, "more than 4096 cells", false};
    check_hostile(&foreign_table, &wide, (struct foreign_request){0});
    text.length = 0;
    strbuf_puts(&text, "\"");
    for (int i = 0; i < CSV_RECORD_BYTES_MAX / 8 + 1; i++)
        strbuf_puts(&text, "abcdefg\n");
    struct hostile length = {text.text, text.length, "longer than 1 MiB", false};
    check_hostile(&foreign_table, &length, (struct foreign_request){0});
    strbuf_done(&text);
}

static void wrong_mappings_are_refused_with_their_place(void **state) {
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"name: x\ncolumns: [a]\n",                                                   "rows or samples"    },
        {"name: x\nrows: []\n",                                                       "a name and columns" },
        {"name: x\ncolumns: [a]\nrows: {}\n",                                         "m:3:7: rows must be"},
        {"name: x\ncolumns: [[a]]\nrows: [{name: a}]\n",                              "a list of texts"    },
        {"name: x\ncolumns: [a]\nrows: [{nam: a}]\n",                                 "\"nam\""            },
        {"name: x\ncolumns: [a]\nrows: [{device: a}]\n",                              "a row needs a name" },
        {"name: x\ncolumns: [a]\nrows: [{name: a, time: {value: \"1\", unit: h}}]\n",
         "unit must be"                                                                                    },
        {"name: x\ncolumns: [a]\nrows: [{name: a, time: {unit: s}}]\n",               "needs a value"      },
        {"name: x\ncolumns: [a]\nrows: [{name: a, when: [b]}]\n",                     "columns to texts"   },
        {"name: x\ncolumns: [a]\nrows: [{name: a, attributes: [\"b c\"]}]\n",         "one word"           },
        {"name: x\ncolumns: [a]\nsamples: [{metric: a}]\n",                           "metric, unit, value"},
        {"- 1\n",                                                                     "m:1:1"              },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arena arena;
        struct mapping mapping;
        struct err err = {0};
        arena_init(&arena);
        assert_int_equal(
            mapping_parse(&arena, cases[i].text, strlen(cases[i].text), "m", &mapping, &err),
            -ERR_INPUT);
        if (!strstr(err.message, cases[i].message))
            fail_msg("no '%s' in '%s'", cases[i].message, err.message);
        arena_done(&arena);
    }
}

/* ---- the tables that mappings ship for ------------------------------------------------------- */

/* Rows that a line gives, by the columns of its header alone. */
static int count_operators(void *context, const struct csv_record *record, struct err *err) {
    uint64_t *count = context;
    (void)err;
    if (*count > 0)
        return 0;
    for (uint32_t i = 0; i < record->count; i++) {
        const char *dot = strrchr(record->cells[i], '.');
        *count += dot && strcmp(dot, ".median") == 0;
        *count += strcmp(record->cells[i], "silicon_ttft_ms") == 0;
        *count += strcmp(record->cells[i], "silicon_tpot_ms") == 0;
        *count += strcmp(record->cells[i], "kv_cache_pct") == 0 ? 5 : 0;
    }
    *count += *count == 0;
    return 0;
}

/* None of these tables has a line end inside a cell. */
static int count_line(void *context, uint64_t number, const char *line, size_t length,
                      struct err *err) {
    (void)line, (void)length, (void)err;
    *(uint64_t *)context = number;
    return 0;
}

static uint64_t files_read, lines_read_in_all, rows_read_in_all;

static void import_all_rows(const char *path) {
    struct kept kept;
    struct inflated *in = NULL;
    uint64_t counts[2] = {0};
    kept_init(&kept);
    if (inflated_open(&in, path, &kept.err) ||
        csv_read(path, in, count_operators, &counts[1], &kept.outcome, &kept.err) ||
        lines_read(path, count_line, counts, &kept.err))
        fail_msg("%s", kept.err.message);
    inflated_close(in);
    if (kept_read(&kept, &foreign_table, (struct foreign_request){.path = path}))
        fail_msg("%s", kept.err.message);
    uint64_t lines = counts[0] - 1;
    if (kept.outcome.events != lines || kept.row_count + kept.sample_count != lines * counts[1] ||
        kept_has_fact(&kept, "left out"))
        fail_msg("%s: %d lines, %d rows and samples, not %d x %d", path, (int)kept.outcome.events,
                 (int)(kept.row_count + kept.sample_count), (int)lines, (int)counts[1]);
    files_read++;
    lines_read_in_all += lines;
    rows_read_in_all += kept.row_count + kept.sample_count;
    kept_done(&kept);
}

static int visit_file(const char *path, const struct stat *status, int type, struct FTW *where) {
    (void)status, (void)where;
    if (type == FTW_F && strstr(path, ".csv"))
        import_all_rows(path);
    return 0;
}

static void each_mapping_imports_all_rows_of_its_tables(void **state) {
    (void)state;
    static const char *const folders[] = {"neusight", "aiconfigurator", "vidur", "llmservingsim"};
    struct arena arena;
    arena_init(&arena);
    files_read = lines_read_in_all = rows_read_in_all = 0;
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        nftw(shared_data(&arena, folders[i]), visit_file, 16, FTW_PHYS);
    arena_done(&arena);
    if (files_read == 0) {
        print_message("skip: no shared tables\n");
        skip();
    }
    print_message("%d tables, %d lines, %d rows\n", (int)files_read, (int)lines_read_in_all,
                  (int)rows_read_in_all);
}

static void small_tables_of_every_layout_give_all_their_rows(void **state) {
    (void)state;
    files_read = 0;
    nftw("tests/data/tables", visit_file, 16, FTW_PHYS);
    assert_true(files_read >= 20);
}

static int use_mappings_of_the_sources(void **state) {
    (void)state;
    return setenv("ASSAY_MAPPINGS", MAPPINGS, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_are_what_rfc_4180_says_however_they_come),
        cmocka_unit_test(templates_put_cells_and_shapes_into_texts),
        cmocka_unit_test(paths_say_what_the_table_does_not),
        cmocka_unit_test(a_pattern_of_many_stars_is_given_up),
        cmocka_unit_test(the_header_chooses_the_mapping_and_rows_are_what_it_says),
        cmocka_unit_test(cells_that_are_no_numbers_are_named_and_counted),
        cmocka_unit_test(a_mapping_of_the_user_makes_several_rows_of_a_line),
        cmocka_unit_test(the_example_of_the_manual_does_what_it_says),
        cmocka_unit_test(lines_that_no_rule_wants_are_counted),
        cmocka_unit_test(hostile_tables_are_refused_or_cut_with_a_reason),
        cmocka_unit_test(a_packed_table_that_is_cut_gives_its_whole_lines),
        cmocka_unit_test(what_is_too_wide_or_too_long_is_refused),
        cmocka_unit_test(wrong_mappings_are_refused_with_their_place),
        cmocka_unit_test(each_mapping_imports_all_rows_of_its_tables),
        cmocka_unit_test(small_tables_of_every_layout_give_all_their_rows),
    };
    return cmocka_run_group_tests(tests, use_mappings_of_the_sources, NULL);
}
