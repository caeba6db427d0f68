/* What the command's programs tell by hooks, ITT or NVTX: operators by kind, over all runs. */
#include "base/units.h"
#include "collectors/collect.h"
#include "collectors/hooks/streams.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { KINDS_SHOWN = 10, KIND_BUCKETS = 1024, ENDED_MAX = 1 << 16 };

struct collected_kind {
    const char *name, *category;
    uint64_t count;
    int64_t total_ns, self_ns; /* self: without the operators inside */
    struct collected_kind *next;
};

/* Spans that ended and may turn out to be inside of one that ends later. */
struct ended {
    int64_t start_ns, duration_ns;
};

struct collect_hooks {
    struct hooks_streams streams;
    const char *folder; /* of all runs; the streams' is gone when a run was read. NULL: none */
    struct collected_kind *buckets[KIND_BUCKETS];
    struct collected_kind **kinds;
    uint64_t kind_count, kind_capacity;
    uint64_t track; /* whose spans are in `ended` */
    struct ended *ended;
    uint64_t ended_count, ended_capacity;
    uint64_t operators;
    uint32_t programs;
    const char *cut;     /* why something is missing; NULL: nothing is */
    const char *trouble; /* why there are no streams, or none was read */
    struct arena *arena;
};

/* ---- gathering ------------------------------------------------------------------------------ */

static struct collected_kind *find_kind(struct collect_hooks *hooks, const struct span *span) {
    uint32_t hash = 2166136261u;
    for (const char *c = span->name; *c; c++)
        hash = (hash ^ (unsigned char)*c) * 16777619u;
    struct collected_kind **bucket = &hooks->buckets[hash % KIND_BUCKETS], *kind = *bucket;
    while (kind && (strcmp(kind->name, span->name) || strcmp(kind->category, span->category)))
        kind = kind->next;
    if (kind)
        return kind;
    kind = ARENA_NEW(hooks->arena, struct collected_kind);
    kind->name = arena_strdup(hooks->arena, span->name);
    kind->category = arena_strdup(hooks->arena, span->category);
    kind->next = *bucket;
    *bucket = kind;
    *ARENA_PUSH(hooks->arena, hooks->kinds, hooks->kind_count, hooks->kind_capacity) = kind;
    return kind;
}

/* A stream gives the spans of a thread as they end, so those inside of this one came just before.
 */
static int64_t time_inside(struct collect_hooks *hooks, const struct span *span) {
    int64_t inside = 0;
    if (hooks->track != span->track)
        hooks->ended_count = 0;
    hooks->track = span->track;
    while (hooks->ended_count > 0 &&
           hooks->ended[hooks->ended_count - 1].start_ns >= span->start_ns)
        inside += hooks->ended[--hooks->ended_count].duration_ns;
    if (hooks->ended_count == ENDED_MAX) { /* the older ones are hardly inside of anything */
        hooks->ended_count /= 2;
        memmove(hooks->ended, hooks->ended + ENDED_MAX / 2,
                hooks->ended_count * sizeof *hooks->ended);
    }
    *ARENA_PUSH(hooks->arena, hooks->ended, hooks->ended_count, hooks->ended_capacity) =
        (struct ended){span->start_ns, span->duration_ns};
    return inside;
}

static int take_span(void *context, const struct span *span, struct err *err) {
    struct collect_hooks *hooks = context;
    struct collected_kind *kind = find_kind(hooks, span);
    (void)err;
    hooks->operators++;
    kind->count++;
    kind->total_ns += span->duration_ns;
    kind->self_ns += span->duration_ns - time_inside(hooks, span);
    return 0;
}

static int by_self_time(const void *left, const void *right) {
    const struct collected_kind *a = *(struct collected_kind *const *)left;
    const struct collected_kind *b = *(struct collected_kind *const *)right;
    return (a->self_ns < b->self_ns) - (a->self_ns > b->self_ns);
}

/* ---- the part ------------------------------------------------------------------------------- */

/* Nothing where the user records to a file of his own. A small system may have no place for
 * streams: the other parts do without. */
int collect_hooks_plan(struct collect *collect, struct err *err) {
    (void)err;
    if (getenv("ASSAY_HOOKS_STREAM"))
        return 0;
    struct err no_place = {0};
    struct collect_hooks *hooks = ARENA_NEW(collect->arena, struct collect_hooks);
    hooks->arena = collect->arena;
    collect->hooks = hooks;
    if (hooks_streams_open(&hooks->streams, collect->arena, &no_place)) {
        hooks->trouble = arena_strdup(collect->arena, no_place.message);
        return 0;
    }
    hooks->folder = hooks->streams.folder;
    for (uint32_t i = 0; hooks->streams.environment[i]; i++)
        putenv(arena_strdup(collect->arena, hooks->streams.environment[i]));
    return 0;
}

int collect_hooks_attach(struct collect *collect, int child, struct err *err) {
    (void)child;
    struct collect_hooks *hooks = collect->hooks;
    if (!hooks || !hooks->folder)
        return 0;
    if (mkdir(hooks->folder, 0700) && errno != EEXIST)
        return err_set_errno(err, ERR_ENVIRONMENT, "%s: cannot be made", hooks->folder);
    hooks->streams.folder = hooks->folder;
    return 0;
}

void collect_hooks_finish(struct collect *collect) {
    struct collect_hooks *hooks = collect->hooks;
    if (!hooks || !hooks->folder)
        return;
    struct span_sink sink = {.context = hooks, .span = take_span};
    struct foreign_outcome outcome;
    struct err err = {0};
    uint32_t files;
    if (hooks_streams_read(&hooks->streams, hooks->arena, &sink, &files, &outcome, &err))
        hooks->trouble = arena_strdup(hooks->arena, err.message);
    if (!outcome.complete)
        hooks->cut = outcome.cut;
    hooks->programs += files;
    hooks_streams_close(&hooks->streams);
    if (hooks->kind_count > 0)
        qsort(hooks->kinds, hooks->kind_count, sizeof *hooks->kinds, by_self_time);
}

void collect_hooks_text(const struct collect *collect, FILE *out) {
    const struct collect_hooks *hooks = collect->hooks;
    char text[UNIT_TEXT_SIZE];
    if (!hooks || (hooks->programs == 0 && !hooks->trouble))
        return;
    fprintf(out, "%20llu  operators told by %u program%s\n", (unsigned long long)hooks->operators,
            hooks->programs, hooks->programs == 1 ? "" : "s");
    for (uint64_t i = 0; i < hooks->kind_count && i < KINDS_SHOWN; i++)
        fprintf(out, "%20s  %s, %llu times\n",
                unit_format(text, (double)hooks->kinds[i]->self_ns, UNIT_NS), hooks->kinds[i]->name,
                (unsigned long long)hooks->kinds[i]->count);
    if (hooks->kind_count > KINDS_SHOWN)
        fprintf(out, "%20s  and %llu more kinds\n", "",
                (unsigned long long)(hooks->kind_count - KINDS_SHOWN));
    if (hooks->cut)
        fprintf(out, "not complete: %s\n", hooks->cut);
    if (hooks->trouble)
        fprintf(out, "not read: %s\n", hooks->trouble);
}

static void kind_json(const struct collected_kind *kind, FILE *out) {
    fputs("{\"name\":", out);
    print_json_text(out, kind->name);
    fputs(",\"category\":", out);
    print_json_text(out, kind->category);
    fprintf(out, ",\"count\":%llu,\"total_ns\":%lld,\"self_ns\":%lld}",
            (unsigned long long)kind->count, (long long)kind->total_ns, (long long)kind->self_ns);
}

void collect_hooks_json(const struct collect *collect, FILE *out) {
    const struct collect_hooks *hooks = collect->hooks;
    if (!hooks) {
        fputs(",\"hooks\":null", out);
        return;
    }
    fprintf(out, ",\"hooks\":{\"programs\":%u,\"operators\":%llu,\"cut\":", hooks->programs,
            (unsigned long long)hooks->operators);
    print_json_text(out, hooks->trouble ? hooks->trouble : hooks->cut);
    fputs(",\"kinds\":[", out);
    for (uint64_t i = 0; i < hooks->kind_count; i++) {
        fputs(i ? "," : "", out);
        kind_json(hooks->kinds[i], out);
    }
    fputs("]}", out);
}
