#include "jobs/lowering.h"

#include "base/strbuf.h"
#include "db/lowered.h"
#include "models/infer.h"
#include "models/lower.h"
#include "models/mask_least.h"
#include "models/onnx/read.h"
#include "models/onnx/write.h"

#include <string.h>
#include <time.h>

static int64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

/* A graph lowered without the weights' values is not the one lowered with them. */
static const char *weights_key(const struct subject *subject) {
    return strcmp(subject->weights, "files") == 0 && !subject->weights_missing ? "files"
                                                                               : "zero-pages";
}

static struct lowered_key key_of(const struct subject *subject) {
    return (struct lowered_key){subject->model.sha256, subject->machine.isa, &subject->conditions,
                                weights_key(subject)};
}

static struct stored_model stored_model_of(const struct subject *subject) {
    const struct model *model = &subject->model;
    return (struct stored_model){
        .sha256 = model->sha256,
        .name = model->name,
        .path = model->path,
        .format = model->format,
        .file_bytes = model->file_bytes,
        .nodes = graph_op_count(model->graph),
        .parameters = graph_parameters(model->graph),
        .weight_bytes = graph_weight_bytes(model->graph),
    };
}

static int from_cache(struct arena *arena, struct db *db, const struct subject *subject,
                      struct lowering *out, struct err *err) {
    struct lowered_key key = key_of(subject);
    struct lowered_graph stored;
    if (db_get_lowered(db, arena, &key, &stored, err))
        return -(int)err->code;
    if (stored.id == 0 || strcmp(stored.origin, "runtime") != 0)
        return 0;
    out->origin = "cache";
    out->exact = true;
    out->bytes = stored.bytes;
    out->byte_count = stored.byte_count;
    return onnx_read_bytes(arena, stored.bytes, stored.byte_count, "stored graph", &out->graph,
                           err);
}

static int to_bytes(struct arena *arena, struct lowering *out, struct err *err) {
    const struct onnx_weights omitted = {.mode = ONNX_WEIGHTS_OMITTED};
    struct strbuf bytes;
    strbuf_init(&bytes);
    int code = onnx_write_bytes(out->graph, &omitted, &bytes, err);
    if (!code) {
        char *copy = arena_alloc(arena, bytes.length);
        memcpy(copy, bytes.text, bytes.length);
        out->bytes = copy;
        out->byte_count = bytes.length;
    }
    strbuf_done(&bytes);
    return code;
}

/* Names and order of what is stored and what is used must agree, so it is read back at once. */
static int settle(struct arena *arena, struct db *db, const struct subject *subject,
                  struct lowering *out, struct err *err) {
    mask_least_note(out->graph, subject->model.graph, subject->model.path);
    if (to_bytes(arena, out, err) ||
        onnx_read_bytes(arena, out->bytes, out->byte_count, "lowered graph", &out->graph, err))
        return -(int)err->code;
    if (!db || db_is_read_only(db) || !out->exact)
        return 0;
    struct lowered_key key = key_of(subject);
    struct stored_model model = stored_model_of(subject);
    struct lowered_graph stored = {
        .origin = out->origin,
        .bytes = out->bytes,
        .byte_count = out->byte_count,
        .lowering_ns = out->duration_ns,
        .op_count = (uint32_t)graph_op_count(out->graph),
    };
    int64_t id;
    return db_put_lowered(db, &model, &key, &stored, &id, err);
}

static int by_runtime(struct arena *arena, struct db *db, const struct subject *subject,
                      struct lowering *out, struct err *err) {
    struct collect_config config = subject->config;
    if (strcmp(weights_key(subject), "files") != 0)
        config.weights = WEIGHTS_ZERO_PAGES;
    int64_t start = now_ns();
    if (subject->collector->lower(arena, &config, &out->graph, err))
        return -(int)err->code;
    subject_bind_axes(subject, out->graph);
    if (infer_shapes(out->graph, err))
        return err_prefix(err, "the graph that %s made", subject->collector->name);
    out->duration_ns = now_ns() - start;
    out->origin = "runtime";
    out->exact = true;
    return settle(arena, db, subject, out, err);
}

static int by_rules(struct arena *arena, const struct subject *subject, struct lowering *out,
                    struct err *err) {
    const struct lower_target target = {.block = subject->target.block};
    int64_t start = now_ns();
    if (subject->model.decoder) {
        err_set(err, ERR_ENVIRONMENT, "%s: a GGUF file names no operators; llama.cpp shows them",
                subject->model.path);
        return err_hint(err, "%s",
                        subject->unavailable.code != ERR_OK ? subject->unavailable.message
                                                            : "--collector llamacpp");
    }
    if (lower_by_rules(arena, subject->graph, &target, &out->graph, err))
        return -(int)err->code;
    out->duration_ns = now_ns() - start;
    out->origin = "rules";
    return settle(arena, NULL, subject, out, err);
}

int lowering_make(struct arena *arena, struct db *db, const struct subject *subject,
                  enum lowering_source source, struct lowering *out, struct err *err) {
    *out = (struct lowering){.origin = ""};
    if (db && source != LOWERING_RULES && from_cache(arena, db, subject, out, err))
        return -(int)err->code;
    bool runtime = subject->unavailable.code == ERR_OK && subject->collector->lower;
    if (!out->graph && source == LOWERING_RUNTIME && !runtime) {
        *err = subject->unavailable;
        return err_set(err, ERR_ENVIRONMENT, "%s cannot lower models", subject->collector->name);
    }
    int code = 0;
    if (!out->graph && source != LOWERING_RULES && runtime)
        code = by_runtime(arena, db, subject, out, err);
    else if (!out->graph)
        code = by_rules(arena, subject, out, err);
    return code ? code : flat_graph_build(arena, out->graph, &out->flat, err);
}
