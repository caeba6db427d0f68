#include "collectors/onnxruntime/memory_frame.h"

void memory_frame_put(struct strbuf *out, const struct memory_use *use) {
    frame_put(out, use->at, sizeof use->at);
    frame_put_f64(out, use->high_water_bytes);
    frame_put_f64(out, use->loading_high_water_bytes);
    frame_put_f64(out, use->feed_bytes);
    frame_put_u32(out, (uint32_t)use->owner);
    frame_put_u32(out, (uint32_t)use->owner_op);
    frame_put_u32(out, (uint32_t)use->phase);
    frame_put_u32(out, use->step_count);
    frame_put(out, use->steps, use->step_count * sizeof *use->steps);
}

static bool fits(const struct memory_use *use, uint32_t op_count) {
    if (use->owner > OWNER_LATER || use->phase >= LOADING_PHASES || use->owner_op < GRAPH_NONE ||
        (use->owner_op >= 0 && (uint32_t)use->owner_op >= op_count))
        return false;
    for (uint32_t i = 0; i < use->step_count; i++)
        if (use->steps[i].op < 0 || (uint32_t)use->steps[i].op >= op_count)
            return false;
    return true;
}

int memory_frame_get(struct frame_cursor *in, struct arena *arena, uint32_t op_count,
                     struct memory_use *use, struct err *err) {
    *use = (struct memory_use){0};
    frame_get(in, use->at, sizeof use->at);
    use->high_water_bytes = frame_get_f64(in);
    use->loading_high_water_bytes = frame_get_f64(in);
    use->feed_bytes = frame_get_f64(in);
    use->owner = (enum memory_owner)frame_get_u32(in);
    use->owner_op = (int32_t)frame_get_u32(in);
    use->phase = (enum loading_phase)frame_get_u32(in);
    use->step_count = frame_get_count(in, sizeof *use->steps);
    use->steps = ARENA_ARRAY(arena, use->step_count + 1u, struct memory_use_step);
    frame_get(in, use->steps, use->step_count * sizeof *use->steps);
    if (in->failed || in->left || !fits(use, op_count))
        return err_set(err, ERR_BUG, "the ONNX Runtime worker sent a damaged account of memory");
    return 0;
}
