/* Any bytes as an export of Nsight Systems: see foreign_fuzz.h. */
#include "tests/fuzz/foreign_fuzz.h"

#include "db/foreign_nsight.h"
#include "tests/unit/nsight_sample.h"

#include <fcntl.h>

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    const char *folder = getenv("ASSAY_FUZZ_SEEDS");
    char path[PATH_MAX];
    (void)argc, (void)argv;
    if (!folder)
        return 0;
    snprintf(path, sizeof path, "%s/sample", folder);
    unlink(path);
    nsight_sample(path, "PRAGMA page_size = 512;" NSIGHT_STRINGS NSIGHT_KERNELS NSIGHT_OTHERS);
    snprintf(path, sizeof path, "%s/kernels", folder);
    unlink(path);
    nsight_sample(path, "PRAGMA page_size = 512;" NSIGHT_STRINGS NSIGHT_KERNELS);
    return 0;
}

static char file_path[64];

static void remove_file(void) {
    unlink(file_path);
}

/* SQLite resolves links, so the file has to have a name: in a folder that is memory. */
static int open_file(void) {
    snprintf(file_path, sizeof file_path, "/dev/shm/assay-fuzz-%d", (int)getpid());
    atexit(remove_file);
    return open(file_path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static int fd = -1;
    struct span_sink sink = {NULL, check_span, check_row, check_sample, check_track, check_fact};
    struct nsight_outcome out;
    struct err err = {0};
    if (fd < 0)
        fd = open_file();
    if (ftruncate(fd, 0) || pwrite(fd, data, size, 0) != (ssize_t)size)
        abort();
    int rc = nsight_read(file_path, &sink, &out, &err);
    if (rc ? !err.message[0] : !out.complete && !out.reason[0])
        abort();
    return 0;
}
