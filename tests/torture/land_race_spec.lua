-- Many runners that add, land and remove worktrees of one repository at once, while its user commits.
-- AGENTLUA_ROUNDS (4) of each of the 16.

local core = require "agentlua.core"
local fiber = require "agentlua.fiber"
local process = require "agentlua.process"
local support = require "support"

local rounds = tonumber(os.getenv "AGENTLUA_ROUNDS" or 4)
local runners = 16

describe("landing, raced for", function()
  before_each(support.setup)
  after_each(support.teardown)

  -- Commits as the user until `over()`; a commit that meets a lock is tried again, as a user would.
  local function commit_as_user(path, over)
    local made = 0
    while not over() do
      made = made + 1
      assert(core.fs.write { path = ("%s/user-%d"):format(path, made), content = "user\n" })
      local git = 'cd "$0" && for i in 1 2 3 4 5 6 7 8 9 10; do git add "$1" && git commit -qm "$1" -- "$1" && exit 0; '
        .. 'sleep 0.1; done; exit 1'
      local result = process.run { "sh", "-c", git, path, "user-" .. made, contain = false, timeout = 60 }
      assert(result.code == 0, result.stderr)
      fiber.sleep(0.2)
    end
    return made
  end

  it("has every landing once, in one line with the user's commits, and nothing is left over", function()
    local path = support.repository "repo"
    local before = tonumber(support.git(path, "rev-list", "--count", "main"))
    local failed, running, made = {}, runners, 0
    fiber.run(function()
      local group <close> = fiber.group()
      for i = 1, runners do
        group:spawn(function()
          local result = assert(process.run {
            "lua5.4", support.source .. "/tests/torture/land_worker.lua", path, "r" .. i, tostring(rounds),
            contain = false, timeout = 600 + 60 * rounds,
          })
          if result.code ~= 0 or result.stdout ~= "" then failed[#failed + 1] = result.stdout .. result.stderr end
          running = running - 1
        end)
      end
      group:spawn(function() made = commit_as_user(path, function() return running == 0 end) end)
      group:wait()
    end)
    assert.same({}, failed)
    assert.equal(before + runners * rounds + made, tonumber(support.git(path, "rev-list", "--count", "main")))
    assert.equal("", support.git(path, "rev-list", "--merges", "main"))
    assert.equal("", support.git(path, "status", "--porcelain"))
    assert.equal("refs/heads/main", support.git(path, "for-each-ref", "--format=%(refname)"))
    assert.is_nil(support.git(path, "worktree", "list"):find "\n")
    local files = support.git(path, "ls-files")
    for i = 1, runners do
      for n = 1, rounds do assert(("\n" .. files .. "\n"):find(("\nr%d-%d\n"):format(i, n), 1, true), "lost") end
    end
    for n = 1, made do assert(("\n" .. files .. "\n"):find(("\nuser-%d\n"):format(n), 1, true), "lost") end
    print(("%d landings and %d commits of the user"):format(runners * rounds, made))
  end)
end)
