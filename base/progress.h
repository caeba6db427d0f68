/* One line on a terminal that says how far a long job is and when it will end.
 *
 * It appears only when the stream is a terminal and the job has taken two seconds, redraws at most
 * ten times a second, and is wiped out at the end. All functions take NULL and then do nothing, so
 * a job without an onlooker passes NULL.
 */
#ifndef ASSAY_BASE_PROGRESS_H
#define ASSAY_BASE_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct progress {
    FILE *stream;
    bool enabled, visible;
    char label[96];
    double total; /* 0: not known, no bar */
    uint64_t started_ns, drawn_ns;
};

/* `enabled` is the caller's wish (not -q); a stream that is no terminal overrules it. */
void progress_init(struct progress *progress, FILE *stream, bool enabled);

/* Begins a job of `total` units of anything; wipes the line of the one before. */
void progress_start(struct progress *progress, double total, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* `done` of total; `note` stands behind the bar and may be NULL. */
void progress_update(struct progress *progress, double done, const char *note);
void progress_done(struct progress *progress);

/* The line without colours or cursor movements, as drawn after `elapsed_ns`. */
void progress_line(const struct progress *progress, double done, uint64_t elapsed_ns,
                   const char *note, char *out, size_t size);

#endif
