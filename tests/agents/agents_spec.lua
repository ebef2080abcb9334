-- What is done with each real CLI: the scenarios. What has to come of them is in clis.lua.

local clis = require "clis"
local worlds = require "world"

-- The work: a file by the agent's own tool, a command, and the word that it is done.
local write = { write = "hello.txt", content = "from the model\n" }
local check = { shell = "cat hello.txt > copy.txt" }
local say = { say = "Done." }

-- By name: what the model says, the most attempts (2), max_turns; `silence`: seconds that it may be silent, three
-- times as long while it is ended before it has asked the model, on a machine that may be busy.
local scenarios = {
  { name = "work", title = "does the whole loop", steps = { write, check, say } },
  { name = "limit", title = "waits for a limit that ends", steps = { { error = "limit" }, write, check, say } },
  { name = "limit_stays", title = "asks a person when a limit comes again and again", steps = { { error = "limit" } } },
  { name = "auth", title = "waits for a login when its key is refused", steps = { { error = "auth" } } },
  { name = "quota", title = "asks a person when the money is spent", steps = { { error = "quota" } } },
  { name = "server", title = "gives up when the service fails again and again", steps = { { error = "server" } },
    attempts = 1 },
  { name = "turns", title = "goes on in its session when its turns are used up", steps = { write, check, say },
    max_turns = 2 },
  { name = "hang", title = "is ended when it falls silent", steps = { { hang = true } }, attempts = 1, silence = 4 },
}

local full = os.getenv "AGENTLUA_AGENTS" == "full"

-- Seconds of silence that are enough for all that ends by itself.
local patience = 300

-- Waits that no vendor names, and tries, are few and short here.
local settings = [[ attempts = %d, timeouts = { idle = %d }, stop_grace = 2,
  limits = { repeats = 1, backoff = { base = 1, cap = 1 } } ]]

-- How the attempts of all runs ended, as one text: "limit done".
local function endings(w)
  local all = {}
  for i, event in ipairs(w:events "attempt_ended") do all[i] = event.ending end
  return table.concat(all, " ")
end

local function spent(task)
  local n = 0
  for _, attempt in ipairs(task.attempts) do n = n + (attempt.spent and 1 or 0) end
  return n
end

-- The work of both tools is on the user's branch.
local function landed(w)
  local show = w:command { "git", "show", w.branch .. ":hello.txt", w.branch .. ":copy.txt" }
  return show.code == 0 and show.stdout == write.content .. write.content
end

-- All that went wrong, for the message of a failed case.
local function story(w, result)
  local parts = { result.stdout, result.stderr }
  for _, request in ipairs(w:requests()) do parts[#parts + 1] = request.path .. " " .. request.answer end
  for _, log in ipairs(w:events "attempt_started") do
    parts[#parts + 1] = w:command({ "tail", "-c", "1500", log.log, (log.log:gsub("stream.jsonl$", "stderr")) }).stdout
  end
  return table.concat(parts, "\n")
end

-- Runs the loop, and looks at what came of it: `expected` is {endings, status, spent attempts, most requests}. Returns
-- the task and the requests. `hasty`: there may be none of these.
local function run(w, cli, expected, hasty)
  local id = w:add "a thing"
  local result = w:al("run", "execute.lua", "--agent", cli.name, { timeout = 2 * patience })
  local task, about, work, outside = w:task(id), story(w, result), w:requests()
  assert.equal(expected[1], endings(w), about)
  assert.equal(expected[2], task.status, about)
  assert.equal(expected[3], spent(task), "attempts spent; " .. about)
  assert.equal(expected[2] == "done", landed(w), about)
  assert.is_true((hasty or #work > 0) and #work <= expected[4], #work .. " requests; " .. about)
  assert.same({}, outside, about)
  assert.same({}, w:processes())
  return task, work
end

-- A shell command of the agent runs and does not end when the run is stopped; the next run goes on.
local function stop_and_go_on(w, cli)
  local id = w:add "a thing"
  local child = w:start("run", "execute.lua", "--agent", cli.name)
  worlds.eventually(function()
    return w:command({ "sh", "-c", "test -e ../repo.worktrees/*/started" }).code == 0
  end, "the agent's command runs", 120)
  assert.equal(0, w:al("stop").code)
  local out = child:read() or ""
  child:wait()
  assert.equal("stopped", endings(w), out)
  assert.same({}, w:processes())
  local task = w:task(id)
  assert.equal("todo", task.status)
  assert.equal(0, spent(task))
  assert.equal(2, w:worktrees())
  local result = w:al("run", "execute.lua", "--agent", cli.name, { timeout = 2 * patience })
  local about, work = story(w, result), w:requests()
  assert.equal("stopped done", endings(w), about)
  assert.equal(task.attempts[1].session, w:task(id).attempts[2].resumed, about)
  assert.is_true(work[3].remembers, about)
  assert.is_true(landed(w), about)
end

for _, name in ipairs { "claude", "codex", "gemini", "qwen", "opencode" } do
  describe("the real " .. name, function()
    local cli, w = clis[name], nil
    local bin, reason = worlds.install(name)
    cli.name, cli.bin = name, bin
    if not bin then return pending("is not tested here: " .. reason) end
    after_each(function() if w then w:leave() end end)

    for _, scenario in ipairs(scenarios) do
      local expected = cli[scenario.name]
      if expected and (full or not expected.slow) then
        it(scenario.title, function()
          local idle = scenario.silence and (cli.idle or scenario.silence) or patience
          local function try()
            w = worlds.new(cli, scenario.steps, scenario.max_turns, settings:format(scenario.attempts or 2, idle))
            return run(w, cli, expected, idle < patience)
          end
          local task, work = try()
          while #work == 0 do
            w:leave()
            idle = math.min(3 * idle, patience)
            task, work = try()
          end
          if scenario.max_turns then
            assert.equal(task.attempts[1].session, task.attempts[2].resumed)
            assert.is_true(work[3].remembers)
          end
        end)
      end
    end

    -- Its requests come in the order of the script.
    if name == "claude" or name == "codex" then
      it("works a queue through the analysis and the execution", function()
        local steps = { { say = "Write hello.txt." }, { say = "Write other.txt." } }
        for _, step in ipairs { write, check, say, { write = "other.txt", content = "second\n" }, say } do
          steps[#steps + 1] = step
        end
        w = worlds.new(cli, steps, nil, settings:format(1, patience) .. ", require_analysis = true")
        local first, second = w:add("First", "--priority", "1"), w:add("Second", "--priority", "2")
        for _, script in ipairs { "analyse.lua", "execute.lua" } do
          local result = w:al("run", script, "--agent", name, "--jobs", "1", { timeout = 2 * patience })
          assert.equal(0, result.code, story(w, result))
        end
        assert.same({ "done", "done" }, { w:task(first).status, w:task(second).status })
        assert.equal("Write hello.txt.", w:task(first).analysis.summary)
        assert.is_true(landed(w))
        assert.equal("second", w:git("show", w.branch .. ":other.txt"))
      end)
    end

    it("is stopped in the middle of a command, and goes on in its session", function()
      local endless = { shell = "touch started; exec tail -f /dev/null" }
      w = worlds.new(cli, { write, endless, check, say }, nil, settings:format(2, patience))
      stop_and_go_on(w, cli)
    end)
  end)
end
