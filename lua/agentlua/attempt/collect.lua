-- agentlua.attempt.collect: what the output of an attempt adds up to, line by line.

local core = require "agentlua.core"
local errors = require "agentlua.errors"

local M = {}

local figures = { "turns", "tokens_in", "tokens_out", "tokens_cached", "cost" }

-- Bytes of what an agent says that are kept, the newest.
local most_text = 1 << 20

-- Price of a model: by its name, without the maker in front or the day of its making behind.
local function price_of(prices, model)
  if type(prices) ~= "table" or type(model) ~= "string" then return nil end
  local name = model:match "[^/]*$"
  return prices[model] or prices[name] or prices[name:gsub("%-20%d%d[%d-]*$", "")]
end

-- Dollars: as the CLI says, else by the price of the model, else unknown.
local function take_cost(state)
  local price = price_of(state.prices, state.model)
  if state.said_cost then
    state.cost, state.cost_kind = state.said_cost, "known"
  elseif price and state.counted then
    local cached = math.min(state.tokens_cached, state.tokens_in)
    state.cost_kind = "estimated"
    state.cost = ((state.tokens_in - cached) * price.input + cached * (price.cached or price.input)
      + state.tokens_out * price.output) / 1e6
  end
end

-- Usage is of one turn; or, with `scope`, the total of the "attempt" or of the whole "session" until now.
local function take_usage(state, event)
  local before = state.before
  if not event.scope then state.turns = state.turns + (tonumber(event.turns) or 1) end
  if state.max_turns and state.turns > state.max_turns then state.cut = "max_turns" end
  state.counted = state.counted or event.tokens_in ~= nil
  for _, name in ipairs(figures) do
    local value, key = tonumber(event[name]), name == "cost" and "said_cost" or name
    if value and event.scope == "session" then
      state[key] = math.max(0, value - (before[name] or 0))
    elseif value and event.scope then
      state[key] = value
    elseif value and name ~= "turns" then
      state[key] = (state[key] or 0) + value
    end
  end
  take_cost(state)
  for _, name in ipairs(figures) do
    local value = state[name == "cost" and "said_cost" or name]
    state.totals[name] = value and (before[name] or 0) + value or before[name]
  end
end

local take = {}
function take.text(state, e)
  if type(e.text) ~= "string" then return end
  state.text[#state.text + 1], state.text_bytes = e.text, state.text_bytes + #e.text + 1
  if state.text_bytes > 2 * most_text then
    state.text, state.text_bytes = { table.concat(state.text, "\n"):sub(-most_text) }, most_text
  end
end
function take.session(state, e)
  if type(e.id) == "string" then state.session = e.id end
  if type(e.model) == "string" then state.model = e.model end
end
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
    errors.warn(("decode of agent '%s' failed, the line is passed over: %s"):format(self.backend.name,
      tostring(problem)))
  end
  local final = self.state.final
  return self.state.cut ~= nil or final ~= nil and not final.open
end

--- What an agent has said: the text of its result, else all of its text.
function collector:text()
  local final = self.state.final
  return final and type(final.text) == "string" and final.text or table.concat(self.state.text, "\n")
end

--- A collector for one attempt. `before`: totals of the session that it resumes, {turns, tokens_in, ...};
--- `launch`: its model, whose price counts when the CLI does not say what it costs, and its max_turns, which are
--- kept here unless the program counts them itself (backend.counts_turns).
---@return table collector  its `state` has text, turns, tokens_in, tokens_out, tokens_cached, cost and cost_kind
--- ("known", "estimated", "unknown"), totals = those of the session, session, model, limit, auth, error,
--- question, final, and cut = the ending when we have to end it
function M.new(backend, before, on_event, launch)
  local state = {
    text = {}, text_bytes = 0, turns = 0, tokens_in = 0, tokens_out = 0, tokens_cached = 0, cost_kind = "unknown",
    before = before or {}, totals = {}, prices = backend.prices, model = launch and launch.model,
    max_turns = launch and not backend.counts_turns and launch.max_turns or nil,
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
