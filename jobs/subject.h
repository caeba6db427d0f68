/* A model made ready to be measured or predicted: read, its free dimensions bound, rebatched if
 * asked, its shapes known, its inputs and missing weights described; with the machine and the
 * runtime that it is about. Every job begins with one. */
#ifndef ASSAY_JOBS_SUBJECT_H
#define ASSAY_JOBS_SUBJECT_H

#include "collectors/collector.h"
#include "core/features.h"
#include "core/machine.h"
#include "core/model.h"
#include "core/run.h"

#include <stdbool.h>

struct db;

/* Sizes for the axes of one graph input; axes that have a size already must agree. */
struct wished_shape {
    const char *input;
    uint32_t rank;
    int64_t sizes[GRAPH_RANK_MAX];
};

struct subject_request {
    const char *model_path;
    const char *name;      /* NULL: the file's stem */
    const char *collector; /* "onnxruntime", "replay" */
    uint32_t threads;
    int64_t batch; /* 0: as the file has it */
    const struct dim_binding *dims;
    uint32_t dim_count;
    const struct wished_shape *shapes;
    uint32_t shape_count;
    const struct input_value *inputs;
    uint32_t input_count;
    bool synthesize_weights;
    uint64_t seed;
    const char *const *events;
    uint32_t event_count;
    /* What was found out before, by whoever opens many; NULL: the machine is described and the
     * runtime asked, which costs a process that loads it. */
    const struct machine *machine;
    const char *runtime, *runtime_version; /* both or none */
    /* Its digest is told to others, or evidence is stored by it: no matter what is remembered. */
    bool hash_anew;
};

struct subject {
    struct model model;  /* identity and graph of the file as given */
    struct graph *graph; /* with static shapes, at the batch asked for */
    struct machine machine;
    struct feature_target target;
    struct conditions conditions;
    const struct collector *collector;
    struct err unavailable;       /* why the collector cannot work here; code ERR_OK: it can */
    struct collect_config config; /* to measure; weights as asked */
    const char *weights;      /* "files" or "synthesized": how they are there when it is measured */
    bool weights_missing;     /* external files do not exist and are not to be synthesised */
    const char *temporary;    /* a rebatched copy to be removed, or NULL */
    const char *const *notes; /* what was assumed, for people */
    uint32_t note_count;
};

/* Everything lives in the arena; subject_close() removes the temporary file. A missing runtime is
 * not an error here: see `unavailable`. db remembers what large files hash to; NULL: none does. */
int subject_open(struct arena *arena, struct db *db, const struct subject_request *request,
                 struct subject *out, struct err *err);
void subject_close(struct subject *subject);

/* Gives the axes of a graph's inputs that have no symbol the sizes that the conditions name as
 * "input.1": of the subject's own graph, or of one that a runtime made of the file. */
void subject_bind_axes(const struct subject *subject, struct graph *graph);

/* Fails, with a hint, when the subject cannot be run: no runtime, or no weights. */
int subject_must_run(const struct subject *subject, struct err *err);

/* What weights are synthesised from: one slot per external initializer of the graph. */
const struct weight_slot *weight_slots(struct arena *arena, const struct graph *graph,
                                       uint32_t *count);

/* Ranges for the inputs that the user gave no value: indices below the table they pick from, masks
 * that let everything through. The user's values come first. */
const struct input_value *input_values(struct arena *arena, const struct graph *graph,
                                       const struct input_value *given, uint32_t given_count,
                                       uint32_t *count);

#endif
