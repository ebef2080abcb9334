-- agentlua.trust: which projects' scripts, prompts and configuration may run. Recorded outside of
-- them: the directory's path with its device and inode, so that a new clone in its place is not it.

local core = require "agentlua.core"
local errors = require "agentlua.errors"
local state = require "agentlua.state"

local M = {}

local function record(dir)
  return state.dir() .. "/trust/" .. core.text.sha256(core.fs.realpath(dir)) .. ".json"
end

--- Trusts an .agentlua directory from now on.
function M.add(dir)
  local info = errors.check(core.fs.stat(dir))
  errors.check(core.fs.mkdir(state.dir() .. "/trust"))
  errors.check(core.fs.write {
    path = record(dir), mode = 384, -- 0600
    content = core.json.dump({
      path = core.fs.realpath(dir), device = info.device, inode = info.inode, time = core.time.iso(),
    }, 2) .. "\n",
  })
end

--- True when `dir` is trusted and still the same directory.
function M.has(dir)
  local info, text = core.fs.stat(dir), core.fs.read(record(dir))
  local kept = text and core.json.parse(text)
  if not info or type(kept) ~= "table" then return false end
  return kept.device == info.device and kept.inode == info.inode
end

return M
