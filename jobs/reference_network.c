#include "jobs/reference_network.h"

#include "base/file.h"
#include "models/zoo/zoo.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* 1.4 ms of a CPU's time, and 5 MB of weights: more than second-level caches hold, so that it feels
 * what neighbours take of the next one, little enough that a few runs bring them back. Other sizes
 * or seeds would make readings of earlier versions worthless. */
static const char reference_name[] = "squeezenet1_1";
static const struct zoo_options reference_options = {.image_size = 128, .seed = 1};

static int build_network(struct strbuf *bytes, struct err *err) {
    struct arena arena;
    struct zoo_model model;
    arena_init(&arena);
    int code = zoo_build(&arena, reference_name, &reference_options, &model, err);
    if (!code) {
        const struct onnx_weights weights = zoo_weights(&model, ONNX_WEIGHTS_INLINE);
        code = onnx_write_bytes(model.graph, &weights, bytes, err);
    }
    arena_done(&arena);
    return code;
}

/* A file that is nowhere, so that none is left behind by a process that is killed. Returns its
 * descriptor. */
static int memory_file(struct err *err) {
    struct strbuf bytes;
    strbuf_init(&bytes);
    int fd = -1, code = build_network(&bytes, err);
    if (!code && ((fd = memfd_create("assay-reference.onnx", MFD_CLOEXEC)) < 0 ||
                  file_write_all(fd, bytes.text, bytes.length)))
        code = err_set_errno(err, ERR_ENVIRONMENT, "no memory for the reference network");
    strbuf_done(&bytes);
    if (code && fd >= 0)
        close(fd);
    return code ? code : fd;
}

int reference_network_open(struct arena *arena, const struct collector *collector, uint32_t threads,
                           struct reference *out, struct err *err) {
    *out = (struct reference){0};
    if (!collector->format || strcmp(collector->format, "onnx") != 0)
        return 0;
    int fd = memory_file(err);
    if (fd < 0)
        return fd;
    const struct collect_config config = {
        .model_path = arena_printf(arena, "/proc/%d/fd/%d", (int)getpid(), fd),
        .threads = threads,
        .seed = 1,
    };
    int code = reference_open(out, arena, collector, &config, err);
    close(fd);
    return code;
}
