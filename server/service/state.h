/* What survives a restart: the answers, the measured rates and what was answered last, in one file
 * that is replaced as a whole. Two lines: a head with the checksum of the second, and a JSON
 * document:
 *
 *     {"assay_state":1,"sha256":"..."}
 *     {"saved":{"steady_s","wall_s","boot_id"},
 *      "answers":[{"name","sha256","prediction_id","predicted_at","confirmed_ago_s",
 *                  "prediction":"the stored JSON as a text"}],
 *      "observations":[...], "desired":[...]}
 *
 * Times are seconds before the moment of saving; how long ago that was is worked out on reading
 * (server/service/moment.h), so a clock that was set in between does no harm. */
#ifndef ASSAY_SERVER_SERVICE_STATE_H
#define ASSAY_SERVER_SERVICE_STATE_H

#include "server/service/answers.h"
#include "server/service/desired.h"
#include "server/service/moment.h"
#include "server/service/observations.h"

#include <stddef.h>

enum { STATE_BYTES_MAX = 256 << 20, STATE_ANSWERS_MAX = 10000 };

struct state {
    struct answers *answers;
    struct observations *observations;
    struct desired *desired;
};

/* Nothing of it stays when it fails; an older file is untouched then. */
int state_save(const struct state *state, const struct noted_moment *now, const char *path,
               struct err *err);

/* Fills a fresh state: answers (marked with why they are not of the store), observations and
 * desired must be empty. ERR_INPUT on anything that is not what state_save wrote; the three may
 * then hold a part and are to be thrown away. */
int state_load(struct state *state, const struct noted_moment *now, const char *path,
               struct err *err);

/* The second line alone, for fuzzing without checksums. */
int state_read(struct state *state, const struct noted_moment *now, const char *text, size_t length,
               struct err *err);

#endif
