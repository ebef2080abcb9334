#!/bin/sh
# Installs what tests need, builds, and runs everything: the Lua library and whole runs (busted), C++
# (doctest, under ASan and UBSan), lint. The last line is the sum: "N passed, N failed".
#
# --agents also runs the real agent CLIs, which npm installs; what cannot be had is skipped, and said.
set -u
agents=
case ${1:-} in
  --agents) agents=yes ;;
  ?*) echo "usage: sh tests/run.sh [--agents]" >&2; exit 2 ;;
esac
cd "$(dirname "$0")/.." || exit 2
passed=0
failed=0
log=$(mktemp)
scratch=$(mktemp -d)
trap 'rm -rf "$log" "$scratch"' EXIT
# Nothing of the caller's reaches the tests.
unset AGENTLUA_ROOT AGENTLUA_TASKS AGENTLUA_REAPER LUA_PATH LUA_CPATH LUA_PATH_5_4 LUA_CPATH_5_4
unset $(git rev-parse --local-env-vars 2>/dev/null)

. scripts/dev/packages.sh
need_packages $build_packages $test_packages || exit 2
# Clones in several directories share what was compiled.
command -v ccache >/dev/null 2>&1 && export CMAKE_CXX_COMPILER_LAUNCHER=ccache CCACHE_BASEDIR="$PWD" CCACHE_NOHASHDIR=1

step() { printf '\n== %s\n' "$*"; }
count() {
  passed=$((passed + $1))
  failed=$((failed + $2))
}
# check NAME COMMAND...: one test, whose output is shown when it fails.
check() {
  name=$1
  shift
  if "$@" >"$log" 2>&1; then
    count 1 0
    echo "ok      $name"
  else
    count 0 1
    echo "FAILED  $name"
    tail -n 60 "$log"
  fi
}
# build PRESET [TARGET...]: all of it, or only these targets.
build() {
  preset=$1
  shift
  step "build: $preset $*"
  if ! { cmake --preset "$preset" && cmake --build --preset "$preset" ${1:+--target "$@"}; } >"$log" 2>&1; then
    tail -n 60 "$log"
    count 0 1
    return 1
  fi
}
run_ctest() {
  step "C++ tests: $1"
  ctest --preset "$1" -j 2 >"$log" 2>&1
  bad=$(sed -n 's/^.*, \([0-9]*\) tests failed out of .*/\1/p' "$log")
  all=$(sed -n 's/^.* tests failed out of \([0-9]*\)$/\1/p' "$log")
  [ "${bad:-1}" = 0 ] || tail -n 80 "$log"
  count $((${all:-1} - ${bad:-1})) "${bad:-1}"
  echo "${all:-0} run, ${bad:-all} failed"
}
# busted DIR [BUILD [OPTION...]]: specs under a stock Lua; the host that whole runs use comes from BUILD.
run_busted() {
  specs=$1
  host=${2:-build/release}
  shift $(($# < 2 ? $# : 2))
  step "specs: $specs $* (host from $host)${LUA_INIT:+, $LUA_INIT}"
  LSAN_OPTIONS="suppressions=$PWD/tests/fixtures/lsan.supp:print_suppressions=0" \
    AGENTLUA_BUILD=$host LUA_PATH="lua/?.lua;lua/?/init.lua;${specs%/*.lua}/?.lua;tests/lua/?.lua;;" \
    LUA_CPATH="build/release/lib/lua/5.4/?.so;;" lua5.4 /usr/bin/busted "$@" "$specs" >"$log" 2>&1
  sed -n 's/^\([0-9]*\) success.*/\1/p' "$log" | grep -q . || count 0 1
  good=$(sed -n 's/^\([0-9]*\) success.*/\1/p' "$log")
  bad=$(sed -n 's/^.* \/ \([0-9]*\) failure.*/\1/p' "$log")
  broken=$(sed -n 's/^.* \/ \([0-9]*\) error.*/\1/p' "$log")
  [ "$((${bad:-1} + ${broken:-1}))" = 0 ] || cat "$log"
  count "${good:-0}" $((${bad:-0} + ${broken:-0}))
  sed -n '/^Pending/{n;s/^/skipped /p;}' "$log"
  echo "${good:-0} passed, $((${bad:-0} + ${broken:-0})) failed"
}

# beside NAME COMMAND...: runs it in the background, with a log and sums of its own; join waits for all.
beside() {
  name=$1
  shift
  (
    log=$scratch/$name.log passed=0 failed=0
    "$@" >"$scratch/$name.out" 2>&1
    echo "$passed $failed" >"$scratch/$name.sums"
  ) &
}
join() {
  wait
  for sums in "$scratch"/*.sums; do
    cat "${sums%.sums}.out"
    count $(cat "$sums")
  done
}

finish() {
  printf '\n%d passed, %d failed\n' "$passed" "$failed"
  [ "$failed" = 0 ]
  exit
}

build release agentlua_misbehave agentlua_store_driver all || finish
# Specs mostly wait, so they run beside each other and beside the builds, which give way to them.
specs() {
  run_busted tests/lua
  run_busted tests/torture # short runs; README.md has the long ones
  # What runs natively between two instructions of Lua must not mind the collector.
  LUA_INIT=@tests/fixtures/gc_stress.lua run_busted tests/lua build/release -p fiber -p process
}
beside specs specs
beside runs_1 run_busted tests/runs build/release -p '^[a-h].*_spec'
beside runs_2 run_busted tests/runs build/release -p '^[i-z].*_spec'
[ -z "$agents" ] || beside agents run_busted tests/agents
renice -n 10 -p $$ >/dev/null
# With warnings as errors: every header alone, the host (for clang-tidy), the example.
build dev all_verify_interface_header_sets agentlua_host agentlua_example && count 1 0
build asan
build tsan agentlua_thread_tests

step "lint"
check "includes and requires point down" lua5.4 scripts/dev/check_includes.lua
check "luacheck" luacheck --quiet lua scripts examples tests
check "clang-format" sh -c 'git ls-files "*.hpp" "*.cpp" | xargs clang-format --dry-run -Werror'
check "clang-tidy" sh scripts/dev/tidy.sh
join

[ -x build/asan/tests/agentlua_tests ] && run_ctest asan && run_busted tests/runs/main_job_spec.lua build/asan
check "threads, under ThreadSanitizer" build/tsan/tests/agentlua_thread_tests
check "fuzz: task files, messages about limits" sh tests/torture/fuzz.sh 10
check "quickstart" env TMPDIR="$scratch" sh examples/quickstart.sh

finish
