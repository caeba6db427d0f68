#!/bin/bash
# Bad input: a message that says what is wrong, the right exit code, JSON when asked for, and a
# database that is as it was.
source tests/harness.bash
export ASSAY_REPLAY=$work/replay.json
cat >"$ASSAY_REPLAY" <<'SCRIPT'
{"runtime": "onnxruntime", "version": "1.30.0",
 "cold": {"library_load_ns": 2e7, "load_ns": 1e8, "first_run_ns": 2e7, "baseline_bytes": 25e6,
          "loaded_bytes": 3e7, "peak_bytes": 3.2e7, "resident_bytes": 3e7},
 "plain": {"wall_ns": 1e6, "cpu_ns": 1e6},
 "operators": {"*": {"wall_ns": 1e4, "cpu_ns": 1e4}}, "spread": 0.01}
SCRIPT
with=(--collector replay)

# ---- a database with something in it ---------------------------------------------------------

for name in resnet8 ds_cnn; do
    "$assay" -q zoo write "$name" "$work/$name.onnx" >/dev/null
    "$assay" -q profile "$work/$name.onnx" "${with[@]}" --budget 100ms >/dev/null 2>&1
done
"$assay" -q fit "${with[@]}" >/dev/null 2>&1
contents() { # every row of every noun that a measurement writes
    local table
    for table in runs operators fits models machines lowered_graphs predictions; do
        echo "$table: $("$assay" db sql "SELECT count(*) AS n FROM $table" --format csv 2>/dev/null | tail -1)"
    done
    "$assay" db export runs --format csv 2>/dev/null | sha256sum
    "$assay" db export operators --format csv 2>/dev/null | sha256sum
}
before=$(contents)
[[ $before == *"runs: 2"* ]] && ok the_database_has_two_runs || not_ok the_database_has_two_runs "$before"
[[ $before != *": "$'\n'* ]] && ok every_table_is_counted || not_ok every_table_is_counted "$before"

# ---- model files ------------------------------------------------------------------------------

# Protobuf by hand: field NUMBER of bytes, and of a number below 128; sizes below 128.
bytes() { # NUMBER HEX
    printf '%02x%02x%s' $(($1 * 8 + 2)) $((${#2} / 2)) "$2"
}
number() { # NUMBER VALUE
    printf '%02x%02x' $(($1 * 8)) "$2"
}
hex() { printf %s "$1" | od -An -v -tx1 | tr -d ' \n'; }
text() { bytes "$1" "$(hex "$2")"; }
node() { # TYPE INPUT OUTPUT [DOMAIN]
    bytes 1 "$(text 1 "$2")$(text 2 "$3")$(text 3 "n_$3")$(text 4 "$1")${4:+$(text 7 "$4")}"
}
value() { # FIELD NAME DIMENSION_VARINT
    bytes "$1" "$(text 1 "$2")$(bytes 2 "$(bytes 1 "$(number 1 1)$(bytes 2 "$(bytes 1 "08$3")")")")"
}
model() { # FILE GRAPH_HEX
    local graph=$2 size=$((${#2} / 2)) head
    head=$(number 1 8)
    # A length of two bytes: graphs here are longer than 127.
    printf "$(printf '%s3a%02x%02x%s%s' "$head" $((size % 128 + 128)) $((size / 128)) "$graph" \
        "$(bytes 8 "$(text 1 "")$(number 2 17)")" | sed 's/../\\x&/g')" >"$1"
}
filler=$(text 2 "a graph whose name is long enough for its length to need two bytes, as real ones do: one hundred and some")

: >"$work/empty.onnx"
head -c 3000 "$work/resnet8.onnx" >"$work/truncated.onnx"
printf '\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00\xff\xdb' >"$work/photo.onnx"
model "$work/unknown.onnx" "$(node Frobnicate x y my.house)$filler$(value 11 x 04)$(value 12 y 04)"
model "$work/cyclic.onnx" "$(node Relu b a)$(node Relu a b)$filler$(value 11 x 04)$(value 12 a 04)"
# 2^62 as a varint: eight bytes of continued zeros and 0x40 shifted into the ninth.
model "$work/huge.onnx" "$(node Relu x y)$filler$(value 11 x 808080808080808040)$(value 12 y 808080808080808040)"
# An initializer that lives elsewhere: location in field 13, data_location EXTERNAL in field 14.
escape=$(bytes 5 "$(number 1 4)$(number 2 1)$(text 8 w)$(bytes 13 "$(text 1 location)$(text 2 ../../etc/passwd)")$(number 14 1)")
model "$work/escape.onnx" "$(node Relu w y)$filler$escape$(value 12 y 04)"

# refused NAME FILE TEXT: by profile and predict, as text and as JSON.
refused() {
    local command
    for command in profile predict; do
        run "$command" "$work/$2.onnx" "${with[@]}"
        expect "$command:$1" 3 err "$3"
        run "$command" "$work/$2.onnx" "${with[@]}" --json
        if [ "$code" -eq 3 ] && [ "$(json '$.error.code')" = input ] && [ -n "$(json '$.error.message')" ]; then
            ok "$command:${1}_in_json"
        else
            not_ok "$command:${1}_in_json" "exit code $code" "$out" "$err"
        fi
    done
}
refused empty_file empty empty.onnx
refused truncated_model truncated truncated.onnx
refused photograph photo photo.onnx
refused cyclic_graph cyclic cycl
refused dimension_of_2_to_the_62 huge huge.onnx
refused weights_outside_the_folder escape ../../etc/passwd
run predict "$work/unknown.onnx" "${with[@]}" --json
[ "$code" -eq 1 ] && [ "$(json '$.refused[0].op')" = my.house.Frobnicate ] &&
    [ -z "$(json '$.latency_ns.value')" ] &&
    ok predict:unknown_operator_is_refused_by_name_and_totals_are_null ||
    not_ok predict:unknown_operator_is_refused_by_name_and_totals_are_null "exit code $code" "$out" "$err"
refused_path=$work/none.onnx
run profile "$refused_path" "${with[@]}"
[ "$code" -ne 0 ] && [[ $err == *none.onnx* ]] && ok missing_file_is_named || not_ok missing_file_is_named "$code" "$err"
run predict "$work/resnet8.onnx" "${with[@]}" --dim nobody=4
expect a_dimension_that_is_not_there 2 err nobody
run predict "$work/resnet8.onnx" "${with[@]}" --shape input=1x4
[ "$code" -eq 2 ] && ok a_shape_that_does_not_fit || not_ok a_shape_that_does_not_fit "$code" "$err"
run explain "$work/resnet8.onnx" "${with[@]}" nobody
expect an_operator_that_is_not_there 2 err nobody

after=$(contents)
[ "$after" = "$before" ] && ok the_database_is_as_it_was ||
    not_ok the_database_is_as_it_was "$(diff <(echo "$before") <(echo "$after"))"
run db check
expect the_database_is_sound 0 out "is sound"

# ---- the place to write to ----------------------------------------------------------------------

cp "$ASSAY_DB" "$work/locked.db"
chmod 444 "$work/locked.db"
if [ "$(id -u)" -ne 0 ] || command -v setpriv >/dev/null; then
    drop=()
    # root writes where it likes, unless it gives that up
    [ "$(id -u)" -ne 0 ] || drop=(setpriv --bounding-set=-all --inh-caps=-all --ambient-caps=-all)
    sum=$(sha256sum <"$work/locked.db")
    "${drop[@]}" "$assay" profile "$work/resnet8.onnx" "${with[@]}" --budget 100ms --db "$work/locked.db" >"$work/out" 2>"$work/err"
    code=$? err=$(<"$work/err")
    if [ "$code" -eq 0 ] && [ "$(id -u)" -eq 0 ]; then
        skip read_only_database "this root user cannot give up its rights"
    else
        expect read_only_database 4 err locked.db
        [ "$(sha256sum <"$work/locked.db")" = "$sum" ] && ok a_read_only_database_stays || not_ok a_read_only_database_stays
    fi
else
    skip read_only_database "root may write everything, and setpriv is not installed"
fi

mkdir "$work/small"
if [ "$(id -u)" -eq 0 ] && mount -t tmpfs -o size=400k tmpfs "$work/small" 2>/dev/null; then
    cp "$ASSAY_DB" "$work/small/full.db"
    before_full=$("$assay" --db "$work/small/full.db" db sql "SELECT count(*) AS n FROM runs" --format csv 2>&1 | tail -1)
    head -c 400k /dev/zero >"$work/small/ballast" 2>/dev/null
    run --db "$work/small/full.db" profile "$work/resnet8.onnx" "${with[@]}" --budget 100ms
    expect full_disk 4 err full
    rm "$work/small/ballast"
    run --db "$work/small/full.db" db check
    expect full_disk_leaves_the_database_sound 0 out sound
    after_full=$("$assay" --db "$work/small/full.db" db sql "SELECT count(*) AS n FROM runs" --format csv 2>&1 | tail -1)
    [ "$before_full" = "$after_full" ] && ok full_disk_stores_nothing || not_ok full_disk_stores_nothing "$before_full" "$after_full"
    umount "$work/small"
else
    skip full_disk "no right to mount a small file system"
fi

# ---- no runtime ----------------------------------------------------------------------------------

export ASSAY_ORT_LIBRARY=/nonexistent/libonnxruntime.so
run profile "$work/resnet8.onnx" --budget 100ms
expect no_runtime_to_measure_with 4 err /nonexistent/libonnxruntime.so
run profile "$work/resnet8.onnx" --budget 100ms --json
[ "$(json '$.error.code')" = environment ] && ok no_runtime_in_json || not_ok no_runtime_in_json "$out"
run predict "$work/resnet8.onnx" --json
if [ "$code" -eq 0 ]; then # from what is stored, by our own rules
    [ -n "$(json '$.latency_ns.value')" ] && ok no_runtime_still_predicts || not_ok no_runtime_still_predicts "$out"
else
    not_ok no_runtime_still_predicts "exit code $code" "$out" "$err"
fi
