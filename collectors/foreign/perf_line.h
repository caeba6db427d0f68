/* The lines that `perf script` prints, one by one: an event, or a frame of the stack below it.
 *
 *   COMM PID/TID [CPU] SECONDS: PERIOD EVENT: REST
 *   <tab> ADDRESS SYMBOL+0xOFFSET (FILE)
 */
#ifndef ASSAY_COLLECTORS_FOREIGN_PERF_LINE_H
#define ASSAY_COLLECTORS_FOREIGN_PERF_LINE_H

#include <stdbool.h>
#include <stdint.h>

enum { PERF_COMM_SIZE = 64, PERF_EVENT_SIZE = 160 };

struct perf_event_line {
    char comm[PERF_COMM_SIZE];
    uint64_t tid;
    int64_t at_ns;
    uint64_t period;             /* 0: not printed */
    char event[PERF_EVENT_SIZE]; /* "cpu-clock:u", "probe_libc:malloc" */
    const char *rest;            /* behind the event, inside the line */
};

struct perf_frame {
    uint64_t address;
    const char *symbol; /* inside the line; "[unknown]" */
    uint32_t symbol_length;
    const char *file; /* without folders, inside the line; "" */
    uint32_t file_length;
};

/* False: the line is none. */
bool perf_event_line(const char *line, struct perf_event_line *event);
bool perf_frame_line(const char *line, struct perf_frame *frame);

/* "(5558078b41bb)" or "(FUNCTION <- CALLER)", how probes print where they are. */
bool perf_probe_place(const char *rest, uint64_t *function, bool *is_return);

#endif
