#!/bin/bash
# assay serve as its clients and its operator see it: curl, promtool, signals.
source tests/harness.bash
source tests/serve.bash

# ---- what is refused before anything listens ---------------------------------------------------

run serve --listen 0.0.0.0:0
expect other_machines_are_not_served_without_a_token 2 err "--insecure-public serves all who come"
run serve --listen '[::]:0'
expect nor_over_ipv6 2 err "can be reached from other machines"
run serve --listen nowhere
expect an_address_that_is_none_is_named 2 err "'nowhere' is no address to listen on"
run serve --grpc '[::]:0'
expect nor_over_grpc 2 err "--grpc [::]:0 can be reached from other machines"
run serve --grpc 127.0.0.1:0 --grpc-client-ca "$work/absent"
expect client_certificates_need_tls 2 err "--grpc-client-ca goes with --tls-cert"
run serve --grpc-client-ca "$work/absent"
expect client_certificates_need_grpc 2 err "--grpc-client-ca goes with --grpc"
run serve --auth-file "$work/absent"
expect a_missing_token_file_is_named 3 err "$work/absent"
: >"$work/empty"
run serve --auth-file "$work/empty"
expect an_empty_token_is_none 3 err "a token of 1 to 1024 characters was expected"
run serve --tls-cert "$work/empty"
expect a_certificate_needs_its_key 2 err "--tls-cert and --tls-key are given together"
run serve --listen 127.0.0.1:0 --tls-cert "$work/empty" --tls-key "$work/empty"
expect a_certificate_that_is_none_is_told 3 err "the HTTP server does not start"

# ---- an open server ----------------------------------------------------------------------------

serve
case $url in http://127.0.0.1:[1-9]*) ok the_port_that_was_picked_is_told ;; *) not_ok the_port_that_was_picked_is_told "$url" ;; esac
is health_is_ok 200 "$(status "$url/healthz")"
is an_unknown_path_is_404 404 "$(status "$url/nowhere")"
json_is_valid errors_are_json
is errors_look_like_those_of_the_command_line usage "$(json '$.error.code')"
is traversal_is_400 400 "$(status --path-as-is "$url/../../etc/passwd")"
is the_description_is_served 200 "$(status "$url/openapi.json")"
json_is_valid the_description_is_json
is the_description_is_openapi 3.0.3 "$(json '$.openapi')"
[ -n "$(json '$.paths./healthz.get')" ] && ok the_description_has_the_paths || not_ok the_description_has_the_paths "$out"
if command -v promtool >/dev/null; then
    curl -s "$url/metrics" | promtool check metrics >"$work/promtool" 2>&1 &&
        ok promtool_accepts_the_metrics || not_ok promtool_accepts_the_metrics "$(<"$work/promtool")"
else
    skip promtool_accepts_the_metrics "promtool is not installed"
fi
curl -s "$url/metrics" | grep -q '^assay_http_requests_total{handler="healthz",code="200"}' &&
    ok requests_are_counted || not_ok requests_are_counted
curl -s -H 'Accept: application/openmetrics-text' "$url/metrics" | tail -1 | grep -qx '# EOF' &&
    ok openmetrics_ends_as_it_has_to || not_ok openmetrics_ends_as_it_has_to
run serve --listen "${url#http://}"
expect a_taken_port_is_exit_4 4 err "cannot listen on ${url#http://}: Address already in use"
stop sigterm_stops_it
serve
stop sigint_stops_it INT
serve --listen '[::1]:0'
is ipv6_is_served 200 "$(status "$url/healthz")"
stop ipv6_stops

# ---- with a token ------------------------------------------------------------------------------

echo correct-horse >"$work/token"
serve --auth-file "$work/token"
is without_a_token_there_is_401 401 "$(status "$url/metrics")"
is a_wrong_token_is_401 401 "$(status -H 'Authorization: Bearer wrong' "$url/metrics")"
is the_token_opens 200 "$(status -H 'Authorization: Bearer correct-horse' "$url/metrics")"
is an_api_key_opens 200 "$(status -H 'X-API-KEY: correct-horse' "$url/metrics")"
is health_needs_no_token 200 "$(status "$url/healthz")"
tr '\0' ' ' <"/proc/$pid/cmdline" | grep -q correct-horse && not_ok no_token_in_the_arguments || ok no_token_in_the_arguments
stop a_server_with_a_token_stops
export ASSAY_SERVE_TOKEN=from-environment
serve
is the_environment_may_hold_the_token 200 "$(status -H 'Authorization: Bearer from-environment' "$url/metrics")"
stop a_server_with_a_token_from_the_environment_stops
unset ASSAY_SERVE_TOKEN
serve --listen 0.0.0.0:0 --insecure-public
is an_open_door_is_possible_when_asked_for 200 "$(status "${url/0.0.0.0/127.0.0.1}/metrics")"
stop a_public_server_stops

# ---- TLS ---------------------------------------------------------------------------------------

if command -v openssl >/dev/null; then
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost \
        -addext subjectAltName=IP:127.0.0.1 -keyout "$work/key.pem" -out "$work/cert.pem" 2>/dev/null
    openssl genpkey -algorithm ed25519 -out "$work/other.pem" 2>/dev/null
    serve --tls-cert "$work/cert.pem" --tls-key "$work/key.pem"
    is https_is_served 200 "$(status --cacert "$work/cert.pem" "$url/healthz")"
    is tls_1_2_is_spoken 200 "$(status --tls-max 1.2 --cacert "$work/cert.pem" "$url/healthz")"
    is tls_1_1_is_not 000 "$(status --tls-max 1.1 --ciphers DEFAULT@SECLEVEL=0 --cacert "$work/cert.pem" "$url/healthz")"
    is plain_http_is_not_answered 000 "$(status "${url/https/http}/healthz")"
    stop a_server_with_tls_stops
    run serve --listen 127.0.0.1:0 --tls-cert "$work/cert.pem" --tls-key "$work/other.pem"
    expect a_key_of_another_certificate_is_told 3 err "a certificate and its own key are expected"
else
    skip https_is_served "openssl is not installed"
fi
