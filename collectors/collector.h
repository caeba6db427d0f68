/* A collector runs a model somewhere and says what it saw. Rows: onnxruntime, llamacpp, replay.
 *
 * A session is one fresh process that has loaded the runtime and the model. Everything it reports
 * is a sample: the cold numbers while it is opened, one wall and one CPU sample per run, one of
 * each metric per operator when it is hooked, memory when it is finished. Collectors know nothing
 * of repetition or statistics (profiler/) nor of storage (db/).
 */
#ifndef ASSAY_COLLECTORS_COLLECTOR_H
#define ASSAY_COLLECTORS_COLLECTOR_H

#include "base/arena.h"
#include "base/err.h"
#include "core/flat.h"
#include "core/graph.h"
#include "core/memory_use.h"
#include "core/run.h"

#include <stdbool.h>
#include <stdint.h>

/* What to do about initializers kept in other files. */
enum weights_mode {
    WEIGHTS_FROM_FILES,  /* the model's own; missing files are an error */
    WEIGHTS_SYNTHESIZED, /* seeded values scaled by fan-in, in memory: for measuring */
    WEIGHTS_ZERO_PAGES,  /* untouched zero pages: for lowering only */
};

/* One external initializer, as the model file places it. */
struct weight_slot {
    const char *location; /* file name as written in the model */
    uint64_t offset_bytes, length_bytes;
    enum dtype dtype;
    uint64_t elements;
    double scale; /* standard deviation of synthesised values: 1 / sqrt(fan-in); 0: fill with 1 */
};

/* A value for an input, e.g. sr=16000: all elements get it. When upper > value the elements are
 * drawn uniformly from [value, upper] instead: token ids below a vocabulary. */
struct input_value {
    const char *input;
    double value;
    double upper;
};

struct collect_config {
    const char *model_path;
    const char *weights_folder; /* where external data is looked for; NULL: beside the model */
    enum weights_mode weights;
    const struct weight_slot *slots; /* every external initializer; needed unless FROM_FILES */
    uint32_t slot_count;
    uint32_t threads;               /* intra-op */
    const struct dim_binding *dims; /* free dimensions by symbol; unnamed ones are taken as 1 */
    uint32_t dim_count;
    const struct input_value *inputs;
    uint32_t input_count;
    uint64_t seed; /* of inputs and synthesised weights */
    /* With hooks: report every operator. `lowered` is what collector.lower returned for the same
     * config, flattened; samples name operators by their place in it. NULL: no hooks. */
    const struct flat_graph *hooked;
    const char *const *events; /* counter names for libpfm4 or perf, per operator and per run */
    uint32_t event_count;
    const char *profile; /* where the runtime's own profile of the session is kept; NULL: nowhere */
};

struct collect_session; /* opaque, one per collector */

struct collector {
    const char *name;
    const char *help;
    const char *format; /* of the model files that it runs; NULL: any */
    /* 0, or the reason it cannot work here (ERR_ENVIRONMENT with a hint). */
    int (*available)(struct err *err);
    /* Name and version of the runtime, e.g. "onnxruntime" and "1.30.0". Lives in the arena. Fails
     * as `available` does, so that who wants the version need not ask both. */
    int (*version)(struct arena *arena, const char **name, const char **version, struct err *err);
    /* The operators that really run, with static shapes; nothing is executed. NULL: this
     * collector cannot say, and the rules of models/ are used. */
    int (*lower)(struct arena *arena, const struct collect_config *config, struct graph **lowered,
                 struct err *err);
    /* Starts a fresh process, loads the runtime and the model, runs once. Puts the cold samples
     * (op SAMPLE_OF_RUN, PHASE_COLD): library load, load, first run, baseline and loaded bytes. */
    int (*open)(struct arena *arena, const struct collect_config *config, struct sink *sink,
                struct collect_session **session, struct err *err);
    /* Runs `repeats` times in a row. Per repeat and, when hooked, per operator: METRIC_WALL_NS,
     * METRIC_CPU_NS and the counters that opened, of the phase that fits. Operator times exclude
     * the operators of their subgraphs; an operator that did not run has no sample. */
    int (*run)(struct collect_session *session, uint32_t repeats, struct sink *sink,
               struct err *err);
    /* What the kernel's books say of the process since the last call. */
    int (*disturbance)(struct collect_session *session, struct disturbance *out, struct err *err);
    /* Looks into the memory of a fresh process that loads the model and runs it some times;
     * `config` is hooked. Its times mean nothing. Lives in the arena. NULL: it cannot. */
    int (*memory)(struct arena *arena, const struct collect_config *config, struct memory_use *out,
                  struct err *err);
    /* Events that could not be opened, "cycles: not supported here (...)"; borrowed from session.
     */
    uint32_t (*missing_events)(const struct collect_session *session, const char *const **reasons);
    /* Puts METRIC_PEAK_BYTES and METRIC_RESIDENT_BYTES, ends the process, frees the session. */
    int (*finish)(struct collect_session *session, struct sink *sink, struct err *err);
    /* Ends the process without asking it anything; also after errors. */
    void (*abandon)(struct collect_session *session);
};

/* NULL-terminated. */
extern const struct collector *const collectors[];
const struct collector *collector_by_name(const char *name); /* NULL: none */
/* `asked` when it runs files of this format, else the first that does; `asked` when none does. */
const struct collector *collector_for(const struct collector *asked, const char *format);

#endif
