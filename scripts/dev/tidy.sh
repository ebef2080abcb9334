#!/bin/sh
# clang-tidy over the sources that include every header; needs build/dev (compile_commands.json).
cd "$(dirname "$0")/../.." || exit 2
exec clang-tidy --quiet -p build/dev --header-filter='/include/agentlua/' --warnings-as-errors='*' \
  host/main.cpp host/core_git.cpp host/reaper.cpp
