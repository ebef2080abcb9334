-- agentlua.resource: finds scripts and prompts. The user's copies win: the project's .agentlua (when
-- it is trusted), then $XDG_CONFIG_HOME/agentlua, then what is installed, then what the host carries.

local core = require "agentlua.core"

local M = {}

local has_embedded, embedded = pcall(require, "agentlua.embedded")
if not has_embedded then embedded = nil end

--- Directory of the user's own scripts and prompts.
function M.config_dir()
  local base = os.getenv "XDG_CONFIG_HOME"
  if not base or base == "" then base = (os.getenv "HOME" or "") .. "/.config" end
  return base .. "/agentlua"
end

--- The running host, or nil in a plain Lua.
function M.host()
  return embedded and core.fs.realpath "/proc/self/exe" or nil
end

-- Where the library's own scripts are: the source tree, or share/ of an installation.
local function library_dirs()
  local dirs = {}
  local library = package.searchpath("agentlua", package.path)
  if library then
    local lua_dir = core.fs.realpath(library):match("^(.*)/agentlua/init%.lua$")
    if lua_dir then dirs = { lua_dir .. "/..", lua_dir .. "/../../agentlua" } end
  end
  local host = M.host()
  if host then dirs[#dirs + 1] = host:match("^(.*)/bin/[^/]+$") .. "/share/agentlua" end
  return dirs
end

--- Directories that are looked at, in order; `project_dir` is a trusted .agentlua, or nil.
function M.dirs(project_dir)
  local dirs = { M.config_dir() }
  if project_dir then table.insert(dirs, 1, project_dir) end
  for _, dir in ipairs(library_dirs()) do dirs[#dirs + 1] = dir end
  return dirs
end

--- Finds `kind`/`name`, e.g. "scripts", "execute.lua" or "prompts", "execute.md".
---@return { path: string, text: string, embedded: boolean }?
function M.find(kind, name, project_dir)
  local own = kind == "prompts" and "scripts/prompts" or kind
  local host_dirs = {}
  for _, dir in ipairs(library_dirs()) do host_dirs[dir] = true end
  for _, dir in ipairs(M.dirs(project_dir)) do
    local path = dir .. "/" .. (host_dirs[dir] and own or kind) .. "/" .. name
    local text = core.fs.read(path)
    if text then return { path = path, text = text, embedded = false } end
  end
  for _, dir in ipairs { own, "examples/" .. kind } do
    local text = embedded and embedded.get(dir .. "/" .. name)
    if text then return { path = dir .. "/" .. name, text = text, embedded = true } end
  end
  return nil
end

return M
