/* What the server answers from: of each model the last prediction that was found good. A set of
 * answers never changes once it is made; readers hold it while they need it, and a newer set takes
 * its place. When the store cannot be read the next set holds the same answers with the trouble. */
#ifndef ASSAY_SERVER_SERVICE_ANSWERS_H
#define ASSAY_SERVER_SERVICE_ANSWERS_H

#include "base/arena.h"
#include "base/err.h"
#include "core/estimate.h"
#include "core/prediction.h"

#include <stdbool.h>
#include <stdint.h>

/* One prediction, read and found plausible. Shared between sets; never changed. */
struct answer {
    const char *name, *sha256;
    int64_t prediction_id;    /* in the store */
    const char *predicted_at; /* UTC */
    const char *json;         /* the stored document, on one line */
    const char *pretty;  /* the same as `assay predict --json` prints it, without the end "\n}\n" */
    const char *machine; /* label */
    uint32_t threads;
    struct estimate latency_ns, cpu_time_ns, peak_memory_bytes; /* latency is never refused */
    struct upper_bound peak_memory_upper;                       /* value 0: not known */
    struct estimate cold_start_ns;
    struct arena *arena; /* where all of it lives */
    uint32_t *holders;
};

/* Parses and checks. ERR_INPUT when it is not a prediction or a number in it makes no sense (not
 * finite, not positive, out of order, longer than a day); the message says which. */
int answer_read(const char *name, const char *sha256, const char *json, struct answer **out,
                struct err *err);
struct answer *answer_hold(struct answer *answer);
void answer_release(struct answer *answer);

struct answer_row {
    struct answer *answer;
    double confirmed_s;  /* steady clock: when the store was last found to say so */
    const char *trouble; /* NULL, or why it is not known to be the newest */
};

struct answers {
    struct answer_row *rows; /* by name, then hash */
    uint32_t count, capacity;
    const char *trouble; /* NULL, or why the store could not be read */
    struct arena arena;
    uint32_t holders;
};

/* Empty, held once. */
struct answers *answers_new(void);
/* Takes over one holding of the answer. */
void answers_add(struct answers *answers, struct answer *answer, double confirmed_s,
                 const char *trouble);
void answers_sort(struct answers *answers);
struct answers *answers_hold(struct answers *answers);
void answers_release(struct answers *answers);

/* The same rows, and why they could not be renewed. */
struct answers *answers_troubled(const struct answers *old, const char *trouble);

enum found { FOUND_ONE, FOUND_NONE, FOUND_SEVERAL };

/* By name. Otherwise `err` says that there is none, or names the hashes of both. */
enum found answers_find(const struct answers *answers, const char *name,
                        const struct answer_row **row, struct err *err);

#endif
