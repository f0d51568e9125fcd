#!/bin/sh
# One command from a bare Debian to a network that has learned real images:  sh models/demo.sh
set -eu
cd "$(dirname "$0")/.."
sh .ci/setup.sh demo
mkdir -p build/demo
checkpoint=build/demo/fashion_mnist.h5

echo
echo "Training on Fashion-MNIST (60,000 pictures of clothes) ..."
build/bin/luron models/fashion_mnist.lua --epochs 10 --save "$checkpoint"
echo
echo "Loading $checkpoint in a fresh process ..."
build/bin/luron models/fashion_mnist.lua --predict "$checkpoint"
echo
echo "Next: change the network in models/fashion_mnist.lua and run   build/bin/luron models/fashion_mnist.lua"
echo "Or use it from your own scripts:   . build/env.sh   and then   lua5.4 models/dice.lua"
