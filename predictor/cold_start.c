#include "predictor/cold_start.h"

#include "base/units.h"

static const enum quantity session_parts[] = {
    QUANTITY_FILE_READ_NS, QUANTITY_PARSE_NS,   QUANTITY_OPTIMISE_NS,
    QUANTITY_REORDER_NS,   QUANTITY_PREPACK_NS,
};

enum {
    SESSION_PARTS = sizeof session_parts / sizeof *session_parts,
    /* Process, library and its reading, file, session parts or whole, first run. */
    PHASES_MAX = SESSION_PARTS + 5,
};

struct composing {
    struct arena *arena;
    const struct quantity_fit *fits;
    const struct footprint *footprint;
    const struct cold_start_options *options;
    const char *evidence;
    struct cold_start *out;
    struct estimate *sums; /* what the total is made of: session creation is one */
    uint32_t sum_count;
};

static void add_phase(struct composing *c, const char *name, const char *title, struct estimate ns,
                      const char *how) {
    c->out->phases[c->out->phase_count++] = (struct cold_phase){name, title, ns, how};
}

static void add_sum(struct composing *c, struct estimate ns) {
    c->sums[c->sum_count++] = ns;
}

static bool is_cold(const struct composing *c) {
    return c->options->page_cache == PAGE_CACHE_COLD;
}

/* ---- what phases rest on --------------------------------------------------------------------- */

static const char *terms_text(const struct composing *c, enum quantity quantity) {
    const struct quantity_fit *fit = &c->fits[quantity];
    const char *text = arena_printf(c->arena, "%u runs", fit->runs);
    for (int i = 0; quantity_term(quantity, i); i++)
        if (fit->rates[i] > 0)
            text =
                arena_printf(c->arena, "%s%s %s", text, i ? "," : ":", quantity_term(quantity, i));
    return text;
}

static struct estimate fitted(const struct composing *c, enum quantity quantity) {
    struct estimate ns = quantity_estimate(quantity, &c->fits[quantity], c->footprint, 0);
    ns.evidence = c->evidence;
    return estimate_times(ns, c->options->slowdown > 0 ? c->options->slowdown : 1);
}

static void add_fitted(struct composing *c, enum quantity quantity) {
    struct estimate ns = fitted(c, quantity);
    if (ns.tier == TIER_REFUSED)
        return;
    add_phase(c, quantity_phase(quantity), quantity_title(quantity), ns, terms_text(c, quantity));
    add_sum(c, ns);
}

/* ---- storage --------------------------------------------------------------------------------- */

static struct estimate from_storage(const struct composing *c, double bytes) {
    const struct estimate *rate = &c->options->storage_bytes_per_s;
    if (!(rate->value > 0))
        return estimate_refused();
    const struct estimate *delay = &c->options->storage_delay_ns;
    return (struct estimate){delay->value + 1e9 * bytes / rate->value,
                             delay->low + 1e9 * bytes / rate->high,
                             delay->high + 1e9 * bytes / rate->low, TIER_ROOFLINE, ""};
}

static const char *storage_text(const struct composing *c, double bytes) {
    char size[UNIT_TEXT_SIZE], rate[UNIT_TEXT_SIZE], delay[UNIT_TEXT_SIZE];
    if (!(c->options->storage_bytes_per_s.value > 0))
        return "the storage of this machine is not measured: `assay calibrate` does that";
    return arena_printf(c->arena, "%s at %s after %s, the storage of this machine",
                        unit_format(size, bytes, UNIT_BYTES),
                        unit_format(rate, c->options->storage_bytes_per_s.value, UNIT_BYTES_PER_S),
                        unit_format(delay, c->options->storage_delay_ns.value, UNIT_NS));
}

static void add_reading(struct composing *c, const char *name, const char *title, double bytes) {
    struct estimate ns = from_storage(c, bytes);
    add_phase(c, name, title, ns, storage_text(c, bytes));
    add_sum(c, ns);
}

/* ---- the session ----------------------------------------------------------------------------- */

/* 0: no run has told its parts. */
static double parts_ns(const struct composing *c) {
    double sum = 0;
    for (int i = 0; i < SESSION_PARTS; i++) {
        struct estimate ns = fitted(c, session_parts[i]);
        if (ns.tier == TIER_REFUSED)
            return 0;
        sum += ns.value;
    }
    return sum;
}

static void add_session(struct composing *c, const struct estimate *load_ns) {
    double sum_ns = parts_ns(c), factor = sum_ns > 0 ? load_ns->value / sum_ns : 1;
    struct estimate read_ns = estimate_times(fitted(c, QUANTITY_FILE_READ_NS), factor);
    if (is_cold(c))
        add_reading(c, quantity_phase(QUANTITY_FILE_READ_NS), quantity_title(QUANTITY_FILE_READ_NS),
                    c->footprint->file_bytes + c->footprint->external_bytes);
    if (sum_ns <= 0) {
        add_phase(c, quantity_phase(QUANTITY_LOAD_NS), quantity_title(QUANTITY_LOAD_NS), *load_ns,
                  "session creation as a whole: no stored run tells its parts");
        add_sum(c, *load_ns);
        return;
    }
    for (int i = is_cold(c) ? 1 : 0; i < SESSION_PARTS; i++)
        add_phase(c, quantity_phase(session_parts[i]), quantity_title(session_parts[i]),
                  estimate_times(fitted(c, session_parts[i]), factor),
                  terms_text(c, session_parts[i]));
    add_sum(c, estimate_times(*load_ns, is_cold(c) ? 1 - read_ns.value / load_ns->value : 1));
}

/* ---- the whole ------------------------------------------------------------------------------- */

static void add_given(struct composing *c) {
    for (uint32_t i = 0; i < c->options->given_count; i++) {
        const struct given_phase *given = &c->options->given[i];
        struct estimate ns = {given->ns, given->ns, given->ns, TIER_GIVEN, ""};
        add_phase(c, given->name, given->name, ns, "given");
        add_sum(c, ns);
    }
}

void cold_start_predict(struct arena *arena, const struct quantity_fit fits[static QUANTITY_COUNT],
                        const struct footprint *footprint, const struct cold_start_options *options,
                        struct prediction *out) {
    uint32_t most = options->given_count + PHASES_MAX;
    out->cold_start = (struct cold_start){.page_cache = options->page_cache,
                                          .total_ns = estimate_refused(),
                                          .phases = ARENA_ARRAY(arena, most, struct cold_phase)};
    if (out->load_time_ns.tier == TIER_REFUSED || out->first_run_ns.tier == TIER_REFUSED)
        return;
    struct composing c = {.arena = arena,
                          .fits = fits,
                          .footprint = footprint,
                          .options = options,
                          .evidence = out->load_time_ns.evidence,
                          .out = &out->cold_start,
                          .sums = ARENA_ARRAY(arena, most, struct estimate)};
    add_given(&c);
    add_fitted(&c, QUANTITY_PROCESS_START_NS);
    if (is_cold(&c) && options->library_bytes > 0)
        add_reading(&c, "library_read", "read the library", options->library_bytes);
    add_fitted(&c, QUANTITY_LIBRARY_LOAD_NS);
    add_session(&c, &out->load_time_ns);
    add_phase(&c, quantity_phase(QUANTITY_FIRST_RUN_NS), quantity_title(QUANTITY_FIRST_RUN_NS),
              out->first_run_ns, terms_text(&c, QUANTITY_FIRST_RUN_NS));
    add_sum(&c, out->first_run_ns);
    out->cold_start.total_ns = cold_start_sum(c.sums, c.sum_count);
}
