-- agentlua.completion.fish: the script for fish.

local completion = require "agentlua.completion"

local M = {}

local head = [=[
# fish completion for agentlua, made by: agentlua completion fish

# Ids of the tasks that -C and --tasks, as typed, lead to.
function __agentlua_tasks
    set -l typed (commandline -opc)
    set -l places
    set -l tasks
    for i in (seq 2 (math (count $typed) - 1))
        set -l value (string replace -r '^~/' "$HOME/" -- $typed[(math $i + 1)])
        test $typed[$i] = -C; and set -a places -C $value
        test $typed[$i] = --tasks; and set tasks --tasks $value
    end
    command agentlua $places task list $tasks --json 2>/dev/null |
        @IDS@
end

# True when the command typed so far is the first argument.
function __agentlua_at
    set -l typed (commandline -opc)
    set -e typed[1]
    while test "$typed[1]" = -C
        set -e typed[1..2]
    end
    set -l command $typed[1]
    contains -- "$command" @FAMILIES@; and set command (string join ' ' $typed[1..2])
    test "$command" = "$argv[1]"
end

complete -c agentlua -f
]=]

-- fish knows \' and \\ in single quotes.
local function quote(text) return "'" .. text:gsub("[\\']", "\\%0") .. "'" end

local function values(value)
  local by_kind = {
    words = "-x -a " .. quote(table.concat(value.words, " ")), tasks = "-x -a '(__agentlua_tasks)'", files = "-r -F",
    dirs = "-x -a '(__fish_complete_directories)'", none = "-x",
  }
  return by_kind[value.kind]
end

local function lines_of(entry)
  local at = "complete -c agentlua -n " .. quote("__agentlua_at " .. quote(entry.words))
  local lines = {}
  local function add(...) lines[#lines + 1] = table.concat({ at, ... }, " ") .. "\n" end
  for _, option in ipairs(entry.options) do
    local words = {}
    for i, name in ipairs(option.names) do
      words[i] = name:sub(1, 2) == "--" and "-l " .. name:sub(3) or "-s " .. name:sub(2)
    end
    if option.value then words[#words + 1] = values(option.value) end
    add(table.concat(words, " "), "-d", quote(option.summary))
  end
  for _, command in ipairs(entry.commands) do add("-a", quote(command.name), "-d", quote(command.summary)) end
  for _, value in ipairs(entry.arguments) do
    if value.kind ~= "none" then add((values(value):gsub("^%-[xr]", value.kind == "files" and "" or "-f"))) end
  end
  return table.concat(lines)
end

--- The script, from what agentlua.completion.words() returns.
function M.script(words)
  local parts = { (head:gsub("@IDS@", function() return completion.ids end)
    :gsub("@FAMILIES@", completion.families(words, " "))) }
  for _, entry in ipairs(words) do parts[#parts + 1] = lines_of(entry) end
  return table.concat(parts)
end

return M
