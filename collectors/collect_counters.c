#include "collectors/collect.h"

#include <math.h>
#include <string.h>

/* ---- what is to be counted ------------------------------------------------------------------ */

static int add_event(struct collect *collect, const char *name, struct err *err) {
    for (uint32_t i = 0; i < collect->event_count; i++)
        if (strcmp(collect->names[i], name) == 0)
            return 0;
    if (collect->event_count == METRIC_EVENTS_MAX)
        return err_set(err, ERR_USAGE, "more than %d events", METRIC_EVENTS_MAX);
    collect->events[collect->event_count] = (struct collected_event){name, NAN, NAN, NULL};
    collect->names[collect->event_count++] = name;
    return 0;
}

static int add_group(struct collect *collect, const char *name, struct err *err) {
    const char **pmus;
    uint32_t pmu_count;
    struct group *group;
    if (collect->group_count == COLLECT_GROUPS_MAX)
        return err_set(err, ERR_USAGE, "more than %d groups", COLLECT_GROUPS_MAX);
    struct group_choice *choice = &collect->groups[collect->group_count];
    counters_pmus(collect->arena, &pmus, &pmu_count);
    if (group_load(collect->arena, name, group_builtins, &group, err) ||
        group_choose(collect->arena, group, pmus, pmu_count, choice, err))
        return -(int)err->code;
    collect->group_count++;
    int code = 0;
    for (uint32_t i = 0; !code && i < choice->section->count_count; i++)
        code = add_event(collect, choice->events[i], err);
    return code;
}

/* Without --split everything is opened at once and takes turns where it must. */
static void make_sets(struct collect *collect) {
    if (collect->options->split) {
        collect->set_count = counters_sets(collect->names, collect->event_count, collect->sets);
        return;
    }
    for (uint32_t first = 0; first < collect->event_count; first += METRIC_COUNTER_MAX) {
        uint32_t left = collect->event_count - first;
        collect->sets[collect->set_count++] =
            (struct counter_set){first, left < METRIC_COUNTER_MAX ? left : METRIC_COUNTER_MAX};
    }
}

int collect_counters_plan(struct collect *collect, struct err *err) {
    const struct collect_options *options = collect->options;
    const char *const *names;
    const char *groups = options->groups ? options->groups : options->events ? NULL : "default";
    uint32_t count;
    int code = 0;
    if (groups) {
        code = counters_parse(collect->arena, groups, &names, &count, err);
        for (uint32_t i = 0; !code && i < count; i++)
            code = add_group(collect, names[i], err);
    }
    if (!code && options->events) {
        code = counters_parse(collect->arena, options->events, &names, &count, err);
        for (uint32_t i = 0; !code && i < count; i++)
            code = add_event(collect, names[i], err);
    }
    make_sets(collect);
    return code;
}

/* ---- counting ------------------------------------------------------------------------------- */

static bool in_this_run(const struct collect *collect, uint32_t set) {
    return !collect->options->split || set == collect->runs;
}

int collect_counters_attach(struct collect *collect, int child, struct err *err) {
    int code = 0;
    for (uint32_t s = 0; !code && s < collect->set_count; s++)
        if (in_this_run(collect, s))
            code = counters_open_thread(&collect->counters[s], COUNTERS_COMMAND, child,
                                        collect->names + collect->sets[s].first,
                                        collect->sets[s].count, err);
    return code;
}

static void finish_set(struct collect *collect, uint32_t set) {
    struct counters *counters = &collect->counters[set];
    const struct counters_reading before = {0};
    struct counters_reading after;
    double values[METRIC_COUNTER_MAX], shares[METRIC_COUNTER_MAX];
    struct collected_event *events = collect->events + collect->sets[set].first;
    counters_read(counters, &after);
    counters_difference(counters, &before, &after, values);
    counters_running(counters, &before, &after, shares);
    for (uint32_t i = 0; i < collect->sets[set].count; i++) {
        events[i].value = values[i];
        events[i].running = shares[i];
        for (uint32_t m = 0; m < counters->missing_count; m++)
            if (strcmp(counters->missing[m].name, events[i].name) == 0)
                events[i].reason = arena_strdup(collect->arena, counters->missing[m].reason);
    }
    collect->user_only |= counters->user_only;
    counters_close(counters);
}

void collect_counters_finish(struct collect *collect) {
    for (uint32_t s = 0; s < collect->set_count; s++)
        if (in_this_run(collect, s))
            finish_set(collect, s);
}

/* ---- printing ------------------------------------------------------------------------------- */

static double metric_value(const struct collect *collect, const struct group_choice *choice,
                           const struct group_metric *metric) {
    const struct child_end *end = &collect->end;
    double values[GROUP_VARIABLES_MAX] = {
        [GROUP_WALL_NS] = (double)end->wall_ns,
        [GROUP_CPU_NS] = (double)(end->user_ns + end->system_ns),
        [GROUP_FLOPS] = NAN, /* of a program nobody knows them */
        [GROUP_BYTES] = NAN,
    };
    for (uint32_t i = 0; i < choice->section->count_count; i++)
        for (uint32_t e = 0; e < collect->event_count; e++)
            if (strcmp(collect->names[e], choice->events[i]) == 0)
                values[GROUP_KNOWN_COUNT + i] = collect->events[e].value;
    return group_metric_value(metric, values);
}

void collect_counters_text(const struct collect *collect, FILE *out) {
    char text[UNIT_TEXT_SIZE];
    for (uint32_t i = 0; i < collect->event_count; i++) {
        const struct collected_event *event = &collect->events[i];
        if (event->reason)
            fprintf(out, "%20s  %s: %s\n", "-", event->name, event->reason);
        else if (event->running < 1)
            fprintf(out, "%20.0f  %s, scaled: counted %.1f %% of the time\n", event->value,
                    event->name, 100 * event->running);
        else
            fprintf(out, "%20.0f  %s\n", event->value, event->name);
    }
    for (uint32_t g = 0; g < collect->group_count; g++) {
        const struct group_section *section = collect->groups[g].section;
        for (uint32_t m = 0; m < section->metric_count; m++) {
            double value = metric_value(collect, &collect->groups[g], &section->metrics[m]);
            if (!isnan(value))
                fprintf(out, "%20s  %s\n", unit_format(text, value, section->metrics[m].unit),
                        section->metrics[m].id);
        }
    }
    if (collect->user_only)
        fprintf(out, "counted in user space only; root, or kernel.perf_event_paranoid at 1 or "
                     "less, would show the kernel's side too\n");
}

static void event_json(const struct collected_event *event, FILE *out) {
    fputs("{\"event\":", out);
    print_json_text(out, event->name);
    fputs(",\"value\":", out);
    print_json_number(out, event->value);
    fputs(",\"running\":", out);
    print_json_number(out, event->running);
    if (event->reason) {
        fputs(",\"reason\":", out);
        print_json_text(out, event->reason);
    }
    fputc('}', out);
}

static void metric_json(const struct group_choice *choice, const struct group_metric *metric,
                        double value, FILE *out) {
    const char *unit = unit_name(metric->unit);
    fputs("{\"group\":", out);
    print_json_text(out, choice->group->name);
    fputs(",\"name\":", out);
    print_json_text(out, metric->id);
    fputs(",\"unit\":", out);
    print_json_text(out, *unit ? unit : "1");
    fputs(",\"value\":", out);
    print_json_number(out, value);
    fputc('}', out);
}

void collect_counters_json(const struct collect *collect, FILE *out) {
    fputs(",\"counters\":[", out);
    for (uint32_t i = 0; i < collect->event_count; i++) {
        fputs(i ? "," : "", out);
        event_json(&collect->events[i], out);
    }
    fprintf(out, "],\"user_only\":%s,\"metrics\":[", collect->user_only ? "true" : "false");
    const char *between = "";
    for (uint32_t g = 0; g < collect->group_count; g++) {
        const struct group_choice *choice = &collect->groups[g];
        for (uint32_t m = 0; m < choice->section->metric_count; m++) {
            const struct group_metric *metric = &choice->section->metrics[m];
            fputs(between, out);
            between = ",";
            metric_json(choice, metric, metric_value(collect, choice, metric), out);
        }
    }
    fputc(']', out);
}
