-- agentlua.decode: what the decoders of the vendors in agents/ share.

local limit_text = require "agentlua.limit.text"
local record = require "agentlua.record"

local M = {}

--- A decoder that hands a record to the handler of its `type`; everything else on stdout is noise.
---@param handlers table {type = function(record, emit, memory)}
function M.by_type(handlers)
  return function(entry, emit, memory)
    local handler = handlers[record.text(entry, "type")]
    if handler then handler(entry, emit, memory) end
  end
end

-- What says most about a call of a tool, the first one wins.
local telling = { "command", "file_path", "filePath", "path", "pattern", "query", "url", "description", "prompt" }

--- What a tool is asked to do, from its arguments: one line of at most 200 bytes.
function M.brief(input)
  for _, name in ipairs(telling) do
    local text = record.text(input, name)
    if text then return (text:match "^%s*([^\n]*)":sub(1, 200)) end
  end
  return ""
end

--- Text of a value that is text, or a list of parts with `text`.
function M.content(value)
  if type(value) == "string" then return value end
  local parts = {}
  for _, part in record.each(value) do parts[#parts + 1] = record.text(part, "text") end
  return table.concat(parts, "\n")
end

--- Emits what a message in the shape of Anthropic's API holds: text, thinking and calls of tools of the model's,
--- results of tools of the other side's, whose texts are prompts.
function M.message(entry, emit)
  local of_model = record.text(entry, "type") == "assistant"
  for _, block in record.each(entry, "message", "content") do
    local kind = record.text(block, "type")
    if of_model and (kind == "text" or kind == "thinking") then
      emit { type = kind, text = record.text(block, kind) }
    elseif of_model and kind == "tool_use" then
      emit {
        type = "tool_call", name = record.text(block, "name"), id = record.text(block, "id"),
        text = M.brief(record.object(block, "input")),
      }
    elseif kind == "tool_result" and not of_model then
      emit {
        type = "tool_result", id = record.text(block, "tool_use_id"), ok = not record.flag(block, "is_error"),
        text = M.content(block.content),
      }
    end
  end
end

--- The first look at an id; of the last 64 different ones it is known that they were seen.
function M.first(memory, id)
  local seen = memory.seen or { at = 0 }
  memory.seen = seen
  if id == nil or seen["id " .. id] then return id == nil end
  seen.at = seen.at % 64 + 1
  if seen[seen.at] then seen["id " .. seen[seen.at]] = nil end
  seen[seen.at], seen["id " .. id] = id, true
  return true
end

--- Counts a turn when the model speaks first, or again after results of tools (memory.speaking = nil),
--- for a CLI that does not count them.
function M.speaks(memory, emit)
  if memory.speaking then return end
  memory.speaking = true
  emit { type = "usage" }
end

-- What the status of a failed request means; else it is an error.
local meaning = { [401] = "auth", [402] = "limit", [403] = "auth", [429] = "limit" }

--- The event for a failed request: what its HTTP status means, or a limit by the words that a vendor has for it
--- (limit/words.lua). The text is what the CLI says of the request, never what a model wrote.
---@param failure table {text, status?, retrying?, retry_after?, ...}; it becomes the event
---@param words table? more words, looked at first: the `limits` of a backend
---@return table event
function M.failure(vendor, failure, words)
  failure.type = meaning[failure.status] or "error"
  if failure.type == "auth" then return failure end
  local found = limit_text.parse(failure.text or "", {
    vendor = vendor, words = words, is_limit = failure.type == "limit",
  })
  if not found or found.kind == "overloaded" then return failure end -- a server in trouble is no limit of ours
  failure.type, failure.scope = "limit", failure.scope or found.scope
  failure.kind = failure.kind or failure.status == 402 and "credit" or found.kind
  return failure
end

return M
