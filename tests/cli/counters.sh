#!/bin/bash
# Groups of counters, from the file to the answer, through the replay collector; and assay-collect.
source tests/harness.bash

"$assay" -q zoo write resnet8 "$work/resnet8.onnx" >/dev/null
cat >"$work/replay.json" <<'SCRIPT'
{"cold": {"library_load_ns": 2e7, "load_ns": 1e8, "first_run_ns": 2e7, "baseline_bytes": 25e6,
          "loaded_bytes": 6e7, "peak_bytes": 7e7, "resident_bytes": 65e6},
 "plain": {"wall_ns": 1e6, "cpu_ns": 1e6},
 "profiled": {"wall_ns": 1e6, "cpu_ns": 1e6,
              "events": {"instructions": 6e6, "cycles": 3e6, "task-clock": 1e6, "a": 1, "b": 2,
                         "c": 3, "d": 4, "e": 5, "f": 6, "g": 7},
              "running": {"instructions": 1, "cycles": 0.25}},
 "operators": {"*": {"wall_ns": 1e5, "cpu_ns": 1e5,
                     "events": {"instructions": 5e5, "cycles": 2e5, "task-clock": 1e5, "g": 70}}},
 "missing_events": ["b: not here"]}
SCRIPT
export ASSAY_REPLAY=$work/replay.json
profile=(profile "$work/resnet8.onnx" --collector replay --budget 100ms)

run list groups
expect groups_are_listed 0 out "Memory traffic and bandwidth"
run list groups --format csv
[[ $out == *"faults,true"* || $out == *"faults,false"*perf* ]] && ok a_group_says_whether_it_works_here || not_ok a_group_says_whether_it_works_here "$out"

run "${profile[@]}" --group default
expect metrics_are_printed_per_operator 0 out "ipc"
run "${profile[@]}" --group default --json
json_is_valid counters_are_valid_json
[ "$(json '$.operators[0].counters.ipc')" = 2.5 ] && ok a_metric_follows_its_formula || not_ok a_metric_follows_its_formula "$out"
[ "$(json '$.operators[0].counters.instructions')" = 500000 ] && ok the_event_itself_is_there || not_ok the_event_itself_is_there "$out"
[ "$(json '$.counters[3].name') $(json '$.counters[3].unit') $(json '$.counters[3].per_run')" = "ipc 1 2" ] &&
    ok the_run_has_the_metric_too || not_ok the_run_has_the_metric_too "$out"
[ "$(json '$.counters[1].running')" = 0.25 ] && ok how_long_it_was_counted_is_told || not_ok how_long_it_was_counted_is_told "$out"
[[ $out == *"cycles was counted 25.0 % of the time"* ]] && ok scaled_values_are_warned_of || not_ok scaled_values_are_warned_of "$out"
stored=$(sqlite3 "$ASSAY_DB" "SELECT metric || ' ' || median FROM run_metrics WHERE run_id = 2 AND metric LIKE 'cycles%' ORDER BY metric" | tr '\n' ';')
[ "$stored" = "cycles 3000000.0;cycles:running 0.25;" ] && ok counts_and_their_share_are_stored || not_ok counts_and_their_share_are_stored "$stored"

run "${profile[@]}" --group default --events a,b,c,d,e,f,g,instructions --json
[ "$(json '$.counter_sets')" = 2 ] && ok more_than_eight_events_are_counted_in_sets || not_ok more_than_eight_events_are_counted_in_sets "$out"
[ "$(json '$.operators[0].counters.g') $(json '$.operators[0].counters.ipc')" = "70 2.5" ] &&
    ok every_set_has_runs_of_its_own || not_ok every_set_has_runs_of_its_own "$out"
[[ $(json '$.not_counted') == *"b: not here"* ]] && ok what_is_not_counted_is_listed || not_ok what_is_not_counted_is_listed "$out"

run "${profile[@]}" --group defualt
expect an_unknown_group_is_refused 2 err "memory"
run "${profile[@]}" --events "$(seq -s, 1 33)"
expect too_many_events_are_refused 2 err "more than 32"

mkdir "$work/groups"
printf 'title Mine\npmu *\ncount n instructions\nmetric per_flop 1 n / flops\n' >"$work/groups/mine.group"
printf 'title Broken\npmu *\ncount n instructions\nmetric x 1 n /\n' >"$work/groups/broken.group"
ASSAY_GROUPS=$work/groups run "${profile[@]}" --group mine --json
[[ $(json '$.operators[0].counters.per_flop') == 0.565* ]] && ok a_group_of_ones_own_works || not_ok a_group_of_ones_own_works "$(json '$.operators[0]')"
ASSAY_GROUPS=$work/groups run "${profile[@]}" --group broken
expect a_broken_group_is_refused_with_its_line 3 err "broken.group: line 4"

run doctor --format csv
[[ $out == *$'\nperf events,'*$'\ncounters,'*$'\ncounter groups,'* ]] && ok doctor_looks_at_the_counters || not_ok doctor_looks_at_the_counters "$out"

# ---- the static collector ----

collect() {
    "$BUILD/assay-collect" "$@" >"$work/out" 2>"$work/err"
    code=$?
    out=$(<"$work/out") err=$(<"$work/err")
}

collect --json --output "$work/json" --group faults -- sh -c 'exit 3'
cp "$work/json" "$work/out"
out=$(<"$work/out")
[ "$code" -eq 3 ] && ok the_collector_ends_as_the_command_did || not_ok the_collector_ends_as_the_command_did "$code"
json_is_valid the_collector_prints_json
[ "$(json '$.exit_code') $(json '$.counters[0].event')" = "3 page-faults" ] && ok the_collector_tells_code_and_counters ||
    not_ok the_collector_tells_code_and_counters "$out"
[ "$(json '$.peak_bytes')" -gt 100000 ] && ok the_collector_tells_peak_memory ||
    not_ok the_collector_tells_peak_memory "$out"
collect --group faults -- sh -c 'kill -9 $$'
expect the_collector_tells_of_a_signal 137 err "ended by signal 9"
collect -- "$work/nothing-here"
expect a_command_that_cannot_run_is_refused 2 err "cannot be executed"
(trap '' CHLD && exec "$BUILD/assay-collect" -- false) >"$work/out" 2>"$work/err"
[ $? -eq 1 ] && ok the_collector_waits_where_ended_children_are_not_kept || not_ok waiting_without_SIGCHLD "$(<"$work/err")"
collect -- sh -c 'kill -PIPE $$'
expect the_command_has_the_signals_of_a_shell 141 err "ended by signal 13"
collect --group nothing -- true
expect the_collector_refuses_an_unknown_group 2 err "default"
collect
expect the_collector_asks_for_a_command 2 err "a command is missing"
collect --list
expect the_collector_lists_its_groups 0 out "default"
(cd / && cp "$OLDPWD/$BUILD/assay-collect" "$work/moved" && "$work/moved" --list) >"$work/out" 2>&1
grep -q '^memory' "$work/out" && ok the_collector_needs_no_files || not_ok the_collector_needs_no_files "$(<"$work/out")"
! ldd "$BUILD/assay-collect" >/dev/null 2>&1 && ok the_collector_is_static || not_ok the_collector_is_static

# Without rights: user space alone, and said so.
level=$(cat /proc/sys/kernel/perf_event_paranoid 2>/dev/null)
if [ "$(id -u)" -ne 0 ] || [ "$level" != 2 ] || ! command -v setpriv >/dev/null; then
    skip without_rights_user_space_is_counted "needs root, setpriv, and kernel.perf_event_paranoid at 2"
else
    chmod 755 "$work"
    touch "$work/answer" && chmod 666 "$work/answer"
    setpriv --reuid=65534 --regid=65534 --clear-groups --bounding-set=-all --inh-caps=-all \
        "$work/moved" --json --output "$work/answer" --events page-faults -- true 2>"$work/err"
    cp "$work/answer" "$work/out"
    if grep -q blocked "$work/out"; then
        skip without_rights_user_space_is_counted "perf_event_open is blocked here"
    else
        [ "$(json '$.user_only')" = 1 ] && ok without_rights_user_space_is_counted || not_ok without_rights_user_space_is_counted "$(<"$work/out")" "$(<"$work/err")"
    fi
fi
