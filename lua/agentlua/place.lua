-- agentlua.place: where is the project? Finds the main checkout from anywhere in a repository, by
-- looking at files alone, so that task commands need no git.

local core = require "agentlua.core"

local M = {}

local function first_line(path)
  local text = core.fs.read(path)
  return text and text:match("^[^\n]*")
end

-- The main checkout behind the `.git` file of a linked worktree; nil for a submodule and the like.
local function main_of(dir)
  local git_dir = (first_line(dir .. "/.git") or ""):match("^gitdir: (.*)$")
  if not git_dir then return nil end
  if git_dir:sub(1, 1) ~= "/" then git_dir = dir .. "/" .. git_dir end
  local common = first_line(git_dir .. "/commondir")
  if not common then return nil end
  if common:sub(1, 1) ~= "/" then common = git_dir .. "/" .. common end
  common = core.fs.realpath(common)
  local checkout = common:match "^(.*)/%.git$"
  if not checkout then -- bare, or its checkout lies elsewhere and is named there
    local config = core.fs.read(common .. "/config") or ""
    local named = (config:match "\n%s*worktree%s*=%s*([^\n]+)" or ""):match "^(.-)%s*$"
    if named ~= "" then checkout = core.fs.realpath(named:sub(1, 1) == "/" and named or common .. "/" .. named) end
  end
  return checkout or common
end

--- True when the user named a directory (-C), which then counts more than $AGENTLUA_ROOT.
M.explicit = false

--- Looks upwards from `start` for a repository.
---@return { root: string, dir: string }? place  root: main checkout or bare git directory; dir: its .agentlua
function M.find(start)
  local dir = core.fs.realpath(start)
  while true do
    local git = core.fs.stat(dir .. "/.git")
    if git and git.type == "directory" then return { root = dir, dir = dir .. "/.agentlua" } end
    if git then
      local root = main_of(dir) or dir
      return { root = root, dir = root .. "/.agentlua" }
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
