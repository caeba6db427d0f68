#include "predictor/boosting.h"

#ifdef ASSAY_XGBOOST

#include <math.h>
#include <stdio.h>
#include <xgboost/c_api.h>

int boosting_available(struct err *err) {
    (void)err;
    return 0;
}

static int failed(const char *what, struct err *err) {
    return err_set(err, ERR_BUG, "XGBoost: %s: %.200s", what, XGBGetLastError());
}

static int set_number(BoosterHandle booster, const char *name, double value) {
    char text[32];
    snprintf(text, sizeof text, "%.9g", value);
    return XGBoosterSetParam(booster, name, text);
}

static int configure(BoosterHandle booster, const struct boosting_settings *settings,
                     struct err *err) {
    static const struct {
        const char *name, *value;
    } fixed[] = {
        {"objective",   "reg:squarederror"},
        {"tree_method", "hist"            },
        {"nthread",     "1"               },
        {"seed",        "0"               },
        {"verbosity",   "0"               },
        {"base_score",  "0"               },
    };
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
        if (XGBoosterSetParam(booster, fixed[i].name, fixed[i].value))
            return failed(fixed[i].name, err);
    if (set_number(booster, "max_depth", settings->depth) ||
        set_number(booster, "eta", settings->rate) ||
        set_number(booster, "min_child_weight", settings->leaf_rows))
        return failed("a setting", err);
    return 0;
}

static int boost(DMatrixHandle matrix, BoosterHandle booster,
                 const struct boosting_settings *settings, struct err *err) {
    if (configure(booster, settings, err))
        return -(int)err->code;
    for (uint32_t round = 0; round < settings->rounds; round++)
        if (XGBoosterUpdateOneIter(booster, (int)round, matrix))
            return failed("a round", err);
    return 0;
}

static int take_trees(struct arena *arena, BoosterHandle booster, uint32_t dims, struct forest *out,
                      struct err *err) {
    bst_ulong count;
    const char **dumps;
    if (XGBoosterDumpModelEx(booster, "", 0, "json", &count, &dumps))
        return failed("a dump", err);
    for (bst_ulong i = 0; i < count; i++)
        if (forest_add_dump(arena, out, dumps[i], dims, err))
            return -(int)err->code;
    return 0;
}

static int fill(DMatrixHandle matrix, const struct boosting_rows *rows, struct err *err) {
    if (XGDMatrixSetFloatInfo(matrix, "label", rows->targets, rows->count) ||
        XGDMatrixSetFloatInfo(matrix, "weight", rows->weights, rows->count))
        return failed("labels", err);
    return 0;
}

int boosting_train(struct arena *arena, const struct boosting_rows *rows,
                   const struct boosting_settings *settings, struct forest *out, struct err *err) {
    DMatrixHandle matrix;
    BoosterHandle booster;
    *out = (struct forest){0};
    if (XGDMatrixCreateFromMat(rows->inputs, rows->count, rows->dims, NAN, &matrix))
        return failed("a matrix", err);
    if (fill(matrix, rows, err) || XGBoosterCreate(&matrix, 1, &booster)) {
        XGDMatrixFree(matrix);
        return failed("a booster", err);
    }
    int code = boost(matrix, booster, settings, err);
    if (!code)
        code = take_trees(arena, booster, rows->dims, out, err);
    XGBoosterFree(booster);
    XGDMatrixFree(matrix);
    return code;
}

#else

int boosting_available(struct err *err) {
    err_set(err, ERR_ENVIRONMENT, "this program was built without XGBoost");
    return err_hint(err, "install libxgboost-dev and build again");
}

int boosting_train(struct arena *arena, const struct boosting_rows *rows,
                   const struct boosting_settings *settings, struct forest *out, struct err *err) {
    (void)arena, (void)rows, (void)settings, (void)out;
    return boosting_available(err);
}

#endif
