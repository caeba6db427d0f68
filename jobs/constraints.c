#include "jobs/constraints.h"

#include "base/strbuf.h"
#include "base/suggest.h"
#include "base/units.h"
#include "base/yaml.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CONSTRAINTS_MAX = 1000, TEXT_MAX = 65536 };

struct reading {
    struct arena *arena;
    struct constraint *items;
    uint32_t count, capacity;
    struct objective *objectives;
    uint32_t objective_count, objective_capacity;
    struct strbuf note;
};

static int add_constraint(struct reading *reading, const struct constraint *constraint,
                          struct err *err) {
    if (reading->count == CONSTRAINTS_MAX)
        return err_set(err, ERR_INPUT, "more than %d constraints", CONSTRAINTS_MAX);
    *ARENA_PUSH(reading->arena, reading->items, reading->count, reading->capacity) = *constraint;
    return 0;
}

static void finish(struct reading *reading, struct constraints *constraints) {
    *constraints = (struct constraints){reading->items, reading->count, reading->objectives,
                                        reading->objective_count, NULL};
    if (reading->note.length)
        constraints->note =
            arena_printf(reading->arena, "not used, it is about profiling: %s", reading->note.text);
    strbuf_done(&reading->note);
}

/* ---- tags of Triton Model Analyzer ----------------------------------------------------------- */

#define MS      1e6 /* ns */
#define MB      1e6 /* bytes */
#define PERCENT 0.01

struct tag {
    const char *name;
    enum constraint_metric metric;
    double percentile;
    double unit; /* of its values, in that of the metric */
};

static const struct tag tags[] = {
    {"perf_latency_avg",           METRIC_LATENCY,           CONSTRAINT_MEAN, MS     },
    {"perf_latency_p90",           METRIC_LATENCY,           90,              MS     },
    {"perf_latency_p95",           METRIC_LATENCY,           95,              MS     },
    {"perf_latency_p99",           METRIC_LATENCY,           99,              MS     },
    {"perf_latency",               METRIC_LATENCY,           99,              MS     }, /* what it was called before 1.4 */
    {"perf_throughput",            METRIC_THROUGHPUT,        CONSTRAINT_MEAN, 1      },
    {"perf_client_response_wait",  METRIC_LATENCY,           CONSTRAINT_MEAN, MS     },
    {"perf_client_send_recv",      METRIC_TRANSFER,          CONSTRAINT_MEAN, MS     },
    {"perf_server_queue",          METRIC_QUEUE,             CONSTRAINT_MEAN, MS     },
    {"perf_server_compute_input",  METRIC_TRANSFER,          CONSTRAINT_MEAN, MS     },
    {"perf_server_compute_infer",  METRIC_COMPUTE,           CONSTRAINT_MEAN, MS     },
    {"perf_server_compute_output", METRIC_TRANSFER,          CONSTRAINT_MEAN, MS     },
    {"gpu_used_memory",            METRIC_GPU_MEMORY,        CONSTRAINT_MEAN, MB     },
    {"gpu_free_memory",            METRIC_GPU_MEMORY_FREE,   CONSTRAINT_MEAN, MB     },
    {"gpu_utilization",            METRIC_GPU_UTILISATION,   CONSTRAINT_MEAN, PERCENT},
    {"gpu_power_usage",            METRIC_GPU_POWER,         CONSTRAINT_MEAN, 1      },
    {"cpu_used_ram",               METRIC_MEMORY,            CONSTRAINT_MEAN, MB     },
    {"cpu_available_ram",          METRIC_MEMORY_FREE,       CONSTRAINT_MEAN, MB     },
    {"cpu_free_ram",               METRIC_MEMORY_FREE,       CONSTRAINT_MEAN, MB     },
    {"output_token_throughput",    METRIC_TOKENS_PER_SECOND, CONSTRAINT_MEAN, 1      },
    {"inter_token_latency_avg",    METRIC_INTER_TOKEN,       CONSTRAINT_MEAN, MS     },
    {"inter_token_latency_p90",    METRIC_INTER_TOKEN,       90,              MS     },
    {"inter_token_latency_p95",    METRIC_INTER_TOKEN,       95,              MS     },
    {"inter_token_latency_p99",    METRIC_INTER_TOKEN,       99,              MS     },
    {"time_to_first_token_avg",    METRIC_TIME_TO_FIRST,     CONSTRAINT_MEAN, MS     },
    {"time_to_first_token_p90",    METRIC_TIME_TO_FIRST,     90,              MS     },
    {"time_to_first_token_p95",    METRIC_TIME_TO_FIRST,     95,              MS     },
    {"time_to_first_token_p99",    METRIC_TIME_TO_FIRST,     99,              MS     },
};

enum { TAG_COUNT = sizeof tags / sizeof *tags };

static const struct tag *tag_by_name(const char *name) {
    for (size_t i = 0; i < TAG_COUNT; i++)
        if (strcmp(tags[i].name, name) == 0)
            return &tags[i];
    return NULL;
}

static int refuse_tag(const struct yaml *yaml, const struct yaml_node *node, const char *name,
                      struct err *err) {
    struct suggestion near = suggestion_for(name);
    for (size_t i = 0; i < TAG_COUNT; i++)
        suggestion_offer(&near, tags[i].name);
    yaml_error(yaml, node, err, "\"%.60s\" is no metric that is known", name);
    if (near.nearest)
        return err_hint(err, "did you mean \"%s\"?", near.nearest);
    return err_hint(err, "known are perf_latency_{avg,p90,p95,p99}, perf_throughput, "
                         "perf_server_{queue,compute_infer}, gpu_{used,free}_memory, "
                         "gpu_utilization, cpu_{used,available}_ram and the rest of Triton Model "
                         "Analyzer's");
}

static const char *place_of(struct arena *arena, const struct yaml *yaml,
                            const struct yaml_node *node) {
    return arena_printf(arena, "%s:%u:%u", yaml->name, node->line, node->column);
}

/* One side of a tag. */
static int add_side(struct reading *reading, const struct yaml *yaml, const struct yaml_node *side,
                    const struct tag *tag, const char *written, bool is_max, struct err *err) {
    if (side->kind != YAML_NUMBER || !(side->number >= 0 && side->number <= 1e15))
        return yaml_error(yaml, side, err, "%s: expected a number from 0 on", written);
    return add_constraint(
        reading,
        &(struct constraint){.metric = tag->metric,
                             .percentile = tag->percentile,
                             .is_max = is_max,
                             .value = side->number * tag->unit,
                             .text = arena_printf(reading->arena, "%s: %s", written, side->text),
                             .source = place_of(reading->arena, yaml, side)},
        err);
}

static int read_tag(struct reading *reading, const struct yaml *yaml, const struct yaml_node *node,
                    struct err *err) {
    static const char *const sides[] = {"min", "max", NULL};
    const struct tag *tag = tag_by_name(node->key);
    if (!tag)
        return refuse_tag(yaml, node, node->key, err);
    if (yaml_only(yaml, node, sides, err))
        return err_hint(err, "a constraint looks like perf_latency_p99: {max: 100}");
    for (uint32_t i = 0; i < node->count; i++) {
        const struct yaml_node *side = &node->items[i];
        const char *written = arena_printf(reading->arena, "%s.%s", node->key, side->key);
        if (side->kind != YAML_NULL &&
            add_side(reading, yaml, side, tag, written, strcmp(side->key, "max") == 0, err))
            return -(int)err->code;
    }
    return 0;
}

static int read_tags(struct reading *reading, const struct yaml *yaml, const struct yaml_node *map,
                     struct err *err) {
    if (map->kind != YAML_MAP)
        return yaml_error(yaml, map, err, "constraints: expected a mapping of metrics, found %s",
                          yaml_kind_name(map->kind));
    for (uint32_t i = 0; i < map->count; i++)
        if (read_tag(reading, yaml, &map->items[i], err))
            return -(int)err->code;
    return 0;
}

static int add_objective(struct reading *reading, const struct yaml *yaml,
                         const struct yaml_node *node, const char *name, double weight,
                         struct err *err) {
    const struct tag *tag = tag_by_name(name);
    if (!tag)
        return refuse_tag(yaml, node, name, err);
    *ARENA_PUSH(reading->arena, reading->objectives, reading->objective_count,
                reading->objective_capacity) = (struct objective){
        tag->metric, tag->percentile, constraint_metric_info(tag->metric)->more_is_better, weight,
        arena_strdup(reading->arena, name)};
    return 0;
}

/* "perf_throughput", a list of such, or a mapping to weights. */
static int read_objectives(struct reading *reading, const struct yaml *yaml,
                           const struct yaml_node *node, struct err *err) {
    if (node->kind == YAML_TEXT)
        return add_objective(reading, yaml, node, node->text, 1, err);
    if (node->kind != YAML_LIST && node->kind != YAML_MAP)
        return yaml_error(yaml, node, err, "objectives: expected metrics, found %s",
                          yaml_kind_name(node->kind));
    for (uint32_t i = 0; i < node->count; i++) {
        const struct yaml_node *item = &node->items[i];
        bool weighted = node->kind == YAML_MAP;
        if (weighted ? item->kind != YAML_NUMBER || !(item->number >= 0 && item->number <= 1e9)
                     : item->kind != YAML_TEXT)
            return yaml_error(yaml, item, err, "objectives: expected %s",
                              weighted ? "a weight from 0 on" : "the name of a metric");
        if (add_objective(reading, yaml, item, weighted ? item->key : item->text,
                          weighted ? item->number : 1, err))
            return -(int)err->code;
    }
    return 0;
}

/* ---- a file of Triton Model Analyzer --------------------------------------------------------- */

/* Its keys that say how to profile, where to write and how to report. */
static const char *const profiling_keys[] = {
    "model_repository",
    "profile_models",
    "checkpoint_directory",
    "output_model_repository_path",
    "override_output_model_repository",
    "export_path",
    "concurrency",
    "batch_sizes",
    "request_rate",
    "client_max_retries",
    "duration_seconds",
    "monitoring_interval",
    "collect_cpu_metrics",
    "gpu_output_fields",
    "client_protocol",
    "perf_analyzer_path",
    "perf_analyzer_timeout",
    "perf_analyzer_cpu_util",
    "perf_output",
    "perf_output_path",
    "perf_analyzer_max_auto_adjusts",
    "perf_analyzer_flags",
    "reload_model_disable",
    "triton_docker_image",
    "triton_http_endpoint",
    "triton_install_path",
    "triton_grpc_endpoint",
    "triton_metrics_url",
    "triton_server_path",
    "triton_output_path",
    "triton_docker_mounts",
    "triton_docker_shm_size",
    "triton_launch_mode",
    "triton_server_flags",
    "triton_server_environment",
    "triton_docker_labels",
    "triton_docker_args",
    "gpus",
    "run_config_search_mode",
    "run_config_search_min_concurrency",
    "run_config_search_max_concurrency",
    "run_config_search_min_request_rate",
    "run_config_search_max_request_rate",
    "run_config_search_min_model_batch_size",
    "run_config_search_max_model_batch_size",
    "run_config_search_min_instance_count",
    "run_config_search_max_instance_count",
    "run_config_search_max_binary_search_steps",
    "run_config_search_disable",
    "run_config_profile_models_concurrently_enable",
    "request_rate_search_enable",
    "concurrency_sweep_disable",
    "skip_summary_reports",
    "skip_detailed_reports",
    "num_configs_per_model",
    "num_top_model_configs",
    "filename_model_inference",
    "filename_model_gpu",
    "filename_server_only",
    "inference_output_fields",
    "server_output_fields",
    "config_file",
    "weighting",
    "report_model_configs",
    "plots",
    "summary",
    "log_level",
    "verbose",
    "quiet",
    "always_report_gpu_metrics",
    "model_type",
    "bls_composing_models",
    "cpu_only_composing_models",
    "ensemble_composing_models",
    "cpu_only",
    "parameters",
    "model_config_parameters",
    "genai_perf_flags",
    "genai_perf_path",
    "optuna_search",
    "early_exit_enable",
    "batch_size_search_disable",
    "min_percentage_of_search_space",
    "max_percentage_of_search_space",
    "optuna_min_percentage_of_search_space",
    "optuna_max_percentage_of_search_space",
    "optuna_min_trials",
    "optuna_max_trials",
    "optuna_early_exit_threshold",
    "use_concurrency_formula",
};

static const char *const own_keys[] = {"constraints", "objectives", "latency_budget",
                                       "min_throughput"};

enum {
    PROFILING_KEYS = sizeof profiling_keys / sizeof *profiling_keys,
    OWN_KEYS = sizeof own_keys / sizeof *own_keys,
};

static bool is_among(const char *key, const char *const *keys, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (strcmp(key, keys[i]) == 0)
            return true;
    return false;
}

static int check_key(struct reading *reading, const struct yaml *yaml, const struct yaml_node *node,
                     struct err *err) {
    if (is_among(node->key, own_keys, OWN_KEYS) || strcmp(node->key, "profile_models") == 0)
        return 0;
    if (is_among(node->key, profiling_keys, PROFILING_KEYS)) {
        strbuf_printf(&reading->note, "%s%s", reading->note.length ? ", " : "", node->key);
        return 0;
    }
    /* A tag that stands outside of constraints is the likeliest mistake. */
    if (tag_by_name(node->key)) {
        yaml_error(yaml, node, err, "\"%.60s\" belongs under constraints:", node->key);
        return err_hint(err, "for example constraints: {perf_latency_p99: {max: 100}}");
    }
    struct suggestion near = suggestion_for(node->key);
    for (size_t i = 0; i < OWN_KEYS; i++)
        suggestion_offer(&near, own_keys[i]);
    for (size_t i = 0; i < PROFILING_KEYS; i++)
        suggestion_offer(&near, profiling_keys[i]);
    yaml_error(yaml, node, err, "\"%.60s\" is no key that is known here", node->key);
    if (near.nearest)
        return err_hint(err, "did you mean \"%s\"?", near.nearest);
    return err_hint(err, "known are constraints, objectives, latency_budget, min_throughput and "
                         "Triton Model Analyzer's keys for profiling");
}

static int read_shorthand(struct reading *reading, const struct yaml *yaml,
                          const struct yaml_node *map, const char *key, const char *tag,
                          bool is_max, struct err *err) {
    const struct yaml_node *node = yaml_find(map, key);
    return node ? add_side(reading, yaml, node, tag_by_name(tag), key, is_max, err) : 0;
}

/* What the top and a model may both say. A model's own constraints and objectives take the place of
 * those of all models. */
static int read_level(struct reading *reading, const struct yaml *yaml, const struct yaml_node *map,
                      const struct yaml_node *inner, struct err *err) {
    const struct yaml_node *limits = yaml_find(map, "constraints");
    const struct yaml_node *aims = yaml_find(map, "objectives");
    if (map->kind != YAML_MAP)
        return yaml_error(yaml, map, err, "expected a mapping, found %s",
                          yaml_kind_name(map->kind));
    for (uint32_t i = 0; i < map->count; i++)
        if (check_key(reading, yaml, &map->items[i], err))
            return -(int)err->code;
    if (limits && !(inner && yaml_find(inner, "constraints")) &&
        read_tags(reading, yaml, limits, err))
        return -(int)err->code;
    if (aims && !(inner && yaml_find(inner, "objectives")) &&
        read_objectives(reading, yaml, aims, err))
        return -(int)err->code;
    if (read_shorthand(reading, yaml, map, "latency_budget", "perf_latency_p99", true, err) ||
        read_shorthand(reading, yaml, map, "min_throughput", "perf_throughput", false, err))
        return -(int)err->code;
    return 0;
}

static bool is_model(const struct yaml_node *entry, const char *model) {
    return !model || strcmp(entry->key, model) == 0;
}

/* The mapping below profile_models that is meant, if there is one: profile_models is names alone, a
 * mapping of names, or a list of names and mappings. */
static int find_model(const struct yaml *yaml, const char *model, const struct yaml_node **found,
                      struct err *err) {
    const struct yaml_node *models = yaml_find(yaml->root, "profile_models");
    uint32_t count = 0;
    *found = NULL;
    for (uint32_t i = 0; models && i < models->count; i++) {
        const struct yaml_node *entry = &models->items[i];
        if (models->kind == YAML_LIST && entry->kind == YAML_MAP && entry->count == 1)
            entry = &entry->items[0];
        if (!entry->key || entry->kind != YAML_MAP || !is_model(entry, model))
            continue;
        *found = entry;
        count++;
    }
    if (count > 1) {
        yaml_error(yaml, models, err, "constraints of %u models: which is meant?", count);
        return err_hint(err, "keep the model that is planned, or name the model's file like it");
    }
    return 0;
}

static int read_file(struct reading *reading, const struct yaml *yaml, const char *model,
                     struct err *err) {
    const struct yaml_node *inner = NULL;
    if (find_model(yaml, model, &inner, err) || read_level(reading, yaml, yaml->root, inner, err) ||
        (inner && read_level(reading, yaml, inner, NULL, err)))
        return -(int)err->code;
    if (reading->count == 0 && reading->objective_count == 0)
        return yaml_error(yaml, yaml->root, err, "no constraint and no objective");
    return 0;
}

int constraints_parse_yaml(struct arena *arena, const char *text, size_t size, const char *name,
                           const char *model, struct constraints *constraints, struct err *err) {
    struct reading reading = {.arena = arena};
    struct yaml yaml;
    strbuf_init(&reading.note);
    int rc = yaml_parse(arena, text, size, name, &yaml, err);
    if (!rc)
        rc = read_file(&reading, &yaml, model, err);
    finish(&reading, constraints);
    return rc;
}

/* ---- metric:statistic<value ------------------------------------------------------------------ */

static int parse_ns(const char *text, double *value, struct err *err) {
    uint64_t ns = 0;
    int rc = unit_parse_duration(text, &ns, err);
    *value = (double)ns;
    return rc;
}

/* "0.7" or "70%" */
static int parse_share(const char *text, double *value, struct err *err) {
    char number[UNIT_TEXT_SIZE];
    size_t length = strlen(text);
    bool percent = length > 1 && length < sizeof number && text[length - 1] == '%';
    memcpy(number, text, length < sizeof number ? length + 1 : 1);
    if (percent)
        number[length - 1] = 0;
    int rc = unit_parse_number(percent ? number : text, value, err);
    *value *= percent ? PERCENT : 1;
    return rc;
}

/* "200" or "200/s" */
static int parse_rate(const char *text, double *value, struct err *err) {
    char number[UNIT_TEXT_SIZE];
    size_t length = strlen(text);
    bool per_second = length > 2 && length < sizeof number && strcmp(text + length - 2, "/s") == 0;
    memcpy(number, text, length < sizeof number ? length + 1 : 1);
    if (per_second)
        number[length - 2] = 0;
    return unit_parse_number(per_second ? number : text, value, err);
}

struct word {
    const char *name;
    enum constraint_metric metric;
    int (*parse)(const char *text, double *value, struct err *err);
};

static const struct word words[] = {
    {"latency",          METRIC_LATENCY,           parse_ns         },
    {"e2e_latency",      METRIC_LATENCY,           parse_ns         },
    {"queue",            METRIC_QUEUE,             parse_ns         },
    {"compute",          METRIC_COMPUTE,           parse_ns         },
    {"ttft",             METRIC_TIME_TO_FIRST,     parse_ns         },
    {"itl",              METRIC_INTER_TOKEN,       parse_ns         },
    {"throughput",       METRIC_THROUGHPUT,        parse_rate       },
    {"token_throughput", METRIC_TOKENS_PER_SECOND, parse_rate       },
    {"memory",           METRIC_MEMORY,            yaml_bytes_of    },
    {"gpu_memory",       METRIC_GPU_MEMORY,        yaml_bytes_of    },
    {"utilisation",      METRIC_UTILISATION,       parse_share      },
    {"utilization",      METRIC_UTILISATION,       parse_share      },
    {"replicas",         METRIC_REPLICAS,          unit_parse_number},
    {"nodes",            METRIC_NODES,             unit_parse_number},
    {"cost",             METRIC_COST,              unit_parse_number},
};

enum { WORD_COUNT = sizeof words / sizeof *words };

static const struct word *word_by_name(const char *name, struct err *err) {
    struct suggestion near = suggestion_for(name);
    for (size_t i = 0; i < WORD_COUNT; i++) {
        if (strcmp(words[i].name, name) == 0)
            return &words[i];
        suggestion_offer(&near, words[i].name);
    }
    err_set(err, ERR_USAGE, "\"%.60s\" is no metric that is known", name);
    if (near.nearest)
        err_hint(err, "did you mean \"%s\"?", near.nearest);
    else
        err_hint(err, "known are latency, queue, compute, ttft, itl, throughput, "
                      "token_throughput, memory, gpu_memory, utilisation, replicas, nodes, cost");
    return NULL;
}

static int parse_statistic(const char *text, double *percentile, struct err *err) {
    char *end;
    *percentile = CONSTRAINT_MEAN;
    if (!text || strcmp(text, "mean") == 0 || strcmp(text, "avg") == 0)
        return 0;
    if (strcmp(text, "median") == 0) {
        *percentile = 50;
        return 0;
    }
    if (text[0] == 'p' && isdigit((unsigned char)text[1])) {
        *percentile = strtod(text + 1, &end);
        if (*end == 0 && *percentile > 0 && *percentile < 100)
            return 0;
    }
    return err_set(err, ERR_USAGE, "\"%.40s\": expected mean, median or a percentile such as p99",
                   text);
}

static char *trim(char *text) {
    while (isspace((unsigned char)*text))
        text++;
    for (size_t length = strlen(text); length && isspace((unsigned char)text[length - 1]);)
        text[--length] = 0;
    return text;
}

/* "latency:p99<50ms" */
static int parse_one(struct reading *reading, char *part, struct err *err) {
    struct constraint constraint = {.text = arena_strdup(reading->arena, part),
                                    .source = "--constraints"};
    size_t side = strcspn(part, "<>");
    if (part[side] == 0)
        return err_set(err, ERR_USAGE, "expected <, <=, > or >=");
    constraint.is_max = part[side] == '<';
    constraint.is_strict = part[side + 1] != '=';
    char *value = trim(part + side + (constraint.is_strict ? 1 : 2));
    part[side] = 0;
    char *statistic = strchr(part, ':');
    if (statistic)
        *statistic++ = 0;
    const struct word *word = word_by_name(trim(part), err);
    if (!word)
        return -(int)err->code;
    constraint.metric = word->metric;
    if (statistic && !constraint_metric_info(word->metric)->has_percentile)
        return err_set(err, ERR_USAGE, "%s has no %s", word->name, trim(statistic));
    if (parse_statistic(statistic ? trim(statistic) : NULL, &constraint.percentile, err) ||
        word->parse(value, &constraint.value, err))
        return -(int)err->code;
    if (!(constraint.value >= 0))
        return err_set(err, ERR_USAGE, "%s: expected a value from 0 on", value);
    return add_constraint(reading, &constraint, err);
}

static int parse_all(struct reading *reading, const char *text, struct err *err) {
    char *rest = arena_strdup(reading->arena, text), *next;
    for (; rest; rest = next) {
        next = strchr(rest, ';');
        if (next)
            *next++ = 0;
        char *part = trim(rest);
        if (!*part)
            continue;
        const char *written = arena_strdup(reading->arena, part);
        if (parse_one(reading, part, err)) {
            err_prefix(err, "constraint \"%.100s\"", written);
            return err_hint(err, "a constraint looks like latency:p99<50ms");
        }
    }
    return reading->count ? 0 : err_set(err, ERR_USAGE, "no constraint was given");
}

int constraints_parse_text(struct arena *arena, const char *text, struct constraints *constraints,
                           struct err *err) {
    struct reading reading = {.arena = arena};
    strbuf_init(&reading.note);
    int rc = strlen(text) > TEXT_MAX
                 ? err_set(err, ERR_USAGE, "constraints of more than %d bytes", TEXT_MAX)
                 : parse_all(&reading, text, err);
    finish(&reading, constraints);
    return rc;
}

int constraints_read(struct arena *arena, const char *given, const char *model,
                     struct constraints *constraints, struct err *err) {
    struct reading reading = {.arena = arena};
    struct yaml yaml;
    if (strpbrk(given, "<>"))
        return constraints_parse_text(arena, given, constraints, err);
    strbuf_init(&reading.note);
    int rc = yaml_read(arena, given, &yaml, err);
    if (!rc)
        rc = read_file(&reading, &yaml, model, err);
    finish(&reading, constraints);
    return rc;
}

/* ---- as targets ------------------------------------------------------------------------------ */

static bool is_target(const struct constraint *constraint) {
    return constraint->metric == METRIC_LATENCY && constraint->is_max &&
           constraint->percentile > 0 && constraint->value > 0;
}

void constraints_add_targets(struct arena *arena, const struct constraints *constraints,
                             const struct slo **targets, uint32_t *target_count) {
    struct slo *all =
        arena_grow(arena, *targets, *target_count, *target_count + constraints->count, sizeof *all);
    for (uint32_t i = 0; i < constraints->count; i++)
        if (is_target(&constraints->items[i]))
            all[(*target_count)++] =
                (struct slo){constraints->items[i].percentile, constraints->items[i].value};
    *targets = all;
}
