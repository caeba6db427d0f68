#include "jobs/explain.h"

#include "base/stats.h"
#include "db/run.h"
#include "predictor/predict.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct explaining {
    struct arena *arena;
    struct db *db;
    const struct explain_request *request;
    const struct subject *subject;
    struct place place;
    struct fitted fitted;
    struct lowering lowering;
    struct training training;
    struct explanation *out;
    struct err *err;
};

/* ---- which operator -------------------------------------------------------------------------- */

static bool is_whole(const char *path, const char *wanted) {
    return strcmp(path, wanted) == 0;
}

static bool is_beginning(const char *path, const char *wanted) {
    return strncmp(path, wanted, strlen(wanted)) == 0;
}

static bool is_part(const char *path, const char *wanted) {
    return strstr(path, wanted) != NULL;
}

typedef bool (*match_fn)(const char *path, const char *wanted);

static uint32_t count_matches(const struct flat_graph *flat, match_fn matches, const char *wanted,
                              uint32_t *first) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < flat->count; i++)
        if (matches(flat->ops[i].path, wanted) && count++ == 0)
            *first = i;
    return count;
}

static const char *some_names(struct arena *arena, const struct flat_graph *flat, match_fn matches,
                              const char *wanted) {
    const char *names = "";
    for (uint32_t i = 0, shown = 0; i < flat->count; i++) {
        if (!matches(flat->ops[i].path, wanted))
            continue;
        if (++shown > 5)
            return arena_printf(arena, "%s, ...", names);
        names = arena_printf(arena, "%s%s%s", names, shown > 1 ? ", " : "", flat->ops[i].path);
    }
    return names;
}

static int find_operator(const struct explaining *e, uint32_t *found) {
    static const match_fn ways[] = {is_whole, is_beginning, is_part};
    const struct flat_graph *flat = &e->lowering.flat;
    const char *wanted = e->request->operator_name;
    for (size_t w = 0; w < sizeof ways / sizeof *ways; w++) {
        uint32_t count = count_matches(flat, ways[w], wanted, found);
        if (count == 1)
            return 0;
        if (count == 0)
            continue;
        err_set(e->err, ERR_USAGE, "'%s' fits %u operators", wanted, count);
        return err_hint(e->err, "%s", some_names(e->arena, flat, ways[w], wanted));
    }
    err_set(e->err, ERR_USAGE, "%s has no operator '%s' as it is executed", e->subject->model.name,
            wanted);
    return err_hint(e->err, "`assay predict %s --operators 0` lists them all",
                    e->subject->model.path);
}

/* ---- the fit --------------------------------------------------------------------------------- */

static const char *const basis_words[] = {
    [BASIS_OWN] = "rates of its own",
    [BASIS_SCALED_FAMILY] = "rates of the family, scaled to what was seen of it",
};

static void describe_fit(struct explaining *e) {
    struct explanation *out = e->out;
    const struct cost_model *cost = &e->fitted.fit.cost;
    const struct class_fit *family = &cost->families[out->features.family];
    out->fit = cost_model_class(cost, out->features.key);
    if (out->fit) {
        out->basis = basis_words[out->fit->basis];
    } else if (family->observations) {
        out->fit = family;
        out->basis = "rates of the family: the class was never seen";
    } else {
        out->basis = "the roofline: no operator of the family was ever seen";
    }
    out->estimate = cost_model_estimate(cost, &out->features);
    out->log_spread = cost_model_log_spread(cost, &out->features);
    out->evidence = e->fitted.fit.evidence ? e->fitted.fit.evidence : "";
    out->estimate.evidence = out->evidence;
    out->extrapolates = out->fit && (out->features.flops > out->fit->flops_high ||
                                     features_bytes(&out->features) > out->fit->bytes_high);
}

static void list_terms(struct explaining *e) {
    struct explanation *out = e->out;
    const char *const *names = family_info(out->features.family)->terms;
    double sum = 0;
    out->terms = ARENA_ARRAY(e->arena, FEATURE_TERMS_MAX, struct explained_term);
    for (int i = 0; i < FEATURE_TERMS_MAX && names[i]; i++) {
        double rate = out->fit ? out->fit->rates[i] : NAN;
        double ns = rate * out->features.terms[i];
        out->terms[out->term_count++] = (struct explained_term){names[i], out->features.terms[i],
                                                                rate, ns, ns / out->estimate.value};
        sum += ns;
    }
    out->learnt_ns = out->fit ? out->estimate.value - sum : NAN;
}

/* ---- what was measured ----------------------------------------------------------------------- */

/* How old its data is hangs on the rest of the model, not on what the operator does. */
static struct features without_age(const struct features *features) {
    struct features fresh = *features;
    fresh.inference_ns = 1;
    features_forget(&fresh, INFINITY);
    return fresh;
}

static double distance(const struct features *wanted, const struct features *seen) {
    const struct features fresh[] = {without_age(wanted), without_age(seen)}, *a = &fresh[0],
                          *b = &fresh[1];
    double squares = 0;
    int count = 0;
    for (int i = 1; i < FEATURE_TERMS_MAX; i++) {
        if (a->terms[i] == 0 && b->terms[i] == 0)
            continue;
        /* A term that only one of them has counts as 20 times as much, not as infinitely more. */
        double ratio = fmin(fabs(log((a->terms[i] + 1) / (b->terms[i] + 1))), 3);
        squares += ratio * ratio;
        count++;
    }
    return count ? sqrt(squares / count) : 0;
}

struct candidate {
    double distance;
    const struct observation *observation;
    uint32_t count; /* that do the same work in the same run */
};

static int by_distance(const void *a, const void *b) {
    const struct candidate *x = a, *y = b;
    if (x->distance != y->distance)
        return x->distance < y->distance ? -1 : 1;
    const struct observation *p = x->observation, *q = y->observation;
    if (p->run != q->run)
        return p->run < q->run ? -1 : 1;
    return (p->op > q->op) - (p->op < q->op);
}

/* Of the class; when it was never seen, of the family. */
static uint32_t find_candidates(struct explaining *e, struct candidate *candidates) {
    const struct features *wanted = &e->out->features;
    uint32_t count = 0;
    for (int pass = 0; pass < 2 && count == 0; pass++)
        for (uint32_t i = 0; i < e->training.observation_count; i++) {
            const struct observation *o = &e->training.observations[i];
            bool fits = pass == 0 ? strcmp(o->features.key, wanted->key) == 0
                                  : o->features.family == wanted->family;
            if (fits)
                candidates[count++] = (struct candidate){distance(wanted, &o->features), o, 1};
        }
    if (count)
        qsort(candidates, count, sizeof *candidates, by_distance);
    return count;
}

static bool is_same_work(const struct observation *a, const struct observation *b) {
    return a->run == b->run && strcmp(a->features.key, b->features.key) == 0 &&
           memcmp(a->features.terms, b->features.terms, sizeof a->features.terms) == 0;
}

static double usual_ns(const struct explaining *e, const struct observation *o) {
    return o->wall_ns * pow(o->slowness > 0 ? o->slowness : 1,
                            -cost_model_slowdown(&e->fitted.fit.cost, &o->features));
}

static double median_ns(const struct explaining *e, const struct candidate *same) {
    double *times = ARENA_ARRAY(e->arena, same->count, double);
    for (uint32_t i = 0; i < same->count; i++)
        times[i] = usual_ns(e, same[i].observation);
    return stats_median(times, same->count);
}

/* A model repeats its blocks: operators of a run that do the same work are one neighbour. They
 * stand side by side. Fills first's count; returns how many there are at most `shown`. */
static uint32_t join_same_work(struct candidate *candidates, uint32_t count, uint32_t shown,
                               uint32_t *first) {
    uint32_t joined = 0;
    for (uint32_t i = 0, end; i < count && joined < shown; i = end) {
        for (end = i + 1; end < count; end++)
            if (!is_same_work(candidates[i].observation, candidates[end].observation))
                break;
        candidates[i].count = end - i;
        first[joined++] = i;
    }
    return joined;
}

static int describe_neighbour(struct explaining *e, const struct candidate *candidate,
                              struct explained_neighbour *out) {
    const struct observation *o = candidate->observation;
    const struct observed_run *run = &e->training.runs[o->run];
    struct arena scratch;
    struct stored_run stored;
    *out = (struct explained_neighbour){
        .distance = candidate->distance,
        .run = run->id,
        .model = run->model_name,
        .kernel = o->features.key,
        .path = "",
        .shapes = "",
        .count = candidate->count,
        .measured_ns = median_ns(e, candidate),
        .slowness = o->slowness,
        .fitted_ns = cost_model_estimate(&e->fitted.fit.cost, &o->features).value,
    };
    arena_init(&scratch);
    int code = db_load_run(e->db, &scratch, run->id, RUN_OPERATORS, &stored, e->err);
    for (uint32_t i = 0; !code && i < stored.op_count; i++)
        if (stored.ops[i].index == (uint32_t)o->op) {
            out->path = arena_strdup(e->arena, stored.ops[i].path);
            out->shapes = arena_strdup(e->arena, stored.ops[i].shapes);
        }
    arena_done(&scratch);
    return code;
}

static int list_neighbours(struct explaining *e) {
    struct explanation *out = e->out;
    struct candidate *candidates =
        ARENA_ARRAY(e->arena, e->training.observation_count + 1u, struct candidate);
    uint32_t count = find_candidates(e, candidates);
    uint32_t *first = ARENA_ARRAY(e->arena, e->request->neighbours + 1u, uint32_t);
    uint32_t shown = join_same_work(candidates, count, e->request->neighbours, first);
    out->neighbours = ARENA_ARRAY(e->arena, shown + 1u, struct explained_neighbour);
    for (; out->neighbour_count < shown; out->neighbour_count++)
        if (describe_neighbour(e, &candidates[first[out->neighbour_count]],
                               &out->neighbours[out->neighbour_count]))
            return -(int)e->err->code;
    return 0;
}

/* ---- the job --------------------------------------------------------------------------------- */

static int load(struct explaining *e) {
    const struct predict_request *request = &e->request->predict;
    const char *except_sha256 = request->leave_out_self ? e->subject->model.sha256 : NULL;
    const char *except_name = request->leave_out_self ? e->subject->model.name : NULL;
    if (place_of_subject(e->arena, e->db, e->subject, &e->place, e->err) ||
        fit_for(e->arena, e->db, &e->place, except_sha256, except_name, &e->fitted, e->err) ||
        lowering_make(e->arena, e->db, e->subject, request->lowering, &e->lowering, e->err))
        return -(int)e->err->code;
    const struct training_filter filter = {
        .machine = e->place.machine.fingerprint,
        .runtime = e->place.runtime,
        .runtime_version = e->place.runtime_version,
        .threads = e->place.threads,
        .except_sha256 = except_sha256,
        .except_name = except_name,
        .target = e->subject->target,
    };
    return training_load(e->arena, e->db, &filter, &e->training, e->err);
}

static const char *shapes_of(struct arena *arena, const struct flat_op *flat) {
    const char *text = "";
    for (uint32_t i = 0; i < flat->op->input_count; i++) {
        const struct tensor *tensor = op_input(flat->graph, flat->op, i);
        text = arena_printf(arena, "%s%s ", text,
                            tensor ? tensor_shape_text(arena, flat->graph, tensor) : "-");
    }
    text = arena_printf(arena, "%s->", text);
    for (uint32_t i = 0; i < flat->op->output_count; i++) {
        const struct tensor *tensor = op_output(flat->graph, flat->op, i);
        text = arena_printf(arena, "%s %s", text,
                            tensor ? tensor_shape_text(arena, flat->graph, tensor) : "-");
    }
    return text;
}

static const char *attribute_text(struct arena *arena, const struct attribute *a) {
    const char *text = "";
    switch (a->kind) {
    case ATTRIBUTE_INT:
        return arena_printf(arena, "%s=%lld", a->name, (long long)a->i);
    case ATTRIBUTE_FLOAT:
        return arena_printf(arena, "%s=%g", a->name, (double)a->f);
    case ATTRIBUTE_STRING:
        return arena_printf(arena, "%s=%s", a->name, a->s);
    case ATTRIBUTE_INTS:
        for (uint32_t i = 0; i < a->count; i++)
            text = arena_printf(arena, "%s%s%lld", text, i ? "," : "", (long long)a->ints[i]);
        return arena_printf(arena, "%s=%s", a->name, text);
    default:
        return a->name;
    }
}

static const char *attributes_of(struct arena *arena, const struct op *op) {
    const char *text = "";
    for (uint32_t i = 0; i < op->attribute_count; i++)
        text = arena_printf(arena, "%s%s%s", text, i ? " " : "",
                            attribute_text(arena, &op->attributes[i]));
    return text;
}

/* As the whole model's prediction has them: how long its data waits depends on all operators. */
static void take_features(struct explaining *e, uint32_t index) {
    const struct predict_options options = {.target = e->subject->target, .allow_roofline = true};
    e->out->features = predict_features(e->arena, &e->fitted.fit, e->lowering.graph,
                                        &e->lowering.flat, &options)[index];
    features_forget(&e->out->features, e->fitted.fit.cost.forget_ns);
}

static int explain(struct explaining *e) {
    uint32_t index = 0;
    if (load(e) || find_operator(e, &index))
        return -(int)e->err->code;
    const struct flat_op *flat = &e->lowering.flat.ops[index];
    struct explanation *out = e->out;
    out->path = flat->path;
    out->op = op_full_type(e->arena, flat->op);
    out->shapes = shapes_of(e->arena, flat);
    out->attributes = attributes_of(e->arena, flat->op);
    out->notes = e->subject->notes;
    out->note_count = e->subject->note_count;
    if (features_of(flat->graph, flat->op, &e->subject->target, &out->features, e->err))
        return err_prefix(e->err, "%s", flat->path);
    take_features(e, index);
    describe_fit(e);
    list_terms(e);
    return list_neighbours(e);
}

int job_explain(struct arena *arena, struct db *db, const struct explain_request *request,
                struct explanation *out, struct err *err) {
    *out = (struct explanation){.path = ""};
    struct subject subject;
    if (subject_open(arena, db, &request->predict.subject, &subject, err))
        return -(int)err->code;
    struct explaining e = {
        .arena = arena, .db = db, .request = request, .subject = &subject, .out = out, .err = err};
    int code = explain(&e);
    subject_close(&subject);
    return code;
}
