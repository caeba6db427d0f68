#include "jobs/subject.h"

#include "collectors/machine.h"
#include "jobs/training.h"
#include "models/infer.h"
#include "models/onnx/external.h"
#include "models/onnx/rebatch.h"
#include "models/reader.h"

#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct opening {
    struct arena *arena;
    const struct subject_request *request;
    struct subject *out;
    struct dim_binding *dims;
    uint32_t dim_count, dim_capacity, note_capacity;
    struct err *err;
};

static void note(struct opening *o, const char *text) {
    const char ***list = (const char ***)(uintptr_t)&o->out->notes;
    *ARENA_PUSH(o->arena, *list, o->out->note_count, o->note_capacity) = text;
}

/* ---- machine and runtime --------------------------------------------------------------------- */

static int find_collector(struct opening *o) {
    struct subject *s = o->out;
    s->collector = collector_by_name(o->request->collector);
    if (!s->collector)
        return err_set(o->err, ERR_USAGE, "there is no collector '%s'", o->request->collector);
    s->conditions.runtime = s->collector->name;
    s->conditions.runtime_version = "";
    if (s->collector->available(&s->unavailable) == 0)
        s->collector->version(o->arena, &s->conditions.runtime, &s->conditions.runtime_version,
                              &s->unavailable);
    return 0;
}

static int describe_machine(struct opening *o) {
    if (machine_describe(&o->out->machine, o->err))
        return -(int)o->err->code;
    o->out->target.block = training_block(o->out->machine.isa);
    return 0;
}

/* ---- batch and free dimensions --------------------------------------------------------------- */

static int make_temporary(struct opening *o, const char **path) {
    const char *folder = getenv("TMPDIR");
    char *name =
        arena_printf(o->arena, "%s/assay-XXXXXX.onnx", folder && folder[0] ? folder : "/tmp");
    int fd = mkstemps(name, 5);
    if (fd < 0)
        return err_set_errno(o->err, ERR_ENVIRONMENT, "%s: a temporary file cannot be made", name);
    close(fd);
    *path = name;
    return 0;
}

/* The rebatched copy takes the place of the file; its weights are still beside the original. */
static int rebatch(struct opening *o) {
    struct subject *s = o->out;
    struct model copy;
    if (make_temporary(o, &s->temporary) ||
        onnx_rebatch(&s->model, o->request->batch, s->temporary, o->err) ||
        model_read(o->arena, s->temporary, s->model.name, &copy, o->err))
        return -(int)o->err->code;
    s->graph = copy.graph;
    s->config.model_path = s->temporary;
    s->config.weights_folder = dirname(arena_strdup(o->arena, s->model.path));
    return 0;
}

static void bind(struct opening *o, const char *symbol, int64_t size) {
    *ARENA_PUSH(o->arena, o->dims, o->dim_count, o->dim_capacity) =
        (struct dim_binding){symbol, size};
}

static bool is_bound(const struct opening *o, const char *symbol) {
    for (uint32_t i = 0; i < o->dim_count; i++)
        if (strcmp(o->dims[i].symbol, symbol) == 0)
            return true;
    return false;
}

static int apply_batch(struct opening *o) {
    int64_t fixed = 0;
    const char *symbol = NULL;
    if (o->request->batch == 0)
        return 0;
    if (model_batch(&o->out->model, &fixed, &symbol, o->err))
        return -(int)o->err->code;
    o->out->conditions.batch = o->request->batch;
    if (symbol && !is_bound(o, symbol))
        bind(o, symbol, o->request->batch);
    return symbol || fixed == o->request->batch ? 0 : rebatch(o);
}

static int by_symbol(const void *a, const void *b) {
    return strcmp(((const struct dim_binding *)a)->symbol, ((const struct dim_binding *)b)->symbol);
}

/* Free dimensions of the inputs that nobody named are 1, and that is said. */
static void bind_rest(struct opening *o) {
    const struct graph *graph = o->out->graph;
    for (uint32_t i = 0; i < graph->input_count; i++) {
        const struct tensor *tensor = &graph->tensors[graph->inputs[i]];
        for (int32_t d = 0; d < tensor->rank; d++) {
            int32_t symbol = tensor->dims[d].symbol;
            if (tensor->dims[d].size >= 0 || symbol == GRAPH_NO_SYMBOL ||
                is_bound(o, graph->symbols[symbol]))
                continue;
            bind(o, graph->symbols[symbol], 1);
            note(o, arena_printf(o->arena, "dimension '%s' is taken as 1; give --dim %s=N",
                                 graph->symbols[symbol], graph->symbols[symbol]));
        }
    }
}

static int bind_all(struct opening *o) {
    struct subject *s = o->out;
    for (uint32_t i = 0; i < o->request->dim_count; i++) {
        const struct dim_binding *dim = &o->request->dims[i];
        bool known = false;
        for (uint32_t k = 0; k < s->graph->symbol_count; k++)
            known = known || strcmp(s->graph->symbols[k], dim->symbol) == 0;
        if (!known)
            return err_hint((err_set(o->err, ERR_USAGE, "%s has no free dimension '%s'",
                                     s->model.path, dim->symbol),
                             o->err),
                            "`assay inspect %s` lists them", s->model.path);
    }
    bind_rest(o);
    for (uint32_t i = 0; i < o->dim_count; i++)
        graph_bind_symbol(s->graph, o->dims[i].symbol, o->dims[i].size);
    qsort(o->dims, o->dim_count, sizeof *o->dims, by_symbol);
    s->conditions.dims = s->config.dims = o->dims;
    s->conditions.dim_count = s->config.dim_count = o->dim_count;
    return infer_shapes(s->graph, o->err);
}

/* ---- weights and inputs ---------------------------------------------------------------------- */

static int settle_weights(struct opening *o) {
    struct subject *s = o->out;
    const char **locations;
    uint32_t missing;
    if (external_check(&s->model, o->err) ||
        external_missing(o->arena, &s->model, &locations, &missing, o->err))
        return -(int)o->err->code;
    s->config.slots = weight_slots(o->arena, s->graph, &s->config.slot_count);
    s->weights = missing && o->request->synthesize_weights ? "synthesized" : "files";
    s->weights_missing = missing && !o->request->synthesize_weights;
    s->config.weights =
        missing && o->request->synthesize_weights ? WEIGHTS_SYNTHESIZED : WEIGHTS_FROM_FILES;
    return 0;
}

static void settle_config(struct opening *o) {
    struct subject *s = o->out;
    const struct subject_request *request = o->request;
    s->config.threads = s->conditions.threads = request->threads;
    s->config.seed = request->seed;
    s->config.events = request->events;
    s->config.event_count = request->event_count;
    s->config.inputs = input_values(o->arena, s->graph, request->inputs, request->input_count,
                                    &s->config.input_count);
}

int subject_open(struct arena *arena, const struct subject_request *request, struct subject *out,
                 struct err *err) {
    *out = (struct subject){0};
    struct opening o = {.arena = arena, .request = request, .out = out, .err = err};
    if (find_collector(&o) || describe_machine(&o) ||
        model_read(arena, request->model_path, request->name, &out->model, err))
        return -(int)err->code;
    out->graph = out->model.graph;
    out->config.model_path = out->model.path;
    for (uint32_t i = 0; i < request->dim_count; i++)
        bind(&o, request->dims[i].symbol, request->dims[i].size);
    if (apply_batch(&o) || bind_all(&o) || settle_weights(&o)) {
        subject_close(out);
        return err_prefix(err, "%s", request->model_path);
    }
    settle_config(&o);
    return 0;
}

void subject_close(struct subject *subject) {
    if (subject->temporary)
        unlink(subject->temporary);
    subject->temporary = NULL;
}

int subject_must_run(const struct subject *subject, struct err *err) {
    if (subject->unavailable.code != ERR_OK) {
        *err = subject->unavailable;
        return -(int)err->code;
    }
    if (!subject->weights_missing)
        return 0;
    err_set(err, ERR_INPUT, "%s: its weight files do not exist", subject->model.path);
    return err_hint(err, "--synthesize-weights fills in seeded values of the same shapes");
}
