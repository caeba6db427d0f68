#!/bin/bash
# What the server answers, read by the programs that read it in a cluster: KEDA's path library,
# promtool.
source tests/harness.bash
answers=$BUILD/tests/unit/test_service
[ -x "$answers" ] || { skip serve_peers "test_service is not built"; exit 0; }

# gjson PATH: the number there in standard input, as KEDA reads valueLocation.
gjson() { "$work/gjson" "$1"; }
if ! command -v go >/dev/null; then
    skip keda_finds_the_number "go is not installed"
elif [ ! -d /usr/share/gocode/src/github.com/tidwall/gjson ]; then
    skip keda_finds_the_number "golang-github-tidwall-gjson-dev is not installed"
elif ! HOME=${HOME:-$work} GO111MODULE=off GOPATH=/usr/share/gocode \
    go build -o "$work/gjson" tests/peers/gjson/main.go 2>"$work/err"; then
    not_ok keda_finds_the_number "$(<"$work/err")"
else
    "$answers" --answer replicas 'rate=2000&routing=random' >"$work/out"
    found=$(gjson replicas <"$work/out")
    [ -n "$found" ] && [ "$found" = "$(json '$.replicas')" ] && [ "$found" -gt 0 ] &&
        ok keda_finds_the_number || not_ok keda_finds_the_number "$found" "$(<"$work/out")"
    "$answers" --answer replicas >"$work/out"
    found=$(gjson replicas <"$work/out")
    [ -n "$found" ] && [ "$found" = "$(json '$.replicas')" ] &&
        ok keda_finds_the_number_of_the_observed_load || not_ok keda_finds_the_number_of_the_observed_load "$found"
    gjson stale <"$work/out" >/dev/null 2>&1 && not_ok a_boolean_is_no_number || ok a_boolean_is_no_number
fi

if ! command -v promtool >/dev/null; then
    skip promtool_accepts_the_metrics "promtool is not installed"
else
    said=$("$answers" --answer metrics | promtool check metrics 2>&1)
    [ $? -eq 0 ] && [ -z "$said" ] && ok promtool_accepts_the_metrics || not_ok promtool_accepts_the_metrics "$said"
fi
