-- Agents for the specs of limits: shell scripts that print our events, and a log of their starts.

local al = require "agentlua"

local M = {}

local begin = [[
cat >"$MARK.prompt.$AGENTLUA_ATTEMPT"
echo "$AGENT $AGENTLUA_TASK_ID $AGENTLUA_ATTEMPT $(date +%s.%N) $*" >>"$MARK"
started=$(grep -c "^$AGENT $AGENTLUA_TASK_ID " "$MARK")
work() { echo "$AGENT $AGENTLUA_ATTEMPT" >>"new-$AGENTLUA_TASK_ID.txt"; say '{"type":"text","text":"worked"}'; }
say() { printf '%s\n' "$1"; }
in_seconds() { echo $(($(date +%s) + $1)); }
]]

--- Makes an agent `name` of a shell script that runs after `begin`. `started` counts its starts on the task;
--- its arguments are the session that it resumes, unless `options.no_sessions`. options.words: its own, as Lua.
function M.agent(w, name, script, options)
  local session = options and options.no_sessions and "" or [[, { "{session}" }]]
  w:write(".agentlua/agents/" .. name .. ".lua", ([=[return {
    argv = { "sh", "-c", [==[%s]==], %q%s }, env = { AGENT = %q }, limits = { %s },
    stderr = { { "no such session", "crash", code = "no_session" } },
  }]=]):format(begin .. script, name, session, name, options and options.words or ""))
end

--- Starts of agents so far: {agent, task, attempt, time, session}.
function M.starts(w)
  local all = {}
  for line in (al.fs.read(w.env.MARK) or ""):gmatch "[^\n]+" do
    local agent, task, attempt, time, session = line:match "^(%S+) (%S+) (%S+) (%S+) ?(.*)$"
    all[#all + 1] = {
      agent = agent, task = task, attempt = tonumber(attempt), time = tonumber(time), session = session,
    }
  end
  return all
end

--- What an attempt was told.
function M.prompt(w, attempt) return al.fs.read(w.env.MARK .. ".prompt." .. attempt) end

--- The endings of a task's attempts, and which of them count as failed: "limit done", "crash! crash! done".
function M.endings(task)
  local words = {}
  for i, one in ipairs(task.attempts or {}) do words[i] = one.ending .. (one.spent and "!" or "") end
  return table.concat(words, " ")
end

--- limits.json of the world's user.
function M.kept(w) return al.json.parse(al.fs.read(w.top .. "/state/agentlua/limits.json") or "{}") end

return M
