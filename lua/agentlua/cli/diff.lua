-- agentlua diff ID

local cli = require "agentlua.cli"
local core = require "agentlua.core"
local errors = require "agentlua.errors"
local fields = require "agentlua.fields"
local project = require "agentlua.project"

-- What to compare: where the work on a task has left its base, and the work as it is now. Of a task
-- that has landed: the commit and the one before it.
local function ends(p, task)
  local repo, known = p:repo(), type(task.worktree) == "table" and task.worktree or {}
  local tip = known.branch and repo:resolve("refs/heads/" .. known.branch)
  local at = known.path and repo:worktree_find(known.path, known.git_dir)
  if at and not core.fs.stat(at.work_tree) then at = nil end
  if not tip and not at then
    local landed = type(task.commit_sha) == "string" and task.commit_sha
    if not landed then
      local id8 = fields.id8(task)
      errors.usage("ENOBRANCH", ("task %s has no branch and no worktree; agentlua task show %s"):format(id8, id8))
    end
    return landed .. "^", landed
  end
  local base = known.base and repo:resolve("refs/heads/" .. known.base)
  local from = base and tip and errors.check(repo:merge_base(base, tip) or known.base_commit) or known.base_commit
  if not at then return from, tip end
  return from, errors.check(repo:snapshot { at = at, exclude = core.json.array(p:state_paths()) })
end

local function show_files(files)
  local rows, added, deleted = {}, 0, 0
  for i, file in ipairs(files) do
    local name = file.from and file.from .. " => " .. file.path or file.path
    rows[i] = { file.status, file.binary and "binary" or "+" .. file.added, file.binary and "" or "-" .. file.deleted,
      name }
    added, deleted = added + file.added, deleted + file.deleted
  end
  cli.print_table(rows)
  print(("%d files, %d lines added, %d deleted"):format(#files, added, deleted))
end

return {
  summary = "what the work on a task changes against its base, uncommitted work included",
  configure = function(parser)
    parser:argument("task", "id, unique prefix or slug")
    parser:flag("--stat", "files and numbers of lines only")
    parser:flag("--json", "these, for machines")
  end,
  run = function(args)
    local p = project.open { options = {} }
    local task = errors.check_usage(p.store:get(args.task))
    local from, to = ends(p, task)
    local text = not args.stat and not args.json
    local found = errors.check(p:repo():diff { from = from, to = to, renames = true, text = text })
    if args.json then
      print(core.json.dump({ task = task.id, from = from, to = to, files = found }, 2))
    elseif args.stat then
      show_files(found)
    else
      cli.print_text(found)
    end
  end,
}
