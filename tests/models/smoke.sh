#!/bin/sh
# Run a model script shortly:  smoke.sh INTERPRETER MODEL. Exit 77 (skipped) where its data set is not on this machine, which the
# scripts say with exit status 3.
set -eu
interpreter=$1 model=$2 name=$(basename "$2" .lua)
folder=smoke_$name
mkdir -p "$folder"
trap 'rm -rf "$folder"' EXIT
checkpoint=$folder/of/its/$name.h5 # in a folder that the script makes

run() {
    status=0
    "$interpreter" "$model" "$@" || status=$?
    [ $status -ne 3 ] || exit 77
    [ $status -eq 0 ] || exit $status
}

# Without its data a script names the file that it wants.
case $name in
dice | neuron) ;;
*)
    status=0
    "$interpreter" "$model" --smoke --data "$folder/none" 2>"$folder/message" || status=$?
    [ $status -eq 3 ] && grep -q "^$name.lua: no .* in $folder/none/.*: --data DIR or LURON_DATA names the folder" "$folder/message" || {
        cat "$folder/message"
        echo "$name.lua without its data: status $status, 3 and what it wants expected"
        exit 1
    }
    # Where nothing can be saved it says so before it begins.
    status=0
    "$interpreter" "$model" --smoke --save "$folder/message/no/$name.h5" 2>"$folder/said" || status=$?
    [ $status -eq 1 ] && grep -q "^$name.lua: --save: $folder/message/no is no folder, and none can be made there$" "$folder/said"
    ;;
esac

case $name in
dice | neuron) run --smoke --threads 2 ;;
fashion_mnist)
    run --smoke --threads 2 --save "$checkpoint"
    run --predict "$checkpoint"
    ;;
mlp_tabular)
    for set in wine breast_cancer digits iris; do run --smoke --threads 2 --save "$checkpoint" --set $set; done
    # What docs/models.md says of the file.
    sed -n "s:^    ::; s:mlp_tabular.h5:$checkpoint:; /^local luron = /,/^print/p" "$(dirname "$model")/../docs/models.md" >"$folder/predict.lua"
    [ "$("$interpreter" "$folder/predict.lua")" = virginica ]
    ;;
forecast)
    for set in airline sunspots pm25; do run --smoke --threads 2 --save "$checkpoint" --set $set; done
    ;;
char_lstm | char_gpt)
    run --smoke --threads 2 --save "$checkpoint"
    run --sample "$checkpoint" --letters 20
    # What another script has saved.
    echo "local nn = require('luron').nn nn.Sequential { nn.Linear(3, 2) }:save '$folder/other.h5'" >"$folder/other.lua"
    "$interpreter" "$folder/other.lua"
    status=0
    "$interpreter" "$model" --sample "$folder/other.h5" 2>"$folder/message" || status=$?
    [ $status -eq 1 ]
    grep -q "^$name.lua: $folder/other.h5: a checkpoint of another script: --sample takes what this one has saved$" "$folder/message"
    ;;
autoencoder) run --smoke --threads 2 --save "$checkpoint" --picture "$folder/picture.pgm" ;;
vae | gan) # files of their usual names, in a folder that the script makes
    run --smoke --threads 2 --out "$folder/new/it's"
    [ -s "$folder/new/it's/$name.pgm" ]
    checkpoint="$folder/new/it's/smoke_$name.h5"
    ;;
*) run --smoke --threads 2 --save "$checkpoint" ;;
esac
case $name in
dice | neuron) ;;
*) [ -s "$checkpoint" ] ;;
esac
