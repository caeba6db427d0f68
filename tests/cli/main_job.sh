#!/bin/bash
# The main job from a model file to a report, without a runtime: the replay collector says what one
# would have measured. What is checked is the contract, not the numbers.
source tests/harness.bash

replay() { # WALL_NS PEAK_BYTES: the script of one model
    cat >"$work/replay.json" <<SCRIPT
{"runtime": "onnxruntime", "version": "1.30.0",
 "cold": {"library_load_ns": 2e7, "load_ns": 1e8, "first_run_ns": 2e7, "baseline_bytes": 25e6,
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
    resident_memory_bytes load_time_ns first_run_ns operators refused; do
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

run accuracy "${with[@]}" --json
json_is_valid accuracy_json_is_valid
run accuracy "${with[@]}" --estimators --json
json_is_valid estimators_json_is_valid
[ "$(json '$.estimators[0].latency_ns.count')" = 3 ] && ok estimators_are_judged_on_every_model || not_ok estimators_are_judged_on_every_model "$out"
run accuracy "${with[@]}" --estimator rates
expect one_estimator_is_judged 0 out "All models"
run accuracy "${with[@]}" --estimator nonsense
expect an_unknown_estimator_is_refused 2 err "nonsense"
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

before=$(sha256sum "$ASSAY_DB")
head -c 3000 "$work/resnet8.onnx" >"$work/cut.onnx"
run profile "$work/cut.onnx" "${with[@]}"
expect a_bad_model_is_refused 3 err cut.onnx
run predict "$work/cut.onnx" "${with[@]}" --json
expect a_bad_model_is_refused_in_json 3 out '"code": "input"'
[ "$(sha256sum "$ASSAY_DB")" = "$before" ] && ok bad_input_leaves_the_database_alone || not_ok bad_input_leaves_the_database_alone
