-- glm: Claude Code against Z.ai, by a program of that name which sets its surroundings.

local claude = require "agentlua.agents.claude"
local record = require "agentlua.record"
local words = require "agentlua.limit.words"

local glm = record.overlay(claude, {
  argv = table.move(claude.argv, 2, #claude.argv, 2, { "glm" }), api_keys = { "GLM_API_KEY" },
  login_help = "set GLM_API_KEY", limits = words.claude,
})
-- Its login is a key, and its prices are not Anthropic's.
glm.check, glm.prices, glm.login = nil, nil, nil
return glm
