-- Many processes on one task store: workers that are stopped and killed, writers, somebody who moves
-- the task meanwhile, and an editor that takes no lock.
--
-- AGENTLUA_TASKS is how many tasks the workers have (1000; 5000 is the full size), AGENTLUA_CHANGES how
-- many changes each writer makes (300; 1000). AGENTLUA_SEED repeats what a failure has named.

local core = require "agentlua.core"
local fiber = require "agentlua.fiber"
local process = require "agentlua.process"
local support = require "support"
package.path = support.source .. "/tests/torture/?.lua;" .. package.path
local faults = require "store_faults"

local tasks = tonumber(os.getenv "AGENTLUA_TASKS" or 1000)
local changes = tonumber(os.getenv "AGENTLUA_CHANGES" or 300)
local seed = tonumber(os.getenv "AGENTLUA_SEED" or os.time())
local refused = require("faults").untraceable()

local function start(...) return assert(process.spawn { faults.driver, contain = false, timeout = 590, ... }) end

local function lines_of(path)
  local lines = {}
  local file = io.open(path)
  if file then
    for line in file:lines() do lines[#lines + 1] = line end
    file:close()
  end
  return lines
end

local function value_of(result, what)
  assert(result.code == 0, ("%s: code %d, signal %d: %s"):format(what, result.code, result.signal, result.stderr))
  return assert(core.json.parse(result.stdout, what))
end

describe("store, raced for:", function()
  before_each(function()
    support.setup()
    math.randomseed(seed)
  end)
  after_each(support.teardown)

  -- ---- claims -------------------------------------------------------------------------------------

  -- Keeps `count` workers at work; one that was killed is replaced. Returns the tags of the killed.
  local function work(dir, count, journals)
    local children, busy, killed, started = {}, count, {}, 0
    local function employ(place)
      while true do
        started = started + 1
        local tag = "w" .. started
        local child <close> = start("worker", dir, journals .. "/" .. tag, tag)
        children[place] = child
        local result = child:wait()
        children[place] = nil
        if result.signal ~= 9 then
          assert(result.code == 0, ("worker %s ends with %d: %s"):format(tag, result.code, result.stderr))
          break
        end
        killed[tag] = true
      end
      busy = busy - 1
    end
    local function disturb()
      while busy > 0 do
        fiber.sleep(math.random() * 0.04)
        local place = math.random(count)
        local child = children[place]
        if child and math.random(5) == 1 then
          child:kill()
        elseif child then
          child:pause()
          fiber.sleep(math.random() * 0.06)
          if children[place] == child then child:resume() end -- it may have been killed meanwhile
        end
      end
    end
    fiber.run(function()
      local group <close> = fiber.group()
      for place = 1, count do group:spawn(employ, place) end
      group:spawn(disturb)
      group:spawn(disturb)
      group:wait()
    end)
    return killed, started
  end

  it(tasks .. " tasks by 8 workers that are stopped and killed: each is finished once", function()
    local dir, journals = support.dir .. "/tasks", support.dir .. "/journals"
    for _, name in ipairs { dir .. "/todo", dir .. "/in-progress", dir .. "/done", journals } do
      assert(core.fs.mkdir(name))
    end
    for i = 1, tasks do
      faults.write(("%s/todo/task-%d.json"):format(dir, i), ('{"id":"task-%d","name":"Task %d"}'):format(i, i))
    end
    local began = core.time.clock()
    local killed, started = work(dir, 8, journals)
    local seconds = core.time.clock() - began

    local finishers, tried, wrong = {}, {}, {}
    local function say(...) wrong[#wrong + 1] = string.format(...) end
    for i = 1, started do
      local tag = "w" .. i
      local last
      for _, line in ipairs(lines_of(journals .. "/" .. tag)) do
        local what, id = line:match "^(%a+) (.+)$"
        if what == "did" then
          if finishers[id] then say("%s was finished by %s and by %s", id, finishers[id], tag) end
          finishers[id] = tag
        end
        last = what == "try" and id or nil
      end
      if last and killed[tag] then tried[last .. " " .. tag] = true end -- killed between the two lines
      if last and not killed[tag] then say("%s has not finished %s", tag, last) end
    end
    for i = 1, tasks do
      local id = "task-" .. i
      local text = core.fs.read(("%s/done/%s.json"):format(dir, id))
      local task = text and core.json.parse(text, id)
      if not task then
        say("%s is not done", id)
      elseif task.finished_by ~= finishers[id] and not (not finishers[id] and tried[id .. " " .. task.finished_by]) then
        say("%s was finished by %s, and in the end by %s", id, finishers[id], task.finished_by)
      end
    end
    for _, status in ipairs(core.fs.list(dir)) do
      for _, file in ipairs(core.fs.list(dir .. "/" .. status)) do
        if status ~= "done" and file:find "%.json$" then say("left: %s/%s", status, file) end
      end
    end
    assert(#wrong == 0, ("AGENTLUA_SEED=%d AGENTLUA_TASKS=%d: %d wrong: %s"):format(
      seed, tasks, #wrong, table.concat(wrong, "; ", 1, math.min(#wrong, 10))))
    print(("\n%d tasks, %d workers of whom %d were killed: %.1f s, seed %d"):format(
      tasks, started, started - 8, seconds, seed))
    assert(seconds < 60, seconds)
  end)

  -- ---- changes ------------------------------------------------------------------------------------

  local function one_task()
    local dir, file = support.dir .. "/tasks", "one-7692c3ad.json"
    assert(core.fs.mkdir(dir .. "/todo"))
    for _, name in ipairs { "needs-input", "done", "in-progress", "failed" } do
      assert(core.fs.mkdir(dir .. "/" .. name))
    end
    faults.write(dir .. "/todo/" .. file, '{\n  "id": "one",\n  "name": "First"\n}\n')
    return dir, file
  end

  local function the_only(dir)
    local seen = faults.look(dir)
    assert.same({ {}, {} }, { seen.wrong, seen.temporaries })
    local path = ("%s/%s/one-7692c3ad.json"):format(dir, assert(seen.tasks.one, "the task is gone").place)
    return assert(core.json.parse(assert(core.fs.read(path)), path))
  end

  it(("4 writers x %d changes, a mover and an editor: all is kept"):format(changes), function()
    local dir, file = one_task()
    local stop, results, began = support.dir .. "/stop", {}, core.time.clock()
    fiber.run(function()
      local group <close> = fiber.group()
      local busy = 4
      for i = 1, 4 do
        group:spawn(function()
          local child <close> = start("writer", dir, "one", "w" .. i, tostring(changes))
          results[i] = child:wait()
          busy = busy - 1
          if busy == 0 then faults.write(stop, "") end
        end)
      end
      group:spawn(function()
        local child <close> = start("mover", dir, "one", file, stop)
        results.mover = child:wait()
      end)
      group:spawn(function()
        local child <close> = start("editor", dir, file, stop)
        results.editor = child:wait()
      end)
      group:wait()
    end)
    local seconds = core.time.clock() - began
    local task, lost, refusals = the_only(dir), {}, 0
    for i = 1, 4 do
      refusals = refusals + value_of(results[i], "writer").refused
      for j = 1, changes do
        local key = ("w%d-%d"):format(i, j)
        if task[key] ~= j then lost[#lost + 1] = key end
      end
    end
    local mover, editor = value_of(results.mover, "mover"), value_of(results.editor, "editor")
    assert.same({}, mover.wrong)
    for _, key in ipairs(editor.keys) do
      if not task[key] then lost[#lost + 1] = key end
    end
    assert(mover.moves > 10 and #editor.keys > 0, "they did not meet")
    assert(#lost == 0, ("%d lost: %s"):format(#lost, table.concat(lost, " ")))
    print(("\n%d changes, %d moves, %d of %d edits that count: %.1f s; refused: %d changes, %d moves"):format(
      4 * changes, mover.moves, #editor.keys, editor.edits, seconds, refusals, mover.refused))
  end)

  -- ---- at one moment ------------------------------------------------------------------------------

  -- Runs an update that is slow at the given call, and `meanwhile` when `condition` holds.
  local function slow_update(dir, delays, meanwhile)
    local command = { "strace", "-f", "-qq", "-o", support.dir .. "/trace", "-e", "trace=fsync,renameat2" }
    for _, delay in ipairs(delays) do table.move({ "-e", "inject=" .. delay }, 1, 2, #command + 1, command) end
    table.move({ faults.driver, "update", dir }, 1, 3, #command + 1, command)
    command.contain, command.timeout = false, 120
    return fiber.run(function()
      local child <close> = assert(process.spawn(command))
      meanwhile()
      local result = child:wait()
      assert(result.code == 0, result.stderr)
    end)
  end
  local function inode_of(path) return (core.fs.stat(path) or {}).inode end
  local function temporary_of(dir)
    for _, name in ipairs(core.fs.list(dir)) do
      if name:find "^%.tmp%." then return name end
    end
  end
  local edited = '{\n  "id": "one",\n  "name": "First",\n  "by_hand": true\n}\n'

  it("an edit by hand while an update is written is kept", function()
    if refused then return pending(refused) end
    local dir, file = one_task()
    slow_update(dir, { "fsync:delay_enter=500000:when=1" }, function()
      support.eventually(function() return temporary_of(dir .. "/todo") end, "it is being written")
      faults.write(dir .. "/todo/" .. file, edited)
    end)
    local task = the_only(dir)
    assert.same({ true, "changed" }, { task.by_hand, task.note })
  end)

  it("an edit by hand while an update is written is kept, also when the task is moved just then", function()
    if refused then return pending(refused) end
    local dir, file = one_task()
    local path = dir .. "/todo/" .. file
    local delays = { "fsync:delay_enter=500000:when=1", "renameat2:delay_exit=500000:when=1" }
    slow_update(dir, delays, function()
      support.eventually(function() return temporary_of(dir .. "/todo") end, "it is being written")
      faults.write(path, edited)
      local before = inode_of(path)
      support.eventually(function() return inode_of(path) ~= before end, "it is put in place")
      assert(os.rename(path, dir .. "/done/" .. file))
    end)
    local task = the_only(dir)
    assert.same({ true, "changed" }, { task.by_hand, task.note })
  end)

  it("a task that is moved while an update is written is not brought back", function()
    if refused then return pending(refused) end
    local dir, file = one_task()
    slow_update(dir, { "fsync:delay_enter=500000:when=1" }, function()
      support.eventually(function() return temporary_of(dir .. "/todo") end, "it is being written")
      assert(os.rename(dir .. "/todo/" .. file, dir .. "/done/" .. file))
    end)
    assert.equal("changed", the_only(dir).note)
    assert.equal(file, core.fs.list(dir .. "/done")[1])
    assert.same({}, core.fs.list(dir .. "/todo"))
  end)
end)
