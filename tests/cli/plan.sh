#!/bin/bash
# Plans for a service time that is given: replicas and refusals, without a model or a runtime.
source tests/harness.bash

run plan --service 10ms --rate 5000 --slo p99=20ms --routing central --json
expect a_plan_is_json 0 none ""
json_is_valid a_plan_is_one_document
[ "$(json '$.replicas')" = 53 ] && ok central_routing_gets_the_exact_replicas || not_ok central_routing_gets_the_exact_replicas "$out"
[ "$(json '$.proof.n_minus_1.replicas')" = 52 ] && [ "$(json '$.proof.n_minus_1.meets')" = 0 ] &&
    ok one_fewer_is_proven_to_fail || not_ok one_fewer_is_proven_to_fail "$out"
run plan --service 10ms --rate 5000 --slo p99=20ms --json
[ "$(json '$.replicas')" = 370 ] && [ "$(json '$.routing')" = random ] &&
    ok random_routing_is_the_default || not_ok random_routing_is_the_default "$out"
run plan --service 10ms --rate 5000 --slo p99=20ms
expect the_routing_is_named 0 out "random routing (one queue per replica, filled at random)"
run plan --service 61ms --rate 5 --slo p99=50ms
expect what_no_number_of_replicas_can_do_is_a_finding 1 out "no number of replicas helps"
run plan --service 61ms --rate 5 --slo p99=50ms --json
[ "$(json '$.replicas')" = "" ] && [ -n "$(json '$.reason')" ] && ok the_reason_is_in_the_json || not_ok the_reason_is_in_the_json "$out"
run plan --service 10ms --slo p99=soon
expect a_wrong_target_is_a_usage_error 2 err "p99"
run plan --service 10ms --slo p100=5ms
expect a_wrong_percentile_is_a_usage_error 2 err "p100"
run plan --service 10ms --rate 5 --slo p99=50ms --node cpus=8
expect a_node_without_memory_is_a_usage_error 2 err "memory"
run plan --service 10ms --rate 5
expect a_missing_target_gets_an_example 2 err "p99=50ms"

run plan --service 6ms --per-item 1ms --rate 2000 --slo p99=50ms --batch-max 8,32 --json
[ "$(json '$.replicas')" = 3 ] && [ "$(json '$.replica.batch_max')" = 32 ] &&
    ok the_batch_that_needs_the_fewest_replicas_is_chosen || not_ok the_batch_that_needs_the_fewest_replicas_is_chosen "$out"
[ "$(json '$.proof.n.method')" = simulated ] && ok batches_are_simulated || not_ok batches_are_simulated "$out"
run plan --service 10ms --rate 800 --slo p99=50ms --routing central --distribution erlang --scv 0.25 --json
[ "$(json '$.proof.n.method')" = interpolated ] && ok a_varying_service_time_is_interpolated ||
    not_ok a_varying_service_time_is_interpolated "$out"
run plan --service 10ms --rate 800 --slo p99=20ms --routing least-loaded --json
[ "$(json '$.proof.n.meets')" = 1 ] && [ "$(json '$.proof.n_minus_1.meets')" = 0 ] &&
    ok routing_that_looks_is_proven_by_simulation || not_ok routing_that_looks_is_proven_by_simulation "$out"
run plan --service 10ms --rate 1000 --slo p99=50ms --routing central --spares 2 --shortfall 0.1 --json
[ "$(json '$.replicas')" = 14 ] && [ "$(json '$.proof.n.replicas')" = 11 ] &&
    ok headroom_is_added_to_what_is_proven || not_ok headroom_is_added_to_what_is_proven "$out"
run plan --service 10ms --rate 1000 --slo p99=50ms --growth 0.1 --reaction 30s --cold-start 30s --json
[ "$(json '$.headroom.rate_per_second')" = 1100.0 ] || [ "$(json '$.headroom.rate_per_second')" = 1100 ] &&
    ok the_rate_one_lead_time_later_is_planned_for || not_ok the_rate_one_lead_time_later_is_planned_for "$out"
run plan --service 10ms --rate 5 --slo p99=50ms --memory 64GiB --node cpus=8,memory=32GiB
expect what_fits_no_node_is_refused_whatever_its_speed 1 out "too little memory"
run plan --service 10ms --rate 800 --slo p99=50ms --vary rate=100,1600 --vary slo=5ms --json
[ "$(json '$.vary[0].points[1].replicas')" -gt "$(json '$.replicas')" ] && [ -n "$(json '$.vary[1].points[0].reason')" ] &&
    ok a_plan_is_varied || not_ok a_plan_is_varied "$out"
run plan --service 10ms --rate 800 --slo p99=50ms --vary colour=red
expect what_cannot_be_varied_is_a_usage_error 2 err "nothing of that name"
run plan --service 10ms --rate 600 --constraints 'latency:p99<50ms;cost<0.1' --memory 500MiB --catalog docs/examples/nodes.yaml
expect a_plan_that_breaks_a_constraint_names_it 1 out "breaks cost<0.1 (--constraints)"
run plan --service 10ms --rate 600 --constraints 'latency:p99<50ms;cost<10' --memory 500MiB --catalog docs/examples/nodes.yaml
expect a_constraint_is_a_target_too 0 out "p99 within 50.0 ms"
if command -v gnuplot >/dev/null; then
    run plan --service 6ms --per-item 1ms --rate 2000 --slo p99=50ms --picture "$work/plan.svg"
    grep -q '<svg' "$work/plan.svg" && ok the_configurations_are_drawn || not_ok the_configurations_are_drawn "$err"
else
    skip the_configurations_are_drawn "gnuplot is not installed"
fi
run plan --service 10ms --rate 800 --slo p99=50ms --overhead 5ms --json
[ "$(json '$.targets[0].target_ns')" = 45000000 ] || [ "$(json '$.targets[0].target_ns')" = 45000000.0 ] &&
    ok overhead_is_taken_off_the_target || not_ok overhead_is_taken_off_the_target "$out"
run plan --service 10ms --rate 600 --constraints 'latency:p99<50ms;latency:mean<12ms' --json
[ "$(json '$.replicas')" = 22 ] && ok a_limit_on_the_mean_asks_for_more_replicas || not_ok a_limit_on_the_mean_asks_for_more_replicas "$out"
