/* Any bytes as the second line of a server's state: an error, or a state that works and can be
 * saved.
 */
#include "server/service/state.h"
#include "tests/fuzz/fuzz_seed.h"

#include <stdint.h>

static const char seed[] =
    "{\"saved\":{\"steady_s\":1000,\"wall_s\":1.8e9,\"boot_id\":\"b\"},\"answers\":[{\"name\":"
    "\"m\","
    "\"sha256\":\"11\",\"prediction_id\":1,\"predicted_at\":\"2026-01-31T12:00:00Z\","
    "\"confirmed_ago_s\":3,\"prediction\":\"{\\\"schema\\\":1,\\\"machine\\\":\\\"x\\\","
    "\\\"conditions\\\":{\\\"threads\\\":1},\\\"latency_ns\\\":{\\\"value\\\":1e6,\\\"low\\\":1e6,"
    "\\\"high\\\":1e6,\\\"tier\\\":\\\"measured\\\"}}\"}],\"observations\":[{\"model\":\"m\","
    "\"source\":\"pushed\",\"rate_per_second\":200,\"window_s\":0,\"ended_ago_s\":5,"
    "\"newest_step_ago_s\":7,\"steps\":\"1 - 2.5 = = 200\"}],\"desired\":[{\"model\":\"m\","
    "\"slo_p99_ms\":50,\"routing\":\"central\",\"base\":3,\"replicas\":4,\"begun_ago_s\":2}]}";

int LLVMFuzzerInitialize(int *argc, char ***argv);

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc, (void)argv;
    fuzz_seed("small", seed, sizeof seed - 1);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const struct noted_moment now = {
        {2000, 1.8e9 + 1000},
        "b"
    };
    struct state state = {answers_new(), observations_new(),
                          desired_new((struct desired_limits){2, 15})};
    struct err err = {0};
    if (state_read(&state, &now, (const char *)data, size, &err) == 0) {
        const struct desired_question question = {"m", 50, ROUTING_CENTRAL};
        float rates[16];
        desired_step(state.desired, &question, 8, 2000);
        observations_history(state.observations, "m", 2000, rates, 16);
        cJSON *array = json_array();
        observations_save(state.observations, 2000, array);
        desired_save(state.desired, 2000, array);
        cJSON_Delete(array);
    }
    answers_release(state.answers);
    observations_delete(state.observations);
    desired_delete(state.desired);
    return 0;
}
