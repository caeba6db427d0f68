/* All models in one picture: which kernel classes their time goes to. */
#include "reports/page.h"
#include "reports/prediction_text.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN = 5, SERIES = SHOWN + 1, ROW_HEIGHT = 26, FRAME = 110 };

static const char *const colors[SERIES] = {FIGURE_BLUE, FIGURE_ORANGE, FIGURE_GREEN,
                                           FIGURE_RED,  FIGURE_PURPLE, FIGURE_MUTED};

/* One kernel class over all models. */
struct class_total {
    const char *kernel;
    double share; /* summed over the models */
};

struct class_totals {
    struct class_total *items;
    uint32_t count, capacity;
};

struct model_shares {
    const char *name;
    double shares[SERIES]; /* of the classes shown, then of all others */
};

static int compare_totals(const void *a, const void *b) {
    const struct class_total *x = a, *y = b;
    if (x->share != y->share)
        return x->share < y->share ? 1 : -1;
    return strcmp(x->kernel, y->kernel);
}

static void add_share(struct page *page, struct class_totals *totals, const char *kernel,
                      double share) {
    for (uint32_t i = 0; i < totals->count; i++)
        if (strcmp(totals->items[i].kernel, kernel) == 0) {
            totals->items[i].share += share;
            return;
        }
    *ARENA_PUSH(page->arena, totals->items, totals->count, totals->capacity) =
        (struct class_total){kernel, share};
}

static void sum_classes(struct page *page, struct class_totals *totals) {
    for (uint32_t i = 0; i < page->report->entry_count; i++) {
        const struct prediction *p = entry_best(&page->report->entries[i]);
        uint32_t count = 0;
        const struct kernel_sum *sums = p ? prediction_kernels(page->arena, p, &count) : NULL;
        for (uint32_t k = 0; k < count; k++)
            add_share(page, totals, sums[k].kernel, sums[k].share);
    }
    if (totals->count)
        qsort(totals->items, totals->count, sizeof *totals->items, compare_totals);
}

static uint32_t collect(struct page *page, const struct class_totals *totals, uint32_t shown,
                        struct model_shares *models) {
    uint32_t model_count = 0;
    for (uint32_t i = 0; i < page->report->entry_count; i++) {
        const struct prediction *p = entry_best(&page->report->entries[i]);
        uint32_t count = 0;
        const struct kernel_sum *sums = p ? prediction_kernels(page->arena, p, &count) : NULL;
        if (count == 0)
            continue;
        struct model_shares *model = &models[model_count++];
        model->name = page->report->entries[i].name;
        for (uint32_t k = 0; k < count; k++) {
            uint32_t series = 0;
            while (series < shown && strcmp(totals->items[series].kernel, sums[k].kernel) != 0)
                series++;
            model->shares[series < shown ? series : SHOWN] += sums[k].share;
        }
    }
    return model_count;
}

static void add_rows(struct figure *figure, const struct model_shares *models, uint32_t count,
                     uint32_t series) {
    strbuf_printf(&figure->script, "$s%" PRIu32 " << EOD\n", series);
    for (uint32_t i = 0; i < count; i++) {
        double from = 0;
        for (uint32_t k = 0; k < series; k++)
            from += models[i].shares[k];
        figure_label(figure, models[i].name);
        figure_value(figure, 100 * (from + models[i].shares[series] / 2));
        figure_value(figure, -(double)i);
        figure_value(figure, 50 * models[i].shares[series]);
        strbuf_puts(&figure->script, "\n");
    }
    strbuf_puts(&figure->script, "EOD\n");
}

static void draw(struct page *page, const struct class_totals *totals, uint32_t shown,
                 const struct model_shares *models, uint32_t count, const char *alt) {
    struct figure figure;
    figure_init(&figure, "shares", 760, (int)count * ROW_HEIGHT + FRAME);
    for (uint32_t series = 0; series < SERIES; series++)
        add_rows(&figure, models, count, series);
    strbuf_printf(&figure.script,
                  "set xlabel 'share of the operators'' time, %%' textcolor rgb '" FIGURE_INK "'\n"
                  "set xrange [0:100]\nset yrange [%g:0.6]\nset border 1\nset ytics scale 0\n"
                  "unset grid\nset key outside top center horizontal reverse Left maxrows 2\nplot ",
                  0.4 - count);
    for (uint32_t series = 0; series < SERIES; series++) {
        bool other = series == SHOWN;
        if (!other && series >= shown)
            continue;
        strbuf_printf(&figure.script,
                      "%s$s%" PRIu32 " using 2:3:4:(0.36):ytic(1) with boxxyerror fillcolor rgb "
                      "'%s' title ",
                      series ? ", " : "", series, colors[series]);
        figure_label(&figure, other ? "other" : totals->items[series].kernel);
    }
    strbuf_puts(&figure.script, "\n");
    page_figure(page, &figure, alt,
                "One bar per model, divided by kernel class: the classes that matter most over "
                "all models, the others together.");
}

static void add_table(struct page *page, const struct class_totals *totals, uint32_t shown,
                      const struct model_shares *models, uint32_t count) {
    struct table_column *columns = ARENA_ARRAY(page->arena, shown + 2, struct table_column);
    struct table table;
    columns[0] = (struct table_column){"model", "Model", UNIT_PLAIN, TABLE_LEFT};
    for (uint32_t series = 0; series < shown; series++)
        columns[series + 1] = (struct table_column){
            totals->items[series].kernel, totals->items[series].kernel, UNIT_FRACTION, TABLE_RIGHT};
    columns[shown + 1] = (struct table_column){"other", "other", UNIT_FRACTION, TABLE_RIGHT};
    table_init(&table, page->arena, "", columns, shown + 2);
    for (uint32_t i = 0; i < count; i++) {
        table_row(&table);
        table_text(&table, 0, models[i].name);
        for (uint32_t series = 0; series < shown; series++)
            table_number(&table, series + 1, models[i].shares[series]);
        table_number(&table, shown + 1, models[i].shares[SHOWN]);
    }
    html_folded_table(page->html, "Shares by kernel class", &table);
}

void section_shares(struct page *page) {
    struct class_totals totals = {0};
    struct model_shares *models =
        ARENA_ARRAY(page->arena, page->report->entry_count, struct model_shares);
    sum_classes(page, &totals);
    uint32_t shown = totals.count < SHOWN ? totals.count : SHOWN;
    uint32_t count = collect(page, &totals, shown, models);
    if (count < 2) /* one model has its own picture */
        return;
    const char *alt =
        arena_printf(page->arena,
                     "Over %" PRIu32 " models %s takes the most operator time, "
                     "%.0f %% of a model on average.",
                     count, totals.items[0].kernel, 100 * totals.items[0].share / count);
    html_section_begin(page->html, "shares", "Where the time goes");
    html_paragraph(page->html, alt);
    draw(page, &totals, shown, models, count, alt);
    add_table(page, &totals, shown, models, count);
    html_section_end(page->html);
}
