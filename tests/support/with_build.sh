#!/bin/sh
# Run a command in the environment of a build folder:  with_build.sh BUILD COMMAND...
build=$1
shift
# shellcheck source=/dev/null
. "$build/env.sh"
[ -n "${LURON_TEST_SANITIZE:-}" ] || exec "$@"
# LeakSanitizer's own tracer can crash when threads of OpenMP end while it looks on. Then, and only then, once more: what
# the program does wrong is reported under another heading.
log=$(mktemp)
"$@" >"$log" 2>&1
status=$?
if [ $status -ne 0 ] && grep -q 'LeakSanitizer has encountered a fatal error' "$log"; then
    "$@" >"$log" 2>&1
    status=$?
fi
cat "$log"
rm -f "$log"
exit $status
