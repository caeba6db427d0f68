/* Multiply-adds in the widest vectors that the processor has, in registers alone: what matrix
 * products and convolutions are made of. Their clock is not that of other code: wide vectors lower
 * it, and a neighbour on the same core takes their ports.
 */
#ifndef ASSAY_PROFILER_VECTOR_WORK_H
#define ASSAY_PROFILER_VECTOR_WORK_H

#include <stdint.h>

/* So many steps of twelve sums each, which do not wait for one another. Returns one of the sums,
 * between 0 and 1 whatever the number of steps, so that the work cannot be left out. */
float vector_work(uint32_t steps);

#endif
