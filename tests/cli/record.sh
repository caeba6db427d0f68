#!/bin/bash
# assay record: commands as they are, their memory and threads, and calls of functions of a library
# made here.
source tests/harness.bash

# ---- the command is left alone ------------------------------------------------------------------

run record -- sh -c 'echo said; exit 7'
expect the_exit_code_is_the_commands 7 err "ended"
[ "$out" = said ] && ok standard_output_is_the_commands_alone || not_ok standard_output "$out"
run record --no-store -- sh -c 'kill -TERM $$'
expect a_command_that_is_killed_gives_128_and_the_signal 143 err "with code 143"
run record -- "$work/nothing"
expect a_command_that_is_not_there_is_an_error_of_ours 3 err "$work/nothing: cannot be executed"
run record -o "$work/nothing/answer" -- true
expect an_answer_that_cannot_be_written_is_told_first 4 err "cannot be written"
run record
expect a_command_is_wanted 2 err "COMMAND"
run record --probe nonsense -- true
expect a_pattern_names_a_library_and_a_symbol 2 err "LIBRARY:SYMBOL"
run record --route nonsense -- true
expect a_route_must_be_a_row 2 err "assay list probe-routes"
run record --no-store --json -o - -- true
json_is_valid the_answer_is_one_JSON_document_where_it_is_sent
run record --json -- true
cp "$work/err" "$work/out"
json_is_valid it_is_one_document_on_standard_error_too
run record -o "$work/answer" -- echo said
[ "$out" = said ] && grep -q ended "$work/answer" && ok the_answer_goes_to_a_file ||
    not_ok the_answer_goes_to_a_file "$out" "$err"
echo in | "$assay" record --no-store -- cat >"$work/out" 2>"$work/err"
[ "$(<"$work/out")" = in ] && ok standard_input_is_the_commands || not_ok standard_input "$(<"$work/out")"

"$assay" record --no-store -- sh -c 'trap "echo told; exit 9" TERM; echo ready; sleep 20 & wait' \
    >"$work/out" 2>"$work/err" &
recorder=$!
until grep -q ready "$work/out"; do sleep 0.05; done
kill -TERM $recorder
wait $recorder
code=$?
[ $code = 9 ] && grep -q told "$work/out" && ok signals_are_passed_on ||
    not_ok signals_are_passed_on "code $code" "$(<"$work/out")"

# ---- memory and threads --------------------------------------------------------------------------

cat >"$work/memory.c" <<'END'
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static void *idle(void *unused) { usleep(300000); return unused; }
int main(void) {
    pthread_t threads[3];
    char *block = malloc(200 << 20);
    memset(block, 1, 200 << 20);
    for (int i = 0; i < 3; i++) pthread_create(&threads[i], NULL, idle, NULL);
    for (int i = 0; i < 3; i++) pthread_join(threads[i], NULL);
    return block[12345] - 1;
}
END
gcc -O1 -pthread -o "$work/memory" "$work/memory.c" || exit 1
run record --no-store --json -o - --route none -- "$work/memory"
peak=$(json '$.peak.rss_bytes')
[ "${peak%.*}" -gt 209715200 ] && [ "${peak%.*}" -lt 262144000 ] && ok the_peak_of_memory_is_seen ||
    not_ok the_peak_of_memory_is_seen "$peak"
[ "$(json '$.threads')" = 4 ] && ok every_thread_is_counted || not_ok threads "$(json '$.threads')"

# ---- functions of a library ----------------------------------------------------------------------

if ! reason=$("$assay" list probe-routes --format csv | awk -F, '$2 == "true" {found = 1} {why = $4}
    END {if (!found) print why; exit !found}'); then
    skip functions_of_a_library "${reason:-no route works here}"
    exit
fi

cat >"$work/lib.c" <<'END'
int inner(int x) { __asm__ volatile(""); return x + 1; }
int outer(int x) { int y = inner(x); y += inner(y); __asm__ volatile(""); return y; }
END
cat >"$work/main.c" <<'END'
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
int outer(int x);
int main(int argc, char **argv) {
    int calls = atoi(argv[1]);
    if (argc > 2 && fork() == 0) {
        for (int i = 0; i < calls; i++) outer(i);
        return 0;
    }
    for (int i = 0; i < calls; i++) outer(i);
    wait(NULL);
    return 0;
}
END
gcc -O1 -shared -fPIC -o "$work/lib.so" "$work/lib.c" &&
    gcc -O1 -o "$work/main" "$work/main.c" "$work/lib.so" -Wl,-rpath,"$work" || exit 1

run record --json -o - --probe "$work/lib.so:*er" -- "$work/main" 500
expect calls_are_recorded 0 none ""
[ "$(json '$.calls')" = 1500 ] && [ "$(json '$.probed_functions')" = 2 ] &&
    ok every_call_is_seen || not_ok every_call_is_seen "$(json '$.calls')" "$out"
recording=$(json '$.recording')
run report --recording "$recording" -o "$work/page.html"
for part in operators memory threads cost; do
    grep -q "<section id=\"$part\"" "$work/page.html" && ok "its_page_has_$part" || not_ok "its_page_has_$part" "$err"
done
run recordings "$recording" --json
[[ "$(json '$.tree[0].name')/$(json '$.tree[1].name')" = *outer*/*inner* ]] && ok they_are_stored_as_a_tree ||
    not_ok they_are_stored_as_a_tree "$out" "$err"
(while [ ! -e "$work/stop" ]; do "$work/main" 200; done) &
other=$!
run record --no-store --json -o - --probe "$work/lib.so:*er" -- "$work/main" 300 forked
touch "$work/stop"
wait $other
if [ "$(json '$.probe_route')" = bpf-session ]; then
    [ "$(json '$.calls')" = 1800 ] && ok children_are_followed_and_nobody_else ||
        not_ok children_are_followed_and_nobody_else "$(json '$.calls')"
else
    skip children_are_followed "$(json '$.probe_route') sees the first process alone"
fi
run record --no-store --trace "$work/trace.json" --probe "$work/lib.so:outer" -- "$work/main" 20
spans=$(sqlite3 :memory: "SELECT count(*) FROM json_each(CAST(readfile('$work/trace.json') AS TEXT),
    '\$.traceEvents') WHERE json_extract(value, '\$.ph') = 'X'")
[ "$spans" = 20 ] && ok a_timeline_is_written || not_ok a_timeline_is_written "$spans" "$err"

run record --no-store --probe "$work/lib.so:nothing*" -- "$work/main" 1
expect a_pattern_without_functions_is_told 0 err "lib.so:nothing*: matches no function"
run record --no-store --probe "lib.so:outer" -- "$work/main" 1
[[ $code = 0 && ($err = *"ended before its functions"* || $err = *"1 functions"*) ]] &&
    ok what_came_too_late_to_be_probed_is_told || not_ok what_came_too_late_to_be_probed "$err"
(trap '' CHLD && exec "$assay" record -q --no-store -- false) 2>"$work/err"
code=$? err=$(<"$work/err")
expect the_exit_code_is_true_where_ended_children_are_not_kept 1 err "with code 1"

for route in $("$assay" list probe-routes --format csv | awk -F, '$2 == "true" {print $1}'); do
    run record --no-store --json -o - --route "$route" --probe "$work/lib.so:*er" -- "$work/main" 50
    [ "$(json '$.probe_route') $(json '$.calls')" = "$route 150" ] && ok "${route}_sees_every_call" ||
        not_ok "${route}_sees_every_call" "$(json '$.probe_route') $(json '$.calls')" "$err"
done

(ulimit -f 200 && exec "$assay" record --no-store --trace "$work/full.json" --probe "$work/lib.so:*er" \
    -- sh -c "'$work/main' 20000; echo on; exit 3") >"$work/out" 2>"$work/err"
code=$? out=$(<"$work/out") err=$(<"$work/err")
expect a_command_that_can_no_longer_be_recorded_goes_on 4 out on

# ---- exceptions ----------------------------------------------------------------------------------

if command -v g++ >/dev/null; then
    cat >"$work/throw.cc" <<'END'
#include <cstdio>
#include <stdexcept>
#include <thread>
extern "C" __attribute__((noinline)) int inner(int x) {
    if (x % 2) throw std::runtime_error("odd");
    return x + 1;
}
extern "C" __attribute__((noinline)) int outer(int x) { int y = inner(x); __asm__ volatile(""); return y; }
static void work() {
    int caught = 0;
    for (int i = 0; i < 40; i++)
        try { outer(i); } catch (const std::exception &) { caught++; }
    std::printf("%d\n", caught);
}
int main() {
    std::thread threads[6]; // that throw at the same time
    for (auto &t : threads) t = std::thread(work);
    for (auto &t : threads) t.join();
}
END
    g++ -O1 -rdynamic -pthread -o "$work/throw" "$work/throw.cc" || exit 1
    run record --no-store --json -o "$work/answer" --probe "$work/throw:*er" -- "$work/throw"
    [ "$code $(sort -u <<<"$out")" = "0 20" ] && ok exceptions_pass_through_probed_calls ||
        not_ok exceptions_pass_through_probed_calls "$code" "$out" "$err"
    cp "$work/answer" "$work/out"
    [ "$(json '$.unwindings') $(json '$.calls')" = "120 480" ] && ok exceptions_end_probed_calls ||
        not_ok exceptions_end_probed_calls "$(json '$.unwindings')" "$(json '$.calls')"
else
    skip exceptions_pass_through_probed_calls "no g++"
fi

# ---- PyTorch -------------------------------------------------------------------------------------

if /usr/bin/python3 -c 'import importlib.util as u; exit(not u.find_spec("torch"))' 2>/dev/null; then
    cat >"$work/operators.py" <<'END'
import torch
torch.set_num_threads(1)
w = torch.ones(4, 3, 3, 3)
with torch.inference_mode():
    for _ in range(50):
        torch.nn.functional.conv2d(torch.ones(1, 3, 8, 8), w)
try:
    torch.ones(2, 3) @ torch.ones(5, 7)
except RuntimeError:
    print("refused")
END
    run record --json -o "$work/answer" --limit 0 --tree -- /usr/bin/python3 "$work/operators.py"
    [ "$code $out" = "0 refused" ] && ok a_program_of_pytorch_runs_as_it_is ||
        not_ok a_program_of_pytorch "$code" "$out" "$err"
    cp "$work/answer" "$work/out"
    rows=$(sqlite3 :memory: "SELECT count(*) FROM json_each(CAST(readfile('$work/out') AS TEXT), '\$.tree')
        WHERE json_extract(value, '\$.name') LIKE '%at::conv2d' AND json_extract(value, '\$.count') = 50")
    [ "$rows" = 1 ] && ok its_operators_are_a_tree || not_ok its_operators_are_a_tree "$rows"
else
    skip pytorch "no python3-torch"
fi

# ---- without rights ------------------------------------------------------------------------------

if [ "$(id -u)" = 0 ]; then
    chmod 755 "$work"
    setpriv --reuid 65534 --clear-groups --inh-caps=-all --bounding-set=-all \
        "$assay" record --no-store --probe "$work/lib.so:*er" -- "$work/main" 5 2>"$work/err"
    code=$? err=$(<"$work/err")
    expect without_rights_the_rest_is_recorded_and_the_reason_told 0 err "no functions are probed"
fi
