---@meta agentlua

--- Waiting functions yield inside a fiber and run the event loop outside one. Seconds are numbers, sizes bytes.
--- What can fail gives `value | nil, message, code`; methods of a project raise instead.
---@class agentlua
---@field version string of the library
---@field json agentlua.json
---@field fs agentlua.fs
---@field text agentlua.text
---@field config agentlua.config
---@field errors agentlua.errors
---@field events agentlua.events
---@field fiber agentlua.fiber
---@field git agentlua.git
---@field limit agentlua.limit
---@field loop agentlua.loop
---@field mcp agentlua.mcp
---@field options agentlua.options
---@field place agentlua.place
---@field process agentlua.process
---@field project agentlua.project
---@field prompt agentlua.prompt
---@field resource agentlua.resource
---@field store agentlua.store
---@field trust agentlua.trust
---@field view agentlua.view
local al = {}

--- Wall seconds.
---@return number
function al.now() end

--- Monotonic seconds that count suspend.
---@return number
function al.clock() end

--- A line on stderr.
function al.log(...) end

--- Runs `fn(...)` in a fiber, to its end and to the end of all that it started.
---@param fn fun(...): any
---@return any results of fn
function al.run(fn, ...) end

--- Starts `fn(...)` beside the calling fiber.
---@param fn fun(...): any
---@return agentlua.Fiber
function al.spawn(fn, ...) end

--- A group of fibers, which waits for them or cancels them together.
---@param options? agentlua.GroupOptions
---@return agentlua.Group
function al.group(options) end

--- Waits.
---@param seconds number
function al.sleep(seconds) end

--- Runs `fn(...)` for at most `seconds`; nil, message, "ETIMEDOUT" when it takes longer.
---@param seconds number
---@param fn fun(...): any
---@return any results of fn
function al.timeout(seconds, fn, ...) end

--- Ends a fiber at its next wait; its <close> variables are closed.
---@param fiber agentlua.Fiber
function al.cancel(fiber) end

--- Calls `fn()` whenever the process gets a signal.
---@param signal agentlua.Signal
---@param fn fun()
---@param once? boolean the next one ends the process
---@return agentlua.Handle
function al.on(signal, fn, once) end

--- Takes the lock of a file, which the kernel frees with the process.
---@param path string
---@param options? agentlua.LockOptions
---@return agentlua.Lock
---@return string message
---@return string code ELOCKED
function al.lock(path, options) end

--- A backend by name, or by the path of an executable. Raises ENOAGENT.
---@param name string
---@param project? agentlua.Project where the user's own are found and overridden
---@return agentlua.LoadedBackend
function al.agent(name, project) end

--- For a foreign event loop: poll fd() for timeout() seconds, then step().
---@class agentlua.loop
local loop = {}

--- Descriptor that is readable when step() has something to do.
---@return integer
function loop.fd() end

--- Seconds that may be waited; nil: for ever.
---@return number?
function loop.timeout() end

--- Does what can be done now, or within `limit` seconds.
---@param limit? number
function loop.step(limit) end

return al
