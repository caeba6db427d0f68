#!/bin/bash
# assay list, man and completion: what is printed from the tables is well formed.
source tests/harness.bash

tables=$("$assay" help list | sed -n 's/^    \([a-z-]*\) .*/\1/p')
[ "$(wc -w <<<"$tables")" -gt 8 ] && ok help_lists_the_tables || not_ok help_lists_the_tables "$tables"
for table in $tables; do
    run list "$table" --json
    json_is_valid "list_${table}_json_is_valid"
    rows=$(json '$[#-1].name')
    [ "$table" = hardware ] || [ -n "$rows" ] && ok "list_${table}_has_rows" || not_ok "list_${table}_has_rows"
    lines=$("$assay" list "$table" --format csv | grep -c '"\{0,1\}')
    [ "$lines" -ge 1 ] && ok "list_${table}_csv" || not_ok "list_${table}_csv"
done
run list events --json
missing=$(sqlite3 :memory: "SELECT count(*) FROM json_each(CAST(readfile('$work/out') AS TEXT))
    WHERE json_extract(value, '\$.available') = 0 AND json_extract(value, '\$.reason') IS NULL")
[ "$missing" = 0 ] && ok what_is_missing_has_a_reason || not_ok what_is_missing_has_a_reason "$out"

"$assay" man >"$work/assay.1"
if command -v groff >/dev/null; then
    groff -man -Tascii -ww "$work/assay.1" >"$work/page" 2>"$work/err"
    [ ! -s "$work/err" ] && ok man_page_has_no_roff_warnings || not_ok man_page_has_no_roff_warnings "$(<"$work/err")"
    for name in $("$assay" list commands --format csv | tail -n +2 | cut -d, -f1); do
        grep -q "assay $name" "$work/assay.1" || not_ok "man_page_tells_of_$name"
    done
    ok man_page_tells_of_every_command
else
    skip man_page_has_no_roff_warnings "groff is not installed"
fi

"$assay" completion bash >"$work/completion"
complete_words() {
    bash -c 'source "$1"; COMP_WORDS=("${@:2}"); COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
        _assay assay "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
        printf "%s\n" "${COMPREPLY[@]}"' _ "$work/completion" "$@"
}
completes() {
    local name=$1 wanted=$2 got
    got=$(complete_words "${@:3}")
    grep -qx -- "$wanted" <<<"$got" && ok "$name" || not_ok "$name" "$got"
}
completes bash_completes_commands inspect assay ins
completes bash_completes_options --dim assay inspect --d
completes bash_completes_options_of_every_command --json assay inspect --j
completes bash_completes_choices markdown assay list --format m
completes bash_completes_arguments collectors assay list coll
touch "$work/some.onnx"
completes bash_completes_files "$work/some.onnx" assay inspect "$work/so"
for shell in zsh fish; do
    "$assay" completion $shell >"$work/completion.$shell"
    if command -v $shell >/dev/null; then
        $shell -n "$work/completion.$shell" && ok "${shell}_completion_parses" || not_ok "${shell}_completion_parses"
    else
        skip "${shell}_completion_parses" "$shell is not installed"
    fi
done
