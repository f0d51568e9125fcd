#!/bin/sh
# Everything built by clang with warnings as errors, and every test run, in the short form.
set -eu
cd "$(dirname "$0")/../.."
sh .ci/setup.sh clang
sh .ci/build.sh build-clang -DCMAKE_C_COMPILER=clang -DLURON_BUILD_TESTS=ON -DLURON_WERROR=ON
# Budgets of bytes are those of gcc's code.
LURON_TEST_LONG=0 ctest --test-dir build-clang -E lua/budget_spec --output-on-failure -j2 -Q -O build-clang/ctest.log || {
    tail -n 60 build-clang/ctest.log
    exit 1
}
sed -n 's/.*tests passed, .* out of \([0-9]*\)$/\1 tests/p' build-clang/ctest.log
