/* Errors that are carried, not printed.
 *
 * A function that can fail takes a `struct err *` last and returns 0, or the negated code it
 * stored there (`return err_set(err, ERR_INPUT, ...)`). The first message wins, so the deepest
 * cause is what the user reads; callers add where it happened with err_prefix() and what to do
 * with err_hint(). Only the faces (cli/, server/) print an error, and only cli/main exits.
 *
 * The codes are the exit codes of the program. A mistake of our own (a broken invariant) is an
 * assert, not an error.
 */
#ifndef ASSAY_BASE_ERR_H
#define ASSAY_BASE_ERR_H

enum err_code {
    ERR_OK = 0,
    ERR_FINDING = 1,     /* the answer is "no": a refusal, a budget exceeded, a regression */
    ERR_USAGE = 2,       /* the command line is wrong */
    ERR_INPUT = 3,       /* a file or a value given by the user is wrong */
    ERR_ENVIRONMENT = 4, /* this machine lacks something: a library, a right, disk space */
    ERR_BUG = 5,         /* a mistake of ours that was caught */
};

struct err {
    enum err_code code;
    char message[640]; /* which file, which offset or operator, what was expected */
    char hint[320];    /* what to do about it; empty when there is nothing to say */
};

/* Stores code and message unless an error is already there. Returns -code of what is stored. */
int err_set(struct err *err, enum err_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* As err_set with ": " and the text of errno (as it was on entry) appended. */
int err_set_errno(struct err *err, enum err_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts "text: " before the message. Returns -code, so callers can `return err_prefix(...)`. */
int err_prefix(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Adds what the user can do; the first hint wins. Returns -code. */
int err_hint(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The name of a code as it stands in JSON errors: "input", "environment", ... */
const char *err_code_name(enum err_code code);

#endif
