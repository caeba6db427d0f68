/* Programs and maps for the kernel, through bpf(2) alone: no compiler, no library.
 *
 * A program is assembled instruction by instruction with the functions below; the kernel's verifier
 * judges it when it is loaded. Numbers of commands, helpers and attach types are those of
 * linux/bpf.h (stable ABI); types newer than the oldest header we build with are named here.
 */
#ifndef ASSAY_COLLECTORS_RECORD_BPF_H
#define ASSAY_COLLECTORS_RECORD_BPF_H

#include "base/err.h"

#include <linux/bpf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum bpf_newer_type {
    BPF_UPROBE_MULTI = 48,   /* BPF_TRACE_UPROBE_MULTI, Linux 6.6 */
    BPF_UPROBE_SESSION = 57, /* BPF_TRACE_UPROBE_SESSION, Linux 6.13 */
};

/* ---- assembling ----------------------------------------------------------------------------- */

enum { BPF_CODE_MAX = 4096 };

struct bpf_code {
    struct bpf_insn items[BPF_CODE_MAX];
    uint32_t count;
};

/* dst = src, dst = value, dst += value. */
void bpf_move(struct bpf_code *code, int dst, int src);
void bpf_set(struct bpf_code *code, int dst, int32_t value);
void bpf_add(struct bpf_code *code, int dst, int32_t value);
/* Another operation of BPF_ALU64 (BPF_RSH, BPF_AND ...) with a constant or a register. */
void bpf_alu(struct bpf_code *code, int operation, int dst, int32_t value);
void bpf_alu_register(struct bpf_code *code, int operation, int dst, int src);
void bpf_set_wide(struct bpf_code *code, int dst, uint64_t value);
/* dst = the map of a descriptor. */
void bpf_set_map(struct bpf_code *code, int dst, int fd);
/* dst = *(u64 *)(src + offset); `size` is BPF_DW, BPF_W, BPF_H, BPF_B. */
void bpf_load(struct bpf_code *code, int size, int dst, int src, int16_t offset);
void bpf_store(struct bpf_code *code, int size, int dst, int16_t offset, int src);
void bpf_store_value(struct bpf_code *code, int size, int dst, int16_t offset, int32_t value);
void bpf_atomic_add(struct bpf_code *code, int dst, int16_t offset, int src);
void bpf_call(struct bpf_code *code, int32_t helper);
void bpf_exit(struct bpf_code *code, int32_t value);

/* A jump whose target comes later: the place to give to bpf_land(), which makes it go to the next
 * instruction. `condition` is BPF_JEQ, BPF_JNE, ...; bpf_jump() is unconditional. */
uint32_t bpf_jump_if(struct bpf_code *code, int condition, int dst, int32_t value);
uint32_t bpf_jump_if_register(struct bpf_code *code, int condition, int dst, int src);
uint32_t bpf_jump(struct bpf_code *code);
void bpf_land(struct bpf_code *code, uint32_t jump);

/* ---- the kernel's side ---------------------------------------------------------------------- */

/* A descriptor; ERR_ENVIRONMENT with what the kernel said. */
int bpf_map_open(enum bpf_map_type type, uint32_t key_bytes, uint32_t value_bytes, uint32_t entries,
                 struct err *err);
int bpf_map_put(int map, const void *key, const void *value);
int bpf_map_get(int map, const void *key, void *value);
int bpf_map_drop(int map, const void *key);
/* A BPF_PROG_TYPE_KPROBE program that may be attached as `attach` says. */
int bpf_program_load(const struct bpf_code *code, uint32_t attach, const char *name,
                     struct err *err);

struct bpf_uprobes {
    int program;
    uint32_t attach; /* as the program was loaded */
    const char *path;
    const uint64_t *offsets; /* in the file */
    const uint64_t *cookies; /* one per offset */
    uint32_t count;
    uint32_t pid; /* 0: every process */
    bool returns; /* BPF_UPROBE_MULTI: at the return instead of the entry */
};

/* A descriptor; closing it takes the probes away. */
int bpf_uprobes_attach(const struct bpf_uprobes *probes, struct err *err);

/* One probe through perf_event_open(2), for kernels without the above: two descriptors. `program`
 * was loaded for BPF_PERF_EVENT. */
int bpf_uprobe_attach_one(const struct bpf_uprobes *probes, uint32_t index, int fds[static 2],
                          struct err *err);

#endif
