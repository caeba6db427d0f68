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
expect the_routing_is_named 0 out "random routing (M/D/1 per replica)"
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
