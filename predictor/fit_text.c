#include "predictor/fit_text.h"

#include "base/json.h"
#include "predictor/class_fit.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { FIT_VERSION = 7 };

static const char *const basis_names[] = {
    [BASIS_OWN] = "own",
    [BASIS_SCALED_FAMILY] = "scaled-family",
};

_Static_assert(sizeof basis_names / sizeof *basis_names == BASIS_COUNT, "a name for each basis");

/* ---- writing --------------------------------------------------------------------------------- */

static void write_class(cJSON *list, const struct class_fit *fit) {
    cJSON *item = json_add_object(list, NULL);
    json_add_text(item, "class", fit->key);
    json_add_text(item, "family", family_info(fit->family)->name);
    json_add_text(item, "basis", basis_names[fit->basis]);
    json_add_uint(item, "observations", fit->observations);
    json_add_uint(item, "models", fit->models);
    json_add_number(item, "slowdown", fit->slowdown);
    json_add_number(item, "log_spread", fit->log_spread);
    json_add_number(item, "log_bias", fit->log_bias);
    json_add_number(item, "residual_share", fit->residual_share);
    json_add_number(item, "flops_high", fit->flops_high);
    json_add_number(item, "bytes_high", fit->bytes_high);
    cJSON *rates = json_add_object(item, "ns_per");
    const char *const *terms = family_info(fit->family)->terms;
    for (int i = 0; i < FEATURE_TERMS_MAX && terms[i]; i++)
        json_add_number(rates, terms[i], fit->rates[i]);
    if (fit->residual.state)
        residual_write(&fit->residual, json_add_object(item, "residual"));
}

static void write_quantity(cJSON *list, enum quantity quantity, const struct quantity_fit *fit) {
    cJSON *item = json_add_object(list, NULL);
    json_add_text(item, "quantity", quantity_name(quantity));
    json_add_uint(item, "runs", fit->runs);
    json_add_number(item, "log_spread", fit->log_spread);
    json_add_number(item, "log_spread_doubtful", fit->log_spread_doubtful);
    json_add_number(item, "interval_scale", fit->interval_scale);
    json_add_number(item, "upper_scale", fit->upper_scale);
    cJSON *rates = json_add_object(item, "per");
    for (int i = 0; quantity_term(quantity, i); i++)
        json_add_number(rates, quantity_term(quantity, i), fit->rates[i]);
}

void fit_write(const struct fit *fit, struct strbuf *out) {
    cJSON *tree = json_object();
    json_add_int(tree, "fit_version", FIT_VERSION);
    json_add_uint(tree, "runs", fit->runs);
    json_add_uint(tree, "observations", fit->observations);
    json_add_text(tree, "data_sha256", fit->data_hash);
    json_add_number(tree, "sum_ratio", fit->sum_ratio);
    json_add_number(tree, "speed_log_spread", fit->speed_log_spread);
    json_add_number(tree, "speed_change_log_spread", fit->speed_change_log_spread);
    json_add_number(tree, "usual_probe_ns", fit->usual.probe_ns);
    json_add_number(tree, "usual_reference_ns", fit->usual.reference_ns);
    json_add_number(tree, "wall_ratio", fit->wall_ratio);
    json_add_number(tree, "cpu_ratio", fit->cpu_ratio);
    cJSON *spread = json_add_object(tree, "spread");
    json_add_number(spread, "scale", fit->spread.scale);
    for (int p = 0; p < SPREAD_PART_COUNT; p++)
        json_add_number(spread, spread_part_name((enum spread_part)p), fit->spread.weights[p]);
    json_add_number(tree, "forget_ns", fit->cost.forget_ns);
    cJSON *roofline = json_add_object(tree, "roofline");
    json_add_number(roofline, "flops_per_ns", fit->cost.roofline.flops_per_ns);
    json_add_number(roofline, "bytes_per_ns", fit->cost.roofline.bytes_per_ns);
    json_add_number(roofline, "call_ns", fit->cost.roofline.call_ns);
    cJSON *families = json_add_array(tree, "families");
    for (int f = 0; f < FAMILY_COUNT; f++)
        if (fit->cost.families[f].observations)
            write_class(families, &fit->cost.families[f]);
    cJSON *classes = json_add_array(tree, "classes");
    for (uint32_t i = 0; i < fit->cost.class_count; i++)
        write_class(classes, &fit->cost.classes[i]);
    cJSON *quantities = json_add_array(tree, "quantities");
    for (int q = 0; q < QUANTITY_COUNT; q++)
        write_quantity(quantities, (enum quantity)q, &fit->quantities[q]);
    json_print(tree, true, out);
    strbuf_puts(out, "\n");
    cJSON_Delete(tree);
}

/* ---- reading --------------------------------------------------------------------------------- */

static int get_count(const cJSON *object, const char *key, uint32_t *value, struct err *err) {
    int64_t number;
    if (json_get_int(object, key, &number, err))
        return -(int)err->code;
    if (number < 0 || number > UINT32_MAX)
        return err_set(err, ERR_INPUT, "%s is out of range", key);
    *value = (uint32_t)number;
    return 0;
}

struct number_row {
    const char *key;
    double *value;
};

static int get_numbers(const cJSON *object, const struct number_row *rows, size_t count,
                       struct err *err) {
    for (size_t i = 0; i < count; i++)
        if (json_get_number(object, rows[i].key, rows[i].value, err))
            return -(int)err->code;
    return 0;
}

#define GET_NUMBERS(object, err, ...)                                                              \
    get_numbers(object, (const struct number_row[]){__VA_ARGS__},                                  \
                sizeof((const struct number_row[]){__VA_ARGS__}) / sizeof(struct number_row), err)

static int name_index(const char *name, int count, const char *(*at)(int), struct err *err) {
    for (int i = 0; i < count; i++)
        if (strcmp(at(i), name) == 0)
            return i;
    return err_set(err, ERR_INPUT, "'%s' is not known to this version", name);
}

static const char *family_at(int i) {
    return family_info((enum kernel_family)i)->name;
}

static const char *basis_at(int i) {
    return basis_names[i];
}

static const char *quantity_at(int i) {
    return quantity_name((enum quantity)i);
}

static int read_residual(struct arena *arena, const cJSON *item, struct class_fit *fit,
                         struct err *err) {
    const cJSON *object = cJSON_GetObjectItemCaseSensitive(item, "residual");
    return object ? residual_read(arena, object, class_fit_inputs(fit->family), &fit->residual, err)
                  : 0;
}

static int read_class(struct arena *arena, const cJSON *item, struct class_fit *fit,
                      struct err *err) {
    const char *key, *family, *basis;
    const cJSON *rates;
    if (json_get_text(item, "class", &key, err) || json_get_text(item, "family", &family, err) ||
        json_get_text(item, "basis", &basis, err) ||
        get_count(item, "observations", &fit->observations, err) ||
        get_count(item, "models", &fit->models, err) ||
        GET_NUMBERS(item, err, {"slowdown", &fit->slowdown}, {"log_spread", &fit->log_spread},
                    {"log_bias", &fit->log_bias}, {"residual_share", &fit->residual_share},
                    {"flops_high", &fit->flops_high}, {"bytes_high", &fit->bytes_high}) ||
        json_get_tree(item, "ns_per", cJSON_Object, &rates, err))
        return -(int)err->code;
    int family_index = name_index(family, FAMILY_COUNT, family_at, err);
    int basis_index = name_index(basis, BASIS_COUNT, basis_at, err);
    if (family_index < 0 || basis_index < 0)
        return -(int)err->code;
    fit->key = arena_strdup(arena, key);
    fit->family = (enum kernel_family)family_index;
    fit->basis = (enum class_basis)basis_index;
    const char *const *terms = family_info(fit->family)->terms;
    for (int i = 0; i < FEATURE_TERMS_MAX && terms[i]; i++)
        if (json_get_number(rates, terms[i], &fit->rates[i], err))
            return err_prefix(err, "kernel class %s", key);
    return read_residual(arena, item, fit, err) ? err_prefix(err, "kernel class %s", key) : 0;
}

static int read_classes(struct arena *arena, const cJSON *tree, struct cost_model *cost,
                        struct err *err) {
    const cJSON *families, *classes, *item;
    if (json_get_tree(tree, "families", cJSON_Array, &families, err) ||
        json_get_tree(tree, "classes", cJSON_Array, &classes, err))
        return -(int)err->code;
    for (int f = 0; f < FAMILY_COUNT; f++)
        cost->families[f] =
            (struct class_fit){.key = family_at(f), .family = (enum kernel_family)f};
    cJSON_ArrayForEach(item, families) {
        struct class_fit fit = {0};
        if (read_class(arena, item, &fit, err))
            return -(int)err->code;
        cost->families[fit.family] = fit;
    }
    cost->classes = ARENA_ARRAY(arena, (size_t)cJSON_GetArraySize(classes), struct class_fit);
    cJSON_ArrayForEach(item, classes) {
        if (read_class(arena, item, &cost->classes[cost->class_count++], err))
            return -(int)err->code;
    }
    return 0;
}

static int read_quantities(const cJSON *tree, struct fit *fit, struct err *err) {
    const cJSON *list, *item, *rates;
    if (json_get_tree(tree, "quantities", cJSON_Array, &list, err))
        return -(int)err->code;
    cJSON_ArrayForEach(item, list) {
        const char *name;
        if (json_get_text(item, "quantity", &name, err))
            return -(int)err->code;
        int index = name_index(name, QUANTITY_COUNT, quantity_at, err);
        if (index < 0)
            return -(int)err->code;
        struct quantity_fit *quantity = &fit->quantities[index];
        if (get_count(item, "runs", &quantity->runs, err) ||
            GET_NUMBERS(item, err, {"log_spread", &quantity->log_spread},
                        {"log_spread_doubtful", &quantity->log_spread_doubtful},
                        {"interval_scale", &quantity->interval_scale},
                        {"upper_scale", &quantity->upper_scale}) ||
            json_get_tree(item, "per", cJSON_Object, &rates, err))
            return -(int)err->code;
        for (int i = 0; quantity_term((enum quantity)index, i); i++)
            if (json_get_number(rates, quantity_term((enum quantity)index, i), &quantity->rates[i],
                                err))
                return -(int)err->code;
    }
    return 0;
}

static int read_spread(const cJSON *tree, struct run_spread *spread, struct err *err) {
    const cJSON *object;
    if (json_get_tree(tree, "spread", cJSON_Object, &object, err) ||
        json_get_number(object, "scale", &spread->scale, err))
        return -(int)err->code;
    for (int p = 0; p < SPREAD_PART_COUNT; p++)
        if (json_get_number(object, spread_part_name((enum spread_part)p), &spread->weights[p],
                            err))
            return -(int)err->code;
    return 0;
}

static int read_tree(struct arena *arena, const cJSON *tree, struct fit *out, struct err *err) {
    int64_t version;
    const char *hash;
    const cJSON *roofline;
    if (json_get_int(tree, "fit_version", &version, err))
        return -(int)err->code;
    if (version != FIT_VERSION)
        return err_set(err, ERR_INPUT, "version %lld of a fit, this program reads %d",
                       (long long)version, FIT_VERSION);
    struct roofline *roof = &out->cost.roofline;
    if (get_count(tree, "runs", &out->runs, err) ||
        get_count(tree, "observations", &out->observations, err) ||
        json_get_text(tree, "data_sha256", &hash, err) ||
        GET_NUMBERS(tree, err, {"forget_ns", &out->cost.forget_ns}, {"sum_ratio", &out->sum_ratio},
                    {"speed_log_spread", &out->speed_log_spread},
                    {"speed_change_log_spread", &out->speed_change_log_spread},
                    {"usual_probe_ns", &out->usual.probe_ns},
                    {"usual_reference_ns", &out->usual.reference_ns},
                    {"wall_ratio", &out->wall_ratio}, {"cpu_ratio", &out->cpu_ratio}) ||
        read_spread(tree, &out->spread, err) ||
        json_get_tree(tree, "roofline", cJSON_Object, &roofline, err) ||
        GET_NUMBERS(roofline, err, {"flops_per_ns", &roof->flops_per_ns},
                    {"bytes_per_ns", &roof->bytes_per_ns}, {"call_ns", &roof->call_ns}))
        return -(int)err->code;
    snprintf(out->data_hash, sizeof out->data_hash, "%s", hash);
    if (read_classes(arena, tree, &out->cost, err))
        return -(int)err->code;
    return read_quantities(tree, out, err);
}

int fit_read(struct arena *arena, const char *text, struct fit *out, struct err *err) {
    *out = (struct fit){.evidence = ""};
    cJSON *tree = json_parse(text, strlen(text), "stored fit", err);
    int code = tree ? read_tree(arena, tree, out, err) : -(int)err->code;
    cJSON_Delete(tree);
    return code ? err_hint(err, "make it again with `assay fit`") : 0;
}
