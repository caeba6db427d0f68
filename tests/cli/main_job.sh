#!/bin/bash
# The main job from a model file to a report, without a runtime: the replay collector says what one
# would have measured. What is checked is the contract, not the numbers.
source tests/harness.bash

replay() { # WALL_NS PEAK_BYTES: the script of one model
    cat >"$work/replay.json" <<SCRIPT
{"runtime": "onnxruntime", "version": "1.30.0",
 "cold": {"process_start_ns": 3e6, "library_load_ns": 2e7, "library_bytes": 4e7, "load_ns": 1e8,
          "file_read_ns": 1e6, "read_parse_ns": 3e7, "optimise_ns": 3e7, "reorder_ns": 1e7,
          "prepack_ns": 3e7, "first_run_ns": 2e7, "baseline_bytes": 25e6,
          "loaded_bytes": 3e7, "peak_bytes": $2, "resident_bytes": 3e7},
 "plain": {"wall_ns": $1, "cpu_ns": $1},
 "operators": {"Conv": {"wall_ns": 2e5, "cpu_ns": 2e5}, "*": {"wall_ns": 1e4, "cpu_ns": 1e4}},
 "spread": 0.01, "missing_events": ["cycles: not supported by this script"]}
SCRIPT
}
export ASSAY_REPLAY=$work/replay.json
with=(--collector replay)
models=(resnet8 ds_cnn mobilenet_v1_025)
for name in "${models[@]}"; do "$assay" -q zoo write "$name" "$work/$name.onnx" >/dev/null; done

replay 1e6 3.2e7
run predict "$work/resnet8.onnx" "${with[@]}"
expect nothing_is_predicted_from_nothing 3 err "assay profile"
run fit "${with[@]}"
[ "$code" -ne 0 ] && ok nothing_is_fitted_from_nothing || not_ok nothing_is_fitted_from_nothing "$out"

run profile "$work/resnet8.onnx" "${with[@]}" --budget 100ms --events cycles
expect a_run_is_acknowledged_by_its_id 0 err "stored as run 1"
expect what_did_not_count_is_said 0 err "cycles: not supported by this script"
expect a_profile_is_measured 0 out "measured"
replay 4e6 3.4e7
run profile "$work/mobilenet_v1_025.onnx" "${with[@]}" --budget 100ms --json
json_is_valid profile_json_is_valid
[ "$(json '$.latency_ns.tier')" = measured ] && ok profile_json_says_measured || not_ok profile_json_says_measured
replay 2e6 3.3e7
run profile "$work/ds_cnn.onnx" "${with[@]}" --budget 100ms
expect a_third_run_is_stored 0 err "stored as run 3"
run db runs --json
[ "$(json '$[#-1].id')" = 3 ] && ok the_runs_are_listed || not_ok the_runs_are_listed "$out"
run db check
expect the_database_is_sound 0 out "is sound"
run db export operators --format csv
[ "$(wc -l <"$work/out")" -gt 30 ] && ok operators_are_exported || not_ok operators_are_exported
run db sql "SELECT count(*) AS n FROM runs" --json
[ "$(json '$[0].n')" = 3 ] && ok sql_answers || not_ok sql_answers "$out"
run db sql "DELETE FROM runs"
[ "$code" -ne 0 ] && ok sql_changes_nothing || not_ok sql_changes_nothing

run fit "${with[@]}"
expect a_fit_is_stored 0 err "3 runs"
run predict "$work/resnet8.onnx" "${with[@]}" --leave-out-self --json
json_is_valid prediction_json_is_valid
keys=$(sqlite3 :memory: "SELECT group_concat(key, ' ') FROM json_each(CAST(readfile('$work/out') AS TEXT))")
for key in schema model machine runtime conditions latency_ns cpu_time_ns peak_memory_bytes \
    resident_memory_bytes load_time_ns first_run_ns cold_start operators refused; do
    [[ " $keys " == *" $key "* ]] || not_ok "prediction_has_$key" "$keys"
done
ok prediction_has_the_keys_of_the_contract
sum=$(sqlite3 :memory: "SELECT round(sum(json_extract(value, '\$.share')), 6) FROM json_each(CAST(readfile('$work/out') AS TEXT), '\$.operators')")
[ "$sum" = 1.0 ] && ok shares_add_up_to_one || not_ok shares_add_up_to_one "$sum"
inside=$(sqlite3 :memory: "WITH j AS (SELECT CAST(readfile('$work/out') AS TEXT) AS t)
    SELECT json_extract(t, '\$.latency_ns.low') <= json_extract(t, '\$.latency_ns.value')
       AND json_extract(t, '\$.latency_ns.value') <= json_extract(t, '\$.latency_ns.high') FROM j")
[ "$inside" = 1 ] && ok the_value_lies_in_its_interval || not_ok the_value_lies_in_its_interval "$out"
first=$out
run predict "$work/resnet8.onnx" "${with[@]}" --leave-out-self --json
[ "$out" = "$first" ] && ok the_same_question_gives_the_same_bytes ||
    not_ok the_same_question_gives_the_same_bytes "$(diff <(echo "$first") <(echo "$out") | head -5)"

run predict "$work/resnet8.onnx" "${with[@]}" --cold-start-row image-pull=45s --cold-start-row node-boot=1m --memory-timeline --json
[ "$(json '$.cold_start.phases[0].name') $(json '$.cold_start.phases[0].ns.value') $(json '$.cold_start.phases[1].ns.tier')" = \
    "image-pull 45000000000 given" ] && ok given_rows_open_the_cold_start || not_ok given_rows_open_the_cold_start "$out"
[ "$(json '$.memory_timeline.steps[0].live_bytes')" -gt 0 ] && ok a_memory_timeline_is_told ||
    not_ok a_memory_timeline_is_told "$out"
run predict "$work/resnet8.onnx" "${with[@]}"
expect the_phases_are_a_table 0 out "first inference"
run predict "$work/resnet8.onnx" "${with[@]}" --page-cache cold
expect unmeasured_storage_is_refused 0 out "assay calibrate"
run predict "$work/resnet8.onnx" "${with[@]}" --cold-start-row 45s
expect a_row_without_a_name_is_refused 2 err "expected NAME=TIME"
run predict "$work/resnet8.onnx" "${with[@]}" --cold-start-row image-pull=soon
expect a_row_without_a_time_is_refused 2 err "image-pull=soon"

run accuracy "${with[@]}" --json
json_is_valid accuracy_json_is_valid
[ "$(json '$.models[0].causes[0].reason')" != "" ] && ok errors_have_reasons || not_ok errors_have_reasons "$out"
run accuracy "${with[@]}" --estimators --json
json_is_valid estimators_json_is_valid
[ "$(json '$.estimators[0].latency_ns.count')" = 3 ] && ok estimators_are_judged_on_every_model || not_ok estimators_are_judged_on_every_model "$out"
run accuracy "${with[@]}" --estimator rates
expect one_estimator_is_judged 0 out "All models"
run accuracy "${with[@]}" --estimator nonsense
expect an_unknown_estimator_is_refused 2 err "nonsense"
run accuracy "${with[@]}" --leave-out family --family 'small=*_*' --json
[ "$(json '$.groups')" = 2 ] && ok a_family_leaves_together || not_ok a_family_leaves_together "$out"
run accuracy "${with[@]}" --family 'small=*_*'
expect a_family_alone_is_refused 2 err "--leave-out family"
run accuracy "${with[@]}" --at-most 2
expect a_sample_says_so 0 err "2 of 3 were left out"
if command -v gnuplot >/dev/null; then
    run accuracy "${with[@]}" --picture "$work/accuracy.svg" -q
    grep -q '<svg xmlns' "$work/accuracy.svg" && ok accuracy_is_drawn || not_ok accuracy_is_drawn "$err"
else
    skip accuracy_is_drawn "gnuplot is not installed"
fi

"$assay" fit "${with[@]}" --text >"$work/fit1.json" 2>/dev/null
"$assay" fit "${with[@]}" --text >"$work/fit2.json" 2>/dev/null
cmp -s "$work/fit1.json" "$work/fit2.json" && ok two_fits_have_the_same_bytes || not_ok two_fits_have_the_same_bytes
run observations "${with[@]}"
expect observations_are_printed 0 out "assay-observations"
"$assay" fit --observations "$work/out" --text >"$work/fit3.json" 2>/dev/null
cmp -s "$work/fit1.json" "$work/fit3.json" && ok a_fit_of_exported_observations_has_the_same_bytes ||
    not_ok a_fit_of_exported_observations_has_the_same_bytes
run fit --observations "$work/resnet8.onnx"
expect what_is_no_observations_is_refused 3 err "assay-observations"
run observations "${with[@]}" --threads 7
expect no_observations_are_an_error 3 err "assay calibrate"
run predict "$work/resnet8.onnx" "${with[@]}" --json
name=$(json '$.operators[0].name') said=$(json '$.operators[0].latency_ns.value')
run explain "$work/resnet8.onnx" "$name" "${with[@]}" --json
[ -n "$said" ] && [ "$(json '$.latency_ns.value')" = "$said" ] && ok what_is_explained_is_what_is_predicted ||
    not_ok what_is_explained_is_what_is_predicted "$said" "$out" "$err"
[ "$(json '$.neighbours[0].count')" -ge 1 ] && ok an_explanation_shows_observations ||
    not_ok an_explanation_shows_observations "$out"
run plan "$work/resnet8.onnx" "${with[@]}" --rate 200 --slo p99=500ms --node cpus=8,memory=32GiB,price=0.38 --json
json_is_valid plan_json_is_valid
if command -v gnuplot >/dev/null; then
    run report -o "$work/report.html"
    [ -s "$work/report.html" ] && ok a_report_is_written || not_ok a_report_is_written "$err"
    grep -q '<svg' "$work/report.html" && ok the_report_has_pictures || not_ok the_report_has_pictures
    outside=$(grep -o '\(src\|href\)="[^"#]*"' "$work/report.html" | grep -v 'data:' | head -3)
    [ -z "$outside" ] && ok the_report_needs_nothing_else || not_ok the_report_needs_nothing_else "$outside"
else
    skip a_report_is_written "gnuplot is not installed"
fi

# A model that is known, then another one written over it: same inode, size and time.
known=$work/squeezenet1_1.onnx
"$assay" -q zoo write squeezenet1_1 "$known" >/dev/null
while [ $(($(date +%s) - $(stat -c %Z "$known"))) -lt 4 ]; do sleep 0.2; done
run predict "$known" "${with[@]}" --json
old=$(json '$.model.sha256')
run db sql "SELECT sha256 FROM file_digests WHERE path = '$(realpath "$known")'" --json
[ -n "$old" ] && [ "$(json '$[0].sha256')" = "$old" ] && ok a_large_model_is_remembered ||
    not_ok a_large_model_is_remembered "$old" "$out"
cp -p "$known" "$work/old.onnx"
printf XYZ | dd of="$known" bs=1 seek=$(($(stat -c %s "$known") / 2)) conv=notrunc status=none
touch -r "$work/old.onnx" "$known"
run predict "$known" "${with[@]}" --json
new=$(json '$.model.sha256')
[ "$new" != "$old" ] && [ "$new" = "$(sha256sum <"$known" | cut -d' ' -f1)" ] &&
    ok a_rewritten_model_is_not_taken_for_the_old_one ||
    not_ok a_rewritten_model_is_not_taken_for_the_old_one "$old" "$new" "$err"

before=$(sha256sum "$ASSAY_DB")
head -c 3000 "$work/resnet8.onnx" >"$work/cut.onnx"
run profile "$work/cut.onnx" "${with[@]}"
expect a_bad_model_is_refused 3 err cut.onnx
run predict "$work/cut.onnx" "${with[@]}" --json
expect a_bad_model_is_refused_in_json 3 out '"code": "input"'
[ "$(sha256sum "$ASSAY_DB")" = "$before" ] && ok bad_input_leaves_the_database_alone || not_ok bad_input_leaves_the_database_alone
