---@meta agentlua.decode

--- What decoders of backends share.
---@class agentlua.decode
local decode = {}

--- A decoder that hands a record to the handler of its `type`.
---@param handlers table<string, fun(record: table<string, any>, emit: fun(event: agentlua.Event), memory: table<string, any>)>
---@return fun(record: table<string, any>, emit: fun(event: agentlua.Event), memory: table<string, any>)
function decode.by_type(handlers) end

--- What a tool is asked to do: one line.
---@param input? table<string, any>
---@return string
function decode.brief(input) end

--- Text of a value that is text, or a list of parts with `text`.
---@param value any
---@return string
function decode.content(value) end

--- Emits what a message in the shape of Anthropic's API holds.
---@param entry table<string, any>
---@param emit fun(event: agentlua.Event)
function decode.message(entry, emit) end

--- The first look at an id.
---@param memory table<string, any>
---@param id? string
---@return boolean
function decode.first(memory, id) end

--- Counts a turn when the model speaks first, or again after results of tools.
---@param memory table<string, any>
---@param emit fun(event: agentlua.Event)
function decode.speaks(memory, emit) end

---@class (exact) agentlua.Failure
---@field text? string
---@field status? number of HTTP
---@field retrying? boolean
---@field retry_after? number seconds
---@field resets_at? number wall seconds
---@field kind? agentlua.LimitKind
---@field scope? agentlua.LimitScope
---@field code? string

--- The event for a failed request: a limit, auth, or an error.
---@param vendor string
---@param failure agentlua.Failure
---@param words? agentlua.LimitRule[]
---@return agentlua.Event
function decode.failure(vendor, failure, words) end

return decode
