---@meta agentlua.fiber

---@alias agentlua.Signal "HUP"|"INT"|"QUIT"|"USR1"|"USR2"|"TERM"|"CHLD"|"WINCH"

--- A coroutine of the scheduler.
---@class agentlua.Fiber
---@field name? string for errors
---@field done? boolean it has ended
---@field ok? boolean without an error
---@field error? any that it ended with
---@field results? any[] of its function

--- What ends when it is closed; for `local x <close>`.
---@class agentlua.Handle
---@field close fun()

---@class (exact) agentlua.GroupOptions
---@field limit? integer most fibers at once; none by default

---@class agentlua.Group
---@field limit integer
---@field count integer fibers that run
local group = {}

--- Starts `fn(...)` as a fiber; waits while the group is full.
---@param fn fun(...): any
---@return agentlua.Fiber
function group:spawn(fn, ...) end

--- Waits until all have ended. When one fails the others are cancelled and its error is raised.
function group:wait() end

--- Waits until fewer run than now.
function group:wait_any() end

--- Cancels every fiber.
function group:cancel() end

---@class agentlua.Bell
local bell = {}

--- Wakes who waits.
function bell:ring() end

--- Waits until it was rung since the last wait, at most `seconds`.
---@param seconds? number
function bell:wait(seconds) end

---@class agentlua.fiber
---@field cancelled any what a cancelled fiber ends with
local fiber = {}

--- Runs `fn(...)` in a fiber, to its end and to the end of all that it started.
---@param fn fun(...): any
---@return any results of fn
function fiber.run(fn, ...) end

--- Starts `fn(...)` beside the calling fiber.
---@param fn fun(...): any
---@return agentlua.Fiber
function fiber.spawn(fn, ...) end

---@param options? agentlua.GroupOptions
---@return agentlua.Group
function fiber.group(options) end

---@param seconds number
function fiber.sleep(seconds) end

--- Runs `fn(...)` for at most `seconds`; nil, message, "ETIMEDOUT" when it takes longer.
---@param seconds number
---@param fn fun(...): any
---@return any results of fn
function fiber.timeout(seconds, fn, ...) end

---@param fiber agentlua.Fiber
function fiber.cancel(fiber) end

--- Calls `fn()` whenever the process gets a signal; with `once` the next one ends it.
---@param signal agentlua.Signal
---@param fn fun()
---@param once? boolean
---@return agentlua.Handle
function fiber.on(signal, fn, once) end

--- Calls `fn()` whenever the loop signals a source of agentlua.core.
---@param source any
---@param fn fun()
---@return agentlua.Handle
function fiber.on_source(source, fn) end

--- A bell that fibers wait for.
---@return agentlua.Bell
function fiber.bell() end

--- The fiber that runs; nil outside of one.
---@return agentlua.Fiber?
function fiber.current() end

--- Hands over a thing that is ending (finished(), id(), close()): the group waits for it.
---@param thing any
function fiber.adopt(thing) end

--- Waits for a job of the native pool and gives its result.
---@param job any
---@param message? string
---@param code? string
---@return any
function fiber.await(job, message, code) end

--- Waits until the loop signals an id.
---@param id integer
function fiber.wait(id) end

--- One turn of the event loop, at most `limit` seconds.
---@param limit? number
function fiber.turn(limit) end

return fiber
