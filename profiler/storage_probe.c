#include "profiler/storage_probe.h"

#include "base/stats.h"

#include <fcntl.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS = 5, PIECE = 4 << 20 };

struct probing {
    const char *folder;
    size_t bytes;
    int file;
    char *piece;
};

static double now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* Nothing that storage could compress or find twice. */
static void fill(char *piece, uint64_t seed) {
    for (size_t i = 0; i + sizeof seed <= PIECE; i += sizeof seed) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        memcpy(piece + i, &seed, sizeof seed);
    }
}

static int write_file(const struct probing *p, struct err *err) {
    for (size_t done = 0; done < p->bytes; done += PIECE) {
        fill(p->piece, done + 1);
        if (write(p->file, p->piece, PIECE) != PIECE)
            return err_set_errno(err, ERR_ENVIRONMENT, "%s: cannot write %zu bytes to read again",
                                 p->folder, p->bytes);
    }
    return fsync(p->file)
               ? err_set_errno(err, ERR_ENVIRONMENT, "%s: cannot write to the storage", p->folder)
               : 0;
}

struct reading {
    double bytes_per_s, delay_ns;
};

static int read_file(const struct probing *p, struct reading *out, struct err *err) {
    double start = now_ns(), first = 0;
    ssize_t n = lseek(p->file, 0, SEEK_SET) == 0 ? 1 : -1;
    while (n > 0) {
        n = read(p->file, p->piece, PIECE);
        first = first > 0 ? first : now_ns();
    }
    if (n < 0)
        return err_set_errno(err, ERR_ENVIRONMENT, "%s: cannot read back", p->folder);
    out->bytes_per_s = 1e9 * (double)(p->bytes - PIECE) / (now_ns() - first);
    out->delay_ns = fmax(first - start - 1e9 * PIECE / out->bytes_per_s, 0);
    return 0;
}

static bool is_in_memory(const struct probing *p) {
    unsigned char first = 1;
    void *map = mmap(NULL, PIECE, PROT_READ, MAP_SHARED, p->file, 0);
    if (map == MAP_FAILED)
        return true;
    if (mincore(map, 1, &first))
        first = 1;
    munmap(map, PIECE);
    return first & 1;
}

static struct probed probed_of(double *rounds) {
    struct probed probed = {.value = stats_median(rounds, ROUNDS)};
    stats_sort(rounds, ROUNDS);
    probed.low = rounds[0];
    probed.high = rounds[ROUNDS - 1];
    return probed;
}

static int measure(const struct probing *p, struct storage_rates *out, struct err *err) {
    double cold[ROUNDS], warm[ROUNDS], delay[ROUNDS];
    if (write_file(p, err))
        return -(int)err->code;
    for (int round = 0; round < ROUNDS; round++) {
        struct reading reading;
        if (posix_fadvise(p->file, 0, 0, POSIX_FADV_DONTNEED) || is_in_memory(p))
            return err_set(err, ERR_ENVIRONMENT, "%s: its files stay in memory", p->folder);
        if (read_file(p, &reading, err))
            return -(int)err->code;
        cold[round] = reading.bytes_per_s;
        delay[round] = reading.delay_ns;
        if (read_file(p, &reading, err))
            return -(int)err->code;
        warm[round] = reading.bytes_per_s;
    }
    out->cold_bytes_per_s = probed_of(cold);
    out->warm_bytes_per_s = probed_of(warm);
    out->cold_delay_ns = probed_of(delay);
    return 0;
}

int storage_probe(const char *folder, size_t bytes, struct storage_rates *out, struct err *err) {
    char path[4096];
    snprintf(path, sizeof path, "%s/assay-storage-XXXXXX", folder);
    struct probing p = {
        .folder = folder, .bytes = (bytes / PIECE + 2) * PIECE, .file = mkostemp(path, O_CLOEXEC)};
    if (p.file < 0)
        return err_set_errno(err, ERR_ENVIRONMENT, "%s: cannot make a file", folder);
    unlink(path);
    p.piece = malloc(PIECE);
    int code = p.piece ? measure(&p, out, err) : err_set(err, ERR_ENVIRONMENT, "out of memory");
    free(p.piece);
    close(p.file);
    return code;
}
