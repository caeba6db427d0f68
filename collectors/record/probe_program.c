#include "collectors/record/probe_program.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* struct pt_regs of x86-64: the registers of the program when it came to the probe; those of
 * arguments in their order (System V ABI of x86-64, 3.2.3). */
enum { REGS_IP = 128, REGS_SP = 152 };

static const int16_t argument_at[PROBE_ARGUMENTS] = {112, 104, 96, 88, 72, 64};

enum {
    FRAME_SHIFT = 4,
    FRAMES_AT = offsetof(struct probe_frames, items),
    PLACE = offsetof(struct probe_frame, place),
    BACK = offsetof(struct probe_frame, back),
};

_Static_assert(sizeof(struct probe_frame) == 1 << FRAME_SHIFT, "frames are found by shifting");

/* Where things lie on the program's own stack, below register 10. */
enum { EVENT = -32, SCRATCH = -40, KEY = -48 };

/* Kept over calls: 6 to 9. */
enum { CONTEXT = BPF_REG_6, THREAD = BPF_REG_7, FRAMES = BPF_REG_8, DEPTH = BPF_REG_9 };

/* ---- maps ----------------------------------------------------------------------------------- */

void probe_maps_close(struct probe_maps *maps) {
    int *all[] = {&maps->processes, &maps->frames, &maps->blank,
                  &maps->lost,      &maps->ring,   &maps->alarms};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (*all[i] >= 0)
            close(*all[i]);
        *all[i] = -1;
    }
}

int probe_maps_open(struct probe_maps *maps, uint32_t ring_bytes, struct err *err) {
    *maps = (struct probe_maps){-1, -1, -1, -1, -1, -1, 0, 0};
    struct stat namespace;
    if (stat("/proc/self/ns/pid", &namespace))
        return err_set_errno(err, ERR_ENVIRONMENT, "/proc/self/ns/pid");
    /* The kernel's own form of a device's number. */
    maps->namespace_device = (uint64_t)major(namespace.st_dev) << 20 | minor(namespace.st_dev);
    maps->namespace_inode = namespace.st_ino;
    maps->processes = bpf_map_open(BPF_MAP_TYPE_HASH, 4, 8, PROBE_PROCESSES_MAX, err);
    maps->frames =
        bpf_map_open(BPF_MAP_TYPE_HASH, 4, sizeof(struct probe_frames), PROBE_THREADS_MAX, err);
    maps->blank = bpf_map_open(BPF_MAP_TYPE_ARRAY, 4, sizeof(struct probe_frames), 1, err);
    maps->lost = bpf_map_open(BPF_MAP_TYPE_ARRAY, 4, 8, PROBE_LOSSES, err);
    maps->ring = bpf_map_open(BPF_MAP_TYPE_RINGBUF, 0, 0, ring_bytes, err);
    maps->alarms = bpf_map_open(BPF_MAP_TYPE_RINGBUF, 0, 0, (uint32_t)sysconf(_SC_PAGESIZE), err);
    if (err->code == ERR_OK)
        return 0;
    probe_maps_close(maps);
    return -(int)err->code;
}

/* ---- pieces --------------------------------------------------------------------------------- */

/* Register 0: the value of a key that stands at KEY, or 0. */
static void look_up(struct bpf_code *code, int map) {
    bpf_set_map(code, BPF_REG_1, map);
    bpf_move(code, BPF_REG_2, BPF_REG_10);
    bpf_add(code, BPF_REG_2, KEY);
    bpf_call(code, BPF_FUNC_map_lookup_elem);
}

static void count_loss(struct bpf_code *code, const struct probe_maps *maps, enum probe_loss loss) {
    bpf_store_value(code, BPF_W, BPF_REG_10, KEY, (int32_t)loss);
    look_up(code, maps->lost);
    uint32_t none = bpf_jump_if(code, BPF_JEQ, BPF_REG_0, 0);
    bpf_set(code, BPF_REG_1, 1);
    bpf_atomic_add(code, BPF_REG_0, 0, BPF_REG_1);
    bpf_land(code, none);
}

/* THREAD = process << 32 | thread, as our own namespace numbers them (struct bpf_pidns_info);
 * leaves by the jump returned when it has no number there. */
static uint32_t identify(struct bpf_code *code, const struct probe_maps *maps) {
    bpf_set_wide(code, BPF_REG_1, maps->namespace_device);
    bpf_set_wide(code, BPF_REG_2, maps->namespace_inode);
    bpf_move(code, BPF_REG_3, BPF_REG_10);
    bpf_add(code, BPF_REG_3, SCRATCH);
    bpf_set(code, BPF_REG_4, 8);
    bpf_call(code, BPF_FUNC_get_ns_current_pid_tgid);
    uint32_t other = bpf_jump_if(code, BPF_JNE, BPF_REG_0, 0);
    bpf_load(code, BPF_DW, THREAD, BPF_REG_10, SCRATCH);
    return other;
}

static void key_process(struct bpf_code *code) {
    bpf_move(code, BPF_REG_1, THREAD);
    bpf_alu(code, BPF_RSH, BPF_REG_1, 32);
    bpf_store(code, BPF_W, BPF_REG_10, KEY, BPF_REG_1);
}

static void key_thread(struct bpf_code *code) {
    bpf_store(code, BPF_W, BPF_REG_10, KEY, THREAD);
}

static void read_clock(struct bpf_code *code) {
    bpf_call(code, BPF_FUNC_ktime_get_ns);
    bpf_store(code, BPF_DW, BPF_REG_10, EVENT + (int)offsetof(struct probe_event, time_ns),
              BPF_REG_0);
}

enum { NO_WAKEUP = 1 }; /* BPF_RB_NO_WAKEUP: the reader comes by itself */

/* The rest of the event: its clock is read and its `what` stored. */
static void fill(struct bpf_code *code) {
    bpf_store(code, BPF_DW, BPF_REG_10, EVENT + (int)offsetof(struct probe_event, tid), THREAD);
    bpf_load(code, BPF_DW, BPF_REG_1, CONTEXT, REGS_SP);
    bpf_store(code, BPF_DW, BPF_REG_10, EVENT + (int)offsetof(struct probe_event, stack),
              BPF_REG_1);
}

/* A full ring is counted. */
static void send(struct bpf_code *code, const struct probe_maps *maps) {
    fill(code);
    bpf_set_map(code, BPF_REG_1, maps->ring);
    bpf_move(code, BPF_REG_2, BPF_REG_10);
    bpf_add(code, BPF_REG_2, EVENT);
    bpf_set(code, BPF_REG_3, sizeof(struct probe_event));
    bpf_set(code, BPF_REG_4, NO_WAKEUP);
    bpf_call(code, BPF_FUNC_ringbuf_output);
    uint32_t sent = bpf_jump_if(code, BPF_JEQ, BPF_REG_0, 0);
    count_loss(code, maps, PROBE_LOST_FULL);
    bpf_land(code, sent);
}

static void name_call(struct bpf_code *code, bool returned) {
    bpf_move(code, BPF_REG_1, CONTEXT);
    bpf_call(code, BPF_FUNC_get_attach_cookie);
    bpf_alu(code, BPF_LSH, BPF_REG_0, 1);
    if (returned)
        bpf_alu(code, BPF_OR, BPF_REG_0, 1);
    bpf_store(code, BPF_DW, BPF_REG_10, EVENT + (int)offsetof(struct probe_event, what), BPF_REG_0);
}

/* ---- tensors -------------------------------------------------------------------------------- */

/* In this part: how long the event is that is being made. */
enum { LENGTH = BPF_REG_9, MADE_AT = offsetof(struct probe_frames, event) };

static void start_event(struct bpf_code *code) {
    for (int16_t at = 0; at < (int16_t)sizeof(struct probe_event); at = (int16_t)(at + 8)) {
        bpf_load(code, BPF_DW, BPF_REG_1, BPF_REG_10, (int16_t)(EVENT + at));
        bpf_store(code, BPF_DW, FRAMES, (int16_t)(MADE_AT + at), BPF_REG_1);
    }
    bpf_set(code, LENGTH, sizeof(struct probe_event));
}

/* Follows one argument: a reference to an at::Tensor, which is a pointer to a TensorImpl. */
static void add_tensor(struct bpf_code *code, int argument) {

    bpf_load(code, BPF_DW, BPF_REG_1, BPF_REG_10, EVENT + (int)offsetof(struct probe_event, what));
    bpf_alu(code, BPF_RSH, BPF_REG_1, 33 + argument);
    bpf_alu(code, BPF_AND, BPF_REG_1, 1);
    uint32_t none = bpf_jump_if(code, BPF_JEQ, BPF_REG_1, 0);
    uint32_t full = bpf_jump_if(code, BPF_JGT, LENGTH,
                                (int32_t)(sizeof(struct probe_event) +
                                          (PROBE_TENSORS_MAX - 1) * sizeof(struct probe_tensor)));
    bpf_move(code, BPF_REG_1, BPF_REG_10);
    bpf_add(code, BPF_REG_1, SCRATCH);
    bpf_set(code, BPF_REG_2, 8);
    bpf_load(code, BPF_DW, BPF_REG_3, CONTEXT, argument_at[argument]);
    bpf_call(code, BPF_FUNC_probe_read_user);
    bpf_move(code, BPF_REG_1, FRAMES);
    bpf_add(code, BPF_REG_1, MADE_AT);
    bpf_alu_register(code, BPF_ADD, BPF_REG_1, LENGTH);
    bpf_set(code, BPF_REG_2, sizeof(struct probe_tensor));
    bpf_load(code, BPF_DW, BPF_REG_3, BPF_REG_10, SCRATCH);
    bpf_add(code, BPF_REG_3, PROBE_TENSOR_AT);
    bpf_call(code, BPF_FUNC_probe_read_user);
    bpf_add(code, LENGTH, sizeof(struct probe_tensor));
    bpf_land(code, full);
    bpf_land(code, none);
}

/* What was read before the clock is not of the call. */
static void send_event(struct bpf_code *code, const struct probe_maps *maps) {
    bpf_call(code, BPF_FUNC_ktime_get_ns);
    bpf_store(code, BPF_DW, FRAMES, MADE_AT + (int)offsetof(struct probe_event, time_ns),
              BPF_REG_0);
    bpf_set_map(code, BPF_REG_1, maps->ring);
    bpf_move(code, BPF_REG_2, FRAMES);
    bpf_add(code, BPF_REG_2, MADE_AT);
    bpf_move(code, BPF_REG_3, LENGTH);
    bpf_set(code, BPF_REG_4, NO_WAKEUP);
    bpf_call(code, BPF_FUNC_ringbuf_output);
    uint32_t sent = bpf_jump_if(code, BPF_JEQ, BPF_REG_0, 0);
    count_loss(code, maps, PROBE_LOST_FULL);
    bpf_land(code, sent);
}

/* ---- entries and returns -------------------------------------------------------------------- */

/* Register 1 = the place of the frame before DEPTH; 0 < DEPTH <= PROBE_DEPTH_MAX is known. */
static void load_last_place(struct bpf_code *code) {
    bpf_move(code, BPF_REG_1, DEPTH);
    bpf_add(code, BPF_REG_1, -1);
    bpf_alu(code, BPF_LSH, BPF_REG_1, FRAME_SHIFT);
    bpf_alu_register(code, BPF_ADD, BPF_REG_1, FRAMES);
    bpf_load(code, BPF_DW, BPF_REG_1, BPF_REG_1, FRAMES_AT + PLACE);
}

/* Forgets the last frame when its place lies below the stack pointer: that call is over. */
static void drop_if_over(struct bpf_code *code) {
    uint32_t none = bpf_jump_if(code, BPF_JEQ, DEPTH, 0);
    uint32_t wrong = bpf_jump_if(code, BPF_JGT, DEPTH, PROBE_DEPTH_MAX);
    load_last_place(code);
    bpf_load(code, BPF_DW, BPF_REG_2, CONTEXT, REGS_SP);
    uint32_t alive = bpf_jump_if_register(code, BPF_JGE, BPF_REG_1, BPF_REG_2);
    bpf_add(code, DEPTH, -1);
    bpf_land(code, alive);
    bpf_land(code, wrong);
    bpf_land(code, none);
}

/* FRAMES = the thread's frames, or leaves by the jump returned; DEPTH = how many. */
static uint32_t find_frames(struct bpf_code *code, const struct probe_maps *maps) {
    key_thread(code);
    look_up(code, maps->frames);
    uint32_t none = bpf_jump_if(code, BPF_JEQ, BPF_REG_0, 0);
    bpf_move(code, FRAMES, BPF_REG_0);
    bpf_load(code, BPF_DW, DEPTH, FRAMES, 0);
    return none;
}

/* The first call of a thread makes its entry. */
static void make_frames(struct bpf_code *code, const struct probe_maps *maps) {
    key_thread(code);
    look_up(code, maps->frames);
    uint32_t found = bpf_jump_if(code, BPF_JNE, BPF_REG_0, 0);
    bpf_store_value(code, BPF_W, BPF_REG_10, KEY, 0);
    look_up(code, maps->blank);
    uint32_t none = bpf_jump_if(code, BPF_JEQ, BPF_REG_0, 0);
    bpf_move(code, BPF_REG_3, BPF_REG_0);
    key_thread(code);
    bpf_set_map(code, BPF_REG_1, maps->frames);
    bpf_move(code, BPF_REG_2, BPF_REG_10);
    bpf_add(code, BPF_REG_2, KEY);
    bpf_set(code, BPF_REG_4, BPF_ANY);
    bpf_call(code, BPF_FUNC_map_update_elem);
    bpf_land(code, none);
    bpf_land(code, found);
}

/* Notes the return address before the kernel replaces it. DEPTH is below PROBE_DEPTH_MAX. */
static void push_frame(struct bpf_code *code) {
    bpf_move(code, BPF_REG_1, BPF_REG_10);
    bpf_add(code, BPF_REG_1, SCRATCH);
    bpf_set(code, BPF_REG_2, 8);
    bpf_load(code, BPF_DW, BPF_REG_3, CONTEXT, REGS_SP);
    bpf_call(code, BPF_FUNC_probe_read_user);
    bpf_move(code, BPF_REG_1, DEPTH);
    bpf_alu(code, BPF_LSH, BPF_REG_1, FRAME_SHIFT);
    bpf_alu_register(code, BPF_ADD, BPF_REG_1, FRAMES);
    bpf_load(code, BPF_DW, BPF_REG_2, CONTEXT, REGS_SP);
    bpf_store(code, BPF_DW, BPF_REG_1, FRAMES_AT + PLACE, BPF_REG_2);
    bpf_load(code, BPF_DW, BPF_REG_2, BPF_REG_10, SCRATCH);
    bpf_store(code, BPF_DW, BPF_REG_1, FRAMES_AT + BACK, BPF_REG_2);
    bpf_add(code, DEPTH, 1);
    bpf_store(code, BPF_DW, FRAMES, 0, DEPTH);
}

/* `leave`: what tells the kernel not to watch this call's return. */
static void entered(struct bpf_code *code, const struct probe_maps *maps, int leave) {
    enum { OVER_AT_ONCE = 4 }; /* calls left by longjmp(); more of them go at the next entries */
    make_frames(code, maps);
    uint32_t none = find_frames(code, maps);
    for (int i = 0; i < OVER_AT_ONCE; i++)
        drop_if_over(code);
    uint32_t deep = bpf_jump_if(code, BPF_JGE, DEPTH, PROBE_DEPTH_MAX);
    push_frame(code);
    name_call(code, false);
    bpf_store_value(code, BPF_DW, BPF_REG_10, EVENT + (int)offsetof(struct probe_event, time_ns),
                    0);
    fill(code);
    start_event(code);
    for (int i = 0; i < PROBE_ARGUMENTS; i++)
        add_tensor(code, i);
    send_event(code, maps);
    bpf_exit(code, 0);
    bpf_land(code, none);
    bpf_land(code, deep);
    count_loss(code, maps, PROBE_LOST_DEEP);
    bpf_exit(code, leave);
}

static void returned(struct bpf_code *code, const struct probe_maps *maps) {
    read_clock(code);
    uint32_t none = find_frames(code, maps);
    drop_if_over(code);
    bpf_store(code, BPF_DW, FRAMES, 0, DEPTH);
    bpf_land(code, none);
    name_call(code, true);
    send(code, maps);
    bpf_exit(code, 0);
}

/* At the entry the program stands at the function; at the return, where it goes to. */
static uint32_t jump_if_back(struct bpf_code *code) {
    bpf_move(code, BPF_REG_1, CONTEXT);
    bpf_call(code, BPF_FUNC_get_func_ip);
    bpf_load(code, BPF_DW, BPF_REG_1, CONTEXT, REGS_IP);
    return bpf_jump_if_register(code, BPF_JNE, BPF_REG_0, BPF_REG_1);
}

static uint32_t jump_if_returns(struct bpf_code *code) {
    bpf_move(code, BPF_REG_1, CONTEXT);
    bpf_call(code, BPF_FUNC_get_attach_cookie);
    return bpf_jump_if(code, BPF_JSLT, BPF_REG_0, 0); /* PROBE_RETURNS is the sign */
}

void probe_program_calls(struct bpf_code *code, const struct probe_maps *maps, bool session) {
    code->count = 0;
    int leave = session ? 1 : 0;
    bpf_move(code, CONTEXT, BPF_REG_1);
    uint32_t elsewhere = identify(code, maps);
    key_process(code);
    look_up(code, maps->processes);
    uint32_t unknown = bpf_jump_if(code, BPF_JEQ, BPF_REG_0, 0);
    bpf_load(code, BPF_DW, BPF_REG_1, BPF_REG_0, 0);
    uint32_t ours = bpf_jump_if(code, BPF_JNE, BPF_REG_1, PROBE_FOREIGN);
    bpf_land(code, elsewhere);
    bpf_exit(code, leave);
    bpf_land(code, ours);
    bpf_land(code, unknown);
    uint32_t at_return = session ? jump_if_back(code) : jump_if_returns(code);
    entered(code, maps, leave);
    bpf_land(code, at_return);
    returned(code, maps);
}

/* ---- the guard ------------------------------------------------------------------------------ */

/* Wakes the reader of the alarms; leaves when there is no room: a program that nobody wakes again
 * must not be stopped. */
static uint32_t raise_alarm(struct bpf_code *code, const struct probe_maps *maps) {
    enum { FORCE_WAKEUP = 2 }; /* BPF_RB_FORCE_WAKEUP */
    bpf_set_map(code, BPF_REG_1, maps->alarms);
    bpf_move(code, BPF_REG_2, BPF_REG_10);
    bpf_add(code, BPF_REG_2, EVENT);
    bpf_set(code, BPF_REG_3, sizeof(struct probe_event));
    bpf_set(code, BPF_REG_4, FORCE_WAKEUP);
    bpf_call(code, BPF_FUNC_ringbuf_output);
    return bpf_jump_if(code, BPF_JNE, BPF_REG_0, 0);
}

void probe_program_guard(struct bpf_code *code, const struct probe_maps *maps) {
    code->count = 0;
    bpf_move(code, CONTEXT, BPF_REG_1);
    uint32_t elsewhere = identify(code, maps);
    uint32_t none = find_frames(code, maps);
    uint32_t empty = bpf_jump_if(code, BPF_JEQ, DEPTH, 0);
    read_clock(code);
    bpf_store_value(code, BPF_DW, BPF_REG_10, EVENT + (int)offsetof(struct probe_event, what), -1);
    send(code, maps);
    uint32_t full = raise_alarm(code, maps);
    /* To the thread: a second stop of a process is dropped, and its thread would run on until the
     * first one's has come to stop. */
    bpf_set(code, BPF_REG_1, SIGSTOP);
    bpf_call(code, BPF_FUNC_send_signal_thread);
    bpf_land(code, elsewhere);
    bpf_land(code, none);
    bpf_land(code, empty);
    bpf_land(code, full);
    bpf_exit(code, 0);
}
