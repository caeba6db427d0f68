#include "predictor/capacity/pods.h"

#include "base/units.h"
#include "predictor/capacity/choice.h"
#include "predictor/capacity/count_bound.h"
#include "predictor/capacity/fill.h"
#include "predictor/capacity/greedy.h"
#include "predictor/capacity/pack.h"
#include "predictor/capacity/reserve.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define MICRO_CPUS 1e6
#define NANO_USD   1e9

enum {
    STEPS_FIRST = 5000, /* of filling, then ever more */
    COPIES_MANY = 3,    /* pods of a kind, so that patterns are used again */
};

#define SPARE_LEAST 2.5e-4 /* of what the pods take */
#define SPARE_MOST  16

/* ---- the problem in whole numbers ----------------------------------------------------------- */

/* A hair is forgiven, so that 3 x 0.1 fits 0.3. */
static struct pod_size size_of_pod(const struct pod_kind *kind) {
    return (struct pod_size){
        {[POD_CPU] = (int64_t)ceil(kind->cpus * MICRO_CPUS - 1e-3),
         [POD_MEMORY] = (int64_t)ceil(kind->memory_bytes),
         [POD_GPU] = kind->gpus,
         [POD_SLOT] = 1}
    };
}

static struct pod_size size_of_room(const struct node_type *type) {
    struct node_room room = node_room(type);
    return (struct pod_size){
        {[POD_CPU] = (int64_t)floor(room.cpus * MICRO_CPUS + 1e-3),
         [POD_MEMORY] = (int64_t)floor(room.memory_bytes),
         [POD_GPU] = room.gpus,
         [POD_SLOT] = room.pods}
    };
}

static bool holds(const struct pod_size *room, const struct pod_size *size) {
    for (int r = 0; r < POD_RESOURCES; r++)
        if (size->amount[r] > room->amount[r])
            return false;
    return true;
}

/* The problem while it is made, and what the search knows. */
struct packer {
    struct arena *arena; /* of the work */
    struct packing_problem problem;
    struct pod_size *sizes, *rooms;
    uint32_t *demand, *limits;
    double *prices;
    double unit;                    /* what all prices are multiples of */
    const struct node_type **types; /* of the problem: those given that are of use */
    uint32_t *kind_of;              /* kinds given, to those of the problem: equal ones are one */

    double seconds, deadline_s;
    struct pattern_pool pool;
    struct count_bound counts;
    double *worth;        /* of pods, by kind, for filling */
    struct choice choice; /* what the relaxation says */
    double bound;         /* no packing costs less */
    double cost;          /* of the best packing; INFINITY: none yet */
    uint32_t node_count;
    const uint32_t *type_of; /* of its nodes */
    const uint32_t *pods;    /* kinds of the problem, node by node */
};

static void add_kinds(struct packer *packer, const struct pod_kind *kinds, uint32_t count) {
    packer->sizes = ARENA_ARRAY(packer->arena, count, struct pod_size);
    packer->demand = ARENA_ARRAY(packer->arena, count, uint32_t);
    packer->kind_of = ARENA_ARRAY(packer->arena, count, uint32_t);
    uint32_t *different = &packer->problem.kind_count;
    for (uint32_t i = 0; i < count; i++) {
        struct pod_size size = size_of_pod(&kinds[i]);
        uint32_t k = 0;
        while (k < *different && memcmp(&packer->sizes[k], &size, sizeof size) != 0)
            k++;
        if (k == *different)
            packer->sizes[(*different)++] = size;
        packer->demand[k] += kinds[i].count;
        packer->kind_of[i] = k;
    }
}

static int64_t common_divisor(int64_t a, int64_t b) {
    while (b) {
        int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* Room beyond what all pods take is worth nothing, nor is a rest that no sum of pods can use. */
static struct pod_size useful_room(const struct packer *packer, const struct node_type *type) {
    struct pod_size room = size_of_room(type);
    for (int r = 0; r < POD_RESOURCES; r++) {
        double total = 0;
        int64_t step = 0;
        for (uint32_t k = 0; k < packer->problem.kind_count; k++) {
            total += (double)packer->sizes[k].amount[r] * packer->demand[k];
            step = common_divisor(step, packer->sizes[k].amount[r]);
        }
        if ((double)room.amount[r] > total)
            room.amount[r] = (int64_t)total;
        if (step)
            room.amount[r] -= room.amount[r] % step;
    }
    return room;
}

static bool holds_any(const struct packer *packer, const struct pod_size *room) {
    for (uint32_t k = 0; k < packer->problem.kind_count; k++)
        if (holds(room, &packer->sizes[k]))
            return true;
    return false;
}

static double price_of_type(const struct node_type *type) {
    /* What is free still stands in line behind nothing: fewer nodes of it are better. */
    return isnan(type->usd_per_hour) ? 1 : fmax(round(type->usd_per_hour * NANO_USD), 1) / NANO_USD;
}

/* A type is not needed when another that can be had in any number holds as much for less. */
static bool is_dominated(const struct node_type *types, const struct pod_size *rooms,
                         uint32_t count, uint32_t type) {
    for (uint32_t other = 0; other < count; other++) {
        double price = price_of_type(&types[type]), less = price_of_type(&types[other]);
        bool same = less == price && memcmp(&rooms[other], &rooms[type], sizeof *rooms) == 0;
        if (other == type || types[other].limit || less > price ||
            !holds(&rooms[other], &rooms[type]) || (same && other > type && !types[type].limit))
            continue;
        return true;
    }
    return false;
}

static void add_types(struct packer *packer, const struct node_type *types, uint32_t count) {
    struct pod_size *rooms = ARENA_ARRAY(packer->arena, count, struct pod_size);
    packer->rooms = ARENA_ARRAY(packer->arena, count, struct pod_size);
    packer->limits = ARENA_ARRAY(packer->arena, count, uint32_t);
    packer->prices = ARENA_ARRAY(packer->arena, count, double);
    packer->types = ARENA_ARRAY(packer->arena, count, const struct node_type *);
    for (uint32_t t = 0; t < count; t++)
        rooms[t] = useful_room(packer, &types[t]);
    for (uint32_t t = 0; t < count; t++) {
        if (!holds_any(packer, &rooms[t]) || is_dominated(types, rooms, count, t))
            continue;
        uint32_t at = packer->problem.type_count++;
        packer->rooms[at] = rooms[t];
        packer->limits[at] = types[t].limit ? types[t].limit : UINT32_MAX;
        packer->prices[at] = price_of_type(&types[t]);
        packer->types[at] = &types[t];
    }
}

/* Costs are sums of prices, so none lies between two multiples of what divides all. */
static void find_unit(struct packer *packer) {
    int64_t unit = 0;
    for (uint32_t t = 0; t < packer->problem.type_count; t++)
        unit = common_divisor(unit, llround(packer->prices[t] * NANO_USD));
    packer->unit = (double)unit / NANO_USD;
}

static void make_problem(struct packer *packer, const struct node_type *types, uint32_t type_count,
                         const struct pod_kind *kinds, uint32_t kind_count) {
    add_kinds(packer, kinds, kind_count);
    add_types(packer, types, type_count);
    find_unit(packer);
    packer->problem.sizes = packer->sizes;
    packer->problem.demand = packer->demand;
    packer->problem.rooms = packer->rooms;
    packer->problem.prices = packer->prices;
    packer->problem.limits = packer->limits;
}

/* ---- the search ----------------------------------------------------------------------------- */

static double round_up(const struct packer *packer, double bound) {
    return packer->unit * ceil(bound / packer->unit * (1 - 1e-9) - 1e-6);
}

static bool is_proven(const struct packer *packer) {
    return isfinite(packer->cost) && packer->bound > packer->cost - 0.5 * packer->unit;
}

static double cutoff_of(const struct packer *packer) {
    return packer->cost - 0.5 * packer->unit;
}

static bool is_late(const struct packer *packer) {
    return monotonic_s() > packer->deadline_s;
}

static double time_for(const struct packer *packer, double share) {
    return fmin(packer->deadline_s, monotonic_s() + share * packer->seconds);
}

static void keep_packing(struct packer *packer, uint32_t node_count, const uint32_t *type_of,
                         const uint32_t *pods) {
    double cost = 0;
    for (uint32_t n = 0; n < node_count; n++)
        cost += packer->prices[type_of[n]];
    cost = packer->unit * round(cost / packer->unit);
    if (cost >= packer->cost)
        return;
    packer->cost = cost;
    packer->node_count = node_count;
    packer->type_of = type_of;
    packer->pods = pods;
}

/* A first answer is had whatever the time. */
static void begin(struct packer *packer) {
    uint32_t node_count;
    const uint32_t *type_of, *pods;
    if (pack_greedily(packer->arena, &packer->problem, &node_count, &type_of, &pods))
        keep_packing(packer, node_count, type_of, pods);
}

/* The relaxation: a first cut, prices for filling and for the last choice. */
static void relax(struct packer *packer) {
    const struct packing_problem *problem = &packer->problem;
    struct pattern_lp lp;
    pattern_pool_init(&packer->pool, packer->arena);
    pattern_pool_seed(&packer->pool, problem);
    pattern_lp_open(&lp, packer->arena, problem, &packer->pool, PATTERNS_CHEAP, packer->limits,
                    time_for(packer, 0.2));
    pattern_lp_solve(&lp);
    packer->worth = ARENA_ARRAY(packer->arena, problem->kind_count, double);
    for (uint32_t i = 0; i < problem->kind_count; i++)
        packer->worth[i] = lp.duals[i] + 1e-3 * greedy_value(problem, i);
    if (lp.proof > 0) {
        double ratio = lp.best.pods_worth / lp.proof;
        double(*weights)[POD_RESOURCES] =
            arena_array(packer->arena, problem->type_count, sizeof *weights);
        for (uint32_t i = 0; i < problem->kind_count; i++)
            lp.best_prices[i] /= ratio;
        for (uint32_t t = 0; t < problem->type_count; t++)
            memcpy(weights[t], lp.questions[t].weights, sizeof *weights);
        packer->choice = (struct choice){.problem = problem,
                                         .prices = lp.best_prices,
                                         .weights = (const double(*)[POD_RESOURCES])weights};
        count_bound_add(&packer->counts, &lp.best);
    }
    pattern_lp_close(&lp);
}

/* Shows that these nodes do not hold the pods, and keeps why. False when they may, or when it takes
 * more than that share of the time. */
static bool refute(struct packer *packer, const uint32_t *counts, double share) {
    struct pattern_lp lp;
    pattern_lp_open(&lp, packer->arena, &packer->problem, &packer->pool, PATTERNS_COVER, counts,
                    time_for(packer, share));
    pattern_lp_solve(&lp);
    bool refuted = lp.proof > PROOF_LEAST;
    if (refuted)
        count_bound_add(&packer->counts, &lp.best);
    pattern_lp_close(&lp);
    return refuted;
}

/* Raises the bound until its nodes may hold the pods. False when no numbers of nodes can. */
static bool tighten(struct packer *packer) {
    uint32_t *counts = ARENA_ARRAY(packer->arena, packer->problem.type_count, uint32_t);
    do {
        double cost, left = fmax(0.1, packer->deadline_s - monotonic_s());
        int rc = count_bound_solve(&packer->counts, 0, cutoff_of(packer), left, counts, &cost);
        if (rc == 1 && !isfinite(packer->cost))
            return false;
        packer->bound = rc == 1 ? packer->cost : fmax(packer->bound, round_up(packer, cost));
        if (rc || is_proven(packer))
            return true;
    } while (!is_late(packer) && refute(packer, counts, 0.1));
    return true;
}

/* True when the nodes were filled with all pods. */
static bool fill(struct packer *packer, const uint32_t *counts, uint64_t steps, double deadline_s) {
    const struct packing_problem *problem = &packer->problem;
    struct arena work;
    uint32_t nodes = 0, node = 0;
    for (uint32_t t = 0; t < problem->type_count; t++)
        nodes += counts[t];
    arena_init(&work);
    uint32_t *pods = ARENA_ARRAY(&work, (size_t)nodes * problem->kind_count, uint32_t);
    bool found = fill_nodes(problem, counts, packer->worth, steps, deadline_s, pods);
    if (found) {
        uint32_t *type_of = ARENA_ARRAY(packer->arena, nodes, uint32_t);
        for (uint32_t t = 0; t < problem->type_count; t++)
            for (uint32_t n = 0; n < counts[t]; n++)
                type_of[node++] = t;
        size_t all = (size_t)nodes * problem->kind_count;
        keep_packing(packer, nodes, type_of,
                     arena_grow(packer->arena, pods, all, all, sizeof *pods));
    }
    arena_done(&work);
    return found;
}

static double next_spare(double spare) {
    return spare > 0 ? spare * 2 : SPARE_LEAST;
}

/* Fills the cheapest nodes that could hold the pods and ever more to spare, until it works. What
 * does not at first is shown to be impossible, where it is: that makes the next numbers better. */
static void fill_with_spare(struct packer *packer, uint64_t steps, double deadline_s) {
    uint32_t types = packer->problem.type_count;
    uint32_t *counts = ARENA_ARRAY(packer->arena, types, uint32_t);
    uint32_t *tried = ARENA_ARRAY(packer->arena, types, uint32_t);
    for (double spare = 0; spare < SPARE_MOST && monotonic_s() < deadline_s;) {
        double cost, left = fmax(0.1, packer->deadline_s - monotonic_s());
        int rc = count_bound_solve(&packer->counts, spare, cutoff_of(packer), left, counts, &cost);
        if (rc == 1)
            return;
        bool again = memcmp(tried, counts, types * sizeof *tried) == 0;
        memcpy(tried, counts, types * sizeof *tried);
        if (rc == 0 && !again && fill(packer, counts, steps, deadline_s))
            return;
        if (rc || again || spare <= 0 || steps > STEPS_FIRST || !refute(packer, counts, 0.02))
            spare = next_spare(spare);
    }
}

/* The cheapest choice among the patterns that the relaxation came upon, or among all that a cheaper
 * packing could use: when these are few, that settles it. */
static void choose(struct packer *packer, bool all) {
    uint32_t node_count;
    const uint32_t *type_of, *pods;
    if (!packer->choice.prices || !isfinite(packer->cost) || is_proven(packer))
        return;
    packer->choice.cutoff = cutoff_of(packer);
    packer->choice.deadline_s = time_for(packer, all ? 0.3 : 0.15);
    enum choice_result result =
        all ? choose_patterns(packer->arena, &packer->choice, &node_count, &type_of, &pods)
            : choose_among(packer->arena, &packer->choice, &packer->pool, &node_count, &type_of,
                           &pods);
    if (result == CHOICE_FOUND || result == CHOICE_CHEAPER)
        keep_packing(packer, node_count, type_of, pods);
    if (all && (result == CHOICE_FOUND || result == CHOICE_NONE))
        packer->bound = packer->cost;
}

static bool has_copies(const struct packer *packer) {
    uint64_t pods = 0;
    for (uint32_t i = 0; i < packer->problem.kind_count; i++)
        pods += packer->problem.demand[i];
    return pods >= COPIES_MANY * (uint64_t)packer->problem.kind_count;
}

/* False when the limits are too low for the pods. */
static bool search(struct packer *packer) {
    count_bound_init(&packer->counts, packer->arena, &packer->problem);
    packer->cost = INFINITY;
    begin(packer);
    relax(packer);
    if (!tighten(packer))
        return false;
    fill_with_spare(packer, STEPS_FIRST, packer->deadline_s);
    if (has_copies(packer))
        choose(packer, false);
    choose(packer, true);
    for (uint64_t steps = STEPS_FIRST; !is_proven(packer) && !is_late(packer); steps *= 4) {
        double cost = packer->cost;
        fill_with_spare(packer, 4 * steps, packer->deadline_s);
        if (packer->cost < cost)
            choose(packer, true);
    }
    return true;
}

/* ---- the answer ------------------------------------------------------------------------------ */

/* A node's pods by the kinds given: equal kinds are served one after the other. */
static void name_pods(const struct packer *packer, uint32_t kind_count, uint32_t *open,
                      uint32_t *left, uint32_t *pods) {
    for (uint32_t i = 0; i < kind_count; i++) {
        uint32_t *rest = &left[packer->kind_of[i]];
        pods[i] = *rest < open[i] ? *rest : open[i];
        open[i] -= pods[i];
        *rest -= pods[i];
    }
}

static void collect(struct arena *arena, const struct packer *packer, const struct pod_kind *kinds,
                    uint32_t kind_count, struct pod_packing *packing) {
    struct filled_node *filled = ARENA_ARRAY(arena, packer->node_count, struct filled_node);
    uint32_t *open = ARENA_ARRAY(packer->arena, kind_count, uint32_t);
    uint32_t *left = ARENA_ARRAY(packer->arena, packer->problem.kind_count, uint32_t);
    uint32_t count = 0;
    for (uint32_t i = 0; i < kind_count; i++)
        open[i] = kinds[i].count;
    for (uint32_t n = 0; n < packer->node_count; n++) {
        uint32_t *pods = ARENA_ARRAY(arena, kind_count, uint32_t);
        const struct node_type *type = packer->types[packer->type_of[n]];
        memcpy(left, packer->pods + (size_t)n * packer->problem.kind_count,
               packer->problem.kind_count * sizeof *left);
        name_pods(packer, kind_count, open, left, pods);
        uint32_t same = 0;
        while (same < count && (filled[same].type != type ||
                                memcmp(filled[same].pods, pods, kind_count * sizeof *pods) != 0))
            same++;
        if (same == count)
            filled[count++] = (struct filled_node){type, 0, pods};
        filled[same].nodes++;
    }
    packing->filled = filled;
    packing->filled_count = count;
    packing->nodes = packer->node_count;
}

static void sum_up(const struct packer *packer, const struct pod_kind *kinds, uint32_t kind_count,
                   struct pod_packing *packing) {
    double cpus = 0, memory = 0, cpus_used = 0, memory_used = 0;
    for (uint32_t i = 0; i < packing->filled_count; i++) {
        cpus += packing->filled[i].nodes * packing->filled[i].type->cpus;
        memory += packing->filled[i].nodes * packing->filled[i].type->memory_bytes;
    }
    for (uint32_t i = 0; i < kind_count; i++) {
        cpus_used += kinds[i].count * kinds[i].cpus;
        memory_used += kinds[i].count * kinds[i].memory_bytes;
    }
    packing->cost = packer->cost;
    packing->bound = fmin(packer->bound, packer->cost);
    packing->proven = is_proven(packer);
    packing->priced = !isnan(packer->types[0]->usd_per_hour);
    packing->cpu_waste = 1 - cpus_used / cpus;
    packing->memory_waste = 1 - memory_used / memory;
}

/* ---- refusals -------------------------------------------------------------------------------- */

static const char *amount_text(enum pod_resource resource, int64_t amount,
                               char out[static UNIT_TEXT_SIZE]) {
    if (resource == POD_MEMORY)
        return unit_format(out, (double)amount, UNIT_BYTES);
    double value = resource == POD_CPU ? (double)amount / MICRO_CPUS : (double)amount;
    snprintf(out, UNIT_TEXT_SIZE, "%.10g", value);
    return out;
}

/* Names the resource of which no type has enough, else says that none has all at once. */
static int refuse_unfit(const struct node_type *types, uint32_t type_count,
                        const struct pod_kind *kind, struct err *err) {
    static const char *const names[] = {
        [POD_CPU] = "CPUs", [POD_MEMORY] = "memory", [POD_GPU] = "GPUs", [POD_SLOT] = "pods"};
    struct pod_size size = size_of_pod(kind);
    char wanted[UNIT_TEXT_SIZE], had[UNIT_TEXT_SIZE];
    for (int r = 0; r < POD_RESOURCES; r++) {
        int64_t most = 0;
        for (uint32_t t = 0; t < type_count; t++) {
            int64_t room = size_of_room(&types[t]).amount[r];
            most = room > most ? room : most;
        }
        if (size.amount[r] <= most)
            continue;
        err_set(err, ERR_FINDING,
                "pod %s fits no node: it needs %s %s, and the roomiest leaves %s after the "
                "system's reserve and daemon sets",
                kind->name, amount_text((enum pod_resource)r, size.amount[r], wanted), names[r],
                amount_text((enum pod_resource)r, most, had));
        return err_hint(err, "offer a larger node, or ask for less");
    }
    err_set(err, ERR_FINDING,
            "pod %s fits no node: none has %s CPUs, %s memory and %u GPUs together", kind->name,
            amount_text(POD_CPU, size.amount[POD_CPU], wanted),
            amount_text(POD_MEMORY, size.amount[POD_MEMORY], had), kind->gpus);
    return err_hint(err, "offer a node that has them all, or ask for less");
}

static int check_pods(const struct node_type *types, uint32_t type_count,
                      const struct pod_kind *kinds, uint32_t kind_count, struct err *err) {
    uint64_t pods = 0;
    if (type_count == 0 || kind_count == 0)
        return err_set(err, ERR_USAGE, "nothing to pack: expected pods and a kind of node");
    if (kind_count > PODS_KINDS_MAX || type_count > PODS_TYPES_MAX)
        return err_set(err, ERR_FINDING,
                       "%u kinds of pods on %u types of nodes: at most %d and %d can be packed",
                       kind_count, type_count, PODS_KINDS_MAX, PODS_TYPES_MAX);
    for (uint32_t i = 0; i < kind_count; i++) {
        struct pod_size size = size_of_pod(&kinds[i]);
        bool fits = false;
        for (uint32_t t = 0; t < type_count && !fits; t++) {
            struct pod_size room = size_of_room(&types[t]);
            fits = holds(&room, &size);
        }
        if (!fits)
            return refuse_unfit(types, type_count, &kinds[i], err);
        pods += kinds[i].count;
    }
    if (pods > PODS_COUNT_MAX)
        return err_set(err, ERR_FINDING, "%" PRIu64 " pods are more than the %d that can be packed",
                       pods, PODS_COUNT_MAX);
    return node_types_check(types, type_count, err);
}

int pods_pack(struct arena *arena, const struct node_type *types, uint32_t type_count,
              const struct pod_kind *kinds, uint32_t kind_count, double seconds,
              struct pod_packing *packing, struct err *err) {
    struct arena work;
    *packing = (struct pod_packing){0};
    int rc = check_pods(types, type_count, kinds, kind_count, err);
    if (rc)
        return rc;
    arena_init(&work);
    struct packer packer = {
        .arena = &work, .seconds = seconds, .deadline_s = monotonic_s() + seconds};
    make_problem(&packer, types, type_count, kinds, kind_count);
    if (!search(&packer)) {
        rc = err_set(err, ERR_FINDING, "the nodes that the limits allow do not hold all pods");
    } else if (!isfinite(packer.cost)) {
        rc = err_set(err, ERR_FINDING, "no packing within the limits was found in %g s", seconds);
    } else {
        collect(arena, &packer, kinds, kind_count, packing);
        sum_up(&packer, kinds, kind_count, packing);
    }
    arena_done(&work);
    return rc;
}
