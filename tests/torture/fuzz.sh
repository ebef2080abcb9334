#!/bin/sh
# Builds the fuzz targets and runs each: fuzz.sh [SECONDS (10) [alone]]. With libFuzzer where clang has it, else,
# or with "alone", the same checks over mutations of the built-in corpus. An input that fails is kept in
# build/fuzz: build/fuzz/TARGET FILE repeats it.
set -eu
cd "$(dirname "$0")/../.."
seconds=${1:-10}
mkdir -p build/fuzz
seeds=$(mktemp -d)
trap 'rm -rf "$seeds"' EXIT
build() {
  target=$1
  shift
  "$@" -std=c++20 -g1 -O1 -Iinclude -fno-sanitize-recover=undefined -fno-omit-frame-pointer \
    "tests/torture/$target.cpp" -o "build/fuzz/$target"
}
for target in task_fuzz limit_fuzz; do
  if [ "${2:-}" != alone ] &&
    build $target clang++ -fsanitize=fuzzer,address,undefined 2>build/fuzz/build.log; then
    mkdir "$seeds/$target"
    # One text may take 5 s and 512 MiB in all. 1 MiB is more than the longest of a corpus.
    FUZZ_SEEDS=$seeds/$target build/fuzz/$target -seed=1 -max_total_time="$seconds" -timeout=5 \
      -rss_limit_mb=512 -malloc_limit_mb=128 -max_len=1048576 -print_final_stats=1 \
      -artifact_prefix=build/fuzz/ "$seeds/$target"
  else
    build $target "${CXX:-c++}" -DFUZZ_ALONE -fsanitize=address,undefined
    build/fuzz/$target "$seconds" 1
  fi
done
