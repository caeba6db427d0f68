/* Puts the true return addresses back into the stack of a thread that was stopped before an
 * unwinding (probe_program.h). */
#ifndef ASSAY_COLLECTORS_RECORD_MEND_H
#define ASSAY_COLLECTORS_RECORD_MEND_H

#include "collectors/record/probe_program.h"

#include <sys/types.h>

/* Only words that hold an address of the kernel's trampoline are written. */
void mend_thread(pid_t pid, const struct probe_frames *frames);

/* Until no thread of the process can run: it was told to stop. Gives up after some 100 ms. */
void mend_await_stop(pid_t pid);

#endif
