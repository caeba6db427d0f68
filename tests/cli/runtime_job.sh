#!/bin/bash
# The main job with ONNX Runtime itself: small models from the zoo, and the trained speech models
# whose inputs have axes without a name and whose graphs are full of If.
source tests/harness.bash
if ! "$assay" list collectors --json 2>/dev/null | grep -q '"onnxruntime"' ||
    ! "$assay" zoo write resnet8 "$work/resnet8.onnx" >/dev/null 2>&1 ||
    ! "$assay" -q profile "$work/resnet8.onnx" --budget 300ms >"$work/out" 2>"$work/err"; then
    if grep -q 'libonnxruntime\|ONNX Runtime' "$work/err"; then
        skip runtime_job "ONNX Runtime is not installed"
    else
        not_ok runtime_job "$(<"$work/err")"
    fi
    exit 0
fi
ok resnet8_is_profiled
for name in ds_cnn mobilenet_v1_025; do
    "$assay" zoo write "$name" "$work/$name.onnx" >/dev/null 2>&1
    run -q profile "$work/$name.onnx" --budget 300ms
    expect "${name}_is_profiled" 0 out measured
done
unread=$(sqlite3 "$ASSAY_DB" "SELECT count(*) FROM runs WHERE id NOT IN
    (SELECT run_id FROM run_metrics WHERE metric = 'reference_network_ns' AND median > 0)")
[ "$unread" = 0 ] && ok the_reference_network_ran_beside_each ||
    not_ok the_reference_network_ran_beside_each "$unread runs without it"
run fit
expect a_fit_is_stored 0 err "3 runs"
run predict "$work/resnet8.onnx" --leave-out-self --json
[ "$code" -eq 0 ] && [ "$(json '$.runtime.name')" = onnxruntime ] &&
    [ "$(sqlite3 :memory: "SELECT $(json '$.latency_ns.value') > 0")" = 1 ] &&
    ok a_model_left_out_is_predicted || not_ok a_model_left_out_is_predicted "$code" "$out" "$err"
nodes=$(json '$.operators[0].name')
usual=$(json '$.slowness')
kept() { "$assay" db sql 'SELECT count(*) FROM predictions' --json; }
before=$(kept)
run predict "$work/resnet8.onnx" --leave-out-self --speed now --json
[ "$code" -eq 0 ] && [ -z "$usual" ] && [ -n "$(json '$.slowness')" ] &&
    ok a_model_is_predicted_at_the_present_speed ||
    not_ok a_model_is_predicted_at_the_present_speed "$code" "$usual" "$out" "$err"
[ -n "$before" ] && [ "$(kept)" = "$before" ] && ok what_holds_for_a_moment_is_not_kept ||
    not_ok what_holds_for_a_moment_is_not_kept "$before" "$(kept)"
run explain "$work/resnet8.onnx" "$nodes" --json
json_is_valid explain_json_is_valid
[ "$(json '$.name')" = "$nodes" ] && [ "$(json '$.neighbours[0].log_distance')" = 0 ] &&
    [ -n "$(json '$.terms[0].ns_per_unit')" ] && ok an_operator_is_explained_by_its_own_measurement ||
    not_ok an_operator_is_explained_by_its_own_measurement "$out" "$err"
run explain "$work/resnet8.onnx" Conv
expect an_ambiguous_operator_lists_some 2 err "fits"

run calibrate --budget 2s --db "$work/calibrated.db"
expect the_speed_while_calibrating_is_told 0 err "speed of the machine: the reference network took"

silero=node_modules/@ricky0123/vad-web/dist
if [ -e "$silero/silero_vad_v5.onnx" ]; then
    v5=("$silero/silero_vad_v5.onnx" --shape input=1x512 --shape state=2x1x128 --input sr=16000)
    legacy=("$silero/silero_vad_legacy.onnx" --dim sequence=512 --input sr=16000)
    run profile "$silero/silero_vad_legacy.onnx" --input sr=16000 --budget 300ms
    expect sizes_that_contradict_come_with_a_hint 3 err "--dim sequence=N"
    for name in v5 legacy; do
        declare -n arguments=$name
        run profile "${arguments[@]}" --budget 300ms
        expect "silero_${name}_is_profiled" 0 out LSTM
        run predict "${arguments[@]}" --leave-out-self --json
        [ "$code" -eq 0 ] && [ "$(json '$.refused[0].op')" = "" ] && ok "silero_${name}_is_predicted" ||
            not_ok "silero_${name}_is_predicted" "exit code $code" "$err" "$(json '$.refused')"
    done
    run predict "${v5[@]}" --json
    [ "$(json '$.conditions.dims."input.1"')" = 512 ] && ok sizes_without_a_name_are_conditions ||
        not_ok sizes_without_a_name_are_conditions "$(json '$.conditions')"
else
    skip silero "@ricky0123/vad-web is not installed"
fi
run accuracy --json
json_is_valid accuracy_json_is_valid

run -q profile "$work/resnet8.onnx" --budget 300ms --json
[ "$code" -eq 0 ] && [ "$(json '$.memory_timeline.measured')" = 1 ] &&
    [ -n "$(json '$.memory_timeline.peak.owner')" ] && [ "$(json '$.memory_timeline.steps[0].allocated_bytes')" -gt 0 ] &&
    [ "$(sqlite3 :memory: "SELECT abs($(json '$.memory.moments.peak.resident_bytes') * 1.0 / $(json '$.memory.high_water_bytes') - 1) < 0.03")" = 1 ] &&
    ok memory_is_told_operator_by_operator || not_ok memory_is_told_operator_by_operator "$code" "$out" "$err"
run -q profile "$work/resnet8.onnx" --budget 300ms --memory-timeline
expect memory_is_shown_as_tables 0 out "Given back"
expect what_held_memory_is_shown 0 out "the runtime's arena"
run profile "$work/resnet8.onnx" --budget 300ms
expect the_owner_of_the_peak_is_named 0 err "besides the process, belongs to"
run profile "$work/resnet8.onnx" --budget 300ms --no-memory --json
[ "$code" -eq 0 ] && [ -z "$(json '$.memory')" ] && ok memory_can_be_left_out || not_ok memory_can_be_left_out "$code" "$out"
