#include "collectors/onnxruntime/weights.h"

#include "base/file.h"
#include "collectors/onnxruntime/fill.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* Values have this standard deviation in types of a byte or less. */
enum { QUANTISED_DEVIATION = 16 };

struct weight_file {
    const char *location;
    uint64_t length;
};

struct making {
    struct arena *arena;
    const struct collect_config *config;
    struct weight_file *files;
    uint32_t file_count, capacity;
    uint64_t total_bytes;
    struct err *err;
};

/* ---- which files ------------------------------------------------------------------------------
 */

static int check_slot(struct making *m, const struct weight_slot *slot, uint64_t *end) {
    if (__builtin_add_overflow(slot->offset_bytes, slot->length_bytes, end) || *end > (uint64_t)1
                                                                                          << 46)
        return err_set(m->err, ERR_INPUT, "external data of '%s' ends beyond 2^46 bytes",
                       slot->location);
    if (dtype_bytes(slot->dtype, slot->elements) > slot->length_bytes)
        return err_set(m->err, ERR_INPUT,
                       "external data of '%s' at offset %llu has %llu bytes, too few for its "
                       "tensor",
                       slot->location, (unsigned long long)slot->offset_bytes,
                       (unsigned long long)slot->length_bytes);
    if (slot->location[0] == '/' || strstr(slot->location, ".."))
        return err_set(m->err, ERR_INPUT, "external data in '%s' is outside the model's folder",
                       slot->location);
    return 0;
}

static struct weight_file *file_of(struct making *m, const char *location) {
    for (uint32_t i = 0; i < m->file_count; i++)
        if (strcmp(m->files[i].location, location) == 0)
            return &m->files[i];
    struct weight_file *file = ARENA_PUSH(m->arena, m->files, m->file_count, m->capacity);
    file->location = location;
    return file;
}

/* The files named, each as long as its last slot needs. */
static int list_files(struct making *m) {
    for (uint32_t i = 0; i < m->config->slot_count; i++) {
        const struct weight_slot *slot = &m->config->slots[i];
        uint64_t end;
        int code = check_slot(m, slot, &end);
        if (code)
            return code;
        struct weight_file *file = file_of(m, slot->location);
        if (end > file->length)
            file->length = end;
    }
    for (uint32_t i = 0; i < m->file_count; i++)
        m->total_bytes += m->files[i].length;
    return 0;
}

/* ---- writing ----------------------------------------------------------------------------------
 */

static struct fill fill_of(const struct weight_slot *slot) {
    const struct dtype_info *info = dtype_info(slot->dtype);
    if (slot->scale == 0)
        return (struct fill){FILL_CONSTANT, 1, 0};
    return (struct fill){FILL_NORMAL, 0,
                         info && info->bits <= 8 ? QUANTISED_DEVIATION : slot->scale};
}

static void fill_file(struct making *m, const struct weight_file *file, char *bytes) {
    for (uint32_t i = 0; i < m->config->slot_count; i++) {
        const struct weight_slot *slot = &m->config->slots[i];
        if (strcmp(slot->location, file->location) == 0)
            fill_values(bytes + slot->offset_bytes, slot->dtype, slot->elements, fill_of(slot),
                        m->config->seed + i);
    }
}

static int fill_through_map(struct making *m, const struct weight_file *file, int fd,
                            const char *path) {
    /* Room is claimed first: a write into a map with no room behind it is a fatal signal. */
    int failed = posix_fallocate(fd, 0, (off_t)file->length);
    void *bytes = failed
                      ? MAP_FAILED
                      : mmap(NULL, (size_t)file->length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (bytes == MAP_FAILED)
        return err_set(m->err, ERR_ENVIRONMENT, "no room for %llu bytes of weights in %s",
                       (unsigned long long)file->length, path);
    fill_file(m, file, bytes);
    munmap(bytes, (size_t)file->length);
    return 0;
}

static int write_file(struct making *m, const struct weight_file *file, const char *folder) {
    char *path = arena_printf(m->arena, "%s/%s", folder, file->location);
    char *slash = strrchr(path, '/');
    *slash = '\0';
    int code = file_make_folders(path, m->err);
    *slash = '/';
    if (code)
        return code;
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 || ftruncate(fd, (off_t)file->length))
        code = err_set_errno(m->err, ERR_ENVIRONMENT, "cannot make %s", path);
    else if (m->config->weights == WEIGHTS_SYNTHESIZED && file->length)
        code = fill_through_map(m, file, fd, path);
    if (fd >= 0)
        close(fd);
    return code;
}

/* Memory, when it has room for all with some to spare. */
static const char *choose_base(const struct making *m) {
    static const char memory[] = "/dev/shm";
    struct statvfs room;
    if (m->config->weights == WEIGHTS_SYNTHESIZED && access(memory, W_OK) == 0 &&
        statvfs(memory, &room) == 0 &&
        (double)room.f_bavail * (double)room.f_frsize > 1.1 * (double)m->total_bytes)
        return memory;
    return scratch_base();
}

int weights_open(struct scratch *place, struct arena *arena, const struct collect_config *config,
                 struct err *err) {
    *place = (struct scratch){NULL, -1};
    if (config->weights == WEIGHTS_FROM_FILES || config->slot_count == 0)
        return 0;
    struct making m = {.arena = arena, .config = config, .err = err};
    int code = list_files(&m);
    if (!code)
        code = scratch_open(place, arena, choose_base(&m), err);
    for (uint32_t i = 0; !code && i < m.file_count; i++)
        code = write_file(&m, &m.files[i], place->path);
    if (code)
        scratch_close(place);
    return code;
}
