#include "cli/predict_options.h"

const char *lowering_choice(size_t index, const char **help) {
    static const char *const rows[][2] = {
        [LOWERING_ANY] = {"any",     "the database, the runtime, else the rules"},
        [LOWERING_RUNTIME] = {"runtime", "exactly as the runtime does it"           },
        [LOWERING_RULES] = {"rules",   "our own fusion rules"                     },
        {NULL,      ""                                         },
    };
    *help = rows[index][1];
    return rows[index][0];
}

int predict_options_request(struct arena *arena, const struct model_options *model,
                            const struct predict_options_given *given,
                            struct predict_request *request, struct err *err) {
    *request = (struct predict_request){
        .lowering = (enum lowering_source)given->lowering,
        .leave_out_self = given->leave_out_self,
        .refuse_roofline = given->refuse_roofline,
        .memory_confidence = given->confidence / 100,
    };
    return model_options_request(arena, model, &request->subject, err);
}
