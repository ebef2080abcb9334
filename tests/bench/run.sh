#!/bin/sh
# Runs every benchmark, on a machine that does nothing else: sh tests/bench/run.sh [ROUNDS]. Each figure
# is a ratio to a baseline measured in the same run. Exit 1 when a floor is missed.
set -u
cd "$(dirname "$0")/../.." || exit 2
rounds=${1:-5}
. scripts/dev/packages.sh
need_packages $build_packages doctest-dev libsqlite3-dev taskwarrior || exit 2
scratch=$(mktemp -d -p "${AGENTLUA_BENCH_DIR:-/var/tmp}")
trap 'rm -rf "$scratch"' EXIT
cmake --preset release >/dev/null && cmake --build --preset release >/dev/null || exit 2
cmake --build --preset release --target agentlua_bench_baseline agentlua_store_bench >/dev/null || exit 2
missed=0
LUA_PATH="lua/?.lua;lua/?/init.lua;;" LUA_CPATH="build/release/lib/lua/5.4/?.so;;"
export LUA_PATH LUA_CPATH
lua5.4 tests/bench/process_bench.lua build/release/tests/agentlua_bench_baseline "$rounds" || missed=1
build/release/tests/agentlua_store_bench "$scratch/store" || missed=1
lua5.4 tests/bench/command_bench.lua build/release/tests/agentlua_bench_baseline "$scratch" "$rounds" || missed=1
lua5.4 tests/bench/git_bench.lua "$scratch" "$rounds" || missed=1
exit $missed
