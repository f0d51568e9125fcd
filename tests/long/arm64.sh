#!/bin/sh
# Core and the plugins that need no library compiled for arm64 as a build there would, and tests of kernels, ops, tape, plans and
# layers run under qemu-user. On x86-64 Debian, as root the first time (foreign packages). What this does not try: test_conv, whose
# loops take qemu many minutes (test_conv_layers is run), the plugins of files, the Lua module, a real arm64 machine.
set -eu
cd "$(dirname "$0")/../.."
[ "$(uname -m)" = x86_64 ] || {
    echo "skipped: cross-compiles from x86-64 only"
    exit 0
}
sh .ci/setup.sh arm64
out=build-arm64
mkdir -p $out/pkgconfig
# Debian's libhdf5-dev is there for one architecture at a time: nothing that wants it is built, but CMake asks.
for name in hdf5 zlib; do printf 'Name: %s\nDescription: not for arm64\nVersion: 1\n' $name >$out/pkgconfig/$name.pc; done
export PKG_CONFIG_LIBDIR=$PWD/$out/pkgconfig:/usr/lib/aarch64-linux-gnu/pkgconfig
core='alloc|arrange|autograd|convert|elementwise|gemm|host_gemm|index|matmul|optim_runs|pairs|plan_fuse|plan_optim|random'
core="$core|reduce|softmax|sum_to|tape|tensor|vecmath|view"
plugins='conv_layers|norm|pool|pool_plan'
built=$(printf 'plugin_%s ' activation attention conv embedding linear loss noise norm optim pool recurrent shape)
sh .ci/build.sh $out --target "$built $(echo "|$core|$plugins" | sed 's/|/ test_/g')" -DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR=aarch64 \
    -DCMAKE_C_COMPILER=aarch64-linux-gnu-gcc -DLURON_BUILD_TESTS=ON -DLURON_BUILD_LUA=OFF -DLURON_WERROR=ON \
    -DCMAKE_CROSSCOMPILING_EMULATOR="qemu-aarch64;-L;/;-E;LD_LIBRARY_PATH=/usr/lib/aarch64-linux-gnu"
LURON_NUM_THREADS=2 ctest --test-dir $out --output-on-failure -j2 -R "core/test_($core)(_plain)?$|plugins/test_($plugins)$" -Q -O $out/ctest.log || {
    tail -n 60 $out/ctest.log
    exit 1
}
sed -n 's/.*tests passed, .* out of \([0-9]*\)$/\1 tests/p' $out/ctest.log
