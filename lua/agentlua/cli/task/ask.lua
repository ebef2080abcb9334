-- agentlua task ask ID QUESTION...

local claim = require "agentlua.cli.claim"
local errors = require "agentlua.errors"
local fields = require "agentlua.fields"
local questions = require "agentlua.questions"

local function option(text, i)
  local key, label = text:match "^(%a): *(.+)$"
  return { key = key and key:upper() or string.char(64 + i), label = label or text }
end

return {
  summary = "stop a task until a person has answered; several questions are answered one by one",
  configure = function(parser)
    parser:argument("task", "id, unique prefix or slug")
    parser:argument("question", "what has to be known"):args "+"
    parser:option("--context", "what one has to know to answer"):argname "TEXT"
    parser:option("--option", "answers to choose from (of a single question), the one you would take first")
      :args "+":count "*":argname "TEXT"
  end,
  run = function(args, p)
    local task = fields.sound(errors.check_usage(p.store:get(args.task)))
    local options = {}
    for _, list in ipairs(args.option or {}) do
      for _, text in ipairs(list) do options[#options + 1] = option(text, #options + 1) end
    end
    if #options > 0 and #args.question > 1 then
      errors.usage("EUSAGE", "--option belongs to one question; ask them one by one")
    end
    local all = {}
    for i, question in ipairs(args.question) do
      all[i] = {
        question = question, context = args.context, options = #options > 0 and options or nil,
        recommendation = options[1] and options[1].key,
      }
    end
    if claim(p, task, { to = "needs-input", questions = all }) then return end
    if not ({ todo = true, analysed = true, ["needs-input"] = true })[task.status] then
      errors.usage("ESTATE", ("task '%s' is in %s; questions are asked in todo, analysed and needs-input"):format(
        task.id, task.status))
    end
    local patch, to = questions.ask(task, { questions = all })
    errors.check_usage(p.store:move(task.id, to, patch))
    p.events:append("question", { task = task.id, question = args.question[1] })
  end,
}
