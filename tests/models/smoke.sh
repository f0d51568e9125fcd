#!/bin/sh
# Run a model script shortly:  smoke.sh INTERPRETER MODEL. Exit 77 (skipped) where its data set is not on this machine, which the
# scripts say with exit status 3.
set -eu
interpreter=$1 model=$2 name=$(basename "$2" .lua)
folder=smoke_$name
mkdir -p "$folder"
trap 'rm -rf "$folder"' EXIT
checkpoint=$folder/$name.h5

run() {
    status=0
    "$interpreter" "$model" "$@" || status=$?
    [ $status -ne 3 ] || exit 77
    [ $status -eq 0 ] || exit $status
}

case $name in
dice | neuron) run --smoke --threads 2 ;;
fashion_mnist)
    run --smoke --threads 2 --save "$checkpoint"
    run --predict "$checkpoint"
    ;;
mlp_tabular)
    for set in iris wine breast_cancer digits; do run --smoke --threads 2 --save "$checkpoint" --set $set; done
    ;;
forecast)
    for set in airline sunspots pm25; do run --smoke --threads 2 --save "$checkpoint" --set $set; done
    ;;
char_lstm | char_gpt)
    run --smoke --threads 2 --save "$checkpoint"
    run --sample "$checkpoint" --letters 20
    ;;
autoencoder | vae | gan) run --smoke --threads 2 --save "$checkpoint" --picture "$folder/picture.pgm" ;;
*) run --smoke --threads 2 --save "$checkpoint" ;;
esac
case $name in
dice | neuron) ;;
*) [ -s "$checkpoint" ] ;;
esac
