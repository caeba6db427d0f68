/* Entries and returns put together into spans; names of functions; patterns of them. */
#include "collectors/record/calls.h"
#include "collectors/record/readable_name.h"
#include "collectors/record/torch_names.h"
#include "collectors/record/torch_schema.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const struct probe_wish wish = {.category = "test", .kind = SPAN_OPERATOR};

struct world {
    struct arena arena;
    struct probe_functions functions;
    struct calls calls;
    struct span_sink sink;
    struct {
        char name[8];
        int64_t start, duration;
        uint64_t track;
    } spans[16];
    int count;
    struct err err;
};

static int keep(void *context, const struct span *span, struct err *err) {
    struct world *world = context;
    (void)err;
    assert_true(world->count < 16);
    strncpy(world->spans[world->count].name, span->name, 7);
    world->spans[world->count].start = span->start_ns;
    world->spans[world->count].duration = span->duration_ns;
    world->spans[world->count++].track = span->track;
    return 0;
}

static void begin(struct world *world) {
    static const char *const names[] = {"a", "b", "c"};
    *world = (struct world){0};
    arena_init(&world->arena);
    for (int i = 0; i < 3; i++)
        *ARENA_PUSH(&world->arena, world->functions.items, world->functions.count,
                    world->functions.capacity) =
            (struct probe_function){.name = names[i], .wish = &wish};
    world->sink = (struct span_sink){.context = world, .span = keep};
    assert_int_equal(
        calls_open(&world->calls, &world->arena, &world->functions, &world->sink, &world->err), 0);
}

static void end(struct world *world) {
    calls_close(&world->calls);
    arena_done(&world->arena);
}

/* A function's number; upper case is its return. ! is an unwinding. */
static void event(struct world *world, char what, uint64_t stack, uint64_t at_ns, uint32_t tid) {
    bool returned = what >= 'A' && what <= 'C';
    uint64_t function = (uint64_t)(returned ? what - 'A' : what - 'a');
    const struct probe_event given = {
        .time_ns = at_ns,
        .tid = tid,
        .pid = 1,
        .stack = returned ? stack + 8 : stack,
        .what = what == '!' ? PROBE_UNWINDING : 2 * function + returned,
    };
    assert_int_equal(calls_take(&world->calls, &given, &world->err), 0);
}

static void is(const struct world *world, int i, const char *name, int64_t start,
               int64_t duration) {
    assert_true(i < world->count);
    assert_string_equal(world->spans[i].name, name);
    assert_int_equal(world->spans[i].start, start);
    assert_int_equal(world->spans[i].duration, duration);
}

static void calls_nest(void **state) {
    (void)state;
    struct world w;
    begin(&w);
    event(&w, 'a', 1000, 10, 7);
    event(&w, 'b', 900, 20, 7);
    assert_string_equal(calls_open_path(&w.calls, &w.arena), "a > b");
    event(&w, 'B', 900, 30, 7);
    event(&w, 'b', 900, 35, 7);
    event(&w, 'B', 900, 38, 7);
    event(&w, 'A', 1000, 40, 7);
    assert_int_equal(w.count, 3);
    is(&w, 0, "b", 20, 10);
    is(&w, 1, "b", 35, 3);
    is(&w, 2, "a", 10, 30);
    assert_null(calls_open_path(&w.calls, &w.arena));
    assert_int_equal(w.calls.unseen_returns, 0);
    end(&w);
}

static void threads_do_not_mix(void **state) {
    (void)state;
    struct world w;
    begin(&w);
    event(&w, 'a', 1000, 10, 7);
    for (uint32_t tid = 100; tid < 400; tid++) /* the table grows */
        event(&w, 'c', 500, 11, tid);
    event(&w, 'a', 5000, 12, 8);
    event(&w, 'A', 1000, 20, 7);
    event(&w, 'A', 5000, 22, 8);
    assert_int_equal(w.count, 2);
    assert_int_equal(w.spans[0].track, 7);
    assert_int_equal(w.spans[1].track, 8);
    end(&w);
}

/* The second function is jumped to at the end of the first: both return at once. */
static void tail_calls_share_a_place(void **state) {
    (void)state;
    struct world w;
    begin(&w);
    event(&w, 'a', 1000, 10, 7);
    event(&w, 'b', 1000, 20, 7);
    event(&w, 'B', 1000, 30, 7);
    event(&w, 'A', 1000, 30, 7);
    assert_int_equal(w.count, 2);
    is(&w, 0, "b", 20, 10);
    is(&w, 1, "a", 10, 20);
    end(&w);
}

static void an_exception_ends_calls_when_it_begins(void **state) {
    (void)state;
    struct world w;
    begin(&w);
    event(&w, 'a', 1000, 10, 7);
    event(&w, 'b', 900, 20, 7);
    event(&w, '!', 880, 25, 7);
    event(&w, 'a', 1000, 50, 7); /* caught outside: called again at the same place */
    event(&w, 'A', 1000, 60, 7);
    assert_int_equal(w.count, 3);
    is(&w, 0, "b", 20, 5);
    is(&w, 1, "a", 10, 15);
    is(&w, 2, "a", 50, 10);
    end(&w);
}

static void what_catches_an_exception_goes_on(void **state) {
    (void)state;
    struct world w;
    begin(&w);
    event(&w, 'a', 1000, 10, 7);
    event(&w, 'b', 900, 20, 7);
    event(&w, '!', 880, 25, 7);
    event(&w, 'c', 950, 30, 7); /* inside a, beside b */
    event(&w, 'C', 950, 35, 7);
    event(&w, 'c', 1200, 70, 7); /* a is over, unseen */
    event(&w, 'C', 1200, 80, 7);
    assert_int_equal(w.count, 4);
    is(&w, 0, "b", 20, 5);
    is(&w, 1, "c", 30, 5);
    is(&w, 2, "a", 10, 60);
    is(&w, 3, "c", 70, 10);
    end(&w);
}

static void lost_returns_are_made_up_for(void **state) {
    (void)state;
    struct world w;
    begin(&w);
    event(&w, 'a', 1000, 10, 7);
    event(&w, 'b', 900, 20, 7);
    event(&w, 'A', 1000, 40, 7);
    event(&w, 'C', 1000, 41, 7); /* its entry was lost */
    event(&w, 'b', 900, 50, 7);
    assert_int_equal(calls_end_thread(&w.calls, 7, 60, &w.err), 0);
    assert_int_equal(w.count, 3);
    is(&w, 0, "b", 20, 20);
    is(&w, 1, "a", 10, 30);
    is(&w, 2, "b", 50, 10);
    assert_int_equal(w.calls.unseen_returns, 2);
    end(&w);
}

/* ---- names ----------------------------------------------------------------------------------- */

static void names_are_readable(void **state) {
    (void)state;
    static const struct {
        const char *symbol, *name;
    } cases[] = {
        {"_ZN2at4_ops6conv2d4callERKNS_6TensorES4_", "at::_ops::conv2d::call"},
        {"_ZNK3c1010TensorImpl5sizesEv",             "c10::TensorImpl::sizes"},
        {"_Z7computePKfi",                           "compute"               },
        {"ggml_compute_forward",                     "ggml_compute_forward"  },
        {"_ZN1aIiE1bEv",                             "_ZN1aIiE1bEv"          }, /* a template */
        {"_ZN99shortE",                              "_ZN99shortE"           },
        {"_ZN",                                      "_ZN"                   },
        {"",                                         ""                      },
    };
    struct arena arena;
    arena_init(&arena);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(readable_name(&arena, cases[i].symbol), cases[i].name);
    arena_done(&arena);
}

static void overloads_are_told_by_the_schemas(void **state) {
    (void)state;
    static const unsigned char texts[] =
        "\0add.Tensor(Tensor self) -> Tensor\0conv2d(Tensor input) -> Tensor\0relu_.no(Tensor "
        "self)\0"
        "log_softmax.int(Tensor self) -> Tensor\0"
        "x.y.z(no)\0.bad(no)\0f.(no)\0max_pool.dim_max(Tensor self) -> Tensor";
    struct arena arena;
    arena_init(&arena);
    const struct torch_names *names = torch_names_find(&arena, texts, sizeof texts);
    static const char *const cases[][2] = {
        {"at::_ops::add_Tensor::call",       "at::add.Tensor"      },
        {"at::_ops::conv2d::call",           "at::conv2d"          },
        {"at::_ops::max_pool_dim_max::call", "at::max_pool.dim_max"},
        {"at::_ops::relu_::call",            "at::relu_"           },
        {"at::_ops::softmax_int::call",      "at::softmax.int"     },
        {"at::other",                        "at::other"           },
    };
    const char *schema;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(torch_name(&arena, names, cases[i][0], &schema), cases[i][1]);
    torch_name(&arena, names, "at::_ops::conv2d::call", &schema);
    assert_string_equal(schema, "conv2d(Tensor input) -> Tensor");
    arena_done(&arena);
}

static void schemas_tell_where_tensors_are(void **state) {
    (void)state;
    static const struct {
        const char *schema;
        uint32_t registers;
    } cases[] = {
        {"relu(Tensor self) -> Tensor",                                                   1 << 1         },
        {"relu_(Tensor(a!) self) -> Tensor(a!)",                                          1 << 0         },
        {"add.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor",            1 << 1 | 1 << 2},
        {"addmm(Tensor self, Tensor mat1, Tensor mat2, *, Scalar beta=1) -> Tensor",      7 << 1         },
        {"f(int[2] size=[0,1], Tensor(a -> *) self, float eps, Tensor b) -> Tensor(a)[]",
         1 << 3 | 1 << 4                                                                                 },
        {"f(Tensor? a, int[] b, int[] c, Tensor d) -> Tensor",                            0              },
        {"f(Tensor a, Generator? g, Tensor b) -> Tensor",                                 1 << 1         },
        {"f(Tensor a) -> (Tensor(a!), Tensor(b!))",                                       0              },
        {"f(Tensor a, Tensor b, Tensor c, Tensor d, Tensor e) -> ()",                     15             },
        {"f(Tensor a",                                                                    0              },
        {"",                                                                              0              },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(torch_schema_tensors(cases[i].schema), cases[i].registers);
}

static void only_tensors_that_fit_together_are_told(void **state) {
    (void)state;
    struct tensor_args args;
    struct err err = {0};
    assert_int_equal(tensor_args_open(&args, &err), 0);
    struct probe_tensor tensors[2] = {
        {.rank = 4, .sizes = {1, 3, 8, 8}, .elements = 192, .dtype = 6},
        {.rank = 0,         .elements = 1,                      .dtype = 4               }
    };
    struct tensor_texts texts = tensor_args_take(&args, tensors, 2);
    assert_string_equal(tensor_args_text(&args, texts.shapes), "1x3x8x8 scalar");
    assert_string_equal(tensor_args_text(&args, texts.dtypes), "float32 int64");
    tensors[1].elements = 0; /* as one that could not be read */
    texts = tensor_args_take(&args, tensors, 2);
    assert_null(tensor_args_text(&args, texts.shapes));
    assert_true(tensor_args_trusted(&args));
    for (int i = 0; i < 30; i++)
        tensor_args_take(&args, tensors + 1, 1);
    assert_false(tensor_args_trusted(&args));
    tensor_args_close(&args);
}

static void patterns_want_a_library_and_a_symbol(void **state) {
    (void)state;
    static const char *const wrong[] = {"", "libx.so", ":f", "libx.so:"};
    struct arena arena;
    struct probe_wish out;
    arena_init(&arena);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct err err = {0};
        assert_int_equal(probe_wish_parse(&arena, wrong[i], &out, &err), -ERR_USAGE);
    }
    struct err err = {0};
    assert_int_equal(probe_wish_parse(&arena, "lib*.so:ns::f*", &out, &err), 0);
    assert_string_equal(out.library, "lib*.so");
    assert_string_equal(out.symbol, "ns::f*");
    arena_done(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_nest),
        cmocka_unit_test(threads_do_not_mix),
        cmocka_unit_test(tail_calls_share_a_place),
        cmocka_unit_test(an_exception_ends_calls_when_it_begins),
        cmocka_unit_test(what_catches_an_exception_goes_on),
        cmocka_unit_test(lost_returns_are_made_up_for),
        cmocka_unit_test(names_are_readable),
        cmocka_unit_test(overloads_are_told_by_the_schemas),
        cmocka_unit_test(schemas_tell_where_tensors_are),
        cmocka_unit_test(only_tensors_that_fit_together_are_told),
        cmocka_unit_test(patterns_want_a_library_and_a_symbol),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
