#include "predictor/capacity/pack.h"

#include "base/pairs.h"
#include "base/units.h"
#include "predictor/capacity/mip.h"
#include "predictor/capacity/reserve.h"

#include <math.h>
#include <string.h>

/* ---- one node ------------------------------------------------------------------------------- */

static int parse_positive(const struct pairs *pairs, const char *key, double *value,
                          struct err *err) {
    const char *text = pairs_find(pairs, key);
    if (!text)
        return err_set(err, ERR_USAGE, "a node needs %s=", key);
    int rc = unit_parse_number(text, value, err);
    if (!rc && !(*value > 0))
        rc = err_set(err, ERR_USAGE, "%s: expected a number above 0", text);
    return rc ? err_prefix(err, "%s", key) : 0;
}

static int parse_memory(const struct pairs *pairs, double *memory_bytes, struct err *err) {
    const char *text = pairs_find(pairs, "memory");
    uint64_t bytes = 0;
    if (!text)
        return err_set(err, ERR_USAGE, "a node needs memory=");
    int rc = unit_parse_bytes(text, &bytes, err);
    if (!rc && bytes == 0)
        rc = err_set(err, ERR_USAGE, "%s: expected a size above 0", text);
    *memory_bytes = (double)bytes;
    return rc ? err_prefix(err, "memory") : 0;
}

static int parse_price(const struct pairs *pairs, double *usd_per_hour, struct err *err) {
    const char *text = pairs_find(pairs, "price");
    *usd_per_hour = NAN;
    if (!text)
        return 0;
    int rc = unit_parse_number(text, usd_per_hour, err);
    if (!rc && !(*usd_per_hour >= 0 && *usd_per_hour <= 1e6))
        rc = err_set(err, ERR_USAGE, "%s: expected US dollars per hour, 0 to 1000000", text);
    return rc ? err_prefix(err, "price") : 0;
}

static int parse_pods(const struct pairs *pairs, uint32_t *pods_max, struct err *err) {
    const char *text = pairs_find(pairs, "pods");
    int64_t pods = PACK_PODS_DEFAULT;
    if (text && unit_parse_integer(text, &pods, err))
        return err_prefix(err, "pods");
    if (pods < 1 || pods > 100000)
        return err_set(err, ERR_USAGE, "pods: %s: expected 1 to 100000", text);
    *pods_max = (uint32_t)pods;
    return 0;
}

static int parse_reserve(const struct pairs *pairs, const char **name, struct err *err) {
    const char *text = pairs_find(pairs, "reserve");
    const struct reserve *reserve = text ? reserve_by_name(text) : reserve_at(0);
    if (!reserve)
        return err_set(err, ERR_USAGE, "reserve: \"%s\": expected gke, eks, aks or none", text);
    *name = reserve->name;
    return 0;
}

int node_type_parse(struct arena *arena, const char *text, struct node_type *type,
                    struct err *err) {
    static const char *const known[] = {"cpus", "memory", "price", "name", "pods", "reserve", NULL};
    struct pairs pairs;
    *type = (struct node_type){0};
    int rc = pairs_parse(arena, text, &pairs, err);
    if (!rc)
        rc = pairs_only(&pairs, known, err);
    if (!rc)
        rc = parse_positive(&pairs, "cpus", &type->cpus, err);
    if (!rc)
        rc = parse_memory(&pairs, &type->memory_bytes, err);
    if (!rc)
        rc = parse_price(&pairs, &type->usd_per_hour, err);
    if (!rc)
        rc = parse_pods(&pairs, &type->pods_max, err);
    if (!rc)
        rc = parse_reserve(&pairs, &type->reserve, err);
    if (rc) {
        err_prefix(err, "node \"%s\"", text);
        return err_hint(err, "a node looks like cpus=8,memory=32GiB,price=0.38");
    }
    const char *name = pairs_find(&pairs, "name");
    type->name =
        name ? name : arena_printf(arena, "%gcpu-%s", type->cpus, pairs_find(&pairs, "memory"));
    return 0;
}

/* Whole replicas in what is left; a hair is forgiven, so that 3 x 0.1 fits 0.3. */
static double whole(double room, double each) {
    return each > 0 ? fmax(0, floor(room / each * (1 + 1e-12))) : INFINITY;
}

uint64_t node_holds(const struct node_type *type, const struct replica_size *replica,
                    const char **short_of) {
    struct node_room room = node_room(type);
    const struct {
        const char *name;
        double replicas;
    } limits[] = {
        {"pods",                  room.pods      },
        {"CPU",                   whole(room.cpus, replica->cpus)},
        {"memory",                       whole(room.memory_bytes,                               replica->memory_bytes)},
        {"company", replica->per_node_most ? (double)replica->per_node_most : (double)INFINITY},
    };
    unsigned least = 0;
    for (unsigned i = 1; i < sizeof limits / sizeof *limits; i++)
        if (limits[i].replicas < limits[least].replicas)
            least = i;
    if (short_of)
        *short_of = limits[least].name;
    return (uint64_t)limits[least].replicas;
}

/* ---- the cheapest mix ----------------------------------------------------------------------- */

/* Prices in integers, so that equal sums are equal in whatever order they were added. */
#define NANO_USD       1e9
#define LIMITS_SECONDS 5

struct offer {
    uint64_t price; /* in nano USD */
    uint64_t holds;
};

struct cover {
    uint64_t price;
    uint32_t nodes;
    uint32_t last; /* the type that was added last */
};

static bool is_cheaper(const struct cover *a, const struct cover *b) {
    return a->price != b->price ? a->price < b->price : a->nodes < b->nodes;
}

/* covers[n]: the cheapest nodes that hold at least n replicas. */
static void fill_covers(struct cover *covers, uint64_t replicas, const struct offer *offers,
                        uint32_t count) {
    covers[0] = (struct cover){0};
    for (uint64_t n = 1; n <= replicas; n++) {
        covers[n] = (struct cover){UINT64_MAX, 0, 0};
        for (uint32_t t = 0; t < count; t++) {
            if (offers[t].holds == 0)
                continue;
            const struct cover *rest = &covers[n > offers[t].holds ? n - offers[t].holds : 0];
            struct cover with = {rest->price + offers[t].price, rest->nodes + 1, t};
            if (is_cheaper(&with, &covers[n]))
                covers[n] = with;
        }
    }
}

int node_types_check(const struct node_type *types, uint32_t count, struct err *err) {
    for (uint32_t i = 0; i < count; i++) {
        if (isnan(types[i].usd_per_hour) != isnan(types[0].usd_per_hour))
            return err_set(err, ERR_USAGE,
                           "node %s has a price and node %s has none: give all or "
                           "none of them one",
                           types[isnan(types[0].usd_per_hour) ? i : 0].name,
                           types[isnan(types[0].usd_per_hour) ? 0 : i].name);
        for (uint32_t j = 0; j < i; j++)
            if (strcmp(types[i].name, types[j].name) == 0)
                return err_set(err, ERR_USAGE,
                               "two kinds of nodes are named %s: give them name=", types[i].name);
    }
    return 0;
}

static int refuse_unfit(const struct node_type *types, uint32_t count,
                        const struct replica_size *replica, struct err *err) {
    char memory[UNIT_TEXT_SIZE];
    const char *short_of = "CPU";
    /* The reason of the roomiest type is the one worth telling. */
    uint32_t largest = 0;
    for (uint32_t i = 1; i < count; i++)
        if (types[i].memory_bytes * types[i].cpus >
            types[largest].memory_bytes * types[largest].cpus)
            largest = i;
    node_holds(&types[largest], replica, &short_of);
    unit_format(memory, replica->memory_bytes, UNIT_BYTES);
    err_set(err, ERR_FINDING, "one replica (%g CPUs, %s) does not fit node %s: too little %s%s",
            replica->cpus, memory, types[largest].name, short_of,
            strcmp(types[largest].reserve, "none") ? " after the system's reserve" : "");
    return err_hint(err, "offer a larger node, or fewer threads per replica");
}

static void sum_up(struct packing *packing, const struct replica_size *replica, uint64_t replicas) {
    double cpus = 0, memory = 0, price = 0;
    for (uint32_t i = 0; i < packing->node_count; i++) {
        const struct node_share *share = &packing->nodes[i];
        cpus += (double)share->count * share->type->cpus;
        memory += (double)share->count * share->type->memory_bytes;
        price += (double)share->count * share->type->usd_per_hour;
    }
    packing->usd_per_hour = price;
    packing->cpu_waste = 1 - (double)replicas * replica->cpus / cpus;
    packing->memory_waste = 1 - (double)replicas * replica->memory_bytes / memory;
}

/* used[t]: nodes of type t. */
static void use_any_number(const struct offer *offers, uint32_t count, uint64_t replicas,
                           uint64_t *used) {
    struct arena work;
    arena_init(&work);
    struct cover *covers = ARENA_ARRAY(&work, replicas + 1, struct cover);
    fill_covers(covers, replicas, offers, count);
    for (uint64_t n = replicas; n > 0;) {
        uint32_t type = covers[n].last;
        used[type]++;
        n = n > offers[type].holds ? n - offers[type].holds : 0;
    }
    arena_done(&work);
}

static bool is_within_limits(const struct node_type *types, uint32_t count, const uint64_t *used) {
    for (uint32_t t = 0; t < count; t++)
        if (types[t].limit && used[t] > types[t].limit)
            return false;
    return true;
}

/* With limits it is a covering problem of one row in whole numbers. */
static int use_within_limits(const struct node_type *types, uint32_t count,
                             const struct offer *offers, uint64_t replicas, uint64_t *used,
                             struct err *err) {
    struct arena work;
    arena_init(&work);
    int *starts = ARENA_ARRAY(&work, count + 1u, int), *row_of = ARENA_ARRAY(&work, count, int);
    double *holds = ARENA_ARRAY(&work, count, double), *costs = ARENA_ARRAY(&work, count, double);
    double *most = ARENA_ARRAY(&work, count, double), *x = ARENA_ARRAY(&work, count, double);
    double least = (double)replicas, infinite = INFINITY;
    for (uint32_t t = 0; t < count; t++) {
        starts[t + 1] = (int)t + 1;
        holds[t] = (double)offers[t].holds;
        costs[t] = (double)offers[t].price / NANO_USD;
        most[t] = types[t].limit ? (double)types[t].limit : least;
    }
    struct mip mip = {(int)count, 1, starts, row_of, holds, costs, most, &least, &infinite};
    struct mip_answer answer = mip_solve(&mip, INFINITY, LIMITS_SECONDS, x);
    for (uint32_t t = 0; t < count; t++)
        used[t] = answer.found ? (uint64_t)x[t] : 0;
    arena_done(&work);
    if (answer.found)
        return 0;
    return err_set(err, ERR_FINDING, "the nodes that the limits allow do not hold %llu replicas",
                   (unsigned long long)replicas);
}

static void collect_nodes(struct arena *arena, const struct node_type *types, uint32_t count,
                          const struct offer *offers, const uint64_t *used,
                          struct packing *packing) {
    struct node_share *nodes = ARENA_ARRAY(arena, count, struct node_share);
    for (uint32_t t = 0; t < count; t++)
        if (used[t])
            nodes[packing->node_count++] = (struct node_share){&types[t], used[t], offers[t].holds};
    packing->nodes = nodes;
}

int pack_replicas(struct arena *arena, const struct node_type *types, uint32_t type_count,
                  const struct replica_size *replica, uint64_t replicas, struct packing *packing,
                  struct err *err) {
    *packing = (struct packing){0};
    if (type_count == 0 || replicas == 0)
        return err_set(err, ERR_USAGE, "nothing to pack: expected replicas and a kind of node");
    if (replicas > PACK_REPLICAS_MAX)
        return err_set(err, ERR_FINDING, "%llu replicas are more than the %d that can be packed",
                       (unsigned long long)replicas, PACK_REPLICAS_MAX);
    int rc = node_types_check(types, type_count, err);
    if (rc)
        return rc;
    struct offer *offers = ARENA_ARRAY(arena, type_count, struct offer);
    bool fits = false;
    for (uint32_t t = 0; t < type_count; t++) {
        bool priced = !isnan(types[t].usd_per_hour);
        offers[t].price = priced ? (uint64_t)llround(types[t].usd_per_hour * NANO_USD) : 1;
        offers[t].holds = node_holds(&types[t], replica, NULL);
        fits = fits || offers[t].holds > 0;
    }
    if (!fits)
        return refuse_unfit(types, type_count, replica, err);
    uint64_t *used = ARENA_ARRAY(arena, type_count, uint64_t);
    use_any_number(offers, type_count, replicas, used);
    if (!is_within_limits(types, type_count, used))
        rc = use_within_limits(types, type_count, offers, replicas, used, err);
    if (rc)
        return rc;
    collect_nodes(arena, types, type_count, offers, used, packing);
    sum_up(packing, replica, replicas);
    return 0;
}
