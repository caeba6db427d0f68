/* Shape inference against the operator tests of the ONNX project, as Debian packages them: models
 * of mostly one operator with recorded inputs and outputs. What the models declare about their
 * outputs is forgotten before; only what follows from the inputs counts. */
#include "models/infer.h"
#include "models/onnx/tensor.h"
#include "models/reader.h"

#include "base/file.h"

#include <dirent.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *const root = "/usr/share/libonnx-testdata/data";
static const char *const kinds[] = {"node", "simple", "pytorch-converted", "pytorch-operator"};

/* Reached on the corpus of libonnx-testdata 1.12.0-2. */
enum { MODELS_FLOOR = 1072, AGREE_FLOOR = 1209 };

struct tally {
    int models, unreadable, refused, unsized; /* unsized: a size of the output is not known */
    int agree, unknown, disagree, not_tensors, values_agree, values_disagree;
};

/* ---- recorded tensors ------------------------------------------------------------------------ */

/* Adds the tensor of a recorded .pb file to the graph; GRAPH_NONE when it is none. */
static int32_t read_recorded(struct graph *graph, const char *folder, const char *what, int i) {
    char path[512];
    struct file_map map = {0};
    struct err err = {0};
    struct onnx_tensor from = {0};
    snprintf(path, sizeof path, "%s/test_data_set_0/%s_%d.pb", folder, what, i);
    if (file_map_open(&map, path, &err))
        return GRAPH_NONE;
    int32_t t = GRAPH_NONE;
    if (onnx_tensor_read(wire_open(map.bytes, map.size, &err), &from) == 0 &&
        from.dtype != DTYPE_UNDEFINED) {
        t = graph_add_tensor(graph, "", from.dtype);
        if (onnx_tensor_describe(&from, graph, t))
            t = GRAPH_NONE;
    }
    file_map_close(&map);
    return t;
}

/* Inputs as recorded: their sizes, and the values of small ones. */
static void feed_inputs(struct graph *graph, struct graph *records, const char *folder) {
    for (uint32_t i = 0; i < graph->input_count; i++) {
        int32_t t = read_recorded(records, folder, "input", (int)i);
        if (t == GRAPH_NONE)
            continue;
        struct tensor *input = &graph->tensors[graph->inputs[i]];
        if (input->dtype != records->tensors[t].dtype)
            continue;
        input->rank = records->tensors[t].rank;
        input->dims = records->tensors[t].dims;
        input->values = records->tensors[t].values;
    }
}

/* ---- comparing ------------------------------------------------------------------------------- */

/* The corpus records bfloat16 as the uint16 of its bits. */
static bool same_dtype(enum dtype got, enum dtype expected) {
    return got == expected || (got == DTYPE_BFLOAT16 && expected == DTYPE_UINT16);
}

/* 1: the same, 0: something is not known, -1: different. */
static int compare_shapes(const struct tensor *got, const struct tensor *expected) {
    if (got->dtype != DTYPE_UNDEFINED && !same_dtype(got->dtype, expected->dtype))
        return -1;
    if (got->rank >= 0 && got->rank != expected->rank)
        return -1;
    int result = got->dtype != DTYPE_UNDEFINED && got->rank >= 0;
    for (int32_t i = 0; i < got->rank; i++) {
        if (got->dims[i].size >= 0 && got->dims[i].size != expected->dims[i].size)
            return -1;
        result = result && got->dims[i].size >= 0;
    }
    return result;
}

static bool values_equal(const struct tensor_values *a, const struct tensor_values *b) {
    if (a->count != b->count || !a->ints != !b->ints)
        return false;
    for (uint64_t i = 0; i < a->count; i++)
        if (a->ints ? a->ints[i] != b->ints[i]
                    : fabs(a->floats[i] - b->floats[i]) > 1e-5 * (1 + fabs(b->floats[i])) ||
                          isnan(a->floats[i]) != isnan(b->floats[i]))
            return false;
    return true;
}

static void compare_output(struct graph *graph, struct graph *records, const char *folder,
                           uint32_t i, struct tally *tally) {
    const struct tensor *got = &graph->tensors[graph->outputs[i]];
    int32_t t = read_recorded(records, folder, "output", (int)i);
    if (t == GRAPH_NONE) {
        tally->not_tensors++;
        return;
    }
    const struct tensor *expected = &records->tensors[t];
    int verdict = compare_shapes(got, expected);
    tally->agree += verdict > 0;
    tally->unknown += verdict == 0;
    tally->disagree += verdict < 0;
    if (verdict <= 0)
        printf("%s: %s output %u: %s %s, recorded %s %s\n", verdict ? "differs" : "unknown", folder,
               i, dtype_name(got->dtype), tensor_shape_text(graph->arena, graph, got),
               dtype_name(expected->dtype), tensor_shape_text(graph->arena, records, expected));
    if (got->values && expected->values && got->producer != GRAPH_NONE) {
        bool equal = values_equal(got->values, expected->values);
        tally->values_agree += equal;
        tally->values_disagree += !equal;
        if (!equal)
            printf("values differ: %s output %u\n", folder, i);
    }
}

static void try_model(const char *folder, struct tally *tally) {
    char path[400];
    struct arena arena;
    struct err err = {0};
    struct model model;
    snprintf(path, sizeof path, "%s/model.onnx", folder);
    arena_init(&arena);
    tally->models++;
    if (model_read(&arena, path, NULL, &model, &err)) {
        printf("not read: %s: %s\n", folder, err.message);
        tally->unreadable++;
    } else {
        struct graph *records = graph_new(&arena, "records");
        infer_forget(model.graph);
        feed_inputs(model.graph, records, folder);
        if (infer_shapes(model.graph, &err)) {
            printf("refused: %s: %s\n", folder, err.message);
            tally->refused++;
        }
        for (uint32_t i = 0; i < model.graph->output_count; i++)
            compare_output(model.graph, records, folder, i, tally);
    }
    arena_done(&arena);
}

static void try_kind(const char *kind, struct tally *tally) {
    char folder[300];
    struct dirent **entries;
    snprintf(folder, sizeof folder, "%s/%s", root, kind);
    int count = scandir(folder, &entries, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        if (entries[i]->d_name[0] != '.') {
            snprintf(folder, sizeof folder, "%s/%s/%.100s", root, kind, entries[i]->d_name);
            try_model(folder, tally);
        }
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
}

static void every_inferred_shape_is_the_recorded_one(void **state) {
    struct tally t = {0};
    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        try_kind(kinds[i], &t);
    if (t.models == 0) {
        printf("skip: the ONNX operator corpus is not installed (package libonnx-testdata)\n");
        skip();
    }
    printf("corpus: %d models; outputs: %d agree, %d unknown, %d disagree, %d not tensors; "
           "folded values: %d agree, %d disagree; %d refused, %d not read\n",
           t.models, t.agree, t.unknown, t.disagree, t.not_tensors, t.values_agree,
           t.values_disagree, t.refused, t.unreadable);
    assert_int_equal(t.disagree, 0);
    assert_int_equal(t.values_disagree, 0);
    assert_int_equal(t.refused, 0);
    assert_int_equal(t.unreadable, 0);
    assert_in_range(t.models, MODELS_FLOOR, INT32_MAX);
    assert_in_range(t.agree, AGREE_FLOOR, INT32_MAX);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_inferred_shape_is_the_recorded_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
