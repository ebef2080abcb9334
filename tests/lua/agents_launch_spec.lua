local core = require "agentlua.core"
local errors = require "agentlua.errors"
local launch = require "agentlua.attempt.launch"
local process = require "agentlua.process"
local streams = require "streams"
local support = require "support"

describe("launch of", function()
  before_each(support.setup)
  after_each(support.teardown)

  local function build(vendor, request, fields)
    local backend = { pre_args = {}, args = {}, name = vendor }
    for name, value in pairs(require("agentlua.agents." .. vendor)) do backend[name] = value end
    for name, value in pairs(fields or {}) do backend[name] = value end
    request.dir, request.prompt = support.dir, "do it"
    return launch.build(backend, request)
  end
  local full = {
    session = "s-1", model = "m", permission = "edit", max_turns = 7, tools = { "Read", "Edit" }, system = 'be "brief"',
    mcp = { demo = { command = "node", args = { "echo.mjs" }, env = { A = "1" } } }, endpoint = "http://127.0.0.1:1",
  }
  -- The command as one text; servers of MCP, whose JSON may have any order, as MCP.
  local function words(built)
    local text = table.concat(built.argv, " "):gsub('{"mcpServers":.*}}}', function(json)
      local demo = core.json.parse(json).mcpServers.demo
      assert.same({ "node", "echo.mjs", "1" }, { demo.command, demo.args[1], demo.env.A })
      return "MCP"
    end)
    return text
  end

  it("claude", function()
    local built = build("claude", full)
    assert.equal("claude -p --output-format stream-json --verbose --permission-mode acceptEdits --model m "
      .. '--max-turns 7 --allowedTools Read,Edit --append-system-prompt be "brief" --mcp-config MCP '
      .. "--allowedTools mcp__demo --resume s-1",
      words(built))
    assert.same({ "http://127.0.0.1:1", "0", false }, {
      built.env.ANTHROPIC_BASE_URL, built.env.CLAUDE_CODE_MAX_RETRIES, built.env.CLAUDECODE,
    })
    assert.equal("do it", built.stdin)
    assert.equal("claude -p --output-format stream-json --verbose --permission-mode plan",
      words(build("claude", { permission = "read" })))
  end)

  it("claude as root: full only where the user says that this is a sandbox", function()
    local root = (core.fs.read "/proc/self/status"):find "\nUid:%s+%d+%s+0%s"
    local ok, problem = pcall(build, "claude", {})
    assert.equal(not root, ok)
    if root then
      assert.is_true(errors.is(problem))
      assert.matches("agent 'claude' refuses the permission mode 'full' to root: .*IS_SANDBOX", problem.message)
    end
    assert.matches("bypassPermissions", words(build("claude", {}, { env = { IS_SANDBOX = "1" } })))
  end)

  it("glm: knows the limits of the program that it starts", function()
    local own = require("agentlua.agents.glm").limits
    local found = require("agentlua.limit").parse("Opus limit reached", { vendor = "glm", words = own })
    assert.same({ "weekly", "model" }, { found.kind, found.scope })
  end)

  it("glm: as claude, with its own program and key", function()
    local built = build("glm", { permission = "edit" }, { billing = "subscription" })
    assert.equal("glm", built.argv[1])
    assert.is_false(built.env.GLM_API_KEY)
    assert.is_nil(built.env.ANTHROPIC_API_KEY)
  end)

  it("codex", function()
    local built = build("codex", full)
    assert.equal("codex exec --json --skip-git-repo-check -s workspace-write -m m -c check_for_update_on_startup=false "
      .. '-c developer_instructions="be \\"brief\\"" '
      .. '-c mcp_servers.demo={"args"=["echo.mjs"],"command"="node","env"={"A"="1"}} -c model_provider="agentlua" '
      .. '-c model_providers.agentlua={"base_url"="http://127.0.0.1:1","env_key"="OPENAI_API_KEY","name"="agentlua",'
      .. '"request_max_retries"=0,"stream_max_retries"=0,"wire_api"="responses"} resume s-1 -', words(built))
    assert.same({ 7, "m" }, { built.max_turns, built.model })
    assert.equal("codex exec --json --skip-git-repo-check --dangerously-bypass-approvals-and-sandbox "
      .. "-c check_for_update_on_startup=false -x -", words(build("codex", {}, { args = { "-x" } })))
  end)

  it("codex at Azure", function()
    local text = words(build("codex", { endpoint = "https://me.openai.azure.com/?api-version=2025-04-01-preview" }))
    assert.truthy(text:find('"base_url"="https://me.openai.azure.com/openai"', 1, true), text)
    assert.truthy(text:find('"query_params"={"api-version"="2025-04-01-preview"}', 1, true), text)
    text = words(build("codex", { endpoint = "https://me.openai.azure.com/openai/v1" }))
    assert.truthy(text:find('"base_url"="https://me.openai.azure.com/openai/v1"', 1, true), text)
  end)

  it("qwen", function()
    local built = build("qwen", full)
    assert.equal("qwen -o stream-json --approval-mode auto-edit -m m --auth-type openai --openai-base-url "
      .. "http://127.0.0.1:1 --max-session-turns 7 --allowed-tools Read,Edit --append-system-prompt "
      .. 'be "brief" --mcp-config MCP --resume s-1', words(built))
    local settings = core.json.parse(core.fs.read(built.env.QWEN_CODE_SYSTEM_SETTINGS_PATH))
    assert.equal(0, settings.model.generationConfig.maxRetries)
    assert.equal("qwen -o stream-json --approval-mode yolo", words(build("qwen", {})))
  end)

  it("opencode", function()
    local built = build("opencode", full)
    assert.equal("opencode run --format json -m m --session s-1", words(built))
    local config = core.json.parse(built.env.OPENCODE_CONFIG_CONTENT)
    assert.equal('be "brief"', core.fs.read(config.instructions[1]))
    assert.same({ "node", "echo.mjs" }, { config.mcp.demo.command[1], config.mcp.demo.command[2] })
    assert.same({ "deny", "allow", 7, "disabled" }, {
      config.permission["*"], config.permission.Read, config.agent.build.steps, config.share,
    })
    config = core.json.parse(build("opencode", { permission = "read", model = "my/m", endpoint = "http://x" })
      .env.OPENCODE_CONFIG_CONTENT)
    assert.same({ "deny", "http://x" }, { config.permission.edit, config.provider.my.options.baseURL })
    assert.equal("opencode run --format json --auto", words(build("opencode", {})))
  end)

  -- gemini reads the user's home, so it is built by a process that has one for the case.
  local function gemini(request, before)
    local home = support.dir .. "/user"
    assert(core.fs.mkdir(home .. "/.gemini"))
    if before then before(home .. "/.gemini/") end
    local result = support.script(([[
      local al, launch = require "agentlua", require "agentlua.attempt.launch"
      local backend = { pre_args = {}, args = {}, name = "gemini" }
      for name, value in pairs(require "agentlua.agents.gemini") do backend[name] = value end
      local request = al.json.parse %q
      request.dir, request.prompt = %q, "do it"
      local ok, built = pcall(launch.build, backend, request)
      print(al.json.dump(ok and built or { problem = built.message }))
    ]]):format(core.json.dump(request), support.dir .. "/attempt"), { env = { HOME = home, GEMINI_CLI_HOME = false } })
    return result, home
  end
  local function list(dir) return table.concat(core.fs.list(dir), " ") end

  it("gemini: a home of its own with the user's settings, logins and sessions", function()
    local built, home = gemini(full, function(dir)
      core.fs.write {
        path = dir .. "settings.json", content = '{"security":{"auth":{"selectedType":"oauth"}},"a":[1]}',
      }
      core.fs.write { path = dir .. "oauth_creds.json", content = "login" }
      core.fs.write { path = dir .. "GEMINI.md", content = "mine" }
      core.fs.write { path = dir .. "x.tmp", content = "" }
    end)
    assert.equal("gemini -o stream-json --skip-trust --approval-mode auto_edit -m m --allowed-tools Read,Edit "
      .. "--resume s-1", words(built))
    local own = built.env.GEMINI_CLI_HOME
    assert.equal(support.dir .. "/attempt/gemini-home", own)
    assert.equal("GEMINI.md oauth_creds.json settings.json tmp", list(own .. "/.gemini"))
    assert.equal("login", core.fs.read(own .. "/.gemini/oauth_creds.json"))
    assert.equal(home .. "/.gemini/tmp", core.fs.realpath(own .. "/.gemini/tmp"))
    assert.equal('mine\nbe "brief"', core.fs.read(own .. "/.gemini/GEMINI.md"))
    assert.equal("mine", core.fs.read(home .. "/.gemini/GEMINI.md"))
    local settings = core.json.parse(core.fs.read(own .. "/.gemini/settings.json"))
    assert.same({ 1, 7, "oauth", 1, "node" }, {
      settings.general.maxAttempts, settings.model.maxSessionTurns, settings.security.auth.selectedType, settings.a[1],
      settings.mcpServers.demo.command,
    })
  end)

  it("gemini without settings, and with some that cannot be read", function()
    local built = gemini {}
    assert.equal("gemini -o stream-json --skip-trust --approval-mode yolo -m gemini-2.5-pro", words(built))
    local problem = gemini({}, function(dir) core.fs.write { path = dir .. "settings.json", content = "{ // no" } end)
    assert.matches("agent 'gemini': '.*/.gemini/settings.json' is not plain JSON", problem.problem)
  end)

  it("all: a mode of permission for everything and for looking only", function()
    for _, vendor in ipairs(streams.vendors) do
      local permissions = require("agentlua.agents." .. vendor).permissions
      assert.is_table(permissions.full)
      assert.is_table(permissions.read)
    end
  end)

  it("a process tells it where it is by PWD too", function()
    assert.equal(support.dir .. "\n", process.run({ "printenv", "PWD", cwd = support.dir }).stdout)
    assert.equal("/x\n", process.run({ "printenv", "PWD", cwd = support.dir, env = { PWD = "/x" } }).stdout)
  end)
end)
