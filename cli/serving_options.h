/* What `assay serve` answers from and how, as opposed to where it listens: the rows become a struct
 * serving_options. */
#ifndef ASSAY_CLI_SERVING_OPTIONS_H
#define ASSAY_CLI_SERVING_OPTIONS_H

#include "cli/load_options.h"
#include "server/service/service.h"

struct serving_given {
    const char *state;
    uint64_t refresh_ns, save_ns, decision_ns, fresh_ns, scrape_ns, scrape_timeout_ns;
    int64_t threads, batch, uploads;
    struct text_list slos;
    int routing;
    double max_step;
    const char *prometheus, *query;
};

/* clang-format off */
#define SERVING_OPTIONS(owner, field)                                                              \
    {.name = "slo", .type = OPTION_LIST, .metavar = "[MODEL:]p99=TIME",                            \
     .offset = offsetof(owner, field.slos),                                                        \
     .help = "response target of questions that name none, of all models or of one"},              \
    {.name = "routing", .type = OPTION_CHOICE, .metavar = "HOW", .fallback = "random",             \
     .choice = routing_choice, .offset = offsetof(owner, field.routing),                           \
     .help = "how requests find a replica, in questions that do not say"},                         \
    {.name = "threads", .letter = 't', .type = OPTION_INT, .metavar = "N", .fallback = "0",        \
     .min = 0, .max = 1024, .offset = offsetof(owner, field.threads),                              \
     .help = "serve predictions for so many threads; 0 is any"},                                   \
    {.name = "batch", .letter = 'b', .type = OPTION_INT, .metavar = "N", .fallback = "0",          \
     .min = 0, .max = 1 << 20, .offset = offsetof(owner, field.batch),                             \
     .help = "serve predictions at this batch; 0 is as the file has it, or 1"},                    \
    {.name = "state", .type = OPTION_TEXT, .metavar = "FILE",                                      \
     .offset = offsetof(owner, field.state),                                                       \
     .help = "what survives a restart; default beside the database"},                              \
    {.name = "refresh", .type = OPTION_DURATION, .metavar = "TIME", .fallback = "15s",             \
     .offset = offsetof(owner, field.refresh_ns), .help = "how often the database is read"},       \
    {.name = "save-interval", .type = OPTION_DURATION, .metavar = "TIME", .fallback = "5s",        \
     .offset = offsetof(owner, field.save_ns), .help = "how often the state is written, at most"},  \
    {.name = "max-step", .type = OPTION_NUMBER, .metavar = "FACTOR", .fallback = "2",              \
     .min = 0, .max = 1000, .offset = offsetof(owner, field.max_step),                             \
     .help = "most that replicas for the observed load change by in one decision; 0: no limit"},   \
    {.name = "decision-interval", .type = OPTION_DURATION, .metavar = "TIME", .fallback = "15s",   \
     .offset = offsetof(owner, field.decision_ns), .help = "time between two such decisions"},     \
    {.name = "rate-fresh", .type = OPTION_DURATION, .metavar = "TIME", .fallback = "60s",          \
     .offset = offsetof(owner, field.fresh_ns),                                                    \
     .help = "an observed rate older than this is stale"},                                         \
    {.name = "prometheus", .type = OPTION_TEXT, .metavar = "URL",                                  \
     .offset = offsetof(owner, field.prometheus),                                                  \
     .help = "where request rates are asked, such as http://127.0.0.1:9090"},                      \
    {.name = "query", .type = OPTION_TEXT, .metavar = "PROMQL",                                    \
     .offset = offsetof(owner, field.query),                                                       \
     .help = "for the requests per second of {model}, one number"},                                \
    {.name = "scrape-interval", .type = OPTION_DURATION, .metavar = "TIME", .fallback = "15s",     \
     .offset = offsetof(owner, field.scrape_ns), .help = "how often Prometheus is asked"},         \
    {.name = "scrape-timeout", .type = OPTION_DURATION, .metavar = "TIME", .fallback = "5s",       \
     .offset = offsetof(owner, field.scrape_timeout_ns), .help = "how long one answer may take"},  \
    {.name = "uploads", .type = OPTION_INT, .metavar = "N", .fallback = "2", .min = 1, .max = 64,  \
     .offset = offsetof(owner, field.uploads),                                                     \
     .help = "uploaded models that are predicted at once"}
/* clang-format on */

/* Texts live in the arena or as long as the options; the listener's metrics, warnings and context
 * are left to the caller. ERR_USAGE on a target or a Prometheus that is incomplete. */
int serving_options_make(struct arena *arena, const struct serving_given *given,
                         const char *db_path, struct serving_options *out, struct err *err);

#endif
