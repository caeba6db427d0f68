#include "collectors/own_process.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PIECE_BYTES = 4 << 20 };

double clock_ns(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

double own_starting_ns(const char *started) {
    uint64_t started_ns = started ? strtoull(started, NULL, 16) : 0;
    return started_ns ? clock_ns(CLOCK_MONOTONIC) - (double)started_ns : 0;
}

/* The file says kB and means KiB. */
double own_memory_bytes(const char *field) {
    FILE *file = fopen("/proc/self/status", "re");
    if (!file)
        return 0;
    char line[256];
    double bytes = 0;
    size_t length = strlen(field);
    while (fgets(line, sizeof line, file))
        if (strncmp(line, field, length) == 0 && line[length] == ':')
            bytes = strtod(line + length + 1, NULL) * 1024;
    fclose(file);
    return bytes;
}

double file_reading_ns(const char *path) {
    int file = open(path, O_RDONLY | O_CLOEXEC);
    double start = clock_ns(CLOCK_MONOTONIC);
    char *buffer = file >= 0 ? malloc(PIECE_BYTES) : NULL;
    ssize_t n = buffer ? 1 : -1;
    while (n > 0)
        n = read(file, buffer, PIECE_BYTES);
    double took = clock_ns(CLOCK_MONOTONIC) - start;
    free(buffer);
    if (file >= 0)
        close(file);
    return n == 0 ? took : 0;
}

double library_file_bytes(const void *symbol) {
    Dl_info info;
    struct stat status;
    if (!dladdr(symbol, &info) || !info.dli_fname || stat(info.dli_fname, &status))
        return 0;
    return (double)status.st_size;
}

void put_of_run(struct sink *sink, uint32_t metric, enum run_phase phase, uint32_t repeat,
                double value) {
    struct sample sample = {SAMPLE_OF_RUN, (uint16_t)metric, (uint16_t)phase, repeat, value};
    sink->put(sink->context, &sample);
}
