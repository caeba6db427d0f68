#include "jobs/manifests.h"

#include "base/file.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* ---- from the plan ----------------------------------------------------------------------------
 */

/* What happens inside the pod: the phases that were given happen before it starts. */
static struct estimate start_of_process(const struct cold_start *start) {
    struct estimate total = start->total_ns;
    if (start->phase_count == 0)
        return estimate_refused();
    for (uint32_t i = 0; i < start->phase_count; i++) {
        const struct estimate *phase = &start->phases[i].ns;
        if (phase->tier != TIER_GIVEN)
            continue;
        total.value -= phase->value;
        total.low -= phase->value;
        total.high -= phase->value;
    }
    return total;
}

static struct manifest_proof proof_of(const struct service_level *level) {
    return (struct manifest_proof){level->replicas,   level->utilisation, level->response_ns,
                                   level->percentile, level->target_ns,   level->meets};
}

static void take_nodes(struct arena *arena, const struct plan_answer *answer,
                       struct manifest_input *out) {
    struct manifest_node *nodes = ARENA_ARRAY(arena, answer->node_count, struct manifest_node);
    for (uint32_t i = 0; i < answer->node_count; i++)
        nodes[i] = (struct manifest_node){.name = answer->nodes[i].type->name,
                                          .count = answer->nodes[i].count,
                                          .cpus = answer->nodes[i].type->cpus,
                                          .memory_bytes = answer->nodes[i].type->memory_bytes};
    out->nodes = nodes;
    out->node_count = answer->node_count;
    if (answer->node_count) {
        out->price_date = answer->nodes[0].type->price_date;
        out->price_source = answer->nodes[0].type->price_source;
    }
    out->usd_per_hour = answer->usd_per_hour;
}

static void take_prediction(struct arena *arena, const struct prediction *prediction,
                            struct manifest_input *out) {
    out->model_sha256 = prediction->model.sha256;
    out->machine_fingerprint = prediction->machine_fingerprint;
    out->runtime = arena_printf(arena, "%s %s", prediction->conditions.runtime,
                                prediction->conditions.runtime_version);
    out->batch = prediction->conditions.batch;
    out->peak_memory_bytes = prediction->peak_memory_bytes;
    out->cold_start_ns = start_of_process(&prediction->cold_start);
}

void manifest_input_of(struct arena *arena, const struct planned *planned,
                       struct manifest_input *out) {
    const struct plan *plan = &planned->plan;
    *out = (struct manifest_input){
        .model = plan->model,
        .machine = plan->machine,
        .threads = plan_choice(plan)->threads,
        .targets = plan->targets,
        .target_count = plan->target_count,
        .rate_per_second = plan->rate_per_second,
        .routing = routing_info(plan->routing)->name,
        .routing_as_service = plan->routing == ROUTING_RANDOM,
        .replicas = plan->high.replicas,
        .extra_replicas = plan->high.replicas - plan->high.n.replicas,
        .n = proof_of(&plan->high.n),
        .less = proof_of(&plan->high.less),
        .latency_ns = plan->latency_ns,
        .memory_bytes = plan_choice(plan)->memory_bytes,
        .memory_confidence = plan->memory_confidence,
    };
    take_prediction(arena, &planned->predicted.prediction, out);
    take_nodes(arena, &plan->high, out);
}

/* ---- into the folder --------------------------------------------------------------------------
 */

static const char *in_folder(struct arena *arena, const char *folder, const char *path) {
    size_t length = strlen(folder);
    while (length > 1 && folder[length - 1] == '/')
        length--;
    return arena_printf(arena, "%.*s/%s", (int)length, folder, path);
}

enum owner { OWNER_NOBODY, OWNER_ASSAY, OWNER_OTHER };

/* Whose file it is, by how it begins. */
static enum owner owner_of(const char *path) {
    struct err ignored = {0};
    struct file_map map;
    if (access(path, F_OK) != 0 && (errno == ENOENT || errno == ENOTDIR))
        return OWNER_NOBODY;
    if (file_map_open(&map, path, &ignored))
        return OWNER_OTHER;
    size_t length = strlen(manifest_mark);
    bool ours = map.size >= length && memcmp(map.bytes, manifest_mark, length) == 0;
    file_map_close(&map);
    return ours ? OWNER_ASSAY : OWNER_OTHER;
}

static int check_owners(struct arena *arena, const char *folder, struct err *err) {
    for (uint32_t i = 0; manifest_path(i); i++) {
        const char *path = in_folder(arena, folder, manifest_path(i));
        if (owner_of(path) != OWNER_OTHER)
            continue;
        return err_hint((err_set(err, ERR_INPUT, "%s was not written by assay plan", path), err),
                        "name an empty folder, or move that file away");
    }
    return 0;
}

static bool is_written(const struct manifests *manifests, const char *path) {
    for (uint32_t i = 0; i < manifests->count; i++)
        if (strcmp(manifests->files[i].path, path) == 0)
            return true;
    return false;
}

/* What an earlier call with another autoscaler left: applied beside the new one it would fight it.
 */
static int remove_others(struct arena *arena, const char *folder, const struct manifests *manifests,
                         struct err *err) {
    for (uint32_t i = 0; manifest_path(i); i++) {
        const char *path = in_folder(arena, folder, manifest_path(i));
        if (is_written(manifests, manifest_path(i)) || owner_of(path) != OWNER_ASSAY)
            continue;
        if (unlink(path) != 0)
            return err_set_errno(err, ERR_ENVIRONMENT, "%s: cannot be removed", path);
    }
    return 0;
}

static int write_one(struct arena *arena, const char *path, const struct strbuf *text,
                     struct err *err) {
    const char *slash = strrchr(path, '/');
    const char *folder = arena_strndup(arena, path, (size_t)(slash - path));
    if (file_make_folders(folder, err))
        return -(int)err->code;
    return file_replace(path, text->text, text->length, err);
}

static int write_all(struct arena *arena, const char *folder, const struct manifests *manifests,
                     struct manifests_written *out, struct err *err) {
    const char **paths = ARENA_ARRAY(arena, manifests->count, const char *);
    if (check_owners(arena, folder, err) || remove_others(arena, folder, manifests, err))
        return -(int)err->code;
    for (uint32_t i = 0; i < manifests->count; i++) {
        paths[i] = in_folder(arena, folder, manifests->files[i].path);
        if (write_one(arena, paths[i], &manifests->files[i].text, err))
            return -(int)err->code;
    }
    out->paths = paths;
    out->count = manifests->count;
    out->notes = manifests->notes;
    out->note_count = manifests->note_count;
    return 0;
}

int job_manifests(struct arena *arena, const struct planned *planned,
                  const struct manifest_settings *settings, const char *folder,
                  struct manifests_written *out, struct err *err) {
    struct manifest_input input;
    struct manifests manifests;
    *out = (struct manifests_written){0};
    if (!planned->plan.model)
        return err_hint((err_set(err, ERR_USAGE, "manifests need a model"), err),
                        "a service time alone says nothing of the memory that a pod must ask for");
    if (*folder == '\0')
        return err_set(err, ERR_USAGE, "the folder for the manifests has no name");
    manifest_input_of(arena, planned, &input);
    if (manifests_make(arena, &input, settings, &manifests, err))
        return -(int)err->code;
    int code = write_all(arena, folder, &manifests, out, err);
    manifests_done(&manifests);
    return code;
}
