#!/usr/bin/env bash
# Checks and measures Esper's CUDA path on a machine with a GPU. Needs neither .NET nor apt nor nvcc nor a network:
# a C++ compiler, CMake and GoogleTest, or what './build.sh test --native' built elsewhere, copied with artifacts/.
# Called by './build.sh gpu'; 'benchmarks/gpu/run.sh --help' says what it takes.
set -uo pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
out="${OUT:-$root/benchmarks/results/gpu}"
build="$root/artifacts/build/gpu"
host_build="$root/artifacts/build/gpu-host"
jobs="$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)"
with_host=1 with_sanitizer=1 with_bench=1 with_program=1 prebuilt=0
bench_options=() peer_options=()
bin='' lib=''
done_names=() failed_names=() skipped_names=()

usage() {
  cat <<'HELP'
Usage: ./build.sh gpu [options]

  --out DIR        where results go ($OUT, or benchmarks/results/gpu)
  --quick          few repetitions on an eighth of the rows
  --scale N        few repetitions on one row in N, to try the script
  --prebuilt       take what lies in artifacts/build/release instead of building
  --no-host        do not build libesper_host, even where a libtorch is found
  --no-sanitizer   leave compute-sanitizer out
  --no-bench       leave the benchmarks out
  --no-program     leave the training run out

Builds the native part, runs the device tests, the same under compute-sanitizer, the benchmarks (against eager PyTorch
too, where there is one with CUDA), and a training run if a self-contained esper is at artifacts/publish/esper or
$ESPER_PROGRAM.
HELP
}

say() { printf '%s\n' "$*"; }
note() { printf 'Note: %s\n' "$*" >&2; }
die() {
  printf 'Error: %s\n' "$1" >&2
  shift
  local line
  for line in "$@"; do printf '  %s\n' "$line" >&2; done
  exit 2
}
have() { command -v "$1" >/dev/null 2>&1; }

# step NAME SECONDS COMMAND...: one line of output and a log; remembers how it went.
step() {
  local name=$1 limit=$2 log status=0 start=$SECONDS
  shift 2
  log="$out/logs/${name//[^A-Za-z0-9]/-}.log"
  mkdir -p "${log%/*}"
  printf '  %-44s' "$name"
  timeout -k 10 "$limit" "$@" >"$log" 2>&1 </dev/null || status=$?
  if ((status == 0)); then
    printf '%5d s\n' $((SECONDS - start))
    done_names+=("$name")
    return 0
  fi
  if ((status == 124)); then
    printf '%5d s  timed out\n' $((SECONDS - start))
  else
    printf '%5d s  failed (%d)\n' $((SECONDS - start)) "$status"
  fi
  tail -n 25 "$log" | sed 's/^/    | /'
  failed_names+=("$name")
  return "$status"
}

skip() { # skip NAME REASON
  printf '  %-44s skipped: %s\n' "$1" "$2"
  skipped_names+=("$1: $2")
}

options() {
  while (($# > 0)); do
    case "$1" in
      --out)
        [[ -n "${2:-}" ]] || die "--out needs a directory."
        out=$2
        shift
        ;;
      --quick | --scale)
        local scale=8
        if [[ "$1" == --scale ]]; then
          [[ "${2:-}" =~ ^[1-9][0-9]*$ ]] || die "--scale needs a number of 1 or more."
          scale=$2
          shift
        fi
        bench_options=(--repeats 5 --scale "$scale")
        peer_options=(--rounds 5 --scale "$scale")
        ;;
      --prebuilt) prebuilt=1 ;;
      --no-host) with_host=0 ;;
      --no-sanitizer) with_sanitizer=0 ;;
      --no-bench) with_bench=0 ;;
      --no-program) with_program=0 ;;
      -h | --help)
        usage
        exit 0
        ;;
      *) die "'gpu' does not know '$1'." "'./build.sh gpu --help' lists its options." ;;
    esac
    shift
  done
}

# A driver that another program named counts: the tests' fake one tries this script.
require_gpu() {
  [[ -z "${ESPER_CUDA_DRIVER:-}" ]] || return 0
  local found=''
  found="$({ ldconfig -p 2>/dev/null || /sbin/ldconfig -p 2>/dev/null; } | grep -m 1 'libcuda\.so\.1')"
  [[ -n "$found" || -e /usr/lib/x86_64-linux-gnu/libcuda.so.1 || -e /usr/local/nvidia/lib64/libcuda.so.1 ]] ||
    die "This machine has no CUDA driver (libcuda.so.1)." \
      "The CUDA path is checked without one by './build.sh test'. A driver elsewhere: ESPER_CUDA_DRIVER=FILE."
  compgen -G '/dev/nvidia[0-9]*' >/dev/null || [[ -e /dev/dxg ]] ||
    die "This machine has a CUDA driver but no GPU (/dev/nvidia0 is missing)." \
      "In a container, hand the GPU in, for example with 'docker run --gpus all'."
}

python_with_torch() { # prints a Python that has PyTorch
  local candidate
  for candidate in python3 /usr/bin/python3 /opt/conda/bin/python3; do
    if have "$candidate" && "$candidate" -c 'import torch' >/dev/null 2>&1; then
      printf '%s' "$candidate"
      return 0
    fi
  done
  return 1
}

configure() { # configure DIRECTORY OPTION...
  local directory=$1
  shift
  local generator=()
  if have ninja; then generator=(-G Ninja); fi
  cmake -S "$root" -B "$directory" "${generator[@]}" -D CMAKE_BUILD_TYPE=RelWithDebInfo "$@"
}

take_prebuilt() {
  bin="$root/artifacts/build/release/bin" lib="$root/artifacts/build/release/lib"
  [[ -x "$bin/esper_cuda_device_tests" && -e "$lib/libesper.so" ]] ||
    die "$1" "Nothing prebuilt lies in artifacts/build/release either; build it elsewhere and copy it along."
  note "$1 Taking what was built before, in artifacts/build/release."
}

build_native() {
  if ((prebuilt)); then
    take_prebuilt "Asked for the prebuilt program."
    return 0
  fi
  local compiler=''
  for compiler in "${CXX:-}" c++ g++ clang++ ''; do [[ -z "$compiler" ]] || ! have "$compiler" || break; done
  if ! have cmake || [[ -z "$compiler" ]]; then
    take_prebuilt "There is no CMake or no C++ compiler here."
    return 0
  fi
  if ! step "configure" 120 configure "$build" -D ESPER_BUILD_HOST=OFF -D ESPER_BUILD_BENCHMARKS=ON; then
    unset 'failed_names[-1]'
    take_prebuilt "Configuring failed; GoogleTest may be missing."
    return 0
  fi
  step "build" 540 cmake --build "$build" --parallel "$jobs" \
    --target esper esper_cuda_device_tests esper_cuda_driver_tests cuda_lattice_bench || die "The build failed."
  bin="$build/bin" lib="$build/lib"
}

# Against the libtorch of a Python, 2.x mostly: that it compiles and its tests pass is worth knowing by itself.
build_host() {
  if ((!with_host || prebuilt)); then
    skip "libesper_host" "left out"
    return 0
  fi
  local python prefix=''
  if python="$(python_with_torch)"; then
    prefix="$("$python" -c 'import torch; print(torch.utils.cmake_prefix_path)' 2>/dev/null)"
  fi
  if [[ -z "$prefix" ]]; then
    skip "libesper_host" "no PyTorch whose libtorch could be used"
    return 0
  fi
  step "configure libesper_host" 180 configure "$host_build" -D ESPER_BUILD_HOST=ON \
    -D CMAKE_PREFIX_PATH="$prefix" || return 0
  step "build libesper_host" 570 cmake --build "$host_build" --parallel "$jobs"
}

describe_machine() {
  {
    printf 'commit %s\n' "$(git -C "$root" rev-parse HEAD 2>/dev/null || echo unknown)"
    printf 'date %s\n' "$(date -u +%Y-%m-%dT%H:%MZ)"
    if have nvidia-smi; then
      nvidia-smi --query-gpu=name,driver_version,memory.total,clocks.max.sm,clocks.max.mem,power.limit --format=csv
    fi
  } >"$out/machine.txt" 2>&1
}

device_tests() {
  step "device tests" 400 "$bin/esper_cuda_device_tests" --gtest_output="json:$out/device_tests.json"
  # A run in which everything was skipped has shown nothing.
  if grep -q '\[  PASSED  \] 0 tests' "$out/logs/device-tests.log" 2>/dev/null; then
    say "    every test was skipped:"
    grep -m 1 -A 1 'Skipped' "$out/logs/device-tests.log" | sed 's/^/    | /'
    failed_names+=("device tests ran nothing")
  fi
}

find_sanitizer() {
  local candidate
  for candidate in compute-sanitizer "${CUDA_HOME:-/usr/local/cuda}/bin/compute-sanitizer" \
    /usr/local/cuda*/bin/compute-sanitizer; do
    if have "$candidate"; then
      printf '%s' "$candidate"
      return 0
    fi
  done
  return 1
}

sanitizer_tests() {
  local sanitizer tool
  if ((!with_sanitizer)) || ! sanitizer="$(find_sanitizer)"; then
    skip "compute-sanitizer" "$( ((with_sanitizer)) && echo "not installed" || echo "left out")"
    return 0
  fi
  for tool in memcheck racecheck synccheck initcheck; do
    step "compute-sanitizer $tool" 240 "$sanitizer" --tool "$tool" --error-exitcode 9 \
      "$bin/esper_cuda_device_tests" '--gtest_filter=*InPlace*:*Captured*:*Updates*:*Optimizer*'
  done
}

benchmarks() {
  if ((!with_bench)); then
    skip "benchmarks" "left out"
    return 0
  fi
  step "benchmark: share of the copy rate" 400 "$bin/cuda_lattice_bench" --json "$out/cuda_lattice.jsonl" \
    "${bench_options[@]}"
  local python
  if python="$(python_with_torch)" && "$python" -c 'import sys, torch; sys.exit(not torch.cuda.is_available())'; then
    step "benchmark: against eager PyTorch" 560 "$python" "$root/benchmarks/peers/lattice_cuda.py" \
      --library "$lib/libesper.so" --json "$out/lattice_cuda.jsonl" "${peer_options[@]}"
  else
    skip "benchmark: against eager PyTorch" "no PyTorch with CUDA"
  fi
  if have python3; then
    step "table" 30 python3 "$root/benchmarks/gpu/table.py" "$out"
  else
    skip "table" "no Python 3; the JSON lines are complete"
  fi
}

program() {
  local esper="${ESPER_PROGRAM:-$root/artifacts/publish/esper}"
  if ((!with_program)) || [[ ! -x "$esper" ]]; then
    skip "training on the GPU" "$( ((with_program)) && echo "no program at $esper" || echo "left out")"
    return 0
  fi
  rm -rf "$out/run"
  step "training on the GPU" 300 "$esper" train --device cuda --host cnn3:8-16-32 --dataset glyphs --epochs 2 --seed 7 \
    --train-limit 2000 --out "$out/run"
}

summary() {
  local line
  say "${#done_names[@]} passed, ${#failed_names[@]} failed, ${#skipped_names[@]} skipped; results in $out"
  for line in "${failed_names[@]}"; do say "  FAILED  $line"; done
  for line in "${skipped_names[@]}"; do say "  skipped $line"; done
  ((${#failed_names[@]} == 0))
}

main() {
  options "$@"
  require_gpu
  mkdir -p "$out/logs" || die "$out cannot be written."
  out="$(cd "$out" && pwd)"
  describe_machine
  build_native
  device_tests
  sanitizer_tests
  benchmarks
  build_host
  program
  summary
}

main "$@"
