#!/bin/bash
# The external scaler of a running server, under an independent client.
source tests/harness.bash
source tests/serve.bash
if [ ! -e node_modules/@grpc/grpc-js/package.json ] || ! command -v node >/dev/null; then
    skip serve_grpc "the client needs node and npm's @grpc packages (make deps)"
    exit 0
fi

store_replay
"$assay" -q predict "$work/resnet8.onnx" --lowering rules --name resnet50 >/dev/null

# play NAME SCENARIO [CERTIFICATE]: the client against the server.
play() {
    if ASSAY_URL=$url node tests/peers/keda_scaler.js "$2" "127.0.0.1:${grpc##*:}" ${3:+"$3"} >"$work/out" 2>&1; then
        ok "$1"
    else
        not_ok "$1" "$(<"$work/out")" "$(<"$work/serve.err")"
    fi
}

# certificate NAME: $work/NAME/{cert,key}.pem for localhost.
certificate() {
    mkdir "$work/$1"
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -days 1 -subj "/CN=$1" \
        -addext 'subjectAltName=DNS:localhost,IP:127.0.0.1' \
        -keyout "$work/$1/key.pem" -out "$work/$1/cert.pem" 2>/dev/null
}

serve --slo p99=50ms --grpc 127.0.0.1:0
case $grpc in 127.0.0.1:[1-9]*) ok the_port_that_was_picked_is_told ;; *) not_ok the_port_that_was_picked_is_told "$grpc" ;; esac
play grpc_gives_the_numbers_of_http live
curl -s "$url/metrics" >"$work/metrics"
for sample in 'requests_total{method="GetMetrics",code="OK"} ' 'requests_total{method="GetMetrics",code="NOT_FOUND"} 1' \
    'requests_total{method="StreamIsActive",code="CANCELLED"} 1' 'streams 0'; do
    grep -qF "assay_grpc_$sample" "$work/metrics" && ok calls_are_counted || not_ok calls_are_counted "$sample" "$(grep grpc "$work/metrics")"
done
if command -v promtool >/dev/null; then
    said=$(promtool check metrics <"$work/metrics" 2>&1) && [ -z "$said" ] &&
        ok promtool_accepts_the_metrics || not_ok promtool_accepts_the_metrics "$said"
else
    skip promtool_accepts_the_metrics "promtool is not installed"
fi
run serve --listen 127.0.0.1:0 --grpc "$grpc"
expect a_taken_port_is_exit_4 4 err "--grpc: cannot listen on $grpc: Address already in use"
: >"$work/watch"
node tests/peers/keda_scaler.js stop "$grpc" >"$work/watch" 2>&1 &
watcher=$!
for ((i = 0; i < 500; i++)); do grep -q watching "$work/watch" && break; sleep 0.02; done
stop the_server_stops_under_an_open_stream
wait $watcher && ok the_stream_hears_it || not_ok the_stream_hears_it "$(<"$work/watch")"

echo secret >"$work/token"
serve --slo p99=50ms --grpc 0.0.0.0:0 --auth-file "$work/token"
play the_token_is_that_of_http token
stop the_server_with_a_token_stops

certificate server
serve --slo p99=50ms --grpc 0.0.0.0:0 --auth-file "$work/token" --tls-cert "$work/server/cert.pem" \
    --tls-key "$work/server/key.pem" --grpc-client-ca "$work/server/cert.pem"
play a_certificate_stands_in_for_the_token certificate "$work/server/cert.pem"
stop the_server_with_certificates_stops
