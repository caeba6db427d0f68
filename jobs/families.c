#include "jobs/families.h"

#include "models/zoo/zoo.h"
#include "predictor/alike.h"

#include <fnmatch.h>
#include <string.h>

int family_pattern_parse(struct arena *arena, const char *text, struct family_pattern *out,
                         struct err *err) {
    const char *sign = strchr(text, '=');
    if (!sign || sign == text || !sign[1])
        return err_set(err, ERR_USAGE,
                       "--family wants NAME=PATTERN, such as yolo='yolo*', not '%s'", text);
    *out = (struct family_pattern){arena_strndup(arena, text, (size_t)(sign - text)), sign + 1};
    return 0;
}

static const char random_prefix[] = "random/";

static bool is_random(const char *model_name) {
    return strncmp(model_name, random_prefix, strlen(random_prefix)) == 0;
}

static const char *recipe_of(struct arena *arena, const char *model_name) {
    size_t prefix = strlen(random_prefix);
    return arena_strndup(arena, model_name, prefix + strcspn(model_name + prefix, "/"));
}

static const char *zoo_family_of(const char *model_name) {
    for (size_t f = 0; f < zoo_family_count; f++)
        for (size_t i = 0; i < zoo_families[f]->count; i++)
            if (strcmp(zoo_families[f]->rows[i].name, model_name) == 0)
                return zoo_families[f]->name;
    return NULL;
}

static const char *name_given(struct arena *arena, const char *model_name,
                              const struct family_pattern *patterns, uint32_t count) {
    for (uint32_t i = 0; i < count; i++)
        if (fnmatch(patterns[i].pattern, model_name, 0) == 0)
            return patterns[i].name;
    return is_random(model_name) ? recipe_of(arena, model_name) : zoo_family_of(model_name);
}

/* Random networks are what every calibrated machine has: models of others do not join them. */
const char *const *families_of(struct arena *arena, const struct training *training,
                               const struct family_pattern *patterns, uint32_t pattern_count) {
    uint32_t runs = training->run_count, others = 0;
    const char **names = ARENA_ARRAY(arena, runs + 1u, const char *);
    const char **given = ARENA_ARRAY(arena, runs + 1u, const char *);
    bool *keep = ARENA_ARRAY(arena, runs + 1u, bool);
    for (uint32_t r = 0; r < runs; r++) {
        const char *model_name = training->runs[r].model_name;
        names[r] = name_given(arena, model_name, patterns, pattern_count);
        keep[r] = !is_random(model_name);
        if (keep[r])
            given[others++] = names[r];
    }
    const struct training kept = training_kept(arena, training, keep);
    const char *const *found = alike_families(arena, &kept, given);
    others = 0;
    for (uint32_t r = 0; r < runs; r++)
        if (keep[r])
            names[r] = found[others++];
    return names;
}
