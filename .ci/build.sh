#!/bin/sh
# Configure a build folder and build what changed; the logs stay in it and are shown only when something went wrong.
#   sh .ci/build.sh FOLDER [--target "NAME ..."] [OPTIONS OF CMAKE ...]
set -eu
cd "$(dirname "$0")/.."
folder=$1 target=all
shift
if [ "${1:-}" = --target ]; then
    target=$2
    shift 2
fi
# One that is configured keeps its generator, whichever the user chose.
[ -e "$folder/CMakeCache.txt" ] || set -- -G Ninja "$@"
mkdir -p "$folder"
if ! cmake -S . -B "$folder" "$@" >"$folder/configure.log" 2>&1; then
    cat "$folder/configure.log" >&2
    exit 1
fi
# shellcheck disable=SC2086
if ! cmake --build "$folder" --target $target --parallel "$(nproc)" >"$folder/build.log" 2>&1; then
    tail -n 40 "$folder/build.log" >&2
    exit 1
fi
