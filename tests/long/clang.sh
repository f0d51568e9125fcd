#!/bin/sh
# Everything built by clang with warnings as errors, and every C test run.
set -eu
cd "$(dirname "$0")/../.."
sh .ci/setup.sh clang
cmake -S . -B build-clang -G Ninja -DCMAKE_C_COMPILER=clang -DLURON_BUILD_TESTS=ON -DLURON_WERROR=ON >/dev/null
ninja -C build-clang >build-clang/build.log 2>&1 || {
    tail -n 40 build-clang/build.log
    exit 1
}
ctest --test-dir build-clang --output-on-failure -j2 -Q -O build-clang/ctest.log || {
    tail -n 60 build-clang/ctest.log
    exit 1
}
grep 'tests passed' build-clang/ctest.log
