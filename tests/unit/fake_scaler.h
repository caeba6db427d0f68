/* A scaler with models made up for tests, so that a server can be tried without a store. */
#ifndef ASSAY_TESTS_FAKE_SCALER_H
#define ASSAY_TESTS_FAKE_SCALER_H

#include "server/scaler.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>

struct fake_model {
    const char *name;
    enum err_code code;
    double replicas;
    bool active;
    bool turns; /* active every second time it is asked */
};

static const struct fake_model fake_models[] = {
    {.name = "resnet50",       .replicas = 7, .active = true},
    {.name = "idle",           .replicas = 0},
    {.name = "turning",           .replicas = 1, .turns = true              },
    {.name = "broken", .code = ERR_ENVIRONMENT             },
    {.name = "mad",          .replicas = NAN,                       .active = true},
};

enum { FAKE_MODELS = sizeof fake_models / sizeof *fake_models };

struct fake_scaler {
    atomic_uint asked[FAKE_MODELS]; /* how often each was */
};

static int fake_desired(void *service, struct arena *arena, const struct scaler_question *question,
                        struct scaler_answer *answer, struct err *err) {
    struct fake_scaler *fake = service;
    (void)arena;
    for (size_t i = 0; i < FAKE_MODELS; i++) {
        const struct fake_model *model = &fake_models[i];
        if (strcmp(model->name, question->model) != 0)
            continue;
        unsigned asked = atomic_fetch_add(&fake->asked[i], 1);
        if (model->code)
            return err_set(err, model->code, "the store of '%s' is lost", model->name);
        double replicas = model->replicas;
        if (!isnan(question->rate_per_second)) /* one replica answers 10 requests/s */
            replicas = ceil(question->rate_per_second / 10);
        *answer = (struct scaler_answer){.replicas = replicas,
                                         .replicas_min = replicas,
                                         .replicas_max = replicas,
                                         .active = model->turns ? asked % 2 == 0 : model->active};
        return 0;
    }
    err_set(err, ERR_INPUT, "no model is named '%s'", question->model);
    return err_hint(err, "assay models lists them: 100%%");
}

static int fake_names(void *service, struct arena *arena, const char *const **names,
                      uint32_t *count, struct err *err) {
    (void)service, (void)err;
    const char **list = ARENA_ARRAY(arena, FAKE_MODELS, const char *);
    *count = 0;
    for (size_t i = 0; i < FAKE_MODELS; i++)
        list[(*count)++] = fake_models[i].name;
    *names = list;
    return 0;
}

static inline struct scaler fake_scaler(struct fake_scaler *fake) {
    return (struct scaler){fake, fake_desired, fake_names};
}

#endif
