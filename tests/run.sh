# The test half of build.sh, which sources this file and owns the paths, 'stage' and the build that it uses.
# shellcheck shell=bash disable=SC2154

passed=0 failed=0 skipped=0

# One check that is a stage of its own.
check() {
  if stage "$@"; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
}

# count PATTERN PATH: how often it occurs in the file, or in the files of the folder.
count() { { grep -rho "$1" "$2" 2>/dev/null || true; } | wc -l; }

# tally STATUS PASSED FAILED SKIPPED: adds a suite's counts. A suite that broke without a failed test to show for it,
# or that ran nothing, is a failure itself.
tally() {
  local broken=0
  if (($1 != 0 && $3 == 0)); then broken=1; fi
  if (($1 == 0 && $2 == 0 && $3 == 0)) && [[ -z "$filter" ]]; then
    say "    ${red}no test ran$plain"
    broken=1
  fi
  passed=$((passed + $2)) failed=$((failed + $3 + broken)) skipped=$((skipped + $4))
  say "    $2 passed, $(($3 + broken)) failed, $4 skipped"
}

list() { # list TITLE: the names on standard input, if any
  local name
  while IFS= read -r name; do say "    $yellow$1$plain $name"; done
}

native_tests() { # native_tests PRESET
  local preset=$1 junit="$logs/ctest-$1.xml" status=0
  local arguments=(--preset "$preset" --parallel "$jobs" --timeout 300 --output-junit "$junit")
  [[ -z "$filter" ]] && arguments+=(--no-tests=error) || arguments+=(--no-tests=ignore -R "$filter")
  rm -f "$junit"
  stage "native tests, $preset" in_root ctest "${arguments[@]}" || status=$?
  # Without a report nothing ran, and the counts below are zero.
  [[ -e "$junit" ]] || : >"$junit"
  local fails skips all
  all="$(count '<testcase ' "$junit")"
  fails="$(count '<testcase [^>]*status="fail"' "$junit")"
  skips="$(count '<testcase [^>]*status="\(notrun\|disabled\)"' "$junit")"
  sed -n 's/.*<testcase name="\([^"]*\)".*status="fail".*/\1/p' "$junit" | list FAILED
  sed -n 's/.*<testcase name="\([^"]*\)".*status="\(notrun\|disabled\)".*/\1/p' "$junit" | list SKIPPED
  tally "$status" $((all - fails - skips)) "$fails" "$skips"
}

in_root() { cd "$root" && "$@"; }

managed_tests() {
  local results="$logs/trx" status=0
  local arguments=(-c Release --no-build --nologo --logger trx --results-directory "$results"
    --blame-hang-timeout 5m --blame-hang-dump-type none)
  [[ -z "$filter" ]] || arguments+=(--filter "FullyQualifiedName~$filter")
  rm -rf "$results"
  mkdir -p "$results"
  stage "managed tests" in_root env ESPER_NATIVE_DIR="$native/lib" dotnet test Esper.sln "${arguments[@]}" || status=$?
  local outcome='<UnitTestResult [^>]*outcome="' passes fails skips
  passes="$(count "${outcome}Passed\"" "$results")"
  fails="$(count "${outcome}\(Failed\|Error\|Timeout\|Aborted\)\"" "$results")"
  skips="$(count "${outcome}NotExecuted\"" "$results")"
  trx_names Failed "$results" | list FAILED
  trx_names NotExecuted "$results" | list SKIPPED
  tally "$status" "$passes" "$fails" "$skips"
}

trx_names() {
  { grep -rho "<UnitTestResult [^>]*outcome=\"$1\"" "$2" || true; } | sed -n -e 's/&quot;/"/g; s/.* testName="\(.*\)" computerName=.*/\1/p' | sort
}

short_run() { # short_run NAME: trains a small network briefly; its summary goes to NAME.json
  local directory="$artifacts/smoke/$1"
  rm -rf "$directory" "$directory.json"
  mkdir -p "$artifacts/smoke"
  "$program" train --host cnn3:8-16-32 --dataset glyphs --epochs 2 --seed 7 --threads 2 --train-limit 2000 \
    --out "$directory" --json >"$directory.json"
}

reproducible_training() {
  short_run first && short_run second &&
    cmake -D FIRST="$artifacts/smoke/first.json" -D SECOND="$artifacts/smoke/second.json" \
      -P "$root/cmake/CompareRuns.cmake"
}

# Every command and option of the program and of this script that the README shows must exist.
readme_commands() {
  local line words word command bad=0
  [[ -s "$root/README.md" ]] || { say "README.md is missing or empty."; return 1; }
  while IFS= read -r line; do
    line="${line%%#*}"
    read -ra words <<<"$line"
    case "${words[0]:-}" in
      ./build.sh)
        usage | grep -q "^  ${words[1]:-help} " || { say "README.md: build.sh has no such command: $line"; bad=1; }
        ;;
      esper | artifacts/bin/esper | ./artifacts/bin/esper)
        command="${words[1]:-}"
        [[ "$command" == -* || -z "$command" ]] && command=''
        if ! "$program" ${command:+"$command"} --help >"$logs/help.txt"; then
          say "README.md: esper has no such command: $line"
          bad=1
          continue
        fi
        for word in "${words[@]:1}"; do
          [[ "$word" == --* ]] || continue
          grep -qe "${word%%=*}\b" "$logs/help.txt" ||
            { say "README.md: 'esper $command' has no option ${word%%=*}: $line"; bad=1; }
        done
        ;;
    esac
  done < <(awk '/^```/ { inside = !inside; next } inside { sub(/^[ \t]*\$ /, ""); print }' "$root/README.md" |
    sed -e ':a' -e '/\\$/{N;s/\\\n//;ba' -e '}')
  return "$bad"
}

finish() {
  trap - EXIT
  local colour=$green
  ((failed == 0)) || colour=$red
  local text="$passed passed, $failed failed"
  ((skipped == 0)) || text+=", $skipped skipped"
  printf '%s%s%s\n' "$colour" "$text" "$plain"
  ((failed == 0)) || exit 1
  exit 0
}

broken() {
  failed=$((failed + 1))
  finish
}

run_native_tests() {
  if stage "native tests and benchmarks" native_build release; then
    native_tests release
  else
    failed=$((failed + 1))
  fi
  if stage "native libraries, asan" native_build asan; then
    native_tests asan
  else
    failed=$((failed + 1))
  fi
  if stage "threads and state store, tsan" native_build tsan esper_tsan_tests; then
    native_tests tsan
  else
    failed=$((failed + 1))
  fi
}

run_managed_tests() {
  if run_unless_current "managed projects" "$artifacts/stamps/solution" managed_build \
    "${managed_sources[@]}" "$root/tests" "$root/Esper.sln"; then
    managed_tests
  else
    failed=$((failed + 1))
  fi
}

run_program_tests() {
  check "bindings match the headers" bindings_command --check
  check "esper doctor" "$program" doctor
  check "short training, twice" reproducible_training
  check "commands of the README" readme_commands
}

test_all() {
  local parts=''
  filter=''
  while (($# > 0)); do
    case "$1" in
      --native) parts+=native ;;
      --managed) parts+=managed ;;
      --filter)
        [[ -n "${2:-}" ]] || die "--filter needs a part of a test's name."
        filter=$2
        shift
        ;;
      *) die "'test' does not know '$1'." "It takes --native, --managed and --filter NAME." ;;
    esac
    shift
  done
  # Whatever ends the script early, the closing line says that something failed.
  trap broken EXIT
  (trap - EXIT; setup) || broken
  build_program || broken
  if [[ -z "$parts" || "$parts" == *native* ]]; then run_native_tests; fi
  if [[ -z "$parts" || "$parts" == *managed* ]]; then run_managed_tests; fi
  if [[ -z "$parts$filter" ]]; then run_program_tests; fi
  finish
}
