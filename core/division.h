/* How a kernel deals its work out to the threads of a session. The time of an operator is that of
 * the thread with most to do, so what counts is how finely the work is cut, how many threads the
 * kernel asks for, and how often it waits for all of them.
 *
 * The rules are those of ONNX Runtime 1.23 to 1.30 on x86-64: onnxruntime/core/common/threadpool.cc
 * (TryParallelFor and its cost model, which is Eigen's TensorCostModel), core/mlas/lib/sgemm.cpp,
 * snchwc.cpp, convolve.cpp, compute.cpp, and the kernels in core/providers/cpu.
 */
#ifndef ASSAY_CORE_DIVISION_H
#define ASSAY_CORE_DIVISION_H

#include <stdint.h>

/* All zeros: one thread does it all. */
struct division {
    double items;       /* of the same size that need nothing of one another */
    double pieces;      /* that each of them can be cut into, all alike */
    double threads_max; /* that the kernel asks for, however many there are; 0: no limit */
    double forks;       /* times in a call that threads are set to work and waited for */
};

/* So many equal pieces, however small. */
struct division division_pieces(double pieces);
/* So many iterations of that many cycles, as the thread pool's cost model sees them: work that is
 * too short for a second thread stays with the first. */
struct division division_by_cost(double iterations, double cycles);
/* Cycles of an iteration that loads and stores so many bytes and computes for so long. */
double division_stream_cycles(double bytes, double cycles);
/* Independent products of m x k by k x n. */
struct division division_products(double products, double m, double n, double k);

/* What the busiest of so many threads does of it, 1 / threads to 1. */
double division_share(const struct division *division, uint32_t threads);
/* Times in a call that so many threads are set to work; 0 when one does it all. */
double division_forks(const struct division *division, uint32_t threads);

#endif
