/* External weight files: found, missing, too short, and every way out of the folder closed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "models/onnx/external.h"
#include "models/onnx/read.h"
#include "tests/unit/onnx_bytes.h"

static struct arena arena;
static char folder[] = "/tmp/assay-external-XXXXXX"; /* outside/ and inside/, where the model is */

static const char *path_in(const char *name) {
    return arena_printf(&arena, "%s/%s", folder, name);
}

static void make_file(const char *name, size_t length) {
    int fd = open(path_in(name), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, (off_t)length), 0);
    close(fd);
}

static int make_folders(void **state) {
    (void)state;
    arena_init(&arena);
    if (!mkdtemp(folder))
        return -1;
    mkdir(path_in("outside"), 0700);
    mkdir(path_in("inside"), 0700);
    mkdir(path_in("inside/sub"), 0700);
    make_file("outside/secret.bin", 4096);
    make_file("inside/w.bin", 4096);
    make_file("inside/sub/v.bin", 64);
    int failed = symlink("../outside/secret.bin", path_in("inside/escape.bin")) ||
                 symlink("../outside", path_in("inside/door")) ||
                 symlink("sub/v.bin", path_in("inside/link.bin")) ||
                 symlink("loop.bin", path_in("inside/loop.bin")) ||
                 mkfifo(path_in("inside/pipe.bin"), 0600);
    return failed;
}

static int remove_folders(void **state) {
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    arena_done(&arena);
    return system(command);
}

/* A model in inside/ whose tensor w, 8 bytes, is at that location. */
static struct model model_at(const char *location, const char *offset) {
    struct strbuf graph = message();
    struct model model = {.name = "m", .path = path_in("inside/m.onnx")};
    struct err err = {0};
    put_message(&graph, ONNX_GRAPH_INITIALIZER,
                external_tensor("w", 1, (int64_t[]){2}, location, offset, NULL));
    struct strbuf bytes = model_of(graph);
    if (onnx_read_bytes(&arena, bytes.text, bytes.length, "m", &model.graph, &err))
        fail_msg("%s", err.message);
    strbuf_done(&bytes);
    return model;
}

static void expect_refusal(const char *location, const char *offset, const char *words) {
    struct model model = model_at(location, offset);
    struct err err = {0};
    assert_int_equal(external_check(&model, &err), -ERR_INPUT);
    if (!strstr(err.message, words) || !strstr(err.message, "tensor 'w'"))
        fail_msg("'%s' is not in: %s", words, err.message);
}

static void files_beside_and_below_the_model_are_found(void **state) {
    (void)state;
    static const char *const locations[] = {"w.bin", "./w.bin", "sub/v.bin", "sub//v.bin"};
    for (size_t i = 0; i < sizeof locations / sizeof *locations; i++) {
        struct model model = model_at(locations[i], "8");
        struct weight_files files;
        struct err err = {0};
        assert_int_equal(external_list(&arena, &model, &files, &err), 0);
        assert_int_equal(files.count, 1);
        assert_int_equal(files.missing_count, 0);
        assert_int_equal(files.files[0].needed_bytes, 16);
    }
}

static void links_inside_the_folder_are_followed(void **state) {
    (void)state;
    struct open_how how = {.flags = O_PATH};
    long fd = syscall(SYS_openat2, AT_FDCWD, ".", &how, sizeof how);
    if (fd < 0) {
        print_message("skip: openat2 is not available here\n");
        skip();
    }
    close((int)fd);
    struct model model = model_at("link.bin", "8");
    struct err err = {0};
    const char **locations;
    uint32_t count;
    assert_int_equal(external_missing(&arena, &model, &locations, &count, &err), 0);
    assert_int_equal(count, 0);
}

static void missing_files_are_allowed_and_listed(void **state) {
    (void)state;
    struct model model = model_at("gone.weights", "0");
    const char **locations;
    uint32_t count;
    struct err err = {0};
    assert_int_equal(external_check(&model, &err), 0);
    assert_int_equal(external_missing(&arena, &model, &locations, &count, &err), 0);
    assert_int_equal(count, 1);
    assert_string_equal(locations[0], "gone.weights");
}

static void paths_out_of_the_folder_are_refused(void **state) {
    (void)state;
    expect_refusal("../../etc/passwd", NULL, "'../../etc/passwd' has '..' in its path");
    expect_refusal("sub/../w.bin", NULL, "has '..' in its path");
    expect_refusal("..", NULL, "has '..' in its path");
    expect_refusal("/etc/passwd", NULL, "'/etc/passwd' is an absolute path");
}

static void links_out_of_the_folder_are_refused(void **state) {
    (void)state;
    expect_refusal("escape.bin", NULL, "leaves the model's folder through a symbolic link");
    expect_refusal("door/secret.bin", NULL, "leaves the model's folder through a symbolic link");
    expect_refusal("loop.bin", NULL, "leaves the model's folder through a symbolic link");
}

static void only_regular_files_are_weights(void **state) {
    (void)state;
    expect_refusal("sub", NULL, "is not a regular file");
    expect_refusal("pipe.bin", NULL, "is not a regular file");
}

static void data_must_lie_inside_its_file(void **state) {
    (void)state;
    expect_refusal("sub/v.bin", "60", "offset 60, 8 bytes, of 'sub/v.bin', which has 64 bytes");
    expect_refusal("gone.bin", "18446744073709551615", "offset 18446744073709551615");
}

static void model_without_external_data_has_no_files(void **state) {
    (void)state;
    struct strbuf bytes = model_of(relu_graph());
    struct model model = {.name = "m", .path = "m.onnx"};
    struct weight_files files;
    struct err err = {0};
    assert_int_equal(onnx_read_bytes(&arena, bytes.text, bytes.length, "m", &model.graph, &err), 0);
    strbuf_done(&bytes);
    assert_int_equal(external_list(&arena, &model, &files, &err), 0);
    assert_int_equal(files.count, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_beside_and_below_the_model_are_found),
        cmocka_unit_test(links_inside_the_folder_are_followed),
        cmocka_unit_test(missing_files_are_allowed_and_listed),
        cmocka_unit_test(paths_out_of_the_folder_are_refused),
        cmocka_unit_test(links_out_of_the_folder_are_refused),
        cmocka_unit_test(only_regular_files_are_weights),
        cmocka_unit_test(data_must_lie_inside_its_file),
        cmocka_unit_test(model_without_external_data_has_no_files),
    };
    return cmocka_run_group_tests(tests, make_folders, remove_folders);
}
