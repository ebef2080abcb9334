-- agentlua.mcp.dev: tools that start and stop what the project needs to be tried out (a server, a data base), by
-- programs of its own: .agentlua/dev/start and, if there is need, .agentlua/dev/stop.

local core = require "agentlua.core"
local errors = require "agentlua.errors"
local fiber = require "agentlua.fiber"
local phases = require "agentlua.mcp.phases"
local process = require "agentlua.process"
local schema = require "agentlua.mcp.schema"

-- Seconds that a program has to end or to be up; lines of its output that are told of.
local patience, lines_kept <const> = 5, 40

-- What was started here and runs; it ends with the server.
local running

local function program(p, name)
  local path = p.dir .. "/dev/" .. name
  local info = core.fs.stat(path)
  if info and info.type == "file" and info.mode & 73 ~= 0 then return path end -- 73: octal 111
  return nil, ("there is no program '%s'; a person has to write one that %ss what the project needs"):format(path, name)
end

local function keep(started, native)
  local child <close> = native
  for line in child:lines() do
    local output = started.output
    output[#output + 1] = line:sub(1, 500)
    if #output > lines_kept then table.remove(output, 1) end
  end
  started.result = child:wait()
end

local function describe(started)
  local result = started.result
  return {
    running = result == nil, exit_code = result and result.code, output = table.concat(started.output, "\n"),
  }
end

local function start(_, context)
  local path, message = program(context.project, "start")
  if not path then return nil, message end
  if not context.server then return nil, "what dev_start starts ends with agentlua mcp, and this is none" end
  if running and not running.result then return nil, "it runs already; dev_stop ends it" end
  local started = { output = {}, child = errors.check(process.spawn { path, stderr = "merge", stdin = "" }) }
  context.server.group:spawn(keep, started, started.child)
  running = started
  for step = 0, 10 * patience do
    if started.result then break end
    if step % 10 == 0 then context.progress(step // 10, patience, "starting") end
    fiber.sleep(0.1)
  end
  local said = describe(started)
  if started.result and started.result.code ~= 0 then
    return nil, ("'%s' failed with %d:\n%s"):format(path, started.result.code, said.output)
  end
  return said
end

local function stop(_, context)
  local path = program(context.project, "stop")
  if not path and not running then return nil, "nothing was started here, and there is no .agentlua/dev/stop" end
  local result = path and errors.check(process.run { path, stdin = "", stderr = "merge", timeout = 60 })
  if running then
    running.child:stop()
    while not running.result do fiber.sleep(0.05) end
    running = nil
  end
  if result and result.code ~= 0 then
    return nil, ("'%s' failed with %d:\n%s"):format(path, result.code, result.stdout)
  end
  return { running = false, output = result and result.stdout:sub(-4000) or "" }
end

return {
  {
    name = "dev_start", phases = phases.execute, run = start,
    description = "Starts what the project needs to be tried out, by its .agentlua/dev/start.",
    schema = schema.object { noLayout = schema.flag "not needed" },
  },
  {
    name = "dev_stop", phases = phases.execute, run = stop, description = "Stops what dev_start has started.",
    schema = schema.object {},
  },
}
