/* libassay-itt.so and libassay-nvtx.so, loaded as programs with ITT and NVTX in them load them. */
#include "collectors/emit/itt.h"
#include "collectors/emit/nvtx.h"
#include "tests/unit/hooks_library.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

typedef void (*absent)(void);

static absent load_function(const char *library, const char *name) {
    char path[PATH_MAX];
    absent function;
    built_path(path, library);
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    void *found = handle ? dlsym(handle, name) : NULL;
    if (!found) {
        fprintf(stderr, "%s\n", dlerror());
        _exit(97);
    }
    memcpy(&function, &found, sizeof function);
    return function;
}

/* Every span as a line, so that tests say what they expect; tracks by the letter of their turn. */
enum { LINES = 24, LETTERS = 4 };

struct lines {
    char text[LINES][120];
    int count;
    uint64_t tracks[LETTERS];
};

static char track_letter(struct lines *lines, uint64_t track) {
    int i = 0;
    while (i < LETTERS - 1 && lines->tracks[i] != 0 && lines->tracks[i] != track)
        i++;
    lines->tracks[i] = track;
    return (char)('A' + i);
}

static int see_line(void *context, const struct span *span, struct err *err) {
    struct lines *lines = context;
    (void)err;
    if (lines->count < LINES)
        snprintf(lines->text[lines->count++], sizeof *lines->text, "%d %s %s %c %s", span->kind,
                 span->category, span->name, track_letter(lines, span->track),
                 span->shapes ? span->shapes : "");
    return 0;
}

static int see_thread(void *context, uint64_t track, enum track_kind kind, const char *name,
                      struct err *err) {
    struct lines *lines = context;
    (void)err;
    if (lines->count < LINES && strncmp(name, "thread", 6) != 0)
        snprintf(lines->text[lines->count++], sizeof *lines->text, "%d %c %s", kind,
                 track_letter(lines, track), name);
    return 0;
}

static void expect_lines(int (*program)(const struct hooks *hooks, void *context),
                         const char *const *expected, int count) {
    char path[] = "/tmp/assay-injection-XXXXXX";
    struct lines lines = {.count = 0};
    struct span_sink sink = {.context = &lines, .span = see_line, .track = see_thread};
    struct foreign_outcome out;
    struct arena arena;
    struct err err = {0};
    int fd = mkstemp(path);
    close(fd);
    unlink(path);
    assert_int_equal(run_program(program, NULL, path), 0);
    arena_init(&arena);
    if (hooks_stream_read(path, &arena, &sink, &out, &err) != 0)
        fail_msg("%s", err.message);
    unlink(path);
    assert_true(out.complete);
    for (int i = 0; i < count && i < lines.count; i++)
        assert_string_equal(lines.text[i], expected[i]);
    assert_int_equal(lines.count, count);
    arena_done(&arena);
}

/* ---- ITT --------------------------------------------------------------------------------------
 */

/* What the static part of ITT in a program holds. */
static struct {
    struct itt_domain *(*domain_create)(const char *);
    struct itt_string *(*string_handle_create)(const char *);
    void (*thread_set_name)(const char *);
    void (*task_begin)(const struct itt_domain *, struct itt_id, struct itt_id,
                       struct itt_string *);
    void (*task_begin_fn)(const struct itt_domain *, struct itt_id, struct itt_id, void *);
    void (*task_end)(const struct itt_domain *);
    void (*task_begin_overlapped)(const struct itt_domain *, struct itt_id, struct itt_id,
                                  struct itt_string *);
    void (*task_end_overlapped)(const struct itt_domain *, struct itt_id);
    void (*frame_begin)(const struct itt_domain *, struct itt_id *);
    void (*frame_end)(const struct itt_domain *, struct itt_id *);
    int (*event_create)(const char *, int);
    int (*event_start)(int);
    int (*event_end)(int);
    absent pause;
} itt;

static void when_absent(void) {
}

static void initialise_itt(void) {
    static struct itt_api apis[] = {
        {"__itt_domain_create",         (void **)&itt.domain_create,         NULL, NULL, 0},
        {"__itt_string_handle_create",  (void **)&itt.string_handle_create,  NULL, NULL, 0},
        {"__itt_thread_set_name",       (void **)&itt.thread_set_name,       NULL, NULL, 0},
        {"__itt_task_begin",            (void **)&itt.task_begin,            NULL, NULL, 0},
        {"__itt_task_begin_fn",         (void **)&itt.task_begin_fn,         NULL, NULL, 0},
        {"__itt_task_end",              (void **)&itt.task_end,              NULL, NULL, 0},
        {"__itt_task_begin_overlapped", (void **)&itt.task_begin_overlapped, NULL, NULL, 0},
        {"__itt_task_end_overlapped",   (void **)&itt.task_end_overlapped,   NULL, NULL, 0},
        {"__itt_frame_begin_v3",        (void **)&itt.frame_begin,           NULL, NULL, 0},
        {"__itt_frame_end_v3",          (void **)&itt.frame_end,             NULL, NULL, 0},
        {"__itt_event_create",          (void **)&itt.event_create,          NULL, NULL, 0},
        {"__itt_event_start",           (void **)&itt.event_start,           NULL, NULL, 0},
        {"__itt_event_end",             (void **)&itt.event_end,             NULL, NULL, 0},
        {"__itt_pause",                 (void **)&itt.pause,                 NULL, NULL, 0},
        {NULL,                          NULL,                                NULL, NULL, 0},
    };
    const absent nothing = when_absent;
    for (struct itt_api *api = apis; api->name; api++)
        memcpy(&api->when_absent, &nothing, sizeof nothing);
    struct itt_global global = {.magic = ITT_MAGIC, .apis = apis};
    void (*initialise)(struct itt_global *, int);
    const absent found = load_function("libassay-itt.so", "__itt_api_init");
    memcpy(&initialise, &found, sizeof found);
    initialise(&global, -1);
}

static const struct itt_id none;

static void *work_for_itt(void *domain) {
    itt.thread_set_name("pool");
    itt.task_end_overlapped(domain, (struct itt_id){7, 0, 0});
    return NULL;
}

static int tells_itt(const struct hooks *hooks, void *context) {
    (void)hooks, (void)context;
    pthread_t thread;
    initialise_itt();
    struct itt_domain *dnnl = itt.domain_create("dnnl::primitive::execute");
    struct itt_domain *mine = itt.domain_create("mine");
    struct itt_string *conv = itt.string_handle_create("convolution");
    struct itt_string *layer = itt.string_handle_create("layer");
    if (!dnnl->enabled || strcmp(mine->name, "mine") != 0 || itt.domain_create("mine") != mine ||
        itt.string_handle_create("layer") != layer)
        return 1;
    itt.task_begin(mine, none, none, layer);
    itt.task_begin(dnnl, none, none, conv);
    itt.task_end(dnnl);
    itt.task_end(mine);
    itt.task_end(mine); /* too many */
    itt.task_begin(mine, none, none, layer);
    itt.task_begin(dnnl, none, none, conv);
    itt.task_end(mine); /* the domains cross */
    itt.task_end(dnnl);
    itt.task_begin_overlapped(mine, (struct itt_id){7, 0, 0}, none, layer);
    pthread_create(&thread, NULL, work_for_itt, mine);
    pthread_join(thread, NULL);
    itt.frame_begin(mine, NULL);
    itt.frame_end(mine, NULL);
    int event = itt.event_create("event, cut", 5);
    itt.event_start(event);
    itt.event_end(event);
    itt.pause();
    return 0;
}

static void tasks_of_itt_become_operators(void **state) {
    (void)state;
    static const char *const expected[] = {
        "0 dnnl::primitive::execute convolution A ",
        "5 mine layer A ",
        "0 dnnl::primitive::execute convolution A ", /* ended with the other and begun again */
        "5 mine layer A ",
        "0 dnnl::primitive::execute convolution A ",
        "0 B pool",
        "5 mine layer C ",
        "5 mine frame C ",
        "5 ITT event C ",
        "1 C ranges 1",
    };
    expect_lines(tells_itt, expected, sizeof expected / sizeof *expected);
}

static int tells_much_to_itt(const struct hooks *hooks, void *context) {
    (void)hooks, (void)context;
    initialise_itt();
    struct itt_domain *mine = itt.domain_create("mine");
    struct itt_string *layer = itt.string_handle_create("layer");
    for (int i = 0; i < 70; i++)
        itt.task_begin(mine, none, none, layer);
    for (int i = 0; i < 53; i++)
        itt.task_end(mine);
    for (int i = 0; i < 17; i++)
        itt.task_end(mine);
    itt.task_begin(mine, none, none, itt.string_handle_create("last"));
    itt.task_end(mine);
    return 0;
}

static void tasks_too_deep_to_follow_are_left_out(void **state) {
    (void)state;
    char path[] = "/tmp/assay-injection-XXXXXX";
    struct seen seen;
    close(mkstemp(path));
    unlink(path);
    assert_int_equal(run_program(tells_much_to_itt, NULL, path), 0);
    assert_int_equal(see_stream(path, &seen), 0);
    unlink(path);
    assert_int_equal(seen.spans, 64 + 1);
    assert_string_equal(seen.last_name, "last");
    assert_true(seen.out.complete);
    arena_done(&seen.arena);
}

static int is_of_another_itt(const struct hooks *hooks, void *context) {
    (void)hooks, (void)context;
    struct itt_global global = {
        .magic = {1, 2, 3},
          .apis = (struct itt_api *)8
    };
    void (*initialise)(struct itt_global *, int);
    const absent found = load_function("libassay-itt.so", "__itt_api_init");
    memcpy(&initialise, &found, sizeof found);
    initialise(&global, -1);
    initialise(NULL, -1);
    return 0;
}

static void another_protocol_of_itt_is_left_alone(void **state) {
    (void)state;
    assert_int_equal(run_program(is_of_another_itt, NULL, NULL), 0);
}

/* ---- NVTX -------------------------------------------------------------------------------------
 */

/* What the header-only part of NVTX in a program holds: places for functions, by number. */
static any_function core[16], core2[16];
static any_function *core_places[16], *core2_places[16];

static int give_module(int module, any_function ***table, unsigned *count) {
    *table = module == NVTX_CORE ? core_places : module == NVTX_CORE2 ? core2_places : NULL;
    *count = 16;
    return *table != NULL;
}

static const void *give_table(uint32_t table) {
    static const struct nvtx_callbacks callbacks = {sizeof callbacks, give_module};
    return table == NVTX_TABLE_CALLBACKS ? &callbacks : NULL;
}

static int initialise_nvtx(void) {
    int (*initialise)(const void *(*)(uint32_t));
    const absent found = load_function("libassay-nvtx.so", "InitializeInjectionNvtx2");
    memcpy(&initialise, &found, sizeof found);
    for (int i = 1; i < 16; i++) {
        core_places[i] = &core[i];
        core2_places[i] = &core2[i];
    }
    return initialise(give_table);
}

#define CORE(number, type)  ((type)core[number])
#define CORE2(number, type) ((type)core2[number])

static int push(const char *text) {
    return CORE(NVTX_PUSH_ASCII, int (*)(const char *))(text);
}

static int pop(void) {
    return CORE(NVTX_POP, int (*)(void))();
}

static void *stop_range(void *range) {
    CORE(NVTX_STOP, void (*)(uint64_t))(*(uint64_t *)range);
    return NULL;
}

static int tells_nvtx(const struct hooks *hooks, void *context) {
    (void)hooks, (void)context;
    if (!initialise_nvtx())
        return 1;
    int levels[] = {push("request"),
                    push("aten::conv2d, seq = 12, op_id = 40, sizes = [[1, 3, 8, 8], [], [4]], "
                         "input_op_ids = [(1, 0)]"),
                    pop(), pop(), pop()};
    const int wanted[] = {0, 1, 1, 0, -1};
    if (memcmp(levels, wanted, sizeof wanted) != 0)
        return 2;
    void *domain = CORE2(NVTX_DOMAIN_CREATE, void *(*)(const char *))("vLLM");
    struct nvtx_attributes attributes = {.version = 3, .size = sizeof attributes};
    attributes.message_type = NVTX_REGISTERED;
    attributes.message.registered =
        CORE2(NVTX_REGISTER, void *(*)(void *, const char *))(domain, "registered");
    CORE2(NVTX_DOMAIN_PUSH, int (*)(void *, struct nvtx_attributes *))(domain, &attributes);
    CORE(NVTX_PUSH_WIDE, int (*)(const wchar_t *))(L"gr\u00f6\u00dfe \u2603 \U0001d11e");
    pop();
    CORE2(NVTX_DOMAIN_POP, int (*)(void *))(domain);
    attributes.message_type = NVTX_ASCII;
    attributes.message.ascii = "mine, seq = no number";
    CORE(NVTX_PUSH, int (*)(struct nvtx_attributes *))(&attributes);
    pop();
    uint64_t range = CORE2(NVTX_DOMAIN_START,
                           uint64_t(*)(void *, struct nvtx_attributes *))(domain, &attributes);
    pthread_t thread;
    pthread_create(&thread, NULL, stop_range, &range);
    pthread_join(thread, NULL);
    CORE(NVTX_NAME_THREAD, void (*)(uint32_t, const char *))((uint32_t)getpid(), "main");
    return 0;
}

static void ranges_of_nvtx_become_operators(void **state) {
    (void)state;
    static const char *const expected[] = {
        "0 NVTX aten::conv2d A 1x3x8x8 - 4",
        "5 NVTX request A ",
        "5 NVTX gr\u00f6\u00dfe \u2603 \U0001d11e A ",
        "5 vLLM registered A ",
        "0 NVTX mine A ",
        "0 A main",
        "0 vLLM mine B ",
        "1 B ranges 1",
    };
    expect_lines(tells_nvtx, expected, sizeof expected / sizeof *expected);
}

static const void *give_nothing(uint32_t table) {
    (void)table;
    return NULL;
}

static int gives_nvtx_nothing(const struct hooks *hooks, void *context) {
    (void)hooks, (void)context;
    int (*initialise)(const void *(*)(uint32_t));
    const absent found = load_function("libassay-nvtx.so", "InitializeInjectionNvtx2");
    memcpy(&initialise, &found, sizeof found);
    return initialise(give_nothing) != 0 || initialise(NULL) != 0;
}

static void another_protocol_of_nvtx_is_refused(void **state) {
    (void)state;
    assert_int_equal(run_program(gives_nvtx_nothing, NULL, NULL), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tasks_of_itt_become_operators),
        cmocka_unit_test(tasks_too_deep_to_follow_are_left_out),
        cmocka_unit_test(another_protocol_of_itt_is_left_alone),
        cmocka_unit_test(ranges_of_nvtx_become_operators),
        cmocka_unit_test(another_protocol_of_nvtx_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
