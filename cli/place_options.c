#include "cli/place_options.h"

#include "collectors/collector.h"
#include "db/db.h"

const char *collector_choice(size_t index, const char **help) {
    *help = collectors[index] ? collectors[index]->help : "";
    return collectors[index] ? collectors[index]->name : NULL;
}

const char *place_collector(const struct place_options *options) {
    return collectors[options->collector]->name;
}

int place_open(struct context *context, const struct place_options *options, int db_flags,
               struct db **db, struct place *place, struct err *err) {
    if (context_db_open(context, db_flags, db, err))
        return -(int)err->code;
    int code = place_here(context->arena, *db, place_collector(options), (uint32_t)options->threads,
                          place, err);
    if (code)
        db_close(*db);
    return code;
}
