#include "jobs/pods_file.h"

#include "base/file.h"
#include "base/suggest.h"
#include "base/units.h"
#include "base/yaml.h"

#include <string.h>
#include <strings.h>

enum { KINDS_MAX = 100000, COUNT_MAX = 1000000, GPUS_MAX = 1000, CELL_MAX = 200 };

struct reading {
    struct arena *arena;
    struct pod_kind *kinds;
    uint32_t count, capacity;
};

static struct pod_kind *add_kind(struct reading *reading) {
    struct pod_kind *kind =
        ARENA_PUSH(reading->arena, reading->kinds, reading->count, reading->capacity);
    kind->count = 1;
    return kind;
}

/* What is wrong with a pod as a whole, or NULL. */
static const char *fault_of(const struct pod_kind *kind) {
    if (!kind->name || !*kind->name)
        return "a pod needs a name";
    if (!(kind->cpus > 0) && !(kind->memory_bytes > 0) && kind->gpus == 0)
        return "a pod needs cpus, memory or gpus";
    return NULL;
}

static void hand_over(const struct reading *reading, struct pods_file *pods) {
    *pods = (struct pods_file){reading->kinds, reading->count};
}

/* ---- YAML ------------------------------------------------------------------------------------ */

static int read_pod(struct reading *reading, const struct yaml *yaml, const struct yaml_node *map,
                    struct err *err) {
    static const char *const known[] = {"name", "count", "cpus", "memory", "gpus", NULL};
    struct pod_kind *kind = add_kind(reading);
    if (yaml_only(yaml, map, known, err) || yaml_get_text(yaml, map, "name", &kind->name, err) ||
        yaml_get_count(yaml, map, "count", 1, COUNT_MAX, &kind->count, err) ||
        yaml_get_cpus(yaml, map, "cpus", &kind->cpus, err) ||
        yaml_get_bytes(yaml, map, "memory", &kind->memory_bytes, err) ||
        yaml_get_count(yaml, map, "gpus", 0, GPUS_MAX, &kind->gpus, err))
        return -(int)err->code;
    const char *fault = fault_of(kind);
    return fault ? yaml_error(yaml, map, err, "%s", fault) : 0;
}

static int read_tree(struct reading *reading, const struct yaml *yaml, struct err *err) {
    static const char *const known[] = {"pods", NULL};
    const struct yaml_node *list = yaml->root;
    if (list->kind == YAML_MAP) {
        if (yaml_only(yaml, list, known, err))
            return -(int)err->code;
        list = yaml_find(yaml->root, "pods");
    }
    if (!list || list->kind != YAML_LIST || list->count == 0) {
        yaml_error(yaml, list ? list : yaml->root, err, "expected a list of pods");
        return err_hint(err, "a pod looks like {name: a, count: 3, cpus: 1500m, memory: 2Gi}");
    }
    for (uint32_t i = 0; i < list->count; i++)
        if (read_pod(reading, yaml, &list->items[i], err))
            return -(int)err->code;
    return 0;
}

int pods_file_parse_yaml(struct arena *arena, const char *text, size_t size, const char *name,
                         struct pods_file *pods, struct err *err) {
    struct reading reading = {.arena = arena};
    struct yaml yaml;
    int rc = yaml_parse(arena, text, size, name, &yaml, err);
    if (!rc)
        rc = read_tree(&reading, &yaml, err);
    hand_over(&reading, pods);
    return rc;
}

/* ---- CSV ------------------------------------------------------------------------------------- */

static int set_name(struct arena *arena, struct pod_kind *kind, const char *cell, struct err *err) {
    (void)err;
    kind->name = arena_strdup(arena, cell);
    return 0;
}

static int whole_number(const char *cell, int64_t low, int64_t high, uint32_t *value,
                        struct err *err) {
    int64_t number = 0;
    int rc = unit_parse_integer(cell, &number, err);
    if (!rc && (number < low || number > high))
        rc = err_set(err, ERR_USAGE, "%s: expected %lld to %lld", cell, (long long)low,
                     (long long)high);
    *value = rc ? 0 : (uint32_t)number;
    return rc;
}

static int set_count(struct arena *arena, struct pod_kind *kind, const char *cell,
                     struct err *err) {
    (void)arena;
    return whole_number(cell, 1, COUNT_MAX, &kind->count, err);
}

static int set_cpus(struct arena *arena, struct pod_kind *kind, const char *cell, struct err *err) {
    (void)arena;
    return yaml_cpus_of(cell, &kind->cpus, err);
}

static int set_memory(struct arena *arena, struct pod_kind *kind, const char *cell,
                      struct err *err) {
    (void)arena;
    return yaml_bytes_of(cell, &kind->memory_bytes, err);
}

static int set_gpus(struct arena *arena, struct pod_kind *kind, const char *cell, struct err *err) {
    (void)arena;
    return whole_number(cell, 0, GPUS_MAX, &kind->gpus, err);
}

static const struct column {
    const char *name;
    int (*set)(struct arena *arena, struct pod_kind *kind, const char *cell, struct err *err);
} columns[] = {
    {"name",   set_name  },
    {"count",  set_count },
    {"cpus",   set_cpus  },
    {"memory", set_memory},
    {"gpus",   set_gpus  },
};

enum { COLUMNS = sizeof columns / sizeof *columns };

/* A place in the text that cannot pass its end. */
struct csv {
    const char *name, *next, *end;
    uint32_t line;
    const struct column *order[COLUMNS];
    uint32_t column_count;
};

static int fail(const struct csv *csv, struct err *err, const char *what) {
    return err_set(err, ERR_INPUT, "%s:%u: %s", csv->name, csv->line, what);
}

/* The next cell of a line without the blanks around it; *last says that the line ends behind it. */
static int next_cell(struct csv *csv, char cell[static CELL_MAX], bool *last, struct err *err) {
    const char *start = csv->next;
    while (csv->next < csv->end && *csv->next != ',' && *csv->next != '\n')
        csv->next++;
    const char *stop = csv->next;
    *last = csv->next == csv->end || *csv->next == '\n';
    csv->next += csv->next < csv->end;
    while (start < stop && strchr(" \t\r", *start))
        start++;
    while (stop > start && strchr(" \t\r", stop[-1]))
        stop--;
    size_t length = (size_t)(stop - start);
    if (length >= CELL_MAX)
        return fail(csv, err, "a cell longer than is read");
    if (memchr(start, 0, length) || memchr(start, '"', length))
        return fail(csv, err, "a quote or a NUL character: expected plain cells");
    memcpy(cell, start, length);
    cell[length] = 0;
    return 0;
}

static int add_column(struct csv *csv, const char *name, struct err *err) {
    struct suggestion near = suggestion_for(name);
    for (size_t i = 0; i < COLUMNS; i++) {
        suggestion_offer(&near, columns[i].name);
        if (strcasecmp(columns[i].name, name) != 0)
            continue;
        for (uint32_t k = 0; k < csv->column_count; k++)
            if (csv->order[k] == &columns[i])
                return fail(csv, err, "a column stands twice in the head");
        csv->order[csv->column_count++] = &columns[i];
        return 0;
    }
    err_set(err, ERR_INPUT, "%s:%u: \"%.60s\" is no column of pods", csv->name, csv->line, name);
    if (near.nearest)
        return err_hint(err, "did you mean \"%s\"?", near.nearest);
    return err_hint(err, "the head names columns among name,count,cpus,memory,gpus");
}

static int read_head(struct csv *csv, struct err *err) {
    char cell[CELL_MAX];
    for (bool last = false; !last;)
        if (next_cell(csv, cell, &last, err) || add_column(csv, cell, err))
            return -(int)err->code;
    return 0;
}

static int read_row(struct csv *csv, struct reading *reading, struct err *err) {
    struct pod_kind *kind = add_kind(reading);
    char cell[CELL_MAX];
    uint32_t column = 0;
    for (bool last = false; !last; column++) {
        if (next_cell(csv, cell, &last, err))
            return -(int)err->code;
        if (column == csv->column_count)
            return fail(csv, err, "more cells than columns in the head");
        if (*cell && csv->order[column]->set(reading->arena, kind, cell, err)) {
            err->code = ERR_INPUT;
            return err_prefix(err, "%s:%u: %s", csv->name, csv->line, csv->order[column]->name);
        }
    }
    const char *fault = fault_of(kind);
    return fault ? fail(csv, err, fault) : 0;
}

static bool is_blank_line(struct csv *csv) {
    const char *at = csv->next;
    while (at < csv->end && strchr(" \t\r", *at) && *at)
        at++;
    if (at < csv->end && *at != '\n' && *at != '#')
        return false;
    while (at < csv->end && *at != '\n')
        at++;
    csv->next = at + (at < csv->end);
    return true;
}

static int read_csv(struct csv *csv, struct reading *reading, struct err *err) {
    for (; csv->next < csv->end; csv->line++) {
        if (is_blank_line(csv))
            continue;
        if (reading->count == KINDS_MAX)
            return fail(csv, err, "more pods than are read of one file");
        int rc = csv->column_count ? read_row(csv, reading, err) : read_head(csv, err);
        if (rc)
            return rc;
    }
    return reading->count ? 0 : err_set(err, ERR_INPUT, "%s: no pods", csv->name);
}

int pods_file_parse_csv(struct arena *arena, const char *text, size_t size, const char *name,
                        struct pods_file *pods, struct err *err) {
    struct reading reading = {.arena = arena};
    struct csv csv = {.name = name, .next = text, .end = size ? text + size : text, .line = 1};
    int rc = size > YAML_BYTES_MAX ? err_set(err, ERR_INPUT, "%s: %zu bytes: expected at most %d",
                                             name, size, YAML_BYTES_MAX)
                                   : read_csv(&csv, &reading, err);
    hand_over(&reading, pods);
    return rc;
}

int pods_file_read(struct arena *arena, const char *path, struct pods_file *pods, struct err *err) {
    const char *dot = strrchr(path, '.');
    struct file_map map;
    int rc = file_map_open(&map, path, err);
    if (rc)
        return rc;
    bool is_csv = dot && strcasecmp(dot, ".csv") == 0;
    rc = (is_csv ? pods_file_parse_csv : pods_file_parse_yaml)(arena, (const char *)map.bytes,
                                                               map.size, path, pods, err);
    file_map_close(&map);
    return rc;
}
