#include "cli/command.h"
#include "jobs/doctor.h"

static int run(struct context *context, const void *options, struct err *err) {
    (void)options;
    enum { SUBJECT, HEALTH, FINDING, MEND, COLUMNS };
    static const struct table_column columns[COLUMNS] = {
        [SUBJECT] = {"subject", "Looked at",          UNIT_PLAIN, TABLE_LEFT},
        [HEALTH] = {"health",  "Health",             UNIT_PLAIN, TABLE_LEFT},
        [FINDING] = {"finding", "Found",              UNIT_PLAIN, TABLE_LEFT},
        [MEND] = {"mend",    "What would mend it", UNIT_PLAIN, TABLE_LEFT},
    };
    struct err path_err = {0};
    const char *path = context_db_path(context, &path_err);
    struct diagnosis *rows;
    uint32_t count;
    doctor_examine(context->arena, path, path_err.message, &rows, &count);
    struct table table;
    bool sick = false;
    table_init(&table, context->arena, "", columns, COLUMNS);
    for (uint32_t i = 0; i < count; i++) {
        table_row(&table);
        table_text(&table, SUBJECT, rows[i].subject);
        table_text(&table, HEALTH, health_name(rows[i].health));
        table_text(&table, FINDING, rows[i].finding);
        table_text(&table, MEND, rows[i].mend);
        sick |= rows[i].health == HEALTH_FAIL;
    }
    int failed = print_table(context, &table, err);
    return failed ? failed : sick ? ERR_FINDING : 0;
}

static const struct example examples[] = {
    {"assay doctor",      "before the first profile, or when something does not work"},
    {"assay doctor --json",                   "for a bug report"},
    {0},
};

const struct command cmd_doctor = {
    .name = "doctor",
    .summary = "look at this machine: what works, what does not, what would mend it",
    .description = "Looks for the runtime, the counters, gnuplot, the database, memory, disk space "
                   "and whatever disturbs measurements. The exit code is 1 when something that "
                   "profiling needs is missing; warnings leave it at 0.",
    .examples = examples,
    .run = run,
};
