-- Repositories that are set up in uncommon ways, and what must hold for each after a run in it. What
-- lands is compared with what plain git makes of the same edit in a checkout of its own.

local al = require "agentlua"
local assert = require "luassert"

local M = {}

--- An edit that every repository allows, away from the user's unfinished work.
M.edit = "echo more >>src/f3.txt\necho new >new.txt\n"

--- Runs git in a directory of the world; returns all that it prints.
function M.git(w, dir, ...)
  local result = w:command { "git", "-C", dir, ... }
  assert(result.code == 0, result.stderr)
  return result.stdout
end

--- Runs a shell text, with arguments, in a directory of the world; returns all that it prints.
function M.shell(w, dir, text, ...)
  local result = w:command { cwd = dir, "sh", "-ec", text, "sh", ... }
  assert(result.code == 0, result.stderr .. result.stdout)
  return result.stdout
end

--- Sets git's settings of the repository: M.set(w, "a.b", "c", "d.e", "f").
function M.set(w, ...)
  local words = { ... }
  for i = 1, #words, 2 do w:git("config", words[i], words[i + 1]) end
end

--- Commits all that is in the main checkout.
function M.commit(w, message)
  w:git("add", "-A")
  w:git("commit", "-q", "--no-verify", "-m", message or "more")
end

--- Makes an executable outside of the repository; returns its path.
function M.program(w, name, text)
  local path = w.top .. "/bin/" .. name
  assert(al.fs.mkdir(w.top .. "/bin"))
  assert(al.fs.write { path = path, content = "#!/bin/sh\n" .. text, mode = 493 })
  return path
end

--- Lets another directory be the project of a world, with an .agentlua of its own on the base.
function M.enter(w, root, options)
  w.root = root
  M.set(w, "user.name", "User", "user.email", "user@example.invalid")
  assert(w:al("init").code == 0)
  if not (options and options.bare) then M.commit(w, "agentlua") end
  return w
end

--- Makes the project of a world by a shell text that runs beside the common repository ("repo").
function M.make(w, text)
  M.shell(w, w.top, text)
  return M.enter(w, w.top .. "/made")
end

-- ---- what there is ------------------------------------------------------------------------------

local function refs(w, but)
  local rows = {}
  for row in w:git("for-each-ref", "--format=%(refname) %(objectname)"):gmatch "[^\n]+" do
    if row:match "^%S+" ~= but and not row:find("^refs/heads/task/") then rows[#rows + 1] = row end
  end
  return table.concat(rows, "\n")
end

-- All of a checkout that belongs to the user.
local function of_user(w, dir)
  return table.concat({
    M.git(w, dir, "status", "--porcelain=v1", "--untracked-files=all", "-z"), M.git(w, dir, "diff"),
    M.git(w, dir, "diff", "--cached"), M.git(w, dir, "stash", "list"),
    M.git(w, dir, "rev-parse", "--symbolic-full-name", "HEAD"),
    al.fs.read(dir .. "/untracked.txt") or "", al.fs.read(dir .. "/secret.env") or "",
  }, "\0")
end

local function look(w, o)
  local seen = { refs = refs(w, "refs/heads/" .. o.base), worktrees = w:worktrees() }
  seen.tip = w:git("rev-parse", "refs/heads/" .. o.base)
  seen.user = o.checkout and of_user(w, o.checkout)
  return seen
end

-- Content, kind and mode of the paths in a list; one that is not there is left out.
local function bytes_of(w, dir, list)
  return M.shell(w, dir, [[
    xargs -0 sh -c 'for f; do test ! -e "$f" && test ! -L "$f" || printf "%s\0" "./$f"; done' sh <"$1" >"$1.there"
    tar -c --mtime=@0 --owner=0 --group=0 --no-recursion --null -T "$1.there" >"$1.tar"
    sha256sum <"$1.tar"
  ]], list)
end

-- The tree that plain git makes of the edit, and what it puts into a checkout for the changed paths.
local function reference(w, o, old, list)
  local dir = w.top .. "/plain"
  local files = o.checkout or w.root
  M.git(w, files, "-c", "core.hooksPath=/dev/null", "worktree", "add", "-q", "--detach", dir, old)
  M.shell(w, dir, o.edit)
  M.git(w, dir, "add", "-A")
  local tree = M.git(w, dir, "write-tree")
  M.shell(w, dir, ("mkdir ../fresh; git checkout-index -q -a --prefix='%s/fresh/'"):format(w.top))
  local bytes = o.checkout and bytes_of(w, w.top .. "/fresh", list)
  M.git(w, files, "worktree", "remove", "--force", dir)
  return tree, bytes
end

-- ---- running ------------------------------------------------------------------------------------

local function with_defaults(w, o)
  o = o or {}
  o.base, o.edit, o.args = o.base or w.branch, o.edit or M.edit, o.args or {}
  if o.checkout == nil then o.checkout = w.root end
  return o
end

-- An agent that notes how clean its checkout was, then edits.
local function agent(w, edit)
  local note = ("cat >/dev/null\ngit status --porcelain >'%s/status'\n"):format(w.top)
  return M.program(w, "agent", note .. "set -e\n" .. edit)
end

local function run(w, o)
  local argv = { "run", "execute.lua", "--agent", agent(w, o.edit), table.unpack(o.args) }
  argv[#argv + 1] = { cwd = o.cwd }
  return w:al(table.unpack(argv))
end

local function changed(w, o, old, new)
  local list = w.top .. "/changed"
  local text = M.git(w, o.checkout or w.root, "diff", "--name-only", "--no-renames", "-z", old, new)
  assert(al.fs.write { path = list, content = text })
  return list, text
end

local function check_kept(w, o, before, old)
  local after = look(w, o)
  assert.equal(before.refs, after.refs)
  assert.equal(before.user, after.user)
  assert.equal(old or before.tip, after.tip)
  M.git(w, w.root, "fsck", "--no-progress", "--no-dangling", table.unpack(o.fsck or {}))
  return after
end

--- A run does its task, and nothing else: returns the landed commit.
--- Options: edit (shell text), args (of run), base, checkout (that has the base; false: none), cwd,
--- merged (paths, when the base moves on meanwhile), fsck (options), keeps_worktree.
function M.lands(w, o)
  o = with_defaults(w, o)
  local id = w:add "a thing"
  local before = look(w, o)
  local result = run(w, o)
  local said = result.stdout .. result.stderr
  assert.equal(0, result.code, said)
  assert.equal("done", w:task(id).status, said)
  assert.equal("", al.fs.read(w.top .. "/status"))
  local new = w:git("rev-parse", "refs/heads/" .. o.base)
  local old = w:git("rev-parse", new .. "^")
  check_kept(w, o, before, new)
  if not o.keeps_worktree then
    assert.equal(before.worktrees, w:worktrees())
    assert.equal("", w:git("branch", "--list", "task/*"))
  end
  local list, paths = changed(w, o, old, new)
  if o.merged then
    assert.equal(o.merged, (paths:gsub("%z", " ")))
  else
    assert.equal(before.tip, old)
    local tree, bytes = reference(w, o, old, list)
    assert.equal(tree, w:git("rev-parse", new .. "^{tree}") .. "\n")
    assert.equal(bytes, o.checkout and bytes_of(w, o.checkout, list))
  end
  return new
end

--- A run that says why it does nothing, or hands its work to a person: returns the task.
--- Options as for lands(), and: code, status (of the task), says (words of the reason), moved (the
--- base moved by somebody else).
function M.refuses(w, o)
  o = with_defaults(w, o)
  local id = w:add "a thing"
  local before = look(w, o)
  local result = run(w, o)
  local task = w:task(id)
  local said = table.concat({ result.stdout, result.stderr, al.json.dump(task) }, "\n")
  assert.equal(o.code, result.code, said)
  assert.equal(o.status, task.status, said)
  assert.truthy(said:find(o.says, 1, true), said)
  if not o.moved then check_kept(w, o, before) end
  return task
end

return M
