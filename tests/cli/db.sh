#!/bin/bash
# assay db: which file it is, what it says of it, what it refuses.
source tests/harness.bash

run db path
expect the_environment_names_the_database 0 out "$ASSAY_DB"
run --db "$work/other.db" db path
expect the_option_overrules_the_environment 0 out "$work/other.db"
(unset ASSAY_DB; XDG_DATA_HOME=$work/xdg "$assay" db path) >"$work/out"
[ "$(<"$work/out")" = "$work/xdg/assay/assay.db" ] && ok xdg_data_is_the_default || not_ok xdg_data_is_the_default "$(<"$work/out")"
run db info
expect an_absent_database_is_told 3 err "$ASSAY_DB"
[ ! -e "$ASSAY_DB" ] && ok looking_makes_no_database || not_ok looking_makes_no_database
echo "this is no database, only some text of more than a few bytes" >"$work/text.db"
run --db "$work/text.db" db info
expect a_text_file_is_no_database 3 err text.db
sqlite3 "$work/foreign.db" 'CREATE TABLE t(x)'
run --db "$work/foreign.db" db info
expect a_foreign_database_is_refused 3 err foreign.db
run db info extra
expect a_needless_argument_is_refused 2 err "unexpected argument 'extra'"
run db sql
expect sql_wants_a_select 2 err "wants SELECT"
run db nonsense
expect an_unknown_action_lists_them 2 err "info, check, runs"
