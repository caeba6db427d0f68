/* The routes of a healthy server, asked as the listener asks them. */
#include "tests/unit/service_world.h"

#include "predictor/capacity/replicas.h"
#include "predictor/simulation/service_time.h"

#include <pthread.h>

static int set_up(void **state) {
    struct world *w = world_new();
    world_store(w, NAME_OF_M, SHA_OF_M, PREDICTION_OF_M);
    world_start(w);
    *state = w;
    return 0;
}

static int tear_down(void **state) {
    world_delete(*state);
    return 0;
}

static uint64_t planned(double rate, double service_ns, double slo_ms, enum routing routing) {
    const struct slo target = {99, slo_ms * 1e6};
    struct service_demand demand = {
        .load = {.rate_per_second = rate, .routing = routing, .seed = 1},
        .service_is = "",
        .targets = &target,
        .target_count = 1,
    };
    struct service_level n, less;
    struct err err = {0};
    assert_int_equal(
        service_time_init(&demand.load.service, &service_ns, 1, service_shape_at(0), 0, &err), 0);
    assert_int_equal(replicas_find(&demand, &n, &less, &err), 0);
    return n.replicas;
}

static void a_given_rate_gets_what_the_command_line_plans(void **state) {
    struct world *w = *state;
    world_ask(w, "replicas", "m", "rate=2000&slo_p99_ms=50&routing=random");
    assert_int_equal(w->status, 200);
    assert_true(number_of(w, "replicas") == (double)planned(2000, 12e6, 50, ROUTING_RANDOM));
    assert_true(number_of(w, "replicas_min") == (double)planned(2000, 8e6, 50, ROUTING_RANDOM));
    assert_true(number_of(w, "replicas_max") == number_of(w, "replicas"));
    assert_string_equal(text_of(w, "rate_from"), "query");
    assert_false(bool_of(w, "stale"));
    assert_true(number_of(w, "age_seconds") == 0);
    assert_true(fabs(number_of(w, "utilisation") - 2000 * 0.012 / number_of(w, "replicas")) <
                1e-12);
}

static void a_given_rate_is_answered_the_same_whatever_came_before(void **state) {
    struct world *w = *state;
    world_ask(w, "replicas", "m", "rate=2000");
    double first = number_of(w, "replicas");
    world_ask(w, "replicas", "m", "rate=1");
    assert_true(number_of(w, "replicas") == 1);
    world_ask(w, "replicas", "m", "rate=2000");
    assert_true(number_of(w, "replicas") == first);
}

static void a_rate_of_zero_in_the_question_needs_one_replica(void **state) {
    struct world *w = *state;
    world_ask(w, "replicas", "m", "rate=0");
    assert_true(number_of(w, "replicas") == 1 && bool_of(w, "active"));
}

static void a_target_no_number_meets_is_a_finding(void **state) {
    struct world *w = *state;
    world_ask(w, "replicas", "m", "rate=5&slo_p99_ms=11");
    assert_int_equal(w->status, 422);
    assert_non_null(strstr(w->err.message, "no number of replicas helps"));
}

static void loads_that_take_too_long_to_plan_are_refused(void **state) {
    struct world *w = *state;
    world_ask(w, "replicas", "m", "rate=1000000000");
    assert_int_equal(w->status, 422);
}

static void unknown_names_and_words_are_told(void **state) {
    struct world *w = *state;
    world_ask(w, "replicas", "nobody", "rate=5");
    assert_int_equal(w->status, 404);
    world_ask(w, "prediction", "nobody", "");
    assert_int_equal(w->status, 404);
    world_ask(w, "replicas", "m", "rate=5&routing=sideways");
    assert_int_equal(w->status, 400);
    assert_non_null(strstr(w->err.message, "central"));
}

static void without_a_target_the_question_must_bring_one(void **state) {
    struct world *w = *state;
    world_stop(w);
    w->options.target_count = 0;
    world_start(w);
    world_ask(w, "replicas", "m", "rate=5");
    assert_int_equal(w->status, 400);
    assert_non_null(strstr(w->err.hint, "slo_p99_ms"));
    world_ask(w, "replicas", "m", "rate=5&slo_p99_ms=50");
    assert_int_equal(w->status, 200);
}

static void a_model_may_have_a_target_of_its_own(void **state) {
    struct world *w = *state;
    static const struct service_target targets[] = {
        {"m",  13},
        {NULL, 50}
    };
    world_stop(w);
    w->options.targets = targets;
    w->options.target_count = 2;
    world_start(w);
    world_ask(w, "replicas", "m", "rate=5");
    assert_true(number_of(w, "slo_p99_ms") == 13);
}

static void before_any_observation_there_is_no_number(void **state) {
    struct world *w = *state;
    world_ask(w, "replicas", "m", "");
    assert_int_equal(w->status, 503);
    assert_non_null(strstr(w->err.message, "no request rate"));
}

static void a_pushed_rate_is_answered(void **state) {
    struct world *w = *state;
    world_push(w, "m", "{\"requests\": 3000, \"seconds\": 15}");
    assert_int_equal(w->status, 200);
    world_pass(w, 7);
    world_ask(w, "replicas", "m", "");
    assert_true(number_of(w, "replicas") == (double)planned(200, 12e6, 50, ROUTING_CENTRAL));
    assert_true(number_of(w, "rate_per_second") == 200);
    assert_true(number_of(w, "rate_age_seconds") == 7 && number_of(w, "age_seconds") == 7);
    assert_string_equal(text_of(w, "rate_from"), "pushed");
    assert_false(bool_of(w, "stale"));
}

static void what_is_pushed_is_checked(void **state) {
    struct world *w = *state;
    static const char *const wrong[] = {
        "",
        "[]",
        "12.5",
        "{}",
        "{\"rate\": -1}",
        "{\"rate\": 1e10}",
        "{\"rate\": 1e999}",
        "{\"rate\": NaN}",
        "{\"rate\": null}",
        "{\"rate\": \"12\"}",
        "{\"rate\": 01}",
        "{\"rate\": 1, \"rate\": 2}",
        "{\"rate\": 1, \"requests\": 2, \"seconds\": 3}",
        "{\"rate\": 1, \"colour\": 2}",
        "{\"requests\": 5}",
        "{\"requests\": 5, \"seconds\": 0}",
        "{\"requests\": 5, \"seconds\": 4000}",
        "{\"requests\": -5, \"seconds\": 15}",
        "{\"rate\": 1} x",
        "{\"rate\": 1, \"timestamp\": \"yesterday\"}",
        "{\"rate\": 1, \"timestamp\": 1}",
        "{\"rate\": 1, \"timestamp\": 1.9e9}",
        "{\"rate\": 1, \"timestamp\": true}",
        "[[[[[[[[[[[[1]]]]]]]]]]]]",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        world_push(w, "m", wrong[i]);
        if (w->status != 400)
            fail_msg("%s: status %d", wrong[i], w->status);
    }
    world_ask(w, "replicas", "m", "");
    assert_int_equal(w->status, 503);
    world_push(w, "nobody", "{\"rate\": 1}");
    assert_int_equal(w->status, 404);
}

static void a_late_observation_is_history_and_does_not_replace_the_last(void **state) {
    struct world *w = *state;
    char body[100], then[MOMENT_TEXT_SIZE];
    world_push(w, "m", "{\"rate\": 200}");
    moment_text(w->now.wall_s - 60, then);
    snprintf(body, sizeof body, "{\"rate\": 100, \"timestamp\": \"%s\"}", then);
    world_push(w, "m", body);
    assert_int_equal(w->status, 200);
    world_ask(w, "replicas", "m", "");
    assert_true(number_of(w, "rate_per_second") == 200);
    float rates[5];
    observations_history(service_observations(w->service), "m", w->now.steady_s, rates, 5);
    assert_true(rates[4] == 200 && rates[0] == 100 && isnan(rates[2]));
}

static void observed_load_moves_the_answer_at_most_twofold_a_step(void **state) {
    struct world *w = *state;
    static const double falling[] = {40, 20, 10, 5, 3, 2, 1, 0, 0};
    char rate[64];
    world_push(w, "m", "{\"rate\": 80}");
    world_ask(w, "replicas", "m", "");
    double before = number_of(w, "replicas"),
           most = (double)planned(8000, 12e6, 50, ROUTING_CENTRAL);
    for (int step = 0; before < most; step++) {
        world_pass(w, 16);
        snprintf(rate, sizeof rate, "{\"rate\": 8000}");
        world_push(w, "m", rate);
        for (int again = 0; again < 3; again++)
            world_ask(w, "replicas", "m", "");
        double now = number_of(w, "replicas");
        assert_true(now <= 2 * before && now > before && step < 10);
        assert_true(now == most || strstr(text_of(w, "reason"), "held on the way"));
        before = now;
    }
    world_stop(w);
    w->options.step_factor = 0;
    world_start(w);
    world_push(w, "m", "{\"rate\": 3333}");
    world_ask(w, "replicas", "m", "");
    /* Half an hour of more is not forgotten at once. */
    assert_true(number_of(w, "replicas") >= (double)planned(3333, 12e6, 50, ROUTING_CENTRAL));
    world_stop(w);
    w->options.step_factor = 2;
    world_start(w);
    /* Down to nothing, by halves, when the load is measured to be nothing. */
    world_pass(w, 16);
    world_push(w, "m", "{\"rate\": 0}");
    world_ask(w, "replicas", "m", "");
    before = number_of(w, "replicas");
    assert_false(bool_of(w, "active"));
    assert_true(before > falling[0] / 2);
    for (int step = 0; before > 0; step++) {
        world_pass(w, 16);
        world_push(w, "m", "{\"rate\": 0}");
        world_ask(w, "replicas", "m", "");
        assert_true(number_of(w, "replicas") >= (before > 1 ? ceil(before / 2) : 0) && step < 20);
        before = number_of(w, "replicas");
    }
    /* And up again. */
    world_push(w, "m", "{\"rate\": 8000}");
    world_ask(w, "replicas", "m", "");
    assert_true(number_of(w, "replicas") >= 1 && number_of(w, "replicas") <= 2);
}

/* So many steps of 15 seconds, each with its rate pushed and asked for. */
static void push_steps(struct world *w, double first, double more, int steps) {
    char rate[64];
    for (int i = 0; i < steps; i++) {
        world_pass(w, 15);
        snprintf(rate, sizeof rate, "{\"rate\": %.3f}", first + i * more);
        world_push(w, "m", rate);
        world_ask(w, "replicas", "m", "");
    }
}

static void a_load_that_rises_is_answered_ahead_of_time(void **state) {
    struct world *w = *state;
    push_steps(w, 1000, 0, 3);
    assert_true(cJSON_IsNull(cJSON_GetObjectItem(w->json, "forecast")));
    push_steps(w, 1000, 0, 40);
    const cJSON *forecast = cJSON_GetObjectItem(w->json, "forecast");
    double ahead = cJSON_GetObjectItem(forecast, "rate_per_second")->valuedouble;
    double exact = (double)planned(1000, 12e6, 50, ROUTING_CENTRAL);
    assert_true(fabs(ahead - 1000) < 20);
    assert_true(number_of(w, "replicas") >= exact - 1 && number_of(w, "replicas") <= 1.15 * exact);
    push_steps(w, 1000, 50, 30);
    forecast = cJSON_GetObjectItem(w->json, "forecast");
    assert_true(cJSON_GetObjectItem(forecast, "rate_per_second")->valuedouble > 2450);
    assert_true(cJSON_GetObjectItem(forecast, "rate_high_per_second")->valuedouble > 2500);
    assert_true(number_of(w, "replicas") > (double)planned(2450, 12e6, 50, ROUTING_CENTRAL));
}

static void two_models_of_one_name_are_an_error_that_names_both(void **state) {
    struct world *w = *state;
    world_store(w, NAME_OF_M, OTHER_SHA, PREDICTION_OF_M);
    service_refresh(w->service);
    static const char *const asked[] = {"replicas", "prediction", "recommendation"};
    for (size_t i = 0; i < 3; i++) {
        world_ask(w, asked[i], "m", "");
        assert_int_equal(w->status, 409);
        assert_non_null(strstr(w->err.message, "1111111111111111 and 2222222222222222"));
    }
    world_push(w, "m", "{\"rate\": 1}");
    assert_int_equal(w->status, 409);
    world_store(w, "other", OTHER_SHA, PREDICTION_OF_M);
    service_refresh(w->service);
    world_ask(w, "replicas", "m", "rate=1");
    assert_int_equal(w->status, 200);
    world_ask(w, "replicas", "other", "rate=1");
    assert_int_equal(w->status, 200);
}

/* The members stand before ours, byte for byte as the command line prints them. */
static void a_prediction_is_what_the_command_line_printed(void **state) {
    struct world *w = *state;
    struct err err = {0};
    struct strbuf pretty;
    world_ask(w, "prediction", "m", "");
    assert_int_equal(w->status, 200);
    cJSON *tree = json_parse(PREDICTION_OF_M, strlen(PREDICTION_OF_M), "sample", &err);
    strbuf_init(&pretty);
    json_print(tree, true, &pretty);
    assert_int_equal(strncmp(w->body.text, pretty.text, pretty.length - 2), 0);
    assert_string_equal(w->body.text + pretty.length - 2,
                        ",\n  \"age_seconds\": 0,\n  \"stale\": false,\n  \"reason\": null\n}\n");
    cJSON_Delete(tree);
    strbuf_done(&pretty);
}

static void a_newer_prediction_takes_over(void **state) {
    struct world *w = *state;
    world_store(w, NAME_OF_M, SHA_OF_M,
                "{\"schema\":1,\"machine\":\"x\",\"conditions\":{\"threads\":1},\"latency_ns\":"
                "{\"value\":1e6,\"low\":1e6,\"high\":1e6,\"tier\":\"measured\"}}");
    world_ask(w, "replicas", "m", "rate=500");
    double before = number_of(w, "replicas");
    service_refresh(w->service);
    world_ask(w, "replicas", "m", "rate=500");
    assert_true(number_of(w, "replicas") < before && !bool_of(w, "stale"));
}

static void the_models_are_listed(void **state) {
    struct world *w = *state;
    world_store(w, "a", OTHER_SHA, PREDICTION_OF_M);
    service_refresh(w->service);
    world_ask(w, "models", NULL, "");
    const cJSON *list = cJSON_GetObjectItem(w->json, "models");
    assert_int_equal(cJSON_GetArraySize(list), 2);
    const cJSON *second = cJSON_GetArrayItem(list, 1);
    assert_string_equal(cJSON_GetObjectItem(second, "name")->valuestring, "m");
    assert_string_equal(cJSON_GetObjectItem(second, "sha256")->valuestring, SHA_OF_M);
}

static void a_recommendation_has_the_shape_of_a_vpa(void **state) {
    struct world *w = *state;
    world_ask(w, "recommendation", "m", "");
    assert_int_equal(w->status, 200);
    static const char wanted[] = "{\n"
                                 "  \"containerRecommendations\": [\n"
                                 "    {\n"
                                 "      \"containerName\": \"m\",\n"
                                 "      \"target\": {\n"
                                 "        \"cpu\": \"2\",\n"
                                 "        \"memory\": \"120000000\"\n"
                                 "      },\n"
                                 "      \"lowerBound\": {\n"
                                 "        \"cpu\": \"1500m\",\n"
                                 "        \"memory\": \"100000000\"\n"
                                 "      },\n"
                                 "      \"upperBound\": {\n"
                                 "        \"cpu\": \"2\",\n"
                                 "        \"memory\": \"130000000\"\n"
                                 "      },\n"
                                 "      \"uncappedTarget\": {\n"
                                 "        \"cpu\": \"2\",\n"
                                 "        \"memory\": \"120000000\"\n"
                                 "      }\n"
                                 "    }\n"
                                 "  ],\n";
    assert_int_equal(strncmp(w->body.text, wanted, strlen(wanted)), 0);
}

static void an_external_metric_has_the_shape_of_kubernetes(void **state) {
    struct world *w = *state;
    char wanted[600], timestamp[MOMENT_TEXT_SIZE];
    world_push(w, "m", "{\"rate\": 200}");
    world_ask(w, "external_metric", NULL, "labelSelector=model=m");
    moment_text(w->now.wall_s, timestamp);
    snprintf(wanted, sizeof wanted,
             "{\"kind\":\"ExternalMetricValueList\",\"apiVersion\":\"external.metrics.k8s.io/"
             "v1beta1\",\"metadata\":{},\"items\":[{\"metricName\":\"assay_desired_replicas\","
             "\"metricLabels\":{\"model\":\"m\"},\"timestamp\":\"%s\",\"value\":\"%llu\"}]}",
             timestamp, (unsigned long long)planned(200, 12e6, 50, ROUTING_CENTRAL));
    struct strbuf line;
    strbuf_init(&line);
    json_print(w->json, false, &line);
    assert_string_equal(line.text, wanted);
    strbuf_done(&line);
    world_ask(w, "external_metric", NULL, "");
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(w->json, "items")), 1);
    world_ask(w, "external_metric", NULL, "labelSelector=model=nobody");
    assert_int_equal(w->status, 404);
    world_ask(w, "external_metric", NULL, "labelSelector=team=a");
    assert_int_equal(w->status, 400);
    world_ask(w, "external_metrics", NULL, "");
    assert_string_equal(text_of(w, "kind"), "APIResourceList");
    assert_string_equal(text_of(w, "groupVersion"), "external.metrics.k8s.io/v1beta1");
}

static void autoscalers_get_the_same_answer(void **state) {
    struct world *w = *state;
    struct scaler scaler = service_scaler(w->service);
    struct arena arena;
    struct scaler_answer answer;
    struct err err = {0};
    const char *const *names;
    uint32_t count;
    arena_init(&arena);
    world_push(w, "m", "{\"rate\": 200}");
    world_ask(w, "replicas", "m", "");
    const struct scaler_question question = {"m", NAN, NAN, NULL};
    assert_int_equal(scaler.desired(scaler.service, &arena, &question, &answer, &err), 0);
    assert_true(answer.replicas == number_of(w, "replicas") && answer.active && !answer.stale);
    assert_int_equal(scaler.models(scaler.service, &arena, &names, &count, &err), 0);
    assert_int_equal(count, 1);
    assert_string_equal(names[0], "m");
    const struct scaler_question nobody = {"nobody", NAN, NAN, NULL};
    assert_int_equal(scaler.desired(scaler.service, &arena, &nobody, &answer, &err), -ERR_INPUT);
    arena_done(&arena);
}

static void append_metric(void *context, bool openmetrics, struct strbuf *out) {
    (void)context, (void)openmetrics;
    strbuf_puts(out, "# HELP of_others Something.\n# TYPE of_others gauge\nof_others 1\n");
}

static void metrics_tell_models_and_faults(void **state) {
    struct world *w = *state;
    world_push(w, "m", "{\"rate\": 200}");
    world_ask(w, "metrics", NULL, "");
    assert_string_equal(w->content_type, "text/plain; version=0.0.4; charset=utf-8");
    static const char *const wanted[] = {
        "# TYPE assay_predicted_latency_seconds gauge\n",
        "assay_predicted_latency_seconds{model=\"m\",hardware=\"a machine\",bound=\"high\"} 0.012",
        "assay_predicted_peak_memory_bytes{model=\"m\",hardware=\"a machine\",bound=\"upper\"} 130",
        "assay_predicted_cold_start_seconds{model=\"m\",hardware=\"a machine\"} 2\n",
        "assay_desired_replicas{model=\"m\"} ",
        "assay_observed_rate{model=\"m\"} 200\n",
        "assay_prediction_age_seconds{model=\"m\"} 0\n",
        "assay_store_failures_total 0\n",
        "# TYPE assay_store_failures_total counter\n",
        "assay_build_info{version=\"",
    };
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        if (!strstr(w->body.text, wanted[i]))
            fail_msg("no '%s' in:\n%s", wanted[i], w->body.text);
    assert_null(strstr(w->body.text, "# EOF"));
}

static void openmetrics_are_given_to_who_accepts_them(void **state) {
    struct world *w = *state;
    world_stop(w);
    w->options.metrics = append_metric;
    world_start(w);
    world_ask_with(w, "metrics", NULL, "", "application/openmetrics-text;version=1.0.0", "", NULL,
                   0);
    assert_non_null(strstr(w->content_type, "application/openmetrics-text; version=1.0.0"));
    assert_non_null(strstr(w->body.text, "# TYPE assay_store_failures counter\n"));
    assert_non_null(strstr(w->body.text, "\nof_others 1\n# EOF\n"));
}

static void promtool_finds_nothing_to_complain_about(void **state) {
    struct world *w = *state;
    if (system("command -v promtool >/dev/null 2>&1") != 0) {
        printf("skip: promtool is not installed\n");
        skip();
    }
    world_store(w, "a \"quoted\\ name", OTHER_SHA, PREDICTION_OF_M);
    service_refresh(w->service);
    world_push(w, "m", "{\"rate\": 200}");
    world_ask(w, "metrics", NULL, "");
    char path[200], command[300];
    struct err err = {0};
    snprintf(path, sizeof path, "%s/metrics", w->folder->path);
    snprintf(command, sizeof command, "promtool check metrics <%s", path);
    assert_int_equal(file_replace(path, w->body.text, w->body.length, &err), 0);
    assert_int_equal(system(command), 0);
}

static void health_and_readiness_differ(void **state) {
    struct world *w = *state;
    world_ask(w, "readyz", NULL, "");
    assert_int_equal(w->status, 200);
    world_stop(w);
    unlink(w->state);
    world_sql(w, "DELETE FROM predictions");
    world_start(w);
    world_ask(w, "healthz", NULL, "");
    assert_int_equal(w->status, 200);
    world_ask(w, "readyz", NULL, "");
    assert_int_equal(w->status, 503);
    assert_false(bool_of(w, "ready"));
}

static void options_that_make_no_sense_are_refused(void **state) {
    struct world *w = *state;
    struct serving_options options = w->options;
    struct serving *service;
    struct err err = {0};
    options.state_path = NULL;
    options.step_factor = 0.5;
    assert_int_equal(service_open(&options, &service, &err), -ERR_USAGE);
    options.step_factor = 2;
    options.rate_fresh_s = NAN;
    err = (struct err){0};
    assert_int_equal(service_open(&options, &service, &err), -ERR_USAGE);
    options.rate_fresh_s = 60;
    options.prometheus_url = "http://127.0.0.1:1";
    err = (struct err){0};
    assert_int_equal(service_open(&options, &service, &err), -ERR_USAGE);
}

/* Handlers are called from several threads while the store is read again and again. */
static void *ask_often(void *context) {
    struct serving *service = context;
    for (int i = 0; i < 2000; i++) {
        struct arena arena;
        struct err err = {0};
        struct scaler_answer answer;
        arena_init(&arena);
        double rate = 10 + i % 50;
        const struct scaler_question question = {"m", i % 2 ? (double)NAN : rate, 50, NULL};
        struct scaler scaler = service_scaler(service);
        if (scaler.desired(service, &arena, &question, &answer, &err) || !(answer.replicas >= 1))
            return context;
        arena_done(&arena);
    }
    return NULL;
}

static void many_threads_may_ask_at_once(void **state) {
    struct world *w = *state;
    pthread_t threads[4];
    world_push(w, "m", "{\"rate\": 200}");
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask_often, w->service), 0);
    for (int i = 0; i < 20; i++) {
        service_refresh(w->service);
        world_push(w, "m", "{\"rate\": 200}");
    }
    for (int i = 0; i < 4; i++) {
        void *failed;
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
}

static void every_route_is_whole(void **state) {
    (void)state;
    for (const struct route *route = routes; route->method; route++) {
        assert_non_null(route->handle);
        assert_true(route->pattern[0] == '/' && route->name[0] && route->summary[0]);
        assert_true((strcmp(route->method, "POST") == 0) == (route->body_max > 0));
        for (const struct route *other = route + 1; other->method; other++)
            assert_string_not_equal(route->name, other->name);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

/* `test_service --answer ROUTE [QUERY]` prints what a healthy server answers, for other programs to
 * read. */
static int print_answer(const char *route, const char *query) {
    void *state;
    set_up(&state);
    struct world *w = state;
    world_push(w, "m", "{\"rate\": 200}");
    world_ask(w, route, "m", query);
    fwrite(w->body.text, 1, w->body.length, stdout);
    world_delete(w);
    return 0;
}

int main(int argc, char **argv) {
    if (argc > 2 && strcmp(argv[1], "--answer") == 0)
        return print_answer(argv[2], argc > 3 ? argv[3] : "");
    const struct CMUnitTest tests[] = {
        TEST(a_given_rate_gets_what_the_command_line_plans),
        TEST(a_given_rate_is_answered_the_same_whatever_came_before),
        TEST(a_rate_of_zero_in_the_question_needs_one_replica),
        TEST(a_target_no_number_meets_is_a_finding),
        TEST(loads_that_take_too_long_to_plan_are_refused),
        TEST(unknown_names_and_words_are_told),
        TEST(without_a_target_the_question_must_bring_one),
        TEST(a_model_may_have_a_target_of_its_own),
        TEST(before_any_observation_there_is_no_number),
        TEST(a_pushed_rate_is_answered),
        TEST(what_is_pushed_is_checked),
        TEST(a_late_observation_is_history_and_does_not_replace_the_last),
        TEST(observed_load_moves_the_answer_at_most_twofold_a_step),
        TEST(a_load_that_rises_is_answered_ahead_of_time),
        TEST(two_models_of_one_name_are_an_error_that_names_both),
        TEST(a_prediction_is_what_the_command_line_printed),
        TEST(a_newer_prediction_takes_over),
        TEST(the_models_are_listed),
        TEST(a_recommendation_has_the_shape_of_a_vpa),
        TEST(an_external_metric_has_the_shape_of_kubernetes),
        TEST(autoscalers_get_the_same_answer),
        TEST(metrics_tell_models_and_faults),
        TEST(openmetrics_are_given_to_who_accepts_them),
        TEST(promtool_finds_nothing_to_complain_about),
        TEST(health_and_readiness_differ),
        TEST(options_that_make_no_sense_are_refused),
        TEST(many_threads_may_ask_at_once),
        cmocka_unit_test(every_route_is_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
