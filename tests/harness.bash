# Sourced by the shell tests: runs assay, compares, counts. BUILD names the build folder; the tests
# run in the root of the sources.
set -u
BUILD=${BUILD:-build}
assay=$BUILD/assay
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export ASSAY_DB=$work/assay.db
unset NO_COLOR

ok() { echo "ok $1"; }
not_ok() { echo "not ok $1"; [ $# -lt 2 ] || printf '%s\n' "${@:2}" | sed 's/^/  # /'; }
skip() { echo "skip $1: $2"; }

# run ARGUMENTS...: leaves $out, $err and $code.
run() {
    "$assay" "$@" >"$work/out" 2>"$work/err"
    code=$?
    out=$(<"$work/out") err=$(<"$work/err")
}

# expect NAME CODE STREAM TEXT: the last run ended so and said this (in $out, $err or nothing).
expect() {
    local said
    case $3 in out) said=$out ;; err) said=$err ;; none) said=$4 ;; esac
    if [ "$code" -ne "$2" ]; then
        not_ok "$1" "exit code $code instead of $2" "$out" "$err"
    elif [[ $said != *"$4"* ]]; then
        not_ok "$1" "no '$4' in:" "$said"
    else
        ok "$1"
    fi
}

# json_is_valid NAME: the last run printed one JSON document. SQLite is the judge.
json_is_valid() {
    if [ "$(sqlite3 :memory: "SELECT json_valid(CAST(readfile('$work/out') AS TEXT))")" = 1 ]; then
        ok "$1"
    else
        not_ok "$1" "$out"
    fi
}

# json PATH: the value at an SQLite JSON path of the last output.
json() {
    sqlite3 :memory: "SELECT json_extract(CAST(readfile('$work/out') AS TEXT), '$1')"
}
