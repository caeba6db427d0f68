#include "tests/unit/foreign_sink.h"

#include "base/file.h"
#include "collectors/foreign/etdump.h"
#include "collectors/foreign/pte.h"

#include <cJSON.h>
#include <sys/wait.h>

/* The fields that we read, in the order of the file; what lies between only holds its place. */
static const char dump_schema[] =
    "namespace t; file_identifier \"ED00\";\n"
    "table Value { val: byte; }\n"
    "table DebugEvent { chain_index: ulong; instruction_id: int = -1; debug_entry: Value;\n"
    "  delegate_debug_id_int: int = -1; delegate_debug_id_str: string; name: string; }\n"
    "table AllocationEvent { allocator_id: int; allocation_size: ulong; }\n"
    "table ProfileEvent { name: string; chain_index: int; instruction_id: int = -1;\n"
    "  delegate_debug_id_int: int = -1; delegate_debug_id_str: string;\n"
    "  delegate_debug_metadata: [ubyte]; start_time: ulong; end_time: ulong; }\n"
    "table Event { profile_event: ProfileEvent; allocation_event: AllocationEvent;\n"
    "  debug_event: DebugEvent; }\n"
    "table Allocator { name: string; }\n"
    "table RunData { name: string; bundled_input_index: int = -1; allocators: [Allocator];\n"
    "  events: [Event]; }\n"
    "table Dump { version: uint; run_data: [RunData]; }\nroot_type Dump;\n";

static const char dump_json[] =
    "{\"version\": 0, \"run_data\": [\n"
    " {\"name\": \"Execute\", \"bundled_input_index\": 3,\n"
    "  \"allocators\": [{\"name\": \"planned\"}, {\"name\": \"method\"}], \"events\": [\n"
    "  {\"profile_event\": {\"name\": \"native_call_add.out\", \"chain_index\": 0,\n"
    "    \"instruction_id\": 0, \"start_time\": 110, \"end_time\": 190}},\n"
    "  {\"profile_event\": {\"name\": \"OPERATOR_CALL\", \"instruction_id\": 0,\n"
    "    \"start_time\": 100, \"end_time\": 200}},\n"
    "  {\"allocation_event\": {\"allocator_id\": 1, \"allocation_size\": 4096}},\n"
    "  {\"allocation_event\": {\"allocator_id\": 7, \"allocation_size\": 16}},\n"
    "  {\"profile_event\": {\"name\": \"\", \"chain_index\": -1, \"delegate_debug_id_int\": 42,\n"
    "    \"delegate_debug_metadata\": [1, 2, 3], \"start_time\": 5000, \"end_time\": 5010}},\n"
    "  {\"profile_event\": {\"delegate_debug_id_str\": \"conv_7\", \"start_time\": 5010,\n"
    "    \"end_time\": 5020}},\n"
    "  {\"profile_event\": {\"name\": \"DELEGATE_CALL\", \"instruction_id\": 1,\n"
    "    \"start_time\": 200, \"end_time\": 250}},\n"
    "  {\"debug_event\": {\"chain_index\": 5, \"instruction_id\": 1, \"debug_entry\": {\"val\": "
    "1},\n"
    "    \"delegate_debug_id_str\": \"d\", \"name\": \"output\"}},\n"
    "  {\"profile_event\": {\"name\": \"Method::execute\", \"start_time\": 90,\n"
    "    \"end_time\": 9007199254740991}}]},\n"
    " {\"name\": \"Empty\", \"events\": []}, {}]}\n";

static const char program_schema[] =
    "namespace t; file_identifier \"ET12\";\n"
    "table Null { } table Int { int_val: long; } table Bool { b: bool; } table Double { d: double; "
    "}\n"
    "table Tensor { scalar_type: byte; storage_offset: int; sizes: [int]; }\n"
    "table String { s: string; } table IntList { items: [long]; } table DoubleList { d: [double]; "
    "}\n"
    "table BoolList { b: [bool]; } table TensorList { items: [int]; }\n"
    "union KernelTypes { Null, Int, Bool, Double, Tensor, String, IntList, DoubleList, BoolList,\n"
    "  TensorList }\n"
    "table EValue { val: KernelTypes; }\n"
    "table Operator { name: string; overload: string; }\n"
    "table KernelCall { op_index: int; args: [int]; }\n"
    "table DelegateCall { delegate_index: int; args: [int]; }\n"
    "union InstructionArguments { KernelCall, DelegateCall }\n"
    "table Instruction { instr_args: InstructionArguments; }\n"
    "table Delegate { id: string; }\n"
    "table Chain { inputs: [int]; outputs: [int]; instructions: [Instruction]; }\n"
    "table Plan { name: string; meta: Null; values: [EValue]; inputs: [int]; outputs: [int];\n"
    "  chains: [Chain]; operators: [Operator]; delegates: [Delegate]; }\n"
    "table Program { version: uint; execution_plan: [Plan]; }\nroot_type Program;\n";

/* Values 0 and 1 go in, 2 is a number, 3 comes out; 4 is a list of what comes out. */
static const char program_json[] =
    "{\"execution_plan\": [{\"name\": \"other\"}, {\"name\": \"forward\", \"values\": [\n"
    " {\"val_type\": \"Tensor\", \"val\": {\"scalar_type\": 6, \"sizes\": [1, 3, 8]}},\n"
    " {\"val_type\": \"Tensor\", \"val\": {\"scalar_type\": 15, \"sizes\": []}},\n"
    " {\"val_type\": \"Int\", \"val\": {\"int_val\": 1}},\n"
    " {\"val_type\": \"Tensor\", \"val\": {\"scalar_type\": 6, \"sizes\": [1, 3, 8]}},\n"
    " {\"val_type\": \"TensorList\", \"val\": {\"items\": [3]}}],\n"
    " \"operators\": [{\"name\": \"aten::add\", \"overload\": \"out\"}, {\"name\": \"aten::x\"}],\n"
    " \"delegates\": [{\"id\": \"XnnpackBackend\"}],\n"
    " \"chains\": [{\"instructions\": [\n"
    "  {\"instr_args_type\": \"KernelCall\", \"instr_args\": {\"op_index\": 0,\n"
    "    \"args\": [0, 1, 2, 3, 3]}},\n"
    "  {\"instr_args_type\": \"DelegateCall\", \"instr_args\": {\"delegate_index\": 0}},\n"
    "  {\"instr_args_type\": \"KernelCall\", \"instr_args\": {\"op_index\": 1,\n"
    "    \"args\": [1, 3, 4]}},\n"
    "  {\"instr_args_type\": \"KernelCall\", \"instr_args\": {\"op_index\": 9}}]}]}]}\n";

/* ---- flatc ----------------------------------------------------------------------------------- */

static char folder[64];
static struct file_map dump, program;
static const char *dump_path, *program_path;
static struct arena arena;

static const char *in_folder(const char *name) {
    return arena_printf(&arena, "%s/%s", folder, name);
}

static void write_file(const char *name, const void *bytes, size_t length) {
    struct err err = {0};
    if (file_replace(in_folder(name), bytes, length, &err))
        fail_msg("%s", err.message);
}

static bool flatc(const char *arguments) {
    return system(arena_printf(&arena, "cd %s && flatc %s >flatc.log 2>&1", folder, arguments)) ==
           0;
}

static void require_flatc(void) {
    if (system("flatc --version >/dev/null 2>&1") == 0)
        return;
    print_message("skip: no flatc\n");
    skip();
}

/* A size stands before an ETDump. */
static void write_prefixed(const char *from, const char *to) {
    struct file_map map;
    struct err err = {0};
    assert_int_equal(file_map_open(&map, in_folder(from), &err), 0);
    unsigned char *bytes = arena_alloc(&arena, map.size + 4);
    for (int i = 0; i < 4; i++)
        bytes[i] = (unsigned char)(map.size >> (8 * i));
    memcpy(bytes + 4, map.bytes, map.size);
    write_file(to, bytes, map.size + 4);
    file_map_close(&map);
}

static int make_files(void **state) {
    (void)state;
    struct err err = {0};
    arena_init(&arena);
    strcpy(folder, "/tmp/assay-etdump-XXXXXX");
    if (!mkdtemp(folder) || system("flatc --version >/dev/null 2>&1") != 0)
        return 0;
    write_file("dump.fbs", dump_schema, strlen(dump_schema));
    write_file("dump.json", dump_json, strlen(dump_json));
    write_file("program.fbs", program_schema, strlen(program_schema));
    write_file("program.json", program_json, strlen(program_json));
    if (!flatc("-b dump.fbs dump.json") || !flatc("-b program.fbs program.json"))
        return -1;
    write_prefixed("dump.bin", "dump.etdp");
    dump_path = in_folder("dump.etdp");
    program_path = in_folder("program.bin");
    return file_map_open(&dump, dump_path, &err) || file_map_open(&program, program_path, &err);
}

static int drop_files(void **state) {
    (void)state;
    file_map_close(&dump);
    file_map_close(&program);
    int rc = system(arena_printf(&arena, "rm -rf %s", folder));
    arena_done(&arena);
    return rc;
}

/* ---- against flatc --------------------------------------------------------------------------- */

struct comparison {
    const cJSON *runs;
    size_t events;
};

static double json_number(const cJSON *object, const char *key, double fallback) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    return item ? item->valuedouble : fallback;
}

static void same_text(const cJSON *object, const char *key, const char *text) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    assert_int_equal(item != NULL, text != NULL);
    if (text)
        assert_string_equal(item->valuestring, text);
}

static void same_identity(const cJSON *json, const struct etdump_event *event) {
    same_text(json, "name", event->name);
    same_text(json, "delegate_debug_id_str", event->delegate_debug_id_str);
    assert_true(json_number(json, "chain_index", 0) == (double)event->chain_index);
    assert_true(json_number(json, "instruction_id", -1) == (double)event->instruction_id);
    assert_true(json_number(json, "delegate_debug_id_int", -1) ==
                (double)event->delegate_debug_id_int);
}

static int compare_event(void *context, const struct etdump_event *event, struct err *err) {
    struct comparison *comparison = context;
    (void)err;
    static const char *const keys[] = {"profile_event", "allocation_event", "debug_event"};
    const cJSON *run = cJSON_GetArrayItem(comparison->runs, (int)event->run);
    const cJSON *events = cJSON_GetObjectItemCaseSensitive(run, "events");
    const cJSON *json = cJSON_GetObjectItemCaseSensitive(
        cJSON_GetArrayItem(events, (int)event->index), keys[event->kind]);
    assert_non_null(json);
    same_text(run, "name", event->run_name);
    assert_true(json_number(run, "bundled_input_index", -1) == (double)event->bundled_input_index);
    comparison->events++;
    if (event->kind == ETDUMP_ALLOCATION) {
        const cJSON *allocators = cJSON_GetObjectItemCaseSensitive(run, "allocators");
        const cJSON *allocator = cJSON_GetArrayItem(allocators, (int)event->allocator_id);
        assert_true(json_number(json, "allocator_id", 0) == (double)event->allocator_id);
        assert_true(json_number(json, "allocation_size", 0) == (double)event->allocation_bytes);
        same_text(allocator, "name", event->allocator);
        return 0;
    }
    same_identity(json, event);
    if (event->kind == ETDUMP_DEBUG)
        return 0;
    const cJSON *metadata = cJSON_GetObjectItemCaseSensitive(json, "delegate_debug_metadata");
    assert_int_equal(cJSON_GetArraySize(metadata), event->delegate_metadata_bytes);
    assert_true(json_number(json, "start_time", 0) == (double)event->start_ticks);
    assert_true(json_number(json, "end_time", 0) == (double)event->end_ticks);
    return 0;
}

static size_t count_events(const cJSON *runs) {
    size_t count = 0;
    const cJSON *run;
    cJSON_ArrayForEach(run, runs) {
        count += (size_t)cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(run, "events"));
    }
    return count;
}

/* Every event of an ETDump against the JSON that flatc made of it; returns how many. */
static size_t compare_with(const char *path, const char *json_path) {
    struct file_map map, json;
    struct err err = {0};
    const char *cut;
    assert_int_equal(file_map_open(&map, path, &err), 0);
    assert_int_equal(file_map_open(&json, json_path, &err), 0);
    cJSON *tree = cJSON_ParseWithLength((const char *)json.bytes, json.size);
    assert_non_null(tree);
    struct comparison comparison = {cJSON_GetObjectItemCaseSensitive(tree, "run_data"), 0};
    const struct flatbuffer file = {map.bytes, map.size, path};
    if (etdump_walk(&file, compare_event, &comparison, &cut, &err))
        fail_msg("%s", err.message);
    assert_null(cut);
    assert_int_equal(comparison.events, count_events(comparison.runs));
    cJSON_Delete(tree);
    file_map_close(&map);
    file_map_close(&json);
    return comparison.events;
}

static void every_event_is_what_flatc_prints(void **state) {
    (void)state;
    require_flatc();
    assert_true(flatc("--json --strict-json --raw-binary dump.fbs -- dump.bin"));
    assert_int_equal(compare_with(dump_path, in_folder("dump.json")), 9);
}

static void copy_shared(const char *name, const char *as) {
    struct file_map map;
    struct err err = {0};
    assert_int_equal(
        file_map_open(&map, shared_data(&arena, arena_printf(&arena, "executorch/%s", name)), &err),
        0);
    write_file(as, map.bytes, map.size);
    file_map_close(&map);
}

static void the_shared_trace_is_what_flatc_prints_by_its_own_schema(void **state) {
    (void)state;
    require_flatc();
    if (access(shared_data(&arena, "executorch"), R_OK) != 0) {
        print_message("skip: no shared ETDump\n");
        skip();
    }
    copy_shared("docs_source_tutorials_source_etdump.etdp", "shared.etdp");
    copy_shared("etdump_etdump_schema_flatcc.fbs", "etdump.fbs");
    copy_shared("etdump_scalar_type.fbs", "scalar_type.fbs");
    assert_true(flatc("--json --strict-json --size-prefixed etdump.fbs -- shared.etdp"));
    size_t events = compare_with(in_folder("shared.etdp"), in_folder("shared.json"));
    assert_int_equal(events, 31);
    print_message("%d events equal to flatc's\n", (int)events);
}

/* ---- spans ----------------------------------------------------------------------------------- */

static void read_dump(struct kept *kept, const char *companion) {
    kept_init(kept);
    const struct foreign_request request = {.path = dump_path, .companion = companion};
    if (kept_read(kept, &foreign_etdump, request))
        fail_msg("%s", kept->err.message);
    assert_int_equal(kept->outcome.events, 9);
    assert_true(kept->outcome.complete);
}

static void events_become_spans_and_samples(void **state) {
    (void)state;
    struct kept kept;
    require_flatc();
    read_dump(&kept, NULL);
    assert_int_equal(kept.span_count, 6);
    const struct span *spans = kept.spans;
    assert_string_equal(spans[0].name, "native_call_add.out");
    assert_int_equal(spans[0].kind, SPAN_CALL);
    assert_string_equal(spans[1].name, "OPERATOR_CALL");
    assert_int_equal(spans[1].kind, SPAN_OPERATOR);
    assert_int_equal(spans[1].start_ns, 100);
    assert_int_equal(spans[1].duration_ns, 100);
    assert_int_equal(spans[1].track, 0);
    assert_string_equal(spans[2].name, "delegate event 42");
    assert_int_equal(spans[2].track, 1);
    assert_string_equal(spans[3].name, "conv_7");
    assert_true(spans[5].duration_ns == 9007199254740901);
    assert_int_equal(kept.sample_count, 2);
    assert_string_equal(kept.samples[0].metric, "allocated by method");
    assert_string_equal(kept.samples[1].metric, "allocated by 7");
    assert_int_equal(kept.samples[0].at_ns, 200);
    assert_true(kept.samples[0].value == 4096);
    assert_int_equal(kept.track_count, 2);
    assert_string_equal(kept.tracks[0], "Execute 1");
    assert_string_equal(kept.tracks[1], "Execute 1 (delegate)");
    assert_true(kept_has_fact(&kept, "ticks=read as nanoseconds"));
    kept_done(&kept);
}

static void a_program_names_its_instructions_and_their_inputs(void **state) {
    (void)state;
    struct kept kept;
    require_flatc();
    read_dump(&kept, program_path);
    const struct span *spans = kept.spans;
    assert_string_equal(spans[1].name, "aten::add.out");
    assert_string_equal(spans[1].category, "OPERATOR_CALL");
    assert_string_equal(spans[1].shapes, "1x3x8 1 -");
    assert_string_equal(spans[1].dtypes, "float32 bfloat16 -");
    assert_string_equal(spans[4].name, "XnnpackBackend");
    assert_null(spans[4].shapes);
    kept_done(&kept);
}

static void outputs_in_a_list_are_no_inputs_and_unknown_calls_have_no_name(void **state) {
    (void)state;
    struct pte pte;
    struct pte_call call;
    struct err err = {0};
    require_flatc();
    pte_call_init(&call);
    assert_int_equal(pte_open(&pte, program_path, &err), 0);
    assert_int_equal(pte_describe(&pte, 0, 2, &call, &err), 0);
    assert_string_equal(call.name.text, "aten::x");
    assert_string_equal(call.shapes.text, "1");
    static const int64_t unknown[][2] = {
        {0,  3 },
        {0,  4 },
        {0,  -1},
        {-1, 0 },
        {1,  0 },
    };
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
        assert_int_equal(pte_describe(&pte, unknown[i][0], unknown[i][1], &call, &err), 0);
        assert_string_equal(call.name.text, "");
    }
    pte_close(&pte);
    pte_call_done(&call);
}

static void shared_programs_are_read(void **state) {
    (void)state;
    struct pte pte;
    struct pte_call call;
    struct err err = {0};
    static const struct {
        const char *file, *name, *shapes;
    } programs[] = {
        {"extension_apple_ExecuTorch___tests___resources_add.pte",                         "aten::add.out", "1 1 -"},
        {"examples_arduino_examples_AddModel_model.pte",                                   "aten::add.out", NULL   },
        {"test_models_deprecated_ModuleLinear-no-constant-segment.pte",                    "aten::",        NULL   },
        {"examples_qualcomm_oss_scripts_llama_artifacts_stories260k_hybrid_llama_qnn.pte", "",
         NULL                                                                                                      },
    };
    if (access(shared_data(&arena, "executorch"), R_OK) != 0) {
        print_message("skip: no shared programs of ExecuTorch\n");
        skip();
    }
    pte_call_init(&call);
    for (size_t i = 0; i < sizeof programs / sizeof *programs; i++) {
        const char *path =
            shared_data(&arena, arena_printf(&arena, "executorch/%s", programs[i].file));
        if (pte_open(&pte, path, &err) || pte_describe(&pte, 0, 0, &call, &err))
            fail_msg("%s", err.message);
        if (!strstr(call.name.text, programs[i].name))
            fail_msg("%s: %s", programs[i].file, call.name.text);
        if (programs[i].shapes)
            assert_string_equal(call.shapes.text, programs[i].shapes);
        pte_close(&pte);
    }
    pte_call_done(&call);
}

/* ---- hostile --------------------------------------------------------------------------------- */

static void a_short_file_gives_its_whole_events(void **state) {
    (void)state;
    require_flatc();
    uint64_t most = 0;
    for (size_t length = 12; length < dump.size; length++) {
        struct kept kept;
        kept_init(&kept);
        int rc = kept_read_text(&kept, &foreign_etdump, (const char *)dump.bytes, length,
                                (struct foreign_request){0});
        assert_int_equal(rc, 0);
        assert_false(kept.outcome.complete);
        assert_non_null(kept.outcome.cut);
        assert_true(kept.outcome.events <= 9);
        most = kept.outcome.events > most ? kept.outcome.events : most;
        kept_done(&kept);
    }
    assert_true(most >= 8);
}

/* Little-endian words of a small dump: prefix, root, "ED00", then tables. */
#define WORD(n)                                                                                    \
    (char)((n)&255), (char)((n) >> 8 & 255), (char)((n) >> 16 & 255), (char)((n) >> 24 & 255)
#define HALF(n)          (char)((n)&255), (char)((n) >> 8 & 255)
#define HEAD(size, root) WORD(size), WORD(root), 'E', 'D', '0', '0'

static const char no_identity[] = {WORD(8), WORD(4), 'E', 'D', '0', '1'};
static const char root_outside[] = {HEAD(8, 1000)};
static const char root_null[] = {HEAD(8, 0)};
static const char root_at_end[] = {HEAD(8, 8)};
static const char vtable_before[] = {HEAD(12, 8), WORD(100)};
static const char vtable_behind[] = {HEAD(12, 8), WORD(-100)};
static const char vtable_short[] = {HEAD(16, 12), HALF(2), HALF(4), WORD(4)};
static const char vtable_long[] = {HEAD(16, 12), HALF(60), HALF(4), WORD(4)};
static const char field_outside[] = {HEAD(20, 16), HALF(8), HALF(4), HALF(0), HALF(500), WORD(8)};
static const char vector_null[] = {HEAD(24, 16), HALF(8), HALF(8), HALF(0),
                                   HALF(4),      WORD(8), WORD(0)};
static const char vector_outside[] = {HEAD(24, 16), HALF(8), HALF(8),   HALF(0),
                                      HALF(4),      WORD(8), WORD(4000)};
static const char vector_endless[] = {HEAD(28, 16), HALF(8), HALF(8), HALF(0),
                                      HALF(4),      WORD(8), WORD(4), WORD(-1)};
static const char element_outside[] = {HEAD(32, 16), HALF(8), HALF(8), HALF(0),    HALF(4),
                                       WORD(8),      WORD(4), WORD(1), WORD(77777)};

#define HOSTILE(bytes, message)                                                                    \
    { bytes, sizeof bytes, message, false }

static const struct hostile hostile_dumps[] = {
    {"x", 1, "no ED00 at offset 8", false},
    HOSTILE(no_identity, "no ED00 at offset 8"),
    HOSTILE(root_outside, "offset 4: what an offset leads to is outside"),
    HOSTILE(root_null, "offset 4: what an offset leads to is outside"),
    HOSTILE(root_at_end, "offset 4: what an offset leads to is outside"),
    HOSTILE(vtable_before, "the vtable of a table is outside"),
    HOSTILE(vtable_behind, "the vtable of a table is outside"),
    HOSTILE(vtable_short, "a vtable's end is outside"),
    HOSTILE(vtable_long, "a vtable's end is outside"),
    HOSTILE(field_outside, "a field is outside"),
    HOSTILE(vector_null, "what an offset leads to is outside"),
    HOSTILE(vector_outside, "what an offset leads to is outside"),
    HOSTILE(vector_endless, "a vector's end is outside"),
    HOSTILE(element_outside, "what an offset leads to is outside"),
};

static void hostile_dumps_are_refused_with_their_offset(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof hostile_dumps / sizeof *hostile_dumps; i++)
        check_hostile(&foreign_etdump, &hostile_dumps[i], (struct foreign_request){0});
}

/* What flatc writes of a JSON that says nonsense. */
static void refuse_json(const char *json, const char *message) {
    struct kept kept;
    kept_init(&kept);
    write_file("bad.json", json, strlen(json));
    assert_true(flatc("-b dump.fbs bad.json"));
    write_prefixed("bad.bin", "bad.etdp");
    const struct foreign_request request = {.path = in_folder("bad.etdp")};
    assert_int_equal(kept_read(&kept, &foreign_etdump, request), -ERR_INPUT);
    if (!strstr(kept.err.message, message))
        fail_msg("no '%s' in '%s'", message, kept.err.message);
    kept_done(&kept);
}

static void events_that_cannot_be_are_refused(void **state) {
    (void)state;
    require_flatc();
    refuse_json("{\"run_data\": [{\"events\": [{}]}]}", "an event of 0 kinds");
    refuse_json("{\"run_data\": [{\"events\": [{\"profile_event\": {}, \"debug_event\": {}}]}]}",
                "an event of 2 kinds");
    refuse_json("{\"run_data\": [{\"events\": [{\"profile_event\": {\"start_time\": 2, "
                "\"end_time\": 1}}]}]}",
                "event 1 of run 1 ends before it starts");
    refuse_json("{\"run_data\": [{\"events\": [{\"profile_event\": {\"end_time\": "
                "18446744073709551615}}]}]}",
                "ends before it starts");
    refuse_json(arena_printf(&arena, "{\"run_data\": [{\"name\": \"%05000d\"}]}", 0),
                "at most 4096 bytes");
}

static void hostile_programs_are_refused(void **state) {
    (void)state;
    static const struct {
        const char bytes[40];
        size_t length;
        const char *message;
    } cases[] = {
        {"",                                                                      0, "no ET12 at offset 4"   },
        {{WORD(4), 'E', 'T', '1', '3'},                                           8, "no ET12 at offset 4"   },
        {{WORD(0), 'E', 'T', '1', '2'},                                           8, "offset 0: what"        },
        {{WORD(-1), 'E', 'T', '1', '2'},                                          8, "offset 0: what"        },
        {{WORD(8), 'E', 'T', '1', '2', 'e', 'h', '0', '0', WORD(24), WORD(4000)},
         40,                                                                         "should have 4000 bytes"},
        {{WORD(8), 'E', 'T', '1', '2', 'e', 'h', '0', '0', WORD(24), WORD(5)},
         40,                                                                         "offset 0: what"        },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct pte pte;
        struct err err = {0};
        write_file("bad.pte", cases[i].bytes, cases[i].length);
        assert_int_equal(pte_open(&pte, in_folder("bad.pte"), &err), -ERR_INPUT);
        if (!strstr(err.message, cases[i].message))
            fail_msg("no '%s' in '%s'", cases[i].message, err.message);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_event_is_what_flatc_prints),
        cmocka_unit_test(the_shared_trace_is_what_flatc_prints_by_its_own_schema),
        cmocka_unit_test(events_become_spans_and_samples),
        cmocka_unit_test(a_program_names_its_instructions_and_their_inputs),
        cmocka_unit_test(outputs_in_a_list_are_no_inputs_and_unknown_calls_have_no_name),
        cmocka_unit_test(shared_programs_are_read),
        cmocka_unit_test(a_short_file_gives_its_whole_events),
        cmocka_unit_test(hostile_dumps_are_refused_with_their_offset),
        cmocka_unit_test(events_that_cannot_be_are_refused),
        cmocka_unit_test(hostile_programs_are_refused),
    };
    return cmocka_run_group_tests(tests, make_files, drop_files);
}
