#include "models/onnx/external.h"

#include "models/onnx/names.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- one location ---------------------------------------------------------------------------- */

static bool has_parent_part(const char *location) {
    for (const char *part = location; *part;) {
        size_t length = strcspn(part, "/");
        if (length == 2 && part[0] == '.' && part[1] == '.')
            return true;
        part += length + (part[length] == '/');
    }
    return false;
}

static int refuse(struct err *err, const char *location, const char *why) {
    err_set(err, ERR_INPUT, "external data at '%.200s' %s", location, why);
    return err_hint(err, "weight files must lie in the folder of the model file or below it");
}

static int check_text(const char *location, struct err *err) {
    if (location[0] == '\0')
        return refuse(err, location, "has no name");
    if (location[0] == '/')
        return refuse(err, location, "is an absolute path");
    if (has_parent_part(location))
        return refuse(err, location, "has '..' in its path");
    return 0;
}

static int folder_of(const char *model_path) {
    const char *slash = strrchr(model_path, '/');
    char folder[4096] = ".";
    size_t length = slash ? (size_t)(slash - model_path) + 1 : 1;
    if (length >= sizeof folder) {
        errno = ENAMETOOLONG;
        return -1;
    }
    if (slash)
        memcpy(folder, model_path, length);
    folder[length] = '\0';
    return open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

enum { FILE_FLAGS = O_RDONLY | O_CLOEXEC | O_NONBLOCK };

/* Without openat2 (before Linux 5.6, or under a filter): part by part, following no link at all. */
static int open_by_parts(int folder, const char *location) {
    int at = dup(folder);
    while (at >= 0) {
        size_t length = strcspn(location, "/");
        bool last = location[length] == '\0';
        char part[256];
        int next = -1;
        if (length >= sizeof part) {
            errno = ENAMETOOLONG;
        } else {
            memcpy(part, location, length);
            part[length] = '\0';
            int flags = last ? FILE_FLAGS : O_PATH | O_DIRECTORY | O_CLOEXEC;
            next = openat(at, length ? part : ".", flags | O_NOFOLLOW);
            struct stat status;
            if (next < 0 && errno == ENOTDIR &&
                fstatat(at, part, &status, AT_SYMLINK_NOFOLLOW) == 0)
                errno = S_ISLNK(status.st_mode) ? ELOOP : ENOTDIR;
        }
        int number = errno;
        close(at);
        errno = number;
        if (last || next < 0)
            return next;
        at = next;
        location += length + 1;
    }
    return -1;
}

static int open_beneath(int folder, const char *location) {
    struct open_how how = {.flags = FILE_FLAGS, .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
    long fd = syscall(SYS_openat2, folder, location, &how, sizeof how);
    if (fd < 0 && (errno == ENOSYS || errno == EPERM || errno == E2BIG))
        return open_by_parts(folder, location);
    return (int)fd;
}

static int say_why_not_opened(const char *location, struct err *err) {
    if (errno == EXDEV || errno == ELOOP)
        return refuse(err, location, "leaves the model's folder through a symbolic link");
    return err_set_errno(err, ERR_INPUT, "external data at '%.200s'", location);
}

int external_open(const char *model_path, const char *location, int *fd, struct err *err) {
    *fd = -1;
    int code = check_text(location, err);
    if (code)
        return code;
    int folder = folder_of(model_path);
    if (folder < 0)
        return err_set_errno(err, ERR_INPUT, "folder of %s", model_path);
    *fd = open_beneath(folder, location);
    int number = errno;
    close(folder);
    errno = number;
    if (*fd < 0)
        return errno == ENOENT ? 0 : say_why_not_opened(location, err);
    struct stat status;
    if (fstat(*fd, &status) == 0 && S_ISREG(status.st_mode))
        return 0;
    close(*fd);
    *fd = -1;
    return refuse(err, location, "is not a regular file");
}

/* ---- all of a model -------------------------------------------------------------------------- */

struct listing {
    struct arena *arena;
    const struct model *model;
    struct weight_files *out;
    uint32_t capacity;
    struct names names; /* location -> files[] */
    struct err *err;
};

static int add_file(struct listing *l, const struct tensor *tensor) {
    int fd;
    if (external_open(l->model->path, tensor->external->location, &fd, l->err))
        return err_prefix(l->err, "tensor '%.100s'", tensor->name);
    struct weight_file *file = ARENA_PUSH(l->arena, l->out->files, l->out->count, l->capacity);
    file->location = tensor->external->location;
    file->tensor = tensor->name;
    file->missing = fd < 0;
    l->out->missing_count += file->missing;
    if (fd >= 0) {
        struct stat status;
        file->size_bytes = fstat(fd, &status) == 0 ? (uint64_t)status.st_size : 0;
        close(fd);
    }
    return 0;
}

static int add_tensor(struct listing *l, const struct tensor *tensor) {
    const struct external_data *external = tensor->external;
    struct wire_text key = {external->location, strlen(external->location)};
    const int32_t *known = names_find(&l->names, key);
    if (!known) {
        int code = add_file(l, tensor);
        if (code)
            return code;
        names_add(&l->names, key, (int32_t)l->out->count - 1);
    }
    struct weight_file *file = &l->out->files[known ? (uint32_t)*known : l->out->count - 1];
    uint64_t end;
    bool too_long = __builtin_add_overflow(external->offset_bytes, external->length_bytes, &end);
    if (too_long || (!file->missing && end > file->size_bytes))
        return err_set(l->err, ERR_INPUT,
                       "tensor '%.100s' has its data at offset %llu, %llu bytes, of '%.200s', "
                       "which has %llu bytes",
                       tensor->name, (unsigned long long)external->offset_bytes,
                       (unsigned long long)external->length_bytes, file->location,
                       (unsigned long long)file->size_bytes);
    if (end > file->needed_bytes)
        file->needed_bytes = end;
    return 0;
}

/* Attribute tensors and initializers are all tensors of their graph. */
static int add_graph(struct listing *l, const struct graph *graph) {
    for (uint32_t t = 0; t < graph->tensor_count; t++)
        if (graph->tensors[t].external && add_tensor(l, &graph->tensors[t]))
            return -(int)l->err->code;
    for (uint32_t i = 0; i < graph->op_count; i++)
        for (uint32_t a = 0; a < graph->ops[i].attribute_count; a++)
            if (graph->ops[i].attributes[a].kind == ATTRIBUTE_GRAPH &&
                add_graph(l, graph->ops[i].attributes[a].graph))
                return -(int)l->err->code;
    return 0;
}

int external_list(struct arena *arena, const struct model *model, struct weight_files *out,
                  struct err *err) {
    *out = (struct weight_files){0};
    struct listing listing = {arena, model, out, 0, {.arena = arena}, err};
    int code = add_graph(&listing, model->graph);
    return code ? err_prefix(err, "%s", model->path) : 0;
}

int external_check(const struct model *model, struct err *err) {
    struct arena arena;
    struct weight_files files;
    arena_init(&arena);
    int code = external_list(&arena, model, &files, err);
    arena_done(&arena);
    return code;
}

int external_missing(struct arena *arena, const struct model *model, const char ***locations,
                     uint32_t *count, struct err *err) {
    struct weight_files files;
    *count = 0;
    int code = external_list(arena, model, &files, err);
    if (code)
        return code;
    *locations = ARENA_ARRAY(arena, files.missing_count, const char *);
    for (uint32_t i = 0; i < files.count; i++)
        if (files.files[i].missing)
            (*locations)[(*count)++] = files.files[i].location;
    return 0;
}
