#!/bin/bash
# Pods onto nodes of a catalogue, and plans with a catalogue and constraints.
source tests/harness.bash

cat >"$work/nodes.yaml" <<'YAML'
price_date: 2025-01-01
price_source: example
reserve: none
nodes:
  - {name: one-gpu, cpus: 4, memory: 16GiB, gpus: 1, price: 1.006}
  - {name: four-gpus, cpus: 48, memory: 192GiB, gpus: 4, price: 5.672}
YAML
printf -- '- {name: a, cpus: 3, memory: 8Gi, gpus: 1}\n- {name: b, cpus: 2, memory: 4Gi, gpus: 1}\n' >"$work/pods.yaml"
printf 'name,count,cpus,memory\nwide,1,64,1Gi\n' >"$work/wide.csv"

run pack "$work/pods.yaml" --catalog "$work/nodes.yaml" --json
expect two_gpu_pods_are_packed 0 none ""
json_is_valid a_packing_is_one_document
[ "$(json '$.nodes[0].type')$(json '$.nodes[0].count')" = one-gpu2 ] && [ "$(json '$.usd_per_hour')" = 2.012 ] &&
    ok two_small_nodes_beat_one_of_twice_the_price || not_ok two_small_nodes_beat_one_of_twice_the_price "$out"
[ "$(json '$.proven')" = 1 ] && [ "$(json '$.gap')" = 0 ] && [ "$(json '$.bound')" = 2.012 ] &&
    ok the_proof_is_printed || not_ok the_proof_is_printed "$out"
run pack "$work/pods.yaml" --catalog "$work/nodes.yaml"
expect what_goes_where_is_shown 0 out "no packing is cheaper"
run pack "$work/wide.csv" --catalog "$work/nodes.yaml"
expect a_pod_that_fits_nowhere_is_a_finding 1 err "pod wide fits no node: it needs 64 CPUs"
run pack "$work/pods.yaml"
expect nodes_must_be_given 2 err "--catalog"
run pack "$work/pods.yaml" --catalog "$work/pods.yaml"
expect a_catalogue_that_is_none_is_named_with_its_place 3 err "pods.yaml:1:1: expected a mapping"
run pack "$work/nodes.yaml" --catalog "$work/nodes.yaml"
expect pods_that_are_none_are_named_with_their_place 3 err "nodes.yaml:1:13: \"price_date\" is no key"

run plan --service 10ms --rate 500 --routing central --memory 500MiB --catalog "$work/nodes.yaml" \
    --constraints 'latency:p99<50ms;cost<9' --json
expect a_plan_takes_catalogue_and_constraints 0 none ""
[ "$(json '$.targets[0].target_ns')" = 50000000 ] && [ "$(json '$.nodes[0].type')" = one-gpu ] &&
    ok constraints_become_targets || not_ok constraints_become_targets "$out"
printf 'batch_sizes: [1]\nlatency_budget: 50\n' >"$work/tma.yaml"
run plan --service 10ms --rate 500 --slo p50=30ms --constraints "$work/tma.yaml" --json
[ "$(json '$.targets[1].target_ns')" = 50000000 ] && ok both_kinds_of_targets_combine || not_ok both_kinds_of_targets_combine "$out"
[[ $err == *"batch_sizes"* ]] && ok what_is_left_out_is_noted || not_ok what_is_left_out_is_noted "$err"
run plan --service 10ms --constraints 'latncy:p99<50ms'
expect a_mistyped_metric_gets_a_suggestion 2 err 'did you mean "latency"?'
