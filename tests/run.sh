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
# part NAME COMMAND...
part() {
    name=$1
    shift
    began=$(date +%s)
    if "$@"; then
        echo "ok    $name ($(($(date +%s) - began)) s)"
    else
        echo "FAIL  $name ($(($(date +%s) - began)) s)"
        failed="$failed $name"
    fi
}

sh .ci/setup.sh test
# shellcheck source=/dev/null
. build/env.sh
rm -rf build/bars

sanitized() {
    cmake -S . -B build-asan -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_C_FLAGS_RELEASE="-O1 -g1" -DLURON_BUILD_TESTS=ON -DLURON_WERROR=ON -DLURON_SANITIZE=address,undefined >/dev/null &&
        ninja -C build-asan >build-asan/build.log 2>&1 || {
        tail -n 40 build-asan/build.log
        return 1
    }
    # LeakSanitizer guesses where the thread-local blocks of opened libraries begin, and crashes where it guesses wrong
    # ("Tracer caught signal 11"): intercept_tls_get_addr=0 leaves them out.
    ASAN_OPTIONS=detect_leaks=1:intercept_tls_get_addr=0 UBSAN_OPTIONS=print_stacktrace=1 \
        ctest --test-dir build-asan --output-on-failure -j2 -Q -O build-asan/ctest.log || {
        tail -n 60 build-asan/ctest.log
        return 1
    }
    grep 'tests passed' build-asan/ctest.log
}
c_tests() {
    ctest --test-dir build --output-on-failure -j2 -Q -O build/ctest.log || {
        tail -n 80 build/ctest.log
        return 1
    }
    grep 'tests passed' build/ctest.log
}

part "C and Lua tests" c_tests
part "lint" luacheck --no-cache -q lua models tests
part "sanitizers" sanitized
# What the checks of tests/reliability and others have counted (tests/support/bar.h).
bars() {
    printf '%-5s %9s %9s %8s %6s  %s\n' bar n failures seconds seed what
    sort -V build/bars/* | awk -F '\t' '{ printf "%-5s %9d %9d %8.1f %6d  %s\n", $1, $2, $3, $4, $5, $6; failed += $3 } END { exit failed > 0 }'
}
[ -d build/bars ] && part "bars of reliability" bars
if [ $long = 1 ]; then
    for script in tests/long/*.sh; do part "$script" sh "$script"; done
fi
echo "$(($(date +%s) - start)) s in all"
if [ -n "$failed" ]; then
    echo "FAILED:$failed"
    exit 1
fi
echo "All tests passed."
