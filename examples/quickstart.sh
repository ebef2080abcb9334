#!/bin/sh
# The main job, end to end, on a real repository (a clone of this one) and without any account: installs
# what is needed, builds, adds three tasks, has the demo agent analyse and do them. Touches nothing but
# the build directory and one temporary directory, whose name it prints.
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
step() { printf '\n== %s\n' "$*"; }

step "packages"
. "$here/scripts/dev/packages.sh"
need_packages $build_packages

step "build"
log=$(mktemp)
(cd "$here" && cmake --workflow --preset release) >"$log" 2>&1 || { cat "$log" >&2; exit 1; }
rm -f "$log"
PATH=$here/build/release/bin:$PATH
agentlua version

step "a clone to work in"
work=$(mktemp -d)
export HOME="$work/home" XDG_STATE_HOME="$work/state" XDG_CONFIG_HOME="$work/config"
mkdir "$HOME"
git config --global user.name "Quick Start"
git config --global user.email "quickstart@example.invalid"
git config --global --add safe.directory '*'
git config --global advice.detachedHead false
git clone -q "$here" "$work/project"
cd "$work/project"
git checkout -q -B quickstart
echo "an edit that the user has not committed" >>README.md

step "agentlua init, and three tasks; the third waits for the first"
agentlua init
first=$(agentlua task add "Describe the build" --accept "notes say how to build")
agentlua task add "Describe the tests" --priority 60
agentlua task add "Describe both together" --depends "$first"
agentlua task list

step "agentlua run analyse.lua"
agentlua run analyse.lua --agent demo

step "agentlua run execute.lua"
agentlua run execute.lua --agent demo

step "what came out"
agentlua task list
git log --format='%h %an  %s' -3
git status --short
[ "$(agentlua task list --status done --json | grep -c '"status": "done"')" = 3 ]
[ "$(git rev-list --count HEAD ^"$(git -C "$here" rev-parse HEAD)")" = 3 ]
echo
echo "events:    $work/project/.agentlua/events.jsonl"
echo "attempts:  $work/project/.agentlua/runs/"
echo "remove it: rm -rf $work"
