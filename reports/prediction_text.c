#include "reports/prediction_text.h"

#include "reports/estimate_json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { QUANTITY, TIME_OR_SIZE, TIER, TOTAL_COLUMNS };

/* One column cannot hold both nanoseconds and bytes as numbers, so the text is made here. */
static void add_total(struct table *table, const char *name, const struct estimate *estimate,
                      enum unit unit) {
    char value[UNIT_TEXT_SIZE], low[UNIT_TEXT_SIZE], high[UNIT_TEXT_SIZE];
    if (isnan(estimate->value))
        return;
    table_row(table);
    table_text(table, QUANTITY, name);
    unit_format(value, estimate->value, unit);
    if (isnan(estimate->low) || isnan(estimate->high))
        table_text(table, TIME_OR_SIZE, value);
    else
        table_textf(table, TIME_OR_SIZE, "%s (%s to %s)", value,
                    unit_format(low, estimate->low, unit), unit_format(high, estimate->high, unit));
    table_text(table, TIER, tier_name(estimate->tier));
}

static void add_decoding(struct table *table, const struct decoding *decoding) {
    char text[UNIT_TEXT_SIZE];
    if (decoding->tokens == 0)
        return;
    add_total(table, "Tokens per second", &decoding->tokens_per_second, UNIT_PER_S);
    add_total(table, "Key-value cache", &decoding->cache_bytes, UNIT_BYTES);
    table_row(table);
    table_text(table, QUANTITY, "Key-value cache, by its sizes");
    table_text(table, TIME_OR_SIZE, unit_format(text, decoding->cache_expected_bytes, UNIT_BYTES));
    table_text(table, TIER, "closed form");
}

void prediction_totals_table(struct arena *arena, const struct prediction *prediction,
                             struct table *table) {
    static const struct table_column columns[] = {
        [QUANTITY] = {"quantity", "",                      UNIT_PLAIN, TABLE_LEFT},
        [TIME_OR_SIZE] = {"value",    "Value (90 % interval)", UNIT_PLAIN, TABLE_LEFT},
        [TIER] = {"tier",     "Known by",              UNIT_PLAIN, TABLE_LEFT},
    };
    table_init(table, arena, "", columns, TOTAL_COLUMNS);
    if (prediction->refused_count)
        return;
    add_total(table, "Latency", &prediction->latency_ns, UNIT_NS);
    add_total(table, "CPU time", &prediction->cpu_time_ns, UNIT_NS);
    add_total(table, "Peak memory", &prediction->peak_memory_bytes, UNIT_BYTES);
    const struct upper_bound *upper = &prediction->peak_memory_upper;
    if (upper->value > 0) {
        char text[UNIT_TEXT_SIZE];
        table_row(table);
        table_textf(table, QUANTITY, "Peak memory, %g %% bound", 100 * upper->confidence);
        table_text(table, TIME_OR_SIZE, unit_format(text, upper->value, UNIT_BYTES));
        table_text(table, TIER, tier_name(prediction->peak_memory_bytes.tier));
    }
    add_total(table, "Resident memory", &prediction->resident_memory_bytes, UNIT_BYTES);
    add_total(table, "Load time", &prediction->load_time_ns, UNIT_NS);
    add_total(table, "First run", &prediction->first_run_ns, UNIT_NS);
    add_decoding(table, &prediction->decoding);
}

/* ---- operators ------------------------------------------------------------------------------ */

static double sort_key(const struct operator_row *row) {
    return isnan(row->latency_ns.value) ? -1 : row->latency_ns.value;
}

/* Costliest first; equal ones as they stand in the graph. */
static int compare_rows(const void *a, const void *b) {
    const struct operator_row *x = *(const struct operator_row *const *)a;
    const struct operator_row *y = *(const struct operator_row *const *)b;
    double dx = sort_key(x), dy = sort_key(y);
    if (dx != dy)
        return dx < dy ? 1 : -1;
    return (x > y) - (x < y);
}

const struct operator_row **prediction_by_time(struct arena *arena,
                                               const struct prediction *prediction) {
    uint32_t count = prediction->operator_count;
    const struct operator_row **rows = ARENA_ARRAY(arena, count, const struct operator_row *);
    for (uint32_t i = 0; i < count; i++)
        rows[i] = &prediction->operators[i];
    if (count)
        qsort(rows, count, sizeof *rows, compare_rows);
    return rows;
}

enum { NAME, OP, KERNEL, LATENCY, SHARE, FLOPS, BYTES, BOUND, OP_TIER, OPERATOR_COLUMNS };

void prediction_operators_table(struct arena *arena, const struct prediction *prediction,
                                uint32_t limit, struct table *table) {
    static const struct table_column columns[] = {
        [NAME] = {"name",       "Operator",             UNIT_PLAIN,    TABLE_LEFT },
        [OP] = {"op",         "Type",                 UNIT_PLAIN,    TABLE_LEFT },
        [KERNEL] = {"kernel",     "Kernel class",         UNIT_PLAIN,    TABLE_LEFT },
        [LATENCY] = {"latency_ns", "Time (90 % interval)", UNIT_NS,       TABLE_RIGHT},
        [SHARE] = {"share",      "Share",                UNIT_FRACTION, TABLE_RIGHT},
        [FLOPS] = {"flops",      "Work",                 UNIT_FLOPS,    TABLE_RIGHT},
        [BYTES] = {"bytes",      "Traffic",              UNIT_BYTES,    TABLE_RIGHT},
        [BOUND] = {"bound",      "Bound",                UNIT_PLAIN,    TABLE_LEFT },
        [OP_TIER] = {"tier",       "Known by",             UNIT_PLAIN,    TABLE_LEFT },
    };
    const struct operator_row **rows = prediction_by_time(arena, prediction);
    uint32_t count = prediction->operator_count;
    if (limit && limit < count)
        count = limit;
    table_init(table, arena, "", columns, OPERATOR_COLUMNS);
    for (uint32_t i = 0; i < count; i++) {
        struct json_estimate latency = report_estimate(&rows[i]->latency_ns);
        table_row(table);
        table_text(table, NAME, rows[i]->name);
        table_text(table, OP, rows[i]->op);
        table_text(table, KERNEL, rows[i]->kernel);
        table_estimate(table, LATENCY, &latency);
        table_number(table, SHARE, rows[i]->share);
        table_number(table, FLOPS, rows[i]->flops);
        table_number(table, BYTES, rows[i]->bytes);
        table_text(table, BOUND, bound_name(rows[i]->bound));
        table_text(table, OP_TIER, tier_name(rows[i]->latency_ns.tier));
    }
}

enum { R_NAME, R_OP, R_WHY, REFUSED_COLUMNS };

void prediction_refused_table(struct arena *arena, const struct prediction *prediction,
                              struct table *table) {
    static const struct table_column columns[] = {
        [R_NAME] = {"name", "Refused", UNIT_PLAIN, TABLE_LEFT},
        [R_OP] = {"op",   "Type",    UNIT_PLAIN, TABLE_LEFT},
        [R_WHY] = {"why",  "Why",     UNIT_PLAIN, TABLE_LEFT},
    };
    table_init(table, arena, "", columns, REFUSED_COLUMNS);
    for (uint32_t i = 0; i < prediction->refused_count; i++) {
        table_row(table);
        table_text(table, R_NAME, prediction->refused[i].name);
        table_text(table, R_OP, prediction->refused[i].op);
        table_text(table, R_WHY, prediction->refused[i].why);
    }
}

/* ---- kernel classes ------------------------------------------------------------------------- */

static int compare_kernels(const void *a, const void *b) {
    const struct kernel_sum *x = a, *y = b;
    if (x->latency_ns != y->latency_ns)
        return x->latency_ns < y->latency_ns ? 1 : -1;
    return strcmp(x->kernel, y->kernel);
}

struct kernel_sum *prediction_kernels(struct arena *arena, const struct prediction *prediction,
                                      uint32_t *count) {
    const struct operator_row **rows = prediction_by_time(arena, prediction);
    struct kernel_sum *sums = ARENA_ARRAY(arena, prediction->operator_count, struct kernel_sum);
    *count = 0;
    for (uint32_t i = 0; i < prediction->operator_count; i++) {
        const struct operator_row *row = rows[i];
        uint32_t k = 0;
        if (isnan(row->latency_ns.value))
            continue;
        while (k < *count && strcmp(sums[k].kernel, row->kernel) != 0)
            k++;
        if (k == *count)
            sums[(*count)++] = (struct kernel_sum){.kernel = row->kernel, .bound = row->bound};
        sums[k].operators++;
        sums[k].latency_ns += row->latency_ns.value;
        sums[k].share += isnan(row->share) ? 0 : row->share;
        sums[k].flops += row->flops;
        sums[k].bytes += row->bytes;
    }
    if (*count)
        qsort(sums, *count, sizeof *sums, compare_kernels);
    return sums;
}

enum { K_KERNEL, K_OPERATORS, K_LATENCY, K_SHARE, K_RATE, K_INTENSITY, K_BOUND, KERNEL_COLUMNS };

void prediction_kernels_table(struct arena *arena, const struct prediction *prediction,
                              struct table *table) {
    static const struct table_column columns[] = {
        [K_KERNEL] = {"kernel",        "Kernel class", UNIT_PLAIN,       TABLE_LEFT },
        [K_OPERATORS] = {"operators",     "Operators",    UNIT_COUNT,       TABLE_RIGHT},
        [K_LATENCY] = {"latency_ns",    "Time",         UNIT_NS,          TABLE_RIGHT},
        [K_SHARE] = {"share",         "Share",        UNIT_FRACTION,    TABLE_RIGHT},
        [K_RATE] = {"flops_per_s",   "Achieved",     UNIT_FLOPS_PER_S, TABLE_RIGHT},
        [K_INTENSITY] = {"flop_per_byte", "FLOP/byte",    UNIT_PLAIN,       TABLE_RIGHT},
        [K_BOUND] = {"bound",         "Bound",        UNIT_PLAIN,       TABLE_LEFT },
    };
    uint32_t count;
    const struct kernel_sum *sums = prediction_kernels(arena, prediction, &count);
    table_init(table, arena, "", columns, KERNEL_COLUMNS);
    for (uint32_t i = 0; i < count; i++) {
        table_row(table);
        table_text(table, K_KERNEL, sums[i].kernel);
        table_int(table, K_OPERATORS, sums[i].operators);
        table_number(table, K_LATENCY, sums[i].latency_ns);
        table_number(table, K_SHARE, sums[i].share);
        if (sums[i].flops > 0 && sums[i].latency_ns > 0)
            table_number(table, K_RATE, sums[i].flops / (sums[i].latency_ns * 1e-9));
        if (sums[i].flops > 0 && sums[i].bytes > 0)
            table_number(table, K_INTENSITY, sums[i].flops / sums[i].bytes);
        table_text(table, K_BOUND, bound_name(sums[i].bound));
    }
}
