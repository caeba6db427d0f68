/* Where the files of groups are. */
#include "base/installation.h"
#include "collectors/counters.h"
#include "collectors/group.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Seen from the program's folder. Tests live two folders below the build folder, which is itself
 * in the source tree or one folder deeper. */
static const char *const places[] = {"../share/assay/groups", "../collectors/groups",
                                     "../../collectors/groups", "../../../collectors/groups",
                                     "../../../../collectors/groups"};

const char *groups_folder(struct arena *arena) {
    const char *given = getenv("ASSAY_GROUPS");
    if (given && *given)
        return given;
    return installation_find(arena, places, sizeof places / sizeof *places, R_OK);
}

/* ---- names ---------------------------------------------------------------------------------- */

static int compare(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

struct names {
    struct arena *arena;
    const char **items;
    uint32_t count, capacity;
};

static void add_name(struct names *names, const char *name) {
    for (uint32_t i = 0; i < names->count; i++)
        if (strcmp(names->items[i], name) == 0)
            return;
    *ARENA_PUSH(names->arena, names->items, names->count, names->capacity) = name;
}

static void add_folder(struct names *names, DIR *folder) {
    static const char ending[] = ".group";
    for (struct dirent *entry; (entry = readdir(folder));) {
        size_t length = strlen(entry->d_name), end = sizeof ending - 1;
        if (length > end && strcmp(entry->d_name + length - end, ending) == 0)
            add_name(names, arena_strndup(names->arena, entry->d_name, length - end));
    }
}

int groups_list(struct arena *arena, const struct group_builtin *builtin, const char ***list,
                uint32_t *count, struct err *err) {
    struct names names = {.arena = arena};
    const char *path = groups_folder(arena);
    DIR *folder = path ? opendir(path) : NULL;
    for (const struct group_builtin *row = builtin; row && row->name; row++)
        add_name(&names, row->name);
    if (folder) {
        add_folder(&names, folder);
        closedir(folder);
    } else if (!builtin) {
        err_set(err, ERR_ENVIRONMENT, "the groups of counters are nowhere near the program");
        return err_hint(err, "build or install all of Assay, or name the folder: ASSAY_GROUPS");
    }
    if (names.count)
        qsort(names.items, names.count, sizeof *names.items, compare);
    *list = names.items;
    *count = names.count;
    return 0;
}

/* ---- one ------------------------------------------------------------------------------------ */

static int unknown_group(struct arena *arena, const char *name, const struct group_builtin *builtin,
                         struct err *err) {
    const char **names = NULL, *all = "";
    uint32_t count = 0;
    if (groups_list(arena, builtin, &names, &count, err))
        return -ERR_ENVIRONMENT;
    for (uint32_t i = 0; i < count; i++)
        all = arena_printf(arena, "%s%s%s", all, i ? ", " : "", names[i]);
    err_set(err, ERR_USAGE, "no group of counters is called '%.60s'", name);
    err_hint(err, "there are %s", all);
    return -ERR_USAGE;
}

/* One byte more than a group may have, so that a longer one is seen. */
static int read_file(struct arena *arena, const char *path, const char *name, struct group **group,
                     struct err *err) {
    FILE *file = fopen(path, "re");
    if (!file)
        return err_set_errno(err, ERR_INPUT, "%s", path);
    char *text = arena_alloc(arena, GROUP_BYTES_MAX + 1);
    size_t length = fread(text, 1, GROUP_BYTES_MAX + 1, file);
    int failed = ferror(file);
    fclose(file);
    if (failed)
        return err_set(err, ERR_INPUT, "%s cannot be read", path);
    return group_parse(arena, arena_strdup(arena, name), text, length, group, err);
}

int group_load(struct arena *arena, const char *name, const struct group_builtin *builtin,
               struct group **group, struct err *err) {
    const char *folder = groups_folder(arena);
    bool plain = *name && !strchr(name, '/');
    const char *path = folder && plain ? arena_printf(arena, "%s/%s.group", folder, name) : NULL;
    if (path && access(path, F_OK) == 0)
        return read_file(arena, path, name, group, err);
    for (const struct group_builtin *row = builtin; row && row->name; row++)
        if (strcmp(row->name, name) == 0)
            return group_parse(arena, row->name, row->text, strlen(row->text), group, err);
    return unknown_group(arena, name, builtin, err);
}

/* ---- here ----------------------------------------------------------------------------------- */

/* One after the other: counting at once is not asked. Returns the first reason, "": all open. */
static const char *try_counters(struct arena *arena, const struct group_choice *choice,
                                bool opened[static GROUP_COUNTS_MAX]) {
    const char *reason = "";
    for (uint32_t i = 0; i < choice->section->count_count; i++) {
        struct counters counters;
        struct err err = {0};
        counters_open(&counters, &choice->events[i], 1, &err);
        opened[i] = counters.opened_count == 1;
        if (!opened[i] && !*reason)
            reason =
                arena_printf(arena, "%s: %s", counters.missing[0].name, counters.missing[0].reason);
        counters_close(&counters);
    }
    return reason;
}

static bool has_counters(const struct group_section *section, const struct group_metric *metric,
                         const bool opened[static GROUP_COUNTS_MAX]) {
    for (uint32_t i = 0; i < section->count_count; i++)
        if (!opened[i] && formula_uses(&metric->formula, GROUP_KNOWN_COUNT + i))
            return false;
    return true;
}

int group_examine(struct arena *arena, const char *name, const struct group_builtin *builtin,
                  struct group_state *state, struct err *err) {
    struct group *group = NULL;
    struct group_choice choice;
    const char **pmus = NULL;
    uint32_t count = 0;
    bool opened[GROUP_COUNTS_MAX] = {false};
    *state = (struct group_state){.title = ""};
    counters_pmus(arena, &pmus, &count);
    if (group_load(arena, name, builtin, &group, err) ||
        group_choose(arena, group, pmus, count, &choice, err))
        return -(int)err->code;
    state->title = choice.group->title;
    state->pmu = choice.pmu;
    state->reason = try_counters(arena, &choice, opened);
    state->all = choice.section->metric_count;
    for (uint32_t i = 0; i < state->all; i++)
        state->works += has_counters(choice.section, &choice.section->metrics[i], opened);
    return 0;
}
