-- A repository with an agent's worktree, and all that the product does with them.

local core = require "agentlua.core"
local git = require "agentlua.git"
local support = require "support"

local M = {}

-- ---- a repository with an agent's worktree --------------------------------------------------------

local world = {}
world.__index = world

--- Makes a repository whose `main` and `topic` both changed merged.txt; `topic` is the agent's, in a
--- worktree at `at` (beside the repository), with work that is not committed.
function M.new(name, at)
  local w = setmetatable({ name = name, path = support.repository(name), at = at or name .. "-topic" }, world)
  local lines = {}
  for i = 1, 20 do lines[i] = "line " .. i end
  local function commit(dir, where, first, last)
    lines[1], lines[20] = first, last
    support.write(dir .. "/merged.txt", table.concat(lines, "\n") .. "\n")
    support.git(where, "add", "merged.txt")
    support.git(where, "commit", "-q", "-m", "merged")
  end
  commit(name, w.path, "line", "line")
  support.write(name .. "/.git/info/exclude", "*.env\n/.trees\n")
  local repo = assert(git.open(w.path))
  w.location = assert(repo:worktree_add {
    path = support.dir .. "/" .. w.at, branch = "topic", base = repo:resolve "main",
  })
  w.tree, w.admin = w.location.work_tree, w.location.git_dir
  commit(name, w.path, "the user's", "line")
  commit(w.at, w.tree, "line", "the agent's")
  support.write(w.at .. "/file.txt", "work\n")
  support.write(w.at .. "/new.txt", "new\n")
  support.write(w.at .. "/secret.env", "secret\n")
  w.mark = support.dir .. "/" .. name .. "-mark"
  w.canary = w:program "canary"
  w:record()
  return w
end

--- Records what git may start, as a run does it before its first agent.
function world:record() self.trusted = assert(assert(git.open(self.path)):record()) end

--- Writes a program that leaves its name in the mark, and returns its path.
function world:program(name, dir, rest)
  local path = (dir or self.name .. "-evil") .. "/" .. name
  return support.write(path, ("#!/bin/sh\necho ${0##*/} >>'%s'\n%s\n"):format(self.mark, rest or ""), 493)
end

--- Names of the planted programs that ran.
function world:ran() return core.fs.read(self.mark) or "" end
function world:forget() core.fs.remove(self.mark) end

-- Adds to a file, which need not be there.
function world:append(path, text)
  text = text:gsub("%$C", self.canary)
  core.fs.write { path = path, content = (core.fs.read(path) or "") .. text .. "\n" }
end

--- Runs an unguarded git in the worktree; that it fails is no matter.
function world:git(options)
  local words = { "git", "-C", options.dir or self.tree, stdin = options.input, env = options.env or {} }
  for _, name in ipairs { "EDITOR", "PAGER", "ASKPASS", "SSH", "SSH_COMMAND", "SEQUENCE_EDITOR" } do
    if words.env["GIT_" .. name] == nil then words.env["GIT_" .. name] = false end
  end
  words.env.PAGER, words.env.SSH_ASKPASS, words.env.PATH = false, false, options.path
  return support.command(table.move(options, 1, #options, 4, words))
end

--- Plants a vector.
function world:plant(vector)
  if vector.cat then self:program("canary", nil, "exec cat") end
  if vector.config then self:append(self.path .. "/.git/config", vector.config) end
  for name, text in pairs(vector.tree or {}) do self:append(self.tree .. "/" .. name, text) end
  for _, name in ipairs(vector.hooks or {}) do self:program(name, self.name .. "/.git/hooks") end
  if vector.plant then vector.plant(self) end
end

--- Runs the command that must run the planted program.
function world:tempt(vector)
  if vector.before then self:git(vector.before) end
  self:forget()
  return vector.tempt and vector.tempt(self) or self:git(vector.git)
end

--- Unfinished work of the user in the main checkout.
function world:user_works()
  support.write(self.name .. "/file.txt", "the user's\n")
  support.write(self.name .. "/staged.txt", "staged\n")
  support.git(self.path, "add", "staged.txt")
  support.write(self.name .. "/untracked.txt", "untracked\n")
end

--- All that is the user's, as text: files with their times, index, HEAD, settings, refs.
function world:users()
  local script = [[
    tar --sort=name --exclude=./.git --exclude=./.trees -cf - . | sha256sum
    cd .git && sha256sum HEAD index config info/exclude
  ]]
  local parts = { support.command({ "sh", "-c", script, cwd = self.path }).stdout }
  for row in support.git(self.path, "for-each-ref", "--format=%(refname) %(objectname)"):gmatch "[^\n]+" do
    local own = row:find "^refs/agentlua/" or row:find "^refs/heads/topic " or row:find "^refs/heads/again "
    if not own then parts[#parts + 1] = row end
  end
  return table.concat(parts, "\n")
end

--- A directory with all that is below, as text.
function M.fingerprint(dir)
  return support.command({ "sh", "-c", "tar --sort=name -cf - . | sha256sum", cwd = dir }).stdout
end

-- ---- what the product does ------------------------------------------------------------------------

local operations = {} -- { name, function(world, repo) }

local function operation(name, fn) operations[#operations + 1] = { name = name, fn = fn } end
local pending_ref = "refs/agentlua/pending/t"

local function look(w, path)
  local repo, message = git.open(path)
  if not repo then return nil, message end
  repo.trusted = w.trusted
  return repo:status()
end
local function landed(result, ...)
  if not result then return result, ... end
  return result.status == "landed", result.status .. ": " .. result.reason
end
local function commit(w, repo)
  return repo:commit_leftovers { at = w.location, branch = "topic", message = "work\n", exclude = {} }
end
local function land(mode)
  return function(_, repo)
    return landed(repo:land {
      branch = "topic", base = "main", mode = mode, message = "it\n", pending_ref = pending_ref, protect = {},
    })
  end
end
local function add_again(w, repo)
  local location, message = repo:worktree_add {
    path = support.dir .. "/" .. w.name .. "-again", branch = "again", base = repo:resolve "topic",
  }
  w.again = location
  return location, message
end
local function remove_again(w, repo)
  return w.again and repo:worktree_remove { tree = w.again, branch = "again" }, "there is none"
end

operation("open the worktree", function(w) return look(w, w.tree) end)
operation("open a directory in it", function(w) return look(w, w.nested or w.tree) end)
operation("resolve", function(_, repo) return repo:resolve "topic" end)
operation("contains", function(_, repo) return repo:contains(repo:resolve "topic", repo:resolve "topic~1") end)
operation("refs", function(_, repo) return repo:refs "refs/heads" end)
operation("identity", function(_, repo) return repo:identity() end)
operation("worktrees", function(_, repo) return repo:worktrees() end)
operation("worktree_adopt", function(w, repo) return repo:worktree_adopt { path = w.tree, branch = "topic" } end)
operation("status", function(_, repo) return repo:status() end)
operation("status of the worktree", function(w, repo) return repo:status { at = w.location } end)
operation("ignored", function(w, repo) return repo:ignored { at = w.location, paths = { "secret.env" } } end)
operation("save", function(w, repo)
  return repo:save { at = w.location, ref = "refs/agentlua/saved/t/1", known = {} }
end)
operation("commit_leftovers", commit)
operation("diff", function(_, repo) return repo:diff { from = repo:resolve "main", to = repo:resolve "topic" } end)
operation("worktree_add", add_again)
operation("worktree_remove", remove_again)
operation("worktree_add of a branch", add_again)
operation("worktree_remove again", remove_again)
operation("land, squash", land "squash")
operation("recover_landing", function(_, repo)
  local found = repo:recover_landing { pending_ref = pending_ref, base = "main" }
  return found == repo:resolve "main", "it is not on main"
end)
operation("finish_landing", function(_, repo) return repo:finish_landing { pending_ref = pending_ref } end)
operation("commit_leftovers again", function(w, repo)
  support.write(w.at .. "/more.txt", "more\n")
  return commit(w, repo)
end)
operation("land, merge", land "merge")
operation("worktree_remove of the agent's", function(w, repo)
  core.fs.remove(w.tree .. "/secret.env")
  return repo:worktree_remove { tree = w.location, branch = "topic", tip = repo:resolve "topic" }
end)

--- What is done in a worktree whose agent is gone.
M.in_worktree = {
  "open the worktree", "worktrees", "worktree_adopt", "status of the worktree", "ignored", "save",
  "commit_leftovers", "worktree_remove of the agent's",
}
M.landing = { "land, squash", "recover_landing", "finish_landing" }

local function chosen(names)
  if not names then return operations end
  local found = {}
  for _, name in ipairs(names) do
    for _, each in ipairs(operations) do
      if each.name == name then found[#found + 1] = each end
    end
  end
  assert(#found == #names, "there is no such operation")
  return found
end

--- Does everything, or the operations of a list. Returns those during which a planted program ran, and
--- those that failed, with why.
function world:operate(names)
  self:forget()
  local ran, failed = {}, {}
  local repo, message = git.open(self.path)
  if self:ran() ~= "" then ran[1] = "open" end
  if not repo then return ran, { "open: " .. message } end
  repo.trusted = self.trusted
  for _, each in ipairs(chosen(names)) do
    self:forget()
    local value, why = each.fn(self, repo)
    if not value then failed[#failed + 1] = each.name .. ": " .. tostring(why) end
    if self:ran() ~= "" then ran[#ran + 1] = each.name end
  end
  return ran, failed
end

return M
