#!/bin/sh
# The tests of the tests: each fault in planted/ has to be reported by the check that is there for it.
#   planted.sh BUILD SANITIZERS     LURON_TEST_SOURCE is the source tree
set -u
build=$1 sanitizers=$2
failed=0
# reports TEXT COMMAND...: the command fails and says TEXT
reports() {
    text=$1
    shift
    if "$@" >"$log" 2>&1; then
        echo "not reported: $*"
        failed=1
    elif ! grep -q -e "$text" "$log"; then
        echo "reported by something else than '$text': $*"
        tail -n 20 "$log"
        failed=1
    fi
}
log=$(mktemp)
temp=$(mktemp -d)
trap 'rm -rf "$log" "$temp"' EXIT

# Every one of the program's tests fails.
reports ' 3 FAILED TEST(S)' "$build/tests/planted_gradient"
reports 'blocks, .* bytes were not released' "$build/tests/planted_memory" fixture
reports 'blocks are left' env ASAN_OPTIONS=detect_leaks=0 "$build/tests/planted_memory" sweep
case $sanitizers in
*address*)
    reports 'LeakSanitizer: detected memory leaks' env ASAN_OPTIONS=detect_leaks=1:intercept_tls_get_addr=0 "$build/tests/planted_memory" leak
    reports 'AddressSanitizer: use-after-poison' env ASAN_OPTIONS=detect_leaks=0 "$build/tests/planted_memory" overflow
    reports 'AddressSanitizer: heap-use-after-free' env ASAN_OPTIONS=detect_leaks=0 "$build/tests/planted_memory" released
    ;;
esac

# A bar with failures makes tests/run.sh fail: its own function, over a folder with that bar alone.
bars=$(sed -n '/^bars() {/,/^}/p' "$LURON_TEST_SOURCE/tests/run.sh")
bars_of() {
    mkdir -p "$temp/build"
    env LURON_TEST_BUILD="$temp/build" "$build/tests/planted_bar" "$1" >/dev/null
    (cd "$temp" && sh -c "$bars; bars")
}
bars_of 0 >"$log" || { echo "a bar without failures makes tests/run.sh fail" && failed=1; }
reports 'R0 .* 10 .* 3 ' bars_of 3
exit $failed
