-- agentlua task done|skip|cancel|reopen|restart ID: changes of state, by a person.

local claim = require "agentlua.cli.claim"
local core = require "agentlua.core"
local errors = require "agentlua.errors"
local fields = require "agentlua.fields"
local questions = require "agentlua.questions"

local M = { names = { "done", "skip", "cancel", "reopen", "restart" } }

-- from: statuses that the change is allowed from, nil for all; patch(args, task): fields that change.
local changes = {
  skip = {
    to = "skipped", summary = "pass a task over; what depends on it cannot run",
    patch = function(args, task) return (questions.skip(task, args.reason or "by a person")) end,
  },
  cancel = {
    to = "cancelled", summary = "give a task up for good",
    patch = function(args) return { reason = args.reason or core.json.null } end,
  },
  reopen = {
    to = "todo", summary = "put a task that has ended back to todo; its work so far is gone on with",
    from = {
      done = true, failed = true, skipped = true, cancelled = true, ["needs-input"] = true, ["needs-review"] = true,
    },
    patch = function(_, task)
      return {
        completed_at = core.json.null, reason = core.json.null, pending_question = core.json.null, recoveries = 0,
        worktree = task.status == "done" and core.json.null or nil,
      }
    end,
  },
  restart = {
    to = "todo", summary = "put a task back to todo and start over on the new base; its branch is kept",
    from = {
      failed = true, skipped = true, cancelled = true, ["needs-input"] = true, ["needs-review"] = true, analysed = true,
    },
    patch = function()
      return { worktree = core.json.null, reason = core.json.null, pending_question = core.json.null, recoveries = 0 }
    end,
  },
  done = {
    to = "done", summary = "say that a task is done; one that has a branch is verified and landed",
    instead = function(task)
      local waits = task.status == "needs-review" or task.status == "needs-input" or task.status == "failed"
      if waits and type(task.worktree) == "table" then return require "agentlua.cli.land" end
    end,
    patch = function()
      return { completed_at = core.time.iso(), completed_by = os.getenv "USER" or "person", reason = core.json.null }
    end,
  },
}

for _, name in ipairs(M.names) do
  local change = changes[name]
  M[name] = {
    summary = change.summary,
    configure = function(parser)
      parser:argument("task", "id, unique prefix or slug"):args "+"
      parser:option("--reason", "why")
    end,
    run = function(args, p)
      local code = 0
      for _, key in ipairs(args.task) do
        local task = fields.sound(errors.check_usage(p.store:get(key)))
        if change.from and not change.from[task.status] then
          errors.usage("ESTATE", ("task '%s' is in %s; %s is not possible from there"):format(task.id,
            task.status, name))
        end
        local other = change.instead and change.instead(task)
        local claimed = claim(p, task, { to = change.to, reason = args.reason }) -- its owner judges it
        if not claimed and other then
          code = math.max(code, other.run { task = task.id } or 0)
        elseif not claimed then
          errors.check_usage(p.store:move(task.id, change.to, change.patch(args, task)))
          p.events:append("task_moved", { task = task.id, from = task.status, to = change.to, by = "person" })
        end
      end
      return code
    end,
  }
end

return M
