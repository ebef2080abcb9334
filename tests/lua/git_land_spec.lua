local core = require "agentlua.core"
local git = require "agentlua.git"
local support = require "support"

describe("git land", function()
  local path, repo, tree
  before_each(support.setup)
  before_each(function()
    path = support.repository()
    repo = assert(git.open(path))
    tree = assert(repo:worktree_add {
      path = support.dir .. "/topic", branch = "topic", base = repo:resolve "main",
    })
  end)
  after_each(support.teardown)

  -- Writes files in the worktree and commits them.
  local function work(files)
    for name, text in pairs(files) do support.write("topic/" .. name, text) end
    return assert(repo:commit_leftovers { at = tree, branch = "topic", message = "work\n" })
  end
  local function land(options)
    options.branch, options.base = "topic", "main"
    options.message = options.message or "feat: it\n"
    options.pending_ref = "refs/agentlua/pending/t"
    return assert(repo:land(options))
  end
  local function refusal(result) return { result.status, { table.unpack(result.paths) } } end
  local function nothing_moved(head)
    assert.equal(head, repo:resolve "main")
    assert.same({}, repo:refs "refs/agentlua/pending")
  end

  it("commit_leftovers commits what is there, less what is excluded", function()
    support.write("topic/new", "")
    support.write("topic/.agentlua/tasks/t.json", "{}")
    local options = {
      at = tree, branch = "topic", message = "work\n", exclude = { ".agentlua/tasks" },
    }
    local tip = assert(repo:commit_leftovers(options))
    assert.equal(tip, repo:resolve "topic")
    assert.equal("new", support.git(path, "diff", "--name-only", "main", "topic"))
    assert.equal(tip, repo:commit_leftovers(options)) -- nothing new: no commit
  end)

  it("commit_leftovers takes excluded paths back to `since`, committed or staged, ignored or not", function()
    work { ["state/kept"] = "1", ["state/gone"] = "1", [".gitignore"] = "cache/\n" }
    local since = repo:resolve "topic"
    work { ["state/kept"] = "2", ["state/new"] = "2", a = "1" }
    support.write("topic/cache/x", "")
    support.git(tree.work_tree, "rm", "-q", "--cached", "state/gone")
    support.git(tree.work_tree, "add", "-f", "cache/x")
    local tip = assert(repo:commit_leftovers {
      at = tree, branch = "topic", message = "work\n", exclude = { "state", "cache", "nothing" }, since = since,
    })
    assert.equal("a", support.git(path, "diff", "--name-only", since, tip))
    assert.equal("2", core.fs.read(support.dir .. "/topic/state/kept")) -- the files stay as they are
  end)

  it("commit_leftovers refuses a checkout that is in the middle of something", function()
    support.git(tree.work_tree, "checkout", "-q", "--detach")
    local tip, message, code = repo:commit_leftovers {
      at = tree, branch = "topic", message = "x\n",
    }
    assert.same({ "EUNFINISHED" }, { code, tip })
    assert.matches("HEAD is detached", message)
  end)

  it("squash: one commit on the base, and the checkout has it", function()
    local before = repo:resolve "main"
    work { a = "1" }
    work { b = "2" }
    local result = land { author = "Agent <agent@example.invalid>" }
    assert.same({ "landed", before }, { result.status, result.base })
    assert.equal(result.commit, repo:resolve "main")
    assert.equal("feat: it Agent " .. before, support.git(path, "log", "-1", "--format=%s %an %P"))
    assert.same({ "1", "2" }, { core.fs.read(path .. "/a"), core.fs.read(path .. "/b") })
    assert.equal("", support.git(path, "status", "--porcelain"))
    assert.equal(2, #result.files)
  end)

  it("merge: a merge commit", function()
    local tip = work { a = "1" }
    local before = repo:resolve "main"
    assert.equal("landed", land({ mode = "merge" }).status)
    assert.equal(before .. " " .. tip, support.git(path, "log", "-1", "--format=%P"))
  end)

  it("leaves alone what the user has changed elsewhere", function()
    work { a = "1" }
    support.write("repo/file.txt", "mine\n")
    support.write("repo/staged", "staged")
    support.git(path, "add", "staged")
    support.write("repo/untracked", "untracked")
    local status = support.git(path, "status", "--porcelain")
    assert.equal("landed", land({}).status)
    assert.equal(status, support.git(path, "status", "--porcelain"))
    assert.equal("mine\n", core.fs.read(path .. "/file.txt"))
  end)

  it("refused before anything moves when it would meet the user's changes", function()
    work { ["file.txt"] = "agent\n" }
    support.write("repo/file.txt", "mine\n")
    local head = repo:resolve "main"
    local result = land {}
    assert.same({ "refused", { "file.txt" } }, refusal(result))
    assert.matches("file.txt; commit or undo", result.reason)
    assert.equal("mine\n", core.fs.read(path .. "/file.txt"))
    nothing_moved(head)
  end)

  it("refused when an untracked file is in the way", function()
    work { new = "agent" }
    support.write("repo/new", "mine")
    local head = repo:resolve "main"
    assert.equal("refused", land({}).status)
    assert.equal("mine", core.fs.read(path .. "/new"))
    nothing_moved(head)
  end)

  it("conflict names the files, and nothing moves", function()
    work { ["file.txt"] = "agent\n" }
    support.write("repo/file.txt", "mine\n")
    support.git(path, "commit", "-q", "-a", "-m", "mine")
    local head = repo:resolve "main"
    local result = land {}
    assert.same({ "conflict", { "file.txt" } }, refusal(result))
    assert.equal("", support.git(path, "status", "--porcelain"))
    nothing_moved(head)
  end)

  it("protected paths are for a person", function()
    work { [".agentlua/scripts/execute.lua"] = "x", a = "1" }
    local head = repo:resolve "main"
    local result = land { protect = { ".agentlua/**" } }
    assert.same({ "protected", { ".agentlua/scripts/execute.lua" } }, refusal(result))
    nothing_moved(head)
  end)

  it("nothing to land is empty", function()
    assert.equal("empty", land({}).status)
    work { a = "1" }
    support.write("topic/a", "")
    core.fs.remove(tree.work_tree .. "/a")
    work {}
    assert.equal("empty", land({}).status)
  end)

  it("a branch that is not there is refused", function()
    local result = assert(repo:land {
      branch = "nosuch", base = "main", message = "x\n", pending_ref = "refs/agentlua/pending/t",
    })
    assert.equal("refused", result.status)
    assert.matches("nosuch", result.reason)
  end)

  it("a landing is remembered until it is finished", function()
    local function recover()
      return repo:recover_landing { pending_ref = "refs/agentlua/pending/t", base = "main" }
    end
    assert.equal(core.json.null, recover())
    work { a = "1" }
    local result = land {}
    assert.equal(result.commit, recover())
    assert.is_true(repo:finish_landing { pending_ref = "refs/agentlua/pending/t" })
    assert.equal(core.json.null, recover())
    -- One that did not get as far as the base is dropped.
    local commit = support.git(path, "commit-tree", "main^{tree}", "-m", "x")
    support.git(path, "update-ref", "refs/agentlua/pending/t", commit)
    assert.equal(core.json.null, recover())
    nothing_moved(result.commit)
  end)
end)
