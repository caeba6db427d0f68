#include "db/machine.h"

#include "db/nouns.h"
#include "db/query.h"

int machine_put_row(struct db *db, const struct machine *machine, int64_t *id, struct err *err) {
    struct query query;
    int failed = query_open(&query, db, STATEMENT_PUT_MACHINE, err);
    if (failed != 0)
        return failed;
    put_text(&query, machine->fingerprint);
    put_text(&query, machine->label);
    put_text(&query, machine->cpu);
    put_text(&query, machine->isa);
    put_text(&query, machine->kernel);
    put_text(&query, machine->governor);
    put_text(&query, machine->virtualisation);
    put_count(&query, machine->cpus);
    put_real(&query, machine->cpu_quota);
    put_count(&query, machine->memory_bytes);
    put_count(&query, machine->memory_limit_bytes);
    for (int i = 0; i < MACHINE_CACHE_LEVELS; i++)
        put_count(&query, machine->cache_bytes[i]);
    put_count(&query, machine->numa_nodes);
    int stepped = query_step(&query, err);
    if (stepped > 0)
        *id = get_int(&query);
    query_close(&query);
    return stepped < 0 ? stepped : 0;
}

static void get_machine(struct query *query, struct machine *machine) {
    get_chars(query, machine->fingerprint, sizeof machine->fingerprint);
    get_chars(query, machine->label, sizeof machine->label);
    get_chars(query, machine->cpu, sizeof machine->cpu);
    get_chars(query, machine->isa, sizeof machine->isa);
    get_chars(query, machine->kernel, sizeof machine->kernel);
    get_chars(query, machine->governor, sizeof machine->governor);
    get_chars(query, machine->virtualisation, sizeof machine->virtualisation);
    machine->cpus = get_u32(query);
    machine->cpu_quota = get_real(query);
    machine->memory_bytes = get_count(query);
    machine->memory_limit_bytes = get_count(query);
    for (int i = 0; i < MACHINE_CACHE_LEVELS; i++)
        machine->cache_bytes[i] = get_count(query);
    machine->numa_nodes = get_u32(query);
}

int machine_get_row(struct db *db, int64_t id, struct machine *machine, struct err *err) {
    struct query query;
    int failed = query_open(&query, db, STATEMENT_GET_MACHINE, err);
    if (failed != 0)
        return failed;
    put_int(&query, id);
    int stepped = query_step(&query, err);
    if (stepped > 0)
        get_machine(&query, machine);
    query_close(&query);
    return stepped == 0 ? row_is_missing(db, "machine", id, err) : stepped < 0 ? stepped : 0;
}

int db_put_machine(struct db *db, const struct machine *machine, int64_t *id, struct err *err) {
    int failed = db_begin_write(db, err);
    return failed != 0 ? failed : db_end(db, machine_put_row(db, machine, id, err), err);
}

int db_list_machines(struct db *db, struct arena *arena, struct machine **machines, size_t *count,
                     struct err *err) {
    struct query query;
    size_t capacity = 0;
    int stepped;
    *machines = NULL;
    *count = 0;
    int failed = query_open(&query, db, STATEMENT_LIST_MACHINES, err);
    if (failed != 0)
        return failed;
    while ((stepped = query_step(&query, err)) > 0)
        get_machine(&query, ARENA_PUSH(arena, *machines, *count, capacity));
    query_close(&query);
    return stepped;
}

int db_find_machine(struct db *db, const char *text, struct machine *machine, struct err *err) {
    struct query query;
    int count = 0, stepped;
    int failed = query_open(&query, db, STATEMENT_FIND_MACHINES, err);
    if (failed != 0)
        return failed;
    put_text(&query, text);
    while ((stepped = query_step(&query, err)) > 0) {
        get_machine(&query, machine);
        count++;
    }
    query_close(&query);
    if (stepped < 0 || count == 1)
        return stepped;
    err_set(err, ERR_INPUT, "database %s: \"%.200s\" names %s machine", db->path, text,
            count == 0 ? "no" : "more than one");
    return err_hint(err, "`assay db machines` lists them; a machine is named by its label "
                         "or 6 digits of its fingerprint");
}

/* ---- peaks -----------------------------------------------------------------------------------*/

static int put_peak(struct query *query, int64_t machine_id, const struct machine_peak *peak,
                    const char *now, struct err *err) {
    put_int(query, machine_id);
    put_text(query, peak->quantity);
    put_text(query, peak->subject);
    put_count(query, peak->threads);
    put_real(query, peak->value);
    put_real(query, peak->low);
    put_real(query, peak->high);
    put_text(query, peak->measured_at != NULL ? peak->measured_at : now);
    return query_run(query, err);
}

static int put_peak_rows(struct db *db, const struct machine *machine,
                         const struct machine_peak *peaks, size_t count, struct err *err) {
    char now[DB_TIME_SIZE];
    struct query query;
    int64_t machine_id = 0;
    db_now(now);
    int failed = machine_put_row(db, machine, &machine_id, err);
    if (failed == 0)
        failed = query_open(&query, db, STATEMENT_PUT_PEAK, err);
    if (failed != 0)
        return failed;
    for (size_t i = 0; i < count && failed == 0; i++)
        failed = put_peak(&query, machine_id, &peaks[i], now, err);
    query_close(&query);
    return failed;
}

int db_put_peaks(struct db *db, const struct machine *machine, const struct machine_peak *peaks,
                 size_t count, struct err *err) {
    int failed = db_begin_write(db, err);
    return failed != 0 ? failed : db_end(db, put_peak_rows(db, machine, peaks, count, err), err);
}

static void get_peak(struct query *query, struct arena *arena, struct machine_peak *peak) {
    peak->quantity = get_text(query, arena);
    peak->subject = get_text(query, arena);
    peak->threads = get_u32(query);
    peak->value = get_real(query);
    peak->low = get_real(query);
    peak->high = get_real(query);
    peak->measured_at = get_text(query, arena);
}

int db_list_peaks(struct db *db, struct arena *arena, const char *fingerprint,
                  struct machine_peak **peaks, size_t *count, struct err *err) {
    struct query query;
    size_t capacity = 0;
    int stepped;
    *peaks = NULL;
    *count = 0;
    int failed = query_open(&query, db, STATEMENT_LIST_PEAKS, err);
    if (failed != 0)
        return failed;
    put_text(&query, fingerprint);
    while ((stepped = query_step(&query, err)) > 0)
        get_peak(&query, arena, ARENA_PUSH(arena, *peaks, *count, capacity));
    query_close(&query);
    return stepped;
}
