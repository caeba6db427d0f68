/* assay-collect: runs a command and says what it did to the machine. One static file without
 * anything that is loaded later, for machines where nothing else of Assay is installed: boards,
 * containers. What it can see is a table of parts. */
#include "collectors/collect.h"

#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

/* ---- parts ---------------------------------------------------------------------------------- */

static void time_text(const struct collect *collect, FILE *out) {
    const struct child_end *end = &collect->end;
    char text[UNIT_TEXT_SIZE];
    fprintf(out, "%20s  wall time\n", unit_format(text, (double)end->wall_ns, UNIT_NS));
    fprintf(out, "%20s  CPU time in user space\n",
            unit_format(text, (double)end->user_ns, UNIT_NS));
    fprintf(out, "%20s  CPU time in the kernel\n",
            unit_format(text, (double)end->system_ns, UNIT_NS));
}

static void time_json(const struct collect *collect, FILE *out) {
    const struct child_end *end = &collect->end;
    fprintf(out,
            ",\"wall_ns\":%lld,\"user_ns\":%lld,\"system_ns\":%lld,\"voluntary_switches\":%lld"
            ",\"involuntary_switches\":%lld",
            (long long)end->wall_ns, (long long)end->user_ns, (long long)end->system_ns,
            (long long)end->voluntary_switches, (long long)end->involuntary_switches);
}

static void memory_text(const struct collect *collect, FILE *out) {
    char text[UNIT_TEXT_SIZE];
    fprintf(out, "%20s  peak of resident memory\n",
            unit_format(text, (double)collect->end.peak_bytes, UNIT_BYTES));
}

static void memory_json(const struct collect *collect, FILE *out) {
    const struct child_end *end = &collect->end;
    fprintf(out, ",\"peak_bytes\":%lld,\"minor_faults\":%lld,\"major_faults\":%lld",
            (long long)end->peak_bytes, (long long)end->minor_faults, (long long)end->major_faults);
}

/* plan: once, before anything runs; attach: to the held child of each run; finish: when it has
 * ended. Any but text and json may be NULL. json continues an object: ",\"name\":...". */
static const struct part {
    const char *name;
    int (*plan)(struct collect *collect, struct err *err);
    int (*attach)(struct collect *collect, int child, struct err *err);
    void (*finish)(struct collect *collect);
    void (*text)(const struct collect *collect, FILE *out);
    void (*json)(const struct collect *collect, FILE *out);
} parts[] = {
    {"time",     NULL,                  NULL,                    NULL,                    time_text,          time_json            },
    {"memory",   NULL,                  NULL,                    NULL,                    memory_text,        memory_json          },
    {"counters", collect_counters_plan, collect_counters_attach, collect_counters_finish,
     collect_counters_text,                                                                                   collect_counters_json},
    {"hooks",    collect_hooks_plan,    collect_hooks_attach,    collect_hooks_finish,    collect_hooks_text,
     collect_hooks_json                                                                                                            },
};

enum { PART_COUNT = sizeof parts / sizeof *parts };

/* ---- options -------------------------------------------------------------------------------- */

static const struct option {
    const char *name, *metavar; /* metavar NULL: a flag */
    size_t offset;
    const char *help;
} options[] = {
    {"--group",   "NAMES", offsetof(struct collect_options, groups),
     "groups of counters, separated by commas (default)"                                 },
    {"--events",  "NAMES", offsetof(struct collect_options, events),
     "counters by perf's or libpfm4's names"                                             },
    {"--split",   NULL,    offsetof(struct collect_options, split),
     "run once for each set of counters that the hardware holds"                         },
    {"--json",    NULL,    offsetof(struct collect_options, json),    "one line of JSON" },
    {"--output",  "FILE",  offsetof(struct collect_options, output),
     "where to print; standard error is the default"                                     },
    {"--list",    NULL,    offsetof(struct collect_options, list),
     "print the groups, and what cannot be counted here"                                 },
    {"--help",    NULL,    offsetof(struct collect_options, help),    "print this"       },
    {"--version", NULL,    offsetof(struct collect_options, version), "print the version"},
};

enum { OPTION_COUNT = sizeof options / sizeof *options };

static const struct option *option_named(const char *word, size_t length) {
    for (size_t i = 0; i < OPTION_COUNT; i++)
        if (strlen(options[i].name) == length && memcmp(options[i].name, word, length) == 0)
            return &options[i];
    return NULL;
}

/* "--name value", "--name=value" or "--flag"; returns how many words it took, or a code. */
static int read_option(char **words, struct collect_options *out, struct err *err) {
    const char *equals = strchr(words[0], '=');
    size_t length = equals ? (size_t)(equals - words[0]) : strlen(words[0]);
    const struct option *option = option_named(words[0], length);
    if (!option || (equals && !option->metavar)) {
        err_set(err, ERR_USAGE, "no option is called %.60s", words[0]);
        return err_hint(err, "assay-collect --help");
    }
    void *place = (char *)out + option->offset;
    if (!option->metavar) {
        *(bool *)place = true;
        return 1;
    }
    const char *value = equals ? equals + 1 : words[1];
    if (!value)
        return err_set(err, ERR_USAGE, "%s wants %s", option->name, option->metavar);
    memcpy(place, &value, sizeof value);
    return equals ? 1 : 2;
}

static int read_options(char **words, struct collect_options *out, struct err *err) {
    while (*words && strncmp(*words, "--", 2) == 0) {
        if (strcmp(*words, "--") == 0) {
            words++;
            break;
        }
        int taken = read_option(words, out, err);
        if (taken < 0)
            return taken;
        words += taken;
    }
    out->command = words;
    if (*words || out->help || out->version || out->list)
        return 0;
    err_set(err, ERR_USAGE, "a command is missing");
    return err_hint(err, "assay-collect --group default -- ./program");
}

static void print_help(FILE *out) {
    fputs("assay-collect [OPTIONS] -- COMMAND [ARGUMENTS]\n\n"
          "Runs a command and prints its time, its memory and what the hardware counted.\n\n",
          out);
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        char head[32];
        snprintf(head, sizeof head, "%s %s", options[i].name,
                 options[i].metavar ? options[i].metavar : "");
        fprintf(out, "  %-18s%s\n", head, options[i].help);
    }
}

/* ---- the list of groups --------------------------------------------------------------------- */

static void list_group(struct arena *arena, const char *name, FILE *out) {
    struct err err = {0};
    struct group_state state;
    if (group_examine(arena, name, group_builtins, &state, &err))
        fprintf(out, "%-12s%s\n", name, err.message);
    else
        fprintf(out, "%-12s%s%s%s\n", name, state.title, *state.reason ? "; " : "", state.reason);
}

static int list_groups(struct arena *arena, FILE *out, struct err *err) {
    const char **names;
    uint32_t count;
    if (groups_list(arena, group_builtins, &names, &count, err))
        return -(int)err->code;
    for (uint32_t i = 0; i < count; i++)
        list_group(arena, names[i], out);
    return 0;
}

/* ---- running -------------------------------------------------------------------------------- */

static int run_once(struct collect *collect, struct err *err) {
    struct child child;
    char **command = collect->options->command;
    int code = child_hold(&child, command, err);
    if (code)
        return code;
    for (size_t i = 0; !code && i < PART_COUNT; i++)
        if (parts[i].attach)
            code = parts[i].attach(collect, child.pid, err);
    if (code) {
        child_abandon(&child);
        return code;
    }
    code = child_run(&child, command[0], &collect->end, err);
    for (size_t i = 0; i < PART_COUNT; i++)
        if (parts[i].finish)
            parts[i].finish(collect);
    collect->runs++;
    return code;
}

static int run_all(struct collect *collect, struct err *err) {
    int code = 0;
    for (size_t i = 0; !code && i < PART_COUNT; i++)
        if (parts[i].plan)
            code = parts[i].plan(collect, err);
    uint32_t runs = collect->options->split && collect->set_count ? collect->set_count : 1;
    while (!code && collect->runs < runs)
        code = run_once(collect, err);
    return code;
}

static void print_json(const struct collect *collect, FILE *out) {
    const struct child_end *end = &collect->end;
    fputs("{\"command\":[", out);
    for (char **word = collect->options->command; *word; word++) {
        fputs(word == collect->options->command ? "" : ",", out);
        print_json_text(out, *word);
    }
    fprintf(out, "],\"runs\":%u,\"exit_code\":", collect->runs);
    print_json_number(out, end->signal ? (double)NAN : (double)end->exit_code);
    fputs(",\"signal\":", out);
    print_json_number(out, end->signal ? (double)end->signal : (double)NAN);
    for (size_t i = 0; i < PART_COUNT; i++)
        parts[i].json(collect, out);
    fputs("}\n", out);
}

static void print_text(const struct collect *collect, FILE *out) {
    if (collect->end.signal)
        fprintf(out, "%s was ended by signal %d (%s)\n", collect->options->command[0],
                collect->end.signal, strsignal(collect->end.signal));
    for (size_t i = 0; i < PART_COUNT; i++)
        parts[i].text(collect, out);
}

static int answer(struct arena *arena, const struct collect_options *given, FILE *out,
                  struct err *err) {
    if (given->help)
        print_help(stdout);
    else if (given->version)
        puts("assay-collect " ASSAY_VERSION);
    else if (given->list)
        return list_groups(arena, stdout, err);
    else {
        struct collect *collect = ARENA_NEW(arena, struct collect);
        collect->arena = arena;
        collect->options = given;
        if (run_all(collect, err))
            return -(int)err->code;
        (given->json ? print_json : print_text)(collect, out);
        /* As a shell has it, so that a script sees what the command said. */
        return collect->end.signal ? 128 + collect->end.signal : collect->end.exit_code;
    }
    return 0;
}

int main(int argc, char **argv) {
    struct arena arena;
    struct collect_options given = {0};
    struct err err = {0};
    (void)argc;
    arena_init(&arena);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGCHLD, SIG_DFL); /* ignored, ended children could not be waited for */
    int code = read_options(argv + 1, &given, &err);
    FILE *out = stderr;
    if (!code && given.output && !(out = fopen(given.output, "we")))
        code = err_set_errno(&err, ERR_ENVIRONMENT, "%s", given.output);
    if (!code)
        code = answer(&arena, &given, out, &err);
    if (out && out != stderr && fclose(out) && code >= 0)
        code = err_set_errno(&err, ERR_ENVIRONMENT, "%s", given.output);
    if (code < 0)
        fprintf(stderr, "assay-collect: %s%s%s\n", err.message, *err.hint ? "; " : "", err.hint);
    arena_done(&arena);
    return code < 0 ? -code : code;
}
