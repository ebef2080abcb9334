-- agentlua.completion.bash: the script for bash.

local completion = require "agentlua.completion"

local M = {}

local quote = completion.quote

local head = [=[
# bash completion for agentlua, made by: agentlua completion bash

# Ids of the tasks; the arguments are what was typed of -C and --tasks. The agentlua of PATH is asked,
# not one that was only typed.
_agentlua_tasks() {
  command agentlua ${places[@]+"${places[@]}"} task list ${tasks[@]+"${tasks[@]}"} --json 2>/dev/null |
    @IDS@
}

# COMMAND:OPTION, COMMAND:N for its Nth argument, COMMAND:- for the names of its options.
_agentlua_what() {
  takes=1 what=none words=
  case $1 in
]=]

local tail = [=[
  esac
}

_agentlua() {
  local cur=${COMP_WORDS[COMP_CWORD]} command= option= argument=1 takes what words word i
  local -a places=() tasks=()
  local IFS=$' \t\n'
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]/#\~\//$HOME/}
    if [[ $word == = ]]; then # --option=value comes as three words
      continue
    elif [[ $word == -?* ]]; then
      option=$word
      _agentlua_what "$command:$option"
      [[ $takes == 0 ]] && option=
    elif [[ -n $option ]]; then
      [[ $option == -C ]] && places+=(-C "$word")
      [[ $option == --tasks ]] && tasks=(--tasks "$word")
      [[ $takes == 1 ]] && option=
    elif [[ -z $command || $command =~ ^(@FAMILIES@)$ ]]; then
      command=${command:+$command }$word
    else
      ((argument++))
    fi
  done
  [[ $cur == = ]] && cur=
  if [[ -n $option && $cur != -* ]]; then
    _agentlua_what "$command:$option"
  elif [[ $cur == -* ]]; then
    _agentlua_what "$command:-"
  else
    _agentlua_what "$command:$argument"
  fi
  COMPREPLY=()
  case $what in
    files | dirs)
      compopt -o filenames 2>/dev/null
      [[ $what == files ]] && what=-f || what=-d
      mapfile -t COMPREPLY < <(compgen "$what" -- "$cur")
      return ;;
    tasks) words=$(_agentlua_tasks) ;;
  esac
  for word in $words; do
    [[ $word == "$cur"* ]] && COMPREPLY+=("$word")
  done
}

complete -F _agentlua agentlua
]=]

local function assignments(value)
  local text = " what=" .. value.kind
  if value.kind == "words" then text = text .. " words=" .. quote(table.concat(value.words, " ")) end
  return text
end

local function cases(entry)
  local lines, names = {}, {}
  local function add(pattern, text) lines[#lines + 1] = ("    %s)%s ;;\n"):format(pattern, text) end
  for _, option in ipairs(entry.options) do
    local keys = {}
    for i, name in ipairs(option.names) do
      names[#names + 1], keys[i] = name, quote(entry.words .. ":" .. name)
    end
    local text = option.value and assignments(option.value) or ""
    if not option.value then text = " takes=0" elseif option.value.many then text = text .. " takes=many" end
    add(table.concat(keys, " | "), text)
  end
  add(quote(entry.words .. ":-"), " what=words words=" .. quote(table.concat(names, " ")))
  add(quote(entry.words .. ":-") .. "*", " takes=0") -- of a script, perhaps
  if #entry.commands > 0 then
    add(quote(entry.words .. ":") .. "*", " what=words words=" .. quote(completion.names(entry.commands)))
  end
  for i, value in ipairs(entry.arguments) do
    add(quote(entry.words .. ":" .. (value.many and "" or i)) .. (value.many and "*" or ""), assignments(value))
  end
  return table.concat(lines)
end

--- The script, from what agentlua.completion.words() returns.
function M.script(words)
  local parts = { (head:gsub("@IDS@", function() return completion.ids end)) }
  for _, entry in ipairs(words) do parts[#parts + 1] = cases(entry) end
  parts[#parts + 1] = tail:gsub("@FAMILIES@", completion.families(words, "|"))
  return table.concat(parts)
end

return M
