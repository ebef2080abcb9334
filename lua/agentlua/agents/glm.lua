-- glm: Claude Code against Z.ai, by a program of that name which sets its surroundings.

local claude = require "agentlua.agents.claude"

local glm = {}
for name, value in pairs(claude) do glm[name] = value end
glm.argv = table.move(claude.argv, 1, #claude.argv, 1, {})
glm.argv[1] = "glm"
glm.api_keys = { "GLM_API_KEY" }
-- Its login is a key, and its prices are not Anthropic's.
glm.check, glm.prices, glm.login = nil, nil, nil
glm.login_help = "set GLM_API_KEY"
return glm
