#!/bin/sh
# install.sh NAME: installs the pinned version of an agent CLI, or of the clients of MCP, from npm into a cache and prints
# the directory with its program. Exit 1, with the reason as only line on stderr, when it cannot be had here.
#
#   tests/agents/install.sh claude      ~/.cache/agentlua-agents/claude-2.1.329/bin
#
# XDG_CACHE_HOME moves it. Nothing of the packages runs while they are installed.
set -u
export LC_ALL=C
case $(uname -m) in
  x86_64) machine=x64 ;;
  aarch64) machine=arm64 ;;
  *) machine=$(uname -m) ;;
esac
node22=node-linux-$machine@22.23.3
program=.bin/${1:-}
case ${1:-} in
  claude) packages=@anthropic-ai/claude-code@2.1.329 program=@anthropic-ai/claude-code-linux-$machine/claude ;;
  codex) packages=@openai/codex@0.169.0 ;;
  gemini) packages=@google/gemini-cli@0.61.0 ;;
  qwen) packages="@qwen-code/qwen-code@0.24.4 $node22" ;; # runs on Node 22 and later
  opencode) packages=opencode-ai@1.18.33 program="opencode-linux-$machine*/bin/opencode" ;;
  mcp) packages="@modelcontextprotocol/inspector@2.12.0 @modelcontextprotocol/sdk@1.32.2" program=.bin/mcp-inspector ;;
  *) echo "usage: install.sh claude|codex|gemini|qwen|opencode|mcp" >&2; exit 2 ;;
esac
first=${packages%% *}
dir=${XDG_CACHE_HOME:-$HOME/.cache}/agentlua-agents/$1-${first##*@}

give_up() {
  echo "$1" >&2
  exit 1
}
node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' 2>/dev/null || give_up "needs Node.js 20 or later"
[ -e "$dir/bin/$1" ] && { echo "$dir/bin"; exit 0; }
command -v npm >/dev/null 2>&1 || give_up "npm is not installed"
timeout 10 npm ping --fetch-retries 0 >/dev/null 2>&1 || give_up "the npm registry is not reachable"

log=$(mktemp)
part=$dir.$$
trap 'rm -rf "$log" "$part"' EXIT
mkdir -p "$part/bin"
# shellcheck disable=SC2086  # a list of packages
if ! timeout 300 npm install --prefix "$part" --ignore-scripts --no-audit --no-fund --no-save --loglevel error \
  $packages >"$log" 2>&1; then
  give_up "npm could not install $packages: $(sed -n 's/^npm error \(code .*\|.*reason: .*\)/\1/p' "$log" | head -n 1)"
fi
# Two packages have their program in another one, which a script that did not run would have put in place; opencode
# has it twice, and "-baseline", the first, runs on any processor.
cd "$part/bin" || exit 1
for node in ../node_modules/node-linux-*/bin/node; do [ ! -e "$node" ] || ln -s "$node" node; done
for file in ../node_modules/$program; do [ -e "$1" ] || ln -s "$file" "$1"; done
[ -x "$1" ] || give_up "$packages has no program for $(uname -sm)"
cd "$OLDPWD" && rm -rf "$dir" && mv "$part" "$dir"
echo "$dir/bin"
