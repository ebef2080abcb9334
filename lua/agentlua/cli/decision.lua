-- agentlua decision COMMAND: decisions that count for more than one task, for people and for agents.

local cli = require "agentlua.cli"
local core = require "agentlua.core"
local decisions = require "agentlua.task.decisions"
local errors = require "agentlua.errors"
local family = require "agentlua.cli.family"
local operations = require "agentlua.task.operations"

local commands = {}

local function json_flag(parser) parser:flag("--json", "for machines") end
local function id_argument(parser) parser:argument("id", "id of the decision, or how it begins") end

-- "Redis: one more thing to run" -> {option, reason_rejected}
local function alternative(said)
  local option, reason = said:match "^(.-): *(.+)$"
  return { option = option or said, reason_rejected = reason or "" }
end

commands.add = {
  summary = "write a decision down; prints its id",
  configure = function(parser)
    parser:argument("title", "in a few words")
    parser:option("--context", "what made it necessary"):argname "TEXT"
    parser:option("--decision", "what was decided"):argname "TEXT"
    parser:option("--consequences", "what follows from it"):argname "TEXT"
    parser:option("--alternative", "what was not chosen, and why"):count "*":argname "OPTION:REASON"
    parser:option("--impact", "how far it reaches"):choices { "high", "medium", "low" }
    parser:option("--type", "a kind of your own"):argname "TYPE"
    parser:option("--tag"):count "*":argname "TAG"
    parser:option("--task", "task that it is about; in a run the agent's own"):count "*":argname "ID"
    parser:flag("--accepted", "it holds already; without this it is proposed")
    json_flag(parser)
  end,
  run = function(args, p)
    local alternatives = {}
    for i, said in ipairs(args.alternative) do alternatives[i] = alternative(said) end
    local decision = operations.decide(p, {
      title = args.title, context = args.context, decision = args.decision, consequences = args.consequences,
      alternatives_considered = alternatives, impact = args.impact, type = args.type, tags = args.tag,
      status = args.accepted and "accepted" or "proposed",
    }, args.task)
    print(args.json and core.json.dump(decision, 2) or decision.id)
  end,
}

commands.list = {
  summary = "all decisions, oldest first",
  configure = function(parser)
    parser:option("--status"):choices(decisions.statuses)
    json_flag(parser)
  end,
  run = function(args, p)
    local all, problems = decisions.list(p:papers "decisions", args.status)
    for _, problem in ipairs(problems) do errors.warn(problem) end
    if args.json then return print(core.json.dump(all, 2)) end
    local rows = {}
    for i, decision in ipairs(all) do rows[i] = { decision.id, decision.status, tostring(decision.title or "") } end
    cli.print_table(rows)
  end,
}

commands.show = {
  summary = "everything about one decision",
  configure = function(parser)
    id_argument(parser)
    json_flag(parser)
  end,
  run = function(args, p)
    local decision = errors.check_usage(decisions.get(p:papers "decisions", args.id))
    if args.json then return print(core.json.dump(decision, 2)) end
    local function line(name)
      local value = decision[name]
      if type(value) == "table" then value = next(value) ~= nil and core.json.dump(value) or nil end
      if value == nil or value == "" or value == core.json.null then return end
      print(core.text.printable(("%-24s %s"):format(name, (tostring(value):gsub("\n", "\n" .. (" "):rep(25))))))
    end
    local first = { "title", "id", "status", "context", "decision", "consequences" }
    for _, name in ipairs(first) do
      line(name)
      decision[name] = nil
    end
    local names = {}
    for name in pairs(decision) do names[#names + 1] = name end
    table.sort(names)
    for _, name in ipairs(names) do line(name) end
  end,
}

-- A command that changes the status of a decision. `change(dir, args)` does it.
local function status_command(summary, configure, change)
  return {
    summary = summary,
    configure = function(parser)
      id_argument(parser)
      configure(parser)
      json_flag(parser)
    end,
    run = function(args, p)
      local decision = errors.check_usage(change(p:papers "decisions", args))
      print(args.json and core.json.dump(decision, 2) or ("%s  %s"):format(decision.id, decision.status))
    end,
  }
end

commands.accept = status_command("a proposed decision holds", function() end, function(dir, args)
  return decisions.accept(dir, args.id)
end)
commands.deprecate = status_command("a decision holds no longer", function(parser)
  parser:option("--reason", "why"):argname "TEXT"
end, function(dir, args) return decisions.deprecate(dir, args.id, args.reason) end)
commands.supersede = status_command("another decision holds in the place of one", function(parser)
  parser:argument("by", "id of the one that holds")
end, function(dir, args) return decisions.supersede(dir, args.id, args.by) end)

return family("decision", "decisions that count for more than one task",
  { "add", "list", "show", "accept", "deprecate", "supersede" }, function(name) return commands[name] end)
