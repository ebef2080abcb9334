-- Texts that somebody may put where a name is wanted, and what must hold afterwards whatever they were.

local al = require "agentlua"
local support = require "support"

local M = {}

--- For every place that takes a text. One with a NUL, which no argument can hold, is `M.nul`.
M.texts = {
  "../x", "/etc/passwd", "-rf", "--help", "$(touch CANARY)", "`touch CANARY`", ";touch CANARY", "| touch CANARY",
  "a\nb", "a\tb", "a\rb", "a\127b", "\27[31mred", "\27]0;title\7", "\u{9b}31mred", "a\u{202e}b", "a\u{200b}b",
  "bad\xffbyte", "\u{1f600}", "e\u{301}", ".", "..", ".git", "con", "HEAD", "refs/heads/main", "@{-1}", "x.lock",
  "A1", "a1", " . leading", "trailing . ", "%s%n", "{{NAME}}", "{{TASK_ID}}", "{id}", "it's", 'say "x"', "back\\slash",
  ("long "):rep(2000),
}
M.nul = "a\0b"

--- Texts that import takes as an id.
function M.is_id(text) return #text <= 128 and text:find "^%w[%w._-]*$" ~= nil end
--- Texts that are one line and do nothing to a terminal.
function M.is_line(text) return not text:find "[\t\n]" and al.text.printable(text) == text end

-- The agent notes branch and directory that it is given, so that they can be looked at when they are gone.
local agent = [[#!/bin/sh
cat >/dev/null
git symbolic-ref --short HEAD >>"$MARK"
basename "$PWD" >>"$MARK"
echo x >>work.txt
]]

--- A world with an agent that does some work for every task.
function M.world(options)
  local w = support.new(options)
  w:write("../agent.sh", agent, 493)
  return w
end
function M.run(w, ...) return w:al("run", "execute.lua", "--agent", w.top .. "/agent.sh", ...) end

--- Writes a task file as an editor would have, a while ago; `fields` is its text, or a table.
function M.hand(w, stem, fields, status)
  local path = (".agentlua/tasks/%s/%s.json"):format(status or "todo", stem)
  w:write(path, type(fields) == "string" and fields or al.json.dump(fields))
  w:command { "touch", "-d", "1 hour ago", w.root .. "/" .. path }
end
--- Imports JSON, given as text or as a table.
function M.import(w, value)
  return w:al("task", "import", "-", { stdin = type(value) == "string" and value or al.json.dump(value) })
end

-- ---- what must hold -------------------------------------------------------------------------------------

--- Nothing in what was printed can do anything to a terminal, and nobody sees a traceback.
function M.quiet(result)
  for _, text in ipairs { result.stdout, result.stderr } do
    local shown = al.text.printable(text)
    assert(not text:find "[\0-\8\11-\31\127]", "a control byte in: " .. shown)
    assert(shown == text, "not fit for a terminal: " .. shown)
    assert(not text:find("stack traceback", 1, true), shown)
  end
  return result
end

--- Refused with this exit code, on stderr, in words that have all of the texts.
function M.refused(result, code, ...)
  local shown = ("%d\n%s%s"):format(result.code, result.stdout, result.stderr)
  assert(result.code == code, shown)
  for _, part in ipairs { ... } do assert(result.stderr:find(part, 1, true), ("no '%s' in: %s"):format(part, shown)) end
  assert(result.stderr:find("^agentlua: "), shown)
  return M.quiet(result)
end

--- Everything that a refused command must have left alone, as one text.
function M.state(w)
  local all = w:command { "sh", "-c", [[
    find .agentlua/tasks ../repo.worktrees -type f ! -path '*/.locks/*' -exec sha256sum {} + 2>/dev/null | sort
    git for-each-ref; git worktree list; git status --short; ls .. .agentlua/runs 2>/dev/null; true]] }
  return all.stdout
end

local function lines(text) return text:gmatch "[^\n]+" end

--- No text was run as a command, and what was named after one has a name that every tool takes.
function M.sound(w)
  assert(w:command({ "find", w.top, "-name", "CANARY" }).stdout == "", "a text was run as a command")
  for _, dir in ipairs { "", "/tmp", support.source, os.getenv "HOME" or "" } do
    assert(not w:exists(dir .. "/CANARY"), "a text was run as a command in " .. dir)
  end
  local names = w:git("branch", "--all", "--format=%(refname:short)") .. "\n" .. (w:read "../mark" or "")
  local dirs = w:exists(w.root .. ".worktrees") and al.fs.list(w.root .. ".worktrees") or {}
  for name in lines(names .. "\n" .. table.concat(dirs, "\n")) do
    assert(name:find "^[%w._/-]+$" and not name:find "^-", "an odd name: " .. al.text.printable(name))
    assert(w:command({ "git", "check-ref-format", "refs/heads/" .. name }).code == 0, name)
  end
end

--- Every view of the tasks is fit for a terminal, and for a program with --json.
function M.look(w, ...)
  local views = { { "task", "list" }, { "task", "next", "--why" }, { "status" }, { "log" }, { "fsck" } }
  for _, id in ipairs { ... } do views[#views + 1] = { "task", "show", id } end
  for _, words in ipairs(views) do
    local shown = M.quiet(w:al(table.unpack(words)))
    assert(shown.code == 0 or shown.code == 3, shown.stderr)
    if words[1] ~= "log" then
      words[#words + 1] = "--json"
      assert(al.json.parse(w:al(table.unpack(words)).stdout) ~= nil, table.concat(words, " "))
    end
  end
end

--- How an error shows the beginning of a text.
function M.shown(text) return al.text.printable(text:sub(1, 20)) end

--- What `refuse` does is refused, and has changed nothing.
function M.changes_nothing(w, refuse)
  local before = M.state(w)
  refuse()
  local after = M.state(w)
  assert(before == after, ("changed from\n%s\nto\n%s"):format(before, after))
end

--- Runs all tasks, which all must land.
function M.all_land(w, ...)
  local result = M.quiet(M.run(w, ...))
  assert(result.code == 0, result.stdout .. result.stderr)
  M.nothing_left(w)
end

--- No branch, worktree or task is half done.
function M.nothing_left(w)
  assert(w:worktrees() == 1, "a worktree is left")
  assert(w:git("branch", "--format=%(refname:short)") == "main", "a branch is left")
  for _, status in ipairs { "todo", "in-progress", "failed" } do
    assert(w:count(status) == 0, "a task is left in " .. status)
  end
end

--- How many task files were set aside, each with a reason beside it.
function M.set_aside(w)
  local count = { files = 0, reasons = 0 }
  for _, name in ipairs(al.fs.list(w.root .. "/.agentlua/tasks/.quarantine") or {}) do
    local kind = name:find "%.reason$" and "reasons" or "files"
    count[kind] = count[kind] + 1
  end
  assert(count.files == count.reasons, "a file was set aside without a reason")
  return count.files
end

-- ---- task files that are none ---------------------------------------------------------------------------

--- What is wrong with it, its text, and what is said of it.
M.damaged = {
  { "is empty", "", "the file is empty" },
  { "is cut off", '{"id":"t7",\n"name":"x"', "line 2, column" },
  { "is not UTF-8", '{"id":"t7",\n"name":"x\xff"}', "line 2, column 10", "UTF-8" },
  { "has a key twice", '{"id":"t7","name":"x","status":"todo","status":"done"}', 'key "status" twice' },
  { "has a key twice that is not fit for a terminal", '{"id":"t7","name":"x","\u{9b}a":1,"\u{9b}a":2}', "twice" },
  { "is nested deeper than 64",
    '{"id":"t7","name":"x","a":' .. ("["):rep(64) .. ("]"):rep(64) .. "}", "deeper than 64" },
  { "is larger than 8 MiB", '{"id":"t7","name":"x","a":"' .. ("x"):rep(8 << 20) .. '"}', "8388608 bytes" },
  { "is no object", "[1]", "a task is a JSON object" },
  { "has no id", '{"name":"x"}', 'has no "id"' },
  { "has an empty id", '{"id":"","name":"x"}', 'has no "id"' },
  { "has an id that is no text", '{"id":7,"name":"x"}', 'has no "id"' },
  { "has no name", '{"id":"t7"}', 'has no "name"' },
  { "has a time that is none", '{"id":"t7","name":"x","not_before":"\\u001b[31msoon"}', "no time like" },
}

return M
