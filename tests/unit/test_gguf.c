/* The GGUF reader and writer: what is written is read back, what is damaged is refused. */
#include "base/file.h"
#include "models/gguf/gguf.h"
#include "models/gguf/read.h"
#include "models/gguf/write.h"
#include "models/reader.h"
#include "models/zoo/gguf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct bench {
    struct arena arena;
    char path[64];
};

static const struct zoo_gguf_config tiny = {"tiny one", 2, 256, 8, 2, 512, 96, 512, 1e4f, 1};

static int start(void **state) {
    struct bench *bench = test_calloc(1, sizeof *bench);
    arena_init(&bench->arena);
    strcpy(bench->path, "/tmp/assay-gguf-XXXXXX");
    close(mkstemp(bench->path));
    *state = bench;
    return 0;
}

static int stop(void **state) {
    struct bench *bench = *state;
    unlink(bench->path);
    arena_done(&bench->arena);
    test_free(bench);
    return 0;
}

static struct model written(struct bench *bench, enum dtype dtype, uint64_t seed) {
    struct model model = {0};
    struct err err = {0};
    if (zoo_write_gguf_of(&tiny, dtype, seed, bench->path, &err) ||
        model_read(&bench->arena, bench->path, NULL, &model, &err))
        fail_msg("%s", err.message);
    return model;
}

/* ---- written and read back --------------------------------------------------------------------
 */

static void what_is_written_is_read_back(void **state) {
    struct model model = written(*state, DTYPE_FLOAT16, 1);
    const struct decoder *d = model.decoder;
    assert_string_equal(model.format, "gguf");
    assert_string_equal(model.name, "tiny one");
    assert_string_equal(d->architecture, "llama");
    assert_int_equal(d->layers, 2);
    assert_int_equal(d->width, 256);
    assert_int_equal(d->heads, 8);
    assert_int_equal(d->kv_heads, 4);
    assert_int_equal(d->key_width, 32);
    assert_int_equal(d->context, 512);
    assert_int_equal(d->vocabulary, 96);
    assert_int_equal(graph_parameters(model.graph),
                     2 * 96 * 256 + 256 + 2 * (2 * 256 + 2 * 256 * 256 + 2 * 256 * 64) +
                         2 * 3 * 256 * 512);
    const struct tensor *down =
        &model.graph->tensors[graph_find_tensor(model.graph, "blk.1.ffn_down.weight")];
    assert_int_equal(down->dims[0].size, 256);
    assert_int_equal(down->dims[1].size, 512);
    assert_int_equal(down->dtype, DTYPE_FLOAT16);
}

static void every_random_type_can_be_written(void **state) {
    const char *name;
    for (size_t i = 0; (name = gguf_random_type(i)); i++) {
        enum dtype dtype = dtype_by_name(name);
        struct model model = written(*state, dtype, 1);
        const struct tensor *up =
            &model.graph->tensors[graph_find_tensor(model.graph, "blk.0.ffn_up.weight")];
        assert_int_equal(up->dtype, dtype);
        assert_int_equal(tensor_bytes(up), dtype_bytes(dtype, 256 * 512));
    }
}

static void rows_that_blocks_do_not_fill_get_a_wider_type(void **state) {
    (void)state;
    assert_int_equal(gguf_dtype_for(DTYPE_Q4_K, 512), DTYPE_Q4_K);
    assert_int_equal(gguf_dtype_for(DTYPE_Q4_K, 288), DTYPE_Q4_0);
    assert_int_equal(gguf_dtype_for(DTYPE_Q6_K, 288), DTYPE_Q8_0);
    assert_int_equal(gguf_dtype_for(DTYPE_Q4_0, 172), DTYPE_FLOAT16);
    assert_int_equal(gguf_dtype_for(DTYPE_FLOAT32, 7), DTYPE_FLOAT32);
}

static void the_same_seed_gives_the_same_bytes(void **state) {
    struct model first = written(*state, DTYPE_Q8_0, 7), again = written(*state, DTYPE_Q8_0, 7),
                 other = written(*state, DTYPE_Q8_0, 8);
    assert_string_equal(first.sha256, again.sha256);
    assert_string_not_equal(first.sha256, other.sha256);
}

/* Half-precision scales are what the deviation asks for: 1/16 for rows of 256. */
static void random_blocks_have_the_deviation_asked_for(void **state) {
    struct bench *bench = *state;
    struct model model = written(bench, DTYPE_Q8_0, 1);
    const struct tensor *up =
        &model.graph->tensors[graph_find_tensor(model.graph, "blk.0.ffn_up.weight")];
    struct file_map map;
    struct err err = {0};
    assert_int_equal(file_map_open(&map, bench->path, &err), 0);
    double sum = 0, count = 256 * 512;
    for (uint64_t block = 0; block < 256 * 512 / 32; block++) {
        const unsigned char *at = map.bytes + up->file_offset + 34 * block;
        unsigned bits = at[0] | (unsigned)at[1] << 8;
        double scale = (1 + (bits & 1023) / 1024.0) / (double)(1 << (15 - (bits >> 10)));
        for (int i = 2; i < 34; i++)
            sum += scale * (signed char)at[i] * scale * (signed char)at[i];
    }
    file_map_close(&map);
    assert_true(sum / count > 0.95 / 256 && sum / count < 1.05 / 256);
}

static void the_cache_of_a_decoder_is_counted(void **state) {
    (void)state;
    const struct decoder decoder = {.kv_heads = 36, .key_width = 48, .value_width = 48};
    assert_int_equal(decoder_cells(1), 256);
    assert_int_equal(decoder_cells(256), 256);
    assert_int_equal(decoder_cells(257), 512);
    assert_int_equal(decoder_cache_bytes(&decoder, 2, 256, DTYPE_FLOAT16), 2 * 256 * 36 * 96 * 2);
    assert_int_equal(decoder_cache_bytes(&decoder, 1, 1, DTYPE_Q8_0), 36 * 2 * 68);
}

/* ---- hand-made files --------------------------------------------------------------------------
 */

struct file {
    unsigned char bytes[2048];
    size_t length;
};

static void add(struct file *file, const void *bytes, size_t length) {
    memcpy(file->bytes + file->length, bytes, length);
    file->length += length;
}

static void add_u(struct file *file, size_t bytes, uint64_t value) {
    add(file, &value, bytes);
}

static void add_text(struct file *file, const char *text) {
    add_u(file, 8, strlen(text));
    add(file, text, strlen(text));
}

static struct file head(uint32_t version, uint64_t tensors, uint64_t pairs) {
    struct file file = {.length = 0};
    add(&file, "GGUF", 4);
    add_u(&file, 4, version);
    add_u(&file, 8, tensors);
    add_u(&file, 8, pairs);
    return file;
}

static void add_architecture(struct file *file) {
    add_text(file, "general.architecture");
    add_u(file, 4, GGUF_STRING);
    add_text(file, "x");
}

static void add_number(struct file *file, const char *key, uint32_t value) {
    add_text(file, key);
    add_u(file, 4, GGUF_UINT32);
    add_u(file, 4, value);
}

static void add_tensor(struct file *file, const char *name, uint32_t rank, const uint64_t *sizes,
                       uint32_t type, uint64_t offset) {
    add_text(file, name);
    add_u(file, 4, rank);
    for (uint32_t i = 0; i < rank && i < 8; i++)
        add_u(file, 8, sizes[i]);
    add_u(file, 4, type);
    add_u(file, 8, offset);
}

static struct file with_tensor(uint32_t rank, const uint64_t *sizes, uint32_t type,
                               uint64_t offset) {
    struct file file = head(3, 1, 1);
    add_architecture(&file);
    add_tensor(&file, "t", rank, sizes, type, offset);
    return file;
}

static struct file no_gguf(void) {
    struct file file = {.length = 0};
    add(&file, "GGUX\3\0\0\0", 8);
    return file;
}

static struct file of_37_bytes(void) { /* promises more than there is */
    struct file file = head(3, UINT64_C(1) << 60, UINT64_C(1) << 60);
    add(&file, "0123456789abc", 13);
    return file;
}

static struct file version_1(void) {
    return head(1, 0, 0);
}

static struct file version_9(void) {
    return head(9, 0, 0);
}

static struct file big_endian(void) {
    return head(0x03000000, 0, 0);
}

static struct file many_tensors(void) {
    struct file file = head(3, UINT64_MAX, 1);
    add_architecture(&file);
    return file;
}

static struct file long_key(void) {
    struct file file = head(3, 0, 1);
    add_u(&file, 8, UINT64_MAX - 3);
    add(&file, "general.architecture", 20);
    return file;
}

static struct file empty_key(void) {
    struct file file = head(3, 0, 1);
    add_number(&file, "", 1);
    return file;
}

static struct file key_of_control_characters(void) {
    struct file file = head(3, 0, 1);
    add_number(&file, "a\nb", 1);
    return file;
}

static struct file key_twice(void) {
    struct file file = head(3, 0, 2);
    add_number(&file, "a", 1);
    add_number(&file, "a", 2);
    return file;
}

static struct file unknown_type(void) {
    struct file file = head(3, 0, 1);
    add_text(&file, "a");
    add_u(&file, 4, 13);
    add_u(&file, 8, 0);
    return file;
}

static struct file half_a_boolean(void) {
    struct file file = head(3, 0, 1);
    add_text(&file, "a");
    add_u(&file, 4, GGUF_BOOL);
    add_u(&file, 1, 2);
    return file;
}

static struct file array_of(uint32_t type, uint64_t count) {
    struct file file = head(3, 0, 1);
    add_text(&file, "a");
    add_u(&file, 4, GGUF_ARRAY);
    add_u(&file, 4, type);
    add_u(&file, 8, count);
    return file;
}

static struct file array_in_array(void) {
    return array_of(GGUF_ARRAY, 1);
}

static struct file endless_array(void) {
    return array_of(GGUF_UINT64, UINT64_C(1) << 61);
}

static struct file endless_texts(void) {
    return array_of(GGUF_STRING, UINT32_MAX);
}

static struct file odd_alignment(void) {
    struct file file = head(3, 0, 2);
    add_architecture(&file);
    add_number(&file, "general.alignment", 24);
    return file;
}

static struct file alignment_as_text(void) {
    struct file file = head(3, 0, 1);
    add_text(&file, "general.alignment");
    add_u(&file, 4, GGUF_STRING);
    add_text(&file, "32");
    return file;
}

static struct file no_architecture(void) {
    struct file file = head(3, 0, 1);
    add_number(&file, "general.architecture", 1);
    return file;
}

static struct file one_of_several(void) {
    struct file file = head(3, 0, 2);
    add_architecture(&file);
    add_number(&file, "split.count", 3);
    return file;
}

static struct file many_layers(void) {
    struct file file = head(3, 0, 2);
    add_architecture(&file);
    add_number(&file, "x.block_count", UINT32_MAX);
    return file;
}

static struct file long_name(void) {
    struct file file = head(3, 1, 1);
    add_architecture(&file);
    add_tensor(&file, "0123456789012345678901234567890123456789012345678901234567890123", 0, NULL,
               0, 0);
    return file;
}

static struct file name_twice(void) {
    struct file file = head(3, 2, 1);
    add_architecture(&file);
    add_tensor(&file, "t", 0, NULL, 0, 0);
    add_tensor(&file, "t", 0, NULL, 0, 32);
    return file;
}

static struct file five_dimensions(void) {
    return with_tensor(5, (uint64_t[]){1, 1, 1, 1, 1}, 0, 0);
}

static struct file negative_size(void) {
    return with_tensor(1, (uint64_t[]){UINT64_MAX}, 0, 0);
}

static struct file overflowing_sizes(void) {
    return with_tensor(2, (uint64_t[]){UINT64_C(1) << 40, UINT64_C(1) << 40}, 0, 0);
}

static struct file withdrawn_type(void) {
    return with_tensor(1, (uint64_t[]){32}, 4, 0);
}

static struct file type_of_the_future(void) {
    return with_tensor(1, (uint64_t[]){32}, 0xffffffff, 0);
}

static struct file half_a_block(void) {
    return with_tensor(1, (uint64_t[]){48}, 8, 0);
}

static struct file gap_in_the_data(void) {
    return with_tensor(1, (uint64_t[]){8}, 0, 32);
}

static struct file data_behind_the_end(void) {
    return with_tensor(1, (uint64_t[]){1 << 20}, 0, 0);
}

static const struct {
    const char *name;
    struct file (*make)(void);
    const char *says;
} hostile[] = {
    {"no GGUF",             no_gguf,                   "expected \"GGUF\""          },
    {"37 bytes",            of_37_bytes,               "1152921504606846976 tensors"},
    {"version 1",           version_1,                 "GGUF version 1"             },
    {"version 9",           version_9,                 "GGUF version 9"             },
    {"big endian",          big_endian,                "big-endian"                 },
    {"many tensors",        many_tensors,              "tensors, "                  },
    {"long key",            long_key,                  "a key has"                  },
    {"empty key",           empty_key,                 "a key of 0 bytes"           },
    {"control characters",  key_of_control_characters, "printable ASCII"            },
    {"key twice",           key_twice,                 "key 'a' stands twice"       },
    {"unknown type",        unknown_type,              "has type 13"                },
    {"boolean 2",           half_a_boolean,            "expected 0 or 1"            },
    {"nested arrays",       array_in_array,            "array of arrays"            },
    {"endless array",       endless_array,             "elements of type uint64"    },
    {"endless texts",       endless_texts,             "elements of type string"    },
    {"alignment 24",        odd_alignment,             "power of two"               },
    {"alignment as text",   alignment_as_text,         "not a uint32"               },
    {"no architecture",     no_architecture,           "general.architecture"       },
    {"one of several",      one_of_several,            "split into 3 files"         },
    {"many layers",         many_layers,               "x.block_count"              },
    {"long name",           long_name,                 "64 bytes"                   },
    {"name twice",          name_twice,                "tensor 't' stands twice"    },
    {"five dimensions",     five_dimensions,           "5 dimensions"               },
    {"negative size",       negative_size,             "more elements than can be"  },
    {"overflowing sizes",   overflowing_sizes,         "more elements than can be"  },
    {"withdrawn type",      withdrawn_type,            "type 4, which ggml does not"},
    {"type of the future",  type_of_the_future,        "type 4294967295"            },
    {"half a block",        half_a_block,              "blocks of 32 (q8_0)"        },
    {"gap in the data",     gap_in_the_data,           "begins at 32"               },
    {"data behind the end", data_behind_the_end,       "but the file ends at"       },
};

static int read_bytes(struct bench *bench, const void *bytes, size_t length, struct err *err) {
    struct model model;
    *err = (struct err){0};
    return gguf_read_bytes(&bench->arena, bytes, length, "file.gguf", &model, err);
}

static void hostile_files_are_refused_by_what_is_wrong(void **state) {
    for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++) {
        struct file file = hostile[i].make();
        struct err err;
        if (read_bytes(*state, file.bytes, file.length, &err) == 0)
            fail_msg("%s was read", hostile[i].name);
        assert_int_equal(err.code, ERR_INPUT);
        if (!strstr(err.message, hostile[i].says) || !strstr(err.message, "file.gguf"))
            fail_msg("%s: %s", hostile[i].name, err.message);
    }
}

static void a_file_cut_anywhere_is_refused(void **state) {
    struct bench *bench = *state;
    struct file_map map;
    struct err err = {0};
    const struct zoo_gguf_config small = {"s", 1, 32, 1, 1, 32, 4, 64, 1e4f, 0};
    assert_int_equal(zoo_write_gguf_of(&small, DTYPE_Q4_0, 1, bench->path, &err), 0);
    assert_int_equal(file_map_open(&map, bench->path, &err), 0);
    assert_int_equal(read_bytes(bench, map.bytes, map.size, &err), 0);
    size_t padding = 31; /* behind the last tensor */
    for (size_t length = 0; length + padding < map.size; length++)
        assert_int_equal(read_bytes(bench, map.bytes, length, &err), -ERR_INPUT);
    file_map_close(&map);
}

static void version_2_and_arrays_are_read(void **state) {
    struct bench *bench = *state;
    struct file file = head(2, 0, 5);
    add_architecture(&file);
    add_number(&file, "x.block_count", 2);
    add_number(&file, "x.attention.head_count", 4);
    add_number(&file, "x.attention.key_length", 16);
    add_text(&file, "x.attention.head_count_kv");
    add_u(&file, 4, GGUF_ARRAY);
    add_u(&file, 4, GGUF_INT32);
    add_u(&file, 8, 2);
    add_u(&file, 4, 1);
    add_u(&file, 4, 4);
    struct model model;
    struct err err = {0};
    assert_int_equal(gguf_read_bytes(&bench->arena, file.bytes, file.length, "f", &model, &err), 0);
    assert_int_equal(model.decoder->kv_heads, 5);
    assert_int_equal(model.decoder->key_width, 16);
    file.bytes[file.length - 1] = 0x80; /* -2147483644 heads */
    assert_int_equal(gguf_read_bytes(&bench->arena, file.bytes, file.length, "f", &model, &err),
                     -ERR_INPUT);
    assert_non_null(strstr(err.message, "x.attention.head_count_kv"));
}

static void a_zoo_model_that_is_no_llama_is_refused(void **state) {
    struct bench *bench = *state;
    struct err err = {0};
    assert_int_equal(zoo_write_gguf("resnet18", DTYPE_FLOAT16, 1, bench->path, &err), -ERR_USAGE);
    assert_non_null(strstr(err.message, "no decoder"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_written_is_read_back, start, stop),
        cmocka_unit_test_setup_teardown(every_random_type_can_be_written, start, stop),
        cmocka_unit_test(rows_that_blocks_do_not_fill_get_a_wider_type),
        cmocka_unit_test_setup_teardown(the_same_seed_gives_the_same_bytes, start, stop),
        cmocka_unit_test_setup_teardown(random_blocks_have_the_deviation_asked_for, start, stop),
        cmocka_unit_test(the_cache_of_a_decoder_is_counted),
        cmocka_unit_test_setup_teardown(hostile_files_are_refused_by_what_is_wrong, start, stop),
        cmocka_unit_test_setup_teardown(a_file_cut_anywhere_is_refused, start, stop),
        cmocka_unit_test_setup_teardown(version_2_and_arrays_are_read, start, stop),
        cmocka_unit_test_setup_teardown(a_zoo_model_that_is_no_llama_is_refused, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
