/* The command that is recorded: started so that everything can be put in place before its first
 * instruction. Its standard streams, its folder and its process group are ours: a terminal treats
 * both alike, and job control works as without us. No shell reads it.
 */
#ifndef ASSAY_COLLECTORS_RECORD_COMMAND_H
#define ASSAY_COLLECTORS_RECORD_COMMAND_H

#include "base/err.h"

#include <stdbool.h>
#include <sys/resource.h>
#include <sys/types.h>

struct command_run {
    pid_t pid;
    int go, failure;     /* pipes: our word, and errno of its exec */
    int ended;           /* pidfd: readable when it has ended */
    int signals;         /* signalfd of those that we pass on */
    int output;          /* what it prints, when asked for; -1 */
    bool exited;         /* by itself; then `code` is its own */
    int code;            /* 128 + signal when it was killed */
    struct rusage usage; /* its own and of what it has waited for */
};

/* Forks and waits there. `environment` are NAME=value texts added to ours; with `capture` standard
 * output comes through run->output. */
int command_prepare(struct command_run *run, char *const *command, const char *const *environment,
                    bool capture, struct err *err);
/* Executes it; ERR_INPUT, by `name`, when there is no such program. */
int command_go(struct command_run *run, const char *name, struct err *err);
/* Passes waiting signals on. Those that a terminal sends reach it without us. */
void command_pass_signals(struct command_run *run);
/* Takes its end: call when `ended` is readable. */
void command_reap(struct command_run *run);
/* Ends it if it has not ended, and gives the signals back. */
void command_close(struct command_run *run);

#endif
