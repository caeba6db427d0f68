# Sourced by the shell tests of assay serve, after harness.bash: starts it, asks it, stops it.
unset ASSAY_SERVE_TOKEN

# store_replay: three small models, $work/NAME.onnx, and what they would have been measured at.
store_replay() {
    local name
    cat >"$work/replay.json" <<'SCRIPT'
{"runtime": "onnxruntime", "version": "1.30.0",
 "cold": {"process_start_ns": 3e6, "library_load_ns": 2e7, "load_ns": 1e8, "first_run_ns": 2e7,
          "baseline_bytes": 25e6, "loaded_bytes": 3e7, "peak_bytes": 3.2e7, "resident_bytes": 3e7},
 "plain": {"wall_ns": 1e6, "cpu_ns": 1e6},
 "operators": {"Conv": {"wall_ns": 2e5, "cpu_ns": 2e5}, "*": {"wall_ns": 1e4, "cpu_ns": 1e4}},
 "spread": 0.01}
SCRIPT
    export ASSAY_REPLAY=$work/replay.json ASSAY_ORT_LIBRARY=/dev/null
    for name in resnet8 ds_cnn mobilenet_v1_025; do
        "$assay" -q zoo write "$name" "$work/$name.onnx" >/dev/null
        "$assay" -q profile "$work/$name.onnx" --collector replay --budget 50ms >/dev/null 2>&1
    done
}

# serve OPTIONS...: on free ports; $url is where it listens, $grpc where gRPC does, $pid its process.
serve() {
    rm -f "$work/serve.err"
    "$assay" serve --listen 127.0.0.1:0 "$@" 2>"$work/serve.err" &
    pid=$!
    for ((i = 0; i < 500; i++)); do
        url=$(sed -n 's/^listening on //p' "$work/serve.err" 2>/dev/null)
        grpc=$(sed -n 's/^gRPC on //p' "$work/serve.err" 2>/dev/null)
        [ -n "$url" ] && return
        kill -0 $pid 2>/dev/null || break
        sleep 0.02
    done
    not_ok serve_starts "$(<"$work/serve.err")"
}

# stop NAME [SIGNAL]: the server ends well when told to.
stop() {
    kill -"${2:-TERM}" $pid
    wait $pid && ok "$1" || not_ok "$1" "exit code $?" "$(<"$work/serve.err")"
}

# status CURL-ARGUMENTS...: the answer's status; its text is in $work/out.
status() { curl -s --max-time 20 -o "$work/out" -w '%{http_code}' "$@"; }

# is NAME EXPECTED ACTUAL
is() { [ "$2" = "$3" ] && ok "$1" || not_ok "$1" "'$3' instead of '$2'" "$(head -c 600 "$work/out")"; }
