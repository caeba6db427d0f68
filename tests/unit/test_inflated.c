/* Files in pieces: plain, gzip, several members, cut and corrupt ones. */
#include "base/inflated.h"

#include "base/strbuf.h"
#include "tests/unit/temporary_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/stat.h>

#include <cmocka.h>

/* Everything the file gives, as one text; *reason is NULL when it was whole. */
static struct strbuf read_all(const char *path, const char **reason) {
    struct err err = {0};
    struct inflated *in;
    struct strbuf all;
    const char *bytes;
    size_t length;
    strbuf_init(&all);
    if (inflated_open(&in, path, &err) < 0)
        fail_msg("%s", err.message);
    do {
        assert_int_equal(inflated_next(in, &bytes, &length, &err), 0);
        assert_int_equal(bytes[length], 0);
        strbuf_add(&all, bytes, length);
        assert_int_equal(inflated_offset(in), all.length);
    } while (length);
    inflated_cut(in, reason);
    assert_true(*reason || inflated_stored_offset(in) == inflated_stored_bytes(in));
    inflated_close(in);
    return all;
}

static char *some_text(size_t length) {
    char *text = malloc(length + 1);
    for (size_t i = 0; i < length; i++)
        text[i] = (char)('a' + i * i % 23);
    text[length] = '\0';
    return text;
}

static void expect(struct temporary_file *file, const char *text, size_t length) {
    const char *reason;
    struct strbuf all = read_all(file->path, &reason);
    assert_null(reason);
    assert_int_equal(all.length, length);
    assert_memory_equal(all.text, text, length);
    strbuf_done(&all);
    unlink(file->path);
}

static void plain_and_packed_files_give_the_same(void **state) {
    static const size_t lengths[] = {0, 1, 2, 3, 70000, 262144, 262145, 1000000};
    (void)state;
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        struct temporary_file file;
        char *text = some_text(lengths[i]);
        temporary_file_write(&file, text, lengths[i]);
        expect(&file, text, lengths[i]);
        temporary_file_write(&file, "", 0);
        temporary_file_add_gzip(&file, text, lengths[i]);
        expect(&file, text, lengths[i]);
        free(text);
    }
}

static void members_follow_one_another(void **state) {
    struct temporary_file file;
    (void)state;
    temporary_file_write(&file, "", 0);
    temporary_file_add_gzip(&file, "one ", 4);
    temporary_file_add_gzip(&file, "", 0);
    temporary_file_add_gzip(&file, "two", 3);
    expect(&file, "one two", 7);
}

static void zeros_behind_the_last_member_are_padding(void **state) {
    struct temporary_file file;
    (void)state;
    temporary_file_write(&file, "", 0);
    temporary_file_add_gzip(&file, "one", 3);
    FILE *more = fopen(file.path, "ab");
    fwrite("\0\0\0\0\0\0\0\0", 1, 8, more);
    fclose(more);
    expect(&file, "one", 3);
}

static void what_ends_early_gives_what_it_has(void **state) {
    struct temporary_file file;
    struct stat status;
    const char *reason;
    char *text = some_text(500000);
    (void)state;
    for (int tenths = 1; tenths < 10; tenths++) {
        temporary_file_write(&file, "", 0);
        temporary_file_add_gzip(&file, text, 500000);
        stat(file.path, &status);
        temporary_file_cut(&file, status.st_size * tenths / 10);
        struct strbuf all = read_all(file.path, &reason);
        assert_string_equal(reason, "the gzip stream ends early");
        assert_true(all.length < 500000);
        assert_memory_equal(all.text, text, all.length);
        strbuf_done(&all);
        unlink(file.path);
    }
    free(text);
}

static void what_is_corrupt_gives_what_came_before(void **state) {
    struct temporary_file file;
    const char *reason;
    char *text = some_text(500000);
    (void)state;
    temporary_file_write(&file, "", 0);
    temporary_file_add_gzip(&file, text, 500000);
    FILE *out = fopen(file.path, "r+b");
    fseek(out, -6, SEEK_END); /* of the checksum */
    fputc(1, out);
    fputc(2, out);
    fclose(out);
    struct strbuf all = read_all(file.path, &reason);
    assert_string_equal(reason, "the gzip stream is corrupt");
    assert_memory_equal(all.text, text, all.length);
    strbuf_done(&all);
    unlink(file.path);
    free(text);
}

static void looking_takes_nothing(void **state) {
    struct temporary_file file;
    struct err err = {0};
    struct inflated *in;
    const char *bytes;
    size_t length;
    char *text = some_text(300000);
    (void)state;
    temporary_file_write(&file, "", 0);
    temporary_file_add_gzip(&file, text, 300000);
    assert_int_equal(inflated_open(&in, file.path, &err), 0);
    assert_int_equal(inflated_peek(in, 65536, &bytes, &length, &err), 0);
    assert_true(length >= 65536);
    assert_memory_equal(bytes, text, length);
    assert_int_equal(inflated_offset(in), 0);
    assert_int_equal(inflated_next(in, &bytes, &length, &err), 0);
    assert_memory_equal(bytes, text, length);
    inflated_close(in);
    unlink(file.path);
    free(text);
}

static void what_is_no_file_is_refused(void **state) {
    static const char *const paths[] = {"/nowhere/x", "/tmp", "/dev/zero"};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct err err = {0};
        struct inflated *in;
        assert_int_equal(inflated_open(&in, paths[i], &err), -ERR_INPUT);
        assert_non_null(strstr(err.message, paths[i]));
        assert_null(in);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_and_packed_files_give_the_same),
        cmocka_unit_test(members_follow_one_another),
        cmocka_unit_test(zeros_behind_the_last_member_are_padding),
        cmocka_unit_test(what_ends_early_gives_what_it_has),
        cmocka_unit_test(what_is_corrupt_gives_what_came_before),
        cmocka_unit_test(looking_takes_nothing),
        cmocka_unit_test(what_is_no_file_is_refused),
    };
    return cmocka_run_group_tests_name("inflated", tests, NULL, NULL);
}
