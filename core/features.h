/* What an operator of the lowered graph has to do, in numbers that time depends on: its FLOPs and
 * bytes, the kernel class it runs in, and that class's physical terms.
 *
 * One table (core/op_kind.c) says for each operator type how FLOPs are counted and which function
 * finds the class; one table here lists the classes with the names of their terms. FLOPs: one
 * multiply-add is two. Bytes: every input and output once, as if nothing stayed in a cache.
 */
#ifndef ASSAY_CORE_FEATURES_H
#define ASSAY_CORE_FEATURES_H

#include "core/division.h"
#include "core/graph.h"
#include "core/machine.h"
#include "core/reuse.h"

#include <stdbool.h>
#include <stdint.h>

enum { FEATURE_TERMS_MAX = 19, KERNEL_KEY_SIZE = 64 };

/* Classes that share their terms. A class without observations may borrow from its family. */
enum kernel_family {
    FAMILY_CONV_BLOCKED,   /* NCHWc convolution, the channels in blocks of the vector width */
    FAMILY_CONV_DEPTHWISE, /* NCHWc, one filter per channel */
    FAMILY_CONV_PLAIN,     /* im2col and GEMM, or direct loops, on NCHW */
    FAMILY_MATMUL,
    FAMILY_MATVEC,
    FAMILY_CONV_INTEGER, /* eight bits */
    FAMILY_MATMUL_INTEGER,
    FAMILY_POOL,
    FAMILY_ELEMENTWISE,
    FAMILY_MOVE, /* copies elements without arithmetic */
    FAMILY_ROWS, /* reductions, normalisations, softmax: work per row */
    FAMILY_RECURRENT,
    FAMILY_METADATA, /* shapes and views: no work that grows with the tensor */
    FAMILY_CONTROL,  /* If, Loop, Scan without their bodies */
    FAMILY_COUNT
};

struct family_info {
    const char *name;
    const char *terms[FEATURE_TERMS_MAX]; /* NULL-terminated when shorter */
};

const struct family_info *family_info(enum kernel_family family);
/* Its operators pass over data and do little else. */
bool family_streams(enum kernel_family family);

struct features {
    char key[KERNEL_KEY_SIZE]; /* the kernel class: "conv.nchwc.pointwise", "Add", "Gather/int64" */
    enum kernel_family family;
    double flops;
    double bytes_in, bytes_out; /* activations */
    double bytes_weights;       /* initializers and constants */
    struct division division;   /* of the work among threads */
    struct reuse reuse;         /* what is far from the core's own caches, by age */
    double inference_ns;        /* that ages are shares of; 0: not known */
    /* Of the family, in its order; unused ones are 0. With several threads what the busiest does.
     */
    double terms[FEATURE_TERMS_MAX];
    bool free;    /* its runtime passes over it: it takes no time at all */
    bool guessed; /* a size depends on data and was taken from the inputs */
};

/* What the lowered graph was lowered for. */
struct feature_target {
    uint32_t block;     /* floats in a vector register, the NCHWc block: 16 with AVX-512, else 8 */
    double cache_bytes; /* of one CPU's own caches: the second level; 0: not known */
    /* Products of eight bits that one instruction sums up: 64 with AMX tiles, else 4. */
    uint32_t integer_depth;
    uint32_t threads;    /* intra-op; 0 is 1 */
    double inference_ns; /* of the graph, 0: not known */
    /* Of the graph and its subgraphs, by address; without them all data counts as near. */
    const struct graph_reuse *reuses;
    uint32_t reuse_count;
};

struct graph_reuse {
    const struct graph *graph;
    const struct reuse *ops;
    const uint32_t *readers; /* per tensor: how often operators read it */
};

struct feature_target feature_target_of(const struct machine *machine, uint32_t threads);
/* The same for the operators of one lowered graph, subgraphs included; lives in the arena. */
struct feature_target feature_target_for(struct arena *arena, const struct feature_target *machine,
                                         const struct graph *graph);

/* ERR_INPUT naming the operator when its class cannot be told, e.g. an operator type without a row
 * that is not elementwise; the caller lists it as refused. */
int features_of(const struct graph *graph, const struct op *op, const struct feature_target *target,
                struct features *out, struct err *err);

/* The same work done by that many threads, of features that one thread or another number does. */
void features_divide(struct features *features, uint32_t from, uint32_t to);

/* Processors share their last cache: the longer data waits for its next use, the more of it others
 * have driven out. Sets the terms "stale_..." as far as the family has them: the part of what is
 * far, bytes or calls, that has left the shared cache too, when that forgets within about
 * forget_ns. Ages that are not known count as old. */
void features_forget(struct features *features, double forget_ns);
/* What a term of the family counts of what is far, cold or stale: nothing, bytes, or the operator's
 * own code and books. */
enum far_kind { FAR_NONE, FAR_BYTES, FAR_CALL };
enum far_kind family_far_kind(enum kernel_family family, int term);
/* It counts what is stale; the term before it counts the same when all of that is. */
bool family_term_is_stale(enum kernel_family family, int term);
/* Some of its data or its own code is far, so how long an inference takes matters. */
bool features_age_matters(const struct features *features);

/* FLOPs of an operator of a graph with static shapes, as written or lowered; 0 when unknown. */
double op_flops(const struct graph *graph, const struct op *op);

/* Sum over the graph, subgraphs included once: "FLOPs of the model". */
double graph_flops(const struct graph *graph);

double features_bytes(const struct features *features);

#endif
