#include "tests/unit/foreign_sink.h"

#include "collectors/foreign/onednn.h"

#define T1 "1795448082124.138916"

static int read_text(struct kept *kept, const char *text) {
    kept_init(kept);
    return kept_read_text(kept, &foreign_onednn, text, strlen(text), (struct foreign_request){0});
}

static const struct {
    const char *line, *name, *category, *shapes, *dtypes;
    enum span_kind kind;
    int64_t duration_ns;
} layouts[] = {
    {"dnnl_verbose,exec,cpu,convolution,jit:avx2,forward_inference,src_f32::blocked:aBcd8b:f0 "
     "wei_f32::blocked:ABcd8b8a:f0 bia_undef::undef::f0 dst_f32::blocked:aBcd8b:f0,,"
     "alg:convolution_direct,mb2_ic16oc32_ih7oh7kh5sh1dh0ph2_iw7ow7kw5sw1dw0pw2,0.0170898",     "convolution",              "jit:avx2",        "2x16x7x7 32x16x5x5",      "f32 f32",     SPAN_OPERATOR, 17090   },
    {"onednn_verbose,exec,cpu,convolution,jit_dw:avx2,forward_training,src_bf16::blocked:a:f0 "
     "wei_bf16::blocked:a:f0 dst_f32::blocked:a:f0,attr-scratchpad:user ,alg:convolution_direct,"
     "mb1_g8ic8oc16_ih4oh4kh3sh1dh0ph1_iw4ow4kw3sw1dw0pw1,2",                                   "convolution",              "jit_dw:avx2",     "1x8x4x4 8x2x1x3x3",       "bf16 bf16",   SPAN_OPERATOR, 2000000 },
    {"onednn_verbose," T1 ",exec,cpu,reorder,jit:uni,undef,src_f32::blocked:abcd:f0 "
     "dst_f32::blocked:Acdb16a:f0,attr-scratchpad:user ,,64x3x7x7,0.227051",                    "reorder",                  "jit:uni",         "64x3x7x7",                "f32",         SPAN_OPERATOR, 227051  },
    {"onednn_verbose,primitive,exec,cpu,matmul,brg:avx512_core,undef,src_f32:a:blocked:ab::f0 "
     "wei_s8:a:blocked:ab::f0 bia_f32:a:blocked:ab::f0_mask2 dst_f32:a:blocked:ab::f0,"
     "attr-scratchpad:user attr-post-ops:eltwise_relu ,,16x32:32x8,1e-05",                      "matmul",                   "brg:avx512_core", "16x32 32x8",              "f32 s8",      SPAN_OPERATOR, 10      },
    {"onednn_verbose,v1," T1 ",primitive,exec,gpu:0,inner_product,jit:gemm:any,forward_inference,"
     "src:f16::blocked:abcd::f0 wei:f16:a:blocked:abcd::f0 bia:undef::undef::: "
     "dst:f32::blocked:ab::f0,attr-scratchpad:user,,mb8ic896ih1iw1oc1500,21.5701",              "inner_product",            "jit:gemm:any",    "8x896x1x1 1500x896x1x1",  "f16 f16",     SPAN_KERNEL,   21570100},
    {"onednn_verbose,v1,primitive,exec,cpu,binary,jit:uni,undef,src:f32::blocked:abcd::f0 "
     "src:f32::blocked:abcd::f0 dst:f32::blocked:abcd::f0,,alg:binary_add,1x8x2x2:1x1x2x2,0.5", "binary",                   "jit:uni",         "1x8x2x2 1x1x2x2",         "f32 f32",     SPAN_OPERATOR, 500000  },
    {"onednn_verbose,v1,primitive,exec,cpu,sdpa,ref:any,forward_inference,query:f32::blocked:acbd "
     "key:f32::blocked:adbc val:f32::blocked:acbd dst:f32::blocked:acbd,,alg:softmax msk:2d,"
     "1x2x5x4:1x2x4x5:1x2x5x4,2.62",                                                            "sdpa",                     "ref:any",         "1x2x5x4 1x2x4x5 1x2x5x4", "f32 f32 f32", SPAN_OPERATOR, 2620000 },
    {"onednn_verbose,primitive,exec,cpu,batch_normalization,bnorm_jit:avx2,backward,"
     "src_f32::blocked:abcd::f0 diff_dst_f8_e5m2::blocked:abcd::f0 diff_src_f32::blocked:abcd::f0,"
     "attr,flags:S,mb2ic4ih5iw6,0.25",                                                          "batch_normalization",      "bnorm_jit:avx2",  "2x4x5x6",                 "f32",         SPAN_OPERATOR, 250000  },
    {"onednn_verbose,primitive,exec,cpu,softmax,jit:avx2,forward,src_f32::blocked:ab::f0 "
     "dst_f32::blocked:ab::f0,,alg:softmax axis:1,something new,0.25",                          "softmax",                  "jit:avx2",        NULL,                      NULL,          SPAN_OPERATOR, 250000  },
    {"onednn_verbose,graph,exec,cpu,100006,convolution_post_ops,CONV_0;ELTWISE_1,"
     "data:NCX; filter:OIX;;,in0_f32:0:strided:undef:2x3:3s1,fpm:strict,dnnl_backend,5.5",      "convolution_post_ops",     "graph",           NULL,                      NULL,          SPAN_OPERATOR, 5500000 },
    {"onednn_verbose,primitive,create:cache_miss,cpu,matmul,brg:avx2,undef,src_f32::blocked:ab::f0 "
     "wei_f32::blocked:ab::f0 dst_f32::blocked:ab::f0,,,1x2:2x3,0.125",                         "create:cache_miss matmul", "brg:avx2",        NULL,                      NULL,          SPAN_OTHER,    125000  },
};

static bool same(const char *a, const char *b) {
    return a == b || (a && b && strcmp(a, b) == 0);
}

static void every_layout_says_operator_implementation_shapes_and_time(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof layouts / sizeof *layouts; i++) {
        struct kept kept;
        char text[1000];
        snprintf(text, sizeof text, "%s\n", layouts[i].line);
        if (read_text(&kept, text))
            fail_msg("%s", kept.err.message);
        assert_int_equal(kept.span_count, 1);
        const struct span *span = kept.spans;
        assert_string_equal(span->name, layouts[i].name);
        assert_string_equal(span->category, layouts[i].category);
        assert_int_equal(span->kind, layouts[i].kind);
        assert_int_equal(span->duration_ns, layouts[i].duration_ns);
        if (!same(span->shapes, layouts[i].shapes) || !same(span->dtypes, layouts[i].dtypes))
            fail_msg("%s: %s, %s", layouts[i].line, span->shapes, span->dtypes);
        assert_int_equal(kept_has_fact(&kept, "moments="), strstr(text, T1) == NULL);
        kept_done(&kept);
    }
}

#define RUN(moment, ms)                                                                            \
    "onednn_verbose," moment ",exec,cpu,reorder,a,undef,src_f32::b dst_f32::b,,,1x1," ms "\n"

static void moments_are_exact_and_what_ran_at_once_is_on_two_tracks(void **state) {
    (void)state;
    struct kept kept;
    assert_int_equal(read_text(&kept, "noise\n" RUN("1795448082100.000001", "1") /* 100 to 101 */
                               RUN("1795448082100.5", "1")    /* 100.5 to 101.5 */
                               RUN("1795448082100", "2")      /* around both */
                               RUN("1795448082101.9995", "1") /* a rounding */
                               RUN("1795448082102.5", "1")),
                     0);
    assert_int_equal(kept.span_count, 5);
    assert_int_equal(kept.outcome.events, 5);
    assert_true(kept.spans[0].start_ns == 1795448082100000001);
    assert_int_equal(kept.spans[0].track, 0);
    assert_int_equal(kept.spans[1].track, 1);
    assert_int_equal(kept.spans[2].track, 0);
    assert_int_equal(kept.spans[3].track, 0);
    assert_true(kept.spans[3].start_ns == 1795448082102000000);
    assert_int_equal(kept.spans[4].track, 1);
    assert_int_equal(kept.track_count, 2);
    kept_done(&kept);
}

static void without_moments_times_are_laid_end_to_end(void **state) {
    (void)state;
    struct kept kept;
    static const char line[] =
        "onednn_verbose,exec,cpu,reorder,a,undef,src_f32::b dst_f32::b,,,1x1,0.5\n";
    char text[sizeof line * 2];
    snprintf(text, sizeof text, "%s%s", line, line);
    assert_int_equal(read_text(&kept, text), 0);
    assert_int_equal(kept.spans[1].start_ns, 500000);
    assert_true(kept_has_fact(&kept, "laid end to end"));
    kept_done(&kept);
}

static void a_real_run_of_resnet18_is_read_whole(void **state) {
    (void)state;
    struct kept kept;
    double total_ms = 0;
    size_t convolutions = 0;
    kept_init(&kept);
    const char *path = shared_data(&kept.arena, "onednn_verbose_resnet18_debian_torch1131.txt");
    if (access(path, R_OK) != 0) {
        kept_done(&kept);
        print_message("skip: no shared trace of oneDNN\n");
        skip();
    }
    assert_int_equal(kept_read(&kept, &foreign_onednn, (struct foreign_request){.path = path}), 0);
    assert_int_equal(kept.span_count, 237);
    assert_true(kept.outcome.complete);
    for (size_t i = 0; i < kept.span_count; i++) {
        total_ms += (double)kept.spans[i].duration_ns / 1e6;
        convolutions += strcmp(kept.spans[i].name, "convolution") == 0;
        assert_non_null(kept.spans[i].shapes);
    }
    assert_int_equal(convolutions, 60);
    /* awk -F, '/,exec,/ {s += $NF} END {print s}' */
    assert_float_equal(total_ms, 66.5188, 0.001);
    assert_string_equal(kept.spans[1].shapes, "1x3x224x224 64x3x7x7");
    assert_int_equal(kept.track_count, 1);
    assert_true(kept_has_fact(&kept, "library=oneDNN v2.6.3"));
    kept_done(&kept);
}

#define OK_LINE "onednn_verbose,exec,cpu,reorder,a,undef,src_f32::b dst_f32::b,,,1x1,0.5\n"

static const struct hostile hostile_texts[] = {
    {"onednn_verbose,\n",                                                                         0,                  "neither exec nor info",                  false},
    {"onednn_verbose\x2c"
     "v1\n",                                                                                 0,                  "neither exec nor info",                  false},
    {"onednn_verbose,exec\n",                                                                     0,                  "ends after 0 fields",                    false},
    {"onednn_verbose,exec,cpu,reorder,a\n",                                                       0,                  "input:1: a line of oneDNN ends after 3", false},
    {"onednn_verbose,exec,cpu,c,a,u,t,p,x\n",                                                     0,                  "input:1: \"x\" is no time",              false},
    {"onednn_verbose,exec,cpu,c,a,u,t,p,-1\n",                                                    0,                  "\"-1\" is no time",                      false},
    {"onednn_verbose,exec,cpu,c,a,u,t,p,1e300\n",                                                 0,                  "\"1e300\" is no time",                   false},
    {"onednn_verbose,exec,cpu,c,a,u,t,p,nan\n",                                                   0,                  "\"nan\" is no time",                     false},
    {"onednn_verbose,exec,cpu,c,a,u,t,p,\n",                                                      0,                  "\"\" is no time",                        false},
    {"onednn_verbose,99999999999999999999,exec,cpu,c,a,u,t,p,1\n",                                0,                  "neither exec nor info",
     false                                                                                                                                                           },
    {"onednn_verbose,12.5x,exec,cpu,c,a,u,t,p,1\n",                                               0,                  "neither exec nor info",                  false},
    {"onednn_verbose,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,\n", 0,
     "more than 63 fields",                                                                                                                                     false},
    {OK_LINE "a\0b\n",                                                                            sizeof OK_LINE + 3, "input:2: a NUL byte",                    false},
    {OK_LINE "\xff\xfe\n",                                                                        0,                  "input:2: the line is not UTF-8",         false},
    {OK_LINE "onednn_verbose,exec,cpu,reor",                                                      0,                  "the last line has no end",               true },
};

static void lines_that_threads_printed_into_one_another_are_passed_over(void **state) {
    (void)state;
    struct kept kept;
    assert_int_equal(read_text(&kept,
                               OK_LINE "onednn_verbose,exec,cpu,reoonednn_verbose,exec\n" OK_LINE
                                       "onednn_verbose,exec,cpu,c,a,u,t,p,1.2.3\n"),
                     0);
    assert_int_equal(kept.span_count, 2);
    assert_int_equal(kept.outcome.events, 2);
    assert_int_equal(kept.outcome.skipped, 2);
    assert_string_equal(kept.outcome.why, "in line 2: a line of oneDNN ends after 3 fields");
    kept_done(&kept);
}

static void hostile_texts_are_refused_or_cut_with_a_reason(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof hostile_texts / sizeof *hostile_texts; i++)
        check_hostile(&foreign_onednn, &hostile_texts[i], (struct foreign_request){0});
}

static void a_line_without_end_is_refused(void **state) {
    (void)state;
    size_t length = (2 << 20) + 1;
    char *text = malloc(length);
    assert_non_null(text);
    memset(text, 'a', length);
    const struct hostile hostile = {text, length, "longer than 1 MiB", false};
    check_hostile(&foreign_onednn, &hostile, (struct foreign_request){0});
    free(text);
}

static void it_is_known_by_what_it_holds(void **state) {
    (void)state;
    static const char text[] = "hello\nonednn_verbose,info,oneDNN v3\n";
    assert_true(foreign_onednn.sniff(text, sizeof text - 1));
    assert_true(foreign_onednn.sniff(text + 6, sizeof text - 7));
    assert_false(foreign_onednn.sniff("say onednn_verbose,exec\n", 24));
    assert_false(foreign_onednn.sniff("", 0));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_layout_says_operator_implementation_shapes_and_time),
        cmocka_unit_test(moments_are_exact_and_what_ran_at_once_is_on_two_tracks),
        cmocka_unit_test(without_moments_times_are_laid_end_to_end),
        cmocka_unit_test(a_real_run_of_resnet18_is_read_whole),
        cmocka_unit_test(lines_that_threads_printed_into_one_another_are_passed_over),
        cmocka_unit_test(hostile_texts_are_refused_or_cut_with_a_reason),
        cmocka_unit_test(a_line_without_end_is_refused),
        cmocka_unit_test(it_is_known_by_what_it_holds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
