#!/bin/sh
# Luron beside its peers, one table:  sh tests/bench/run.sh [options]
#   --quick            five rounds, one thread, without torch.compile: within five minutes
#   --compile          torch.compile with --quick too: takes up to a minute a model, once
#   --threads 1,2      for every number of threads (without --quick the default)
#   --only NAME,...    these workloads (the names of the scripts here; gemm); layers, 185 layers, losses and optimisers beside
#                      PyTorch's in two to three minutes with --quick, runs only when it is named
#   --library N=FILE   a library with cblas_sgemm or dnnl_sgemm beside those that ldconfig knows; may stand several times
#   --install-peers    bring PyTorch first, into build/bench/venv
#   --smoke            seconds, without peers: does the harness work?
# Environment: LURON_BENCH_PYTHON, a python3 with PyTorch; LURON_DATA, a folder with mnist/ or fashion-mnist/ (IDX),
# tinyshakespeare/input.txt, cifar10/data_batch_1.bin.gz; LURON_BENCH_BUILD, a configured build folder to use as
# it is; what it lacks is built.
set -eu
cd "$(dirname "$0")/../.."
install=0 smoke=0
# The options for run.lua stay in "$@".
for argument in "$@"; do
    shift
    case $argument in
    --install-peers) install=1 ;;
    -h | --help)
        sed -n '2,14s/^# \{0,1\}//p' "$0"
        exit 0
        ;;
    *)
        [ "$argument" != --smoke ] || smoke=1
        set -- "$@" "$argument"
        ;;
    esac
done
build=${LURON_BENCH_BUILD:-$PWD/build}
if [ -z "${LURON_BENCH_BUILD:-}" ]; then
    sh .ci/setup.sh bench >&2
else
    missing=''
    for source in tests/bench/bench_*.c; do
        [ -x "$build/tests/$(basename "$source" .c)" ] || missing=1
    done
    [ -x "$build/bin/luron" ] || missing=1
    [ -z "$missing" ] || cmake --build "$build" --target bench --parallel "$(nproc)" >&2
fi
out=$build/bench
[ $smoke = 0 ] || out=$out/smoke # a test must not meet a run
mkdir -p "$out"

has_torch() { "$1" -c 'import torch, numpy' >/dev/null 2>&1; }
install_peers() {
    echo "Installing PyTorch into $out/venv: 200 MB to download where PyPI has a build for processors alone, several GB elsewhere ..." >&2
    if python3 -m venv "$out/venv" && "$out/venv/bin/pip" install -q numpy torch==2.13.0; then
        return
    fi
    rm -rf "$out/venv"
    echo "That failed; Debian's python3-torch is the next best: about 230 MB to download, 1 GB on disk ..." >&2
    if [ "$(id -u)" != 0 ]; then
        echo "Install it with:    sudo apt-get install -y --no-install-recommends python3-torch python3-numpy" >&2
        exit 1
    fi
    apt-get install -y -qq --no-install-recommends python3-torch python3-numpy >/dev/null
}
[ $install = 0 ] || install_peers

python=''
if [ $smoke = 0 ]; then
    for candidate in "${LURON_BENCH_PYTHON:-}" "$out/venv/bin/python3" python3 /usr/bin/python3; do
        [ -n "$candidate" ] || continue
        if has_torch "$candidate"; then
            python=$candidate
            break
        elif [ "$candidate" = "${LURON_BENCH_PYTHON:-}" ]; then
            echo "bench: LURON_BENCH_PYTHON=$candidate is no python3 that imports torch and numpy" >&2
            exit 2
        fi
    done
    [ -n "$python" ] || echo "No PyTorch found: Luron alone. --install-peers brings it, LURON_BENCH_PYTHON names a python3 that has it." >&2
fi
exec "$build/bin/luron" tests/bench/support/run.lua "$PWD/tests/bench" "$build" "$out" "$python" "$@"
