-- The demo agent: a small script that does real edits and commits without any account.

local resource = require "agentlua.resource"

local script = resource.find("agents", "demo.sh")
return { argv = { "sh", "-c", script.text, "demo" } }
