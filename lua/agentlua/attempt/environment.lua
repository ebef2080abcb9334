-- agentlua.attempt.environment: the surroundings of a process that works on a task.

local core = require "agentlua.core"
local record = require "agentlua.record"
local resource = require "agentlua.resource"
local tripwire = require "agentlua.attempt.tripwire"

local M = {}

-- Variables that point git at a repository (git rev-parse --local-env-vars): not for the agent.
local git_variables = {
  "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR", "GIT_PREFIX",
  "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_CONFIG", "GIT_CONFIG_PARAMETERS", "GIT_CONFIG_COUNT",
  "GIT_NAMESPACE", "GIT_GRAFT_FILE", "GIT_SHALLOW_FILE", "GIT_NO_REPLACE_OBJECTS", "GIT_REPLACE_REF_BASE",
}

--- Adds to the surroundings of a process that git in it finds the repository by the directory that it is in.
function M.without_git(env)
  for _, name in ipairs(git_variables) do env[name] = false end
  return env
end

-- Settings of an agent's git. Reflogs tell what it has moved. Killed in the middle of its maintenance it would leave a
-- lock that keeps the user's from it for ever.
local git_settings = { { "core.logAllRefUpdates", "always" }, { "maintenance.auto", "false" }, { "gc.auto", "0" } }

--- What the configuration says of the surroundings of agents, as `env` of process.spawn; false: not handed on.
function M.settings(project)
  local settings, env = project.config.env, {}
  if settings.only then
    local keep = {}
    for _, name in ipairs(settings.only) do keep[name] = true end
    for _, entry in ipairs(core.fs.environment()) do
      local name = entry:match("^([^=]*)=")
      if not keep[name] then env[name] = false end
    end
  end
  for _, name in ipairs(settings.drop or {}) do env[name] = false end
  M.without_git(env)
  for name, value in pairs(settings.set or {}) do env[name] = value end
  return env
end

--- Variables of a process that works on a task, for process.spawn. `more` is put on top of the settings.
function M.of(run, task, more)
  local project = run.project
  local env = record.overlay(M.settings(project), more or {})
  env.AGENTLUA_ROOT, env.AGENTLUA_TASKS = project.root, project.tasks_dir
  env.AGENTLUA_RUN_ID, env.AGENTLUA_TASK_ID = run.id, task.id
  env.AGENTLUA_ATTEMPT = tostring(#(task.attempts or {}))
  env.AGENTLUA_BASE = task.worktree and task.worktree.base or false
  env.GIT_COMMITTER_NAME = tripwire.mover(project.identity, task)
  env.GIT_CONFIG_COUNT = tostring(#git_settings)
  for i, setting in ipairs(git_settings) do
    env["GIT_CONFIG_KEY_" .. i - 1], env["GIT_CONFIG_VALUE_" .. i - 1] = setting[1], setting[2]
  end
  local host = resource.host()
  env.AGENTLUA_BIN = host or false
  if host then env.PATH = host:match("^(.*)/[^/]+$") .. ":" .. (os.getenv "PATH" or "") end
  return env
end

--- Secrets whose values are replaced in all that processes of the project say: those that `secrets` names,
--- and the keys of its agents. {NAME = value}
function M.secrets(project)
  local found, set = {}, project.config.env.set or {}
  local function take(name)
    local value = set[name] or os.getenv(name)
    if value and value ~= "" then found[name] = tostring(value) end
  end
  for _, name in ipairs(project.config.secrets) do take(name) end
  for _, backend in pairs(project.agents) do
    for _, name in ipairs(backend.api_keys or {}) do take(name) end
  end
  return found
end

return M
