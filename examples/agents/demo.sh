#!/bin/sh
# An agent without an account: reads its prompt on stdin, works in the current directory, which is a
# worktree of its own, and says done by exit 0. Lines of JSON on stdout are events; other lines are
# text. What it leaves uncommitted is landed too.
set -eu
prompt=$(cat)
name=$(printf '%s\n' "$prompt" | sed -n 's/^# Task: //p' | head -n 1)
say() { printf '%s\n' "$*"; }

if printf '%s\n' "$prompt" | grep -q '^Analyse this task'; then
  say "Looking at $(git ls-files | wc -l) files for: $name"
  printf '{"type":"result","text":"Add a page for this task to notes/ and list it in notes/README.md."}\n'
  exit 0
fi

file="notes/$(printf '%s' "$name" | tr -cs '[:alnum:]' '-' | tr '[:upper:]' '[:lower:]' | sed 's/^-//; s/-$//').md"
mkdir -p notes
printf '# %s\n\nWritten by the demo agent.\n' "$name" >"$file"
git add "$file"
git diff --cached --quiet || git commit -q -m "wip: $file" # a second try finds it there
say "wrote and committed $file"
[ -f notes/README.md ] || printf '# Notes\n\n' >notes/README.md
entry="- [$name](${file#notes/})"
grep -qxF -e "$entry" notes/README.md || printf '%s\n' "$entry" >>notes/README.md
say "listed it in notes/README.md, not committed"
printf '{"type":"usage","tokens_in":120,"tokens_out":40}\n'
printf '{"type":"result","text":"Added %s."}\n' "$file"
