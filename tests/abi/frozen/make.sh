#!/bin/sh
# Make the frozen plugin again: snapshot of the header, binary. To be run while 1.0 is not released, whenever core/include/
# luron/plugin.h has changed; afterwards never, for then it says that old binaries still run.
#
#   tests/abi/frozen/make.sh            with cc, or $CC
#
# The binary that is there was made by: cc (Debian 12.2.0-14+deb12u1) 12.2.0, -O2, x86-64, stripped.
set -eu
cd "$(dirname "$0")"
machine=$(${CC:-cc} -dumpmachine)
case $machine in
x86_64-*linux*) ;;
*)
    echo "make.sh: the binary is for x86-64 on Linux, ${CC:-cc} compiles for $machine" >&2
    exit 1
    ;;
esac
cp ../../../core/include/luron/plugin.h plugin-1.0.h
${CC:-cc} -std=c11 -O2 -Wall -Wextra -Werror -shared -fPIC -fvisibility=hidden -nostdlib -s -o frozen-x86_64.so frozen.c
size=$(wc -c <frozen-x86_64.so)
if [ "$size" -ge 40960 ]; then
    echo "make.sh: the binary has $size bytes, less than 40 KiB expected" >&2
    exit 1
fi
sed -i "s|^# The binary that is there was made by: .*|# The binary that is there was made by: $(${CC:-cc} --version | head -n 1), -O2, x86-64, stripped.|" make.sh
echo "plugin-1.0.h and frozen-x86_64.so ($size bytes) are made; see what changed with git diff --stat"
