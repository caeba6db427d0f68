#!/bin/bash
# The main job on real models, from nothing: learns the machine from random networks, builds published
# architectures and takes one trained model, measures them, predicts each without itself, plans,
# writes the report.
# Usage: cli/quickstart.sh [BUILD]; called by `make quickstart`. Everything it makes lies in
# quickstart/.
set -euo pipefail
build=${1:-build}
assay=$build/assay
here=quickstart
speech=node_modules/@ricky0123/vad-web/dist/silero_vad_legacy.onnx
architectures=(resnet18 resnet50 mobilenet_v2 mobilenet_v3_small squeezenet1_1 efficientnet_b0
    shufflenet_v2_x1_0 regnet_x_400mf deit_tiny bert_mini llama_stories260k)
calibration=90s
shown=(resnet50 mobilenet_v2 bert_mini silero_vad)
plan=(--rate 200 --slo p99=250ms --node cpus=8,memory=32GiB,price=0.38)

mkdir -p "$here"
export ASSAY_DB=$PWD/$here/assay.db
rm -f "$ASSAY_DB" "$ASSAY_DB"-wal "$ASSAY_DB"-shm

say() {
    printf '\n== %s\n' "$*"
}

say "1. Models: ${#architectures[@]} published architectures with seeded weights, one trained model"
for name in "${architectures[@]}"; do
    [ -e "$here/$name.onnx" ] || "$assay" -q zoo write "$name" "$here/$name.onnx" >/dev/null
done
ls -1sh "$here"/*.onnx "$speech"

say "2. Calibration: random networks teach the cost models, for $calibration (assay calibrate)"
"$assay" calibrate --budget "$calibration"

say "3. Profiles: every operator, in fresh processes (assay profile MODEL)"
for name in "${architectures[@]}"; do
    "$assay" -q profile "$here/$name.onnx" --budget 3s --operators 1 | sed -n '1p;3p'
done
"$assay" -q profile "$speech" --name silero_vad --budget 3s --operators 1 \
    --dim batch=1 --dim sequence=1536 --input sr=16000 | sed -n '1p;3p'

say "4. Cost models from all that is stored (assay fit)"
"$assay" fit 

say "5. Predicted beside measured: learnt from random networks alone (assay accuracy --from calibrate)"
"$assay" accuracy --from calibrate

say "6. Replicas and nodes for 200 requests a second (assay plan)"
for name in "${shown[@]}"; do
    case $name in
    silero_vad) model=("$speech" --name silero_vad --dim batch=1 --dim sequence=1536 --input sr=16000) ;;
    *) model=("$here/$name.onnx") ;;
    esac
    # Exit code 1 is an answer too: no number of replicas helps.
    answer=$("$assay" -q plan "${model[@]}" --leave-out-self "${plan[@]}") || [ $? -eq 1 ]
    printf '%s: %s\n' "$name" "${answer%%$'\n'*}"
done

say "7. The report (assay report)"
"$assay" report -o "$here/report.html" --plan-model mobilenet_v2 "${plan[@]}"
printf '\nThe report: file://%s/%s/report.html\n' "$PWD" "$here"
