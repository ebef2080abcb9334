-- agentlua login AGENT

local agent = require "agentlua.agent"
local cli = require "agentlua.cli"
local core = require "agentlua.core"
local errors = require "agentlua.errors"
local limit = require "agentlua.limit"
local login = require "agentlua.terminal.login"
local project = require "agentlua.project"
local runs = require "agentlua.run"

-- How many tasks wait for a login of the backend: its last attempt on them ended for want of one.
local function parked(p, backend)
  local count = 0
  for _, status in ipairs { "todo", "analysed" } do
    for _, task in ipairs(errors.check(p.store:list(status))) do
      local attempts = type(task.attempts) == "table" and task.attempts or {}
      local last = attempts[#attempts]
      if type(last) == "table" and last.ending == "auth" and last.agent == backend.name then count = count + 1 end
    end
  end
  return count
end

local function say_what_goes_on(p, backend)
  local count, moment = p and parked(p, backend) or 0, "at the next run"
  for _, run in ipairs(count > 0 and runs.list(p) or {}) do
    if run.alive then moment = "now" end
  end
  local tasks = count == 1 and "1 parked task goes on" or count .. " parked tasks go on"
  print(("%s: logged in%s"):format(backend.account, count > 0 and ("; %s %s"):format(tasks, moment) or ""))
end

local function show(text)
  io.stdout:write(text)
  io.stdout:flush()
end

return {
  summary = "log an agent in: runs the vendor's login, shows its address, passes on the code",
  configure = function(parser)
    parser:argument("agent", "backend, as for run --agent")
    parser:flag("--done", "it is logged in, or has its key, already: let its tasks go on")
  end,
  run = function(args)
    local p = cli.trusted_dir() and project.open { options = {} }
    local backend = agent.load(args.agent, p)
    if not args.done then
      local input <close> = errors.check(core.terminal.open())
      local result = login.run(backend, { input = input, show = show, project = p })
      if result.signal then return 128 + result.signal end
      if not result.ok then
        local help = backend.login_help and ", or " .. backend.login_help or ""
        error(errors.new("ELOGIN", ("%s: the login did not work: %s; try again: agentlua login %s%s"):format(
          backend.account, result.reason ~= "" and result.reason or "it said nothing", args.agent, help)), 0)
      end
    end
    limit.clear(backend.account, "auth")
    say_what_goes_on(p, backend)
  end,
}
