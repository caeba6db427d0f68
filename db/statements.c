#include "db/statements.h"

#define MODEL_COLUMNS                                                                              \
    "models.id, models.sha256, models.name, models.path, models.format, models.file_bytes, "       \
    "models.nodes, models.parameters, models.weight_bytes, models.created_at"

#define MACHINE_COLUMNS                                                                            \
    "machines.fingerprint, machines.label, machines.cpu, machines.isa, machines.kernel, "          \
    "machines.governor, machines.virtualisation, machines.cpus, machines.cpu_quota_cpus, "         \
    "machines.memory_bytes, machines.memory_limit_bytes, machines.cache_l1_bytes, "                \
    "machines.cache_l2_bytes, machines.cache_l3_bytes, machines.cache_l4_bytes, "                  \
    "machines.numa_nodes"

/* What is put first and got first must be the same list: the checksum runs over it. */
#define RUN_COLUMNS                                                                                \
    "model_id, machine_id, lowered_id, runtime, runtime_version, threads, batch, dims, weights, "  \
    "collector, purpose, dtype, repeats, processes, budget_ns, seed, started_at, duration_ns, "    \
    "tool_version, overhead_ns_per_op, voluntary_switches, involuntary_switches, minor_faults, "   \
    "major_faults, steal_fraction, throttled_ns, load_average, frequency_ratio, warnings_json, "   \
    "op_count"

#define RUN_METRIC_COLUMNS "run_id, metric, unit, phase, median, low, high, spread, count"

#define OPERATOR_COLUMNS                                                                           \
    "run_id, op_index, path, type, domain, kernel, shapes, dtype, flops, bytes, "                  \
    "wall_raw_median_ns, wall_raw_low_ns, wall_raw_high_ns, wall_raw_spread, wall_raw_count, "     \
    "wall_median_ns, wall_low_ns, wall_high_ns, wall_spread, wall_count, "                         \
    "cpu_median_ns, cpu_low_ns, cpu_high_ns, cpu_spread, cpu_count"

#define OPERATOR_METRIC_COLUMNS "run_id, op_index, metric, unit, median, low, high, spread, count"

#define LOWERED_KEY                                                                                \
    "model_id = (SELECT id FROM models WHERE sha256 = ?1) AND isa = ?2 AND runtime = ?3 "          \
    "AND runtime_version = ?4 AND batch = ?5 AND dims = ?6 AND weights = ?7"

#define LOWERED_COLUMNS "id, origin, lowering_ns, op_count, sha256"

/* Parameters in the order of put_filter() in db/run_list.c; NULL is any. */
#define RUN_FILTER                                                                                 \
    " FROM runs JOIN models ON models.id = runs.model_id"                                          \
    " JOIN machines ON machines.id = runs.machine_id"                                              \
    " WHERE (?1 IS NULL OR models.sha256 = ?1) AND (?2 IS NULL OR machines.fingerprint = ?2)"      \
    " AND (?3 IS NULL OR runs.runtime = ?3) AND (?4 IS NULL OR runs.runtime_version = ?4)"         \
    " AND (?5 IS NULL OR runs.weights = ?5) AND (?6 IS NULL OR runs.collector = ?6)"               \
    " AND (?7 IS NULL OR runs.purpose = ?7) AND (?8 IS NULL OR runs.threads = ?8)"                 \
    " AND (?9 IS NULL OR runs.batch = ?9) AND (?10 IS NULL OR runs.dims = ?10)"                    \
    " AND runs.id > ?11 AND (?12 IS NULL OR (runs.replicas > 1) = ?12)"

#define FIT_COLUMNS                                                                                \
    "fits.id, machines.fingerprint, fits.runtime, fits.runtime_version, fits.threads, "            \
    "fits.observations, fits.data_hash, fits.tool_version, fits.created_at"

#define PREDICTION_COLUMNS                                                                         \
    "predictions.id, model_id, machine_id, fit_id, runtime, runtime_version, threads, batch, "     \
    "dims, latency_value_ns, latency_low_ns, latency_high_ns, tier, json, predictions.created_at"

/* A model's predictions under given conditions: fingerprint or NULL, threads or 0, batch. */
#define PREDICTION_FILTER                                                                          \
    " FROM predictions JOIN models ON models.id = model_id"                                        \
    " JOIN machines ON machines.id = machine_id"                                                   \
    " WHERE (?1 IS NULL OR machines.fingerprint = ?1) AND (?2 = 0 OR threads = ?2)"                \
    " AND (batch = ?3 OR (?3 = 0 AND batch = 1))"

/* In the order of put_head() in db/recording.c. */
#define RECORDING_COLUMNS                                                                          \
    "machine_id, format, path, sha256, started_at, events, complete, whole_bytes, origin_ns, "     \
    "wall_ns, overhead_ns, node_count, operators_with_shapes, kernels, kernel_names, "             \
    "kernel_total_ns, device_busy_ns, device_span_ns, device_busy_read_us, device_span_read_us, "  \
    "kernels_with_call"

#define RECORDING_NODE_COLUMNS                                                                     \
    "recording_id, node, parent, kind, name, category, shapes, dtypes, device, attributes, "       \
    "count, total_ns, self_ns, low_ns, high_ns"

#define RECORDING_SAMPLE_COLUMNS "recording_id, place, track, metric, unit, at_ns, value"

#define RECORDING_TRACK_COLUMNS                                                                    \
    "recording_id, place, track, kind, name, spans, start_ns, end_ns, busy_ns"

#define RECORDING_FACT_COLUMNS "recording_id, place, key, value"

#define RECORDING_CATEGORY_COLUMNS "recording_id, place, category, count"

#define DIGEST_COLUMNS                                                                             \
    "path, device, inode, size_bytes, modified_ns, changed_ns, seen_ns, sha256, checksum"

#define LIST_OF_RECORDING(columns, table, place)                                                   \
    "SELECT " columns " FROM " table " WHERE recording_id = ? ORDER BY " place

const struct statement_row db_statements[STATEMENT_COUNT] = {
    [STATEMENT_PUT_MODEL] =
        {"store a model",
                               "INSERT INTO models (sha256, name, path, format, file_bytes, nodes, parameters,"
         " weight_bytes) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
         " ON CONFLICT (sha256) DO UPDATE SET name = excluded.name, path = excluded.path,"
         " format = excluded.format, file_bytes = excluded.file_bytes, nodes = excluded.nodes,"
         " parameters = excluded.parameters, weight_bytes = excluded.weight_bytes RETURNING "
         "id"                                                                                                                                           },
    [STATEMENT_GET_MODEL] = {"read a model",                               "SELECT " MODEL_COLUMNS " FROM models WHERE id = ?"                        },
    [STATEMENT_FIND_MODELS] =
        {"find a model",
                               "SELECT " MODEL_COLUMNS " FROM models WHERE name = ?1 OR path = ?1"
         " OR (length(?1) >= 6 AND substr(sha256, 1, length(?1)) = lower(?1)) ORDER BY id"                                                              },
    [STATEMENT_LIST_MODELS] = {"list the models",
                               "SELECT " MODEL_COLUMNS " FROM models ORDER BY id"                                                                       },

    [STATEMENT_PUT_MACHINE] =
        {"store a machine",
                               "INSERT INTO machines (fingerprint, label, cpu, isa, kernel, governor, virtualisation,"
         " cpus, cpu_quota_cpus, memory_bytes, memory_limit_bytes, cache_l1_bytes, "
         "cache_l2_bytes,"
         " cache_l3_bytes, cache_l4_bytes, numa_nodes)"
         " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
         " ON CONFLICT (fingerprint) DO UPDATE SET label = excluded.label, cpu = excluded.cpu,"
         " isa = excluded.isa, kernel = excluded.kernel, governor = excluded.governor,"
         " virtualisation = excluded.virtualisation, cpus = excluded.cpus,"
         " cpu_quota_cpus = excluded.cpu_quota_cpus, memory_bytes = excluded.memory_bytes,"
         " memory_limit_bytes = excluded.memory_limit_bytes,"
         " cache_l1_bytes = excluded.cache_l1_bytes, cache_l2_bytes = excluded.cache_l2_bytes,"
         " cache_l3_bytes = excluded.cache_l3_bytes, cache_l4_bytes = excluded.cache_l4_bytes,"
         " numa_nodes = excluded.numa_nodes RETURNING id"                                                                                               },
    [STATEMENT_GET_MACHINE] = {"read a machine",
                               "SELECT " MACHINE_COLUMNS " FROM machines WHERE id = ?"                                                                  },
    [STATEMENT_FIND_MACHINES] = {"find a machine",
                               "SELECT " MACHINE_COLUMNS
                                 " FROM machines WHERE label = ?1 OR fingerprint = ?1"
                                 " OR (length(?1) >= 6 AND substr(fingerprint, 1, length(?1)) "
                                 "= lower(?1)) ORDER BY id"                                                                                             },
    [STATEMENT_LIST_MACHINES] = {"list the machines",
                               "SELECT " MACHINE_COLUMNS " FROM machines ORDER BY id"                                                                   },
    [STATEMENT_PUT_PEAK] =
        {"store a peak",
                               "INSERT OR REPLACE INTO machine_peaks (machine_id, quantity, subject,"
         " threads, value, low, high, measured_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"                                                                     },
    [STATEMENT_LIST_PEAKS] =
        {"list the peaks",
                               "SELECT quantity, subject, threads, value, low, high, measured_at FROM machine_peaks"
         " JOIN machines ON machines.id = machine_id WHERE fingerprint = ?"
         " ORDER BY quantity, subject, threads"                                                                                                         },

    [STATEMENT_PUT_LOWERED] =
        {"store a lowered graph",
                               "INSERT INTO lowered_graphs (model_id, isa, runtime, runtime_version, batch, dims,"
         " weights, origin, sha256, lowering_ns, op_count, graph)"
         " VALUES ((SELECT id FROM models WHERE sha256 = ?), ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
         " RETURNING id"                                                                                                                                },
    [STATEMENT_SAME_LOWERED] = {"find a lowered graph",
                               "SELECT id FROM lowered_graphs"
                                " WHERE " LOWERED_KEY " AND origin = ?8 AND sha256 = ?9"                                                                },
    [STATEMENT_FIND_LOWERED] = {"find a lowered graph",
                               "SELECT " LOWERED_COLUMNS ", graph FROM lowered_graphs"
                                " WHERE " LOWERED_KEY
                                " ORDER BY origin = 'runtime' DESC, id DESC LIMIT 1"                                                                    },
    [STATEMENT_GET_LOWERED] = {"read a lowered graph",
                               "SELECT " LOWERED_COLUMNS ", iif(?2, graph, NULL)"
                               " FROM lowered_graphs WHERE id = ?1"                                                                                     },

    [STATEMENT_PUT_RUN] = {"store a run",
                               "INSERT INTO runs (" RUN_COLUMNS
                           ", replicas, head_checksum, operators_checksum)"
                           " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,"
                           " ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0) RETURNING id"                                                                       },
    [STATEMENT_PUT_RUN_CHECKSUMS] =
        {"store a run",                                "UPDATE runs SET head_checksum = ?, operators_checksum = ? WHERE id = ?"   },
    [STATEMENT_PUT_RUN_METRIC] = {"store a run's metric",
                               "INSERT INTO run_metrics (" RUN_METRIC_COLUMNS ")"
                                  " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"                                                                                 },
    [STATEMENT_PUT_OPERATOR] = {"store an operator",
                               "INSERT INTO operators (" OPERATOR_COLUMNS ")"
                                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,"
                                " ?, ?, ?, ?, ?, ?, ?)"                                                                                                 },
    [STATEMENT_PUT_OPERATOR_METRIC] = {"store an operator's metric",
                               "INSERT INTO operator_metrics (" OPERATOR_METRIC_COLUMNS ")"
                                       " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"                                                                            },
    [STATEMENT_GET_RUN] = {"read a run",                                 "SELECT " RUN_COLUMNS " FROM runs WHERE id = ?"                            },
    [STATEMENT_GET_RUN_CHECKSUMS] =
        {"read a run",                                 "SELECT head_checksum, operators_checksum, replicas FROM runs WHERE id = ?"},
    [STATEMENT_LIST_RUN_METRICS] = {"read a run's metrics",                       "SELECT " RUN_METRIC_COLUMNS
                                                            " FROM run_metrics WHERE run_id = ?"  },
    [STATEMENT_LIST_OPERATORS] = {"read a run's operators",
                               "SELECT " OPERATOR_COLUMNS
                                  " FROM operators WHERE run_id = ? ORDER BY op_index"                                                                  },
    [STATEMENT_LIST_OPERATOR_METRICS] = {"read the operators' metrics",
                               "SELECT " OPERATOR_METRIC_COLUMNS
                                         " FROM operator_metrics WHERE run_id = ?"
                                         " ORDER BY op_index, metric"                                                                                   },
    [STATEMENT_LIST_RUNS] = {"list the runs",                              "SELECT runs.id" RUN_FILTER " ORDER BY runs.id"                            },
    [STATEMENT_LATEST_RUN] = {"find a run",
                               "SELECT runs.id" RUN_FILTER " ORDER BY runs.id DESC LIMIT 1"                                                             },
    [STATEMENT_COUNT_RUNS] = {"count the runs",                             "SELECT count(*)" RUN_FILTER                                               },
    [STATEMENT_LIST_THREADS] = {"list thread counts",
                               "SELECT DISTINCT runs.threads" RUN_FILTER " ORDER BY 1"                                                                  },
    [STATEMENT_LIST_OP_TYPES] =
        {"list operator types",
                               "SELECT DISTINCT type FROM operators WHERE run_id IN (SELECT runs.id" RUN_FILTER
         ") ORDER BY 1"                                                                                                                                 },
    [STATEMENT_LIST_PRODUCT_PEAKS] =
        {"list the best products",
                               "SELECT dtype, max(1e9 * flops / cpu_median_ns) FROM operators"
         " WHERE kernel GLOB 'matmul.*' AND flops > 1e8 AND cpu_median_ns > 0"
         " AND run_id IN (SELECT runs.id" RUN_FILTER ") GROUP BY dtype ORDER BY dtype"                                                                  },
    [STATEMENT_RUN_IN_FITS] = {"look for fits",
                               "SELECT group_concat(fit_id, ', ') FROM fit_runs WHERE run_id = ?"                                                       },
    [STATEMENT_DELETE_RUN] = {"delete a run",                               "DELETE FROM runs WHERE id = ?"                                            },

    [STATEMENT_PUT_FIT] =
        {"store a fit",
                               "INSERT INTO fits (machine_id, runtime, runtime_version, threads, observations,"
         " data_hash, tool_version, text_sha256, text)"
         " VALUES ((SELECT id FROM machines WHERE fingerprint = ?), ?, ?, ?, ?, ?, ?, ?, ?)"
         " RETURNING id"                                                                                                                                },
    [STATEMENT_PUT_FIT_RUN] = {"store a fit's runs",
                               "INSERT OR IGNORE INTO fit_runs (fit_id, run_id) VALUES (?, ?)"                                                          },
    [STATEMENT_GET_FIT] = {"read a fit",
                               "SELECT " FIT_COLUMNS ", text_sha256, text FROM fits"
                           " JOIN machines ON machines.id = machine_id WHERE fits.id = ?"                                                               },
    [STATEMENT_LIST_FIT_RUNS] = {"read a fit's runs",
                               "SELECT run_id FROM fit_runs WHERE fit_id = ? ORDER BY run_id"                                                           },
    [STATEMENT_LATEST_FIT] =
        {"find a fit",
                               "SELECT fits.id FROM fits JOIN machines ON machines.id = machine_id"
         " WHERE (?1 IS NULL OR machines.fingerprint = ?1) AND (?2 IS NULL OR fits.runtime = "
         "?2)"
         " AND (?3 IS NULL OR fits.runtime_version = ?3) AND (?4 IS NULL OR fits.threads = ?4)"
         " ORDER BY fits.id DESC LIMIT 1"                                                                                                               },
    [STATEMENT_LIST_FITS] = {"list the fits",
                               "SELECT " FIT_COLUMNS " FROM fits"
                             " JOIN machines ON machines.id = machine_id ORDER BY fits.id"                                                              },
    [STATEMENT_DELETE_FIT] = {"delete a fit",                               "DELETE FROM fits WHERE id = ?"                                            },

    [STATEMENT_PUT_PREDICTION] =
        {"store a prediction",
                               "INSERT INTO predictions (model_id, machine_id, fit_id, runtime, runtime_version,"
         " threads, batch, dims, latency_value_ns, latency_low_ns, latency_high_ns, tier, json)"
         " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id"                                                                                 },
    [STATEMENT_LIST_PREDICTIONS_LIKE] =
        {"list the predictions",                       "SELECT " PREDICTION_COLUMNS PREDICTION_FILTER
                                 " AND models.sha256 = ?4 ORDER BY predictions.id DESC LIMIT ?5"  },
    [STATEMENT_LIST_NEWEST_PREDICTIONS] = {"list the predictions",
                               "SELECT max(predictions.id), models.sha256, "
                                           "models.name, predictions.created_at" PREDICTION_FILTER
                                           " GROUP BY model_id ORDER BY 1"                                                                              },
    [STATEMENT_LIST_PREDICTIONS] =
        {"list the predictions",
                               "SELECT " PREDICTION_COLUMNS " FROM predictions JOIN models ON models.id = model_id"
         " WHERE ?1 IS NULL OR models.sha256 = ?1 ORDER BY predictions.id DESC LIMIT ?2"                                                                },

    [STATEMENT_FIND_MACHINE_ID] = {"find a machine",
                               "SELECT id FROM machines WHERE fingerprint = ?"                                                                          },
    [STATEMENT_PUT_RECORDING] = {"store a recording",
                               "INSERT INTO recordings (" RECORDING_COLUMNS
                                 ", head_checksum, nodes_checksum, samples_checksum)"
                                 " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, "
                                 "?, ?, ?, ?, 0, 0, 0) RETURNING id"                                                                                    },
    [STATEMENT_PUT_RECORDING_SUMS] = {"store a recording",
                               "UPDATE recordings SET head_checksum = ?, nodes_checksum = ?,"
                                      " samples_checksum = ? WHERE id = ?"                                                                              },
    [STATEMENT_PUT_RECORDING_NODE] = {"store an operator of a recording",
                               "INSERT INTO recording_nodes (" RECORDING_NODE_COLUMNS
                                      ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"                                                          },
    [STATEMENT_PUT_RECORDING_SAMPLE] = {"store a reading",
                               "INSERT INTO recording_samples (" RECORDING_SAMPLE_COLUMNS
                                        ") VALUES (?, ?, ?, ?, ?, ?, ?)"                                                                                },
    [STATEMENT_PUT_RECORDING_TRACK] = {"store a track",
                               "INSERT INTO recording_tracks (" RECORDING_TRACK_COLUMNS
                                       ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"                                                                           },
    [STATEMENT_PUT_RECORDING_FACT] = {"store a fact",
                               "INSERT INTO recording_facts (" RECORDING_FACT_COLUMNS
                                      ") VALUES (?, ?, ?, ?)"                                                                                           },
    [STATEMENT_PUT_RECORDING_CATEGORY] =
        {"store a category",
                               "INSERT INTO recording_categories (" RECORDING_CATEGORY_COLUMNS ") VALUES (?, ?, ?, ?)"                                  },
    [STATEMENT_FIND_RECORDING] =
        {"find a recording",
                               "SELECT id FROM recordings WHERE sha256 = ? AND format = ? AND sha256 <> ''"                                             },
    [STATEMENT_GET_RECORDING] = {"read a recording",
                               "SELECT " RECORDING_COLUMNS
                                 ", id, created_at, head_checksum, nodes_checksum, "
                                 "samples_checksum FROM recordings WHERE id = ?"                                                                        },
    [STATEMENT_LIST_RECORDING_IDS] = {"list the recordings",
                               "SELECT id FROM recordings ORDER BY id"                                                                                  },
    [STATEMENT_LIST_RECORDING_NODE] = {"read a recording's operators",
                               LIST_OF_RECORDING(RECORDING_NODE_COLUMNS,                                                                                  "recording_nodes",
                               "node")},
    [STATEMENT_LIST_RECORDING_SAMPLE] = {"read a recording's readings",
                               LIST_OF_RECORDING(RECORDING_SAMPLE_COLUMNS,
                               "recording_samples", "place")},
    [STATEMENT_LIST_RECORDING_TRACK] = {"read a recording's tracks",
                               LIST_OF_RECORDING(RECORDING_TRACK_COLUMNS,
                               "recording_tracks", "place")},
    [STATEMENT_LIST_RECORDING_FACT] = {"read a recording's facts",
                               LIST_OF_RECORDING(RECORDING_FACT_COLUMNS,                                                                                             "recording_facts",
                               "place")},
    [STATEMENT_LIST_RECORDING_CATEGORY] = {"read a recording's categories",
                               LIST_OF_RECORDING(RECORDING_CATEGORY_COLUMNS,
                               "recording_categories", "place")},
    [STATEMENT_DELETE_RECORDING] = {"delete a recording",                   "DELETE FROM recordings WHERE id = ?"                                                                                 },

    [STATEMENT_PUT_DIGEST] = {"remember a file's digest",
                               "INSERT INTO file_digests (" DIGEST_COLUMNS ")"
                              " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
                              " ON CONFLICT (path) DO UPDATE SET device = excluded.device,"
                              " inode = excluded.inode, size_bytes = excluded.size_bytes,"
                              " modified_ns = excluded.modified_ns,"
                              " changed_ns = excluded.changed_ns, seen_ns = excluded.seen_ns,"
                              " sha256 = excluded.sha256, checksum = excluded.checksum"                                                                                                               },
    [STATEMENT_FIND_DIGEST] = {"look for a file's digest",
                               "SELECT " DIGEST_COLUMNS " FROM file_digests WHERE path = ?"                                                                                                   },
    [STATEMENT_GET_DIGEST] = {"read a file's digest",
                               "SELECT " DIGEST_COLUMNS " FROM file_digests WHERE id = ?"                                                                                                   },
    [STATEMENT_TRIM_DIGESTS] = {"forget the digests of files",
                               "DELETE FROM file_digests WHERE id NOT IN"
                                " (SELECT id FROM file_digests ORDER BY seen_ns DESC LIMIT ?)"            },

    [STATEMENT_LIST_TABLES] = {"list the tables",
                               "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view')"
                               " AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY rowid"},
    [STATEMENT_RUN_TIMES] = {"read the times of runs",
                               "SELECT min(started_at), max(started_at) FROM runs"},
    [STATEMENT_INTEGRITY] = {"check it",                                            "SELECT integrity_check FROM pragma_integrity_check(100)"},
    [STATEMENT_FOREIGN_KEYS] =
        {"check its foreign keys",
                               "SELECT \"table\", rowid, parent FROM pragma_foreign_key_check LIMIT 100"                                                                                          },
    [STATEMENT_LIST_RUN_IDS] = {"list the runs",                                            "SELECT id FROM runs ORDER BY id"                                                                                                                 },
    [STATEMENT_LIST_LOWERED_IDS] = {"list the lowered graphs",
                               "SELECT id FROM lowered_graphs ORDER BY id"                                                                                                               },
    [STATEMENT_LIST_FIT_IDS] = {"list the fits",                                            "SELECT id FROM fits ORDER BY id"                                                                                                        },
    [STATEMENT_LIST_DIGEST_IDS] = {"list the files' digests",
                               "SELECT id FROM file_digests ORDER BY id"              },
    [STATEMENT_FREE_BYTES] = {"read its sizes",                                            "SELECT freelist_count * page_size"
                                                " FROM pragma_freelist_count, pragma_page_size"},
    [STATEMENT_JOURNAL_MODE] = {"read its mode",                                            "SELECT journal_mode FROM pragma_journal_mode"},
    [STATEMENT_BACKUP] = {"copy it",                                            "VACUUM INTO ?"},
    [STATEMENT_VACUUM] = {"shrink it",                                            "VACUUM"                                                                                         },
    [STATEMENT_CHECKPOINT] = {"shrink it",                                            "PRAGMA wal_checkpoint(TRUNCATE)"                                                                                                                           },
};
