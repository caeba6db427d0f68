/* The list of operators that everything is reported by. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "core/flat.h"

#include <string.h>

static struct arena arena;

static int set_up(void **state) {
    (void)state;
    arena_init(&arena);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    arena_done(&arena);
    return 0;
}

static struct graph *branch_of(struct graph *graph, int32_t op, const char *name) {
    struct graph *branch = graph_new(&arena, name);
    branch->parent = graph;
    graph_add_attribute(graph, op, name, ATTRIBUTE_GRAPH)->graph = branch;
    return branch;
}

static struct flat_graph flattened(const struct graph *graph) {
    struct flat_graph flat;
    struct err err = {0};
    if (flat_graph_build(&arena, graph, &flat, &err))
        fail_msg("%s", err.message);
    return flat;
}

static void operators_stand_in_order_with_what_they_enclose_behind_them(void **state) {
    (void)state;
    struct graph *graph = graph_new(&arena, "g");
    graph_add_op(graph, "first", "Relu", "");
    int32_t choice = graph_add_op(graph, "choice", "If", "");
    struct graph *left = branch_of(graph, choice, "then_branch");
    struct graph *right = branch_of(graph, choice, "else_branch");
    int32_t loop = graph_add_op(left, "loop", "Loop", "");
    graph_add_op(branch_of(left, loop, "body"), "", "Add", "");
    graph_add_op(left, "tail", "Mul", "");
    graph_add_op(right, "", "Sub", "");
    graph_add_op(graph, "", "Relu", "");
    static const struct {
        const char *path;
        int32_t enclosing;
        const char *branch;
    } rows[] = {
        {"first",                              GRAPH_NONE, ""           },
        {"choice",                             GRAPH_NONE, ""           },
        {"choice/then_branch/loop",            1,          "then_branch"},
        {"choice/then_branch/loop/body/Add#0", 2,          "body"       },
        {"choice/then_branch/tail",            1,          "then_branch"},
        {"choice/else_branch/Sub#0",           1,          "else_branch"},
        {"Relu#2",                             GRAPH_NONE, ""           },
    };
    struct flat_graph flat = flattened(graph);
    assert_int_equal(flat.count, sizeof rows / sizeof *rows);
    for (uint32_t i = 0; i < flat.count; i++) {
        assert_string_equal(flat.ops[i].path, rows[i].path);
        assert_int_equal(flat.ops[i].enclosing, rows[i].enclosing);
        assert_string_equal(flat.ops[i].branch, rows[i].branch);
    }
    assert_ptr_equal(flat.ops[3].graph->parent, left);
    assert_int_equal(graph_op_count(graph), flat.count);
}

static void an_empty_graph_is_an_empty_list(void **state) {
    (void)state;
    struct flat_graph flat = flattened(graph_new(&arena, "g"));
    assert_int_equal(flat.count, 0);
}

static struct graph *nested(int depth) {
    struct graph *top = graph_new(&arena, "g"), *graph = top;
    for (int i = 0; i < depth; i++)
        graph = branch_of(graph, graph_add_op(graph, "l", "Loop", ""), "body");
    graph_add_op(graph, "deep", "Relu", "");
    return top;
}

static void nesting_ends_at_sixty_four(void **state) {
    (void)state;
    struct flat_graph flat = flattened(nested(64));
    assert_int_equal(flat.count, 65);
    struct err err = {0};
    assert_int_equal(flat_graph_build(&arena, nested(65), &flat, &err), -ERR_INPUT);
    assert_non_null(strstr(err.message, "64"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(operators_stand_in_order_with_what_they_enclose_behind_them),
        cmocka_unit_test(an_empty_graph_is_an_empty_list),
        cmocka_unit_test(nesting_ends_at_sixty_four),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
