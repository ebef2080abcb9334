#!/bin/sh
# Builds task_fuzz and runs it: fuzz.sh [SECONDS (10) [alone]]. With libFuzzer where clang has it, else, or
# with "alone", the same checks over mutations of the built-in corpus. A text that fails is kept in
# build/fuzz: task_fuzz FILE repeats it.
set -eu
cd "$(dirname "$0")/../.."
seconds=${1:-10}
mkdir -p build/fuzz
build() {
  "$@" -std=c++20 -g1 -O1 -Iinclude -fno-sanitize-recover=undefined -fno-omit-frame-pointer \
    tests/torture/task_fuzz.cpp -o build/fuzz/task_fuzz
}
if [ "${2:-}" != alone ] && build clang++ -fsanitize=fuzzer,address,undefined 2>build/fuzz/build.log; then
  seeds=$(mktemp -d)
  trap 'rm -rf "$seeds"' EXIT
  # One text may take 5 s and 512 MiB in all. 1 MiB is more than the longest of the corpus.
  TASK_FUZZ_SEEDS=$seeds build/fuzz/task_fuzz -seed=1 -max_total_time="$seconds" -timeout=5 \
    -rss_limit_mb=512 -malloc_limit_mb=128 -max_len=1048576 -print_final_stats=1 \
    -artifact_prefix=build/fuzz/ "$seeds"
else
  build "${CXX:-c++}" -DTASK_FUZZ_ALONE -fsanitize=address,undefined
  build/fuzz/task_fuzz "$seconds" 1
fi
