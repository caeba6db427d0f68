/* Walks the tables of the rooms: every row named once and filled. */
#include "base/table.h"
#include "collectors/collector.h"
#include "collectors/foreign/foreign.h"
#include "collectors/group.h"
#include "collectors/record/probes.h"
#include "core/dtype.h"
#include "core/estimate.h"
#include "core/op_kind.h"
#include "core/run.h"
#include "core/span.h"
#include "models/reader.h"
#include "models/zoo/zoo.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void dtypes_are_found_by_name_and_have_a_size(void **state) {
    (void)state;
    for (int i = 0; i < DTYPE_COUNT; i++) {
        const struct dtype_info *info = dtype_info((enum dtype)i);
        if (!info && i > DTYPE_FLOAT4E2M1)
            continue; /* numbers that stand for nothing */
        assert_non_null(info);
        assert_non_null(info->name);
        assert_int_equal(dtype_by_name(info->name), i);
        bool sizeless = i == DTYPE_UNDEFINED || i == DTYPE_STRING;
        assert_int_equal(info->bits == 0, sizeless);
    }
    assert_null(dtype_info(DTYPE_COUNT));
    assert_int_equal(dtype_bytes(DTYPE_INT4, 3), 2);
    assert_int_equal(dtype_bytes(DTYPE_FLOAT32, 3), 12);
    assert_int_equal(dtype_bytes(DTYPE_Q8_0, 64), 68);
    assert_int_equal(dtype_bytes(DTYPE_Q6_K, 257), 420);
    assert_true(dtype_element_bytes(DTYPE_Q4_0) == 0.5625);
    assert_null(dtype_info(DTYPE_BLOCKS));
}

static void tiers_are_found_by_name(void **state) {
    (void)state;
    for (int i = 0; i < TIER_COUNT; i++)
        assert_int_equal(tier_by_name(tier_name((enum tier)i)), i);
    assert_int_equal(tier_by_name("nonsense"), TIER_COUNT);
}

static void metrics_have_name_unit_and_help(void **state) {
    (void)state;
    for (int i = 0; i < METRIC_BUILTIN_COUNT; i++) {
        const struct metric_info *info = metric_info((enum metric)i);
        assert_non_null(info);
        assert_true(info->name && info->unit && info->help);
        for (int k = 0; k < i; k++)
            assert_string_not_equal(metric_info((enum metric)k)->name, info->name);
    }
    assert_null(metric_info(METRIC_COUNTER_FIRST));
}

static void units_have_names_and_print(void **state) {
    (void)state;
    char text[UNIT_TEXT_SIZE];
    for (int i = 0; i < UNIT_KINDS; i++) {
        assert_non_null(unit_name((enum unit)i));
        assert_true(strlen(unit_format(text, 1.5, (enum unit)i)) > 0);
    }
}

static void formats_are_found_by_name(void **state) {
    (void)state;
    for (const struct table_format *row = table_formats; row->name; row++) {
        assert_ptr_equal(table_format_by_name(row->name), row);
        assert_true(row->help && row->render);
    }
    assert_null(table_format_by_name("nonsense"));
}

static void operators_are_listed_once_with_a_family(void **state) {
    (void)state;
    for (uint32_t i = 0; i < op_kind_count(); i++) {
        const struct op_kind *row = op_kind_at(i);
        assert_non_null(row->type);
        assert_in_range(row->family, 0, FAMILY_COUNT - 1);
        if (op_kind_find(row->domain ? row->domain : "", row->type) != row)
            fail_msg("%s is hidden by another row", row->type);
    }
    assert_true(op_kind_count() > 0);
}

static void families_have_names_and_terms(void **state) {
    (void)state;
    for (int i = 0; i < FAMILY_COUNT; i++) {
        const struct family_info *info = family_info((enum kernel_family)i);
        assert_true(info && info->name && info->terms[0]);
        for (int k = 0; k < i; k++)
            assert_string_not_equal(family_info((enum kernel_family)k)->name, info->name);
    }
}

static void check_section(const struct group *group, const struct group_section *section) {
    for (uint32_t i = 0; i < section->metric_count; i++) {
        for (uint32_t k = 0; k < i; k++)
            assert_string_not_equal(section->metrics[k].id, section->metrics[i].id);
        bool counted = false;
        for (uint32_t c = 0; c < section->count_count; c++)
            counted |= formula_uses(&section->metrics[i].formula, GROUP_KNOWN_COUNT + c);
        if (!counted && strncmp(section->metrics[i].id, "flop", 4) != 0)
            fail_msg("%s: %s is made of no counter", group->name, section->metrics[i].id);
    }
    for (uint32_t c = 0; c < section->count_count; c++) {
        bool used = false;
        for (uint32_t i = 0; i < section->metric_count; i++)
            used |= formula_uses(&section->metrics[i].formula, GROUP_KNOWN_COUNT + c);
        if (!used && strcmp(group->name, "faults") != 0)
            fail_msg("%s: %s is counted in vain", group->name, section->counts[c].id);
    }
}

static void groups_use_what_they_count_and_name_metrics_once(void **state) {
    (void)state;
    struct arena arena;
    struct err err = {0};
    const char **names;
    uint32_t count;
    arena_init(&arena);
    assert_int_equal(groups_list(&arena, NULL, &names, &count, &err), 0);
    assert_true(count > 0);
    for (uint32_t i = 0; i < count; i++) {
        struct group *group;
        assert_int_equal(group_load(&arena, names[i], NULL, &group, &err), 0);
        assert_true(strlen(group->title) > 0 && strlen(group->about) > 0);
        for (uint32_t s = 0; s < group->section_count; s++)
            check_section(group, &group->sections[s]);
    }
    arena_done(&arena);
}

/* `lower` may be absent: the rules of models/ stand in. */
static void collectors_are_whole_and_found_by_name(void **state) {
    (void)state;
    for (const struct collector *const *at = collectors; *at; at++) {
        const struct collector *row = *at;
        assert_ptr_equal(collector_by_name(row->name), row);
        assert_true(row->help && row->available && row->version && row->open && row->run &&
                    row->disturbance && row->missing_events && row->finish && row->abandon);
    }
    assert_null(collector_by_name("nonsense"));
}

static void kinds_of_spans_and_tracks_have_names(void **state) {
    (void)state;
    for (int i = 0; i < SPAN_KIND_COUNT; i++) {
        assert_non_null(span_kind_name((enum span_kind)i));
        for (int k = 0; k < i; k++)
            assert_string_not_equal(span_kind_name((enum span_kind)k),
                                    span_kind_name((enum span_kind)i));
    }
    for (int i = 0; i < TRACK_KIND_COUNT; i++)
        assert_non_null(track_kind_name((enum track_kind)i));
    assert_null(span_kind_name(SPAN_KIND_COUNT));
    assert_null(track_kind_name(TRACK_KIND_COUNT));
}

static void imports_are_whole_and_know_nothing_of_an_empty_file(void **state) {
    (void)state;
    assert_non_null(foreign_formats[0]);
    for (const struct foreign_format *const *at = foreign_formats; *at; at++) {
        assert_ptr_equal(foreign_format_by_name((*at)->name), *at);
        assert_true((*at)->help && (*at)->sniff && (*at)->read);
        assert_false((*at)->sniff("", 0));
    }
    assert_null(foreign_format_by_name("nonsense"));
}

static void model_formats_have_all_their_functions(void **state) {
    (void)state;
    assert_true(model_format_count > 0);
    for (size_t i = 0; i < model_format_count; i++)
        assert_true(model_formats[i].name && model_formats[i].help && model_formats[i].sniff &&
                    model_formats[i].read);
}

static void zoo_rows_are_found_by_name_and_say_their_source(void **state) {
    (void)state;
    for (size_t i = 0; i < zoo_family_count; i++)
        for (size_t k = 0; k < zoo_families[i]->count; k++) {
            const struct zoo_row *row = &zoo_families[i]->rows[k];
            assert_ptr_equal(zoo_find(row->name), row);
            assert_true(row->help && row->build && row->source);
        }
    assert_null(zoo_find("nonsense"));
}

static void models_choose_who_runs_them(void **state) {
    (void)state;
    const struct collector *onnx = collector_by_name("onnxruntime"),
                           *replay = collector_by_name("replay");
    assert_ptr_equal(collector_for(onnx, "onnx"), onnx);
    assert_ptr_equal(collector_for(onnx, "gguf"), collector_by_name("llamacpp"));
    assert_ptr_equal(collector_for(collector_by_name("llamacpp"), "onnx"), onnx);
    assert_ptr_equal(collector_for(onnx, "described"), onnx);
    assert_ptr_equal(collector_for(replay, "gguf"), replay);
}

static void ways_to_probe_say_what_they_need(void **state) {
    (void)state;
    struct err err = {0};
    const struct probe_route *found;
    for (const struct probe_route *row = probe_routes; row->name; row++) {
        assert_true(*row->help && *row->mend);
        for (const struct probe_route *other = probe_routes; other < row; other++)
            assert_string_not_equal(other->name, row->name);
    }
    for (const struct probe_wish *row = probe_wishes; row->name; row++)
        assert_true(*row->help && *row->library && *row->symbol && *row->category);
    assert_int_equal(probe_route_choose("none of them", &found, &err), -ERR_USAGE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(models_choose_who_runs_them),
        cmocka_unit_test(dtypes_are_found_by_name_and_have_a_size),
        cmocka_unit_test(tiers_are_found_by_name),
        cmocka_unit_test(metrics_have_name_unit_and_help),
        cmocka_unit_test(units_have_names_and_print),
        cmocka_unit_test(formats_are_found_by_name),
        cmocka_unit_test(operators_are_listed_once_with_a_family),
        cmocka_unit_test(families_have_names_and_terms),
        cmocka_unit_test(collectors_are_whole_and_found_by_name),
        cmocka_unit_test(kinds_of_spans_and_tracks_have_names),
        cmocka_unit_test(imports_are_whole_and_know_nothing_of_an_empty_file),
        cmocka_unit_test(groups_use_what_they_count_and_name_metrics_once),
        cmocka_unit_test(ways_to_probe_say_what_they_need),
        cmocka_unit_test(model_formats_have_all_their_functions),
        cmocka_unit_test(zoo_rows_are_found_by_name_and_say_their_source),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
