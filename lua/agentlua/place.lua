-- agentlua.place: where is the project? Finds the main checkout from anywhere in a repository, by
-- looking at files alone, so that task commands need no git.

local core = require "agentlua.core"

local M = {}

local function first_line(path)
  local text = core.fs.read(path)
  return text and text:match("^[^\n]*")
end

--- A path that may be relative to the directory `from`.
function M.absolute(path, from) return path:sub(1, 1) == "/" and path or from .. "/" .. path end

--- What follows the directory `dir` in a path; nil when the path is not below it. Only the texts are looked at.
function M.below(path, dir) return path:sub(1, #dir + 1) == dir .. "/" and path:sub(#dir + 2) or nil end

-- The directory that the `.git` file of a checkout names; nil when there is no such file.
local function git_dir_of(checkout)
  local path = (first_line(checkout .. "/.git") or ""):match "^gitdir: (.+)$"
  return path and M.absolute(path, checkout)
end

-- A value of section [core] in one of git's files, the last one as git takes it.
local function core_setting(file, key)
  local section, found
  for line in (core.fs.read(file) or ""):gmatch "[^\n]+" do
    section = line:match "^%s*%[%s*(.-)%s*%]" or section
    local name, value = line:match "^%s*(%a[%w-]*)%s*=%s*(.-)%s*$"
    if name and section:lower() == "core" and name:lower() == key then
      local quoted = value:match '^"(.*)"$'
      found = quoted and quoted:gsub("\\(.)", "%1") or value
    end
  end
  return found
end

-- The checkout that a git directory with another name than .git says is its own. Believed only when that
-- leads back: anything may stand in the setting.
local function named_checkout(common)
  local named = core_setting(common .. "/config.worktree", "worktree") or core_setting(common .. "/config", "worktree")
  local checkout = named and core.fs.realpath(M.absolute(named, common))
  local back = checkout and git_dir_of(checkout)
  return back and core.fs.realpath(back) == common and checkout or nil
end

-- The main checkout behind the `.git` file of a linked worktree; nil for a submodule and the like. Second
-- value: why it cannot be told, with the next step.
local function main_of(dir)
  local git_dir = git_dir_of(dir)
  local common = git_dir and first_line(git_dir .. "/commondir")
  if not common then return nil end
  common = core.fs.realpath(M.absolute(common, git_dir))
  local checkout = common:match "^(.*)/%.git$" or named_checkout(common)
  if checkout or core_setting(common .. "/config", "bare") == "true"
    or core_setting(common .. "/config.worktree", "bare") == "true" then
    return checkout or common
  end
  return common, ("'%s' is a linked worktree, and nothing in the git directory '%s' names the main checkout; say "
    .. "-C CHECKOUT, or once: git --git-dir='%s' config core.worktree CHECKOUT"):format(dir, common, common)
end

--- True when the user named a directory (-C), which then counts more than $AGENTLUA_ROOT.
M.explicit = false

--- Looks upwards from `start` for a repository.
---@return { root: string, dir: string, lost: string? }? place  root: main checkout or git directory without one;
--- dir: its .agentlua; lost: why root is not the main checkout although there is one
function M.find(start)
  local dir = core.fs.realpath(start)
  while true do
    local git = core.fs.stat(dir .. "/.git")
    if git and git.type == "directory" then return { root = dir, dir = dir .. "/.agentlua" } end
    if git then
      local root, lost = main_of(dir)
      root = root or dir
      return { root = root, dir = root .. "/.agentlua", lost = lost }
    end
    if core.fs.stat(dir .. "/HEAD") and core.fs.stat(dir .. "/objects") and core.fs.stat(dir .. "/refs") then
      return { root = dir, dir = dir .. "/.agentlua" }
    end
    if dir == "/" then return nil end
    dir = dir:match("^(.*)/[^/]*$")
    if dir == "" then dir = "/" end
  end
end

return M
