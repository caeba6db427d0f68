#include "collectors/onnxruntime/counting_allocator.h"

#include <stdlib.h>

enum { TAKEN_MAX = 1 << 12 };

static struct counting_allocator *self_of(struct ort_allocator *allocator) {
    return (struct counting_allocator *)allocator;
}

static void lock(struct counting_allocator *self) {
    while (atomic_flag_test_and_set_explicit(&self->busy, memory_order_acquire))
        ;
}

static void unlock(struct counting_allocator *self) {
    atomic_flag_clear_explicit(&self->busy, memory_order_release);
}

static void count(struct counting_allocator *self, void *block, size_t bytes) {
    if (!block)
        return;
    lock(self);
    self->allocated_bytes += bytes;
    if (block_put(&self->taken, &(struct block){.at = (uintptr_t)block, .bytes = bytes}))
        self->live_bytes += bytes;
    if (self->live_bytes > self->most_bytes)
        self->most_bytes = self->live_bytes;
    unlock(self);
}

/* What the arena takes of the system meanwhile is its own. */
static void *take(struct ort_allocator *allocator, size_t bytes) {
    struct counting_allocator *self = self_of(allocator);
    enum heap_purpose before = self->heap->purpose;
    uint64_t malloc_bytes = self->heap->allocated_bytes;
    self->heap->purpose = HEAP_ARENA;
    void *block = self->arena->take(self->arena, bytes);
    self->heap->purpose = before;
    self->region_bytes += self->heap->allocated_bytes - malloc_bytes;
    count(self, block, bytes);
    return block;
}

static void *reserve(struct ort_allocator *allocator, size_t bytes) {
    struct counting_allocator *self = self_of(allocator);
    void *block = self->arena->reserve(self->arena, bytes);
    count(self, block, bytes);
    return block;
}

static void give(struct ort_allocator *allocator, void *block) {
    struct counting_allocator *self = self_of(allocator);
    lock(self);
    size_t bytes = block ? block_take(&self->taken, (uintptr_t)block) : 0;
    self->freed_bytes += bytes;
    self->live_bytes -= bytes;
    unlock(self);
    self->arena->give(self->arena, block);
}

static const struct ort_memory_info *info(const struct ort_allocator *allocator) {
    return ((const struct counting_allocator *)allocator)->info;
}

/* ---- an arena to stand in front of -------------------------------------------------------------
 */

/* The smallest model: y = Identity(x), an ONNX ModelProto with IR version 8 and opset 13. */
static const unsigned char smallest_model[] = {
    0x08, 8,                                             /* ir_version */
    0x3a, 43,                                            /* graph { */
    0x0a, 16, 0x0a, 1,   'x', 0x12, 1,   'y',            /*   node { input "x" output "y" */
    0x22, 8,  'I',  'd', 'e', 'n',  't', 'i',  't', 'y', /*     op_type "Identity" } */
    0x12, 1,  'g',                                       /*   name "g" */
    0x5a, 9,  0x0a, 1,   'x', 0x12, 4,   0x0a, 2,   0x08,
    1, /*   input { name "x" type { float tensor */
    0x62, 9,  0x0a, 1,   'y', 0x12, 4,   0x0a, 2,   0x08,
    1,                  /*   output ... } */
    0x42, 2,  0x10, 13, /* opset_import { version 13 } */
};

static int open_arena(struct counting_allocator *self, const struct api *api, struct ort_env *env,
                      struct err *err) {
    struct ort_options *options;
    struct ort_session *session = NULL;
    struct ort_memory_info *arena_info;
    static const char what[] = "an arena of the runtime's";
    int code = api_check(api, api->CreateSessionOptions(&options), ERR_ENVIRONMENT, what, err);
    if (code)
        return code;
    code = api_check(api, api->SetIntraOpNumThreads(options, 1), ERR_ENVIRONMENT, what, err);
    if (!code)
        code = api_check(api,
                         api->CreateSessionFromArray(env, smallest_model, sizeof smallest_model,
                                                     options, &session),
                         ERR_ENVIRONMENT, what, err);
    if (!code)
        code = api_check(api, api->CreateCpuMemoryInfo(ORT_ALLOCATOR_ARENA, 0, &arena_info),
                         ERR_ENVIRONMENT, what, err);
    if (!code)
        code = api_check(api, api->CreateAllocator(session, arena_info, &self->arena),
                         ERR_ENVIRONMENT, what, err);
    api->ReleaseSessionOptions(options);
    return code;
}

int counting_allocator_register(struct counting_allocator *self, const struct api *api,
                                struct ort_env *env, struct heap_link *heap, struct err *err) {
    *self = (struct counting_allocator){
        .allocator =
            {.version = api->version, .take = take, .give = give, .info = info, .reserve = reserve},
        .heap = heap,
        .busy = ATOMIC_FLAG_INIT,
    };
    self->taken = (struct block_table){calloc(TAKEN_MAX, sizeof(struct block)), TAKEN_MAX - 1, 0};
    if (!self->taken.blocks)
        return err_set(err, ERR_ENVIRONMENT, "out of memory");
    int code = open_arena(self, api, env, err);
    if (!code)
        code = api_check(api, api->CreateCpuMemoryInfo(ORT_ALLOCATOR_DEVICE, 0, &self->info),
                         ERR_ENVIRONMENT, "memory of the CPU", err);
    return code ? code
                : api_check(api, api->RegisterAllocator(env, &self->allocator), ERR_ENVIRONMENT,
                            "registering the counting allocator", err);
}
