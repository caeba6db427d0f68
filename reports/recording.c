#include "reports/recording.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- the whole ------------------------------------------------------------------------------- */

static void add_pair(struct table *table, const char *name, const char *value) {
    table_row(table);
    table_text(table, 0, name);
    table_text(table, 1, value);
}

static void add_number(struct table *table, const char *name, double value, enum unit unit) {
    char text[UNIT_TEXT_SIZE];
    add_pair(table, name, unit_format(text, value, unit));
}

static void add_device(struct table *table, const struct recording *r) {
    const char *device = recording_fact(r, "device");
    if (device)
        add_pair(table, "device", device);
    if (r->device_span_ns > 0) {
        add_number(table, "device busy", r->device_busy_ns, UNIT_NS);
        add_number(table, "  of", r->device_span_ns, UNIT_NS);
        add_number(table, "kernels", (double)r->kernels, UNIT_COUNT);
        add_number(table, "  of different names", (double)r->kernel_names, UNIT_COUNT);
        add_number(table, "  whose call is known", (double)r->kernels_with_call, UNIT_COUNT);
    }
}

void recording_head_table(struct arena *arena, const struct recording *r, struct table *table) {
    static const struct table_column columns[] = {
        {"name",  "Recording", UNIT_PLAIN, TABLE_LEFT},
        {"value", "",          UNIT_PLAIN, TABLE_LEFT},
    };
    table_init(table, arena, "", columns, 2);
    add_pair(table, "source", r->path);
    add_pair(table, "format", r->format);
    add_number(table, "events", (double)r->events, UNIT_COUNT);
    if (!r->complete)
        add_pair(table, "complete",
                 arena_printf(arena, "no: ends after %" PRIu64 " bytes", r->whole_bytes));
    if (r->wall_ns > 0)
        add_number(table, "wall time", r->wall_ns, UNIT_NS);
    if (!isnan(r->overhead_ns))
        add_number(table, "recording cost", r->overhead_ns, UNIT_NS);
    add_device(table, r);
    if (r->operators_with_shapes)
        add_number(table, "spans with shapes", (double)r->operators_with_shapes, UNIT_COUNT);
}

static int category_order(const void *key, const void *item) {
    return strcmp(key, ((const struct recording_category *)item)->name);
}

/* Own time per category, in their order. */
static double *category_times(struct arena *arena, const struct recording *r) {
    double *times = ARENA_ARRAY(arena, r->category_count + 1u, double);
    for (uint32_t i = 0; i < r->node_count; i++) {
        const struct recording_category *category =
            r->category_count ? bsearch(r->nodes[i].category, r->categories, r->category_count,
                                        sizeof *r->categories, category_order)
                              : NULL;
        if (category)
            times[category - r->categories] += r->nodes[i].self_ns;
    }
    return times;
}

void recording_categories_table(struct arena *arena, const struct recording *r,
                                struct table *table) {
    enum { CATEGORY, SPANS, OWN, PART };
    static const struct table_column columns[] = {
        [CATEGORY] = {"category", "Category", UNIT_PLAIN,    TABLE_LEFT },
        [SPANS] = {"count",    "Spans",    UNIT_COUNT,    TABLE_RIGHT},
        [OWN] = {"self_ns",  "Self",     UNIT_NS,       TABLE_RIGHT},
        [PART] = {"share",    "Share",    UNIT_FRACTION, TABLE_RIGHT},
    };
    double all_ns = recording_self_ns(r), *times = category_times(arena, r);
    table_init(table, arena, "", columns, 4);
    for (uint32_t i = 0; i < r->category_count; i++) {
        table_row(table);
        table_text(table, CATEGORY, *r->categories[i].name ? r->categories[i].name : "(none)");
        table_int(table, SPANS, (int64_t)r->categories[i].count);
        table_number(table, OWN, r->node_count ? times[i] : NAN);
        table_number(table, PART, all_ns > 0 ? times[i] / all_ns : NAN);
    }
}

/* ---- names by self time ---------------------------------------------------------------------- */

enum { NAME, KIND, WHERE, SHAPES, COUNT, TOTAL, SELF, SHARE, COLUMNS };

static const struct table_column call_columns[COLUMNS] = {
    [NAME] = {"name",     "Operator", UNIT_PLAIN,    TABLE_LEFT },
    [KIND] = {"kind",     "Kind",     UNIT_PLAIN,    TABLE_LEFT },
    [WHERE] = {"category", "Category", UNIT_PLAIN,    TABLE_LEFT },
    [SHAPES] = {"shapes",   "Shapes",   UNIT_PLAIN,    TABLE_LEFT },
    [COUNT] = {"count",    "Calls",    UNIT_COUNT,    TABLE_RIGHT},
    [TOTAL] = {"total_ns", "Total",    UNIT_NS,       TABLE_RIGHT},
    [SELF] = {"self_ns",  "Self",     UNIT_NS,       TABLE_RIGHT},
    [SHARE] = {"share",    "Share",    UNIT_FRACTION, TABLE_RIGHT},
};

/* Names of kernels are longer than a terminal is wide. */
static const char *short_name(struct arena *arena, const char *name) {
    enum { NAME_MAX_BYTES = 96 };
    size_t length = strlen(name);
    if (length <= NAME_MAX_BYTES)
        return name;
    size_t cut = NAME_MAX_BYTES - 3;
    while (cut > 0 && ((unsigned char)name[cut] & 0xc0) == 0x80)
        cut--;
    return arena_printf(arena, "%.*s...", (int)cut, name);
}

static void add_call(struct table *table, const char *name, const struct recording_node *node,
                     const char *shapes, uint64_t count, double total_ns, double self_ns,
                     double all_ns) {
    table_row(table);
    table_text(table, NAME, name);
    table_text(table, KIND, span_kind_name(node->kind));
    table_text(table, WHERE,
               *node->device ? node->device : node->category); /* rows have a device */
    table_text(table, SHAPES, shapes);
    if (count) /* a table may not say */
        table_int(table, COUNT, (int64_t)count);
    table_number(table, TOTAL, total_ns);
    table_number(table, SELF, self_ns);
    table_number(table, SHARE, all_ns > 0 ? self_ns / all_ns : NAN);
}

static const char *what_of(struct arena *arena, const struct recording_node *node) {
    const char *both = *node->shapes && *node->attributes ? " " : "";
    return arena_printf(arena, "%s%s%s", node->shapes, both, node->attributes);
}

void recording_calls_table(struct arena *arena, const struct recording *r, bool by_shapes,
                           uint32_t limit, struct table *table) {
    uint32_t count;
    struct recording_call *calls = recording_calls(arena, r, by_shapes, &count);
    double all_ns = recording_self_ns(r);
    table_init(table, arena, "", call_columns, COLUMNS);
    for (uint32_t i = 0; i < count && (limit == 0 || i < limit); i++) {
        const struct recording_node *node = calls[i].node;
        add_call(table, short_name(arena, node->name), node,
                 by_shapes ? what_of(arena, node) : NULL, calls[i].count, calls[i].total_ns,
                 calls[i].self_ns, all_ns);
    }
}

/* ---- the tree -------------------------------------------------------------------------------- */

struct tree {
    struct arena *arena;
    const struct recording *recording;
    struct recording_links links;
    int depth;
    uint32_t limit;
    double least_ns, all_ns;
    struct table *table;
};

/* As deep as the recorder nests, so no deeper than a stack holds. */
static void add_children(struct tree *tree, int32_t parent, int depth) {
    uint32_t shown = 0;
    for (int32_t at = tree->links.first[parent + 1]; at >= 0; at = tree->links.next[at]) {
        const struct recording_node *node = &tree->recording->nodes[at];
        if ((tree->limit && shown == tree->limit) || node->total_ns < tree->least_ns)
            return;
        const char *name =
            arena_printf(tree->arena, "%*s%s", 2 * depth, "", short_name(tree->arena, node->name));
        add_call(tree->table, name, node, what_of(tree->arena, node), node->count, node->total_ns,
                 node->self_ns, tree->all_ns);
        shown++;
        if (tree->depth == 0 || depth + 1 < tree->depth)
            add_children(tree, at, depth + 1);
    }
}

void recording_tree_table(struct arena *arena, const struct recording *r, int depth, uint32_t limit,
                          double share_min, struct table *table) {
    double all_ns = recording_self_ns(r);
    struct tree tree = {.arena = arena,
                        .recording = r,
                        .links = recording_links(arena, r),
                        .depth = depth,
                        .limit = limit,
                        .least_ns = share_min * all_ns,
                        .all_ns = all_ns,
                        .table = table};
    table_init(table, arena, "", call_columns, COLUMNS);
    add_children(&tree, RECORDING_ROOT, 0);
}

/* ---- tracks ---------------------------------------------------------------------------------- */

enum { TRACK_NAME, TRACK_KIND, TRACK_SPANS, TRACK_START, TRACK_END, TRACK_BUSY, TRACK_COLUMNS };

void recording_tracks_table(struct arena *arena, const struct recording *r, struct table *table) {
    static const struct table_column columns[TRACK_COLUMNS] = {
        [TRACK_NAME] = {"name",     "Track", UNIT_PLAIN, TABLE_LEFT },
        [TRACK_KIND] = {"kind",     "Kind",  UNIT_PLAIN, TABLE_LEFT },
        [TRACK_SPANS] = {"spans",    "Spans", UNIT_COUNT, TABLE_RIGHT},
        [TRACK_START] = {"start_ns", "First", UNIT_NS,    TABLE_RIGHT},
        [TRACK_END] = {"end_ns",   "Last",  UNIT_NS,    TABLE_RIGHT},
        [TRACK_BUSY] = {"busy_ns",  "Busy",  UNIT_NS,    TABLE_RIGHT},
    };
    table_init(table, arena, "", columns, TRACK_COLUMNS);
    for (uint32_t i = 0; i < r->track_count; i++) {
        const struct recording_track *track = &r->tracks[i];
        table_row(table);
        table_text(table, TRACK_NAME, *track->name ? track->name : "(not named)");
        table_text(table, TRACK_KIND, track_kind_name(track->kind));
        table_int(table, TRACK_SPANS, (int64_t)track->spans);
        table_number(table, TRACK_START, track->start_ns);
        table_number(table, TRACK_END, track->end_ns);
        table_number(table, TRACK_BUSY, track->busy_ns);
    }
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static void add_categories(cJSON *tree, const struct recording *r) {
    cJSON *categories = json_add_object(tree, "complete_by_cat");
    for (uint32_t i = 0; i < r->category_count; i++)
        json_add_uint(categories, r->categories[i].name, r->categories[i].count);
}

cJSON *recording_json(struct arena *arena, const struct recording *r) {
    struct table tracks;
    cJSON *tree = json_object();
    recording_tracks_table(arena, r, &tracks);
    json_add_int(tree, "schema", RECORDING_SCHEMA);
    json_add_text(tree, "file", r->path);
    json_add_text(tree, "format", r->format);
    json_add_text(tree, "sha256", *r->sha256 ? r->sha256 : NULL);
    json_add_text(tree, "started_at", r->started_at);
    json_add_text(tree, "device", recording_fact(r, "device"));
    json_add_uint(tree, "events", r->events);
    json_add_bool(tree, "complete", r->complete);
    if (r->complete)
        json_add_null(tree, "whole_bytes");
    else
        json_add_uint(tree, "whole_bytes", r->whole_bytes);
    add_categories(tree, r);
    json_add_uint(tree, "kernel_count", r->kernels);
    json_add_number(tree, "kernel_dur_sum_us", r->kernel_total_ns / 1e3);
    json_add_number(tree, "gpu_busy_union_us", r->device_busy_read_us);
    json_add_number(tree, "gpu_span_us", r->device_span_read_us);
    json_add_uint(tree, "distinct_kernel_names", r->kernel_names);
    json_add_uint(tree, "kernels_with_runtime_correlation", r->kernels_with_call);
    json_add_uint(tree, "cpu_ops_with_input_dims", r->operators_with_shapes);
    json_add_uint(tree, "operators", r->node_count);
    json_add_number(tree, "wall_ns", r->wall_ns);
    json_add_number(tree, "device_busy_ns", r->device_busy_ns);
    json_add_number(tree, "device_span_ns", r->device_span_ns);
    json_add_number(tree, "overhead_ns", r->overhead_ns);
    json_add(tree, "tracks", table_json(&tracks));
    cJSON *facts = json_add_object(tree, "facts");
    for (uint32_t i = 0; i < r->fact_count; i++)
        json_add_text(facts, r->facts[i].key, r->facts[i].value);
    return tree;
}
