local support = require "support"

describe("an agent that asks", function()
  local w
  before_each(function() w = support.new() end)
  after_each(function() w:close() end)

  it("waits for a person; the answer is in its next prompt, and the work goes on", function()
    local id = w:add "a thing"
    local result = w:run "asks"
    assert.equal(0, result.code, result.stdout .. result.stderr)
    local task = w:task(id)
    assert.same({ "needs-input", "Which file?" }, { task.status, task.pending_question.question })
    assert.equal("needs_input", task.attempts[1].ending)
    assert.equal(1, #w:events "question")
    assert.equal(0, w:al("task", "answer", id, "b").code)
    result = w:run "asks"
    assert.equal(0, result.code, result.stdout .. result.stderr)
    assert.equal("done", w:task(id).status)
    assert.equal("answered\n", w:read "second.txt")
  end)

  it("analysis: the answer reaches the second analysis, its result is kept", function()
    local id = w:add "a thing"
    assert.equal(0, w:al("run", "analyse.lua", "--agent", w:agent "asks").code)
    assert.equal("needs-input", w:task(id).status)
    assert.equal(0, w:al("task", "answer", id, "B").code)
    assert.equal(0, w:al("run", "analyse.lua", "--agent", w:agent "asks").code)
    local task = w:task(id)
    assert.equal("analysed", task.status)
    assert.is_string(task.analysis.analysed_at)
    assert.is_false(w:exists "second.txt")
  end)

  it("what is no claim, written by the agent itself, is passed over; questions of one attempt add up", function()
    local id = w:add "a thing"
    w:write("agent.sh", [[#!/bin/sh
      control=$AGENTLUA_ROOT/.agentlua/runs/$AGENTLUA_RUN_ID/control.jsonl
      cat >/dev/null
      claim() { printf '{"op":"claim","task":"%s",%s}\n' "$AGENTLUA_TASK_ID" "$1" >>"$control"; }
      agentlua task ask "$AGENTLUA_TASK_ID" "One?"
      echo '{"op":"claim"}' >>"$control"
      echo '{"op":"claim","task":7}' >>"$control"
      claim '"to":"needs-input","questions":5'
      claim '"to":"needs-input","questions":[5]'
      claim '"to":"needs-input","questions":[]'
      claim '"to":"needs-input","split_proposal":"x"'
      claim '"to":"analysed","analysis":null'
      agentlua task ask "$AGENTLUA_TASK_ID" "Two?"
    ]], 493)
    local result = w:al("run", "execute.lua", "--agent", "./agent.sh")
    assert.equal(0, result.code, result.stdout .. result.stderr)
    local asked = w:task(id).pending_questions
    assert.same({ "One?", "Two?", 2 }, { asked[1].question, asked[2].question, #asked })
  end)

  it("a failed task is tried again by later runs as often as `revive` says", function()
    w:config "revive = 1, attempts = 1"
    local id = w:add "a thing"
    assert.equal(1, w:run("fail").code)
    assert.equal("failed", w:task(id).status)
    assert.equal(1, w:run("fail").code)
    assert.equal(1, w:task(id).revived)
    assert.equal(0, w:run("fail").code) -- not again
    assert.equal(2, #w:task(id).attempts)
  end)
end)
