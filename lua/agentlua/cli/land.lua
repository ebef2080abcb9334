-- agentlua land ID

local errors = require "agentlua.errors"
local project = require "agentlua.project"
local runs = require "agentlua.run"
local fiber = require "agentlua.fiber"
local view = require "agentlua.view"

local function land(p, id, onto)
  local task, message, code = p.store:claim {
    from = { "needs-review", "needs-input", "failed", "skipped" }, to = "in-progress", id = id,
  }
  if code then errors.usage(code, message) end
  if not task then
    errors.usage("ESTATE", ("task '%s' is not in needs-review, needs-input, failed or skipped, or is blocked; "
      .. "agentlua task show %s says more"):format(id, id))
  end
  local run = runs.start(p)
  p.run = run
  local listening <close> = run:listen()
  local ok, result = errors.try(function()
    if not (task.worktree and task.worktree.ready) then
      errors.usage("ENOBRANCH", "task '" .. id .. "' has no branch to land")
    end
    local tree <close> = p:worktree(task)
    tree.base = onto or tree.base
    local verified, feedback = p:verify(task, tree)
    if not verified then return p:move(task, task.claimed_from, { reason = feedback }) end
    return p:land(task, tree)
  end)
  if task.status == "in-progress" then p:put_back(task) end
  p.store:release(task.id)
  local good = ok and result.status == "done"
  run:finish(good and "drained" or "error", good and 0 or 1)
  if not ok then error(result, 0) end
  view.say(("%s  %s%s"):format(task.name, result.status, result.reason and ": " .. tostring(result.reason) or ""))
  return good and 0 or 1
end

return {
  summary = "verify and land the branch of a task that waits for it",
  configure = function(parser)
    parser:argument("task", "id, prefix or slug")
    parser:option("--onto", "another branch than the one that it started from"):argname "BRANCH"
    parser:option("--mode", "how"):choices { "squash", "merge", "rebase" }
  end,
  run = function(args)
    local p = project.open { options = { script = "land", by_person = true, land = args.mode or "squash" } }
    if args.onto and not p:repo():resolve("refs/heads/" .. args.onto) then
      errors.usage("ENOBASE", "there is no branch '" .. args.onto .. "' to land on")
    end
    return fiber.run(land, p, errors.check_usage(p.store:get(args.task)).id, args.onto)
  end,
}
