/* How fast the machine is just now: a fixed piece of work, timed.
 *
 * Clocks and neighbours make a machine 5 to 15 % faster or slower within minutes. The probe runs
 * beside every measurement; observations are divided by what it says before they are compared. It
 * is made of what networks spend their time on, multiply-adds in wide vectors: scalar code hardly
 * felt what slowed them down.
 */
#ifndef ASSAY_PROFILER_SPEED_PROBE_H
#define ASSAY_PROFILER_SPEED_PROBE_H

#include "base/arena.h"

#include <stdint.h>

/* Nanoseconds of CPU time that the work took: the mean of a few rounds without the worst, a
 * millisecond in all. */
double speed_probe_ns(void);

/* The median of many of them, a quarter of a second in all: what a measurement begun now would see,
 * as far as the next seconds are like the last. */
double speed_probe_now_ns(void);

/* Bytes per nanosecond that one thread reads from a buffer of that size, the best of a few rounds:
 * the bandwidth of the memory level that holds it. */
double read_bandwidth(struct arena *arena, size_t bytes);

/* Work that so many threads do at the same time, each on data of its own, all of it added up: what
 * one of them does is a measure of what they take from one another. The median of a few rounds. */
double shared_read_bandwidth(size_t bytes, uint32_t readers); /* bytes per nanosecond */
double shared_products(uint32_t workers); /* steps of vector_work() per nanosecond */

#endif
