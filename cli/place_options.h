/* Whose observations are meant: options of the commands that learn or judge. A command's struct
 * holds a struct place_options and its rows begin with PLACE_OPTIONS(struct its_options, field). */
#ifndef ASSAY_CLI_PLACE_OPTIONS_H
#define ASSAY_CLI_PLACE_OPTIONS_H

#include "cli/context.h"
#include "cli/option.h"
#include "jobs/fit.h"

struct place_options {
    int64_t threads;
    int collector;
};

/* The words that --collector may be. */
const char *collector_choice(size_t index, const char **help);

/* clang-format off */
#define PLACE_OPTIONS(owner, field)                                                                \
    {.name = "threads", .letter = 't', .type = OPTION_INT, .metavar = "N", .fallback = "1",        \
     .min = 1, .max = 1024, .offset = offsetof(owner, field.threads),                              \
     .help = "intra-op threads of the runs"},                                                      \
    {.name = "collector", .type = OPTION_CHOICE, .metavar = "NAME", .fallback = "onnxruntime",     \
     .choice = collector_choice, .offset = offsetof(owner, field.collector),                       \
     .help = "what runs models"}
/* clang-format on */

const char *place_collector(const struct place_options *options);

/* Opens the database and finds the place; on failure nothing stays open. */
int place_open(struct context *context, const struct place_options *options, int db_flags,
               struct db **db, struct place *place, struct err *err);

#endif
