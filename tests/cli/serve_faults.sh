#!/bin/bash
# A running server and what happens to it: the database lost, locked, damaged; kill -9; uploads.
# tests/unit/test_service_faults.c has the whole table; here a few go the whole way.
source tests/harness.bash
source tests/serve.bash
store_replay
"$assay" -q predict "$work/resnet8.onnx" --lowering rules --json >"$work/predicted"

# until_stale WANTED: asks until the answer is stale (1) or fresh (0), 10 s at most.
until_stale() {
    for ((i = 0; i < 200; i++)); do
        code=$(status "$url/v1/models/resnet8/replicas")
        [ "$code" = 200 ] && [ "$(json '$.stale')" = "$1" ] && return
        sleep 0.05
    done
}

# answers NAME STALE: status, number and staleness of the observed load's answer.
answers() { is "$1" "200 $replicas $2" "$code $(json '$.replicas') $(json '$.stale')"; }

often=(--slo p99=50ms --refresh 100ms --save-interval 100ms --state "$work/state.json")
serve "${often[@]}"
is a_model_is_there 200 "$(status "$url/readyz")"
is a_rate_is_taken 200 "$(status -H 'Content-Type: application/json' -d '{"rate": 20000}' "$url/v1/models/resnet8/observations")"
is the_observed_load_is_answered 200 "$(status "$url/v1/models/resnet8/replicas")"
json_is_valid replicas_are_json
replicas=$(json '$.replicas')
is there_is_a_number 1 "$(sqlite3 :memory: "SELECT ${replicas:-0} >= 2")"
is the_prediction_is_there 200 "$(status "$url/v1/models/resnet8/prediction")"
head -c "$(($(wc -c <"$work/predicted") - 3))" "$work/predicted" | cmp -s - <(head -c "$(($(wc -c <"$work/predicted") - 3))" "$work/out") &&
    ok it_has_the_bytes_of_the_command_line || not_ok it_has_the_bytes_of_the_command_line

mv "$ASSAY_DB" "$work/away.db"
until_stale 1
answers a_lost_database_costs_no_answer 1
mv "$work/away.db" "$ASSAY_DB"
until_stale 0
answers its_return_is_noticed 0

cp "$ASSAY_DB" "$work/whole.db"
head -c 5000 /dev/urandom >"$ASSAY_DB"
rm -f "$ASSAY_DB"-wal "$ASSAY_DB"-shm
until_stale 1
answers a_damaged_database_costs_no_answer 1

for ((i = 0; i < 200; i++)); do grep -q '"rate_per_second":20000' "$work/state.json" 2>/dev/null && break; sleep 0.05; done
kill -9 $pid
wait $pid 2>/dev/null
rm -f "$ASSAY_DB"
[ -s "$work/state.json" ] && ok a_state_was_written || not_ok a_state_was_written
serve "${often[@]}"
until_stale 1
answers after_kill_9_and_without_database_the_last_answer_is_there 1
is metrics_are_there 200 "$(status "$url/metrics")"
grep -q '^assay_answer_stale{model="resnet8"} 1' "$work/out" && ok the_alarm_can_ring || not_ok the_alarm_can_ring
cp "$work/whole.db" "$ASSAY_DB"
until_stale 0
answers with_the_database_back_all_is_well 0

octets='Content-Type: application/octet-stream'
is an_upload_is_predicted 200 "$(status -H "$octets" --data-binary "@$work/ds_cnn.onnx" "$url/v1/predict?name=mine")"
is it_has_its_name mine "$(json '$.model.name')"
is a_letter_is_refused 400 "$(status -H "$octets" --data-binary 'dear server' "$url/v1/predict")"
head -c 300000 /dev/urandom >"$work/noise"
is noise_is_refused 400 "$(status -H "$octets" --data-binary "@$work/noise" "$url/v1/predict")"
is it_still_answers 200 "$(status "$url/v1/models/resnet8/replicas?rate=5")"
kill $pid
wait $pid && ok it_ends_well || not_ok it_ends_well "$(<"$work/serve.err")"
