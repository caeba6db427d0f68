# The external scaler as a process of its own, under the independent client.
. tests/harness.bash

server=$BUILD/tests/peers/grpc_server
if [ ! -x "$server" ] || [ ! -e node_modules/@grpc/grpc-js/package.json ]; then
    skip "the external scaler as a process" "needs make tests and npm's @grpc packages (make deps)"
    exit
fi

# play NAME SCENARIOS ARGUMENTS...: the client against a server that was started so.
play() {
    local port input output
    coproc SERVER { "$server" serve "${@:3}" 2>"$work/err"; }
    input=${SERVER[1]} output=${SERVER[0]}
    read -r -u "$output" port
    if node tests/peers/keda_scaler.js "$2" "$port" >"$work/out" 2>&1; then
        ok "$1"
    else
        not_ok "$1" "$(<"$work/out")" "$(<"$work/err")"
    fi
    exec {input}>&-
    wait "$SERVER_PID"
    code=$?
}

play "all calls are answered" calls 127.0.0.1:0
[ "$code" -eq 0 ] && ok "the server ends when it is told to" || not_ok "the server ends when it is told to" "$code"
play "a token is asked for" token 0.0.0.0:0 secret
if said=$("$server" serve 0.0.0.0:0 2>&1 </dev/null) || [[ $said != *"anyone may call"* ]]; then
    not_ok "an address that others can reach is refused without a token" "$said"
else
    ok "an address that others can reach is refused without a token"
fi
