#include "cli/command.h"

#include <sqlite3.h>
#include <sys/utsname.h>

static int run(struct context *context, const void *options, struct err *err) {
    (void)options;
    enum { PART, VERSION };
    static const struct table_column columns[] = {
        [PART] = {"part",    "Part",    UNIT_PLAIN, TABLE_LEFT},
        [VERSION] = {"version", "Version", UNIT_PLAIN, TABLE_LEFT},
    };
    struct utsname system;
    uname(&system);
    const char *const parts[][2] = {
        {"assay",        ASSAY_VERSION       },
        {"compiler",     __VERSION__         },
        {"sqlite",       sqlite3_libversion()},
        {"cjson",        cJSON_Version()     },
        {"kernel",       system.release      },
        {"architecture", system.machine      },
    };
    struct table table;
    table_init(&table, context->arena, "", columns, 2);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        table_row(&table);
        table_text(&table, PART, parts[i][0]);
        table_text(&table, VERSION, parts[i][1]);
    }
    return print_table(context, &table, err);
}

static const struct example examples[] = {
    {"assay version --json", "versions for a bug report, as JSON"},
    {0                     },
};

const struct command cmd_version = {
    .name = "version",
    .summary = "print the versions of assay and of what it is built on",
    .description = "Prints the version of this program, of its compiler and libraries and of the "
                   "kernel. 'assay --version' prints the first alone.",
    .examples = examples,
    .run = run,
};
