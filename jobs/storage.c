#include "jobs/storage.h"

#include "db/db.h"
#include "db/machine.h"
#include "profiler/storage_probe.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { PROBE_BYTES = 64 << 20 };

static const char rate_quantity[] = "bytes_per_s", delay_quantity[] = "delay_ns";
static const char size_quantity[] = "library_bytes";
static const char storage_subject[] = "storage", cached_subject[] = "page cache";

/* "." when the path has none. */
static const char *folder_of(const char *path, char *folder, size_t size) {
    const char *end = strrchr(path, '/');
    snprintf(folder, size, "%.*s", end ? (int)(end - path) : 1, end ? path : ".");
    return folder[0] ? folder : "/";
}

static struct machine_peak peak_of(const char *quantity, const char *subject,
                                   const struct probed *probed) {
    return (struct machine_peak){quantity,    subject,      1,   probed->value,
                                 probed->low, probed->high, NULL};
}

int storage_measure(struct db *db, const struct machine *machine, struct err *err) {
    char folder[4096];
    struct storage_rates rates;
    struct err absent = {0};
    if (storage_probe(folder_of(db_path(db), folder, sizeof folder), PROBE_BYTES, &rates, &absent))
        return 0;
    const struct machine_peak peaks[] = {
        peak_of(rate_quantity, storage_subject, &rates.cold_bytes_per_s),
        peak_of(delay_quantity, storage_subject, &rates.cold_delay_ns),
        peak_of(rate_quantity, cached_subject, &rates.warm_bytes_per_s),
    };
    return db_put_peaks(db, machine, peaks, sizeof peaks / sizeof *peaks, err);
}

static const char *library_subject(struct arena *arena, const char *runtime,
                                   const char *runtime_version) {
    return arena_printf(arena, "%s %s", runtime, runtime_version);
}

int storage_note_library(struct arena *arena, struct db *db, const struct machine *machine,
                         const char *runtime, const char *runtime_version, double bytes,
                         struct err *err) {
    const struct machine_peak peak = {
        size_quantity, library_subject(arena, runtime, runtime_version), 1, bytes, bytes, bytes,
        NULL};
    return db_put_peaks(db, machine, &peak, 1, err);
}

static bool is_peak(const struct machine_peak *peak, const char *quantity, const char *subject) {
    return strcmp(peak->quantity, quantity) == 0 && strcmp(peak->subject, subject) == 0;
}

int storage_recall(struct arena *arena, struct db *db, const struct machine *machine,
                   const char *runtime, const char *runtime_version, struct cold_start_options *out,
                   struct err *err) {
    struct machine_peak *peaks;
    size_t count;
    const char *library = library_subject(arena, runtime, runtime_version);
    if (db_list_peaks(db, arena, machine->fingerprint, &peaks, &count, err))
        return -(int)err->code;
    for (size_t i = 0; i < count; i++) {
        const struct machine_peak *peak = &peaks[i];
        const struct estimate value = {peak->value, peak->low, peak->high, TIER_MEASURED, ""};
        if (is_peak(peak, rate_quantity, storage_subject))
            out->storage_bytes_per_s = value;
        else if (is_peak(peak, delay_quantity, storage_subject))
            out->storage_delay_ns = value;
        else if (is_peak(peak, size_quantity, library))
            out->library_bytes = peak->value;
    }
    return 0;
}
