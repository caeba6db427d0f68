#!/bin/bash
# GGUF models: written, inspected, refused, and profiled where llama.cpp is there.
source tests/harness.bash

is() { [ "$2" = "$3" ] && ok "$1" || not_ok "$1" "$2 instead of $3"; }
model=$work/stories.gguf

run zoo write llama_stories260k "$model" --gguf q8_0
expect zoo_writes_gguf 0 out stories.gguf
run inspect "$model"
sed '/^sha256/d' "$work/out" >"$work/inspected"
cat >"$work/golden" <<'END'
llama_stories260k
Model
format                      gguf
architecture                llama
layers                      5
width                       64
heads                       8
key-value heads, all layers 20
vocabulary                  512
context length              2048
cache per token, float16    640 B
producer                    not said
parameters                  260 k
weights                     322 KiB
file                        326 KiB

      Name       Type  Shape
input token_ids  int32 batchxtokens
input cached_ids int32 batchxpast

Weights Tensors Parameters     Size
q8_0         31      204 k  212 KiB
float16       5     55.0 k  108 KiB
float32      11        704 2.75 KiB
END
difference=$(diff "$work/golden" <(sed 's/ *$//' "$work/inspected")) &&
    ok the_text_of_an_inspection_is_as_ever || not_ok the_text_of_an_inspection_is_as_ever "$difference"
run inspect "$model" --json
json_is_valid inspection_is_json
is the_name_is_the_one_inside "$(json '$.name')" llama_stories260k
is the_architecture_is_told "$(json '$.decoder.architecture')" llama
is the_cache_is_told "$(json '$.decoder.cache_bytes_per_token')" 640
is weights_are_told_by_type "$(json '$.weight_types[0].dtype')" q8_0
run inspect "$model" --json
sum=$(json '$.sha256')
run zoo write llama_stories260k "$model" --gguf q8_0
run inspect "$model" --json
is the_same_seed_gives_the_same_file "$(json '$.sha256')" "$sum"
run zoo write llama_stories260k "$work/other.gguf" --gguf q8_0 --seed 2
run inspect "$work/other.gguf" --json
[ "$(json '$.sha256')" != "$sum" ] && ok another_seed_gives_another || not_ok another_seed_gives_another

run zoo write resnet18 "$work/x.gguf" --gguf f16
expect an_unknown_type_is_refused 2 err "'f16'"
run zoo write resnet18 "$work/x.gguf" --gguf float16
expect only_decoders_become_gguf 2 err "no decoder of the Llama kind"
head -c 1000 "$model" >"$work/cut.gguf"
run inspect "$work/cut.gguf"
expect a_truncated_file_is_refused 3 err "offset "
{ head -c 4 "$model"; printf '\1'; tail -c +6 "$model"; } >"$work/old.gguf"
run inspect "$work/old.gguf"
expect version_1_is_refused 3 err "GGUF version 1"
run profile "$model" --dim nonsense=2
expect an_unknown_dimension_is_refused 2 err "no free dimension 'nonsense'"
run profile "$model" --dim tokens=0
expect a_batch_has_tokens 2 err "at least 1"
run calibrate --collector llamacpp --budget 1s
expect llama_cpp_cannot_be_calibrated_with_onnx 2 err "runs no networks to calibrate with"

export ASSAY_LLAMA_LIBRARY=/nowhere/libllama.so
run profile "$model"
expect without_llama_cpp_nothing_is_profiled 4 err "cannot load llama.cpp"
run list collectors
expect the_row_says_why 0 out "cannot load llama.cpp"
run doctor
[[ $out == *"cannot load llama.cpp"* ]] && ok the_doctor_says_why || not_ok the_doctor_says_why "$out"
unset ASSAY_LLAMA_LIBRARY

run doctor
if [[ $out != *"llama.cpp 0"* && $out != *"ggml"* ]]; then
    skip profiling_gguf "llama.cpp is not here (make deps)"
    exit 0
fi
run predict "$model"
expect predicting_wants_runs_of_llama_cpp 3 err "no observations of llama.cpp"
run profile "$model" --budget 400ms --processes 1 --json
expect prefill_and_decode_are_profiled 0 err "stored as run 2"
json_is_valid both_are_one_document
is prefill_takes_a_prompt "$(json '$.prefill.conditions.dims.tokens')" 128
is prefill_has_no_past "$(json '$.prefill.conditions.dims.past')" 0
is decode_takes_one_token "$(json '$.decode.tokens')" 1
is decode_has_the_prompt_behind_it "$(json '$.decode.conditions.dims.past')" 128
is the_runtime_is_named "$(json '$.decode.runtime.name')" llama.cpp
is the_cache_is_measured "$(json '$.decode.cache_bytes.value')" "$(json '$.decode.cache_expected_bytes')"
[[ $(json '$.prefill.tokens_per_second.value') =~ ^[1-9][0-9.e+]*$ ]] &&
    ok tokens_per_second_are_told || not_ok tokens_per_second_are_told "$out"
stored=$(sqlite3 "$ASSAY_DB" "SELECT count(*) FROM operators WHERE domain = 'ggml' AND type = 'MUL_MAT'" 2>&1)
is products_of_both_are_in_the_database "$stored" 72
run profile "$model" --budget 200ms --processes 1 --dim tokens=3 --dim past=10 --batch 2 --json
is one_batch_can_be_asked_for "$(json '$.tokens')" 6
run predict "$model" --dim tokens=1 --dim past=128 --json
[ "$code" -le 1 ] && ok measured_runs_are_learnt_from || not_ok measured_runs_are_learnt_from "$err"
