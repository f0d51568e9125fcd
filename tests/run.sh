#!/bin/sh
# Build and run every test:  sh tests/run.sh [--long]
# --long adds what takes minutes: clang, ThreadSanitizer, valgrind, the kernels for arm64 under qemu.
set -eu
cd "$(dirname "$0")/.."
long=0
for argument in "$@"; do
    case $argument in
    --long) long=1 ;;
    *)
        echo "usage: sh tests/run.sh [--long]" >&2
        exit 2
        ;;
    esac
done
[ $long = 1 ] && export LURON_TEST_LONG=1
start=$(date +%s)
failed=''
# part NAME COMMAND...: the next part. What it prints stands in build/parts/ too; its last line "N things" is its count.
part() {
    name=$1 began=$(date +%s)
    shift
    log=build/parts/$(printf '%s' "$name" | tr '/ ' '__').log
    status=0
    "$@" >"$log" 2>&1 || status=$?
    cat "$log"
    seconds=$(($(date +%s) - began))
    count=$(sed -n '$s/^\([0-9][0-9]* [a-z][a-z -]*\)$/\1/p' "$log")
    result=ok
    if [ $status != 0 ]; then
        result=FAIL
        failed="$failed, $name"
        [ $status -lt 128 ] || count="ended by signal $((status - 128))"
    fi
    printf '%-4s  %-24s %6d s  %s\n' "$result" "$name" "$seconds" "$count" | tee -a build/parts/table
}

sh .ci/setup.sh test
# shellcheck source=/dev/null
. build/env.sh
rm -rf build/bars build/parts
mkdir build/parts

# How many tests ran, from the log of ctest.
count_of() { sed -n 's/.*tests passed, .* out of \([0-9]*\)$/\1 tests/p' "$1"; }
sanitized() {
    # LeakSanitizer guesses where the thread-local blocks of opened libraries begin, and crashes where it guesses wrong
    # ("Tracer caught signal 11"): intercept_tls_get_addr=0 leaves them out. The build runs the command too.
    # Five calls of a stack are kept with each block: thirty take as long as the tests themselves.
    export ASAN_OPTIONS=detect_leaks=1:intercept_tls_get_addr=0:malloc_context_size=5 UBSAN_OPTIONS=print_stacktrace=1
    sh .ci/build.sh build-asan -DCMAKE_BUILD_TYPE=Release -DCMAKE_C_FLAGS_RELEASE="-O1 -g1" -DLURON_BUILD_TESTS=ON -DLURON_WERROR=ON -DLURON_SANITIZE=address,undefined ||
        return 1
    ctest --test-dir build-asan --output-on-failure -j2 -Q -O build-asan/ctest.log || {
        tail -n 60 build-asan/ctest.log
        return 1
    }
    count_of build-asan/ctest.log
}
c_tests() {
    ctest --test-dir build --output-on-failure -j2 -Q -O build/ctest.log || {
        tail -n 80 build/ctest.log
        return 1
    }
    count_of build/ctest.log
}
lint() {
    luacheck --no-cache -q lua models tests && echo "$(find lua models tests -name '*.lua' | wc -l) files"
}

# What the checks of tests/reliability and others have counted (tests/support/bar.h; docs/reliability.md).
bars() {
    [ -d build/bars ] || {
        echo "no check has left a line"
        return 1
    }
    printf '%-5s %9s %9s %8s %6s  %s\n' bar n failures seconds seed what
    sort -V build/bars/* | awk -F '\t' '{ printf "%-5s %9d %9d %8.1f %6d  %s\n", $1, $2, $3, $4, $5, $6; failed += $3; n++ } END { print n " lines"; exit failed > 0 }'
}

part "C and Lua tests" c_tests
part "lint" lint
part "sanitizers" sanitized
part "bars of reliability" bars
if [ $long = 1 ]; then
    for script in tests/long/*.sh; do part "$script" sh "$script"; done
fi
echo
cat build/parts/table
echo "$(($(date +%s) - start)) s in all"
if [ -n "$failed" ]; then
    echo "FAILED: ${failed#, }"
    exit 1
fi
echo "All tests passed."
