#include "db/migrations.h"

#include <stdio.h>

/* Units stand in column names; times of day are UTC in ISO 8601. */
#define CREATED_AT "created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))"
/* Five numbers of a struct summary; NULL is not known (NaN). */
#define SUMMARY(prefix, unit)                                                                      \
    prefix "median" unit " REAL, " prefix "low" unit " REAL, " prefix "high" unit " REAL, " prefix \
           "spread REAL, " prefix "count INTEGER NOT NULL"

static const char create_schema[] =
    "CREATE TABLE models ("
    " id INTEGER PRIMARY KEY,"
    " sha256 TEXT NOT NULL UNIQUE,"
    " name TEXT NOT NULL,"
    " path TEXT NOT NULL,"
    " format TEXT NOT NULL,"
    " file_bytes INTEGER NOT NULL,"
    " nodes INTEGER NOT NULL,"
    " parameters INTEGER NOT NULL,"
    " weight_bytes INTEGER NOT NULL,"
    " " CREATED_AT ") STRICT;"
    "CREATE INDEX models_by_name ON models (name);"

    "CREATE TABLE machines ("
    " id INTEGER PRIMARY KEY,"
    " fingerprint TEXT NOT NULL UNIQUE,"
    " label TEXT NOT NULL,"
    " cpu TEXT NOT NULL,"
    " isa TEXT NOT NULL,"
    " kernel TEXT NOT NULL,"
    " governor TEXT NOT NULL,"
    " virtualisation TEXT NOT NULL,"
    " cpus INTEGER NOT NULL,"
    " cpu_quota_cpus REAL,"
    " memory_bytes INTEGER NOT NULL,"
    " memory_limit_bytes INTEGER NOT NULL,"
    " cache_l1_bytes INTEGER NOT NULL,"
    " cache_l2_bytes INTEGER NOT NULL,"
    " cache_l3_bytes INTEGER NOT NULL,"
    " cache_l4_bytes INTEGER NOT NULL,"
    " numa_nodes INTEGER NOT NULL,"
    " " CREATED_AT ") STRICT;"

    "CREATE TABLE machine_peaks ("
    " machine_id INTEGER NOT NULL REFERENCES machines (id),"
    " quantity TEXT NOT NULL,"
    " subject TEXT NOT NULL,"
    " threads INTEGER NOT NULL,"
    " value REAL,"
    " low REAL,"
    " high REAL,"
    " measured_at TEXT NOT NULL,"
    " PRIMARY KEY (machine_id, quantity, subject, threads)) STRICT, WITHOUT ROWID;"

    "CREATE TABLE lowered_graphs ("
    " id INTEGER PRIMARY KEY,"
    " model_id INTEGER NOT NULL REFERENCES models (id),"
    " isa TEXT NOT NULL,"
    " runtime TEXT NOT NULL,"
    " runtime_version TEXT NOT NULL,"
    " batch INTEGER NOT NULL,"
    " dims TEXT NOT NULL,"
    " weights TEXT NOT NULL,"
    " origin TEXT NOT NULL,"
    " sha256 TEXT NOT NULL,"
    " lowering_ns INTEGER NOT NULL,"
    " op_count INTEGER NOT NULL,"
    " " CREATED_AT ","
    " graph BLOB NOT NULL,"
    " UNIQUE (model_id, isa, runtime, runtime_version, batch, dims, weights, origin, sha256)"
    ") STRICT;"

    /* AUTOINCREMENT: an id told to somebody never means another run. */
    "CREATE TABLE runs ("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " model_id INTEGER NOT NULL REFERENCES models (id),"
    " machine_id INTEGER NOT NULL REFERENCES machines (id),"
    " lowered_id INTEGER REFERENCES lowered_graphs (id),"
    " runtime TEXT NOT NULL,"
    " runtime_version TEXT NOT NULL,"
    " threads INTEGER NOT NULL,"
    " batch INTEGER NOT NULL,"
    " dims TEXT NOT NULL,"
    " weights TEXT NOT NULL,"
    " collector TEXT NOT NULL,"
    " purpose TEXT NOT NULL,"
    " dtype TEXT NOT NULL,"
    " repeats INTEGER NOT NULL,"
    " processes INTEGER NOT NULL,"
    " budget_ns REAL,"
    " seed INTEGER NOT NULL,"
    " started_at TEXT NOT NULL,"
    " duration_ns REAL,"
    " tool_version TEXT NOT NULL,"
    " overhead_ns_per_op REAL,"
    " voluntary_switches INTEGER NOT NULL,"
    " involuntary_switches INTEGER NOT NULL,"
    " minor_faults INTEGER NOT NULL,"
    " major_faults INTEGER NOT NULL,"
    " steal_fraction REAL,"
    " throttled_ns REAL,"
    " load_average REAL,"
    " frequency_ratio REAL,"
    " warnings_json TEXT NOT NULL,"
    " op_count INTEGER NOT NULL,"
    " head_checksum INTEGER NOT NULL,"
    " operators_checksum INTEGER NOT NULL,"
    " " CREATED_AT ") STRICT;"
    "CREATE INDEX runs_by_model ON runs (model_id);"
    "CREATE INDEX runs_by_machine ON runs (machine_id);"
    "CREATE INDEX runs_by_lowered ON runs (lowered_id);"

    "CREATE TABLE run_metrics ("
    " run_id INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,"
    " metric TEXT NOT NULL,"
    " unit TEXT NOT NULL,"
    " phase TEXT NOT NULL,"
    " " SUMMARY(
        "",
        "") ","
            " PRIMARY KEY (run_id, metric, phase)) STRICT, WITHOUT ROWID;"

            "CREATE TABLE operators ("
            " run_id INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,"
            " op_index INTEGER NOT NULL,"
            " path TEXT NOT NULL,"
            " type TEXT NOT NULL,"
            " domain TEXT NOT NULL,"
            " kernel TEXT NOT NULL,"
            " shapes TEXT NOT NULL,"
            " dtype TEXT NOT NULL,"
            " flops REAL,"
            " bytes REAL,"
            " " SUMMARY(
                "wall_raw_",
                "_ns") ","
                       " " SUMMARY(
                           "wall_",
                           "_ns") ","
                                  " " SUMMARY(
                                      "cpu_",
                                      "_ns") ","
                                             " PRIMARY KEY (run_id, op_index)) STRICT, WITHOUT "
                                             "ROWID;"

                                             "CREATE TABLE operator_metrics ("
                                             " run_id INTEGER NOT NULL,"
                                             " op_index INTEGER NOT NULL,"
                                             " metric TEXT NOT NULL,"
                                             " unit TEXT NOT NULL,"
                                             " " SUMMARY(
                                                 "",
                                                 "") ","
                                                     " PRIMARY KEY (run_id, op_index, metric),"
                                                     " FOREIGN KEY (run_id, op_index) REFERENCES "
                                                     "operators (run_id, op_index) ON DELETE "
                                                     "CASCADE"
                                                     ") STRICT, WITHOUT ROWID;"

                                                     "CREATE TABLE fits ("
                                                     " id INTEGER PRIMARY KEY AUTOINCREMENT,"
                                                     " machine_id INTEGER NOT NULL REFERENCES "
                                                     "machines (id),"
                                                     " runtime TEXT NOT NULL,"
                                                     " runtime_version TEXT NOT NULL,"
                                                     " threads INTEGER NOT NULL,"
                                                     " observations INTEGER NOT NULL,"
                                                     " data_hash TEXT NOT NULL,"
                                                     " tool_version TEXT NOT NULL,"
                                                     " text_sha256 TEXT NOT NULL,"
                                                     " " CREATED_AT ","
                                                     " text TEXT NOT NULL) STRICT;"
                                                     "CREATE INDEX fits_by_machine ON fits "
                                                     "(machine_id);"

                                                     "CREATE TABLE fit_runs ("
                                                     " fit_id INTEGER NOT NULL REFERENCES fits "
                                                     "(id) ON DELETE CASCADE,"
                                                     " run_id INTEGER NOT NULL REFERENCES runs "
                                                     "(id),"
                                                     " PRIMARY KEY (fit_id, run_id)) STRICT, "
                                                     "WITHOUT ROWID;"
                                                     "CREATE INDEX fit_runs_by_run ON fit_runs "
                                                     "(run_id);"

                                                     "CREATE TABLE predictions ("
                                                     " id INTEGER PRIMARY KEY AUTOINCREMENT,"
                                                     " model_id INTEGER NOT NULL REFERENCES models "
                                                     "(id),"
                                                     " machine_id INTEGER NOT NULL REFERENCES "
                                                     "machines (id),"
                                                     " fit_id INTEGER REFERENCES fits (id) ON "
                                                     "DELETE SET NULL,"
                                                     " runtime TEXT NOT NULL,"
                                                     " runtime_version TEXT NOT NULL,"
                                                     " threads INTEGER NOT NULL,"
                                                     " batch INTEGER NOT NULL,"
                                                     " dims TEXT NOT NULL,"
                                                     " latency_value_ns REAL,"
                                                     " latency_low_ns REAL,"
                                                     " latency_high_ns REAL,"
                                                     " tier TEXT NOT NULL,"
                                                     " " CREATED_AT ","
                                                     " json TEXT NOT NULL) STRICT;"
                                                     "CREATE INDEX predictions_by_model ON "
                                                     "predictions (model_id);"
                                                     "CREATE INDEX predictions_by_machine ON "
                                                     "predictions (machine_id);"
                                                     "CREATE INDEX predictions_by_fit ON "
                                                     "predictions (fit_id);"

                                                     "CREATE VIEW run_overview AS"
                                                     " SELECT runs.id, models.name AS model, "
                                                     "machines.label AS machine, runs.runtime,"
                                                     " runs.runtime_version, runs.threads, "
                                                     "runs.batch, runs.dims, runs.started_at, "
                                                     "runs.op_count,"
                                                     " wall.median / 1e6 AS wall_median_ms, "
                                                     "wall.low / 1e6 AS wall_low_ms,"
                                                     " wall.high / 1e6 AS wall_high_ms, cpu.median "
                                                     "/ 1e6 AS cpu_median_ms,"
                                                     " peak.median / 1048576.0 AS peak_mib, "
                                                     "load.median / 1e6 AS load_ms"
                                                     " FROM runs JOIN models ON models.id = "
                                                     "runs.model_id"
                                                     " JOIN machines ON machines.id = "
                                                     "runs.machine_id"
                                                     " LEFT JOIN run_metrics AS wall ON "
                                                     "wall.run_id = runs.id AND wall.metric = "
                                                     "'wall_ns'"
                                                     "  AND wall.phase = 'plain'"
                                                     " LEFT JOIN run_metrics AS cpu ON cpu.run_id "
                                                     "= runs.id AND cpu.metric = 'cpu_ns'"
                                                     "  AND cpu.phase = 'plain'"
                                                     " LEFT JOIN run_metrics AS peak ON "
                                                     "peak.run_id = runs.id AND peak.metric = "
                                                     "'peak_bytes'"
                                                     "  AND peak.phase = 'cold'"
                                                     " LEFT JOIN run_metrics AS load ON "
                                                     "load.run_id = runs.id AND load.metric = "
                                                     "'load_ns'"
                                                     "  AND load.phase = 'cold';"

                                                     "CREATE VIEW prediction_overview AS"
                                                     " SELECT predictions.id, models.name AS "
                                                     "model, machines.label AS machine, "
                                                     "predictions.threads,"
                                                     " predictions.batch, predictions.dims, "
                                                     "predictions.tier, predictions.fit_id,"
                                                     " predictions.latency_value_ns / 1e6 AS "
                                                     "predicted_ms,"
                                                     " (SELECT run_metrics.median / 1e6 FROM runs "
                                                     "JOIN run_metrics"
                                                     "   ON run_metrics.run_id = runs.id AND "
                                                     "run_metrics.metric = 'wall_ns'"
                                                     "   AND run_metrics.phase = 'plain'"
                                                     "   WHERE runs.model_id = "
                                                     "predictions.model_id AND runs.machine_id = "
                                                     "predictions.machine_id"
                                                     "   AND runs.runtime = predictions.runtime"
                                                     "   AND runs.runtime_version = "
                                                     "predictions.runtime_version"
                                                     "   AND runs.threads = predictions.threads "
                                                     "AND runs.batch = predictions.batch"
                                                     "   AND runs.dims = predictions.dims ORDER BY "
                                                     "runs.id DESC LIMIT 1) AS measured_ms,"
                                                     " predictions.created_at"
                                                     " FROM predictions JOIN models ON models.id = "
                                                     "predictions.model_id"
                                                     " JOIN machines ON machines.id = "
                                                     "predictions.machine_id;";

/* Runs beside copies of themselves. The column stands outside the checksums' list; the overview of
 * predictions compares with what ran alone. */
static const char add_replicas[] =
    "ALTER TABLE runs ADD COLUMN replicas INTEGER NOT NULL DEFAULT 1 CHECK (replicas >= 1);"
    "DROP VIEW prediction_overview;"
    "CREATE VIEW prediction_overview AS"
    " SELECT predictions.id, models.name AS model, machines.label AS machine, predictions.threads,"
    " predictions.batch, predictions.dims, predictions.tier, predictions.fit_id,"
    " predictions.latency_value_ns / 1e6 AS predicted_ms,"
    " (SELECT run_metrics.median / 1e6 FROM runs JOIN run_metrics"
    "   ON run_metrics.run_id = runs.id AND run_metrics.metric = 'wall_ns'"
    "   AND run_metrics.phase = 'plain'"
    "   WHERE runs.model_id = predictions.model_id AND runs.machine_id = predictions.machine_id"
    "   AND runs.runtime = predictions.runtime"
    "   AND runs.runtime_version = predictions.runtime_version"
    "   AND runs.threads = predictions.threads AND runs.batch = predictions.batch"
    "   AND runs.dims = predictions.dims AND runs.replicas = 1"
    "   ORDER BY runs.id DESC LIMIT 1) AS measured_ms,"
    " predictions.created_at"
    " FROM predictions JOIN models ON models.id = predictions.model_id"
    " JOIN machines ON machines.id = predictions.machine_id;";

/* What programs were seen doing. Lists keep their order by `place`; a track's number is the bits of
 * an unsigned one. */
static const char add_recordings[] =
    "CREATE TABLE recordings ("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " machine_id INTEGER REFERENCES machines (id),"
    " format TEXT NOT NULL,"
    " path TEXT NOT NULL,"
    " sha256 TEXT NOT NULL,"
    " started_at TEXT NOT NULL,"
    " events INTEGER NOT NULL,"
    " complete INTEGER NOT NULL,"
    " whole_bytes INTEGER NOT NULL,"
    " origin_ns INTEGER NOT NULL,"
    " wall_ns REAL,"
    " overhead_ns REAL,"
    " node_count INTEGER NOT NULL,"
    " operators_with_shapes INTEGER NOT NULL,"
    " kernels INTEGER NOT NULL,"
    " kernel_names INTEGER NOT NULL,"
    " kernel_total_ns REAL,"
    " device_busy_ns REAL,"
    " device_span_ns REAL,"
    " device_busy_read_us REAL,"
    " device_span_read_us REAL,"
    " kernels_with_call INTEGER NOT NULL,"
    " head_checksum INTEGER NOT NULL,"
    " nodes_checksum INTEGER NOT NULL,"
    " samples_checksum INTEGER NOT NULL,"
    " " CREATED_AT ") STRICT;"
    "CREATE UNIQUE INDEX recordings_by_file ON recordings (sha256, format) WHERE sha256 <> '';"
    "CREATE INDEX recordings_by_machine ON recordings (machine_id);"

    "CREATE TABLE recording_nodes ("
    " recording_id INTEGER NOT NULL REFERENCES recordings (id) ON DELETE CASCADE,"
    " node INTEGER NOT NULL,"
    " parent INTEGER NOT NULL,"
    " kind TEXT NOT NULL,"
    " name TEXT NOT NULL,"
    " category TEXT NOT NULL,"
    " shapes TEXT NOT NULL,"
    " dtypes TEXT NOT NULL,"
    " device TEXT NOT NULL,"
    " attributes TEXT NOT NULL,"
    " count INTEGER NOT NULL,"
    " total_ns REAL,"
    " self_ns REAL,"
    " low_ns REAL,"
    " high_ns REAL,"
    " PRIMARY KEY (recording_id, node)) STRICT, WITHOUT ROWID;"

    "CREATE TABLE recording_tracks ("
    " recording_id INTEGER NOT NULL REFERENCES recordings (id) ON DELETE CASCADE,"
    " place INTEGER NOT NULL,"
    " track INTEGER NOT NULL,"
    " kind TEXT NOT NULL,"
    " name TEXT NOT NULL,"
    " spans INTEGER NOT NULL,"
    " start_ns REAL,"
    " end_ns REAL,"
    " busy_ns REAL,"
    " PRIMARY KEY (recording_id, place)) STRICT, WITHOUT ROWID;"

    "CREATE TABLE recording_samples ("
    " recording_id INTEGER NOT NULL REFERENCES recordings (id) ON DELETE CASCADE,"
    " place INTEGER NOT NULL,"
    " track INTEGER NOT NULL,"
    " metric TEXT NOT NULL,"
    " unit TEXT NOT NULL,"
    " at_ns INTEGER NOT NULL,"
    " value REAL,"
    " PRIMARY KEY (recording_id, place)) STRICT, WITHOUT ROWID;"

    "CREATE TABLE recording_facts ("
    " recording_id INTEGER NOT NULL REFERENCES recordings (id) ON DELETE CASCADE,"
    " place INTEGER NOT NULL,"
    " key TEXT NOT NULL,"
    " value TEXT NOT NULL,"
    " PRIMARY KEY (recording_id, place)) STRICT, WITHOUT ROWID;"

    "CREATE TABLE recording_categories ("
    " recording_id INTEGER NOT NULL REFERENCES recordings (id) ON DELETE CASCADE,"
    " place INTEGER NOT NULL,"
    " category TEXT NOT NULL,"
    " count INTEGER NOT NULL,"
    " PRIMARY KEY (recording_id, place)) STRICT, WITHOUT ROWID;"

    "CREATE VIEW recording_overview AS"
    " SELECT recordings.id, recordings.format, recordings.path, machines.label AS machine,"
    " recordings.created_at, events, complete, node_count AS operators, wall_ns / 1e6 AS wall_ms,"
    " device_busy_ns / 1e6 AS device_busy_ms, kernels, overhead_ns / 1e6 AS overhead_ms"
    " FROM recordings LEFT JOIN machines ON machines.id = recordings.machine_id;";

/* What files were when they were hashed (db/file_digest.h). Device and inode are the bits of
 * unsigned numbers. */
static const char add_file_digests[] = "CREATE TABLE file_digests ("
                                       " id INTEGER PRIMARY KEY,"
                                       " path TEXT NOT NULL UNIQUE,"
                                       " device INTEGER NOT NULL,"
                                       " inode INTEGER NOT NULL,"
                                       " size_bytes INTEGER NOT NULL,"
                                       " modified_ns INTEGER NOT NULL,"
                                       " changed_ns INTEGER NOT NULL,"
                                       " seen_ns INTEGER NOT NULL,"
                                       " sha256 TEXT NOT NULL,"
                                       " checksum INTEGER NOT NULL) STRICT;";

const struct migration migrations[] = {
    {"first schema", create_schema   },
    {"replicas",     add_replicas    },
    {"recordings",   add_recordings  },
    {"file digests", add_file_digests},
};

const int migration_count = sizeof migrations / sizeof *migrations;

int migrations_version(struct db *db, int *version, struct err *err) {
    sqlite3_stmt *statement = NULL;
    int status = sqlite3_prepare_v2(db->handle, "PRAGMA user_version", -1, &statement, NULL);
    if (status == SQLITE_OK)
        status = sqlite3_step(statement);
    if (status == SQLITE_ROW)
        *version = sqlite3_column_int(statement, 0);
    sqlite3_finalize(statement);
    return status == SQLITE_ROW ? 0 : db_fail(db, status, "read its version", err);
}

static int apply_step(struct db *db, const struct migration *step, int version, struct err *err) {
    char pragma[96];
    snprintf(pragma, sizeof pragma, "PRAGMA user_version = %d; PRAGMA application_id = %d", version,
             DB_APPLICATION_ID);
    int status = sqlite3_exec(db->handle, step->sql, NULL, NULL, NULL);
    if (status == SQLITE_OK)
        status = sqlite3_exec(db->handle, pragma, NULL, NULL, NULL);
    if (status == SQLITE_OK)
        return 0;
    db_fail(db, status, "upgrade it", err);
    return err_prefix(err, "step %d (%s)", version, step->name);
}

static int apply_all(struct db *db, const struct migration *steps, int count, struct err *err) {
    int version = 0;
    int failed = migrations_version(db, &version, err);
    if (failed == 0 && version > count)
        failed = err_set(err, ERR_INPUT,
                         "database %s: its version %d is newer than %d, the newest "
                         "this program knows",
                         db->path, version, count);
    for (int i = version; failed == 0 && i < count; i++)
        failed = apply_step(db, &steps[i], i + 1, err);
    return failed;
}

int migrations_apply(struct db *db, const struct migration *steps, int count, struct err *err) {
    int version = 0;
    int failed = migrations_version(db, &version, err);
    if (failed != 0 || version == count)
        return failed;
    failed = db_begin_write(db, err);
    return failed != 0 ? failed : db_end(db, apply_all(db, steps, count, err), err);
}
