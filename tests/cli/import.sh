#!/bin/bash
# assay import and assay recordings: what is read, kept once, shown again; what is refused.
source tests/harness.bash
is() { [ "$(json "$2")" = "$3" ] && ok "$1" || not_ok "$1" "$(json "$2") instead of $3"; }

run import tests/data/kineto.json --no-store
expect a_trace_is_shown 0 out "ampere_sgemm_128x64_tn"
[ ! -e "$ASSAY_DB" ] && ok looking_only_makes_no_database || not_ok looking_only_makes_no_database
run import tests/data/kineto.json --json
json_is_valid a_summary_is_json
keys=$(sqlite3 :memory: "SELECT group_concat(key, ' ') FROM (SELECT key FROM json_each(CAST(readfile('$work/out') AS TEXT))
    WHERE key IN ('events', 'complete_by_cat', 'kernel_count', 'kernel_dur_sum_us', 'gpu_busy_union_us', 'gpu_span_us',
    'distinct_kernel_names', 'kernels_with_runtime_correlation', 'cpu_ops_with_input_dims', 'device') ORDER BY key)")
[ "$keys" = "complete_by_cat cpu_ops_with_input_dims device distinct_kernel_names events gpu_busy_union_us gpu_span_us kernel_count kernel_dur_sum_us kernels_with_runtime_correlation" ] &&
    ok the_summary_has_the_known_keys || not_ok the_summary_has_the_known_keys "$keys"
is events_are_counted '$.events' 13
is categories_are_counted '$.complete_by_cat.kernel' 2
is the_device_is_busy_once '$.gpu_busy_union_us' 135
is the_recording_is_stored '$.stored' 1
is it_has_the_first_number '$.recording' 1
run import tests/data/kineto.json
expect a_file_is_stored_once 0 err "was imported before, as recording 1"
gzip -c tests/data/onnxruntime_profile.json >"$work/profile"
run import "$work/profile" --json
is a_packed_profile_is_known_by_its_content '$.format' onnxruntime
run import "$work/profile" tests/data/kineto.json --json
is several_files_are_an_array '$[1].format' kineto

run recordings --json
is recordings_are_listed '$[1].format' onnxruntime
run recordings 1
expect a_recording_is_a_tree 0 out "    aten::addmm"
run recordings 1 --json
json_is_valid a_tree_is_json
is the_tree_begins_at_its_root '$.tree[0].name' 'ProfilerStep#1'
run recordings 2 --flat --shapes
expect calls_are_told_by_shapes 0 out "1x3x32x32 16x3x3x3 16"
run recordings 1 --tracks
expect tracks_have_names 0 out "python3: 100"
run recordings 1 --folded
expect stacks_are_folded 0 out "ProfilerStep#1;aten::linear;aten::addmm;cudaLaunchKernel 10"
if command -v gnuplot >/dev/null; then
    run recordings 1 --picture "$work/tree.svg"
    grep -q "</svg>" "$work/tree.svg" && ok a_tree_is_drawn || not_ok a_tree_is_drawn "$err"
else
    skip a_tree_is_drawn "gnuplot is not installed"
fi
run report --recording 1 -o "$work/page.html" --json
is a_recording_has_a_page '$[0].recording' 1
grep -q "Recording 1</h1>" "$work/page.html" && grep -q "ampere_sgemm_128x64_tn" "$work/page.html" &&
    ok the_page_has_its_operators || not_ok the_page_has_its_operators "$err"
if command -v gnuplot >/dev/null; then
    [ "$(grep -c '<svg role="img"' "$work/page.html")" = 2 ] && ok the_page_has_pictures || not_ok the_page_has_pictures
else
    skip the_page_has_pictures "gnuplot is not installed"
fi
outside=$(grep -o '\(src\|href\)=["'"'"'][^"'"'"'#]*' "$work/page.html" | grep -v "=[\"']$" | head -3)
[ -z "$outside" ] && ok the_page_needs_nothing_else || not_ok the_page_needs_nothing_else "$outside"
run report --recording 1 somemodel
expect a_page_is_about_one_thing 2 err "takes no models"
run report --recording 7
expect a_page_wants_a_recording_that_is_there 3 err "recording 7"
run recordings 7
expect an_unknown_recording_is_refused 3 err "recording 7"
run recordings nonsense
expect a_recording_is_a_number 2 err nonsense
run db sql "SELECT name, self_ns FROM recording_nodes WHERE kind = 'kernel' ORDER BY self_ns DESC LIMIT 1"
expect recordings_answer_questions 0 out ampere_sgemm
run recordings --delete
expect deleting_wants_a_number 2 err "wants a recording"
run recordings --folded
expect folding_wants_a_number 2 err "--folded wants a recording"
run recordings 1 --folded --json
expect folded_stacks_are_no_json 2 out "--folded is text"
run recordings 1 --delete
expect a_recording_is_deleted 0 err "recording 1 is gone"
run import tests/data/kineto.json --json
is a_deleted_file_is_imported_anew '$.recording' 3
run db check
expect the_database_is_sound 0 out sound

head -c 2000 tests/data/kineto.json >"$work/cut.json"
run import "$work/cut.json" --json
[[ $code -eq 0 && $err == *"imported to the last whole event"* ]] && ok a_cut_file_is_told || not_ok a_cut_file_is_told "$err"
is it_is_not_complete '$.complete' 0
whole=$(json '$.whole_bytes')
[ "$(head -c "$whole" tests/data/kineto.json | tail -c 1)" = "}" ] && ok its_last_whole_event_ends_there || not_ok its_last_whole_event_ends_there "$whole"
is the_reason_is_told '$.cut' "the JSON ends early"
echo '[{"ph":"X","name":"a","ts":1,"dur":"x"},{"ph":"X","name":"b","ts":1,"dur":2}]' >"$work/odd.json"
run import "$work/odd.json"
expect what_could_not_be_used_is_told 0 err "1 of its events could not be used; the first at offset 1: its dur is no time"
echo '{"schema": "1.0", "nodes": []}' >"$work/graph.json"
run import "$work/graph.json"
expect an_execution_graph_is_refused_by_name 3 err "an execution graph of PyTorch"
run import "$work/absent.json"
expect an_absent_file_is_told 3 err "absent.json"
run import tests/data
expect a_folder_is_no_trace 3 err "not a regular file"
run import tests/data/kineto.json --from nonsense
expect an_unknown_format_is_refused 2 err "no format 'nonsense'"
run import tests/data/kineto.json --from onednn
expect a_file_with_nothing_of_the_format_is_refused 3 err "holds nothing of the format onednn"
run import tests/data/kineto.json --with tests/data/kineto.json
expect a_second_file_that_nobody_reads_is_refused 2 err "has no second file"
mkfifo "$work/pipe"
for from in "" --from\ nsight --from\ kineto; do
    timeout 10 "$assay" import "$work/pipe" $from >"$work/out" 2>"$work/err"
    code=$? err=$(<"$work/err")
    expect "a_pipe_is_no_trace_and_nothing_waits_for_it${from#--from}" 3 err "not a regular file"
done
run import
expect a_file_must_be_given 2 err FILE
run list imports
expect formats_are_listed 0 out "kineto"
