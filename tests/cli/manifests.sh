#!/bin/bash
# Kubernetes manifests of a plan: what is written, that it is valid, that nothing foreign is lost.
# tests/schemas/README.md tells where the schemas are from.
source tests/harness.bash
python=/usr/bin/python3
export ASSAY_REPLAY=$work/replay.json

cat >"$ASSAY_REPLAY" <<'SCRIPT'
{"runtime": "onnxruntime", "version": "1.30.0",
 "cold": {"process_start_ns": 3e6, "library_load_ns": 2e7, "library_bytes": 4e7, "load_ns": 1e8,
          "file_read_ns": 1e6, "read_parse_ns": 3e7, "optimise_ns": 3e7, "reorder_ns": 1e7,
          "prepack_ns": 3e7, "first_run_ns": 2e7, "baseline_bytes": 25e6,
          "loaded_bytes": 3e7, "peak_bytes": 3.2e7, "resident_bytes": 3e7},
 "plain": {"wall_ns": 1e6, "cpu_ns": 1e6},
 "operators": {"Conv": {"wall_ns": 2e5, "cpu_ns": 2e5}, "*": {"wall_ns": 1e4, "cpu_ns": 1e4}},
 "spread": 0.01}
SCRIPT
for name in resnet8 ds_cnn mobilenet_v1_025; do
    "$assay" -q zoo write "$name" "$work/$name.onnx" >/dev/null
    "$assay" -q profile "$work/$name.onnx" --collector replay --budget 100ms >/dev/null 2>&1
done
"$assay" -q fit --collector replay >/dev/null 2>&1

plan() { # FOLDER OPTIONS...
    run plan "$work/resnet8.onnx" --collector replay --rate 4000 --slo p99=50ms,p50=40ms --batch-max 1 \
        --node cpus=8,memory=32GiB,price=0.38 --manifests "$work/$1" "${@:2}"
}
is() { if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1" "'$2' instead of '$3'"; fi; }
said() { if "${@:2}" >"$work/said" 2>&1; then ok "$1"; else not_ok "$1" "$(<"$work/said")"; fi; }
objects() { find "$work/$1" -maxdepth 1 -name '*.yaml' ! -name kustomization.yaml | sort; }
# field FILE PATH...: the value in a YAML document that is the only one of its file.
field() {
    $python -c 'import json, sys, yaml
value = yaml.safe_load(open(sys.argv[1]))
for step in sys.argv[2:]:
    value = value[int(step) if isinstance(value, list) else step]
print(json.dumps(value) if isinstance(value, (dict, list)) else value)' "$work/$1" "${@:2}"
}

# ---- what is written ---------------------------------------------------------------------------

plan a
expect the_files_are_named 0 err "wrote $work/a/deployment.yaml"
expect a_placeholder_for_the_image_is_said 0 err "--image names yours"
expect the_dead_band_is_said 0 err "ignores 10 %"
is all_files_are_there "$(cd "$work/a" && find . -type f | sort | xargs)" \
    "./deployment.yaml ./kustomization.yaml ./prometheus/rules.yaml ./prometheusrule.yaml ./scaledobject.yaml ./service.yaml ./vpa.yaml"
plan b --json
json_is_valid the_plan_with_manifests_is_one_document
is the_json_lists_them "$(json '$.manifests[0]')" "$work/b/deployment.yaml"
is the_deployment_runs_the_plan "$(field b/deployment.yaml spec replicas)" "$(json '$.replicas')"
is the_fallback_is_the_plan "$(field b/scaledobject.yaml spec fallback replicas)" "$(json '$.replicas')"
said the_same_plan_gives_the_same_bytes diff -r "$work/a" "$work/b"
again=$(sed -n '2s/^#   assay \(.*\) DIR$/\1/p' "$work/a/deployment.yaml")
eval "run $again '$work/c'"
said the_command_in_the_comment_makes_them_again diff -r "$work/a" "$work/c"
plan a
said writing_again_changes_nothing diff -r "$work/a" "$work/b"

# ---- what is not touched -------------------------------------------------------------------------

mkdir "$work/taken"
echo "kind: Service" >"$work/taken/service.yaml"
plan taken
expect a_foreign_file_is_not_overwritten 3 err "service.yaml was not written by assay plan"
is then_nothing_is_written "$(ls "$work/taken")" service.yaml
plan b --autoscaler hpa
is another_autoscaler_replaces_the_first "$(ls "$work/b" | xargs)" \
    "deployment.yaml hpa.yaml kustomization.yaml prometheus prometheusrule.yaml service.yaml vpa.yaml"
mkdir -p "$work/folder/vpa.yaml"
plan folder
expect a_folder_in_the_way_is_an_error 3 err "vpa.yaml"
echo text >"$work/file"
plan file
expect a_file_instead_of_a_folder_is_an_error 4 err "Not a directory"
plan deep/er
is folders_are_made "$(ls "$work/deep/er" | wc -l)" 7
run plan "$work/resnet8.onnx" --collector replay --slo p99=50ms --manifests ''
expect a_folder_without_a_name_is_a_usage_error 2 err "has no name"
run plan --service 1s --rate 5 --slo p99=3s --manifests "$work/none"
expect without_a_model_there_is_no_memory 2 err "--manifests needs a MODEL"
plan none --app Not_A_Name
expect a_wrong_name_is_a_usage_error 2 err "Not_A_Name"
plan none --rate 1e9 --slo p99=1ns
expect without_an_answer_nothing_is_written 1 out "no number of replicas"
[ -e "$work/none" ] && not_ok no_folder_is_left_behind || ok no_folder_is_left_behind

# ---- valid, whatever the model is called -----------------------------------------------------------

evil=$'e"\\\n---\nkind: Pod # {{ $labels }} \'é'
plan evil --name "$evil"
expect a_hostile_name_is_planned 0 none ""
is a_hostile_name_is_only_a_value "$(field evil/deployment.yaml metadata annotations assay/model)" "$evil"
is the_object_stays_what_it_is "$(field evil/deployment.yaml kind)" Deployment
[[ $(field evil/deployment.yaml metadata name) =~ ^[a-z]([a-z0-9-]*[a-z0-9])?$ ]] &&
    ok its_objects_have_plain_names || not_ok its_objects_have_plain_names
plan none --name "$evil" --autoscaler hpa
expect an_hpa_cannot_ask_for_it 3 err "--autoscaler keda"
for folder in a evil; do
    said "promtool_takes_the_rules_of_$folder" promtool check rules "$work/$folder/prometheus/rules.yaml"
    field "$folder/prometheusrule.yaml" spec >"$work/rules.yaml"
    said "promtool_takes_the_object_of_$folder" promtool check rules "$work/rules.yaml"
done

# The alerts fire when they should: nobody answers; an old answer; all is well.
cat >"$work/alerts.yaml" <<ALERTS
rule_files: [$work/a/prometheus/rules.yaml]
evaluation_interval: 1m
tests:
  - interval: 1m
    input_series: [{series: 'up', values: '1x30'}]
    alert_rule_test:
      - eval_time: 20m
        alertname: AssayAnswersMissing
        exp_alerts:
          - exp_labels: {severity: warning, app: resnet8, model: resnet8}
            exp_annotations: {summary: "Nobody answers how many replicas should run."}
  - interval: 1m
    input_series:
      - {series: 'assay_answer_stale{model="resnet8"}', values: '1x30'}
      - {series: 'assay_desired_replicas{model="resnet8"}', values: '1000000x30'}
      - {series: 'http_request_duration_seconds_bucket{service="resnet8",le="1"}', values: '0x30'}
      - {series: 'http_request_duration_seconds_bucket{service="resnet8",le="3"}', values: '0+60x30'}
      - {series: 'http_request_duration_seconds_bucket{service="resnet8",le="+Inf"}', values: '0+60x30'}
    alert_rule_test:
      - eval_time: 20m
        alertname: AssayAnswersStale
        exp_alerts:
          - exp_labels: {severity: warning, app: resnet8, model: resnet8}
            exp_annotations: {summary: "Replicas are answered from what was known last."}
      - eval_time: 20m
        alertname: AssayDesiredAbovePlan
        exp_alerts:
          - exp_labels: {severity: warning, app: resnet8, model: resnet8}
            exp_annotations: {summary: "1e+06 replicas are wanted, more than were planned."}
      - eval_time: 20m
        alertname: AssayPredictionError
        exp_alerts:
          - exp_labels: {severity: warning, app: resnet8}
            exp_annotations: {summary: "Even the fastest take 1.1s: profile again and plan anew."}
  - interval: 1m
    input_series:
      - {series: 'assay_answer_stale{model="resnet8"}', values: '0x30'}
      - {series: 'assay_desired_replicas{model="resnet8"}', values: '3x30'}
      - {series: 'http_request_duration_seconds_bucket{service="resnet8",le="0.0001"}', values: '0+60x30'}
      - {series: 'http_request_duration_seconds_bucket{service="resnet8",le="+Inf"}', values: '0+60x30'}
    alert_rule_test:
      - {eval_time: 20m, alertname: AssayAnswersMissing, exp_alerts: []}
      - {eval_time: 20m, alertname: AssayAnswersStale, exp_alerts: []}
      - {eval_time: 20m, alertname: AssayDesiredAbovePlan, exp_alerts: []}
      - {eval_time: 20m, alertname: AssayLatencyAboveTarget, exp_alerts: []}
      - {eval_time: 20m, alertname: AssayPredictionError, exp_alerts: []}
ALERTS
said the_alerts_fire_when_they_should promtool test rules "$work/alerts.yaml"

# ---- the schemas ---------------------------------------------------------------------------------

check() { # NAME FOLDERS FILES...
    said "$1" $python tests/schemas/check.py "${@:2}"
}
check_all() { # WHOSE OLD NEW: folders of schemas before and after the tolerance
    local old=$2 new=$3 files autoscaler
    mapfile -t files < <(objects a; objects b; objects evil)
    check "manifests_match_the_schemas_of_$1" "$old" "${files[@]}"
    for autoscaler in keda hpa none; do
        plan new --autoscaler $autoscaler --kubernetes 1.35 --namespace models --app server \
            --image ghcr.io/me/server:1 --port 80
        mapfile -t files < <(objects new)
        check "with_${autoscaler}_they_match_the_newer_of_$1" "$new" "${files[@]}"
    done
}
old=tests/schemas/1.28:tests/schemas/custom
check_all packages $old tests/schemas/1.36:tests/schemas/custom
[ -z "${ASSAY_SCHEMAS:-}" ] || check_all projects "$ASSAY_SCHEMAS/1.29" "$ASSAY_SCHEMAS/1.35"

wrong() { # NAME FILE SED: the change is found
    sed "$3" "$work/a/$2" >"$work/wrong.yaml"
    if cmp -s "$work/a/$2" "$work/wrong.yaml"; then
        not_ok "$1" "nothing was changed"
    elif $python tests/schemas/check.py $old "$work/wrong.yaml" >"$work/said" 2>&1; then
        not_ok "$1"
    elif grep -q Traceback "$work/said"; then
        not_ok "$1" "$(<"$work/said")"
    else
        ok "$1"
    fi
}
wrong an_unknown_field_is_found deployment.yaml 's/replicas:/replicaCount:/'
wrong an_unknown_field_deep_inside_is_found deployment.yaml 's/failureThreshold:/failureThresholds:/'
wrong a_wrong_type_is_found deployment.yaml 's/containerPort: 8080/containerPort: http/'
wrong a_missing_name_is_found deployment.yaml 's/- name: model/- image: a/; /  image:/d'
wrong a_wrong_trigger_is_found scaledobject.yaml 's/- type: metrics-api/- kind: metrics-api/'
wrong a_wrong_mode_is_found vpa.yaml 's/updateMode: "Off"/updateMode: Never/'
wrong a_wrong_rule_is_found prometheusrule.yaml 's/expr:/expression:/'
plan new --autoscaler hpa --kubernetes 1.35
$python tests/schemas/check.py $old "$work/new/hpa.yaml" >/dev/null &&
    not_ok a_tolerance_is_unknown_to_old_clusters || ok a_tolerance_is_unknown_to_old_clusters
