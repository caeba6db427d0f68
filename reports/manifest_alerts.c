/* What Prometheus should say of a plan that no longer holds. The metrics assay_* are those of
 * `assay serve`; the histogram is the model server's own. */
#include "reports/manifest_parts.h"

#include "base/units.h"

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
    struct alert stale = {"AssayAnswersStale",
                          arena_printf(arena, "assay_answer_stale{model=%s} == 1", model), "5m",
                          "Replicas are answered from what was known last."};
    struct alert above = {"AssayDesiredAbovePlan",
                          arena_printf(arena, "assay_desired_replicas{model=%s} > %llu", model,
                                       (unsigned long long)page->input->replicas),
                          "5m", "{{ $value }} replicas are wanted, more than were planned."};
    put_alert(page, &missing);
    put_alert(page, &stale);
    put_alert(page, &above);
}

/* A percentile of the model server's response time is above a limit. */
static const char *slower_than(struct manifest_page *page, double percentile, double limit_ns) {
    char seconds[UNIT_TEXT_SIZE];
    return arena_printf(page->arena,
                        "histogram_quantile(%.10g, sum by (le) "
                        "(rate(http_request_duration_seconds_bucket{service=%s}[5m]))) > %s",
                        percentile / 100, promql_text(page->arena, page->settings->app),
                        unit_exact(seconds, limit_ns / 1e9));
}

static void put_latency_alerts(struct manifest_page *page) {
    const struct manifest_input *input = page->input;
    yaml_comment(&page->yaml, "The histogram is your server's: put its name here.");
    for (uint32_t i = 0; i < input->target_count; i++) {
        const struct slo *target = &input->targets[i];
        struct alert slow = {"AssayLatencyAboveTarget",
                             slower_than(page, target->percentile, target->target_ns), "5m",
                             "The response target is missed: {{ $value | humanizeDuration }}."};
        put_alert(page, &slow);
    }
    /* Hardly any of the fastest have waited for another request. */
    struct alert wrong = {
        "AssayPredictionError", slower_than(page, 5, input->latency_ns.high), "15m",
        "Even the fastest take {{ $value | humanizeDuration }}: profile again and plan anew."};
    yaml_comment(&page->yaml, "The predicted interval ends at %s.",
                 manifest_time(page->arena, input->latency_ns.high));
    put_alert(page, &wrong);
}

static void put_groups(struct manifest_page *page) {
    struct yaml_writer *yaml = &page->yaml;
    const char *model = promql_text(page->arena, page->input->model);
    yaml_list(yaml, "groups");
    yaml_item(yaml);
    yaml_text(yaml, "name", arena_printf(page->arena, "assay-%s", page->settings->app));
    yaml_list(yaml, "rules");
    if (page->settings->autoscaler != AUTOSCALER_NONE)
        put_answer_alerts(page, model);
    put_latency_alerts(page);
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
