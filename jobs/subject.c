#include "jobs/subject.h"

#include "base/ordered.h"
#include "base/strbuf.h"
#include "collectors/machine.h"
#include "db/file_digest.h"
#include "jobs/training.h"
#include "models/infer.h"
#include "models/onnx/external.h"
#include "models/onnx/rebatch.h"
#include "models/reader.h"

#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct opening {
    struct arena *arena;
    const struct subject_request *request;
    struct subject *out;
    struct dim_binding *dims;
    struct ordered bound; /* the same by symbol */
    uint32_t dim_count, dim_capacity, note_capacity;
    struct err *err;
};

struct bound_dim {
    struct ordered_node by_symbol;
    const char *symbol;
    int64_t size;
};

static void note(struct opening *o, const char *text) {
    const char ***list = (const char ***)(uintptr_t)&o->out->notes;
    *ARENA_PUSH(o->arena, *list, o->out->note_count, o->note_capacity) = text;
}

/* ---- machine and runtime --------------------------------------------------------------------- */

static int find_collector(struct opening *o) {
    o->out->collector = collector_by_name(o->request->collector);
    if (!o->out->collector)
        return err_set(o->err, ERR_USAGE, "there is no collector '%s'", o->request->collector);
    return 0;
}

/* The one that was asked for, unless it runs models of another format. */
static void find_runtime(struct opening *o) {
    struct subject *s = o->out;
    const struct collector *asked = s->collector;
    s->collector = collector_for(asked, s->model.format);
    s->conditions.runtime = s->collector->name;
    s->conditions.runtime_version = "";
    if (o->request->runtime && s->collector == asked) {
        s->conditions.runtime = o->request->runtime;
        s->conditions.runtime_version = o->request->runtime_version;
    } else {
        s->collector->version(o->arena, &s->conditions.runtime, &s->conditions.runtime_version,
                              &s->unavailable);
    }
}

static int describe_machine(struct opening *o) {
    if (o->request->machine)
        o->out->machine = *o->request->machine;
    else if (machine_describe(&o->out->machine, o->err))
        return -(int)o->err->code;
    o->out->target = feature_target_of(&o->out->machine, o->request->threads);
    return 0;
}

/* ---- the file ---------------------------------------------------------------------------------
 */

static int recall_digest(void *db, const char *path, const struct file_stamp *stamp,
                         char sha256[static SHA256_HEX_SIZE], bool *known, struct err *err) {
    char real[PATH_MAX];
    *known = false;
    return realpath(path, real) ? db_recall_digest(db, real, stamp, sha256, known, err) : 0;
}

static void remember_digest(void *db, const char *path, const struct file_stamp *stamp,
                            const char *sha256) {
    char real[PATH_MAX];
    struct err ignored = {0};
    if (!db_is_read_only(db) && realpath(path, real))
        db_remember_digest(db, real, stamp, sha256, &ignored);
}

static int read_file(struct opening *o, struct db *db) {
    const struct digest_memory memory = {
        .context = db,
        .recall = o->request->hash_anew ? NULL : recall_digest,
        .remember = remember_digest,
    };
    return model_read_known(o->arena, o->request->model_path, o->request->name, db ? &memory : NULL,
                            &o->out->model, o->err);
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

static int by_bound_symbol(const struct ordered_node *a, const struct ordered_node *b) {
    return strcmp(((const struct bound_dim *)a)->symbol, ((const struct bound_dim *)b)->symbol);
}

static const struct bound_dim *find_bound(const struct opening *o, const char *symbol) {
    const struct bound_dim key = {.symbol = symbol};
    const struct bound_dim *found =
        (const struct bound_dim *)ordered_at_least(&o->bound, &key.by_symbol);
    return found && strcmp(found->symbol, symbol) == 0 ? found : NULL;
}

static void bind(struct opening *o, const char *symbol, int64_t size) {
    *ARENA_PUSH(o->arena, o->dims, o->dim_count, o->dim_capacity) =
        (struct dim_binding){symbol, size};
    if (find_bound(o, symbol)) /* the first counts */
        return;
    struct bound_dim *bound = ARENA_NEW(o->arena, struct bound_dim);
    *bound = (struct bound_dim){.symbol = symbol, .size = size};
    ordered_add(&o->bound, &bound->by_symbol);
}

/* -1: it is not. */
static int64_t bound_size(const struct opening *o, const char *symbol) {
    const struct bound_dim *bound = find_bound(o, symbol);
    return bound ? bound->size : -1;
}

/* Binds it, or holds it against what it is bound to. */
static int bind_once(struct opening *o, const char *symbol, int64_t size, const char *option) {
    int64_t bound = bound_size(o, symbol);
    if (bound >= 0 && bound != size)
        return err_set(o->err, ERR_USAGE, "dimension '%s' cannot be %lld and, by %s, %lld", symbol,
                       (long long)bound, option, (long long)size);
    if (bound < 0)
        bind(o, symbol, size);
    return 0;
}

static int apply_batch(struct opening *o) {
    int64_t fixed = 0;
    const char *symbol = NULL;
    if (o->request->batch == 0)
        return 0;
    if (model_batch(&o->out->model, &fixed, &symbol, o->err))
        return -(int)o->err->code;
    o->out->conditions.batch = o->request->batch;
    if (symbol && bind_once(o, symbol, o->request->batch, "--batch"))
        return -(int)o->err->code;
    return symbol || fixed == o->request->batch ? 0 : rebatch(o);
}

static int by_symbol(const void *a, const void *b) {
    return strcmp(((const struct dim_binding *)a)->symbol, ((const struct dim_binding *)b)->symbol);
}

/* What binds an axis: its symbol, or "input.1" when it has none. */
static const char *axis_name(struct opening *o, const struct tensor *tensor, int32_t axis) {
    int32_t symbol = tensor->dims[axis].symbol;
    return symbol != GRAPH_NO_SYMBOL ? o->out->graph->symbols[symbol]
                                     : arena_printf(o->arena, "%s.%d", tensor->name, axis);
}

static struct tensor *find_input(struct opening *o, const char *name) {
    struct graph *graph = o->out->graph;
    for (uint32_t i = 0; i < graph->input_count; i++)
        if (strcmp(graph->tensors[graph->inputs[i]].name, name) == 0)
            return &graph->tensors[graph->inputs[i]];
    return NULL;
}

static int apply_shape(struct opening *o, const struct wished_shape *wish) {
    struct tensor *tensor = find_input(o, wish->input);
    if (!tensor)
        return err_hint((err_set(o->err, ERR_USAGE, "there is no input '%s'", wish->input), o->err),
                        "`assay inspect` lists the inputs");
    const char *has = tensor_shape_text(o->arena, o->out->graph, tensor);
    if (tensor->rank != (int32_t)wish->rank)
        return err_set(o->err, ERR_USAGE, "input '%s' is %s: it cannot get %u sizes", wish->input,
                       has, wish->rank);
    for (int32_t d = 0; d < tensor->rank; d++) {
        int64_t size = tensor->dims[d].size;
        if (size >= 0 && size != wish->sizes[d])
            return err_hint((err_set(o->err, ERR_USAGE, "input '%s' is %s: axis %d cannot be %lld",
                                     wish->input, has, d, (long long)wish->sizes[d]),
                             o->err),
                            "a fixed leading dimension is changed by --batch");
        if (size < 0 && bind_once(o, axis_name(o, tensor, d), wish->sizes[d], "--shape"))
            return -(int)o->err->code;
    }
    return 0;
}

static int apply_shapes(struct opening *o) {
    for (uint32_t i = 0; i < o->request->shape_count; i++)
        if (apply_shape(o, &o->request->shapes[i]))
            return -(int)o->err->code;
    return 0;
}

static void bind_free(struct opening *o, const struct tensor *tensor, int32_t axis) {
    const char *name = axis_name(o, tensor, axis);
    if (bound_size(o, name) >= 0)
        return;
    bind(o, name, 1);
    note(o,
         tensor->dims[axis].symbol != GRAPH_NO_SYMBOL
             ? arena_printf(o->arena, "dimension '%s' is taken as 1; give --dim %s=N", name, name)
             : arena_printf(o->arena,
                            "axis %d of input '%s' is taken as 1; give --shape %s=SIZExSIZE...",
                            axis, tensor->name, tensor->name));
}

/* One token of one sequence, and an empty cache: what a decoder does when nothing else is said. */
static void bind_decoder(struct opening *o) {
    if (bound_size(o, DECODER_TOKENS) < 0)
        bind(o, DECODER_TOKENS, 1);
    if (bound_size(o, DECODER_PAST) < 0)
        bind(o, DECODER_PAST, 0);
    if (bound_size(o, DECODER_BATCH) < 0)
        bind(o, DECODER_BATCH, 1);
}

/* Free axes of the inputs that nobody gave a size are 1, and that is said. */
static void bind_rest(struct opening *o) {
    struct graph *graph = o->out->graph;
    if (o->out->model.decoder)
        bind_decoder(o);
    for (uint32_t i = 0; i < graph->input_count; i++) {
        struct tensor *tensor = &graph->tensors[graph->inputs[i]];
        for (int32_t d = 0; d < tensor->rank; d++)
            if (tensor->dims[d].size < 0)
                bind_free(o, tensor, d);
    }
}

/* Axes without a symbol, in a graph that has these inputs. */
void subject_bind_axes(const struct subject *subject, struct graph *graph) {
    const struct conditions *given = &subject->conditions;
    for (uint32_t i = 0; given->dim_count && i < graph->input_count; i++) {
        struct tensor *tensor = &graph->tensors[graph->inputs[i]];
        for (int32_t d = 0; d < tensor->rank; d++) {
            if (tensor->dims[d].size >= 0)
                continue;
            struct strbuf name;
            strbuf_init(&name);
            strbuf_printf(&name, "%s.%d", tensor->name, d);
            const struct dim_binding key = {.symbol = name.text};
            const struct dim_binding *dim =
                bsearch(&key, given->dims, given->dim_count, sizeof key, by_symbol);
            tensor->dims[d].size = dim ? dim->size : tensor->dims[d].size;
            strbuf_done(&name);
        }
    }
}

static int check_dims(struct opening *o) {
    const struct subject *s = o->out;
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
    return 0;
}

/* Sizes that were assumed are the likeliest reason for shapes that contradict each other. */
static int hint_at_notes(struct opening *o) {
    struct strbuf hint;
    strbuf_init(&hint);
    for (uint32_t i = 0; i < o->out->note_count; i++)
        strbuf_printf(&hint, "%s%s", i ? "; " : "", o->out->notes[i]);
    int code = err_hint(o->err, "%s", hint.text);
    strbuf_done(&hint);
    return code;
}

static int64_t size_of_symbol(const void *opening, const char *symbol) {
    return bound_size(opening, symbol);
}

static int bind_all(struct opening *o) {
    struct subject *s = o->out;
    if (check_dims(o) || apply_shapes(o))
        return -(int)o->err->code;
    bind_rest(o);
    graph_bind_symbols(s->graph, size_of_symbol, o);
    if (o->dim_count)
        qsort(o->dims, o->dim_count, sizeof *o->dims, by_symbol);
    s->conditions.dims = s->config.dims = o->dims;
    s->conditions.dim_count = s->config.dim_count = o->dim_count;
    subject_bind_axes(s, s->graph);
    if (infer_shapes(s->graph, o->err) == 0)
        return 0;
    return s->note_count ? hint_at_notes(o) : -(int)o->err->code;
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

int subject_open(struct arena *arena, struct db *db, const struct subject_request *request,
                 struct subject *out, struct err *err) {
    *out = (struct subject){0};
    struct opening o = {
        .arena = arena,
        .request = request,
        .out = out,
        .bound = {NULL, by_bound_symbol},
        .err = err
    };
    if (find_collector(&o) || describe_machine(&o) || read_file(&o, db))
        return -(int)err->code;
    find_runtime(&o);
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
