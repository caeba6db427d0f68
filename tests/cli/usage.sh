#!/bin/bash
# The command line itself: exit codes, errors as text and as JSON, help, streams that fail.
source tests/harness.bash

run
expect no_command_is_a_usage_error 2 err "hint: 'assay help' lists the commands"
run verson
expect a_mistyped_command_gets_a_suggestion 2 err "did you mean 'assay version'?"
run version --formt csv
expect a_mistyped_option_gets_a_suggestion 2 err "did you mean --format?"
run inspect
expect a_missing_argument_is_named 2 err "MODEL is missing"
run version extra
expect a_needless_argument_is_named 2 err "unexpected argument 'extra'"
run list nonsense
expect a_wrong_choice_lists_the_choices 2 err "is none of: commands, collectors"
run --db
expect a_missing_value_is_named 2 err "--db needs a value: PATH"
[ ! -e "$ASSAY_DB" ] && ok usage_errors_make_no_database || not_ok usage_errors_make_no_database

run verson --json
expect json_errors_keep_the_exit_code 2 none ""
json_is_valid json_errors_are_json
[ "$(json '$.error.code')" = usage ] && ok json_errors_have_a_code || not_ok json_errors_have_a_code "$out"
[ "$(json '$.error.hint')" = "did you mean 'assay version'?" ] && ok json_errors_have_a_hint || not_ok json_errors_have_a_hint "$out"
[ -z "$err" ] && ok json_errors_leave_stderr_empty || not_ok json_errors_leave_stderr_empty "$err"
run --format json inspect "$work/absent.onnx"
expect input_errors_are_code_3 3 out '"code": "input"'

run --version
expect version_is_printed 0 out "assay "
run help
expect help_lists_commands 0 out "Commands:"
run inspect --help
expect help_of_a_command_wants_no_arguments 0 out "Usage: assay inspect [OPTIONS] MODEL"
first=$out
run help inspect
[ "$out" = "$first" ] && ok both_ways_of_asking_print_the_same || not_ok both_ways_of_asking_print_the_same
long=$("$assay" help | awk 'length > 80' | head -1)
[ -z "$long" ] && ok help_fits_80_columns || not_ok help_fits_80_columns "$long"
for name in $("$assay" list commands --format csv | tail -n +2 | cut -d, -f1); do
    "$assay" help "$name" >/dev/null || not_ok "help_$name"
done
ok every_command_has_help

"$assay" list ops | head -n 1 >/dev/null
[ "${PIPESTATUS[0]}" -eq 0 ] && ok a_reader_that_stops_is_no_error || not_ok a_reader_that_stops_is_no_error
"$assay" version >/dev/full 2>"$work/err"
[ $? -eq 4 ] && grep -q 'No space left' "$work/err" && ok a_full_disk_is_exit_4 || not_ok a_full_disk_is_exit_4 "$(<"$work/err")"
"$assay" version >&- 2>"$work/err"
[ $? -eq 4 ] && ok a_closed_stdout_is_exit_4 || not_ok a_closed_stdout_is_exit_4
"$assay" db path >/dev/null 2>&- </dev/null && ok a_closed_stderr_is_no_error || not_ok a_closed_stderr_is_no_error

run version --json
json_is_valid version_json_is_valid
run version --format csv
[ "$(head -n 1 "$work/out")" = part,version ] && ok csv_has_a_header || not_ok csv_has_a_header "$out"
run version --format markdown
expect markdown_is_a_pipe_table 0 out "| --- | --- |"
run profile model.onnx --no-memory --memory-timeline
expect options_that_exclude_each_other_are_told 2 err "--no-memory leaves out"
