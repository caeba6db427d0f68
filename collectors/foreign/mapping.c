#include "collectors/foreign/mapping.h"

#include "base/installation.h"
#include "base/yaml.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { RULES_MAX = 64, ATTRIBUTES_MAX = 128, MAPPINGS_MAX = 1024 };

/* ---- the file -------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    double scale;
} time_units[] = {
    {"ns", 1  },
    {"us", 1e3},
    {"ms", 1e6},
    {"s",  1e9},
};

enum { TIME_UNITS = sizeof time_units / sizeof *time_units };

static int read_unit(const struct yaml *yaml, const struct yaml_node *map, double *scale,
                     struct err *err) {
    const char *unit = NULL;
    if (yaml_get_text(yaml, map, "unit", &unit, err))
        return -(int)err->code;
    for (size_t i = 0; unit && i < TIME_UNITS; i++)
        if (strcmp(time_units[i].name, unit) == 0) {
            *scale = time_units[i].scale;
            return 0;
        }
    return yaml_error(yaml, map, err, "unit must be ns, us, ms or s");
}

static int read_number(const struct yaml *yaml, const struct yaml_node *rule, const char *key,
                       struct mapping_number *number, struct err *err) {
    static const char *const known[] = {"value", "unit", NULL};
    const struct yaml_node *map = yaml_find(rule, key);
    if (!map)
        return 0;
    if (yaml_only(yaml, map, known, err) || yaml_get_text(yaml, map, "value", &number->value, err))
        return -(int)err->code;
    if (!number->value)
        return yaml_error(yaml, map, err, "%s needs a value, such as \"{latency}\"", key);
    return read_unit(yaml, map, &number->scale, err);
}

/* A scalar or a list of scalars. */
static int read_texts(struct arena *arena, const struct yaml *yaml, const struct yaml_node *node,
                      const char *const **texts, uint32_t *count, struct err *err) {
    bool list = node->kind == YAML_LIST;
    uint32_t n = list ? node->count : 1;
    const char **out = ARENA_ARRAY(arena, n, const char *);
    for (uint32_t i = 0; i < n; i++) {
        out[i] = (list ? &node->items[i] : node)->text;
        if (!out[i])
            return yaml_error(yaml, node, err, "must be a text or a list of texts");
    }
    *texts = out;
    *count = n;
    return 0;
}

static int read_conditions(struct arena *arena, const struct yaml *yaml,
                           const struct yaml_node *node, bool unless, struct mapping_rule *rule,
                           struct err *err) {
    if (!node)
        return 0;
    if (node->kind != YAML_MAP)
        return yaml_error(yaml, node, err, "must be a mapping of columns to texts");
    uint32_t before = rule->condition_count;
    rule->conditions =
        arena_grow(arena, rule->conditions, before, before + node->count, sizeof *rule->conditions);
    for (uint32_t i = 0; i < node->count; i++) {
        struct mapping_condition *condition = &rule->conditions[rule->condition_count++];
        condition->value = arena_printf(arena, "{%s}", node->items[i].key);
        condition->unless = unless;
        if (read_texts(arena, yaml, &node->items[i], &condition->texts, &condition->count, err))
            return -(int)err->code;
    }
    return 0;
}

static int by_key(const void *a, const void *b) {
    const struct mapping_attribute *left = a, *right = b;
    return strcmp(left->key, right->key);
}

static bool is_key(const char *text) {
    return text[0] && strcspn(text, " =\"{}\t\r\n") == strlen(text);
}

/* A list of columns, or a mapping of keys to templates. */
static int read_attributes(struct arena *arena, const struct yaml *yaml,
                           const struct yaml_node *node, struct mapping_rule *rule,
                           struct err *err) {
    if (!node)
        return 0;
    if ((node->kind != YAML_LIST && node->kind != YAML_MAP) || node->count > ATTRIBUTES_MAX)
        return yaml_error(yaml, node, err,
                          "attributes must be a list of at most %d columns, or a "
                          "mapping",
                          ATTRIBUTES_MAX);
    rule->attributes = ARENA_ARRAY(arena, node->count, struct mapping_attribute);
    for (uint32_t i = 0; i < node->count; i++) {
        const struct yaml_node *item = &node->items[i];
        struct mapping_attribute *attribute = &rule->attributes[i];
        attribute->key = item->key ? item->key : item->text;
        if (!item->text || !is_key(attribute->key))
            return yaml_error(yaml, item, err,
                              "an attribute is one word without = and quotes, and its text");
        attribute->value = item->key ? item->text : arena_printf(arena, "{%s}", item->text);
    }
    rule->attribute_count = node->count;
    qsort(rule->attributes, node->count, sizeof *rule->attributes, by_key);
    return 0;
}

static int read_rule_texts(const struct yaml *yaml, const struct yaml_node *node,
                           struct mapping_rule *rule, struct err *err) {
    const struct {
        const char *key;
        const char **text;
    } texts[] = {
        {"name",   &rule->name  },
        {"each",   &rule->each  },
        {"device", &rule->device},
        {"shapes", &rule->shapes},
        {"dtypes", &rule->dtypes},
        {"count",  &rule->count },
        {"metric", &rule->metric},
        {"unit",   &rule->unit  },
        {"value",  &rule->value },
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (yaml_get_text(yaml, node, texts[i].key, texts[i].text, err))
            return -(int)err->code;
    return 0;
}

static int read_row(struct arena *arena, const struct yaml *yaml, const struct yaml_node *node,
                    struct mapping_rule *rule, struct err *err) {
    static const char *const known[] = {"name",   "each",       "when",  "unless", "device",
                                        "shapes", "dtypes",     "count", "time",   "low",
                                        "high",   "attributes", NULL};
    if (yaml_only(yaml, node, known, err) || read_rule_texts(yaml, node, rule, err) ||
        read_conditions(arena, yaml, yaml_find(node, "when"), false, rule, err) ||
        read_conditions(arena, yaml, yaml_find(node, "unless"), true, rule, err) ||
        read_number(yaml, node, "time", &rule->time, err) ||
        read_number(yaml, node, "low", &rule->low, err) ||
        read_number(yaml, node, "high", &rule->high, err) ||
        read_attributes(arena, yaml, yaml_find(node, "attributes"), rule, err))
        return -(int)err->code;
    return rule->name ? 0 : yaml_error(yaml, node, err, "a row needs a name");
}

static int read_sample(struct arena *arena, const struct yaml *yaml, const struct yaml_node *node,
                       struct mapping_rule *rule, struct err *err) {
    static const char *const known[] = {"metric", "unit", "value", "at", "when", "unless", NULL};
    if (yaml_only(yaml, node, known, err) || read_rule_texts(yaml, node, rule, err) ||
        read_conditions(arena, yaml, yaml_find(node, "when"), false, rule, err) ||
        read_conditions(arena, yaml, yaml_find(node, "unless"), true, rule, err) ||
        read_number(yaml, node, "at", &rule->time, err))
        return -(int)err->code;
    if (!rule->metric || !rule->unit || !rule->value || !rule->time.value)
        return yaml_error(yaml, node, err, "a sample needs metric, unit, value and at");
    return 0;
}

typedef int rule_reader(struct arena *arena, const struct yaml *yaml, const struct yaml_node *node,
                        struct mapping_rule *rule, struct err *err);

static int read_rules(struct arena *arena, const struct yaml *yaml, const char *key,
                      rule_reader *read, struct mapping *mapping, struct err *err) {
    const struct yaml_node *list = yaml_find(yaml->root, key);
    if (!list)
        return 0;
    if (list->kind != YAML_LIST || list->count > RULES_MAX)
        return yaml_error(yaml, list, err, "%s must be a list of at most %d", key, RULES_MAX);
    uint32_t before = mapping->rule_count;
    mapping->rules =
        arena_grow(arena, mapping->rules, before, before + list->count, sizeof *mapping->rules);
    for (uint32_t i = 0; i < list->count; i++)
        if (read(arena, yaml, &list->items[i], &mapping->rules[mapping->rule_count++], err))
            return -(int)err->code;
    return 0;
}

static int read_mapping(struct arena *arena, const struct yaml *yaml, struct mapping *mapping,
                        struct err *err) {
    static const char *const known[] = {"name", "help", "columns", "path", "rows", "samples", NULL};
    const struct yaml_node *root = yaml->root, *columns;
    *mapping = (struct mapping){.file = yaml->name};
    if (yaml_only(yaml, root, known, err) ||
        yaml_get_text(yaml, root, "name", &mapping->name, err) ||
        yaml_get_text(yaml, root, "help", &mapping->help, err) ||
        yaml_get_text(yaml, root, "path", &mapping->path, err))
        return -(int)err->code;
    columns = yaml_find(root, "columns");
    if (!mapping->name || !columns)
        return yaml_error(yaml, root, err, "a mapping needs a name and columns");
    if (read_texts(arena, yaml, columns, &mapping->columns, &mapping->column_count, err) ||
        read_rules(arena, yaml, "rows", read_row, mapping, err) ||
        read_rules(arena, yaml, "samples", read_sample, mapping, err))
        return -(int)err->code;
    if (mapping->rule_count == 0 || mapping->column_count == 0)
        return yaml_error(yaml, root, err, "a mapping needs columns, and rows or samples");
    return 0;
}

int mapping_read(struct arena *arena, const char *path, struct mapping *mapping, struct err *err) {
    struct yaml yaml;
    if (yaml_read(arena, path, &yaml, err))
        return -(int)err->code;
    return read_mapping(arena, &yaml, mapping, err);
}

int mapping_parse(struct arena *arena, const char *bytes, size_t size, const char *name,
                  struct mapping *mapping, struct err *err) {
    struct yaml yaml;
    if (yaml_parse(arena, bytes, size, name, &yaml, err))
        return -(int)err->code;
    return read_mapping(arena, &yaml, mapping, err);
}

/* ---- those that ship ------------------------------------------------------------------------- */

/* Relative to the program's folder. Tests live up to three folders below the sources. */
static const char *const places[] = {"../share/assay/mappings", "../collectors/foreign/mappings",
                                     "../../collectors/foreign/mappings",
                                     "../../../collectors/foreign/mappings",
                                     "../../../../collectors/foreign/mappings"};

int mapping_folder(struct arena *arena, const char **folder, struct err *err) {
    *folder = getenv("ASSAY_MAPPINGS");
    if (*folder && **folder)
        return 0;
    *folder = installation_find(arena, places, sizeof places / sizeof *places, R_OK);
    if (*folder)
        return 0;
    err_set(err, ERR_ENVIRONMENT, "the mappings of tables are not beside the program");
    return err_hint(err, "install all of Assay, name their folder with ASSAY_MAPPINGS, or one "
                         "mapping with --mapping");
}

const char *mapping_missing(const struct mapping *mapping, const struct csv_record *header) {
    for (uint32_t i = 0; i < mapping->column_count; i++)
        if (csv_column(header, mapping->columns[i]) < 0)
            return mapping->columns[i];
    return NULL;
}

static int is_mapping(const struct dirent *entry) {
    size_t length = strlen(entry->d_name);
    return entry->d_name[0] != '.' && length > 5 &&
           strcmp(entry->d_name + length - 5, ".yaml") == 0;
}

static int nothing_fits(const char *folder, const struct csv_record *header, struct err *err) {
    char columns[300] = "";
    for (uint32_t i = 0; i < header->count && strlen(columns) < 200; i++) {
        strncat(columns, i ? ", " : "", 3);
        strncat(columns, header->cells[i], 60);
    }
    err_set(err, ERR_INPUT, "no mapping in %s knows a table with the columns %s", folder, columns);
    return err_hint(err, "write one (docs/import-mappings.md) and name it with --mapping");
}

/* Of the mappings that fit the one with the most columns stays in `best`. */
static int consider(struct arena *arena, const char *path, const struct csv_record *header,
                    struct mapping *best, const char **rival, struct err *err) {
    struct mapping mapping = {0};
    if (mapping_read(arena, path, &mapping, err))
        return -(int)err->code;
    if (mapping_missing(&mapping, header))
        return 0;
    if (best->name && mapping.column_count == best->column_count)
        *rival = mapping.name;
    if (best->name && mapping.column_count <= best->column_count)
        return 0;
    *best = mapping;
    *rival = NULL;
    return 0;
}

int mapping_choose(struct arena *arena, const char *folder, const struct csv_record *header,
                   struct mapping *mapping, struct err *err) {
    struct dirent **entries;
    const char *rival = NULL;
    int count = scandir(folder, &entries, is_mapping, alphasort), rc = 0;
    if (count < 0)
        return err_set_errno(err, ERR_ENVIRONMENT, "%s", folder);
    *mapping = (struct mapping){0};
    for (int i = 0; i < count; i++) {
        if (rc == 0 && i < MAPPINGS_MAX)
            rc = consider(arena, arena_printf(arena, "%s/%s", folder, entries[i]->d_name), header,
                          mapping, &rival, err);
        free(entries[i]);
    }
    free(entries);
    if (rc)
        return rc;
    if (!mapping->name)
        return nothing_fits(folder, header, err);
    if (rival) {
        err_set(err, ERR_INPUT, "the mappings %s and %s know this table equally well",
                mapping->name, rival);
        return err_hint(err, "name one with --mapping");
    }
    return 0;
}

/* ---- what a path says ------------------------------------------------------------------------ */

/* The part of the path that as many slashes as the pattern's reach back to. */
static const char *tail_of(const char *path, const char *pattern) {
    size_t slashes = 0;
    for (const char *at = pattern; *at; at++)
        slashes += *at == '/';
    const char *tail = path + strlen(path);
    while (tail > path && (tail[-1] != '/' || slashes-- > 0))
        tail--;
    return tail;
}

static int collect_names(struct arena *arena, const char *pattern, struct pairs *variables,
                         struct err *err) {
    for (const char *at = strchr(pattern, '{'); at; at = strchr(at, '{')) {
        size_t length = strcspn(++at, "}");
        if (at[length] == '\0' || length == 0)
            return err_set(err, ERR_INPUT, "path \"%s\": a brace without a name", pattern);
        variables->items = arena_grow(arena, variables->items, variables->count,
                                      variables->count + 1, sizeof *variables->items);
        variables->items[variables->count++].key = arena_strndup(arena, at, length);
    }
    return 0;
}

struct matcher {
    struct arena *arena;
    struct pairs *variables;
    uint32_t steps; /* taken; a pattern of many stars is given up */
};

enum { MATCH_STEPS_MAX = 1 << 20 };

/* Recursion is as deep as the pattern is long. */
static bool match(struct matcher *matcher, const char *pattern, const char *text, uint32_t name) {
    if (matcher->steps++ > MATCH_STEPS_MAX)
        return false;
    if (*pattern != '{' && *pattern != '*')
        return *pattern == *text &&
               (*pattern == '\0' || match(matcher, pattern + 1, text + 1, name));
    bool named = *pattern == '{';
    const char *behind = named ? strchr(pattern, '}') + 1 : pattern + 1;
    size_t most = strcspn(text, "/");
    for (size_t length = named; length <= most; length++) {
        if (!match(matcher, behind, text + length, name + named))
            continue;
        if (named)
            matcher->variables->items[name].value = arena_strndup(matcher->arena, text, length);
        return true;
    }
    return false;
}

int mapping_variables(struct arena *arena, const char *pattern, const char *path,
                      struct pairs *variables, struct err *err) {
    *variables = (struct pairs){0};
    if (!pattern)
        return 0;
    if (collect_names(arena, pattern, variables, err))
        return -(int)err->code;
    if (strlen(pattern) > 1024)
        return err_set(err, ERR_INPUT, "path: the pattern is longer than 1024 bytes");
    struct matcher matcher = {.arena = arena, .variables = variables};
    match(&matcher, pattern, tail_of(path, pattern), 0);
    return 0;
}
