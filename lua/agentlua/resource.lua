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
    for _, up in ipairs(lua_dir and { "/..", "/../../agentlua" } or {}) do
      dirs[#dirs + 1] = core.fs.realpath(lua_dir .. up)
    end
  end
  local installed = (M.host() or ""):match "^(.*)/bin/[^/]+$"
  if installed then dirs[#dirs + 1] = installed .. "/share/agentlua" end
  return dirs
end

-- The user's own directories; `project_dir` is a trusted .agentlua, or nil.
local function own_dirs(project_dir)
  return project_dir and { project_dir, M.config_dir() } or { M.config_dir() }
end

--- Directories that are looked at, in order; `project_dir` is a trusted .agentlua, or nil.
function M.dirs(project_dir)
  local dirs = own_dirs(project_dir)
  for _, dir in ipairs(library_dirs()) do dirs[#dirs + 1] = dir end
  return dirs
end

--- Finds `kind`/`name`, e.g. "scripts", "execute.lua" or "prompts", "execute.md".
---@return { path: string, text: string, embedded: boolean }?
function M.find(kind, name, project_dir)
  local paths = {}
  for _, dir in ipairs(own_dirs(project_dir)) do
    paths[#paths + 1] = dir .. "/" .. kind .. "/" .. name
  end
  -- The library has prompts beside its scripts, and agents among its examples.
  local carried = kind == "prompts" and { "scripts/prompts" } or { kind, "examples/" .. kind }
  for _, dir in ipairs(library_dirs()) do
    for _, sub in ipairs(carried) do paths[#paths + 1] = dir .. "/" .. sub .. "/" .. name end
  end
  for _, path in ipairs(paths) do
    local text = core.fs.read(path)
    if text then return { path = path, text = text, embedded = false } end
  end
  for _, sub in ipairs(embedded and carried or {}) do
    local text = embedded.get(sub .. "/" .. name)
    if text then return { path = sub .. "/" .. name, text = text, embedded = true } end
  end
  return nil
end

return M
