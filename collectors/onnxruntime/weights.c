#include "collectors/onnxruntime/weights.h"

#include "collectors/onnxruntime/fill.h"

#include <string.h>
#include <sys/mman.h>

struct making {
    struct weights *weights;
    struct arena *arena;
    const struct collect_config *config;
    const char **names;
    struct err *err;
};

static int file_index(struct making *m, const char *location) {
    for (uint32_t i = 0; i < m->weights->file_count; i++)
        if (strcmp(m->names[i], location) == 0)
            return (int)i;
    return -1;
}

/* The files named, each as long as its last slot needs. */
static int list_files(struct making *m) {
    const struct collect_config *config = m->config;
    struct weights *weights = m->weights;
    weights->lengths = ARENA_ARRAY(m->arena, config->slot_count, size_t);
    m->names = ARENA_ARRAY(m->arena, config->slot_count, const char *);
    for (uint32_t i = 0; i < config->slot_count; i++) {
        const struct weight_slot *slot = &config->slots[i];
        uint64_t end;
        if (__builtin_add_overflow(slot->offset_bytes, slot->length_bytes, &end) ||
            end > (uint64_t)1 << 46)
            return err_set(m->err, ERR_INPUT, "external data of '%s' ends beyond 2^46 bytes",
                           slot->location);
        int file = file_index(m, slot->location);
        if (file < 0) {
            file = (int)weights->file_count++;
            m->names[file] = slot->location;
        }
        if (end > weights->lengths[file])
            weights->lengths[file] = (size_t)end;
    }
    return 0;
}

static int map_files(struct making *m) {
    struct weights *weights = m->weights;
    weights->buffers = ARENA_ARRAY(m->arena, weights->file_count, char *);
    for (uint32_t i = 0; i < weights->file_count; i++) {
        size_t length = weights->lengths[i] ? weights->lengths[i] : 1;
        void *buffer = mmap(NULL, length, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (buffer == MAP_FAILED)
            return err_set_errno(m->err, ERR_ENVIRONMENT, "no room for %zu bytes of weights",
                                 length);
        weights->buffers[i] = buffer;
    }
    return 0;
}

static struct fill slot_fill(const struct weight_slot *slot) {
    bool quantised = dtype_info(slot->dtype) && dtype_info(slot->dtype)->bits <= 8;
    if (slot->scale == 0)
        return (struct fill){FILL_CONSTANT, 1, 0};
    return (struct fill){FILL_NORMAL, 0, quantised ? 16 : slot->scale};
}

static int fill_slots(struct making *m) {
    for (uint32_t i = 0; i < m->config->slot_count; i++) {
        const struct weight_slot *slot = &m->config->slots[i];
        if (dtype_bytes(slot->dtype, slot->elements) > slot->length_bytes)
            return err_set(m->err, ERR_INPUT,
                           "external data of '%s' at %llu has %llu bytes, too few for its tensor",
                           slot->location, (unsigned long long)slot->offset_bytes,
                           (unsigned long long)slot->length_bytes);
        char *buffer = m->weights->buffers[file_index(m, slot->location)];
        fill_values(buffer + slot->offset_bytes, slot->dtype, slot->elements, slot_fill(slot),
                    m->config->seed + i);
    }
    return 0;
}

static int give_folder(struct making *m, const struct api *api, struct ort_options *options) {
    if (!m->config->weights_folder)
        return 0;
    return api_check(
        api,
        api->AddSessionConfigEntry(options, "session.model_external_initializers_file_folder_path",
                                   m->config->weights_folder),
        ERR_ENVIRONMENT, "setting the folder of the weights", m->err);
}

static int give_buffers(struct making *m, const struct api *api, struct ort_options *options) {
    if (!api->AddExternalInitializersFromFilesInMemory)
        return err_set(m->err, ERR_ENVIRONMENT,
                       "ONNX Runtime %s cannot take weights from memory: 1.18 or newer is needed",
                       api->version_string);
    return api_check(
        api,
        api->AddExternalInitializersFromFilesInMemory(options, m->names, m->weights->buffers,
                                                      m->weights->lengths, m->weights->file_count),
        ERR_INPUT, "handing over the weights", m->err);
}

int weights_open(struct weights *weights, struct arena *arena, const struct api *api,
                 struct ort_options *options, const struct collect_config *config,
                 struct err *err) {
    *weights = (struct weights){0};
    struct making m = {weights, arena, config, NULL, err};
    if (config->weights == WEIGHTS_FROM_FILES)
        return give_folder(&m, api, options);
    if (config->slot_count == 0)
        return 0;
    int code = list_files(&m);
    if (!code)
        code = map_files(&m);
    if (!code && config->weights == WEIGHTS_SYNTHESIZED)
        code = fill_slots(&m);
    return code ? code : give_buffers(&m, api, options);
}

void weights_close(struct weights *weights) {
    for (uint32_t i = 0; weights->buffers && i < weights->file_count; i++)
        if (weights->buffers[i])
            munmap(weights->buffers[i], weights->lengths[i] ? weights->lengths[i] : 1);
    *weights = (struct weights){0};
}
