#include "collectors/request.h"

static void put_conditions(struct strbuf *out, const struct collect_config *config) {
    frame_put_u32(out, config->threads);
    frame_put_u64(out, config->seed);
    frame_put_u32(out, config->dim_count);
    for (uint32_t i = 0; i < config->dim_count; i++) {
        frame_put_text(out, config->dims[i].symbol);
        frame_put_i64(out, config->dims[i].size);
    }
    frame_put_u32(out, config->input_count);
    for (uint32_t i = 0; i < config->input_count; i++) {
        frame_put_text(out, config->inputs[i].input);
        frame_put_f64(out, config->inputs[i].value);
        frame_put_f64(out, config->inputs[i].upper);
    }
    frame_put_u32(out, config->event_count);
    for (uint32_t i = 0; i < config->event_count; i++)
        frame_put_text(out, config->events[i]);
}

void request_put(struct strbuf *out, const struct request *request) {
    frame_put_text(out, request->library);
    frame_put_text(out, request->hook);
    frame_put_text(out, request->scratch);
    frame_put_text(out, request->profile);
    frame_put_text(out, request->config.model_path);
    frame_put_text(out, request->config.weights_folder);
    put_conditions(out, &request->config);
    frame_put_u32(out, request->op_count);
    for (uint32_t i = 0; i < request->op_count; i++) {
        const struct request_op *op = &request->ops[i];
        frame_put_text(out, op->name);
        frame_put_text(out, op->type);
        frame_put_u64(out, op->identity);
    }
}

static void get_conditions(struct frame_cursor *in, struct arena *arena,
                           struct collect_config *config) {
    config->threads = frame_get_u32(in);
    config->seed = frame_get_u64(in);
    config->dim_count = frame_get_count(in, 12);
    struct dim_binding *dims = ARENA_ARRAY(arena, config->dim_count, struct dim_binding);
    for (uint32_t i = 0; i < config->dim_count; i++) {
        dims[i].symbol = frame_get_text(in, arena);
        dims[i].size = frame_get_i64(in);
    }
    config->dims = dims;
    config->input_count = frame_get_count(in, 20);
    struct input_value *inputs = ARENA_ARRAY(arena, config->input_count, struct input_value);
    for (uint32_t i = 0; i < config->input_count; i++) {
        inputs[i].input = frame_get_text(in, arena);
        inputs[i].value = frame_get_f64(in);
        inputs[i].upper = frame_get_f64(in);
    }
    config->inputs = inputs;
    config->event_count = frame_get_count(in, 4);
    const char **events = ARENA_ARRAY(arena, config->event_count, const char *);
    for (uint32_t i = 0; i < config->event_count; i++)
        events[i] = frame_get_text(in, arena);
    config->events = events;
}

int request_get(struct frame_cursor *in, struct arena *arena, struct request *request,
                struct err *err) {
    *request = (struct request){0};
    request->library = frame_get_text(in, arena);
    request->hook = frame_get_text(in, arena);
    request->scratch = frame_get_text(in, arena);
    request->profile = frame_get_text(in, arena);
    request->config.model_path = frame_get_text(in, arena);
    request->config.weights_folder = frame_get_text(in, arena);
    get_conditions(in, arena, &request->config);
    request->op_count = frame_get_count(in, 16);
    request->ops = ARENA_ARRAY(arena, request->op_count, struct request_op);
    for (uint32_t i = 0; i < request->op_count; i++) {
        struct request_op *op = &request->ops[i];
        op->name = frame_get_text(in, arena);
        op->type = frame_get_text(in, arena);
        op->identity = frame_get_u64(in);
    }
    if (in->failed)
        return err_set(err, ERR_BUG, "the worker got a damaged request");
    return 0;
}
