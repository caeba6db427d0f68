#include "base/spill.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    RECORDS_LEAST = 16,
    RUNS_MOST = 64, /* of one merge; more are merged into one first */
    MERGE_BYTES = 64 << 10,
};

/* A sorted stretch of the file and a window into it. */
struct sorted_run {
    uint64_t offset, end;   /* of the file: what the window has not seen */
    unsigned char *window;  /* of buffer_records records */
    size_t next, available; /* records in the window */
};

struct spill {
    size_t record_bytes, capacity; /* of memory, in records */
    spill_order *order;
    unsigned char *records;
    size_t held, next; /* records in memory; read when nothing was spilled */
    uint64_t count;
    int fd; /* -1: nothing was spilled */
    uint64_t file_bytes;
    struct sorted_run *runs;
    size_t run_count, run_capacity;
    size_t window_records;
    size_t *heap; /* of runs, the one with the least record first */
    size_t heap_count;
    bool taken; /* the least record was handed out and is to be passed over */
};

/* ---- the file -------------------------------------------------------------------------------- */

static int open_file(struct spill *spill, struct err *err) {
    const char *folder = getenv("TMPDIR");
    char path[4096];
    if (!folder || !*folder)
        folder = "/tmp";
    spill->fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (spill->fd >= 0)
        return 0;
    /* Some file systems have no O_TMPFILE. */
    snprintf(path, sizeof path, "%s/assay-XXXXXX", folder);
    spill->fd = mkostemp(path, O_CLOEXEC);
    if (spill->fd < 0) {
        err_set_errno(err, ERR_ENVIRONMENT, "no temporary file can be made in %s", folder);
        return err_hint(err, "TMPDIR=FOLDER names another place");
    }
    unlink(path);
    return 0;
}

static int write_all(struct spill *spill, const unsigned char *bytes, size_t length,
                     struct err *err) {
    if (spill->fd < 0 && open_file(spill, err) < 0)
        return -(int)err->code;
    for (size_t done = 0; done < length;) {
        ssize_t got = pwrite(spill->fd, bytes + done, length - done, (off_t)spill->file_bytes);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            err_set_errno(err, ERR_ENVIRONMENT, "the temporary file cannot be written");
            return err_hint(err, "TMPDIR=FOLDER names another place");
        }
        done += (size_t)got;
        spill->file_bytes += (uint64_t)got;
    }
    return 0;
}

static int read_all(struct spill *spill, unsigned char *bytes, size_t length, uint64_t offset,
                    struct err *err) {
    for (size_t done = 0; done < length;) {
        ssize_t got = pread(spill->fd, bytes + done, length - done, (off_t)(offset + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return err_set_errno(err, ERR_ENVIRONMENT, "the temporary file cannot be read");
        done += (size_t)got;
    }
    return 0;
}

/* ---- merging --------------------------------------------------------------------------------- */

static const unsigned char *head_of(const struct spill *spill, size_t run) {
    const struct sorted_run *r = &spill->runs[run];
    return r->window + r->next * spill->record_bytes;
}

static bool before(const struct spill *spill, size_t a, size_t b) {
    return spill->order(head_of(spill, a), head_of(spill, b)) < 0;
}

static void sift_down(struct spill *spill, size_t at) {
    for (;;) {
        size_t least = at, child = 2 * at + 1;
        for (size_t c = child; c < child + 2 && c < spill->heap_count; c++)
            if (before(spill, spill->heap[c], spill->heap[least]))
                least = c;
        if (least == at)
            return;
        size_t run = spill->heap[at];
        spill->heap[at] = spill->heap[least];
        spill->heap[least] = run;
        at = least;
    }
}

static int refill(struct spill *spill, struct sorted_run *run, struct err *err) {
    uint64_t left = (run->end - run->offset) / spill->record_bytes;
    run->next = 0;
    run->available = left < spill->window_records ? (size_t)left : spill->window_records;
    size_t bytes = run->available * spill->record_bytes;
    int code = read_all(spill, run->window, bytes, run->offset, err);
    run->offset += bytes;
    return code;
}

/* Shares the memory out among runs [first, first + count) and puts them into the heap. */
static int begin_merge(struct spill *spill, size_t first, size_t count, struct err *err) {
    spill->window_records = spill->capacity / count;
    spill->heap_count = 0;
    for (size_t i = 0; i < count; i++) {
        struct sorted_run *run = &spill->runs[first + i];
        run->window = spill->records + i * spill->window_records * spill->record_bytes;
        if (refill(spill, run, err) < 0)
            return -(int)err->code;
        spill->heap[spill->heap_count++] = first + i;
    }
    for (size_t i = spill->heap_count; i-- > 0;)
        sift_down(spill, i);
    spill->taken = false;
    return 0;
}

/* Passes over the record that was handed out. */
static int advance(struct spill *spill, struct err *err) {
    struct sorted_run *run = &spill->runs[spill->heap[0]];
    run->next++;
    if (run->next == run->available && run->offset < run->end && refill(spill, run, err) < 0)
        return -(int)err->code;
    if (run->next == run->available)
        spill->heap[0] = spill->heap[--spill->heap_count];
    sift_down(spill, 0);
    return 0;
}

static int next_merged(struct spill *spill, const void **record, struct err *err) {
    if (spill->taken && advance(spill, err) < 0)
        return -(int)err->code;
    spill->taken = spill->heap_count > 0;
    if (!spill->taken)
        return 0;
    *record = head_of(spill, spill->heap[0]);
    return 1;
}

/* ---- runs ------------------------------------------------------------------------------------ */

static struct sorted_run *add_run(struct spill *spill, struct err *err) {
    if (spill->run_count == spill->run_capacity) {
        size_t capacity = spill->run_capacity ? 2 * spill->run_capacity : RUNS_MOST;
        struct sorted_run *runs = realloc(spill->runs, capacity * sizeof *runs);
        if (!runs) {
            err_set(err, ERR_ENVIRONMENT, "out of memory");
            return NULL;
        }
        spill->runs = runs;
        spill->run_capacity = capacity;
    }
    struct sorted_run *run = &spill->runs[spill->run_count++];
    *run = (struct sorted_run){.offset = spill->file_bytes, .end = spill->file_bytes};
    return run;
}

static int write_run(struct spill *spill, struct err *err) {
    size_t bytes = spill->held * spill->record_bytes;
    struct sorted_run *run = add_run(spill, err);
    if (!run)
        return -(int)err->code;
    qsort(spill->records, spill->held, spill->record_bytes, spill->order);
    if (write_all(spill, spill->records, bytes, err) < 0)
        return -(int)err->code;
    run->end = spill->file_bytes;
    spill->held = 0;
    return 0;
}

/* Writes what the first `count` runs hold as one run behind them. */
static int merge_runs(struct spill *spill, size_t first, size_t count, unsigned char *out,
                      size_t out_records, struct err *err) {
    const void *record = spill->records;
    size_t filled = 0;
    int more;
    uint64_t from = spill->file_bytes;
    if (begin_merge(spill, first, count, err) < 0)
        return -(int)err->code;
    while ((more = next_merged(spill, &record, err)) > 0) {
        memcpy(out + filled++ * spill->record_bytes, record, spill->record_bytes);
        if (filled < out_records)
            continue;
        if (write_all(spill, out, filled * spill->record_bytes, err) < 0)
            return -(int)err->code;
        filled = 0;
    }
    if (more < 0 || write_all(spill, out, filled * spill->record_bytes, err) < 0)
        return -(int)err->code;
    struct sorted_run *run = add_run(spill, err);
    if (!run)
        return -(int)err->code;
    run->offset = from;
    return 0;
}

/* Until one merge can read all that are left, from `first` on. */
static int merge_until_few(struct spill *spill, size_t *first, struct err *err) {
    size_t most = spill->capacity < RUNS_MOST ? spill->capacity : RUNS_MOST;
    size_t out_records = MERGE_BYTES / spill->record_bytes + 1;
    unsigned char *out = malloc(out_records * spill->record_bytes);
    int code = 0;
    if (!out)
        return err_set(err, ERR_ENVIRONMENT, "out of memory");
    for (*first = 0; code == 0 && spill->run_count - *first > most; *first += most)
        code = merge_runs(spill, *first, most, out, out_records, err);
    free(out);
    return code;
}

/* ---- the interface --------------------------------------------------------------------------- */

int spill_open(struct spill **out, size_t record_bytes, size_t memory_bytes, spill_order *order,
               struct err *err) {
    struct spill *spill = calloc(1, sizeof *spill);
    *out = NULL;
    if (!spill)
        return err_set(err, ERR_ENVIRONMENT, "out of memory");
    size_t capacity = memory_bytes / record_bytes;
    *spill = (struct spill){
        .record_bytes = record_bytes,
        .capacity = capacity < RECORDS_LEAST ? RECORDS_LEAST : capacity,
        .order = order,
        .fd = -1,
    };
    spill->records = malloc(spill->capacity * record_bytes);
    spill->heap = calloc(RUNS_MOST, sizeof *spill->heap);
    if (!spill->records || !spill->heap) {
        spill_close(spill);
        return err_set(err, ERR_ENVIRONMENT, "out of memory");
    }
    *out = spill;
    return 0;
}

int spill_add(struct spill *spill, const void *record, struct err *err) {
    if (spill->held == spill->capacity && write_run(spill, err) < 0)
        return -(int)err->code;
    memcpy(spill->records + spill->held++ * spill->record_bytes, record, spill->record_bytes);
    spill->count++;
    return 0;
}

uint64_t spill_count(const struct spill *spill) {
    return spill->count;
}

int spill_sort(struct spill *spill, struct err *err) {
    size_t first = 0;
    if (spill->run_count == 0) {
        qsort(spill->records, spill->held, spill->record_bytes, spill->order);
        return 0;
    }
    if (spill->held && write_run(spill, err) < 0)
        return -(int)err->code;
    if (merge_until_few(spill, &first, err) < 0)
        return -(int)err->code;
    return begin_merge(spill, first, spill->run_count - first, err);
}

int spill_next(struct spill *spill, const void **record, struct err *err) {
    if (spill->run_count)
        return next_merged(spill, record, err);
    if (spill->next == spill->held)
        return 0;
    *record = spill->records + spill->next++ * spill->record_bytes;
    return 1;
}

void spill_close(struct spill *spill) {
    if (!spill)
        return;
    if (spill->fd >= 0)
        close(spill->fd);
    free(spill->records);
    free(spill->runs);
    free(spill->heap);
    free(spill);
}
