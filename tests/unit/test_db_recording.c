#include "tests/unit/test_db_sample.h"

#include "db/admin.h"
#include "db/machine.h"
#include "db/recording.h"

#include <sqlite3.h>

static struct recording sample_recording(struct arena *arena, uint32_t nodes) {
    struct recording r = {
        .format = "kineto",
        .path = "/traces/a.json",
        .sha256 = "0123",
        .events = 17,
        .whole_bytes = 99,
        .origin_ns = 1712195495519689123,
        .wall_ns = 5e9,
        .overhead_ns = NAN,
        .node_count = nodes,
        .track_count = 1,
        .sample_count = 2,
        .fact_count = 1,
        .category_count = 2,
        .operators_with_shapes = 3,
        .kernels = 4,
        .kernel_names = 2,
        .kernel_total_ns = 40,
        .device_busy_ns = 30,
        .device_span_ns = 50,
        .kernels_with_call = 1,
    };
    r.nodes = ARENA_ARRAY(arena, nodes, struct recording_node);
    for (uint32_t i = 0; i < nodes; i++)
        r.nodes[i] = (struct recording_node){
            (int32_t)i - 1, i % 7, "aten::add", "cpu_op", "1x3 -", "float ", "",
            "k=1",          i,     10.5,        5,        NAN,     7};
    r.tracks = ARENA_NEW(arena, struct recording_track);
    r.tracks[0] = (struct recording_track){UINT64_MAX - 3, TRACK_QUEUE, "stream 7", 9, 0, 5e9, 4e9};
    r.samples = ARENA_ARRAY(arena, 2, struct track_sample);
    r.samples[0] = (struct track_sample){"pss_bytes", "bytes", 0, 5, 1e9};
    r.samples[1] = (struct track_sample){"pss_bytes", "bytes", 0, 9, NAN};
    r.facts = ARENA_NEW(arena, struct recording_fact);
    r.facts[0] = (struct recording_fact){"device", "A100"};
    r.categories = ARENA_ARRAY(arena, 2, struct recording_category);
    r.categories[0] = (struct recording_category){"", 2};
    r.categories[1] = (struct recording_category){"cpu_op", 15};
    return r;
}

static int64_t put(struct sample_folder *t, struct db *db, const struct recording *recording,
                   const char *machine, bool *fresh) {
    struct stored_recording stored = {.machine = machine, .recording = *recording};
    int64_t id;
    assert_done(t, db_put_recording(db, &stored, &id, fresh, &t->err));
    return id;
}

static void a_recording_is_read_as_it_was_written(void **state) {
    struct sample_folder *t = *state;
    struct db *db = sample_open(t, DB_CREATE);
    struct recording r = sample_recording(&t->arena, 30);
    struct machine machine = sample_run(&t->arena, 1, 1).machine;
    struct stored_recording read;
    bool fresh;
    int64_t machine_id;
    assert_done(t, db_put_machine(db, &machine, &machine_id, &t->err));
    int64_t id = put(t, db, &r, machine.fingerprint, &fresh);
    assert_true(fresh);
    assert_done(t, db_load_recording(db, &t->arena, id, RECORDING_NODES | RECORDING_SAMPLES, &read,
                                     &t->err));
    const struct recording *got = &read.recording;
    assert_int_equal(read.id, id);
    assert_string_equal(read.machine, machine.fingerprint);
    assert_string_equal(got->path, r.path);
    assert_null(got->started_at);
    assert_false(got->complete);
    assert_true(got->origin_ns == r.origin_ns && got->wall_ns == r.wall_ns);
    assert_true(isnan(got->overhead_ns));
    assert_int_equal(got->kernels_with_call, 1);
    assert_int_equal(got->node_count, 30);
    for (uint32_t i = 0; i < 30; i++) {
        assert_int_equal(got->nodes[i].parent, (int)i - 1);
        assert_int_equal(got->nodes[i].kind, i % 7);
        assert_int_equal(got->nodes[i].count, i);
        assert_string_equal(got->nodes[i].shapes, "1x3 -");
        assert_true(isnan(got->nodes[i].low_ns) && got->nodes[i].high_ns == 7);
    }
    assert_true(got->tracks[0].track == UINT64_MAX - 3);
    assert_int_equal(got->tracks[0].kind, TRACK_QUEUE);
    assert_int_equal(got->samples[0].at_ns, 5);
    assert_true(isnan(got->samples[1].value));
    assert_string_equal(got->facts[0].value, "A100");
    assert_string_equal(got->categories[1].name, "cpu_op");
    db_close(db);
}

static void parts_are_read_when_wanted(void **state) {
    struct sample_folder *t = *state;
    struct db *db = sample_open(t, DB_CREATE);
    struct recording r = sample_recording(&t->arena, 5);
    struct stored_recording read;
    bool fresh;
    int64_t id = put(t, db, &r, "", &fresh);
    assert_done(t, db_load_recording(db, &t->arena, id, RECORDING_HEAD, &read, &t->err));
    assert_int_equal(read.recording.node_count, 5);
    assert_null(read.recording.nodes);
    assert_int_equal(read.recording.sample_count, 0);
    assert_int_equal(read.recording.track_count, 1);
    assert_string_equal(read.machine, "");
    db_close(db);
}

static void the_same_file_is_stored_once(void **state) {
    struct sample_folder *t = *state;
    struct db *db = sample_open(t, DB_CREATE);
    struct recording r = sample_recording(&t->arena, 5);
    struct stored_recording *list;
    size_t count;
    bool fresh;
    int64_t first = put(t, db, &r, "", &fresh);
    assert_int_equal(put(t, db, &r, "", &fresh), first);
    assert_false(fresh);
    r.format = "onnxruntime"; /* read as something else */
    assert_int_not_equal(put(t, db, &r, "", &fresh), first);
    r.sha256 = ""; /* recorded here: no file */
    put(t, db, &r, "", &fresh);
    put(t, db, &r, "", &fresh);
    assert_true(fresh);
    assert_done(t, db_list_recordings(db, &t->arena, &list, &count, &t->err));
    assert_int_equal(count, 4);
    assert_int_equal(list[0].id, first);
    db_close(db);
}

static void a_recording_goes_with_all_its_rows(void **state) {
    static const char *const tables[] = {"recordings",       "recording_nodes",
                                         "recording_tracks", "recording_samples",
                                         "recording_facts",  "recording_categories"};
    struct sample_folder *t = *state;
    struct db *db = sample_open(t, DB_CREATE);
    struct recording r = sample_recording(&t->arena, 5);
    struct db_info info;
    bool fresh;
    int64_t id = put(t, db, &r, "", &fresh);
    assert_done(t, db_delete_recording(db, id, &t->err));
    assert_refused(t, db_delete_recording(db, id, &t->err), ERR_INPUT, "recording");
    assert_done(t, db_get_info(db, &t->arena, &info, &t->err));
    for (size_t i = 0; i < info.table_count; i++)
        for (size_t k = 0; k < sizeof tables / sizeof *tables; k++)
            if (strcmp(info.tables[i].name, tables[k]) == 0)
                assert_int_equal(info.tables[i].rows, 0);
    db_close(db);
}

static void an_unknown_machine_stores_nothing(void **state) {
    struct sample_folder *t = *state;
    struct db *db = sample_open(t, DB_CREATE);
    struct stored_recording stored = {.machine = "feed",
                                      .recording = sample_recording(&t->arena, 5)};
    struct stored_recording *list;
    size_t count;
    bool fresh;
    int64_t id;
    assert_refused(t, db_put_recording(db, &stored, &id, &fresh, &t->err), ERR_INPUT, "feed");
    assert_done(t, db_list_recordings(db, &t->arena, &list, &count, &t->err));
    assert_int_equal(count, 0);
    db_close(db);
}

static void changed_numbers_of_recordings_are_noticed(void **state) {
    static const char *const changes[] = {
        "UPDATE recordings SET kernels = 5",
        "UPDATE recording_nodes SET total_ns = 11 WHERE node = 3",
        "DELETE FROM recording_nodes WHERE node = 4",
        "UPDATE recording_tracks SET busy_ns = 1",
        "UPDATE recording_samples SET at_ns = 6 WHERE place = 0",
        "DELETE FROM recording_facts",
        "UPDATE recording_categories SET count = 16 WHERE place = 1",
    };
    struct sample_folder *t = *state;
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        struct db *db = sample_open(t, DB_CREATE);
        struct recording r = sample_recording(&t->arena, 5);
        const char *const *problems;
        size_t count;
        bool fresh;
        sqlite3 *raw;
        put(t, db, &r, "", &fresh);
        db_close(db);
        assert_int_equal(sqlite3_open(t->db, &raw), SQLITE_OK);
        assert_int_equal(sqlite3_exec(raw, changes[i], NULL, NULL, NULL), SQLITE_OK);
        sqlite3_close(raw);
        db = sample_open(t, DB_WRITE);
        assert_done(t, db_check(db, &t->arena, &problems, &count, &t->err));
        assert_int_equal(count, 1);
        assert_non_null(strstr(problems[0], "recording 1 is damaged"));
        db_close(db);
        unlink(t->db);
    }
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, sample_setup, sample_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_recording_is_read_as_it_was_written),
        TEST(parts_are_read_when_wanted),
        TEST(the_same_file_is_stored_once),
        TEST(a_recording_goes_with_all_its_rows),
        TEST(an_unknown_machine_stores_nothing),
        TEST(changed_numbers_of_recordings_are_noticed),
    };
    return cmocka_run_group_tests_name("db_recording", tests, NULL, NULL);
}
