#!/bin/sh
# Core compiled for arm64, and the tests of its kernels, ops and tape run under qemu-user. On x86-64 Debian, as root the
# first time (foreign packages). What this does not try: the plugins, the Lua module, a real arm64 machine.
set -eu
cd "$(dirname "$0")/../.."
[ "$(uname -m)" = x86_64 ] || {
    echo "skipped: cross-compiles from x86-64 only"
    exit 0
}
sh .ci/setup.sh arm64
out=build/arm64
mkdir -p "$out"
flags="-std=gnu11 -O2 -g1 -Wall -Wextra -fno-math-errno -ffp-contract=off -fopenmp -Icore/include -Icore/src -Itests/support"
objects=''
for source in core/src/*.c core/src/kernels/*.c; do
    object=$out/$(basename "$source" .c).o
    # shellcheck disable=SC2086
    aarch64-linux-gnu-gcc $flags -c "$source" -o "$object"
    objects="$objects $object"
done
# -O1 for the tests: the vectoriser of gcc 12 for arm64 fails on one of their loops (an internal compiler error).
failed=0
for name in alloc tensor convert elementwise gemm reduce sum_to softmax matmul view index arrange random autograd tape; do
    # shellcheck disable=SC2086
    aarch64-linux-gnu-gcc $flags -O1 "tests/core/test_$name.c" tests/support/tensor_assert.c $objects -o "$out/test_$name" \
        -L/usr/lib/aarch64-linux-gnu -lcmocka -ljansson -lm -ldl -lpthread
    if ! LURON_NUM_THREADS=2 qemu-aarch64 -L / -E LD_LIBRARY_PATH=/usr/lib/aarch64-linux-gnu "$out/test_$name" >"$out/test_$name.log" 2>&1; then
        tail -n 20 "$out/test_$name.log"
        failed=1
    fi
done
[ $failed = 0 ] || exit 1
awk '/PASSED/ { n += $4 } END { print n " tests" }' "$out"/test_*.log
