-- The real CLIs, and what comes of each scenario of agents_spec.lua: how the attempts end, the status of the task,
-- the attempts that count as failed, and the most requests that the model gets for the work. A scenario that is not
-- in a table is not for this CLI; a `slow` one, in which the CLI tries again for a minute or more by itself, is run
-- only with AGENTLUA_AGENTS=full.

return {
  claude = {
    env = { ANTHROPIC_API_KEY = "test", CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC = "1" },
    backend = [[ env = { IS_SANDBOX = "1" } ]], -- refuses to work unasked for root otherwise
    work = { "done", "done", 0, 3 },
    limit = { "limit done", "done", 0, 5 },
    limit_stays = { "limit limit", "needs-input", 0, 4 },
    auth = { "auth", "todo", 0, 2 },
    quota = { "limit", "needs-input", 0, 1 },
    server = { "api_error api_error", "failed", 1, 4 },
    turns = { "max_turns done", "done", 0, 3 },
    hang = { "timeout", "failed", 1, 1 },
  },
  codex = { -- has no bound of turns
    env = { OPENAI_API_KEY = "test" },
    path = "/v1",
    backend = [[ model = "gpt-5", args = { "-c", "features.plugins=false", "-c", "analytics.enabled=false" } ]],
    work = { "done", "done", 0, 3 },
    limit = { "limit done", "done", 0, 5 },
    limit_stays = { "limit limit", "needs-input", 0, 4 },
    auth = { "auth", "todo", 0, 1 },
    quota = { "limit", "needs-input", 0, 1 },
    server = { "api_error api_error", "failed", 1, 4 },
    hang = { "timeout", "failed", 1, 1 },
  },
  gemini = {
    env = { GEMINI_API_KEY = "test" },
    files = { [".gemini/settings.json"] = [[ { "privacy": { "usageStatisticsEnabled": false } } ]] },
    work = { "done", "done", 0, 3 },
    limit = { "limit done", "done", 0, 4 },
    limit_stays = { "limit limit", "needs-input", 0, 2 },
    auth = { "auth", "todo", 0, 1 },
    quota = { "limit limit", "needs-input", 0, 2 }, -- of a day
    server = { "api_error api_error", "failed", 1, 4 },
    turns = { "max_turns done", "done", 0, 3 },
    hang = { "timeout", "failed", 1, 1 },
  },
  qwen = {
    env = { OPENAI_API_KEY = "test" },
    path = "/v1",
    backend = [[ model = "qwen3-coder-plus" ]],
    files = { [".qwen/settings.json"] = [[ { "privacy": { "usageStatisticsEnabled": false } } ]] },
    work = { "done", "done", 0, 4 },
    limit = { "done", "done", 0, 5 }, -- asks again by itself, six times in a few seconds
    limit_stays = { "limit limit", "needs-input", 0, 14 },
    auth = { "auth", "todo", 0, 1 },
    quota = { "limit", "needs-input", 0, 7, slow = true },
    server = { "api_error api_error", "failed", 1, 14, slow = true },
    turns = { "max_turns done", "done", 0, 4 },
    hang = { "timeout", "failed", 1, 1 },
  },
  opencode = { -- takes a bound of turns for advice; is silent until it has an answer
    idle = 20,
    path = "/v1",
    backend = [[ model = "ours/model" ]],
    env = { OPENCODE_DISABLE_MODELS_FETCH = "1", NPM_CONFIG_REGISTRY = "{model}/npm/", OPENCODE_CONFIG_CONTENT = [[
      { "small_model": "ours/model", "enabled_providers": ["ours"], "provider": { "ours": {
        "npm": "@ai-sdk/openai-compatible", "options": { "apiKey": "test" },
        "models": { "model": { "limit": { "context": 200000, "output": 8192 } } } } } } ]] },
    work = { "done", "done", 0, 3 },
    limit = { "done", "done", 0, 4 },
    limit_stays = { "limit limit", "needs-input", 0, 12 },
    auth = { "auth", "todo", 0, 1 },
    quota = { "limit", "needs-input", 0, 6, slow = true },
    server = { "api_error api_error", "failed", 1, 12, slow = true },
    hang = { "timeout", "failed", 1, 1 },
  },
}
