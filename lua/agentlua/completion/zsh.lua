-- agentlua.completion.zsh: the script for zsh.

local completion = require "agentlua.completion"

local M = {}

local quote = completion.quote

local head = [=[
#compdef agentlua
# zsh completion for agentlua, made by: agentlua completion zsh

# Ids of the tasks that -C and --tasks, as typed, lead to.
_agentlua_tasks() {
  local -a places tasks ids
  local i
  for ((i = 2; i < $#agentlua_typed; i++)); do
    [[ $agentlua_typed[i] == -C ]] && places+=(-C ${~${(Q)agentlua_typed[i + 1]}})
    [[ $agentlua_typed[i] == --tasks ]] && tasks=(--tasks ${~${(Q)agentlua_typed[i + 1]}})
  done
  ids=(${(f)"$(command agentlua $places task list $tasks --json 2>/dev/null |
    @IDS@)"})
  compadd -a ids
}

]=]

local tail = [=[
_agentlua() {
  local -a agentlua_typed=($words)
  _agentlua_at_
}

if [[ $funcstack[1] == _agentlua ]]; then _agentlua "$@"; else compdef _agentlua agentlua; fi
]=]

-- Text inside of a specification of _arguments or _describe.
local function escape(text) return (text:gsub("[%[%]:\\]", "\\%0")) end

local function function_name(words) return "_agentlua_at_" .. words:gsub("%W", "_") end

local function action(value)
  local by_kind = {
    words = "(" .. table.concat(value.words, " ") .. ")", tasks = "_agentlua_tasks", files = "_files",
    dirs = "_directories", none = " ",
  }
  return escape(value.name) .. ":" .. by_kind[value.kind]
end

local function specifications(entry)
  local all = {}
  for _, option in ipairs(entry.options) do
    local value = option.value
    for _, name in ipairs(option.names) do
      local text = name .. "[" .. escape(option.summary) .. "]"
      if value then text = (value.many and "*" or "") .. text .. (value.many and ":*-*:" or ":") .. action(value) end
      all[#all + 1] = quote(text)
    end
  end
  for i, value in ipairs(entry.arguments) do
    all[#all + 1] = quote((value.many and "*" or i) .. ":" .. action(value))
  end
  if #entry.commands > 0 then
    all[#all + 1] = "'1:command:->command'"
    all[#all + 1] = "'*::argument:->argument'"
  end
  return table.concat(all, " \\\n    ")
end

local function define(entry)
  local lines = { function_name(entry.words) .. "() {\n" }
  local function add(...) lines[#lines + 1] = table.concat { ... } end
  if #entry.commands == 0 then
    add("  _arguments \\\n    ", specifications(entry), "\n}\n\n")
    return table.concat(lines)
  end
  add("  local curcontext=$curcontext state line\n  local -A opt_args\n  local -a commands=(\n")
  for _, command in ipairs(entry.commands) do
    add("    ", quote(escape(command.name) .. ":" .. command.summary), "\n")
  end
  add("  )\n  _arguments -C \\\n    ", specifications(entry), "\n  case $state in\n")
  add("    command) _describe command commands ;;\n    argument)\n      case $line[1] in\n")
  for _, command in ipairs(entry.commands) do
    add("        ", command.name, ") ", function_name((entry.words .. " " .. command.name):gsub("^ ", "")), " ;;\n")
  end
  add("      esac ;;\n  esac\n}\n\n")
  return table.concat(lines)
end

--- The script, from what agentlua.completion.words() returns.
function M.script(words)
  local parts = { (head:gsub("@IDS@", function() return completion.ids end)) }
  for _, entry in ipairs(words) do parts[#parts + 1] = define(entry) end
  parts[#parts + 1] = tail
  return table.concat(parts)
end

return M
