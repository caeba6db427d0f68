#!/bin/bash
# `assay profile` killed at random moments: the database stays sound and every run whose id was
# told is there, whole. ASSAY_PROFILE_KILLS says how often (10; 1000 for a release).
set -u
build=${BUILD:-build}
kills=${ASSAY_PROFILE_KILLS:-10}
name=killed_profiles_lose_nothing
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export ASSAY_DB=$folder/assay.db TMPDIR=$folder # killed workers leave scratch there
told=$folder/told

"$build/assay" zoo write mlp "$folder/tiny.onnx" >/dev/null
"$build/assay" profile "$folder/tiny.onnx" --budget 100ms --processes 1 >/dev/null 2>"$told"
code=$?
if [ $code -eq 4 ]; then
    echo "skip $name: $(grep -v '^ ' "$told" | head -1)"
    exit 0
fi
start=$(date +%s%N) # the first one also measured what measuring costs
"$build/assay" profile "$folder/tiny.onnx" --budget 100ms --processes 1 >/dev/null 2>>"$told"
usual_ms=$((($(date +%s%N) - start) / 1000000 + 1))
for ((i = 0; i < kills; i++)); do
    "$build/assay" profile "$folder/tiny.onnx" --budget 100ms --processes 1 >/dev/null 2>>"$told" &
    victim=$!
    delay_ms=$(((RANDOM * 32768 + RANDOM) % (usual_ms * 5 / 4)))
    sleep "$(printf '%d.%03d' $((delay_ms / 1000)) $((delay_ms % 1000)))"
    kill -KILL $victim 2>/dev/null
    wait $victim 2>/dev/null
done

ids=$(sed -n 's/^stored as run \([0-9]*\).*/\1/p' "$told")
failed=0
"$build/assay" db check >"$folder/check" 2>&1 || failed=1
for id in $ids; do
    rows=$("$build/assay" db sql --format csv "SELECT count(*) = max(op_count) FROM runs
        JOIN operators ON run_id = id WHERE id = $id" | tail -1 | tr -d '\r')
    [ "$rows" = 1 ] || { echo "run $id was told and is not whole: '$rows'"; failed=1; }
done
[ -n "$ids" ] || failed=1
if [ $failed -eq 0 ]; then
    echo "$kills kills in ${usual_ms} ms runs, $(echo "$ids" | wc -w) runs told"
    echo "ok $name"
else
    cat "$folder/check"
    echo "not ok $name"
fi
exit $failed
