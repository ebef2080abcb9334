-- agentlua task show ID

local core = require "agentlua.core"
local errors = require "agentlua.errors"
local events = require "agentlua.events"
local fields = require "agentlua.fields"
local log = require "agentlua.cli.log"
local plans = require "agentlua.task.plans"
local questions = require "agentlua.task.questions"
local record = require "agentlua.record"
local view = require "agentlua.view"

-- Fields that are told in words of their own, below the others.
local told = {}
for _, name in ipairs {
  "id8", "file", "attempts", "verification", "questions_resolved", "pending_question", "pending_questions", "worktree",
  "analysis_worktree", "child_tasks", "split_proposal", "whispers",
} do told[name] = true end

-- Events that say what the attempts above say, too.
local quiet = { attempt_started = true, attempt_ended = true, verify_ended = true, said = true }

local function line(name, value)
  if type(value) == "userdata" or value == "" or (type(value) == "table" and next(value) == nil) then return end
  if type(value) == "table" then value = core.json.dump(value, 2) end
  print(core.text.printable(("%-20s %s"):format(name, (tostring(value):gsub("\n", "\n" .. (" "):rep(21))))))
end

local function show_fields(task)
  local names, first = {}, { "name", "id", "status", "reason" }
  local shown = {}
  for _, name in ipairs(first) do
    line(name, task[name] or "")
    shown[name] = true
  end
  for name in pairs(task) do
    if not told[name] and not shown[name] then names[#names + 1] = name end
  end
  table.sort(names)
  for _, name in ipairs(names) do line(name, task[name]) end
end

local function day_and_time(text) return tostring(text or ""):sub(1, 19) end

local function show_attempt(p, task, n, a)
  local tokens = type(a.tokens) == "table" and (tonumber(a.tokens["in"]) or 0) + (tonumber(a.tokens.out) or 0) or nil
  local words = { day_and_time(a.started_at), tostring(a.agent or ""), tostring(a.ending or "unfinished") }
  if a.spent == true then words[#words + 1] = "counts as failed" end
  table.move(view.usage { turns = a.turns, tokens = tokens, cost = a.cost }, 1, 3, #words + 1, words)
  if type(a.seconds) == "number" then words[#words + 1] = view.duration(a.seconds) end
  if type(a.session) == "string" then words[#words + 1] = "session " .. a.session end
  local text = { table.concat(words, "  ") }
  local files = ("%s/runs/%s/%s/%d."):format(p.dir, tostring(a.run or "?"), fields.id8(task), n)
  for _, name in ipairs { "prompt.md", "stream.jsonl", "stderr" } do
    if core.fs.stat(files .. name) then text[#text + 1] = files .. name end
  end
  line("attempt " .. n, table.concat(text, "\n"))
end

local function show_checks(task)
  for _, one in ipairs(type(task.verification) == "table" and task.verification or {}) do
    local ok = one.code == 0 and "passed" or ("failed (%s)"):format(one.bound or one.code)
    local seconds = tonumber(one.seconds)
    line("check", ("%s  %s%s%s  sha256 of its output %s"):format(day_and_time(one.time), one.name,
      one.required == false and " (advisory)" or "", "  " .. ok .. (seconds and ("  %.1f s"):format(seconds) or ""),
      tostring(one.output_sha256 or ""):sub(1, 12)))
  end
end

local function show_words(task)
  for _, one in ipairs(task.questions_resolved or {}) do
    line("answered", ("%s  %s: %s\n-> %s"):format(day_and_time(one.answered_at), tostring(one.id),
      tostring(one.question), tostring(one.answer)))
  end
  for _, one in ipairs(questions.pending(task)) do
    local text = { ("%s: %s"):format(tostring(one.id), one.question), record.text(one, "context") }
    for _, option in record.each(one, "options") do
      if type(option) == "table" then text[#text + 1] = ("%s - %s"):format(option.key, option.label) end
    end
    line("question", table.concat(text, "\n"))
  end
  for _, one in ipairs(task.whispers or {}) do
    line("said", ("%s%s  %s\n%s"):format(day_and_time(one.at), one.urgent == true and "  urgent" or "",
      one.delivered and "told in attempt " .. tostring(one.delivered) or "not told yet", one.text))
  end
end

local function show_split(p, task)
  local proposal = task.split_proposal
  if proposal then
    local text = { ("%s  %s"):format(tostring(proposal.status or "waits for approve or reject"),
      tostring(proposal.reason or "")) }
    for _, part in ipairs(proposal.sub_tasks or {}) do text[#text + 1] = "- " .. tostring(part.name) end
    line("split", table.concat(text, "\n"))
  end
  for _, id in ipairs(task.child_tasks or {}) do
    local part = p.store:get(id)
    line("part", part and ("%s  %s  %s"):format(part.id8, part.status, part.name) or id)
  end
end

-- Where the work is: worktree and branch, what is saved on refs, the plan.
local function show_places(p, task)
  for _, field in ipairs { "worktree", "analysis_worktree" } do
    local known = task[field]
    if known then
      line(field, ("%s%s\nbranch %s, from %s at %s"):format(known.path, core.fs.stat(known.path) and "" or " (gone)",
        known.branch, known.base, known.base_commit:sub(1, 12)))
    end
  end
  for _, kind in ipairs { "checkpoint", "saved" } do
    for _, one in ipairs(p:saved_list(task, kind)) do
      line(kind, ("%s  %s  %s"):format(day_and_time(one.time), one.ref, one.commit:sub(1, 12)))
    end
  end
  local plan = plans.path(p:papers "plans", task)
  if core.fs.stat(plan) then line("plan", plan) end
end

local function show_events(p, task)
  local hidden = { task = true, run = true }
  for event in events.read(p.dir .. "/events.jsonl") do
    if event.task == task.id and not quiet[event.type] then line("event", log.line(event, hidden)) end
  end
end

return {
  summary = "everything about one task",
  configure = function(parser)
    parser:argument("task", "id, unique prefix or slug")
    parser:flag("--json", "for machines")
  end,
  run = function(args, p)
    local task = errors.check_usage(p.store:get(args.task))
    if args.json then
      print(core.json.dump(task, 2))
      return
    end
    show_fields(task)
    fields.sound(task)
    show_places(p, task)
    for n, attempt in ipairs(task.attempts or {}) do show_attempt(p, task, n, attempt) end
    show_checks(task)
    show_words(task)
    show_split(p, task)
    show_events(p, task)
  end,
}
