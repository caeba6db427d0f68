#!/bin/bash
# assay inspect and assay zoo: models written by one are read by the other; what is no model is
# refused with its reason.
source tests/harness.bash

run zoo write resnet18 "$work/resnet18.onnx"
expect zoo_writes_a_model 0 out resnet18.onnx
run inspect "$work/resnet18.onnx" --json
json_is_valid inspection_is_json
is() { [ "$(json "$2")" = "$3" ] && ok "$1" || not_ok "$1" "$(json "$2") instead of $3"; }
is the_name_is_the_stem '$.name' resnet18
is every_shape_is_known '$.unknown_shapes' 0
is the_input_is_described '$.inputs[0].shape' 1x3x224x224
convolutions=$(sqlite3 :memory: "SELECT json_extract(value, '\$.count') FROM json_each(CAST(readfile('$work/out') AS TEXT), '\$.operators')
    WHERE json_extract(value, '\$.type') = 'Conv'")
[ "$convolutions" = 20 ] && ok operators_are_counted_by_type || not_ok operators_are_counted_by_type "$convolutions Conv instead of 20"
[ "$(json '$.flops')" -gt 3600000000 ] && [ "$(json '$.flops')" -lt 3700000000 ] &&
    ok flops_are_as_published || not_ok flops_are_as_published "$(json '$.flops')"
first=$out
run inspect "$work/resnet18.onnx" --json
[ "$out" = "$first" ] && ok the_same_file_gives_the_same_bytes || not_ok the_same_file_gives_the_same_bytes
run inspect "$work/resnet18.onnx" --name other
expect a_name_may_be_given 0 out other
run inspect "$work/resnet18.onnx" --dim nonsense=3
expect a_dimension_it_has_not_is_named 3 err "no symbolic dimension 'nonsense'"
run inspect "$work/resnet18.onnx" --dim nonsense
expect a_dimension_without_size_is_refused 2 err "not of the form name=size"
run zoo write nonsense "$work/x.onnx"
expect an_unknown_architecture_is_refused 2 err nonsense
run zoo write resnet18
expect zoo_write_wants_a_file 2 err "wants a name and a file"
run zoo list --json
json_is_valid zoo_list_is_json

refuse() { # NAME TEXT FILE
    run inspect "$3"
    expect "$1" 3 err "$2"
}
: >"$work/empty.onnx"
refuse an_empty_file_is_refused empty "$work/empty.onnx"
head -c 40000 "$work/resnet18.onnx" >"$work/cut.onnx"
refuse a_truncated_model_is_refused cut.onnx "$work/cut.onnx"
printf '\xff\xd8\xff\xe0\0\x10JFIF\0\x01' >"$work/picture.onnx"
refuse a_picture_is_told_by_its_kind JPEG "$work/picture.onnx"
head -c 100000 /dev/urandom >"$work/noise.onnx"
refuse noise_is_refused noise.onnx "$work/noise.onnx"
refuse an_absent_file_is_refused "No such file" "$work/absent.onnx"
refuse a_folder_is_refused "not a regular file" "$work/"
mkfifo "$work/pipe.onnx"
run inspect "$work/pipe.onnx"
[ "$code" -eq 3 ] && ok a_fifo_is_refused_without_waiting || not_ok a_fifo_is_refused_without_waiting "$err"
refuse an_endless_device_is_refused zero /dev/zero
[ ! -e "$ASSAY_DB" ] && ok inspecting_makes_no_database || not_ok inspecting_makes_no_database

data=${ASSAY_SHARED_DATA:-../shared/data}/models
if [ -e "$data/bert_base.onnx" ]; then
    run inspect "$data/bert_base.onnx" --json
    is parameters_of_external_weights_are_counted '$.parameters' 109150464
    is missing_weight_files_are_told '$.external_files[0].exists' 0
else
    skip parameters_of_external_weights_are_counted "no models in $data"
fi
