#include "predictor/capacity/pack.h"
#include "predictor/capacity/planner.h"
#include "reports/figure.h"
#include "reports/gnuplot.h"
#include "reports/memory_use.h"
#include "reports/plan_json.h"
#include "reports/plan_text.h"
#include "reports/prediction_json.h"
#include "reports/prediction_text.h"
#include "reports/report.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/page_checks.h"

#define MIB 1048576.0

/* ---- a report as jobs/ would fill it --------------------------------------------------------- */

enum { MODELS = 4, CLASSES = 6 };

static const struct {
    const char *name;
    double measured_ms, error, peak_mib;
    uint64_t parameters;
} models[MODELS] = {
    {"resnet50",                          78.2, 0.04,  260, 25557032 },
    {"mobilenet_v2",                      8.9,  -0.07, 82,  3504872  },
    {"bert_base <encoder> & \"friends\"", 212,  0.11,  690, 109482240},
    {"silero_vad",                        0.31, 0.32,  61,  309633   },
};

static const struct {
    const char *op, *kernel;
    double share, intensity;
    enum bound bound;
    uint32_t count;
} classes[CLASSES] = {
    {"com.microsoft.nchwc.Conv", "conv.nchwc.pointwise", 0.46, 38,   BOUND_COMPUTE,  9},
    {"com.microsoft.nchwc.Conv", "conv.nchwc.kxk",       0.31, 61,   BOUND_COMPUTE,  7},
    {"MatMul",                   "matmul.constant",      0.12, 9,    BOUND_MEMORY,   3},
    {"Add",                      "Add",                  0.06, 0.08, BOUND_MEMORY,   5},
    {"Softmax",                  "Softmax",              0.03, 0.6,  BOUND_MEMORY,   2},
    {"Reshape",                  "Reshape",              0.02, 0,    BOUND_OVERHEAD, 4},
};

static struct estimate near(double value, double spread, enum tier tier) {
    return (struct estimate){value, value * (1 - spread), value * (1 + spread), tier, "fit:1"};
}

static void fill_operators(struct arena *arena, struct prediction *p, double total_ns) {
    p->operators = ARENA_ARRAY(arena, 64, struct operator_row);
    for (int c = 0; c < CLASSES; c++)
        for (uint32_t i = 0; i < classes[c].count; i++) {
            double share = classes[c].share / classes[c].count, ns = total_ns * share;
            double flops = classes[c].intensity > 0 ? ns * fmin(95, 11 * classes[c].intensity) : 0;
            p->operators[p->operator_count++] = (struct operator_row){
                .name = arena_printf(arena, "/layer%u/%s#%u", i, classes[c].op, i),
                .op = classes[c].op,
                .kernel = classes[c].kernel,
                .flops = flops,
                .bytes = flops > 0 ? flops / classes[c].intensity : 64,
                .latency_ns = near(ns, 0.2, p->measured ? TIER_MEASURED : TIER_FITTED),
                .share = share,
                .bound = classes[c].bound};
        }
}

static void add_start(struct arena *arena, struct prediction *p, double ns) {
    static const char *const names[][3] = {
        {"process_start", "process start",   "20 runs: process"   },
        {"parse",         "parse",           "20 runs: file_bytes"},
        {"first_run",     "first inference", "20 runs: latency_ns"},
    };
    enum { COUNT = sizeof names / sizeof *names };
    struct estimate sums[COUNT];
    p->cold_start.phases = ARENA_ARRAY(arena, COUNT, struct cold_phase);
    for (int i = 0; i < COUNT; i++) {
        sums[i] = near(ns * (i + 1), 0.1, p->latency_ns.tier);
        p->cold_start.phases[i] =
            (struct cold_phase){names[i][0], names[i][1], sums[i], names[i][2]};
    }
    p->cold_start.phase_count = COUNT;
    p->cold_start.total_ns = cold_start_sum(sums, COUNT);
}

static void add_timeline(struct arena *arena, struct prediction *p) {
    struct memory_timeline *t = &p->timeline;
    t->step_count = 3;
    t->steps = ARENA_ARRAY(arena, 3, struct memory_step);
    for (uint32_t i = 0; i < 3; i++)
        t->steps[i] = (struct memory_step){.name = arena_printf(arena, "/step%u", i),
                                           .type = "Conv",
                                           .live_bytes = MIB * (i == 1 ? 8 : 2),
                                           .arena_bytes = MIB * (i == 0 ? 3 : 9)};
    t->weight_bytes = 20 * MIB;
    t->live_peak = t->arena_peak = 1;
    t->owner = "/step1";
    t->peak_bytes = 29 * MIB;
}

/* The same as it would be seen, with 30 MiB of libraries and 20 of weights at the peak. */
static void add_memory(struct arena *arena, struct prediction *p) {
    struct memory_use *use = ARENA_NEW(arena, struct memory_use);
    use->high_water_bytes = 60 * MIB;
    for (int moment = 0; moment < MEMORY_MOMENTS; moment++) {
        use->at[moment].resident_bytes[MEMORY_LIBRARIES] = 30 * MIB;
        use->at[moment].proportional_bytes[MEMORY_LIBRARIES] = 10 * MIB;
    }
    use->at[MEMORY_PEAK].resident_bytes[MEMORY_WEIGHTS] = 20 * MIB;
    use->at[MEMORY_PEAK].proportional_bytes[MEMORY_WEIGHTS] = 20 * MIB;
    add_timeline(arena, p);
    p->timeline.measured = true;
    p->timeline.steps[1].allocated_bytes = 6 * MIB;
    p->memory = use;
    p->played = (struct memory_agreement){0.01, 0.02, 0.03, 0.04, 3};
}

static struct prediction *prediction_of(struct arena *arena, int model, bool measured) {
    struct prediction *p = ARENA_NEW(arena, struct prediction);
    double factor = measured ? 1 : 1 + models[model].error;
    double ns = models[model].measured_ms * 1e6 * factor, peak = models[model].peak_mib * MIB;
    enum tier tier = measured ? TIER_MEASURED : TIER_FITTED;
    p->model.name = models[model].name;
    p->model.path = "models/some.onnx";
    p->model.sha256 = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    p->model.nodes = 122;
    p->model.parameters = models[model].parameters;
    p->machine = "A processor, 2 CPUs, 24 GiB";
    p->machine_fingerprint = "ff00";
    p->conditions = (struct conditions){
        .runtime = "onnxruntime", .runtime_version = "1.30.0", .threads = 1, .batch = 1};
    p->lowering = "runtime";
    p->measured = measured;
    p->latency_ns = near(ns, measured ? 0.02 : 0.12, tier);
    p->cpu_time_ns = near(ns * 0.99, 0.02, tier);
    p->peak_memory_bytes = near(peak * (measured ? 1 : 1.05), measured ? 0.01 : 0.08, tier);
    if (!measured)
        p->peak_memory_upper = (struct upper_bound){0.99, peak * 1.2};
    p->resident_memory_bytes = near(peak * 0.9, 0.05, tier);
    p->load_time_ns = near(ns * 3, 0.1, tier);
    p->first_run_ns = estimate_refused();
    add_start(arena, p, ns);
    if (!measured)
        add_timeline(arena, p);
    fill_operators(arena, p, ns);
    return p;
}

static const struct plan *plan_for(struct arena *arena, const struct prediction *p) {
    static const struct slo target = {99, 50e6};
    struct plan *plan = ARENA_NEW(arena, struct plan);
    struct node_type *nodes = ARENA_ARRAY(arena, 2, struct node_type);
    struct err err = {0};
    assert_int_equal(
        node_type_parse(arena, "name=large,cpus=8,memory=32GiB,price=0.38", &nodes[0], &err), 0);
    assert_int_equal(
        node_type_parse(arena, "name=small,cpus=2,memory=8GiB,price=0.11", &nodes[1], &err), 0);
    *plan = (struct plan){.model = p->model.name,
                          .machine = p->machine,
                          .rate_per_second = 200,
                          .targets = &target,
                          .target_count = 1,
                          .routing = ROUTING_RANDOM,
                          .latency_ns = p->latency_ns,
                          .cold_start_ns = estimate_refused(),
                          .memory_confidence = p->peak_memory_upper.confidence,
                          .offers = nodes,
                          .offer_count = 2};
    plan_serve_alone(arena, plan, 1, p->peak_memory_upper.value);
    assert_int_equal(planner_solve(arena, plan, NULL, &err), 0);
    assert_int_equal(planner_curve(arena, plan, 101, &err), 0);
    return plan;
}

static struct report report_of(struct arena *arena) {
    static const char *const notes[] = {"This machine was shared while it measured."};
    struct report_entry *entries = ARENA_ARRAY(arena, MODELS, struct report_entry);
    struct machine *machine = ARENA_NEW(arena, struct machine);
    snprintf(machine->label, sizeof machine->label, "A processor, 2 CPUs, 24 GiB");
    snprintf(machine->cpu, sizeof machine->cpu, "A processor");
    snprintf(machine->isa, sizeof machine->isa, "avx2 fma avx512f");
    snprintf(machine->kernel, sizeof machine->kernel, "Linux 6.1");
    machine->cpus = 2;
    machine->memory_bytes = 24ull << 30;
    machine->cache_bytes[0] = 32768;
    machine->cache_bytes[2] = 32ull << 20;
    for (int i = 0; i < MODELS; i++)
        entries[i] = (struct report_entry){models[i].name, prediction_of(arena, i, false),
                                           i == 1 ? NULL : prediction_of(arena, i, true), true};
    entries[1].measured = prediction_of(arena, 1, true);
    return (struct report){.title = "Assay report",
                           .generated = "2026-01-02 03:04 UTC",
                           .version = "0.1.0",
                           .machine = machine,
                           .peak_flops_per_s = 105e9,
                           .peak_bytes_per_s = 12e9,
                           .peaks_source = "the best rates seen in any observation",
                           .entries = entries,
                           .entry_count = MODELS,
                           .plan = plan_for(arena, entries[1].predicted),
                           .notes = notes,
                           .note_count = 1};
}

static void render(const struct report *report, struct arena *arena, struct strbuf *html) {
    struct err err = {0};
    strbuf_init(html);
    assert_int_equal(report_html(arena, report, html, &err), 0);
}

/* ---- the page ------------------------------------------------------------------------------- */

static void the_page_is_balanced_and_loads_nothing(void **state) {
    (void)state;
    struct arena arena;
    struct strbuf html;
    arena_init(&arena);
    struct report report = report_of(&arena);
    render(&report, &arena, &html);
    assert_balanced(html.text);
    assert_unique_ids(html.text);
    assert_nothing_external(html.text);
    assert_non_null(strstr(html.text, "default-src 'none'"));
    if (getenv("ASSAY_KEEP_REPORT")) {
        FILE *file = fopen(getenv("ASSAY_KEEP_REPORT"), "w");
        assert_non_null(file);
        fwrite(html.text, 1, html.length, file);
        fclose(file);
    }
    strbuf_done(&html);
    arena_done(&arena);
}

static void every_section_and_picture_is_there(void **state) {
    (void)state;
    static const char *const sections[] = {"machine",  "models", "latency", "shares", "operators",
                                           "roofline", "memory", "start",   "plan"};
    struct arena arena;
    struct strbuf html;
    if (!have_gnuplot())
        skip();
    arena_init(&arena);
    struct report report = report_of(&arena);
    render(&report, &arena, &html);
    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++) {
        char text[64];
        snprintf(text, sizeof text, "<section id=\"%s\"", sections[i]);
        assert_non_null(strstr(html.text, text));
    }
    int pictures = 0;
    for (const char *at = html.text; (at = strstr(at, "<svg role=\"img\"")); at++)
        pictures++;
    assert_int_equal(pictures, MODELS + 7);
    strbuf_done(&html);
    arena_done(&arena);
}

static void the_same_report_gives_the_same_bytes(void **state) {
    (void)state;
    struct arena arena;
    struct strbuf first, second;
    arena_init(&arena);
    struct report report = report_of(&arena);
    render(&report, &arena, &first);
    render(&report, &arena, &second);
    assert_string_equal(first.text, second.text);
    strbuf_done(&first);
    strbuf_done(&second);
    arena_done(&arena);
}

static void without_gnuplot_the_tables_stay(void **state) {
    (void)state;
    struct arena arena;
    struct strbuf html;
    const char *path = getenv("PATH");
    char *kept = path ? strdup(path) : NULL;
    arena_init(&arena);
    struct report report = report_of(&arena);
    setenv("PATH", "/nowhere", 1);
    render(&report, &arena, &html);
    if (kept)
        setenv("PATH", kept, 1);
    free(kept);
    assert_null(strstr(html.text, "<svg"));
    assert_non_null(strstr(html.text, "No picture here: gnuplot cannot be started"));
    assert_non_null(strstr(html.text, "conv.nchwc.pointwise"));
    assert_non_null(strstr(html.text, "Replicas by rate"));
    assert_balanced(html.text);
    strbuf_done(&html);
    arena_done(&arena);
}

static void hostile_names_stay_text(void **state) {
    (void)state;
    struct arena arena;
    struct strbuf html;
    arena_init(&arena);
    struct report report = report_of(&arena);
    struct report_entry *entry = ARENA_NEW(&arena, struct report_entry);
    struct prediction *p = prediction_of(&arena, 0, false);
    const char *name = "</svg><b>\"`system('touch /tmp/x')`@m\\ $x \xff\xc0\x01 \xe2\x82";
    p->operators[0].name = p->operators[0].kernel = p->model.name = name;
    *entry = (struct report_entry){name, p, prediction_of(&arena, 0, true), false};
    report.entries = entry;
    report.entry_count = 1;
    render(&report, &arena, &html);
    assert_balanced(html.text);
    assert_null(strstr(html.text, "<b>\""));
    for (size_t i = 0; i < html.length; i++) {
        assert_true((unsigned char)html.text[i] >= 0x20 || strchr("\t\n", html.text[i]));
        assert_true((unsigned char)html.text[i] != 0xff && (unsigned char)html.text[i] != 0xc0);
    }
    if (have_gnuplot())
        assert_non_null(strstr(html.text, "<svg role"));
    strbuf_done(&html);
    arena_done(&arena);
}

static void little_is_enough_for_a_page(void **state) {
    (void)state;
    struct arena arena;
    struct strbuf html;
    arena_init(&arena);
    struct report report = report_of(&arena);
    struct report_entry bare[2] = {{.name = "nothing known"}, {.name = "refused"}};
    struct prediction *p = prediction_of(&arena, 0, false);
    struct refused_row why = {"Foo_3", "Foo", "no observation of this operator"};
    p->latency_ns = p->cpu_time_ns = p->peak_memory_bytes = estimate_refused();
    p->resident_memory_bytes = p->load_time_ns = estimate_refused();
    p->peak_memory_upper = (struct upper_bound){0};
    p->operators[0].latency_ns = estimate_refused();
    p->operators[0].share = NAN;
    p->refused = &why;
    p->refused_count = 1;
    bare[1].predicted = p;
    report.entries = bare;
    report.entry_count = 2;
    report.machine = NULL;
    report.plan = NULL;
    report.peak_flops_per_s = report.peak_bytes_per_s = NAN;
    render(&report, &arena, &html);
    assert_balanced(html.text);
    assert_non_null(strstr(html.text, "no observation of this operator"));
    strbuf_done(&html);
    report.entry_count = 0;
    strbuf_init(&html);
    struct err err = {0};
    assert_int_equal(report_html(&arena, &report, &html, &err), -ERR_FINDING);
    strbuf_done(&html);
    arena_done(&arena);
}

/* ---- pieces ---------------------------------------------------------------------------------- */

static void a_failing_script_is_told_with_gnuplots_words(void **state) {
    (void)state;
    struct strbuf out;
    struct err err = {0};
    if (!have_gnuplot())
        skip();
    strbuf_init(&out);
    assert_int_equal(gnuplot_run("plot nonsense(\n", &out, &err), -ERR_ENVIRONMENT);
    assert_non_null(strstr(err.message, "gnuplot failed: "));
    strbuf_done(&out);
}

static void labels_are_shortened_in_the_middle(void **state) {
    (void)state;
    struct figure figure;
    figure_init(&figure, "x", 10, 10);
    size_t before = figure.script.length;
    figure_label(&figure, "/model/layers.0/self_attn/q_proj/MatMul_with_a_long_tail");
    assert_string_equal(figure.script.text + before, "\"/model/layer…j/MatMul_with_a_long_tail\"");
    figure_done(&figure);
}

static void what_is_no_svg_is_refused(void **state) {
    (void)state;
    struct strbuf html;
    struct err err = {0};
    strbuf_init(&html);
    assert_int_equal(figure_clean("hello", "x", "y", &html, &err), -ERR_BUG);
    strbuf_done(&html);
}

static const cJSON *at(const cJSON *tree, const char *key) {
    const cJSON *child = cJSON_GetObjectItemCaseSensitive(tree, key);
    if (!child)
        fail_msg("no key %s", key);
    return child;
}

static void what_no_run_told_is_null(void **state) {
    (void)state;
    struct arena arena;
    arena_init(&arena);
    struct prediction *p = prediction_of(&arena, 1, true);
    p->cold_start.phase_count = 0;
    cJSON *root = prediction_json(p);
    assert_true(cJSON_IsNull(at(root, "cold_start")));
    assert_null(cJSON_GetObjectItemCaseSensitive(root, "memory_timeline"));
    cJSON_Delete(root);
    arena_done(&arena);
}

static void memory_that_was_seen_stands_beside_what_was_foretold(void **state) {
    (void)state;
    struct arena arena;
    arena_init(&arena);
    struct prediction *p = prediction_of(&arena, 0, true);
    add_memory(&arena, p);
    cJSON *root = prediction_json(p);
    const cJSON *timeline = at(root, "memory_timeline"), *memory = at(root, "memory");
    assert_true(cJSON_IsTrue(at(timeline, "measured")));
    assert_true(at(cJSON_GetArrayItem(at(timeline, "steps"), 1), "allocated_bytes")->valuedouble ==
                6 * MIB);
    const cJSON *peak = at(at(memory, "moments"), "peak");
    assert_true(at(peak, "resident_bytes")->valuedouble == 50 * MIB);
    assert_true(at(peak, "proportional_bytes")->valuedouble == 30 * MIB);
    assert_true(at(at(at(peak, "parts"), "weights"), "resident_bytes")->valuedouble == 20 * MIB);
    assert_true(at(at(memory, "played_through"), "later_error")->valuedouble == 0.03);
    cJSON_Delete(root);
    assert_non_null(strstr(memory_use_sentence(&arena, p), "+20.0 %"));
    struct report_entry entry = {"m", prediction_of(&arena, 0, false), p, true};
    struct report report = {.title = "t",
                            .entries = &entry,
                            .entry_count = 1,
                            .machine = NULL,
                            .generated = "now",
                            .version = "1",
                            .peaks_source = ""};
    struct strbuf html;
    struct err err = {0};
    strbuf_init(&html);
    assert_int_equal(report_html(&arena, &report, &html, &err), 0);
    assert_non_null(strstr(html.text, "As measured: The peak"));
    assert_non_null(strstr(html.text, "libraries and programs"));
    strbuf_done(&html);
    arena_done(&arena);
}

static void a_prediction_has_the_keys_of_the_contract(void **state) {
    (void)state;
    static const char *const totals[] = {"latency_ns",        "cpu_time_ns",
                                         "peak_memory_bytes", "resident_memory_bytes",
                                         "load_time_ns",      "first_run_ns"};
    struct arena arena;
    arena_init(&arena);
    struct prediction *p = prediction_of(&arena, 1, false);
    struct dim_binding dims[] = {
        {"sequence", 128}
    };
    p->conditions.dims = dims;
    p->conditions.dim_count = 1;
    cJSON *root = prediction_json(p);
    assert_true(at(root, "schema")->valuedouble == 1);
    assert_string_equal(at(at(root, "model"), "name")->valuestring, "mobilenet_v2");
    assert_string_equal(at(at(root, "runtime"), "version")->valuestring, "1.30.0");
    assert_true(at(at(at(root, "conditions"), "dims"), "sequence")->valuedouble == 128);
    assert_true(at(at(root, "latency_ns"), "value")->valuedouble == p->latency_ns.value);
    assert_string_equal(at(at(root, "latency_ns"), "tier")->valuestring, "fitted");
    assert_true(at(at(at(root, "peak_memory_bytes"), "upper"), "confidence")->valuedouble == 0.99);
    assert_true(cJSON_IsNull(at(root, "first_run_ns")));
    const cJSON *start = at(root, "cold_start");
    assert_string_equal(at(start, "page_cache")->valuestring, "warm");
    assert_true(at(at(start, "total_ns"), "value")->valuedouble == p->cold_start.total_ns.value);
    const cJSON *phase = cJSON_GetArrayItem(at(start, "phases"), 1);
    assert_string_equal(at(phase, "name")->valuestring, "parse");
    assert_string_equal(at(phase, "how")->valuestring, "20 runs: file_bytes");
    assert_string_equal(at(at(phase, "ns"), "tier")->valuestring, "fitted");
    const cJSON *timeline = at(root, "memory_timeline");
    assert_string_equal(at(at(timeline, "peak"), "owner")->valuestring, "/step1");
    assert_int_equal(cJSON_GetArraySize(at(timeline, "steps")), 3);
    assert_true(at(cJSON_GetArrayItem(at(timeline, "steps"), 1), "held_bytes")->valuedouble ==
                29 * MIB);
    const cJSON *row = cJSON_GetArrayItem(at(root, "operators"), 0);
    assert_string_equal(at(row, "bound")->valuestring, "compute");
    assert_string_equal(at(row, "kernel")->valuestring, "conv.nchwc.pointwise");
    assert_int_equal(cJSON_GetArraySize(at(root, "refused")), 0);
    cJSON_Delete(root);

    struct refused_row why = {"Foo_3", "Foo", "never seen"};
    p->refused = &why;
    p->refused_count = 1;
    root = prediction_json(p);
    for (size_t i = 0; i < sizeof totals / sizeof *totals; i++)
        assert_true(cJSON_IsNull(at(root, totals[i])));
    assert_string_equal(at(cJSON_GetArrayItem(at(root, "refused"), 0), "why")->valuestring,
                        "never seen");
    cJSON_Delete(root);
    arena_done(&arena);
}

static void a_plan_has_its_proof_in_json(void **state) {
    (void)state;
    struct arena arena;
    arena_init(&arena);
    const struct plan *plan = plan_for(&arena, prediction_of(&arena, 1, false));
    cJSON *root = plan_json(plan);
    assert_true(at(root, "replicas")->valuedouble == (double)plan->high.n.replicas);
    assert_string_equal(at(root, "routing")->valuestring, "random");
    assert_string_equal(at(root, "latency_used")->valuestring, "high");
    const cJSON *proof = at(root, "proof");
    assert_true(cJSON_IsTrue(at(at(proof, "n"), "meets")));
    assert_true(cJSON_IsFalse(at(at(proof, "n_minus_1"), "meets")));
    assert_string_equal(at(cJSON_GetArrayItem(at(root, "nodes"), 0), "type")->valuestring, "large");
    assert_true(at(at(root, "response_ns"), "p99")->valuedouble <= 50e6);
    assert_true(at(at(root, "at_value"), "replicas")->valuedouble <=
                at(root, "replicas")->valuedouble);
    cJSON_Delete(root);
    arena_done(&arena);
}

static void a_plan_without_an_answer_says_why_everywhere(void **state) {
    (void)state;
    struct arena arena;
    struct err err = {0};
    arena_init(&arena);
    struct plan plan = *plan_for(&arena, prediction_of(&arena, 1, false));
    plan.latency_ns = (struct estimate){30e6, 20e6, 61e6, TIER_FITTED, ""};
    plan_serve_alone(&arena, &plan, 1, 150e6);
    assert_int_equal(planner_solve(&arena, &plan, NULL, &err), -ERR_FINDING);
    cJSON *root = plan_json(&plan);
    assert_true(cJSON_IsNull(at(root, "replicas")));
    assert_true(cJSON_IsNull(at(root, "proof")));
    assert_non_null(strstr(at(root, "reason")->valuestring, "no number of replicas helps"));
    assert_true(cJSON_IsNumber(at(at(root, "at_value"), "replicas")));
    cJSON_Delete(root);
    assert_non_null(strstr(plan_sentence(&arena, &plan), "no number of replicas helps"));
    struct table table;
    plan_answer_table(&arena, &plan, &table);
    assert_int_equal(table.row_count, 2);
    plan_proof_table(&arena, &plan, &table);
    assert_string_equal(table_cell(&table, 0, 0)->text, "middle");
    arena_done(&arena);
}

static void the_sentence_names_the_routing(void **state) {
    (void)state;
    struct arena arena;
    arena_init(&arena);
    const struct plan *plan = plan_for(&arena, prediction_of(&arena, 1, false));
    assert_string_equal(
        plan_sentence(&arena, plan),
        "200 requests/s with p99 within 50.0 ms need 4 replicas on 1 node (1 x "
        "large), 0.38 USD/h, random routing (one queue per replica, filled at random).");
    arena_done(&arena);
}

static void the_costliest_operators_come_first_and_refused_ones_last(void **state) {
    (void)state;
    struct arena arena;
    struct table table;
    arena_init(&arena);
    struct prediction *p = prediction_of(&arena, 1, false);
    p->operators[0].latency_ns = estimate_refused();
    prediction_operators_table(&arena, p, 5, &table);
    assert_int_equal(table.row_count, 5);
    assert_string_equal(table_cell(&table, 0, 2)->text, "conv.nchwc.pointwise");
    prediction_operators_table(&arena, p, 0, &table);
    assert_int_equal(table.row_count, p->operator_count);
    assert_string_equal(table_cell(&table, table.row_count - 1, 0)->text, p->operators[0].name);
    arena_done(&arena);
}

static void kernel_classes_are_summed(void **state) {
    (void)state;
    struct arena arena;
    uint32_t count;
    arena_init(&arena);
    struct prediction *p = prediction_of(&arena, 0, true);
    p->operators[0].latency_ns = estimate_refused();
    const struct kernel_sum *sums = prediction_kernels(&arena, p, &count);
    assert_int_equal(count, CLASSES);
    assert_string_equal(sums[0].kernel, "conv.nchwc.pointwise");
    assert_int_equal(sums[0].operators, 8);
    for (uint32_t i = 1; i < count; i++)
        assert_true(sums[i].latency_ns <= sums[i - 1].latency_ns);
    arena_done(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_page_is_balanced_and_loads_nothing),
        cmocka_unit_test(every_section_and_picture_is_there),
        cmocka_unit_test(the_same_report_gives_the_same_bytes),
        cmocka_unit_test(without_gnuplot_the_tables_stay),
        cmocka_unit_test(hostile_names_stay_text),
        cmocka_unit_test(little_is_enough_for_a_page),
        cmocka_unit_test(a_failing_script_is_told_with_gnuplots_words),
        cmocka_unit_test(labels_are_shortened_in_the_middle),
        cmocka_unit_test(what_is_no_svg_is_refused),
        cmocka_unit_test(what_no_run_told_is_null),
        cmocka_unit_test(memory_that_was_seen_stands_beside_what_was_foretold),
        cmocka_unit_test(a_prediction_has_the_keys_of_the_contract),
        cmocka_unit_test(a_plan_has_its_proof_in_json),
        cmocka_unit_test(a_plan_without_an_answer_says_why_everywhere),
        cmocka_unit_test(the_sentence_names_the_routing),
        cmocka_unit_test(the_costliest_operators_come_first_and_refused_ones_last),
        cmocka_unit_test(kernel_classes_are_summed),
    };
    return cmocka_run_group_tests_name("report", tests, NULL, NULL);
}
