#include "jobs/doctor.h"

#include "base/units.h"
#include "collectors/collector.h"
#include "collectors/counters.h"
#include "collectors/group.h"
#include "collectors/kernfs.h"
#include "collectors/machine.h"
#include "collectors/perf_rights.h"
#include "collectors/record/probes.h"
#include "db/db.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

struct patient {
    struct arena *arena;
    const char *db_path, *db_reason;
};

static const char *const health_names[] = {
    [HEALTH_OK] = "ok",
    [HEALTH_WARN] = "warn",
    [HEALTH_FAIL] = "fail",
};

const char *health_name(enum health health) {
    return health_names[health];
}

/* Checks fill finding, and health and mend when all is not well. */
typedef void check_fn(const struct patient *patient, struct diagnosis *out);

static void set(struct diagnosis *out, enum health health, const char *finding, const char *mend) {
    out->health = health;
    out->finding = finding;
    out->mend = mend;
}

static const char *quantity(const struct patient *patient, double value, enum unit unit) {
    char text[UNIT_TEXT_SIZE];
    return arena_strdup(patient->arena, unit_format(text, value, unit));
}

/* ---- the machine --------------------------------------------------------------------------- */

static void check_machine(const struct patient *patient, struct diagnosis *out) {
    struct machine machine;
    struct err err = {0};
    if (machine_describe(&machine, &err) < 0) {
        set(out, HEALTH_FAIL, arena_strdup(patient->arena, err.message), "mount /proc and /sys");
        return;
    }
    const char *label = arena_strdup(patient->arena, machine.label);
    if (machine.cpu_quota > 0 && machine.cpu_quota < 1)
        set(out, HEALTH_WARN,
            arena_printf(patient->arena, "%s; the CPU quota of %.3g throttles every run", label,
                         machine.cpu_quota),
            "give this container at least one whole CPU");
    else
        set(out, HEALTH_OK, label, "");
}

static void check_governor(const struct patient *patient, struct diagnosis *out) {
    char governor[64];
    if (!kernfs_read("", governor, sizeof governor,
                     "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"))
        set(out, HEALTH_OK, "the CPU frequency is not ours to choose here", "");
    else if (strcmp(governor, "performance") == 0)
        set(out, HEALTH_OK, "governor performance", "");
    else
        set(out, HEALTH_WARN,
            arena_printf(patient->arena, "governor %s: the first runs may be slow", governor),
            "echo performance | sudo tee /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor");
}

static void check_load(const struct patient *patient, struct diagnosis *out) {
    double load;
    if (getloadavg(&load, 1) != 1) {
        set(out, HEALTH_WARN, "the load average cannot be read", "mount /proc");
        return;
    }
    double cpus = (double)sysconf(_SC_NPROCESSORS_ONLN);
    const char *text = arena_printf(patient->arena, "load average %.3g on %.0f CPUs", load, cpus);
    if (load > 0.5 * cpus)
        set(out, HEALTH_WARN, text, "wait until the machine is quiet, or compare CPU time only");
    else
        set(out, HEALTH_OK, text, "");
}

#define LITTLE_MEMORY_BYTES 0x1p30

static void check_memory(const struct patient *patient, struct diagnosis *out) {
    char text[8192];
    if (!kernfs_read("", text, sizeof text, "/proc/meminfo")) {
        set(out, HEALTH_WARN, "/proc/meminfo cannot be read", "mount /proc");
        return;
    }
    double available = 1024.0 * (double)kernfs_field_number(text, "MemAvailable", 0);
    const char *finding =
        arena_printf(patient->arena, "%s available", quantity(patient, available, UNIT_BYTES));
    if (available < LITTLE_MEMORY_BYTES)
        set(out, HEALTH_WARN, finding, "end other programs, or profile small models only");
    else
        set(out, HEALTH_OK, finding, "");
}

/* ---- what we lean on ----------------------------------------------------------------------- */

static void check_collector(const struct patient *patient, const char *row, enum health absent,
                            struct diagnosis *out) {
    const char *name, *version;
    struct err err = {0};
    if (collector_by_name(row)->version(patient->arena, &name, &version, &err) < 0)
        set(out, absent, arena_strdup(patient->arena, err.message),
            *err.hint ? arena_strdup(patient->arena, err.hint) : "make deps");
    else
        set(out, HEALTH_OK, arena_printf(patient->arena, "%s %s", name, version), "");
}

static void check_runtime(const struct patient *patient, struct diagnosis *out) {
    check_collector(patient, "onnxruntime", HEALTH_FAIL, out);
}

/* Only GGUF models need it. */
static void check_llama(const struct patient *patient, struct diagnosis *out) {
    check_collector(patient, "llamacpp", HEALTH_WARN, out);
}

/* ---- counters ------------------------------------------------------------------------------ */

static void check_perf_events(const struct patient *patient, struct diagnosis *out) {
    struct perf_rights rights;
    char reason[256], command[128];
    perf_rights_find(&rights);
    if (!rights.user_errno && !rights.whole_errno) {
        set(out, HEALTH_OK, "user space and kernel can be counted", "");
        return;
    }
    perf_rights_reason(&rights, reason, sizeof reason);
    perf_rights_command(&rights, "assay-worker", command, sizeof command);
    const char *what = rights.user_errno ? "nothing can be counted" : "user space alone is counted";
    set(out, HEALTH_WARN, arena_printf(patient->arena, "%s; %s", what, reason),
        *command ? arena_strdup(patient->arena, command)
                 : "a kernel built with CONFIG_PERF_EVENTS");
}

/* Names of the events that open, and the first one that does not. */
static uint32_t sort_events(const struct counter_probe *rows, uint32_t count, const char **open,
                            const struct counter_probe **missing) {
    uint32_t opened = 0;
    *missing = NULL;
    for (uint32_t i = 0; i < count; i++)
        if (rows[i].available)
            open[opened++] = rows[i].name;
        else if (!*missing)
            *missing = &rows[i];
    return opened;
}

static void check_counters(const struct patient *patient, struct diagnosis *out) {
    struct counter_probe *rows;
    const struct counter_probe *missing;
    uint32_t count;
    counters_probe(patient->arena, &rows, &count);
    const char **open = ARENA_ARRAY(patient->arena, count, const char *);
    struct counter_set *sets = ARENA_ARRAY(patient->arena, count, struct counter_set);
    uint32_t opened = sort_events(rows, count, open, &missing);
    uint32_t at_once = counters_sets(open, opened, sets) ? sets[0].count : 0;
    const char *finding = arena_printf(
        patient->arena, "%" PRIu32 " of %" PRIu32 " generic events count, %" PRIu32 " at once",
        opened, count, at_once);
    if (!missing)
        set(out, HEALTH_OK, finding, "");
    else
        set(out, HEALTH_WARN,
            arena_printf(patient->arena, "%s; %s: %s", finding, missing->name, missing->reason),
            "nothing is lost but those columns; 'assay list events' tells each reason");
}

static void check_groups(const struct patient *patient, struct diagnosis *out) {
    const char **names, *lacking = NULL;
    uint32_t count, whole = 0;
    struct err err = {0};
    if (groups_list(patient->arena, NULL, &names, &count, &err)) {
        set(out, HEALTH_WARN, arena_strdup(patient->arena, err.message),
            arena_strdup(patient->arena, err.hint));
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        struct group_state state;
        struct err each = {0};
        bool read = group_examine(patient->arena, names[i], NULL, &state, &each) == 0;
        whole += read && state.works == state.all;
        if (!lacking && !(read && state.works == state.all))
            lacking = arena_printf(patient->arena, "; %s: %s", names[i],
                                   read ? state.reason : each.message);
    }
    set(out, lacking ? HEALTH_WARN : HEALTH_OK,
        arena_printf(patient->arena, "%" PRIu32 " of %" PRIu32 " groups count all they name%s",
                     whole, count, lacking ? lacking : ""),
        lacking ? "nothing is lost but those metrics; 'assay list groups' tells each reason" : "");
}

/* ---- other programs ------------------------------------------------------------------------ */

static void check_recording(const struct patient *patient, struct diagnosis *out) {
    const struct probe_route *route;
    struct err err = {0};
    if (probe_route_choose(NULL, &route, &err) == 0)
        set(out, HEALTH_OK,
            arena_printf(patient->arena, "functions of any program can be probed by %s: %s",
                         route->name, route->help),
            "");
    else
        set(out, HEALTH_WARN,
            arena_printf(patient->arena, "'assay record' sees memory and threads only: %s",
                         err.message),
            arena_strdup(patient->arena, err.hint));
}

static bool on_path(const char *program) {
    const char *path = getenv("PATH");
    char file[1024];
    while (path && *path) {
        size_t length = strcspn(path, ":");
        snprintf(file, sizeof file, "%.*s/%s", (int)length, path, program);
        if (length && access(file, X_OK) == 0)
            return true;
        path += length + (path[length] == ':');
    }
    return false;
}

static void check_gnuplot(const struct patient *patient, struct diagnosis *out) {
    (void)patient;
    if (on_path("gnuplot"))
        set(out, HEALTH_OK, "gnuplot is there", "");
    else
        set(out, HEALTH_WARN, "gnuplot is not on the PATH: reports will have no pictures",
            "sudo apt-get install gnuplot-nox");
}

/* ---- where things are kept ----------------------------------------------------------------- */

static void check_database(const struct patient *patient, struct diagnosis *out) {
    struct arena *arena = patient->arena;
    if (!patient->db_path) {
        set(out, HEALTH_FAIL, patient->db_reason, "export ASSAY_DB=/path/to/assay.db");
        return;
    }
    if (access(patient->db_path, F_OK) != 0) {
        set(out, HEALTH_OK,
            arena_printf(arena, "%s: not there yet; the first profile makes it", patient->db_path),
            "");
        return;
    }
    struct db *db;
    struct err err = {0};
    if (db_open(patient->db_path, DB_WRITE_IF_ABLE, &db, &err) < 0)
        set(out, HEALTH_FAIL, arena_strdup(arena, err.message),
            *err.hint ? arena_strdup(arena, err.hint) : "assay db check");
    else if (db_is_read_only(db))
        set(out, HEALTH_WARN,
            arena_printf(arena, "%s can only be read: nothing new is stored", patient->db_path),
            arena_printf(arena, "chmod u+w %s", patient->db_path));
    else
        set(out, HEALTH_OK, patient->db_path, "");
    db_close(db);
}

/* The nearest folder above the database that exists. */
static const char *existing_folder(struct arena *arena, const char *path) {
    char *folder = arena_strdup(arena, path);
    struct stat about;
    for (char *slash; (slash = strrchr(folder, '/')) != NULL;) {
        if (slash == folder)
            return "/";
        *slash = '\0';
        if (stat(folder, &about) == 0)
            return folder;
    }
    return ".";
}

#define LITTLE_DISK_BYTES 0x1p30
#define NO_DISK_BYTES     0x1p24

static void check_disk(const struct patient *patient, struct diagnosis *out) {
    const char *folder = existing_folder(patient->arena, patient->db_path ? patient->db_path : ".");
    struct statvfs disk;
    if (statvfs(folder, &disk) != 0) {
        set(out, HEALTH_WARN, arena_printf(patient->arena, "%s cannot be looked at", folder), "");
        return;
    }
    double available = (double)disk.f_bavail * (double)disk.f_frsize;
    const char *finding = arena_printf(patient->arena, "%s free in %s",
                                       quantity(patient, available, UNIT_BYTES), folder);
    enum health health = available < NO_DISK_BYTES       ? HEALTH_FAIL
                         : available < LITTLE_DISK_BYTES ? HEALTH_WARN
                                                         : HEALTH_OK;
    set(out, health, finding,
        health == HEALTH_OK ? "" : "free some space, or keep the database elsewhere: --db PATH");
}

/* ---- all of them --------------------------------------------------------------------------- */

static const struct {
    const char *subject;
    check_fn *check;
} checks[] = {
    {"machine",        check_machine    },
    {"frequency",      check_governor   },
    {"load",           check_load       },
    {"memory",         check_memory     },
    {"runtime",        check_runtime    },
    {"llama.cpp",      check_llama      },
    {"perf events",    check_perf_events},
    {"counters",       check_counters   },
    {"counter groups", check_groups     },
    {"recording",      check_recording  },
    {"gnuplot",        check_gnuplot    },
    {"database",       check_database   },
    {"disk",           check_disk       },
};

void doctor_examine(struct arena *arena, const char *db_path, const char *db_reason,
                    struct diagnosis **rows, uint32_t *count) {
    const struct patient patient = {arena, db_path, db_reason};
    *count = sizeof checks / sizeof *checks;
    *rows = ARENA_ARRAY(arena, *count, struct diagnosis);
    for (uint32_t i = 0; i < *count; i++) {
        (*rows)[i].subject = checks[i].subject;
        checks[i].check(&patient, &(*rows)[i]);
    }
}
