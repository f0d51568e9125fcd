#!/bin/sh
# Uninitialised reads, which the sanitizers of the default run do not see: the C tests of core under valgrind.
set -eu
cd "$(dirname "$0")/../.."
sh .ci/setup.sh valgrind
export LURON_NUM_THREADS=1 LURON_ISA=plain LURON_PLUGIN_PATH="$PWD/build/lib/luron/plugins" LURON_TEST_BUILD="$PWD/build" LURON_TEST_SOURCE="$PWD"
failed=0
for name in alloc tensor view index matmul softmax layer model options compose; do
    if ! valgrind -q --error-exitcode=9 --suppressions=tests/support/valgrind.supp "build/tests/test_$name" >"build/valgrind_$name.log" 2>&1; then
        tail -n 30 "build/valgrind_$name.log"
        failed=1
    fi
done
exit $failed
