-- agentlua clean

local core = require "agentlua.core"
local errors = require "agentlua.errors"
local fiber = require "agentlua.fiber"
local janitor = require "agentlua.work.janitor"
local orphans = require "agentlua.work.orphans"
local project = require "agentlua.project"

local function row_of(finding)
  return {
    kind = finding.kind, name = finding.name, task = finding.task and finding.task.id or finding.id8,
    reason = finding.reason, action = finding.go and "remove" or "keep",
  }
end

local function show(row)
  print(core.text.printable(("%-6s  %-8s  %s: %s%s"):format(row.action, row.kind, row.name, row.reason,
    row.task and " (task " .. row.task .. ")" or "")))
end

local function put_away(p, finding, row)
  local ok, refs, skipped = errors.try(janitor.remove, p, finding)
  if not ok then
    row.error = tostring(errors.is(refs) and refs.message or refs)
    errors.warn(row.error)
    return false
  end
  row.saved, row.skipped = core.json.array(refs), core.json.array(skipped)
  return true
end

return {
  summary = "remove worktrees and branches of tasks that have ended or are gone; their work is saved first",
  configure = function(parser)
    parser:flag("--dry-run", "say what and why, change nothing")
    parser:flag("--verbose", "say what is kept too, and why")
    parser:flag("--json", "for machines")
    parser:option("--tasks", "task directory"):argname "DIR"
  end,
  run = function(args)
    local p = project.open { options = { tasks = args.tasks } }
    if not args.dry_run then fiber.run(p.settle_reviews, p) end
    local rows, removed, failed = core.json.array(), 0, 0
    for _, finding in ipairs(orphans.find(p)) do
      local row = row_of(finding)
      if finding.go or args.verbose then
        rows[#rows + 1] = row
        if not args.json then show(row) end
      end
      if finding.go and (args.dry_run or put_away(p, finding, row)) then
        removed = removed + 1
      elseif finding.go then
        failed = failed + 1
      end
      for _, ref in ipairs(not args.json and row.saved or {}) do print("        saved as " .. ref) end
      for _, path in ipairs(not args.json and row.skipped or {}) do
        print("        over save_limit, not saved: " .. core.text.printable(path))
      end
    end
    if args.json then
      print(core.json.dump({ dry_run = args.dry_run or false, findings = rows }, 2))
    else
      print(("%s %d"):format(args.dry_run and "would remove" or "removed", removed))
    end
    return failed > 0 and 1 or 0
  end,
}
