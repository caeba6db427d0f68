/* What a worker tells of its own process. */
#ifndef ASSAY_COLLECTORS_OWN_PROCESS_H
#define ASSAY_COLLECTORS_OWN_PROCESS_H

#include "core/run.h"

#include <time.h>

double clock_ns(clockid_t clock);

/* Since the worker was started, by its argument (collectors/worker.h); 0: not known. */
double own_starting_ns(const char *started);
/* "VmHWM" of /proc/self/status in bytes; 0: not there. */
double own_memory_bytes(const char *field);
/* Reading the file once more, in pieces; 0: it cannot be read. */
double file_reading_ns(const char *path);
/* Size of the file that a symbol of a loaded library comes from; 0: not known. */
double library_file_bytes(const void *symbol);

/* A sample of the run as a whole. */
void put_of_run(struct sink *sink, uint32_t metric, enum run_phase phase, uint32_t repeat,
                double value);

#endif
