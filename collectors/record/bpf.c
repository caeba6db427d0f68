#include "collectors/record/bpf.h"

#include <assert.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- assembling ----------------------------------------------------------------------------- */

static struct bpf_insn *next(struct bpf_code *code) {
    assert(code->count < BPF_CODE_MAX);
    return &code->items[code->count++];
}

static void emit(struct bpf_code *code, int opcode, int dst, int src, int16_t offset,
                 int32_t value) {
    *next(code) = (struct bpf_insn){
        .code = (uint8_t)opcode,
        .dst_reg = (uint8_t)(dst & 15),
        .src_reg = (uint8_t)(src & 15),
        .off = offset,
        .imm = value,
    };
}

void bpf_move(struct bpf_code *code, int dst, int src) {
    emit(code, BPF_ALU64 | BPF_MOV | BPF_X, dst, src, 0, 0);
}

void bpf_set(struct bpf_code *code, int dst, int32_t value) {
    emit(code, BPF_ALU64 | BPF_MOV | BPF_K, dst, 0, 0, value);
}

void bpf_alu(struct bpf_code *code, int operation, int dst, int32_t value) {
    emit(code, BPF_ALU64 | operation | BPF_K, dst, 0, 0, value);
}

void bpf_alu_register(struct bpf_code *code, int operation, int dst, int src) {
    emit(code, BPF_ALU64 | operation | BPF_X, dst, src, 0, 0);
}

void bpf_add(struct bpf_code *code, int dst, int32_t value) {
    bpf_alu(code, BPF_ADD, dst, value);
}

/* A constant of 64 bits takes two instructions. */
void bpf_set_wide(struct bpf_code *code, int dst, uint64_t value) {
    emit(code, BPF_LD | BPF_DW | BPF_IMM, dst, 0, 0, (int32_t)(uint32_t)value);
    emit(code, 0, 0, 0, 0, (int32_t)(uint32_t)(value >> 32));
}

void bpf_set_map(struct bpf_code *code, int dst, int fd) {
    emit(code, BPF_LD | BPF_DW | BPF_IMM, dst, BPF_PSEUDO_MAP_FD, 0, fd);
    emit(code, 0, 0, 0, 0, 0);
}

void bpf_load(struct bpf_code *code, int size, int dst, int src, int16_t offset) {
    emit(code, BPF_LDX | size | BPF_MEM, dst, src, offset, 0);
}

void bpf_store(struct bpf_code *code, int size, int dst, int16_t offset, int src) {
    emit(code, BPF_STX | size | BPF_MEM, dst, src, offset, 0);
}

void bpf_store_value(struct bpf_code *code, int size, int dst, int16_t offset, int32_t value) {
    emit(code, BPF_ST | size | BPF_MEM, dst, 0, offset, value);
}

void bpf_atomic_add(struct bpf_code *code, int dst, int16_t offset, int src) {
    emit(code, BPF_STX | BPF_DW | BPF_ATOMIC, dst, src, offset, BPF_ADD);
}

void bpf_call(struct bpf_code *code, int32_t helper) {
    emit(code, BPF_JMP | BPF_CALL, 0, 0, 0, helper);
}

void bpf_exit(struct bpf_code *code, int32_t value) {
    bpf_set(code, BPF_REG_0, value);
    emit(code, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

uint32_t bpf_jump_if(struct bpf_code *code, int condition, int dst, int32_t value) {
    emit(code, BPF_JMP | condition | BPF_K, dst, 0, 0, value);
    return code->count - 1;
}

uint32_t bpf_jump_if_register(struct bpf_code *code, int condition, int dst, int src) {
    emit(code, BPF_JMP | condition | BPF_X, dst, src, 0, 0);
    return code->count - 1;
}

uint32_t bpf_jump(struct bpf_code *code) {
    emit(code, BPF_JMP | BPF_JA, 0, 0, 0, 0);
    return code->count - 1;
}

void bpf_land(struct bpf_code *code, uint32_t jump) {
    uint32_t distance = code->count - jump - 1;
    assert(jump < code->count && distance <= INT16_MAX);
    code->items[jump].off = (int16_t)distance;
}

/* ---- the kernel's side ---------------------------------------------------------------------- */

static int bpf(enum bpf_cmd command, void *attributes, size_t size) {
    return (int)syscall(SYS_bpf, command, attributes, size);
}

static uint64_t address(const void *pointer) {
    return (uint64_t)(uintptr_t)pointer;
}

int bpf_map_open(enum bpf_map_type type, uint32_t key_bytes, uint32_t value_bytes, uint32_t entries,
                 struct err *err) {
    union bpf_attr attr = {
        .map_type = type,
        .key_size = key_bytes,
        .value_size = value_bytes,
        .max_entries = entries,
    };
    int fd = bpf(BPF_MAP_CREATE, &attr, sizeof attr);
    return fd >= 0 ? fd : err_set_errno(err, ERR_ENVIRONMENT, "bpf: a map of the kernel");
}

int bpf_map_put(int map, const void *key, const void *value) {
    union bpf_attr attr = {.map_fd = (uint32_t)map, .key = address(key), .value = address(value)};
    return bpf(BPF_MAP_UPDATE_ELEM, &attr, sizeof attr);
}

int bpf_map_get(int map, const void *key, void *value) {
    union bpf_attr attr = {.map_fd = (uint32_t)map, .key = address(key), .value = address(value)};
    return bpf(BPF_MAP_LOOKUP_ELEM, &attr, sizeof attr);
}

int bpf_map_drop(int map, const void *key) {
    union bpf_attr attr = {.map_fd = (uint32_t)map, .key = address(key)};
    return bpf(BPF_MAP_DELETE_ELEM, &attr, sizeof attr);
}

/* The verifier's last line says why; behind it may stand one that counts its work. */
static const char *last_line(char *log) {
    for (;;) {
        size_t length = strlen(log);
        while (length > 0 && log[length - 1] == '\n')
            log[--length] = '\0';
        char *line = strrchr(log, '\n');
        if (!line || strncmp(line + 1, "processed ", 10) != 0)
            return line ? line + 1 : log;
        *line = '\0';
    }
}

static int load(const struct bpf_code *code, uint32_t attach, const char *name, char *log,
                size_t size) {
    /* Helpers that read and write a program's memory are for programs under the GPL. */
    union bpf_attr attr = {
        .prog_type = BPF_PROG_TYPE_KPROBE,
        .insns = address(code->items),
        .insn_cnt = code->count,
        .license = address("Dual BSD/GPL"),
        .expected_attach_type = attach,
        .log_buf = address(log),
        .log_size = (uint32_t)size,
        .log_level = log ? 1 : 0,
    };
    snprintf(attr.prog_name, sizeof attr.prog_name, "%s", name);
    return bpf(BPF_PROG_LOAD, &attr, sizeof attr);
}

int bpf_program_load(const struct bpf_code *code, uint32_t attach, const char *name,
                     struct err *err) {
    int fd = load(code, attach, name, NULL, 0);
    if (fd >= 0)
        return fd;
    /* Only a program that was refused is loaded with a log: writing it costs more than loading. */
    static const size_t log_bytes = 64 << 10;
    char log[64 << 10];
    log[0] = '\0';
    int number = errno;
    fd = load(code, attach, name, log, log_bytes);
    if (fd >= 0)
        return fd;
    log[log_bytes - 1] = '\0';
    errno = number;
    if (*log)
        return err_set_errno(err, ERR_ENVIRONMENT, "bpf: program %s: %.300s", name, last_line(log));
    return err_set_errno(err, ERR_ENVIRONMENT, "bpf: program %s", name);
}

/* union bpf_attr, member link_create with uprobe_multi, as of Linux 6.6. */
struct link_create {
    uint32_t program, target, attach, flags;
    uint64_t path, offsets, reference_counters, cookies;
    uint32_t count, probe_flags, pid;
};

enum { UPROBES_RETURN = 1 }; /* BPF_F_UPROBE_MULTI_RETURN */

int bpf_uprobes_attach(const struct bpf_uprobes *probes, struct err *err) {
    struct link_create attr = {
        .program = (uint32_t)probes->program,
        .attach = probes->attach,
        .path = address(probes->path),
        .offsets = address(probes->offsets),
        .cookies = address(probes->cookies),
        .count = probes->count,
        .probe_flags = probes->returns ? UPROBES_RETURN : 0,
        .pid = probes->pid,
    };
    int fd = bpf(BPF_LINK_CREATE, &attr, sizeof attr);
    return fd >= 0 ? fd
                   : err_set_errno(err, ERR_ENVIRONMENT, "bpf: %u probes in %s", probes->count,
                                   probes->path);
}

/* union bpf_attr, member link_create with perf_event, as of Linux 5.15. */
struct perf_link_create {
    uint32_t program, target, attach, flags;
    uint64_t cookie;
};

/* The kernel's number for events of this sort; 0: it has none. */
static uint32_t uprobe_type(void) {
    FILE *file = fopen("/sys/bus/event_source/devices/uprobe/type", "re");
    unsigned type = 0;
    if (file && fscanf(file, "%u", &type) != 1)
        type = 0;
    if (file)
        fclose(file);
    return type;
}

int bpf_uprobe_attach_one(const struct bpf_uprobes *probes, uint32_t index, int fds[static 2],
                          struct err *err) {
    struct perf_event_attr event = {
        .type = uprobe_type(),
        .size = sizeof event,
        .config = probes->returns ? 1 : 0, /* retprobe */
        .uprobe_path = address(probes->path),
        .probe_offset = probes->offsets[index],
    };
    fds[0] = fds[1] = -1;
    if (event.type == 0)
        return err_set(err, ERR_ENVIRONMENT, "this kernel has no probes for perf events");
    fds[0] = (int)syscall(SYS_perf_event_open, &event, probes->pid, -1, -1, PERF_FLAG_FD_CLOEXEC);
    if (fds[0] < 0)
        return err_set_errno(err, ERR_ENVIRONMENT, "perf_event_open: a probe in %s", probes->path);
    struct perf_link_create attr = {
        .program = (uint32_t)probes->program,
        .target = (uint32_t)fds[0],
        .attach = BPF_PERF_EVENT,
        .cookie = probes->cookies[index],
    };
    fds[1] = bpf(BPF_LINK_CREATE, &attr, sizeof attr);
    if (fds[1] >= 0)
        return 0;
    err_set_errno(err, ERR_ENVIRONMENT, "bpf: a probe in %s", probes->path);
    close(fds[0]);
    fds[0] = -1;
    return -ERR_ENVIRONMENT;
}
