#!/bin/sh
# Run a model script shortly:  smoke.sh INTERPRETER MODEL. Exit 77 (skipped) where its data set is not on this machine.
set -eu
interpreter=$1 model=$2
case $(basename "$model") in
mnist.lua)
    [ -n "${LURON_DATA:-}" ] && [ -d "$LURON_DATA/mnist" ] || {
        echo "skipped: MNIST is not in Debian; LURON_DATA names a folder that has mnist/"
        exit 77
    }
    ;;
fashion_mnist.lua)
    checkpoint=smoke_fashion_mnist.h5
    "$interpreter" "$model" --smoke --threads 2 --save "$checkpoint"
    "$interpreter" "$model" --predict "$checkpoint"
    rm -f "$checkpoint"
    exit 0
    ;;
esac
exec "$interpreter" "$model" --smoke --threads 2
