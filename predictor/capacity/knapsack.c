#include "predictor/capacity/knapsack.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
    SUBGRADIENT_STEPS = 40,
    STEPS_WHEN_WARM = 6, /* from weights of a like question, where an estimate will do */
    VIEWS = 5,           /* further weights */
    VIEWS_FROM = 1000,   /* steps that make them worth their while */
    SCALE_STEPS = 24,
};

/* A kind that may be taken, in the order of the search; the sums are of all rows before. */
struct knapsack_row {
    double value, surrogate; /* of one pod */
    double sum_value, sum_surrogate;
    double sum_gain[VIEWS]; /* of this row and those behind it, beyond the view's price */
    struct pod_size size;
    uint32_t kind, most, taken;
};

void knapsack_init(struct knapsack *knapsack, struct arena *arena, const struct pod_size *sizes,
                   uint32_t kind_count) {
    *knapsack = (struct knapsack){sizes, kind_count,
                                  ARENA_ARRAY(arena, kind_count + 1u, struct knapsack_row)};
}

/* How many of a size fit what is left, at most `most`. */
static uint32_t fitting(const struct pod_size *left, const struct pod_size *size, uint32_t most) {
    int64_t count = most;
    for (int r = 0; r < POD_RESOURCES; r++)
        if (size->amount[r] > 0 && left->amount[r] < count * size->amount[r])
            count = left->amount[r] / size->amount[r];
    return (uint32_t)count;
}

/* Kinds that are worth something and fit; returns how many. */
static uint32_t choose_kinds(struct knapsack *knapsack, const struct knapsack_question *question) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < knapsack->kind_count; i++) {
        uint32_t most = fitting(&question->room, &knapsack->sizes[i], question->most[i]);
        if (most > 0 && question->values[i] > 0)
            knapsack->rows[count++] = (struct knapsack_row){
                .value = question->values[i], .size = knapsack->sizes[i], .kind = i, .most = most};
    }
    return count;
}

/* ---- the surrogate's weights ---------------------------------------------------------------- */

static double weigh(const double *weights, const struct pod_size *size) {
    double sum = 0;
    for (int r = 0; r < POD_RESOURCES; r++)
        sum += weights[r] * (double)size->amount[r];
    return sum;
}

/* The Lagrangian bound for these weights, and its slope: room not used by what is worth taking. */
static double relax(const struct knapsack *knapsack, const struct pod_size *room, uint32_t count,
                    const double *weights, double *slope) {
    double bound = weigh(weights, room);
    for (int r = 0; r < POD_RESOURCES; r++)
        slope[r] = (double)room->amount[r];
    for (uint32_t k = 0; k < count; k++) {
        const struct knapsack_row *row = &knapsack->rows[k];
        double gain = row->value - weigh(weights, &row->size);
        if (gain <= 0)
            continue;
        bound += gain * row->most;
        for (int r = 0; r < POD_RESOURCES; r++)
            slope[r] -= (double)row->size.amount[r] * row->most;
    }
    return bound;
}

/* Slopes in units of the room, so that bytes and CPUs count alike; returns the squared length. */
static double scale_slope(const struct pod_size *room, double *slope) {
    double length = 0;
    for (int r = 0; r < POD_RESOURCES; r++) {
        slope[r] = room->amount[r] > 0 ? slope[r] / (double)room->amount[r] : 0;
        length += slope[r] * slope[r];
    }
    return length;
}

/* Polyak's steps towards at_least. */
static void improve_weights(const struct knapsack *knapsack, struct knapsack_question *question,
                            uint32_t count) {
    const struct pod_size *room = &question->room;
    double weights[POD_RESOURCES], slope[POD_RESOURCES], best = INFINITY, damping = 1;
    bool warm = question->steps_max < VIEWS_FROM && weigh(question->weights, room) > 0;
    int steps = warm ? STEPS_WHEN_WARM : SUBGRADIENT_STEPS;
    memcpy(weights, question->weights, sizeof weights);
    for (int step = 0; step < steps; step++) {
        double bound = relax(knapsack, room, count, weights, slope);
        if (bound < best) {
            best = bound;
            memcpy(question->weights, weights, sizeof weights);
        } else {
            damping *= 0.7;
        }
        double length = scale_slope(room, slope);
        if (bound <= question->at_least || !(length > 0))
            return;
        double pace = damping * fmax(bound - question->at_least, 1e-3 * bound) / length;
        for (int r = 0; r < POD_RESOURCES; r++)
            if (room->amount[r] > 0)
                weights[r] = fmax(0, weights[r] - pace * slope[r] / (double)room->amount[r]);
    }
}

/* ---- branch and bound ----------------------------------------------------------------------- */

struct search {
    struct knapsack *knapsack;
    uint32_t count; /* rows */
    double best, tolerance;
    double open; /* the largest bound among what was given up */
    uint64_t steps_left;
    uint32_t *pods;
    uint32_t view_count;
    double views[VIEWS][POD_RESOURCES];
};

/* The value that rows from `from` on can add at most with so much of the surrogate left. */
static double dantzig(const struct search *search, uint32_t from, double left) {
    const struct knapsack_row *rows = search->knapsack->rows;
    double wanted = rows[from].sum_surrogate + left;
    uint32_t low = from, high = search->count;
    while (low < high) {
        uint32_t middle = (low + high + 1) / 2;
        if (rows[middle].sum_surrogate <= wanted)
            low = middle;
        else
            high = middle - 1;
    }
    double value = rows[low].sum_value - rows[from].sum_value;
    if (low < search->count && rows[low].surrogate > 0)
        value += (wanted - rows[low].sum_surrogate) * rows[low].value / rows[low].surrogate;
    return value;
}

/* The same by the views; less than `enough` is as good as less. */
static double bound_by_views(const struct search *search, uint32_t from,
                             const struct pod_size *left, double bound, double enough) {
    const struct knapsack_row *row = &search->knapsack->rows[from];
    for (uint32_t v = 0; v < search->view_count && bound > enough; v++)
        bound = fmin(bound, weigh(search->views[v], left) + row->sum_gain[v]);
    return bound;
}

static void keep(struct search *search, uint32_t depth, double value) {
    const struct knapsack_row *rows = search->knapsack->rows;
    search->best = value;
    memset(search->pods, 0, search->knapsack->kind_count * sizeof *search->pods);
    for (uint32_t k = 0; k < depth; k++)
        search->pods[rows[k].kind] = rows[k].taken;
}

static void take_from(struct search *search, uint32_t depth, const struct pod_size *left,
                      double surrogate_left, double value) {
    struct knapsack_row *rows = search->knapsack->rows;
    uint32_t most = 0;
    if (value > search->best + search->tolerance)
        keep(search, depth, value);
    for (; depth < search->count; depth++) {
        most = fitting(left, &rows[depth].size, rows[depth].most);
        if (most)
            break;
        rows[depth].taken = 0;
    }
    if (depth == search->count)
        return;
    for (int64_t take = most; take >= 0; take--) {
        double with = value + (double)take * rows[depth].value;
        double surrogate = fmax(0, surrogate_left - (double)take * rows[depth].surrogate);
        double bound = with + dantzig(search, depth + 1, surrogate);
        double enough = search->best + search->tolerance;
        /* Fewer of the kind that is worth most for its size never raise the bound. */
        if (bound <= enough)
            return;
        struct pod_size rest = *left;
        for (int r = 0; r < POD_RESOURCES; r++)
            rest.amount[r] -= take * rows[depth].size.amount[r];
        bound = with + bound_by_views(search, depth + 1, &rest, bound - with, enough - with);
        if (bound <= enough)
            continue;
        if (search->steps_left == 0) {
            search->open = fmax(search->open, bound);
            return;
        }
        search->steps_left--;
        rows[depth].taken = (uint32_t)take;
        take_from(search, depth + 1, &rest, surrogate, with);
    }
}

static int by_density(const void *a, const void *b) {
    const struct knapsack_row *first = a, *second = b;
    double left = first->value * second->surrogate, right = second->value * first->surrogate;
    if (left != right)
        return left > right ? -1 : 1;
    return first->kind < second->kind ? -1 : first->kind > second->kind;
}

static void sort_rows(struct knapsack *knapsack, const double *weights, uint32_t count) {
    struct knapsack_row *rows = knapsack->rows;
    for (uint32_t k = 0; k < count; k++)
        rows[k].surrogate = weigh(weights, &rows[k].size);
    qsort(rows, count, sizeof *rows, by_density);
    rows[0].sum_value = rows[0].sum_surrogate = 0;
    for (uint32_t k = 0; k < count; k++) {
        rows[k + 1].sum_value = rows[k].sum_value + rows[k].value * rows[k].most;
        rows[k + 1].sum_surrogate = rows[k].sum_surrogate + rows[k].surrogate * rows[k].most;
    }
}

/* ---- views ---------------------------------------------------------------------------------- */

/* The multiple of `direction` with the least Lagrangian bound, which is convex in it. */
static void scale_view(const struct knapsack *knapsack, const struct pod_size *room, uint32_t count,
                       const double *direction, double *view) {
    double low = 0, high = 0, slope[POD_RESOURCES];
    for (uint32_t k = 0; k < count; k++) {
        double weight = weigh(direction, &knapsack->rows[k].size);
        if (weight > 0)
            high = fmax(high, knapsack->rows[k].value / weight);
    }
    for (int step = 0; step < SCALE_STEPS; step++) {
        double middle = (low + high) / 2, rise = 0;
        for (int r = 0; r < POD_RESOURCES; r++)
            view[r] = middle * direction[r];
        relax(knapsack, room, count, view, slope);
        for (int r = 0; r < POD_RESOURCES; r++)
            rise += slope[r] * direction[r];
        if (rise < 0)
            low = middle;
        else
            high = middle;
    }
    for (int r = 0; r < POD_RESOURCES; r++)
        view[r] = high * direction[r];
}

/* CPU alone, memory alone and mixtures. */
static void add_views(struct search *search, const struct pod_size *room) {
    static const double shares[VIEWS] = {1, 0, 0.5, 0.8, 0.2};
    struct knapsack_row *rows = search->knapsack->rows;
    double cpu = 1 / fmax(1, (double)room->amount[POD_CPU]);
    double memory = 1 / fmax(1, (double)room->amount[POD_MEMORY]);
    for (uint32_t v = 0; v < VIEWS; v++) {
        double direction[POD_RESOURCES] = {
            [POD_CPU] = shares[v] * cpu, [POD_MEMORY] = (1 - shares[v]) * memory};
        scale_view(search->knapsack, room, search->count, direction, search->views[v]);
        rows[search->count].sum_gain[v] = 0;
        for (uint32_t k = search->count; k-- > 0;)
            rows[k].sum_gain[v] =
                rows[k + 1].sum_gain[v] +
                rows[k].most * fmax(0, rows[k].value - weigh(search->views[v], &rows[k].size));
    }
    search->view_count = VIEWS;
}

struct knapsack_answer knapsack_solve(struct knapsack *knapsack, struct knapsack_question *question,
                                      uint32_t *pods) {
    uint32_t count = choose_kinds(knapsack, question);
    improve_weights(knapsack, question, count);
    sort_rows(knapsack, question->weights, count);
    struct search search = {.knapsack = knapsack,
                            .count = count,
                            .best = question->at_least,
                            .tolerance = 1e-9 * (1 + fabs(question->at_least)),
                            .open = question->at_least,
                            .steps_left = question->steps_max,
                            .pods = pods};
    double surrogate = weigh(question->weights, &question->room);
    double reach = dantzig(&search, 0, surrogate);
    if (question->steps_max >= VIEWS_FROM && reach > question->at_least)
        add_views(&search, &question->room);
    take_from(&search, 0, &question->room, surrogate, 0);
    return (struct knapsack_answer){search.best, fmax(search.open, search.best + search.tolerance),
                                    reach};
}
