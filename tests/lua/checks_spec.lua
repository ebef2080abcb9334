local checks = require "agentlua.work.checks"

describe("checks of the work", function()
  local function work(lines, secrets)
    return {
      secrets = secrets or {},
      patch = function()
        return "diff --git a/a.txt b/a.txt\n--- a/a.txt\n+++ b/a.txt\n@@ -0,0 +7," .. #lines .. " @@\n+"
          .. table.concat(lines, "\n+") .. "\n"
      end,
    }
  end
  local function found(check, lines, secrets)
    local out = {}
    for i, one in ipairs(checks[check](work(lines, secrets))) do
      assert.equal("a.txt", one.path)
      out[i] = one.line .. " " .. one.what
    end
    return out
  end

  it("find secrets in the shapes that vendors give them", function()
    for text, what in pairs {
      ["-----BEGIN RSA PRIVATE KEY" .. "-----"] = "private key",
      ["id = AKIA" .. "ABCDEFGHIJKLMNOP"] = "AWS access key",
      ["ghp_" .. ("a1"):rep(18)] = "GitHub token",
      ["github_pat_" .. ("b2"):rep(12)] = "GitHub token",
      ["glpat-" .. ("c"):rep(20)] = "GitLab token",
      ["xoxb-1234-" .. "abcdefgh"] = "Slack token",
      ["AIza" .. ("d"):rep(35)] = "Google API key",
      ["sk-ant-" .. ("e"):rep(24)] = "Anthropic API key",
      ["sk-" .. ("f"):rep(40)] = "OpenAI API key",
      ["postgres://me:" .. "geheim@db.example/x"] = "credentials in an address",
      ['db_password = "' .. 'correct-horse"'] = "value of db_password",
      ["'apiKey': '" .. "0123456789'"] = "value of apiKey",
    } do
      assert.same({ "8 " .. what }, found("secrets", { "fine", text, "fine" }), text)
    end
    assert.same({ "7 value of TOKEN" }, found("secrets", { "x=abc-123-def" }, { TOKEN = "abc-123-def" }))
  end)

  it("do not take examples, references and words for secrets", function()
    assert.same({}, found("secrets", {
      'password = "xxxxxxxxxxxx"', 'password = "<your password>"', 'password = "${DB_PASSWORD}"', 'password = ""',
      "password = os.getenv('X')", "https://example.org/a:b@c", "sk-short", "http://user:$PASS@host/",
      "ghp_abc", 'token_count = "12345678"', "AKIA", 'secret = "' .. 'a-real-one-here" -- noscan',
    }))
  end)

  it("find home directories", function()
    local lines = { "x = /home/anna/src", "/Users/Bob/x", "C:\\Users\\bob\\x", "/home/user/x", "/home/", "~/x" }
    assert.same({ "7 home directory of 'anna'", "8 home directory of 'Bob'", "9 home directory of 'bob'" },
      found("home_paths", lines))
  end)

  it("find the markers of a conflict, not what only looks like one", function()
    assert.same({ "8 conflict markers" }, found("conflict_markers", {
      "a", "<<<<<<< HEAD", "b", "=======", "c", ">>>>>>> main",
    }))
    assert.same({}, found("conflict_markers", { "=======", "Title", "=======", "<<<<<<< x" }))
  end)

  it("look only at lines that are added, and number them as they are in the file", function()
    local patch = table.concat({
      "diff --git a/a b/a", "--- a/a", "+++ b/a", "@@ -1,3 +1,3 @@", " x", "-/home/old/x", "+y", " /home/kept/x",
      "@@ -10 +10,2 @@ /home/context/x", " z", "+/home/new/x", "diff --git a/b b/b", "+++ b/b", "@@ -0,0 +1 @@",
      "+/home/other/x",
    }, "\n")
    local list = checks.home_paths { secrets = {}, patch = function() return patch end }
    assert.same({ "a", 11, "b", 1 }, { list[1].path, list[1].line, list[2].path, list[2].line })
    assert.equal(2, #list)
    assert.same({ "9 home directory of 'new'" }, found("home_paths", { "++ b/other", "++ x", "/home/new/x" }))
  end)
end)
