-- agentlua.collect: what the output of an attempt adds up to, line by line.

local core = require "agentlua.core"

local M = {}

local figures = { "turns", "tokens_in", "tokens_out", "tokens_cached", "cost" }

-- Usage is of one turn; or, with `scope`, the total of the "attempt" or of the whole "session" until now.
local function take_usage(state, event)
  if not event.scope then
    state.turns = state.turns + (tonumber(event.turns) or 1)
  end
  for _, name in ipairs(figures) do
    local value = tonumber(event[name])
    if value and event.scope == "session" then
      state.totals[name] = value
      state[name] = math.max(0, value - (state.before[name] or 0))
    elseif value and event.scope then
      state[name] = value
    elseif value and name ~= "turns" then
      state[name] = (state[name] or 0) + value
    end
  end
end

local take = {}
function take.text(state, e) if type(e.text) == "string" then state.text[#state.text + 1] = e.text end end
function take.session(state, e) if type(e.id) == "string" then state.session = e.id end end
take.usage = take_usage
function take.limit(state, e)
  state.limit = e
  -- The program would wait and ask again by itself; the wait is ours.
  if e.retrying then state.cut = "limit" end
end
function take.auth(state, e)
  state.auth = e
  if e.retrying then state.cut = "auth" end
end
function take.error(state, e) state.error = e end
function take.question(state, e) state.question = e end
function take.result(state, e)
  state.final = e
  if type(e.session) == "string" then state.session = e.session end
end

local collector = {}
collector.__index = collector

--- Takes a line of output. Its events are shown to `on_event`.
---@return boolean over  the program has said all that it will, or is to be ended: state.cut
function collector:line(line)
  local record = line:byte() == 123 and core.json.parse(line) or nil -- 123: {
  local ok, problem = pcall(self.backend.decode, record, self.emit, self.memory, line)
  if not ok and not self.broken then
    self.broken = true
    io.stderr:write(("agentlua: decode of agent '%s' failed, the line is passed over: %s\n"):format(
      self.backend.name, core.text.printable(tostring(problem))))
  end
  return (self.state.final or self.state.cut) ~= nil
end

--- What an agent has said: the text of its result, else all of its text.
function collector:text()
  local final = self.state.final
  return final and type(final.text) == "string" and final.text or table.concat(self.state.text, "\n")
end

--- A collector for one attempt. `before`: totals of the session that it resumes, {turns, tokens_in, ...},
--- for backends that report totals of a session.
---@return table collector  its `state` has text, turns, tokens_in, tokens_out, tokens_cached, cost (nil: not
--- said), totals = those of the session, session, limit, auth, error, question, final, and cut = the ending when
--- we have to end it
function M.new(backend, before, on_event)
  local state = {
    text = {}, turns = 0, tokens_in = 0, tokens_out = 0, tokens_cached = 0, before = before or {}, totals = {},
  }
  return setmetatable({
    backend = backend, state = state, memory = {},
    emit = function(event)
      if take[event.type] then take[event.type](state, event) end
      if on_event then on_event(event, state) end
    end,
  }, collector)
end

return M
