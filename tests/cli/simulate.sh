#!/bin/bash
# Fleets in simulation: steady loads, recordings, autoscalers; without a model or a runtime.
source tests/harness.bash

run simulate --service 10ms --rate 800 --initial 10 --routing central --requests 400k --json
expect a_simulation_is_json 0 none ""
json_is_valid a_simulation_is_one_document
[ "$(json '$.response_ns.p99' | cut -d. -f1)" -gt 18500000 ] && [ "$(json '$.response_ns.p99' | cut -d. -f1)" -lt 20000000 ] &&
    ok ten_replicas_answer_as_the_exact_queue_says || not_ok ten_replicas_answer_as_the_exact_queue_says "$out"
cp "$work/out" "$work/first"
run simulate --service 10ms --rate 800 --initial 10 --routing central --requests 400k --json
cmp -s "$work/out" "$work/first" && ok the_same_seed_gives_the_same_bytes || not_ok the_same_seed_gives_the_same_bytes
run simulate --service 10ms --rate 800 --initial 10 --requests 600
expect too_few_responses_have_no_p99 0 err "too few to state a p99"

# An hour of five requests a second that doubles after twenty minutes.
awk 'BEGIN { print "at,tokens"; for (t = 0; t < 3600; t += (t > 1200 && t < 2400) ? 0.1 : 0.2) printf "%.3f,7\n", t }' >"$work/trace.csv"
gzip -k "$work/trace.csv"
hour="--service 2s --cold-start 40s --deadline 4s --routing central --interval 15s --initial 12"
run simulate --trace "$work/trace.csv.gz" $hour --policy assay --json
expect a_policy_runs_over_a_recording 0 none ""
hours=$(json '$.replica_hours') attained=$(json '$.slo_attainment')
[ "$(json '$.replicas.max')" -ge 20 ] && ok the_contract_has_its_keys || not_ok the_contract_has_its_keys "$out"
run simulate --trace "$work/trace.csv" $hour --policy hpa --target 0.7 --stabilisation 300s --json
awk "BEGIN { exit !($hours < $(json '$.replica_hours')) }" && ok assay_takes_fewer_replica_hours_than_hpa ||
    not_ok assay_takes_fewer_replica_hours_than_hpa "$hours" "$out"
printf 'at,rate\n0,5\n1200,10\n2400,5\n' >"$work/schedule.csv"
run simulate --trace "$work/trace.csv" $hour --policy assay --schedule "$work/schedule.csv" --json
awk "BEGIN { exit !($(json '$.slo_attainment') > $attained) }" && ok a_schedule_helps || not_ok a_schedule_helps "$attained" "$out"
run simulate --trace "$work/trace.csv" $hour --policy assay,hpa,static=21
expect policies_stand_side_by_side 0 out "static=21"
run simulate --trace "$work/trace.csv" $hour --policy assay,hpa --json
[ "$(json '$.policies[1].policy')" = hpa ] && ok several_policies_are_a_list || not_ok several_policies_are_a_list "$out"
run simulate --trace "$work/trace.csv" $hour --policy clever
expect an_unknown_policy_is_a_usage_error 2 err "expected assay, hpa, keda or static=N"
printf 'at\n1\ntwo\n' >"$work/bad.csv"
run simulate --trace "$work/bad.csv" --service 1s
expect a_wrong_line_of_a_trace_is_named 3 err "line 3 does not begin with a time"
run simulate --service 1s
expect without_arrivals_it_says_what_is_missing 2 err "--trace FILE"
run simulate --service 1s --rate 5 --distribution erlang --scv 3
expect a_spread_that_cannot_be_is_a_usage_error 2 err "erlang"
if command -v gnuplot >/dev/null; then
    run simulate --trace "$work/trace.csv" $hour --policy assay,hpa --picture "$work/fleet.svg"
    grep -q '<svg' "$work/fleet.svg" && ok a_picture_is_drawn || not_ok a_picture_is_drawn "$err"
else
    skip a_picture_is_drawn "gnuplot is not installed"
fi
run simulate --service 2s --rate 5 --requests 1k --deadline 1s --policy assay
expect a_deadline_that_nothing_can_keep_is_a_finding 1 err "nothing is ever in time"
