-- agentlua.completion: what can be typed, taken from the parsers that the commands use. One file per
-- shell in completion/ makes a script of it.

local M = {}

-- What a value is, by its name in the help. What is not here completes to nothing.
local kinds = {
  task = "tasks", ID = "tasks", dir = "dirs", DIR = "dirs", file = "files", FILE = "files", script = "files",
  analysis = "files", ["NAME|PATH"] = "files",
}

local function value_of(element, name)
  return {
    kind = element._choices and "words" or kinds[name] or "none", words = element._choices or {},
    name = element._name:gsub("^%-+", ""), many = element._maxargs > 1,
  }
end

local function option(element)
  local value = element._maxargs > 0 and value_of(element, element._argname) or nil
  return { names = element._public_aliases, summary = element._description or "", value = value }
end

--- Commands as lists of what follows them: {words = "task list", summary, options = {{names, summary,
--- value}}, arguments = {value}, commands = {{name, summary}}}; value = {kind, words, name, many}, and
--- kind is words, tasks, files, dirs or none. `commands` is what agentlua.cli.list() returns.
function M.words(commands)
  local all = {}
  local function add(list, before)
    for _, command in ipairs(list) do
      local entry = { words = before .. command.name, options = {}, arguments = {}, commands = command.commands or {} }
      all[#all + 1] = entry
      local parser = command.parser or { _options = {}, _arguments = {} }
      for i, element in ipairs(parser._options) do entry.options[i] = option(element) end
      for i, element in ipairs(parser._arguments) do entry.arguments[i] = value_of(element, element._name) end
      add(entry.commands, entry.words .. " ")
    end
  end
  add(commands, "")
  local directory = { kind = "dirs", words = {}, name = "DIR", many = false }
  table.insert(all, 1, {
    words = "", arguments = {}, commands = commands, options = {
      { names = { "-C" }, summary = "directory to work in", value = directory },
      { names = { "-h", "--help" }, summary = "list the commands" },
      { names = { "--version" }, summary = "print the version" },
    },
  })
  return all
end

--- A text as one word of a shell.
function M.quote(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

--- Shell command that turns a list of tasks into ids. Nothing else gets through: shells expand what
--- they complete, and a task directory may be somebody else's.
M.ids = [[sed -n 's/^    "id": "\([A-Za-z0-9][A-Za-z0-9._-]*\)",\{0,1\}$/\1/p']]

--- Names of a list of commands.
function M.names(commands)
  local names = {}
  for i, command in ipairs(commands) do names[i] = command.name end
  return table.concat(names, " ")
end

--- Names of the commands that have commands, as one text. `words` is what M.words() returns.
function M.families(words, separator)
  local names = {}
  for _, entry in ipairs(words) do
    if #entry.commands > 0 and entry.words ~= "" then names[#names + 1] = entry.words end
  end
  return table.concat(names, separator)
end

return M
