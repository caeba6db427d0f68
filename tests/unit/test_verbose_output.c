/* oneDNN's lines are taken out of what a command prints; the rest passes unchanged. */
#include "collectors/record/verbose_output.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const char verbose[] =
    "onednn_verbose,1795448082124.138916,exec,cpu,convolution,jit:avx512_core,forward_inference,"
    "src_f32::blocked:abcd:f0 wei_f32::blocked:Acdb16a:f0 dst_f32::blocked:aBcd16b:f0,,"
    "alg:convolution_direct,mb1_ic3oc64_ih224oh112kh7sh2dh0ph3_iw224ow112kw7sw2dw0pw3,1.25\n";

static int count_span(void *context, const struct span *span, struct err *err) {
    (void)err;
    assert_int_equal(span->duration_ns, 1250000);
    ++*(int *)context;
    return 0;
}

/* Everything that passes when `text` comes in pieces of so many bytes. */
static void pass(const char *text, size_t piece, char *out, size_t size, int *spans) {
    int pipe_fds[2];
    struct verbose_output output;
    struct err err = {0};
    *spans = 0;
    const struct span_sink sink = {.context = spans, .span = count_span};
    assert_int_equal(pipe(pipe_fds), 0);
    verbose_output_init(&output, &sink, pipe_fds[1]);
    for (size_t at = 0, length = strlen(text); at < length; at += piece)
        assert_int_equal(verbose_output_take(&output, text + at,
                                             length - at < piece ? length - at : piece, &err),
                         0);
    assert_int_equal(verbose_output_end(&output, &err), 0);
    verbose_output_done(&output);
    close(pipe_fds[1]);
    ssize_t got = read(pipe_fds[0], out, size - 1);
    out[got > 0 ? got : 0] = '\0';
    close(pipe_fds[0]);
}

static void lines_of_onednn_are_taken_and_others_pass(void **state) {
    (void)state;
    char text[2048] = "first\n", out[2048];
    strcat(text, verbose);
    strcat(text, "onednn\nonednn_verbo\n\n");
    strcat(text, verbose);
    strcat(text, "last without an end");
    for (size_t piece = 1; piece < 600; piece = piece < 4 ? piece + 1 : piece * 3) {
        int spans;
        pass(text, piece, out, sizeof out, &spans);
        assert_string_equal(out, "first\nonednn\nonednn_verbo\n\nlast without an end");
        assert_int_equal(spans, 2);
    }
}

static void what_only_begins_as_a_line_of_onednn_passes_at_the_end(void **state) {
    (void)state;
    char out[64];
    int spans;
    pass("onednn_verbose", 3, out, sizeof out, &spans);
    assert_string_equal(out, "onednn_verbose");
    assert_int_equal(spans, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_of_onednn_are_taken_and_others_pass),
        cmocka_unit_test(what_only_begins_as_a_line_of_onednn_passes_at_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
