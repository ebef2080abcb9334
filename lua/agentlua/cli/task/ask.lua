-- agentlua task ask ID QUESTION...

local errors = require "agentlua.errors"
local operations = require "agentlua.task.operations"
local questions = require "agentlua.task.questions"

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
    local options = {}
    for _, list in ipairs(args.option or {}) do
      for _, text in ipairs(list) do options[#options + 1] = questions.option(text, #options + 1) end
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
    local result = operations.ask(p, operations.task(p, args.task), all)
    if result.noted then print(result.noted) end
  end,
}
