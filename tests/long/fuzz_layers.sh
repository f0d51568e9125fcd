#!/bin/sh
# Layers and losses beside PyTorch's in random cases: outputs, and gradients of inputs and parameters.
#     sh tests/long/fuzz_layers.sh [CASES [SEED]]    # LURON_BENCH_PYTHON: an interpreter that has PyTorch, as for tests/bench/run.sh
set -eu
cd "$(dirname "$0")/../.."
python=''
for candidate in "${LURON_BENCH_PYTHON:-}" build/bench/venv/bin/python3 python3; do
    if [ -z "$python" ] && "${candidate:-false}" -c 'import torch' 2>/dev/null; then python=$candidate; fi
done
if [ -z "$python" ]; then
    echo "skipped: no Python with PyTorch; LURON_BENCH_PYTHON names one"
    exit 0
fi
[ -x build/bin/luron ] || sh .ci/setup.sh
mkdir -p build/fuzz
"$python" tests/long/fuzz_layers.py "${1:-2400}" "${2:-1}" >build/fuzz/layers.lua
LURON_PLUGIN_PATH="$PWD/build/lib/luron/plugins" build/bin/luron tests/long/fuzz_layers.lua build/fuzz/layers.lua
