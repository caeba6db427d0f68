/* What this machine is, as far as it decides how fast a model runs.
 *
 * The fingerprint is the SHA-256 of the lines of machine_identity(): CPU model and extensions,
 * caches, CPUs online, CPU quota, memory (whole GiB) and its limit, NUMA nodes, virtualisation.
 * Kernel, governor, host name and the CPUs this process is bound to are no part of it: a reboot,
 * an upgrade or taskset leaves it alone. They are described all the same.
 */
#ifndef ASSAY_COLLECTORS_MACHINE_H
#define ASSAY_COLLECTORS_MACHINE_H

#include "base/err.h"
#include "core/machine.h"

#include <stddef.h>

/* Fails with ERR_ENVIRONMENT when /proc/cpuinfo or /proc/meminfo cannot be read. */
int machine_describe(struct machine *machine, struct err *err);

/* The same of a tree of /proc and /sys files under `root`; asks no CPU instruction then. */
int machine_describe_at(const char *root, struct machine *machine, struct err *err);

/* "Intel Xeon (Sapphire Rapids), 2 CPUs, 24 GiB": also in machine.label. */
void machine_label(const struct machine *machine, char *label, size_t size);

/* The text that the fingerprint is the hash of, one "key=value" line each. */
void machine_identity(const struct machine *machine, char *text, size_t size);

#endif
