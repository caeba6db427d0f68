#!/bin/bash
# Batch, threads and replicas, without a runtime: the replay collector says what one would have
# measured.
source tests/harness.bash

cat >"$work/replay.json" <<SCRIPT
{"runtime": "onnxruntime", "version": "1.30.0",
 "cold": {"library_load_ns": 2e7, "load_ns": 1e8, "first_run_ns": 2e7, "baseline_bytes": 25e6,
          "loaded_bytes": 3e7, "peak_bytes": 3.2e7, "resident_bytes": 3e7},
 "plain": {"wall_ns": 1e6, "cpu_ns": 1e6},
 "operators": {"Conv": {"wall_ns": 2e5, "cpu_ns": 2e5}, "*": {"wall_ns": 1e4, "cpu_ns": 1e4}},
 "spread": 0.01}
SCRIPT
export ASSAY_REPLAY=$work/replay.json
with=(--collector replay)
models=(resnet8 ds_cnn mobilenet_v1_025)
for name in "${models[@]}"; do "$assay" -q zoo write "$name" "$work/$name.onnx" >/dev/null; done

run scale "$work/resnet8.onnx" "${with[@]}"
expect nothing_scales_from_nothing 3 err "assay profile"
for name in "${models[@]}"; do run profile "$work/$name.onnx" "${with[@]}" --budget 50ms; done
run fit "${with[@]}"

run scale "$work/resnet8.onnx" "${with[@]}" --batch 1,4,8
expect batches_are_answered 0 out "throughput"
run scale "$work/resnet8.onnx" "${with[@]}" --batch 1,4,8 --json
json_is_valid scale_json_is_valid
[ "$(json '$.configurations[#-1].batch')" = 8 ] && ok every_batch_is_a_configuration || not_ok every_batch_is_a_configuration "$out"
best=$(json '$.best_latency')
[ "$best" = 0 ] && [ "$(json '$.configurations[0].best_latency')" = 1 ] &&
    ok the_smallest_batch_has_the_least_latency || not_ok the_smallest_batch_has_the_least_latency "$best"
sum=$(sqlite3 :memory: "WITH j AS (SELECT CAST(readfile('$work/out') AS TEXT) AS t)
    SELECT round(json_extract(t, '\$.configurations[1].inferences_per_second.value') *
                 json_extract(t, '\$.configurations[1].latency_ns.value') / 1e9, 6) FROM j")
[ "$sum" = 4.0 ] && ok throughput_is_the_batch_over_the_latency || not_ok throughput_is_the_batch_over_the_latency "$sum"
first=$out
run scale "$work/resnet8.onnx" "${with[@]}" --batch 1,4,8 --json
[ "$out" = "$first" ] && ok the_same_question_gives_the_same_bytes || not_ok the_same_question_gives_the_same_bytes
run scale "$work/resnet8.onnx" "${with[@]}" --format csv
[ "$(wc -l <"$work/out")" -ge 6 ] && ok scale_prints_csv || not_ok scale_prints_csv "$out"

if command -v gnuplot >/dev/null; then
    run scale "$work/resnet8.onnx" "${with[@]}" --picture "$work/scale.svg"
    grep -q '<svg' "$work/scale.svg" && [[ $err == *"drawn into"* ]] && ok a_picture_is_drawn ||
        not_ok a_picture_is_drawn "$err"
else
    skip a_picture_is_drawn "gnuplot is not installed"
fi

run scale "$work/resnet8.onnx" "${with[@]}" --batch 1 --threads 1024 --json
[ "$code" = 1 ] && [[ $(json '$.configurations[0].refused') == *"more threads than"* ]] &&
    ok more_threads_than_cpus_are_refused || not_ok more_threads_than_cpus_are_refused "$code" "$out"
if [ "$(nproc)" -ge 2 ]; then
    run scale "$work/resnet8.onnx" "${with[@]}" --batch 1 --threads 2 --json
    [ "$(json '$.configurations[0].latency_ns.tier')" = transferred ] &&
        ok threads_not_measured_are_carried_over || not_ok threads_not_measured_are_carried_over "$out" "$err"
    run scale "$work/resnet8.onnx" "${with[@]}" --batch 1 --replicas 1,2
    expect replicas_never_measured_are_refused 1 out "neither replicas nor concurrent probes"
    run profile "$work/ds_cnn.onnx" "${with[@]}" --budget 50ms --replicas 2 --json
    [ "$(json '$.conditions.replicas')" = 2 ] && ok a_profile_says_its_replicas || not_ok a_profile_says_its_replicas "$out"
    [[ $err == *"times as long as alone"* ]] && ok the_slow_down_is_told || not_ok the_slow_down_is_told "$err"
    run fit "${with[@]}"
    expect runs_beside_replicas_are_not_learnt_from 0 err "3 runs"
    run accuracy "${with[@]}" --json
    [ "$(json '$.colocation[0].model')" = ds_cnn ] || [ "$(json '$.colocation')" = '[]' ] &&
        [ "$(json '$.models[#-1].run')" = 3 ] && ok runs_beside_replicas_are_judged_apart ||
        not_ok runs_beside_replicas_are_judged_apart "$out"
    run scale "$work/resnet8.onnx" "${with[@]}" --batch 1 --replicas 1,2,8 --json
    [ "$code" = 0 ] && [ "$(json '$.configurations[1].replicas')" = 2 ] &&
        ok replicas_once_measured_are_answered || not_ok replicas_once_measured_are_answered "$code" "$out"
else
    skip replicas "one CPU"
fi
run scale "$work/resnet8.onnx" "${with[@]}" --batch 0
expect a_batch_of_nothing_is_refused 2 err "numbers from 1"
run scale "$work/resnet8.onnx" "${with[@]}" --replicas many
expect words_are_no_replicas 2 err "many"
run scale "$work/none.onnx" "${with[@]}"
expect a_missing_file_is_an_error 3 err "none.onnx"
