#!/bin/sh
# Run a command in the environment of a build folder:  with_build.sh BUILD COMMAND...
build=$1
shift
# shellcheck source=/dev/null
. "$build/env.sh"
exec "$@"
