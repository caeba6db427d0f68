#include "jobs/catalog.h"

#include "base/yaml.h"
#include "predictor/capacity/pack.h"
#include "predictor/capacity/reserve.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

enum { CATALOG_TYPES_MAX = 1000, PODS_MAX = 100000, NODES_MAX = 1000000 };

#define USD_MAX 1e6

/* What entries inherit and what they say themselves are read by the same steps: an entry begins
 * as a copy of the defaults. */
static const char *const common_keys[] = {"reserve", "price_date", "price_source", "pods",
                                          "daemonsets"};
static const char *const top_keys[] = {"currency", "nodes", NULL};
static const char *const entry_keys[] = {"name",   "cpus",  "memory", "gpus",
                                         "price",  "limit", "spot",   "interruption_rate_per_hour",
                                         "labels", NULL};

enum { COMMON_KEYS = sizeof common_keys / sizeof *common_keys, KEYS_MAX = 20 };

static int check_keys(const struct yaml *yaml, const struct yaml_node *map,
                      const char *const *own_keys, struct err *err) {
    const char *known[KEYS_MAX] = {0};
    uint32_t count = 0;
    for (; own_keys[count]; count++)
        known[count] = own_keys[count];
    memcpy(known + count, common_keys, sizeof common_keys);
    return yaml_only(yaml, map, known, err);
}

/* ---- what a file and an entry may both say --------------------------------------------------- */

static int read_reserve(const struct yaml *yaml, const struct yaml_node *map,
                        struct node_type *type, struct err *err) {
    int rc = yaml_get_text(yaml, map, "reserve", &type->reserve, err);
    if (rc || reserve_by_name(type->reserve))
        return rc;
    return yaml_error(yaml, yaml_find(map, "reserve"), err,
                      "reserve: expected gke, eks, aks or none, found \"%.40s\"", type->reserve);
}

/* 2025-01-31 */
static bool is_date(const char *text) {
    static const char form[] = "dddd-dd-dd";
    for (size_t i = 0; form[i]; i++)
        if (form[i] == 'd' ? !isdigit((unsigned char)text[i]) : text[i] != form[i])
            return false;
    int month = (text[5] - '0') * 10 + text[6] - '0', day = (text[8] - '0') * 10 + text[9] - '0';
    return text[sizeof form - 1] == 0 && month >= 1 && month <= 12 && day >= 1 && day <= 31;
}

static int read_source(const struct yaml *yaml, const struct yaml_node *map, struct node_type *type,
                       struct err *err) {
    const char *date = NULL;
    if (yaml_get_text(yaml, map, "price_date", &date, err) ||
        yaml_get_text(yaml, map, "price_source", &type->price_source, err))
        return -(int)err->code;
    if (date && !is_date(date))
        return yaml_error(yaml, yaml_find(map, "price_date"), err,
                          "price_date: expected a day such as 2025-01-31, found \"%.40s\"", date);
    if (date)
        type->price_date = date;
    return 0;
}

/* One mapping: the sum of all daemon sets is what counts, so a list is added up. */
static int add_daemonset(const struct yaml *yaml, const struct yaml_node *map,
                         struct node_type *type, struct err *err) {
    static const char *const known[] = {"name", "cpus", "memory", "pods", NULL};
    double cpus = 0, memory = 0;
    uint32_t pods = 1;
    if (yaml_only(yaml, map, known, err) || yaml_get_cpus(yaml, map, "cpus", &cpus, err) ||
        yaml_get_bytes(yaml, map, "memory", &memory, err) ||
        yaml_get_count(yaml, map, "pods", 0, PODS_MAX, &pods, err))
        return -(int)err->code;
    type->daemonset_cpus += cpus;
    type->daemonset_memory_bytes += memory;
    type->daemonset_pods += pods;
    return 0;
}

static int read_daemonsets(const struct yaml *yaml, const struct yaml_node *map,
                           struct node_type *type, struct err *err) {
    const struct yaml_node *sets = yaml_find(map, "daemonsets");
    if (!sets)
        return 0;
    type->daemonset_cpus = type->daemonset_memory_bytes = 0;
    type->daemonset_pods = 0;
    if (sets->kind != YAML_LIST)
        return add_daemonset(yaml, sets, type, err);
    for (uint32_t i = 0; i < sets->count; i++)
        if (add_daemonset(yaml, &sets->items[i], type, err))
            return -(int)err->code;
    return 0;
}

static int read_common(const struct yaml *yaml, const struct yaml_node *map, struct node_type *type,
                       struct err *err) {
    if (read_reserve(yaml, map, type, err) || read_source(yaml, map, type, err) ||
        yaml_get_count(yaml, map, "pods", 1, PODS_MAX, &type->pods_max, err) ||
        read_daemonsets(yaml, map, type, err))
        return -(int)err->code;
    return 0;
}

/* ---- entries --------------------------------------------------------------------------------- */

static int need(const struct yaml *yaml, const struct yaml_node *map, const char *key, bool there,
                struct err *err) {
    return there ? 0 : yaml_error(yaml, map, err, "a node needs %s", key);
}

static int read_size(const struct yaml *yaml, const struct yaml_node *map, struct node_type *type,
                     struct err *err) {
    if (yaml_get_text(yaml, map, "name", &type->name, err) ||
        need(yaml, map, "a name", type->name != NULL, err) ||
        yaml_get_cpus(yaml, map, "cpus", &type->cpus, err) ||
        need(yaml, map, "cpus above 0", type->cpus > 0, err) ||
        yaml_get_bytes(yaml, map, "memory", &type->memory_bytes, err) ||
        need(yaml, map, "memory above 0", type->memory_bytes > 0, err) ||
        yaml_get_count(yaml, map, "gpus", 0, 1000, &type->gpus, err) ||
        yaml_get_count(yaml, map, "limit", 1, NODES_MAX, &type->limit, err))
        return -(int)err->code;
    return 0;
}

static int read_price(const struct yaml *yaml, const struct yaml_node *map, struct node_type *type,
                      struct err *err) {
    double *rate = &type->interruptions_per_hour;
    if (yaml_get_number(yaml, map, "price", 0, USD_MAX, &type->usd_per_hour, err) ||
        yaml_get_bool(yaml, map, "spot", &type->spot, err) ||
        yaml_get_number(yaml, map, "interruption_rate_per_hour", 0, 3600, rate, err))
        return -(int)err->code;
    if (*rate > 0 && !type->spot)
        return yaml_error(yaml, yaml_find(map, "interruption_rate_per_hour"), err,
                          "only a spot node is interrupted: expected spot: true");
    return 0;
}

static int read_labels(struct arena *arena, const struct yaml *yaml, const struct yaml_node *map,
                       struct node_type *type, struct err *err) {
    const struct yaml_node *list = yaml_find(map, "labels");
    if (!list)
        return 0;
    if (list->kind != YAML_MAP)
        return yaml_error(yaml, list, err, "labels: expected a mapping, found %s",
                          yaml_kind_name(list->kind));
    struct node_label *labels = ARENA_ARRAY(arena, list->count, struct node_label);
    for (uint32_t i = 0; i < list->count; i++) {
        const struct yaml_node *item = &list->items[i];
        if (!item->text)
            return yaml_error(yaml, item, err, "%.60s: expected a text, found %s", item->key,
                              yaml_kind_name(item->kind));
        labels[i] = (struct node_label){item->key, item->text};
    }
    type->labels = labels;
    type->label_count = list->count;
    return 0;
}

static int read_entry(struct arena *arena, const struct yaml *yaml, const struct yaml_node *map,
                      struct node_type *type, struct err *err) {
    if (check_keys(yaml, map, entry_keys, err) || read_common(yaml, map, type, err) ||
        read_size(yaml, map, type, err) || read_price(yaml, map, type, err) ||
        read_labels(arena, yaml, map, type, err))
        return -(int)err->code;
    return 0;
}

/* ---- the file -------------------------------------------------------------------------------- */

static int check_currency(const struct yaml *yaml, struct err *err) {
    const char *currency = "USD";
    int rc = yaml_get_text(yaml, yaml->root, "currency", &currency, err);
    if (rc || strcmp(currency, "USD") == 0)
        return rc;
    return yaml_error(yaml, yaml_find(yaml->root, "currency"), err,
                      "currency: prices are in USD per hour, found \"%.20s\"", currency);
}

static int check_name(const struct yaml *yaml, const struct yaml_node *map,
                      const struct catalog *catalog, uint32_t last, struct err *err) {
    for (uint32_t i = 0; i < last; i++)
        if (strcmp(catalog->types[i].name, catalog->types[last].name) == 0)
            return yaml_error(yaml, map, err, "two nodes are named \"%.60s\"",
                              catalog->types[i].name);
    return 0;
}

static int read_catalog(struct arena *arena, const struct yaml *yaml, struct catalog *catalog,
                        struct err *err) {
    struct node_type defaults = {
        .reserve = reserve_at(0)->name, .pods_max = PACK_PODS_DEFAULT, .usd_per_hour = NAN};
    *catalog = (struct catalog){0};
    if (check_keys(yaml, yaml->root, top_keys, err) || check_currency(yaml, err) ||
        read_common(yaml, yaml->root, &defaults, err))
        return -(int)err->code;
    const struct yaml_node *nodes = yaml_find(yaml->root, "nodes");
    if (!nodes || nodes->kind != YAML_LIST || nodes->count == 0)
        return yaml_error(yaml, nodes ? nodes : yaml->root, err,
                          "expected nodes: with a list of at least one node");
    if (nodes->count > CATALOG_TYPES_MAX)
        return yaml_error(yaml, nodes, err, "%u nodes: expected at most %d", nodes->count,
                          CATALOG_TYPES_MAX);
    catalog->types = ARENA_ARRAY(arena, nodes->count, struct node_type);
    for (; catalog->count < nodes->count; catalog->count++) {
        const struct yaml_node *map = &nodes->items[catalog->count];
        catalog->types[catalog->count] = defaults;
        if (read_entry(arena, yaml, map, &catalog->types[catalog->count], err) ||
            check_name(yaml, map, catalog, catalog->count, err))
            return -(int)err->code;
    }
    return 0;
}

int catalog_parse(struct arena *arena, const char *text, size_t size, const char *name,
                  struct catalog *catalog, struct err *err) {
    struct yaml yaml;
    int rc = yaml_parse(arena, text, size, name, &yaml, err);
    if (!rc)
        rc = read_catalog(arena, &yaml, catalog, err);
    return rc ? err_hint(err, "docs/catalog.md describes the file") : 0;
}

int catalog_read(struct arena *arena, const char *path, struct catalog *catalog, struct err *err) {
    struct yaml yaml;
    int rc = yaml_read(arena, path, &yaml, err);
    if (!rc)
        rc = read_catalog(arena, &yaml, catalog, err);
    return rc ? err_hint(err, "docs/catalog.md describes the file") : 0;
}
