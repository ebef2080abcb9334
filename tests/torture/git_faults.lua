-- Commands that change a user's repository, with a fault at one system call of the host, and what must be
-- true when the next run and the same command have come to their end.

local core = require "agentlua.core"
local process = require "agentlua.process"
local support = dofile "tests/runs/support.lua"

local M = {}

local agent = [[#!/bin/sh
cat >/dev/null
echo one >new.txt; git add -A; git commit -qm one
echo two >>new.txt; echo two >"$(printf 'odd\tname')"; git add -A; git commit -qm two
echo uncommitted >>new.txt; git add new.txt; echo more >>new.txt; rm src/f4.txt; echo ignored >agent.env
]]

-- ---- worlds -----------------------------------------------------------------------------------------

local function sh(script, ...)
  local result = assert(process.run { "sh", "-c", script, "sh", ..., contain = false })
  assert(result.code == 0, result.stderr)
  return result.stdout
end

-- What all changes begin with: a task with work in a worktree, and a base that has moved since.
local function make_work(w)
  w:write("../agent.sh", agent, 493)
  w.id = w:add "one"
  assert(w:al("run", "execute.lua", "--agent", w.top .. "/agent.sh", "--land", "none").code == 0)
  local task = w:task(w.id)
  assert(task.status == "needs-review", task.reason)
  w.id8, w.tree = task.id8, task.worktree
  sh([[cd "$1" && echo late >>new.txt && mkdir sub && echo late >sub/untracked && rm src/f3.txt]], w.tree.path)
  w:write("src/f5.txt", "the user's\n")
  w:git("commit", "-qam", "user")
end

-- Every file below a directory, but for git's own.
local function files_of(dir)
  return sh([[test -d "$1" || exit 0
    cd "$1"; find . -name .git -prune -o -type f -print | sort | xargs -d '\n' sha256sum]], dir)
end

local function newest(w, kind)
  local list = core.json.parse(w:al("restore", w.id, "--list", "--json").stdout, "list")
  for i = #list, 1, -1 do
    if list[i].kind == kind then return list[i].ref end
  end
  return "refs/agentlua/none"
end

local function tree_of(w, revision)
  return w:command({ "git", "rev-parse", "-q", "--verify", revision .. "^{tree}" }).stdout
end

local function landing(mode, dirty, elsewhere)
  local change = { command = { "land", "--mode", mode }, mode = mode }
  function change.prepare(w)
    if dirty then w:make_user_work() end
    if elsewhere then w:git("checkout", "-q", "-b", "other") end
  end
  function change.again(w) return w:task(w.id).status == "needs-review" end
  --- What the work has come to; equal to that of a run without a fault.
  function change.outcome(w)
    return table.concat({
      w:task(w.id).status, tree_of(w, "main"), w:git("log", "--first-parent", "--format=%an %s", "main"),
      files_of(w.tree.path), w:git("for-each-ref", "refs/heads"):gsub("%x+ commit\trefs/heads/main", "main"),
      w:git("cat-file", "-p", newest(w, "saved") .. ":agent.env"),
    }, "\n")
  end
  return change
end

--- What is tried: command (the id of the task comes after its first word), prepare(w), again(w): whether the
--- command has to be given once more after the next run, outcome(w): text, cleaned: `agentlua clean` in between.
M.changes = {
  ["land squash"] = landing("squash", false), ["land squash, dirty"] = landing("squash", true),
  ["land merge"] = landing("merge", false), ["land merge, dirty"] = landing("merge", true),
  ["land rebase"] = landing("rebase", false), ["land rebase, dirty"] = landing("rebase", true),
  ["land elsewhere"] = landing("squash", true, true),
  discard = {
    command = { "discard" },
    again = function() return true end,
    outcome = function(w)
      return table.concat({
        w:task(w.id).status, tree_of(w, newest(w, "saved")), w:git("for-each-ref", "refs/heads"),
        w:git("log", "--format=%s", newest(w, "saved"), "--not", "main"), files_of(w.tree.path), w:worktrees(),
      }, "\n")
    end,
  },
  restore = {
    command = { "restore" },
    prepare = function(w) assert(w:al("discard", w.id).code == 0) end,
    again = function(w) return not w:task(w.id).worktree.ready end,
    outcome = function(w)
      local known = w:task(w.id).worktree
      return table.concat({
        w:task(w.id).status, tostring(known.ready), known.path, files_of(known.path),
        w:git("for-each-ref", "refs/heads"),
        w:git("-C", known.path, "status", "--porcelain=v2", "--branch", "--ignored"), w:worktrees(),
        tree_of(w, newest(w, "saved")),
      }, "\n")
    end,
  },
  checkpoint = {
    command = { "checkpoint" },
    again = function() return true end,
    outcome = function(w)
      return table.concat({
        w:task(w.id).status, tree_of(w, newest(w, "checkpoint")), files_of(w.tree.path),
        w:git("for-each-ref", "refs/heads"),
        w:git("-C", w.tree.path, "status", "--porcelain=v2", "--branch", "--ignored"), w:worktrees(),
      }, "\n")
    end,
  },
}

-- The same when what the fault has left is cleaned up: nothing half made is saved as if it were the work.
M.changes["restore, cleaned"] = setmetatable({
  cleaned = true,
  again = function(w) return not w:exists(w.tree.path) end,
}, { __index = M.changes.restore })

-- Keeps a world as it is, and brings it back: in its place, for paths are in it, and its .agentlua stays the
-- same directory, which is what is trusted.
local function keep(w, name) sh([[rm -rf "$1.$2" && cp -a "$1" "$1.$2"]], w.top, name) end
local function reset(w, name)
  sh([[find "$1" -mindepth 1 -depth ! -path "$1/repo" ! -path "$1/repo/.agentlua" -delete; cp -a "$1.$2/." "$1"]],
    w.top, name)
end

-- ---- one fault --------------------------------------------------------------------------------------

local function driven(w, threads, ...)
  local options = table.pack(...)
  local command = { "lua5.4", support.source .. "/tests/torture/git_driver.lua", threads, w.top .. ".trace" }
  table.move(options, 1, options.n, #command + 1, command)
  command[#command + 1] = "--"
  for i, word in ipairs(w.change.command) do
    command[#command + 1] = word
    if i == 1 then command[#command + 1] = w.id end
  end
  command.contain = false
  command.env = {
    LUA_PATH = ("%s/lua/?.lua;%s/lua/?/init.lua;;"):format(support.source, support.source),
    LUA_CPATH = support.build .. "/lib/lua/5.4/?.so;;", UV_THREADPOOL_SIZE = "1",
  }
  return w:command(command)
end

-- The next run and, if that is needed, the command once more.
local function finish(w, refused)
  -- A minute has gone by.
  sh([[find "$1" -name '.tmp.*' -o -name 'agentlua-save-*' | xargs -d '\n' -r touch -d 2020-01-01]], w.top)
  local wrong = {}
  local function must(...)
    local result = w:al(...)
    if result.code ~= 0 then
      wrong[#wrong + 1] = ("%s then ends with %d: %s"):format((...), result.code, result.stderr)
    end
  end
  must("run", "execute.lua", "--agent", "/bin/false")
  if w.change.cleaned then must "clean" end
  if w.change.again(w) then must(w.change.command[1], w.id, table.unpack(w.change.command, 2)) end
  if refused then must "clean" end -- what could not be put away then
  return wrong
end

local litter = [[cd "$1"; find . -name '*.lock' ! -path '*/runs/*/run.lock' ! -name agentlua.lock -o -name '.tmp.*' \
  -o -name 'agentlua-save-*' -o -name 'tmp_obj_*']]

local function user_work(w)
  return w:exists "untracked.txt" and w:user_work() or w:git("status", "--porcelain")
end

-- What is wrong with a world that has come to its end.
local function look(w, wrong)
  local function say(...) wrong[#wrong + 1] = string.format(...) end
  support.eventually(function() return #w:processes() == 0 end, "no process left")
  local ok, outcome = pcall(w.change.outcome, w)
  if not ok or w.right and outcome ~= w.right then say("the outcome is %s\ninstead of %s", outcome, w.right) end
  if user_work(w) ~= w.user_before then say "the user's work is not as before" end
  if w:untouchable() ~= w.untouchable_before then say "the user's checkout is not as before" end
  local left = w:git("for-each-ref", "--format=%(refname)", "refs/agentlua/pending") .. sh(litter, w.top)
  if left ~= "" then say("left: %s", left) end
  local sound = w:command { "git", "fsck", "--connectivity-only", "--no-dangling", "--no-progress" }
  if sound.code ~= 0 then say("git fsck: %s", sound.stderr) end
  local fsck = w:al("fsck").stdout
  if fsck ~= "all is well\n" then say("agentlua fsck: %s", fsck) end
  return wrong, outcome
end

local changing = "openat,write,rename,renameat,renameat2,link,linkat,unlink,unlinkat,mkdir,mkdirat,rmdir,"
  .. "fsync,fdatasync,symlink,utimensat,ftruncate,fchmod,sendfile,clone3,poll"

-- Whether a call that was seen changes something, starts a git, or is the first wait for it.
local function counts(name, line, started)
  if name == "poll" then return started end
  if name == "clone3" then return line:find "CLONE_VFORK" end
  if line:find " = %-1 " then return false end
  if name == "openat" then return line:find "O_CREAT" end
  if name == "write" then return line:find "^write%(%d+</" end
  return true
end

-- What strace has written of a thread, once it has come to its end.
local function log_of(w, thread)
  local path, text = w.top .. ".trace." .. thread, ""
  support.eventually(function()
    text = core.fs.read(path) or ""
    return text:find("\n+++ ", 1, true) or text:sub(1, 4) == "+++ "
  end, "the end of strace")
  os.remove(path)
  return text
end

local worlds = {}

-- The calls in a log of strace at which a change can be cut short.
local function points_in(w, thread, points)
  local seen, started = {}, false
  for line in log_of(w, thread):gmatch "[^\n]+" do
    local name = line:match "^([%w_]+)%("
    if name then
      seen[name] = (seen[name] or 0) + 1
      if counts(name, line, started) then
        points[#points + 1] = { change = w.name, thread = thread, name = name, nth = seen[name] }
      end
      started = name == "clone3" or started and name ~= "poll"
    end
  end
end

--- A world in which a change can be made, `slot` 1 or 2. Finds out how it ends without a fault, and the calls
--- at which it can be cut short: points, a list of {change, thread, name, nth}.
function M.new(name, slot)
  local w = worlds[slot]
  if not w then
    w = support.new()
    make_work(w)
    keep(w, "work")
    worlds[slot] = w
  end
  reset(w, "work")
  w.name, w.change, w.right, w.users_act = name, M.changes[name], nil, true -- looked at when no git is left
  if w.change.prepare then w.change.prepare(w) end
  w.user_before, w.untouchable_before, w.points = user_work(w), w:untouchable(), {}
  keep(w, "kept")
  local result = driven(w, "main,pool", "-e", "trace=" .. changing)
  assert(result.code == 0, result.stderr)
  for _, thread in ipairs { "main", "pool" } do points_in(w, thread, w.points) end
  local wrong
  wrong, w.right = look(w, finish(w))
  assert(#wrong == 0, table.concat(wrong, "\n"))
  return w
end

--- Removes all worlds; fails when a process of one is alive.
function M.close()
  for _, w in pairs(worlds) do
    sh([[rm -rf "$1.kept" "$1.work"]], w.top)
    w:close()
  end
  worlds = {}
end

--- Makes a change with a fault ("signal=KILL", "error=EIO") at a point; what is wrong when it, the next run
--- and the command once more have come to their end. Second result: whether the fault has happened.
function M.try(w, point, fault)
  reset(w, "kept")
  local result = driven(w, point.thread, "-e", "trace=" .. point.name,
    "-e", ("inject=%s:%s:when=%d"):format(point.name, fault, point.nth))
  local injected = log_of(w, point.thread):match "[^\n]*%(INJECTED%)" -- a file that is only read is another call
  local happened = result.signal == 9 or injected and not injected:find "O_RDONLY"
  local wrong = {}
  if not happened then return wrong, false end
  if result.signal == 0 then
    local said = result.stderr
    if result.code > 2 or said:find "traceback" then wrong[1] = ("ends with %d: %s"):format(result.code, said) end
    if result.code ~= 0 and said == "" and result.stdout == "" then wrong[1] = "fails and does not say why" end
  end
  table.move(finish(w, w.change.mode and result.signal == 0), 1, 9, #wrong + 1, wrong)
  return (look(w, wrong)), true
end

return M
