-- agentlua task analysed ID

local claim = require "agentlua.cli.claim"
local core = require "agentlua.core"
local errors = require "agentlua.errors"
local input = require "agentlua.cli.input"

-- An analysis is an object; plain text is its summary.
local function read(source)
  if not source then errors.usage("EUSAGE", "no analysis; name its file, or - for standard input") end
  local text = input(source)
  local value = core.json.parse(text)
  if type(value) == "table" and not getmetatable(value) then return value end
  if not text:find "%S" then errors.usage("EINVAL", "the analysis is empty; say what was found out") end
  return { summary = text }
end

return {
  summary = "give a task its analysis (JSON or text, from a file or -); it is ready to be worked on",
  configure = function(parser)
    parser:argument("task", "id, unique prefix or slug")
    parser:argument("analysis", "file, or - for standard input"):args "?"
    parser:option("--file", "the same"):argname "FILE"
  end,
  run = function(args, p)
    local task = errors.check_usage(p.store:get(args.task))
    local analysis = read(args.file or args.analysis)
    if claim(p, task, { to = "analysed", analysis = analysis }) then return end
    if not ({ todo = true, analysed = true, ["needs-input"] = true })[task.status] then
      errors.usage("ESTATE", ("task '%s' is in %s; it is analysed from todo"):format(task.id, task.status))
    end
    analysis.analysed_at, analysis.analysed_by = core.time.iso(), os.getenv "USER" or "person"
    errors.check_usage(p.store:move(task.id, "analysed", {
      analysis = analysis, analysis_completed_at = core.time.iso(), pending_question = core.json.null,
    }))
    p.events:append("task_moved", { task = task.id, from = task.status, to = "analysed", by = "person" })
  end,
}
