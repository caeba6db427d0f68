/* Every table of the program, with the reason when a row does not work here. */
#include "cli/command.h"
#include "collectors/collector.h"
#include "collectors/counters.h"
#include "collectors/foreign/foreign.h"
#include "collectors/group.h"
#include "collectors/record/probes.h"
#include "core/dtype.h"
#include "core/estimate.h"
#include "core/op_kind.h"
#include "core/plan.h"
#include "core/run.h"
#include "jobs/import_nsight.h"
#include "models/reader.h"
#include "models/zoo/zoo.h"
#include "predictor/capacity/reserve.h"
#include "predictor/estimator.h"
#include "predictor/simulation/policy.h"
#include "predictor/simulation/service_time.h"
#include "server/routes/routes.h"

enum { NAME, HERE, ABOUT, REASON, COLUMNS };

static const struct table_column columns[COLUMNS] = {
    [NAME] = {"name",      "Name",    UNIT_PLAIN, TABLE_LEFT},
    [HERE] = {"available", "Here",    UNIT_PLAIN, TABLE_LEFT},
    [ABOUT] = {"about",     "About",   UNIT_PLAIN, TABLE_LEFT},
    [REASON] = {"reason",    "Why not", UNIT_PLAIN, TABLE_LEFT},
};

/* `reason` is NULL when the row works here. */
static void add(struct table *table, const char *name, const char *about, const char *reason) {
    table_row(table);
    table_text(table, NAME, name);
    table_bool(table, HERE, !reason);
    table_text(table, ABOUT, about);
    table_text(table, REASON, reason);
}

static void list_commands(struct table *table) {
    for (const struct command *const *command = commands; *command; command++)
        add(table, (*command)->name, (*command)->summary, NULL);
}

static void list_collectors(struct table *table) {
    for (const struct collector *const *row = collectors; *row; row++) {
        struct err err = {0};
        bool works = (*row)->available(&err) == 0;
        add(table, (*row)->name, (*row)->help, works ? NULL : err.message);
    }
}

static void list_events(struct table *table) {
    struct counter_probe *rows;
    uint32_t count;
    counters_probe(table->arena, &rows, &count);
    for (uint32_t i = 0; i < count; i++)
        add(table, rows[i].name, rows[i].help, rows[i].available ? NULL : rows[i].reason);
}

/* Available: all its metrics can be had. */
static void list_groups(struct table *table) {
    const char **names;
    uint32_t count;
    struct err err = {0};
    if (groups_list(table->arena, NULL, &names, &count, &err)) {
        add(table, "-", "", arena_strdup(table->arena, err.message));
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        struct group_state state;
        struct err each = {0};
        if (group_examine(table->arena, names[i], NULL, &state, &each))
            add(table, names[i], "", arena_strdup(table->arena, each.message));
        else if (state.works == state.all)
            add(table, names[i], state.title, NULL);
        else
            add(table, names[i], state.title,
                arena_printf(table->arena, "%u of %u metrics; %s", state.works, state.all,
                             state.reason));
    }
}

static void list_hardware(struct table *table) {
    const char **rows;
    uint32_t count;
    counters_hardware(table->arena, &rows, &count);
    for (uint32_t i = 0; i < count; i++)
        add(table, rows[i], "recognised by libpfm4; 'assay list events' says what counts", NULL);
}

static const char *dtype_help(struct arena *arena, const struct dtype_info *info) {
    if (info->block)
        return arena_printf(arena, "%u elements in %u bytes (ggml)", info->block,
                            info->block_bytes);
    return info->bits ? arena_printf(arena, "%d bits", info->bits) : "of any length";
}

static void list_probe_routes(struct table *table) {
    for (const struct probe_route *row = probe_routes; row->name; row++) {
        struct err err = {0};
        bool works = probe_route_available(row, &err) == 0;
        add(table, row->name, row->help, works ? NULL : err.message);
    }
}

static void list_probes(struct table *table) {
    for (const struct probe_wish *row = probe_wishes; row->name; row++)
        add(table, row->name, row->help, NULL);
}

static void list_dtypes(struct table *table) {
    for (int i = DTYPE_UNDEFINED + 1; i < DTYPE_COUNT; i++) {
        const struct dtype_info *info = dtype_info((enum dtype)i);
        if (info)
            add(table, info->name, dtype_help(table->arena, info), NULL);
    }
}

static void list_formats(struct table *table) {
    for (const struct table_format *row = table_formats; row->name; row++)
        add(table, row->name, row->help, NULL);
}

static void list_import(struct table *table, const struct foreign_format *row) {
    add(table, row->name,
        row->experimental ? arena_printf(table->arena, "%s; experimental", row->help) : row->help,
        NULL);
}

static void list_imports(struct table *table) {
    for (const struct foreign_format *const *row = foreign_formats; *row; row++)
        list_import(table, *row);
    list_import(table, &import_nsight);
}

static void list_metrics(struct table *table) {
    for (int i = 0; i < METRIC_BUILTIN_COUNT; i++) {
        const struct metric_info *info = metric_info((enum metric)i);
        add(table, info->name, arena_printf(table->arena, "%s, in %s", info->help, info->unit),
            NULL);
    }
}

static void list_models(struct table *table) {
    for (size_t i = 0; i < model_format_count; i++)
        add(table, model_formats[i].name, model_formats[i].help, NULL);
}

static void list_ops(struct table *table) {
    for (uint32_t i = 0; i < op_kind_count(); i++) {
        const struct op_kind *row = op_kind_at(i);
        const char *domain = row->domain && *row->domain ? row->domain : NULL;
        add(table, domain ? arena_printf(table->arena, "%s.%s", domain, row->type) : row->type,
            family_info(row->family)->name, NULL);
    }
}

static void list_families(struct table *table) {
    for (int i = 0; i < FAMILY_COUNT; i++) {
        const struct family_info *info = family_info((enum kernel_family)i);
        const char *terms = "";
        for (int k = 0; k < FEATURE_TERMS_MAX && info->terms[k]; k++)
            terms = arena_printf(table->arena, "%s%s%s", terms, k ? ", " : "", info->terms[k]);
        add(table, info->name, terms, NULL);
    }
}

static void list_tiers(struct table *table) {
    static const char *const about[] = {
        [TIER_GIVEN] = "not known here: the user said so",
        [TIER_MEASURED] = "of this model, on this machine, under these conditions",
        [TIER_FITTED] = "a cost model inside the range of its observations",
        [TIER_INTERPOLATED] = "between stored observations of the same operator",
        [TIER_TRANSFERRED] = "carried over from another machine or kernel class",
        [TIER_ROOFLINE] = "physics only: peaks of the machine",
        [TIER_REFUSED] = "no answer",
    };
    _Static_assert(sizeof about / sizeof *about == TIER_COUNT, "a text for each tier");
    for (int i = 0; i < TIER_COUNT; i++)
        add(table, tier_name((enum tier)i), about[i], NULL);
}

static void list_zoo(struct table *table) {
    for (size_t i = 0; i < zoo_family_count; i++)
        for (size_t k = 0; k < zoo_families[i]->count; k++)
            add(table, zoo_families[i]->rows[k].name, zoo_families[i]->rows[k].help, NULL);
}

static void list_learners(struct table *table) {
    for (const struct residual_learner *const *row = residual_learners; *row; row++) {
        struct err err = {0};
        bool works = !(*row)->available || (*row)->available(&err) == 0;
        add(table, (*row)->name, (*row)->help, works ? NULL : err.message);
    }
}

static void list_estimators(struct table *table) {
    for (const struct estimator *row = estimators; row->name; row++) {
        struct err err = {0};
        bool works = !row->learner->available || row->learner->available(&err) == 0;
        add(table, row->name, row->help, works ? NULL : err.message);
    }
}

static void list_policies(struct table *table) {
    for (uint32_t i = 0; policy_at(i); i++)
        add(table, policy_at(i)->name, policy_at(i)->help, NULL);
}

static void list_routings(struct table *table) {
    for (enum routing routing = 0; routing < ROUTING_COUNT; routing++)
        add(table, routing_info(routing)->name, routing_info(routing)->help, NULL);
}

static void list_distributions(struct table *table) {
    for (uint32_t i = 0; service_shape_at(i); i++)
        add(table, service_shape_at(i)->name, service_shape_at(i)->help, NULL);
}

static void list_reserves(struct table *table) {
    for (uint32_t i = 0; reserve_at(i); i++)
        add(table, reserve_at(i)->name, reserve_at(i)->help, NULL);
}

static void list_routes(struct table *table) {
    for (const struct route *route = routes; route->method; route++)
        add(table, arena_printf(table->arena, "%s %s", route->method, route->pattern),
            route->summary, NULL);
}

static const struct listing {
    const char *name;
    const char *help;
    void (*fill)(struct table *table);
} listings[] = {
    {"commands",          "what assay can do",                                      list_commands     },
    {"collectors",        "what can run and observe a model",                       list_collectors   },
    {"events",            "counters that --events takes",                           list_events       },
    {"groups",            "groups of counters that --group takes",                  list_groups       },
    {"hardware",          "counting hardware that was recognised",                  list_hardware     },
    {"probe-routes",      "how 'assay record' gets at a program's functions",       list_probe_routes },
    {"probes",            "what 'assay record' probes without being asked",         list_probes       },
    {"models",            "model formats that can be read",                         list_models       },
    {"zoo",               "architectures that 'assay zoo write' can build",         list_zoo          },
    {"ops",               "operators whose work is known, with their family",       list_ops          },
    {"families",          "families of kernels, with the terms of their costs",     list_families     },
    {"residual-learners", "who learns what the terms of costs leave open",          list_learners     },
    {"estimators",        "ways to estimate costs, to be compared",                 list_estimators   },
    {"policies",          "autoscalers that 'assay simulate' compares",             list_policies     },
    {"routings",          "how requests find a replica",                            list_routings     },
    {"distributions",     "how a service time may vary",                            list_distributions},
    {"reserves",          "what a node keeps for the system, and by whose formula", list_reserves     },
    {"routes",            "what 'assay serve' answers",                             list_routes       },
    {"dtypes",            "element types",                                          list_dtypes       },
    {"metrics",           "what is measured",                                       list_metrics      },
    {"tiers",             "how a number can be known, best first",                  list_tiers        },
    {"imports",           "what assay import reads",                                list_imports      },
    {"formats",           "what --format takes",                                    list_formats      },
    {NULL,                NULL,                                                     NULL              },
};

static const char *listing_choice(size_t index, const char **help) {
    *help = listings[index].help;
    return listings[index].name;
}

struct list_options {
    int listing;
};

static int run(struct context *context, const void *given, struct err *err) {
    const struct list_options *options = given;
    struct table table;
    table_init(&table, context->arena, "", columns, COLUMNS);
    listings[options->listing].fill(&table);
    return print_table(context, &table, err);
}

static const struct argument_row arguments[] = {
    {.name = "TABLE",
     .kind = ARGUMENT_ONE,
     .choice = listing_choice,
     .offset = offsetof(struct list_options, listing),
     .help = "which one"},
    {0},
};

static const struct example examples[] = {
    {"assay list collectors",                "what can run a model here, and why not"},
    {"assay list events",                                      "which counters open on this machine"},
    {"assay list ops --format csv","every operator that assay can count"},
    {0         },
};

const struct command cmd_list = {
    .name = "list",
    .summary = "print a table of what assay knows, and what works here",
    .description = "Everything that can be chosen or extended is a row of a table. This prints one "
                   "of the tables, with the reason where a row does not work on this machine.",
    .examples = examples,
    .arguments = arguments,
    .options_size = sizeof(struct list_options),
    .run = run,
};
