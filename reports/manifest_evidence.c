/* What stands at the top of every file: what it rests on, and how it is made again. */
#include "reports/manifest_parts.h"

#include "base/units.h"

#include <math.h>

const char manifest_mark[] = "# Written by `assay plan`";

const char *manifest_time(struct arena *arena, double ns) {
    char text[UNIT_TEXT_SIZE];
    return arena_strdup(arena, unit_format(text, ns, UNIT_NS));
}

const char *manifest_bytes(struct arena *arena, double bytes) {
    char text[UNIT_TEXT_SIZE];
    return arena_strdup(arena, unit_format(text, bytes, UNIT_BYTES));
}

static const char *estimate_text(struct arena *arena, const struct estimate *estimate,
                                 enum unit unit) {
    char value[UNIT_TEXT_SIZE], low[UNIT_TEXT_SIZE], high[UNIT_TEXT_SIZE];
    const char *evidence = estimate->evidence ? estimate->evidence : "";
    if (estimate->tier == TIER_REFUSED)
        return "not known";
    unit_format(value, estimate->value, unit);
    unit_format(low, estimate->low, unit);
    unit_format(high, estimate->high, unit);
    return arena_printf(arena, "%s (90 %% interval %s to %s), %s%s%s", value, low, high,
                        tier_name(estimate->tier), *evidence ? ", " : "", evidence);
}

static void put_proof(struct manifest_page *page, const char *name,
                      const struct manifest_proof *proof) {
    if (proof->replicas == 0)
        return;
    yaml_comment(&page->yaml, "%s: with %llu, p%.10g is %s (%s %s), utilisation %.3g %%", name,
                 (unsigned long long)proof->replicas, proof->percentile,
                 isfinite(proof->response_ns) ? manifest_time(page->arena, proof->response_ns)
                                              : "without end",
                 proof->meets ? "within" : "beyond", manifest_time(page->arena, proof->target_ns),
                 proof->utilisation * 100);
}

static void put_nodes(struct manifest_page *page) {
    const struct manifest_input *input = page->input;
    char price[UNIT_TEXT_SIZE];
    for (uint32_t i = 0; i < input->node_count; i++)
        yaml_comment(&page->yaml, "Nodes: %llu x %s", (unsigned long long)input->nodes[i].count,
                     input->nodes[i].name);
    if (input->node_count && !isnan(input->usd_per_hour))
        yaml_comment(&page->yaml, "Price: %s, %s%s%s",
                     unit_format(price, input->usd_per_hour, UNIT_USD_PER_HOUR),
                     input->price_source ? input->price_source : "as given",
                     input->price_date ? ", " : "", input->price_date ? input->price_date : "");
}

static void put_load(struct manifest_page *page) {
    const struct manifest_input *input = page->input;
    struct strbuf text;
    strbuf_init(&text);
    for (uint32_t i = 0; i < input->target_count; i++)
        strbuf_printf(&text, "%sp%.10g within %s", i ? ", " : "", input->targets[i].percentile,
                      manifest_time(page->arena, input->targets[i].target_ns));
    yaml_comment(&page->yaml, "Load: %.10g requests/s, %s, %s routing", input->rate_per_second,
                 text.text, input->routing);
    strbuf_done(&text);
}

void manifest_evidence(struct manifest_page *page) {
    struct yaml_writer *yaml = &page->yaml;
    const struct manifest_input *input = page->input;
    strbuf_printf(yaml->out, "%s and overwritten by it. The same files again:\n", manifest_mark);
    yaml_comment(yaml, "  %s", page->settings->command);
    yaml_comment(yaml, "Model: %s, sha256 %s", input->model, input->model_sha256);
    yaml_comment(yaml, "Machine: %s, fingerprint %s", input->machine, input->machine_fingerprint);
    yaml_comment(yaml, "Runtime: %s, %u threads, batch %s", input->runtime, input->threads,
                 input->batch ? arena_printf(page->arena, "%lld", (long long)input->batch)
                              : "as the file has it");
    yaml_comment(yaml, "Latency: %s", estimate_text(page->arena, &input->latency_ns, UNIT_NS));
    yaml_comment(yaml, "Peak memory: %s",
                 estimate_text(page->arena, &input->peak_memory_bytes, UNIT_BYTES));
    yaml_comment(yaml, "Cold start: %s",
                 estimate_text(page->arena, &input->cold_start_ns, UNIT_NS));
    put_load(page);
    put_proof(page, "Replicas", &input->n);
    put_proof(page, "One fewer", &input->less);
    put_nodes(page);
}
