-- A run that is killed before or after each git that it starts, and started again: every task lands once,
-- nothing of anybody is lost, nothing is left over. AGENTLUA_SECONDS bounds it (16; 0: every point).

local core = require "agentlua.core"
local support = dofile "tests/runs/support.lua"

local budget = tonumber(os.getenv "AGENTLUA_SECONDS" or 16)
local only = os.getenv "AGENTLUA_POINT"

local agent = [[#!/bin/sh
cat >/dev/null
echo committed >"new-$AGENTLUA_TASK_ID"; git add -A; git commit -qm work
echo uncommitted >>"new-$AGENTLUA_TASK_ID"; echo ignored >agent.env
]]

-- Counts the gits; kills the host that started the one it is asked for, before or after it has worked.
local wrapper = [[#!/bin/sh
n=$(($(cat "%s/count" 2>/dev/null || echo 0) + 1)); echo $n >"%s/count"
if [ "$n before" = "$KILL_AT" ]; then kill -9 $PPID; exit 1; fi
/usr/bin/git "$@"; code=$?
if [ "$n after" = "$KILL_AT" ]; then kill -9 $PPID; fi
exit $code
]]

local function new_world()
  local w = support.new()
  w:write("../agent.sh", agent, 493)
  w:write("../bin/git", wrapper:format(w.top, w.top), 493)
  w.env.PATH = w.top .. "/bin:" .. os.getenv "PATH"
  w:make_user_work()
  w.ids = { w:add "one", w:add "two" }
  core.fs.remove(w.top .. "/count")
  return w
end

local function run(w, point)
  w.env.KILL_AT = point or "never"
  return w:al("run", "execute.lua", "--agent", w.top .. "/agent.sh", "--land", w.mode)
end

-- What is wrong after the run that follows the kill.
local function wrongs(w, before, commits)
  local wrong = {}
  local function say(...) wrong[#wrong + 1] = string.format(...) end
  for _, id in ipairs(w.ids) do
    if w:task(id).status ~= "done" then say("%s is %s: %s", id, w:task(id).status, w:task(id).reason) end
    if w:read("new-" .. id) ~= "committed\nuncommitted\n" then say("the work of %s is not there", id) end
  end
  local landed = w:commits() - commits
  -- By rebase each attempt has two commits, also one that was cut off and repeated.
  local right = w.mode == "squash" and landed == 2 or w.mode == "rebase" and landed >= 4 and landed % 2 == 0
  if not right then say("%d commits", landed) end
  if w:user_work() ~= before then say "the user's work is not as before" end
  if w:worktrees() ~= 1 then say("%d worktrees", w:worktrees()) end
  local left = w:git("for-each-ref", "--format=%(refname)", "refs/heads/task", "refs/agentlua/pending")
  if left ~= "" then say("left: %s", left) end
  local saved = w:git("for-each-ref", "--format=%(refname)", "refs/agentlua/saved")
  for _, id in ipairs(w.ids) do
    if not saved:find("saved/" .. w:task(id).id8, 1, true) then say("the ignored file of %s is not saved", id) end
  end
  return wrong
end

local function try(mode, point)
  local w = new_world()
  w.mode = mode
  local before, commits, all = w:user_work(), w:commits(), w:untouchable()
  w.users_act = true -- a git that outlives its host is in the middle of something; what counts is the end
  run(w, point)
  local killed = core.fs.read(w.top .. "/count") -- that many gits came to be
  local again = run(w)
  local wrong = again.code == 0 and wrongs(w, before, commits)
    or { "the next run ends with " .. again.code .. ": " .. again.stderr }
  if w:untouchable() ~= all then wrong[#wrong + 1] = "the user's checkout is not as before" end
  w:close()
  return wrong, tonumber(killed)
end

describe("landing, killed", function()
  for _, mode in ipairs { "squash", "rebase" } do
    it("at every git of a run that lands by " .. mode .. ", and started again", function()
      local wrong, count = try(mode)
      assert.same({}, wrong)
      local points, bad, tried = {}, {}, 0
      for n = 1, count do
        points[#points + 1] = n .. " before"
        points[#points + 1] = n .. " after"
      end
      local deadline = budget > 0 and core.time.clock() + budget / 2 or math.huge
      local step = math.max(1, #points * 5 // 8)
      while core.time.clock() < deadline and tried < #points do
        local point = points[tried * step % #points + 1]
        if not only or only == point then
          for _, text in ipairs((try(mode, point))) do bad[#bad + 1] = point .. ": " .. text end
        end
        tried = tried + 1
      end
      print(("%d of %d points were tried"):format(tried, #points))
      assert(#bad == 0, table.concat(bad, "\n"))
    end)
  end
end)
