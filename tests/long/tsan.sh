#!/bin/sh
# Core under ThreadSanitizer: clang with libomp and its Archer tool, since gcc's libgomp gives false reports. A planted race
# has to be reported first, or the run would prove nothing.
set -eu
cd "$(dirname "$0")/../.."
sh .ci/setup.sh clang
mkdir -p build-tsan
archer=$(find /usr/lib -name 'libarcher*.so*' | head -n 1)
[ -n "$archer" ] || {
    echo "no libarcher found"
    exit 1
}
export OMP_TOOL_LIBRARIES="$archer" TSAN_OPTIONS="ignore_noninstrumented_modules=1 halt_on_error=1 exitcode=66"
cat >build-tsan/race.c <<'RACE'
#include <stdio.h>
int main(void) {
    int n = 0;
#pragma omp parallel for num_threads(2)
    for (int i = 0; i < 100000; i++) n += i;
    return printf("%d\n", n) < 0;
}
RACE
clang -g -O1 -fopenmp -fsanitize=thread build-tsan/race.c -o build-tsan/race
if ./build-tsan/race >build-tsan/race.log 2>&1; then
    echo "the planted race was not reported"
    exit 1
fi
grep -q 'data race' build-tsan/race.log
cmake -S . -B build-tsan -G Ninja -DCMAKE_C_COMPILER=clang -DLURON_BUILD_TESTS=ON -DLURON_BUILD_LUA=OFF -DLURON_SANITIZE=thread >/dev/null
ninja -C build-tsan >build-tsan/build.log 2>&1 || {
    tail -n 40 build-tsan/build.log
    exit 1
}
# A sum in which all threads add into one number, by the library's own loop; and the same as it should be.
if ./build-tsan/tests/planted_race >build-tsan/race.log 2>&1 || ! grep -q 'data race' build-tsan/race.log; then
    echo "the planted race in a parallel sum was not reported"
    exit 1
fi
./build-tsan/tests/planted_race right
ctest --test-dir build-tsan --output-on-failure -j2 -R 'core/test_(alloc|gemm|elementwise|reduce|softmax|matmul|random|layer|index|sum_to)$|plugins/test_(optim|loss|noise)$' \
    -Q -O build-tsan/ctest.log || {
    grep -B2 -A30 'WARNING: ThreadSanitizer' build-tsan/ctest.log | head -n 60
    tail -n 20 build-tsan/ctest.log
    exit 1
}
grep 'tests passed' build-tsan/ctest.log
