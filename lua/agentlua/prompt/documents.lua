-- agentlua.prompt.documents: documents of the project that a prompt points to: what a task names, and what is in
-- the directories for them. They are not read here.

local core = require "agentlua.core"
local place = require "agentlua.place"

local M = {}

--- Where documents of a kind are, and dotbot's: directories relative to the project. (.agentlua/agents has
--- backends.)
M.places = {
  product = { ".agentlua/product", ".bot/workspace/product" },
  standards = { ".agentlua/standards", ".bot/recipes/standards/global" },
  agents = { ".agentlua/personas", ".bot/recipes/agents" },
  skills = { ".agentlua/skills", ".bot/recipes/skills" },
}

-- Most documents in a list.
local most <const> = 100

-- A path that leaves the project, also by a link, or leads nowhere, is not for reading: nil.
local function find(project, path)
  if path == "" or path:find("\0", 1, true) then return nil end
  local whole = core.fs.realpath(place.absolute(path, project.root))
  local inside = whole and place.below(whole, project.root)
  return inside and core.fs.stat(whole) and whole or nil
end

local function pointer(project, task, path)
  local shown = core.text.printable(path):gsub("[\n`]", " ")
  local whole = find(project, path)
  if not whole then return ("`%s`, which is missing: do without it"):format(shown) end
  local tree = task.analysis_worktree or task.worktree
  local elsewhere = path:sub(1, 1) ~= "/" and tree and not core.fs.stat(tree.path .. "/" .. path)
  return ("read `%s`"):format(elsewhere and core.text.printable(whole) or shown) -- not in git: only the project has it
end

--- Lines that point to documents, one for each path; a path is relative to the project.
function M.pointers(project, task, paths)
  local lines = {}
  for _, path in ipairs(paths) do
    if type(path) == "string" then lines[#lines + 1] = "- " .. pointer(project, task, path) end
  end
  return table.concat(lines, "\n")
end

--- The project's documents of a kind, relative to it: NAME.md, and in a directory of its own NAME/AGENT.md.
function M.list(project, kind)
  local found = {}
  local function names(dir) return core.fs.list(project.root .. "/" .. dir) or {} end
  local function add(dir, pattern)
    for _, name in ipairs(names(dir)) do
      if name:find(pattern) and #found < most then found[#found + 1] = dir .. "/" .. name end
    end
  end
  for _, dir in ipairs(M.places[kind]) do
    add(dir, "%.md$")
    for _, name in ipairs(names(dir)) do add(dir .. "/" .. name, "^%u+%.md$") end
  end
  return found
end

--- Points to a product document by its name; "" when there is none.
function M.product(project, task, name)
  for _, dir in ipairs(M.places.product) do
    local path = dir .. "/" .. name
    if find(project, path) then return pointer(project, task, path) end
  end
  return ""
end

return M
