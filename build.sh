#!/usr/bin/env bash
# Builds, tests and runs Esper. Every command does what it needs first; './build.sh help' lists them.
set -euo pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
artifacts="$root/artifacts"
logs="$artifacts/logs"
native="$artifacts/build/release"
program="$artifacts/bin/esper"
jobs="$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)"

# What a Debian 12 machine needs beside the .NET SDK. libtorch computes through libblas.so.3, which the OpenBLAS package
# provides; with the reference BLAS it is about a hundred times slower. clang parses the C headers for the bindings.
packages=(g++ cmake ninja-build libtorch-dev libopenblas0-pthread libgtest-dev clang-14)
# What only tests use, for example python3-torch: wanted, but no reason to stop where it cannot be had.
read -ra extra_packages <<<"${ESPER_EXTRA_PACKAGES:-}"

red='' green='' yellow='' dim='' plain=''
if [[ -t 1 && -z "${NO_COLOR:-}" && "${TERM:-dumb}" != dumb ]]; then
  red=$'\e[31m' green=$'\e[32m' yellow=$'\e[33m' dim=$'\e[2m' plain=$'\e[0m'
fi

export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_SKIP_FIRST_TIME_EXPERIENCE=1
if [[ -n "${CI:-}" ]]; then
  # Build servers that outlive the job keep its pipes open.
  export MSBUILDDISABLENODEREUSE=1 UseSharedCompilation=false DOTNET_CLI_USE_MSBUILD_SERVER=0
fi
if [[ -z "${HOME:-}" ]]; then
  export HOME="$artifacts/home"
  mkdir -p "$HOME"
fi

usage() {
  cat <<'HELP'
Usage: ./build.sh COMMAND [arguments]

  setup              install what is missing (Debian 12 and relatives, with apt)
       --nvrtc       also NVIDIA's run-time compiler, from Debian's non-free component
  build              build the native libraries and the program, artifacts/bin/esper
  test               build everything and run all tests; ends with "N passed, N failed"
       --native      only the native tests, plain and under sanitizers
       --managed     only the managed tests
       --filter X    only tests whose name contains X
  demo [options]     grow a small network on the built-in glyphs; options go to 'esper train'
  bench [NAME ...]   list the benchmark programs, or run one with its arguments (--json FILE)
  gpu [options]      check and measure the CUDA path on a machine with a GPU; needs no .NET ('gpu --help')
  bindings [--check] regenerate the C# bindings from the C headers, or see whether they are current
  format [--check]   format the sources, or see whether they are
  clean              remove artifacts/; recorded runs stay
  help               show this

Logs lie in artifacts/logs. docs/building.md says more.
HELP
}

# --- output ---------------------------------------------------------------------------------------------------------

say() { printf '%s\n' "$*"; }
warn() { printf '%sNote: %s%s\n' "$yellow" "$*" "$plain" >&2; }
die() {
  printf '%sError: %s%s\n' "$red" "$1" "$plain" >&2
  shift
  local line
  for line in "$@"; do printf '  %s\n' "$line" >&2; done
  exit 1
}

# A time in microseconds, whatever the locale's decimal sign.
now() { printf '%s' "${EPOCHREALTIME//[.,]/}"; }

elapsed() { # elapsed START: seconds since START, "12.3"
  local tenths=$((($(now) - $1) / 100000))
  printf '%d.%d' $((tenths / 10)) $((tenths % 10))
}

log_of() { printf '%s/%s.log' "$logs" "${1//[^A-Za-z0-9]/-}"; }

# stage NAME COMMAND...: one line of output, the rest goes to the log; a failure shows the log's tail.
stage() {
  local name=$1 log start status=0
  log="$(log_of "$name")"
  shift
  mkdir -p "$logs"
  start="$(now)"
  [[ ! -t 1 ]] || printf '  %-34s' "$name"
  "$@" >"$log" 2>&1 </dev/null || status=$?
  [[ -t 1 ]] || printf '  %-34s' "$name"
  if ((status == 0)); then
    printf '%s%7s s%s\n' "$dim" "$(elapsed "$start")" "$plain"
  else
    printf '%s%7s s  failed%s\n' "$red" "$(elapsed "$start")" "$plain"
    tail -n 40 "$log" | sed 's/^/    | /'
    say "    whole log: ${log#"$root"/}"
  fi
  return "$status"
}

must() { stage "$@" || exit 1; }

# --- setup ----------------------------------------------------------------------------------------------------------

have() { command -v "$1" >/dev/null 2>&1; }

require_dotnet() {
  local major=''
  if have dotnet; then
    major="$(cd / && dotnet --list-sdks 2>/dev/null | sed -n 's/^\(1[0-9]\|[2-9][0-9]\)\..*/\1/p' | sort -n | tail -n 1)"
  fi
  [[ -n "$major" ]] || die "The .NET SDK 10 is missing." \
    "Debian 12 has no package of it. Install it from https://dotnet.microsoft.com/download/dotnet/10.0," \
    "for example: curl -sSL https://dot.net/v1/dotnet-install.sh | bash -s -- --channel 10.0" \
    "and put it on the PATH (the script installs to ~/.dotnet)."
}

missing_packages() {
  local package
  for package in "${packages[@]}"; do
    case "$package" in
      # A compiler or tool from elsewhere serves as well.
      g++) have g++ || have clang++ || say "$package" ;;
      cmake) have cmake || say "$package" ;;
      ninja-build) have ninja || say "$package" ;;
      clang-14) have clang-14 || have clang || say "$package" ;;
      *)
        dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || say "$package"
        ;;
    esac
  done
}

# install PACKAGE...: prints the apt commands' output; needs root or sudo.
install_packages() {
  local as_root=()
  if ((EUID != 0)); then
    # With nobody to type a password, sudo must not wait for one.
    if [[ -t 0 ]]; then as_root=(sudo); else as_root=(sudo -n); fi
  fi
  local apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o Acquire::Retries=3)
  # The lists may be stale in part and still name what is needed: only the installation decides.
  "${apt[@]}" update || true
  "${apt[@]}" install -y --no-install-recommends "$@"
}

check_blas() {
  local link target
  for link in "/usr/lib/$(uname -m)-linux-gnu/libblas.so.3" /usr/lib64/libblas.so.3; do
    [[ -e "$link" ]] || continue
    target="$(readlink -f "$link")"
    case "$target" in
      *openblas* | *mkl* | *blis*) ;;
      *)
        warn "libtorch computes through $target, which is slow. Switch to OpenBLAS:" \
          "sudo update-alternatives --auto libblas.so.3-$(uname -m)-linux-gnu"
        ;;
    esac
    return 0
  done
}

setup() {
  require_dotnet
  [[ -z "${ESPER_SKIP_SETUP:-}" ]] || return 0
  if ! have apt-get || ! have dpkg-query; then
    die "This system has no apt. Install the equivalents of these packages:" "${packages[*]}" \
      "then run again with ESPER_SKIP_SETUP=1; CMake finds libtorch through CMAKE_PREFIX_PATH."
  fi
  local missing
  mapfile -t missing < <(missing_packages)
  if ((${#missing[@]} > 0)); then
    if ((EUID != 0)) && ! have sudo; then
      die "These packages are missing, and there is no sudo. As root, run:" \
        "apt-get install --no-install-recommends ${missing[*]}"
    fi
    say "Installing ${missing[*]}"
    # A password prompt of sudo comes before the stage takes the output away.
    ((EUID == 0)) || [[ ! -t 0 ]] || sudo -v
    must "install packages" install_packages "${missing[@]}"
  fi
  if ((${#extra_packages[@]} > 0)); then
    mapfile -t missing < <(packages=("${extra_packages[@]}") && missing_packages)
    if ((${#missing[@]} > 0)); then
      stage "install ${missing[*]}" install_packages "${missing[@]}" || warn "Tests that need ${missing[*]} are skipped."
    fi
  fi
  check_blas
}

# NVRTC, NVIDIA's run-time compiler: compiles the CUDA kernels where a device or a test asks for it. libesper works
# without it, by the PTX that clang made at build time.
nvrtc_packages=(libnvrtc11.2 libnvrtc-builtins11.8)

has_nvrtc() {
  dpkg-query -W -f '${db:Status-Status}\n' "${nvrtc_packages[@]}" 2>/dev/null | grep -cx installed | grep -qx 2
}

nvrtc_offered() { LC_ALL=C apt-cache policy "${nvrtc_packages[0]}" | grep -q 'Candidate: [0-9]'; }

# Prints an apt source for the non-free component of the mirror that the machine's own main component comes from.
nvrtc_source() {
  local uri='' suite='' component='' keyring=/usr/share/keyrings/debian-archive-keyring.gpg
  while read -r uri suite component; do
    [[ "$component" != main || "$suite" == *-* ]] || break
  done < <(apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' 'Origin: Debian')
  [[ "$component" == main && "$suite" != *-* ]] || return 1
  printf 'Types: deb\nURIs: %s\nSuites: %s\nComponents: contrib non-free\n' "$uri" "$suite"
  [[ ! -e "$keyring" ]] || printf 'Signed-By: %s\n' "$keyring"
}

setup_nvrtc() {
  [[ -z "${ESPER_SKIP_SETUP:-}" ]] || return 0
  if has_nvrtc; then
    say "NVRTC is installed."
    return 0
  fi
  have apt-get && have dpkg-query || die "This system has no apt." \
    "Install NVRTC from the CUDA toolkit or with 'pip install nvidia-cuda-nvrtc-cu12'; ESPER_NVRTC names its file."
  say "NVRTC compiles the CUDA kernels at run time. Its Debian packages are not free software (NVIDIA's licence)."
  say "Installing ${nvrtc_packages[*]} (17 MB) from the component non-free of this machine's Debian mirror"
  local list=/etc/apt/sources.list.d/esper-nvrtc.sources source as_root=()
  if ((EUID != 0)); then as_root=(sudo); fi
  if ! nvrtc_offered && [[ ! -e "$list" ]]; then
    source="$(nvrtc_source)" || die "No Debian mirror is among the apt sources." \
      "Install NVRTC from the CUDA toolkit or with 'pip install nvidia-cuda-nvrtc-cu12'; ESPER_NVRTC names its file."
    say "Writing $list"
    printf '%s\n' "$source" | "${as_root[@]}" tee "$list" >/dev/null
  fi
  stage "install NVRTC" install_packages "${nvrtc_packages[@]}"
}

# --- build ----------------------------------------------------------------------------------------------------------

# changed STAMP PATH...: whether anything under the paths is newer than the stamp. Folders count, so that removed
# files are noticed too.
changed() {
  local stamp=$1
  shift
  [[ ! -e "$stamp" ]] || [[ -n "$(find "$@" \( -name obj -o -name bin \) -prune -o -newer "$stamp" -print -quit)" ]]
}

native_configured() { [[ -e "$artifacts/build/$1/build.ninja" ]]; }

native_build() { # native_build PRESET [TARGET...]; all targets if none is named
  local preset=$1
  shift
  cd "$root"
  native_configured "$preset" || cmake --preset "$preset" || return 1
  cmake --build --preset "$preset" --parallel "$jobs" ${1:+--target "$@"}
}

publish() {
  cd "$root"
  dotnet publish src/Esper.Cli -c Release -o "$artifacts/bin" -p:PublishDocumentationFiles=false --nologo -v quiet -tl:off
}

managed_build() {
  cd "$root"
  dotnet build Esper.sln -c Release --nologo -v quiet -tl:off
}

# The program finds the native libraries beside itself. A new file, never an overwritten one: a running program keeps
# its own.
copy_native() {
  local library soname
  for library in libesper.so libesper_host.so; do
    cp -u --remove-destination "$native/lib/$library" "$artifacts/bin/$library" || return 1
    # libesper_host asks for its sibling by the name that carries the interface's version.
    rm -f "$artifacts/bin/$library".*
    soname="$(readlink "$native/lib/$library" || true)"
    [[ -z "$soname" ]] || ln -s "$library" "$artifacts/bin/$soname" || return 1
  done
}

# run_unless_current NAME STAMP COMMAND PATH...: runs the stage if a path changed since it last succeeded. The stamp
# is taken before, so that a change made meanwhile counts.
run_unless_current() {
  local name=$1 stamp=$2 command=$3
  shift 3
  changed "$stamp" "$@" || return 0
  mkdir -p "${stamp%/*}"
  touch "$stamp.new"
  stage "$name" "$command" || return 1
  mv "$stamp.new" "$stamp"
}

managed_sources=("$root/src" "$root/Directory.Build.props" "$root/Directory.Packages.props" "$root/global.json")

build_program() {
  stage "native libraries" native_build release esper esper_host || return 1
  [[ -x "$program" ]] || rm -f "$artifacts/stamps/publish"
  run_unless_current "program" "$artifacts/stamps/publish" publish "${managed_sources[@]}" || return 1
  copy_native || return 1
}

build() {
  setup
  build_program || exit 1
  say "Built ${program#"$root"/}"
}

# --- test -----------------------------------------------------------------------------------------------------------

# shellcheck source=tests/run.sh
source "$root/tests/run.sh"

# --- the other commands -----------------------------------------------------------------------------------------------

given() { # given OPTION ARGUMENT...: whether the option is among the arguments
  local option=$1 word
  shift
  for word in "$@"; do
    [[ "$word" != "$option" && "$word" != "$option="* ]] || return 0
  done
  return 1
}

demo() {
  setup
  build_program || exit 1
  local defaults=() number=1
  if ! given --out "$@" && ! given --resume "$@"; then
    while [[ -e "$root/runs/demo-$number" ]]; do number=$((number + 1)); done
    defaults=(--out "$root/runs/demo-$number")
  fi
  exec "$program" train "${defaults[@]}" "$@"
}

# The commit that results are of; "+" when sources differ from it.
commit() {
  local id
  id="$(git -C "$root" rev-parse --short=12 HEAD 2>/dev/null)" || return 0
  [[ -z "$(git -C "$root" status --porcelain --untracked-files=no 2>/dev/null)" ]] || id+=+
  printf '%s' "$id"
}

managed_benchmarks() {
  cd "$root"
  dotnet build benchmarks/managed/Esper.Benchmarks -c Release --nologo -v quiet -tl:off
}

# Names of the benchmark programs in C++.
native_benchmarks() { find "$native/bin" -maxdepth 1 -type f -perm -u+x -name '*_bench' -printf '%f\n' | sed 's/_bench$//' | sort; }

bench() {
  setup
  local name=${1:-} managed=(dormant governor select signals snapshot) programs
  if [[ -n "$name" ]]; then shift; fi
  ESPER_COMMIT="$(commit)"
  export ESPER_COMMIT
  if [[ -n "$name" && " ${managed[*]} " == *" $name "* ]]; then
    must "native libraries" native_build release esper esper_host
    must "managed benchmarks" managed_benchmarks
    export ESPER_NATIVE_DIR="$native/lib"
    exec "$artifacts/dotnet/bin/Esper.Benchmarks/release/esper-bench" "$name" "$@"
  fi
  must "native benchmarks" native_build release
  mapfile -t programs < <({ native_benchmarks; printf '%s\n' "${managed[@]}"; } | sort -u)
  if [[ -z "$name" ]]; then
    say "Benchmarks; run one with './build.sh bench NAME [--json FILE]', '--help' lists its options:"
    printf '  %s\n' "${programs[@]}"
    return 0
  fi
  [[ -x "$native/bin/${name}_bench" ]] ||
    die "There is no benchmark '$name'." "There are: ${programs[*]}"
  exec "$native/bin/${name}_bench" "$@"
}

bindings_command() {
  cd "$root"
  dotnet run --project src/Esper.Bindings -c Release -v quiet -- "$@"
}

bindings() {
  setup
  bindings_command "$@"
}

format() {
  local check=() dry=()
  if [[ "${1:-}" == --check ]]; then check=(--verify-no-changes) dry=(--dry-run --Werror); fi
  local formatter
  formatter="$(command -v clang-format-14 || command -v clang-format)" ||
    die "clang-format is missing." "apt-get install clang-format-14"
  cd "$root"
  find native tests/native benchmarks/native -type f \
    \( -name '*.h' -o -name '*.hpp' -o -name '*.inl' -o -name '*.c' -o -name '*.cpp' \) -print0 |
    xargs -0 -r "$formatter" -i "${dry[@]}"
  dotnet format whitespace Esper.sln --exclude src/Esper.Native/Generated "${check[@]}"
}

main() {
  local command=${1:-help}
  shift || true
  case "$command" in
    setup)
      case "${1:-}" in
        --nvrtc) setup_nvrtc || die "NVRTC could not be installed." "Without it, libesper runs the PTX built into it." ;;
        '') ;;
        *) die "'setup' does not know '$1'." "It takes --nvrtc." ;;
      esac
      setup && say "Everything that Esper needs is here."
      ;;
    build) build ;;
    test) test_all "$@" ;;
    demo) demo "$@" ;;
    bench) bench "$@" ;;
    gpu) exec "$root/benchmarks/gpu/run.sh" "$@" ;;
    bindings) bindings "$@" ;;
    format) format "$@" ;;
    clean) rm -rf "$artifacts" ;;
    help | -h | --help) usage ;;
    *) die "There is no command '$command'." "'./build.sh help' lists them." ;;
  esac
}

main "$@"
