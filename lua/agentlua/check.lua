-- agentlua.check: finds misspelt names in scripts, settings, hooks and backends without running them.

local core = require "agentlua.core"
local infer = require "agentlua.check.infer"
local resource = require "agentlua.resource"
local syntax = require "agentlua.check.syntax"
local tokens = require "agentlua.check.tokens"

local M = {}

-- What a file returns, by where it is; nil for a script. A module of that name is something else.
local function class_of(path)
  path = path:match "^.*/%.agentlua/(.*)$" or path -- the project may be below a directory named lua
  local name, dir = path:match "([^/]*)$", path:match "([^/]*)/[^/]*$"
  if dir == "agents" then return "agentlua.Backend" end
  if ("/" .. path):find("/lua/", 1, true) then return nil end
  return name == "config.lua" and "agentlua.Config" or name == "hooks.lua" and "agentlua.Hooks" or nil
end

local has_embedded, embedded = pcall(require, "agentlua.embedded")

-- Whether there is a module of the library: files of a project are none.
local function has_module(name)
  local path = name:gsub("%.", "/")
  return package.searchpath(name, package.path) ~= nil
    or has_embedded and (embedded.get("lua/" .. path .. ".lua") or embedded.get("lua/" .. path .. "/init.lua")) ~= nil
end

-- Where prompts and agents are below the directories of resource.lua, and how their files end.
local places = {
  prompt = { "%.md$", "/prompts", "/scripts/prompts" }, agent = { "%.lua$", "/agents", "/lua/agentlua/agents" },
}

-- Names of all prompts, or agents, that can be named.
local function files_of(kind, dir)
  local names, seen = {}, {}
  for _, top in ipairs(resource.dirs(dir)) do
    for i = 2, #places[kind] do
      for _, file in ipairs(core.fs.list(top .. places[kind][i]) or {}) do
        local name = file:match("^(.*)" .. places[kind][1])
        if name and not seen[name] then names[#names + 1], seen[name] = name, true end
      end
    end
  end
  return names
end

--- Checks a source. Findings are in order of their place.
---@param text string
---@param path string tells what it is: config.lua, hooks.lua, agents/*.lua, else a script
---@param dir string? an .agentlua, whose prompts and agents may be named
---@return { file: string, line: integer, column: integer, message: string, nearest: string? }[] | nil, string? message
--- nil: it is no Lua; the message begins with FILE:LINE
function M.source(text, path, dir)
  local chunk, problem = load(text, "=" .. path, "t")
  if not chunk then return nil, problem end
  local findings, place, class = {}, tokens.places(text), class_of(path)
  infer.walk(syntax.parse(text), {
    returns = class, no_globals = class == "agentlua.Config", dir = dir, has_module = has_module,
    files_of = function(kind) return files_of(kind, dir) end,
    on_finding = function(at, message, nearest)
      local line, column = place(at)
      findings[#findings + 1] = {
        file = path, line = line, column = column, message = message, nearest = nearest,
      }
    end,
  })
  table.sort(findings, function(a, b)
    if a.line ~= b.line then return a.line < b.line end
    return a.column < b.column
  end)
  return findings
end

return M
