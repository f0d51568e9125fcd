#!/bin/sh
# Install what is missing from Debian's packages and build. The one place that knows package names.
#   sh .ci/setup.sh demo    what models/demo.sh needs, a Release build in build/
#   sh .ci/setup.sh bench   the same packages, and what tests/bench/run.sh runs
#   sh .ci/setup.sh test    also what tests/run.sh needs, with the tests built
#   sh .ci/setup.sh clang | valgrind | arm64    the packages of a part of tests/run.sh --long; builds nothing
# As root missing packages are installed; otherwise the one apt line is printed and nothing is touched.
set -eu
cd "$(dirname "$0")/.."
what=${1:-demo}
case $what in demo | bench | test | clang | valgrind | arm64) ;; *)
    echo "usage: sh .ci/setup.sh demo|bench|test|clang|valgrind|arm64" >&2
    exit 2
    ;;
esac

missing='' reasons=''
# need PACKAGE REASON COMMAND...: the package is missing if the command fails
need() {
    package=$1 reason=$2
    shift 2
    if ! "$@" >/dev/null 2>&1; then
        missing="$missing $package"
        reasons="$reasons  $package: $reason
"
    fi
}
has() { pkg-config --exists "$1"; }
need gcc "C compiler" command -v cc
need libc6-dev "C library headers" test -e /usr/include/stdio.h
need cmake "build" command -v cmake
need ninja-build "build" command -v ninja
need pkg-config "finds libraries" command -v pkg-config
need liblua5.4-dev "Lua headers" has lua5.4
need lua5.4 "Lua interpreter" command -v lua5.4
need libhdf5-dev "checkpoints" has hdf5
need libjansson-dev "JSON" has jansson
need zlib1g-dev "compressed data files" has zlib
need lua-argparse "options of the model scripts" lua5.4 -e "require 'argparse'"
need dataset-fashion-mnist "the images that the demo learns" test -e /usr/share/datasets/fashion-mnist/train-images-idx3-ubyte.gz
if [ "$what" = test ]; then
    need g++ "header test in C++" command -v c++
    need libcmocka-dev "C tests" has cmocka
    need lua-busted "Lua tests" command -v busted
    need lua-check "Lua linter" command -v luacheck
    need binutils "symbol tests" command -v nm
    need make "plugins that luron plugin new writes" command -v make
    # The distribution's own Python: another one on the PATH does not see its packages.
    need python3-h5py "reads our checkpoints as a stranger would" /usr/bin/python3 -c "import h5py"
    need hdf5-tools "reads our checkpoints as a stranger would" command -v h5dump
fi
case $what in
clang)
    need clang "a second compiler" command -v clang
    need libomp-dev "its OpenMP, which ThreadSanitizer understands" sh -c 'find /usr/lib -name "libarcher*" | grep -q .'
    ;;
valgrind) need valgrind "reads of uninitialised memory" command -v valgrind ;;
arm64)
    need gcc-aarch64-linux-gnu "cross compiler" command -v aarch64-linux-gnu-gcc
    need libc6-dev-arm64-cross "C library headers" test -e /usr/aarch64-linux-gnu/include/stdio.h
    need qemu-user "runs the tests" command -v qemu-aarch64
    need libjansson-dev:arm64 "JSON" test -e /usr/lib/aarch64-linux-gnu/libjansson.so
    need libcmocka-dev:arm64 "C tests" test -e /usr/lib/aarch64-linux-gnu/libcmocka.so
    need libgomp1:arm64 "threads" test -e /usr/lib/aarch64-linux-gnu/libgomp.so.1
    ;;
esac

if [ -n "$missing" ]; then
    if [ "$(id -u)" != 0 ]; then
        echo "These packages are missing:" >&2
        printf '%s' "$reasons" >&2
        echo "Install them with:" >&2
        echo "    sudo apt-get install -y --no-install-recommends$missing" >&2
        exit 1
    fi
    echo "Installing from Debian's packages:"
    printf '%s' "$reasons"
    export DEBIAN_FRONTEND=noninteractive
    if [ "$what" = arm64 ] && ! dpkg --print-foreign-architectures | grep -q arm64; then
        dpkg --add-architecture arm64
        apt-get update -qq
    fi
    # shellcheck disable=SC2086
    apt-get install -y -qq --no-install-recommends $missing >/dev/null 2>&1 || {
        apt-get update -qq
        apt-get install -y -qq --no-install-recommends $missing >/dev/null
    }
fi

case $what in demo | bench | test) echo "Building in build/ ..." ;; esac
case $what in
demo) exec sh .ci/build.sh build -DCMAKE_BUILD_TYPE=Release -DLURON_BUILD_TESTS=OFF ;;
bench) exec sh .ci/build.sh build --target bench -DCMAKE_BUILD_TYPE=Release ;;
test) exec sh .ci/build.sh build -DCMAKE_BUILD_TYPE=Release -DLURON_BUILD_TESTS=ON ;;
esac
