/* What Prometheus should say of a plan that no longer holds. The metrics assay_* are those of
 * `assay serve`; the histogram is the model server's own. */
#include "reports/manifest_parts.h"

#include "base/units.h"

#include <math.h>
#include <stdio.h>

struct alert {
    const char *name, *expression, *duration, *summary;
};

/* A text in PromQL, quoted as in Go; control characters stand there as \xNN. */
static const char *promql_text(struct arena *arena, const char *text) {
    struct strbuf buf;
    strbuf_init(&buf);
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\')
            strbuf_printf(&buf, "\\%c", c);
        else if (c < 0x20 || c == 0x7f)
            strbuf_printf(&buf, "\\x%02x", c);
        else
            strbuf_add(&buf, text, 1);
    }
    const char *copy = arena_printf(arena, "\"%s\"", buf.text);
    strbuf_done(&buf);
    return copy;
}

static void put_alert(struct manifest_page *page, const struct alert *alert) {
    struct yaml_writer *yaml = &page->yaml;
    yaml_item(yaml);
    yaml_text(yaml, "alert", alert->name);
    yaml_text(yaml, "expr", alert->expression);
    yaml_text(yaml, "for", alert->duration);
    yaml_map(yaml, "labels");
    yaml_text(yaml, "severity", "warning");
    yaml_text(yaml, "app", page->settings->app);
    yaml_end(yaml);
    yaml_map(yaml, "annotations");
    yaml_text(yaml, "summary", alert->summary);
    yaml_end(yaml);
    yaml_end(yaml);
}

static void put_answer_alerts(struct manifest_page *page, const char *model) {
    struct arena *arena = page->arena;
    struct alert missing = {"AssayAnswersMissing",
                            arena_printf(arena, "absent(assay_desired_replicas{model=%s})", model),
                            "2m", "Nobody answers how many replicas should run."};
    struct alert stale = {
        "AssayAnswersStale",
        arena_printf(arena, "assay_prediction_age_seconds{model=%s} > 300", model), "2m",
        "Replicas are answered from what was known {{ $value | humanizeDuration }} ago."};
    struct alert above = {"AssayDesiredAbovePlan",
                          arena_printf(arena, "assay_desired_replicas{model=%s} > %llu", model,
                                       (unsigned long long)page->input->replicas),
                          "5m", "{{ $value }} replicas are wanted, more than were planned."};
    put_alert(page, &missing);
    put_alert(page, &stale);
    put_alert(page, &above);
}

/* An error that the prediction's own interval does not cover; never less than 10 %. */
static void put_error_alert(struct manifest_page *page, const char *model) {
    const struct estimate *latency = &page->input->latency_ns;
    double ratio = fmax((latency->high - latency->value) / latency->value, 0.1);
    struct alert wrong = {
        "AssayPredictionError",
        arena_printf(page->arena, "assay_prediction_error_ratio{model=%s} > %.3g", model, ratio),
        "15m",
        "Measured latency left the predicted interval: profile the model again and plan anew."};
    yaml_comment(&page->yaml, "The interval reaches %.3g %% above the predicted %s.", ratio * 100,
                 manifest_time(page->arena, latency->value));
    put_alert(page, &wrong);
}

static void put_latency_alert(struct manifest_page *page, const struct slo *target) {
    struct arena *arena = page->arena;
    char seconds[UNIT_TEXT_SIZE], quantile[UNIT_TEXT_SIZE];
    snprintf(quantile, sizeof quantile, "%.10g", target->percentile / 100);
    struct alert slow = {
        "AssayLatencyAboveTarget",
        arena_printf(arena,
                     "histogram_quantile(%s, sum by (le) "
                     "(rate(http_request_duration_seconds_bucket{service=%s}[5m]))) > %s",
                     quantile, promql_text(arena, page->settings->app),
                     unit_exact(seconds, target->target_ns / 1e9)),
        "5m", "The response target is missed: {{ $value | humanizeDuration }}."};
    yaml_comment(&page->yaml, "The histogram's name is your server's affair.");
    put_alert(page, &slow);
}

static void put_groups(struct manifest_page *page) {
    struct yaml_writer *yaml = &page->yaml;
    const char *model = promql_text(page->arena, page->input->model);
    yaml_list(yaml, "groups");
    yaml_item(yaml);
    yaml_text(yaml, "name", arena_printf(page->arena, "assay-%s", page->settings->app));
    yaml_list(yaml, "rules");
    put_answer_alerts(page, model);
    put_error_alert(page, model);
    for (uint32_t i = 0; i < page->input->target_count; i++)
        put_latency_alert(page, &page->input->targets[i]);
    for (int i = 0; i < 3; i++)
        yaml_end(yaml);
}

void manifest_rule_object(struct manifest_page *page) {
    manifest_begin(page, "monitoring.coreos.com/v1", "PrometheusRule");
    yaml_map(&page->yaml, "spec");
    put_groups(page);
    yaml_end(&page->yaml);
}

void manifest_rule_file(struct manifest_page *page) {
    put_groups(page);
}
