-- agentlua doctor

local agent = require "agentlua.agent"
local cli = require "agentlua.cli"
local core = require "agentlua.core"
local errors = require "agentlua.errors"
local git = require "agentlua.git"
local place = require "agentlua.place"
local process = require "agentlua.process"

-- Each check: name, function that returns what it found, or nil and what to do.
local checks = {
  { "git", function()
    local result, message = process.run { "git", "--version", contain = false }
    if not result then return nil, message end
    local major, minor = result.stdout:match "(%d+)%.(%d+)"
    if tonumber(major) * 100 + tonumber(minor) < 238 then
      return nil, result.stdout .. " is too old: 2.38 or later is needed"
    end
    return result.stdout:match "[%d.]+"
  end },
  { "containment", function()
    local result, message = process.run { "sh", "-c", "setsid sleep 987 & exit 0" }
    return result and "agentlua-reaper", message
  end },
  { "repository", function()
    local repo, message = git.open "."
    return repo and repo.at.work_tree, message
  end },
  { "identity", function()
    local repo, message = git.open "."
    if not repo then return nil, message end
    return repo:identity()
  end },
  { "project", function()
    local at = place.find "."
    if not at or not core.fs.stat(at.dir) then
      return nil, at and at.lost or "no .agentlua; agentlua init makes one"
    end
    return cli.trusted_dir() and at.dir, at.dir .. " is not trusted; agentlua trust"
  end },
  { "configuration", function()
    local dir = cli.trusted_dir()
    if not dir then return nil, "no trusted project" end
    local ok, problem = errors.try(require("agentlua.config").load, dir .. "/config.lua")
    return ok and "config.lua is right", not ok and problem.message
  end },
}

-- A line for each agent of ours whose program is here; one that is not needed is no fault.
local function show_agents()
  for _, name in ipairs { "claude", "codex", "gemini", "qwen", "opencode", "glm" } do
    local here, backend = errors.try(agent.load, name)
    if here then
      local ok, version = errors.try(agent.version, backend)
      local login = agent.logged_in(backend)
      local state = ok and (version or "") .. (login and ", logged in" or login == false and ", not logged in" or "")
      print(("%-4s %-14s %s"):format(ok and "ok" or "--", name, core.text.printable(state or version.message)))
    end
  end
end

return {
  summary = "check that everything that is needed is here",
  run = function()
    local bad = 0
    for _, check in ipairs(checks) do
      local found, remedy = check[2]()
      if not found then bad = bad + 1 end
      print(("%-4s %-14s %s"):format(found and "ok" or "BAD", check[1], core.text.printable(tostring(found or remedy))))
    end
    show_agents()
    return bad > 0 and 2 or 0
  end,
}
