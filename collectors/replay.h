/* The collector row `replay`: what a runtime would have said, from a script.
 *
 * ASSAY_REPLAY names a JSON file. Every value is a number or a list of numbers that is gone
 * through again and again, one per run; what is absent is not reported. Keys are the metrics'
 * names (core/run.h).
 *
 *   {"runtime": "onnxruntime", "version": "1.30.0",
 *    "cold": {"process_start_ns": 3e6, "library_load_ns": 2e7, "library_bytes": 4e7,
 *             "load_ns": 1e8, "read_parse_ns": 3e7, "optimise_ns": 3e7, "reorder_ns": 1e7,
 *             "prepack_ns": 3e7, "file_read_ns": 1e6, "first_run_ns": 2e7,
 *             "baseline_bytes": 25e6, "loaded_bytes": 6e7,
 *             "peak_bytes": 7e7, "resident_bytes": 65e6},
 *    "plain": {"wall_ns": [1e7, 1.01e7], "cpu_ns": 1e7, "events": {"instructions": 5e7},
 *              "running": {"instructions": 0.5}},   part of the time that it counted
 *    "profiled": {... as plain; absent: the values of plain},
 *    "operators": {"<path>": {"wall_ns": 1e5, ...}, "<type>": {...}, "*": {...}},
 *    "spread": 0.01,            relative standard deviation put on times, seeded
 *    "missing_events": ["cycles: not supported"],
 *    "disturbance": {"involuntary_switches": 3, "load_average": 0.5, ...},
 *    "fail": {"at": "open" | "run" | "finish", "after": 10, "code": "environment",
 *             "message": "...", "hint": "..."}}
 *
 * It cannot lower: the rules of models/ say what the operators are. */
#ifndef ASSAY_COLLECTORS_REPLAY_H
#define ASSAY_COLLECTORS_REPLAY_H

#include "collectors/collector.h"

#define REPLAY_VARIABLE "ASSAY_REPLAY"

extern const struct collector collector_replay;

#endif
