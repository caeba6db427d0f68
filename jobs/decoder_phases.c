#include "jobs/decoder_phases.h"

#include "core/decoder.h"
#include "models/reader.h"

#include <string.h>

static bool is_given(const struct subject_request *request, const char *symbol) {
    if (request->shape_count)
        return true;
    for (uint32_t i = 0; i < request->dim_count; i++)
        if (strcmp(request->dims[i].symbol, symbol) == 0)
            return true;
    return false;
}

static struct decoder_phase phase_of(struct arena *arena, const struct subject_request *request,
                                     const char *name, int64_t tokens, int64_t past) {
    struct decoder_phase phase = {name, *request};
    struct dim_binding *dims = ARENA_ARRAY(arena, request->dim_count + 2u, struct dim_binding);
    if (request->dim_count)
        memcpy(dims, request->dims, request->dim_count * sizeof *dims);
    dims[phase.request.dim_count++] = (struct dim_binding){DECODER_TOKENS, tokens};
    dims[phase.request.dim_count++] = (struct dim_binding){DECODER_PAST, past};
    phase.request.dims = dims;
    return phase;
}

int decoder_phases(struct arena *arena, const struct subject_request *request,
                   struct decoder_phase phases[static DECODER_PHASES_MAX], uint32_t *count,
                   struct err *err) {
    const struct model_format *format;
    if (model_format_of(request->model_path, &format, err))
        return -(int)err->code;
    *count = 1;
    phases[0] = (struct decoder_phase){"", *request};
    if (strcmp(format->name, "gguf") != 0 || is_given(request, DECODER_TOKENS) ||
        is_given(request, DECODER_PAST))
        return 0;
    *count = 2;
    phases[0] = phase_of(arena, request, "prefill", PREFILL_TOKENS, 0);
    phases[1] = phase_of(arena, request, "decode", 1, PREFILL_TOKENS);
    return 0;
}
