-- agentlua.trial_files: what agentlua test writes: an agent that asks once, a check that fails once, settings.

local M = {}

local asking_agent = [[
#!/bin/sh
# The demo agent; for one task it asks first.
prompt=$(cat)
case $prompt in
*"# Task: Asks"*)
  if ! [ -e "%s/asked" ]; then
    : >"%s/asked"
    agentlua task ask "$AGENTLUA_TASK_ID" "Shall I?" --option yes no
    exit 0
  fi ;;
esac
printf '%%s\n' "$prompt" | sh -c "$AGENTLUA_TRIAL_AGENT" demo
]]

local doubting_check = [[
#!/bin/sh
# Fails once for one task.
[ "$AGENTLUA_TASK_ID" = "%s" ] && ! [ -e "%s/doubted" ] || exit 0
: >"%s/doubted"
echo "this is the failure that agentlua test makes once"
exit 1
]]

-- Put around the text of the user's config.lua, which is data and stays it.
local settings = [[
local c = (function(...)
%s
end)(...) or {}
-- The throw-away repository has places, branches and reviews of its own.
c.tasks, c.worktrees, c.base, c.push, c.pr, c.network_store = nil, nil, nil, nil, nil, nil
c.limits, c.jobs = { max_wait = 1 }, 1
c.verify = c.verify or {}
if not %s then
  c.setup = nil
  for i = 1, #c.verify do
    if c.verify[i].argv then c.verify[i].argv = { "true" } end
  end
end
c.verify[#c.verify + 1] = { name = "agentlua test", argv = { "sh", %q } }
c.backends = c.backends or {}
%s
return c
]]

-- A backend whose program prints a recording, and does nothing.
local replay = [[
local backend = c.backends[%q] or {}
c.backends[%q], c.on_empty = backend, "done"
backend.argv, backend.permission, backend.prepare = { "cat", %q }, false, false
backend.version, backend.check, backend.pre_args, backend.args = false, false, {}, {}
]]

--- The program of the agent. `top`: directory of the trial.
function M.agent(top) return asking_agent:format(top, top) end

--- The program of the check. `id`: the task whose first try it does not believe, if any.
function M.check(top, id) return doubting_check:format(id or "", top, top) end

--- Settings made of the user's own. Options: verify = true to keep their commands; check = path of the check; agent =
--- name, whose program is replaced by `script` = path, or by one that prints `transcript` = path.
function M.config(own, options)
  local more = ""
  if options.transcript then more = replay:format(options.agent, options.agent, options.transcript) end
  if options.script then more = ('c.backends[%q] = { argv = { "sh", %q } }'):format(options.agent, options.script) end
  return settings:format(own, options.verify or false, options.check, more)
end

return M
