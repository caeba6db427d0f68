/* A plan in the form that manifests are made from. */
#ifndef ASSAY_TESTS_UNIT_MANIFEST_SAMPLE_H
#define ASSAY_TESTS_UNIT_MANIFEST_SAMPLE_H

#include "reports/manifest.h"

#include <math.h>

#define MIB 1048576.0

static const struct slo manifest_targets[] = {
    {99, 50e6},
    {50, 2e9 },
};

static inline struct manifest_input manifest_sample(void) {
    return (struct manifest_input){
        .model = "resnet50",
        .model_sha256 = "c0ffee",
        .machine = "a machine",
        .machine_fingerprint = "f00d",
        .runtime = "onnxruntime 1.30.0",
        .threads = 2,
        .targets = manifest_targets,
        .target_count = 2,
        .rate_per_second = 200,
        .routing = "random",
        .routing_as_service = true,
        .replicas = 5,
        .n = {5,        0.7, 48e6,  99,            50e6,                    true},
        .less = {4,        0.9,           INFINITY,      99, 50e6,                 false},
        .latency_ns = {10e6,   9e6,      12e6,        TIER_FITTED,                "fit:7"             },
        .peak_memory_bytes = {200 * MIB, 190 * MIB,    220 * MIB, TIER_FITTED,"fit:7"},
        .memory_bytes = 255.5 * MIB,
        .memory_confidence = 0.99,
        .cold_start_ns = {20e9, 15e9,    25e9,      TIER_FITTED,                          "fit:7"                                                      },
        .usd_per_hour = NAN,
    };
}

static inline struct manifest_settings manifest_usual(void) {
    return (struct manifest_settings){.server_url = "http://assay:9808",
                                      .kubernetes = "1.29",
                                      .command = "assay plan resnet50.onnx",
                                      .port = 8080};
}

#endif
