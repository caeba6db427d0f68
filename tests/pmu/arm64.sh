#!/bin/bash
# Counters on a real PMU: an arm64 machine is emulated instruction by instruction, so that what it
# counts is known exactly. Needs what `make deps-pmu` installs; ASSAY_PMU=required makes lacking it
# a failure. ASSAY_PMU_SHOW=1 prints all that the machine said.
source tests/harness.bash

kernel=${ASSAY_PMU_KERNEL:-/usr/lib/debian-installer/images/12/arm64/text/debian-installer/arm64/linux}
folder=$BUILD/aarch64-linux-gnu

lacking() {
    if [ "${ASSAY_PMU:-}" = required ]; then not_ok counters_on_an_emulated_pmu "$1"; else skip counters_on_an_emulated_pmu "$1"; fi
    exit
}
command -v qemu-system-aarch64 >/dev/null || lacking "qemu-system-aarch64 is not installed (make deps-pmu)"
[ -r "$kernel" ] || lacking "no arm64 kernel at $kernel (make deps-pmu)"
[ -x "$folder/tests/pmu/guest" ] || lacking "the programs for arm64 were not built (make deps-pmu, make tests)"

tests/pmu/initramfs init="$folder/tests/pmu/guest" work="$folder/tests/pmu/work" \
    assay-collect="$folder/assay-collect" >"$work/initramfs" || not_ok the_initramfs_is_written

# boot NAME OPTION...: what the machine prints goes to $work/NAME.
boot() {
    local name=$1
    shift
    timeout 600 qemu-system-aarch64 -M virt -net none -cpu cortex-a57,pmu=on -m 128 "$@" -nographic \
        -no-reboot -kernel "$kernel" -initrd "$work/initramfs" \
        -append "console=ttyAMA0 quiet loglevel=0 panic=-1 assay.boot=$name" </dev/null 2>&1 |
        tr -d '\r' >"$work/$name"
    if grep -q "^END $name" "$work/$name"; then ok "boot_$name"; else not_ok "boot_$name" "$(tail -5 "$work/$name")"; fi
    [ -z "${ASSAY_PMU_SHOW:-}" ] || cat "$work/$name"
}

# The results of the guest are ours; what it saw stays beside them.
results() {
    grep -E '^(ok|not ok|#) ' "$work/$1"
}

# collected BOOT NUMBER: the so-many-th line of JSON of the collector there, where `json` looks.
collected() {
    grep '^{' "$work/$1" | sed -n "$2p" >"$work/out"
    out=$(<"$work/out")
}

# value EVENT / metric NAME: of the collector's line.
value() { json "\$.counters[$(($(json '$.counters' | tr '{' '\n' | grep -n "\"event\":\"$1\"" | cut -d: -f1) - 2))].$2"; }
metric() { json "\$.metrics[$(($(json '$.metrics' | tr '{' '\n' | grep -n "\"name\":\"$1\"" | cut -d: -f1) - 2))].value"; }

# near NAME VALUE LEAST MOST
near() {
    if awk -v v="$2" -v a="$3" -v b="$4" 'BEGIN { exit !(v != "" && v >= a && v <= b) }'; then ok "$1"; else not_ok "$1" "$2, not within $3 and $4" "$out"; fi
    echo "# $2"
}

boot exact -icount shift=0
results exact
collected exact 1
json_is_valid the_collector_prints_json_there
# 2 instructions in each of 10,000,000 rounds; starting a program takes some thousand more.
near the_collector_counts_a_commands_instructions "$(value instructions:u value)" 20000000 20020000
near the_collector_computes_instructions_per_cycle "$(metric ipc)" 0.999 1.001
near the_collector_tells_peak_memory "$(json '$.peak_bytes')" 100000 10000000
collected exact 2
near the_collector_runs_once_for_each_set "$(json '$.runs')" 2 2
near what_a_set_counted_was_never_scaled "$(value arm_ac57::CPU_CYCLES running)" 1 1

boot halved -icount shift=1
results halved
collected halved 1
near the_collector_computes_half_an_instruction_per_cycle "$(metric ipc)" 0.4995 0.5005

boot uncounted
results uncounted
collected uncounted 1
[[ $(value instructions reason) == *"not supported"* ]] && ok the_collector_says_what_it_cannot_count || not_ok the_collector_says_what_it_cannot_count "$out"
near the_collector_counts_what_it_can "$(value cycles value)" 1000000 1e12

# ---- a session of the runtime itself ----

runtime=node_modules/onnxruntime-node/bin/napi-v6/linux/arm64/libonnxruntime.so.1
libraries=/usr/aarch64-linux-gnu/lib
if [ ! -r "$runtime" ]; then
    skip operators_of_a_session_are_counted "no ONNX Runtime for arm64 in node_modules (make deps)"
    exit
fi
"$assay" -q zoo write ds_cnn "$work/model.onnx" >/dev/null
files=(init="$folder/tests/pmu/guest" session="$folder/tests/pmu/session" assay-worker="$folder/assay-worker"
    libassay-ort-hook.so="$folder/libassay-ort-hook.so" libonnxruntime.so.1="$runtime" model.onnx="$work/model.onnx")
for library in ld-linux-aarch64.so.1 libc.so.6 libm.so.6 libdl.so.2 librt.so.1 libpthread.so.0 libstdc++.so.6 libgcc_s.so.1; do
    files+=("$library=$libraries/$library")
done
tests/pmu/initramfs "${files[@]}" >"$work/initramfs" || not_ok the_initramfs_of_the_runtime_is_written
boot runtime -m 512 -icount shift=0
results runtime
