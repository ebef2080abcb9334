local core = require "agentlua.core"
local fiber = require "agentlua.fiber"
local git = require "agentlua.git"
local lock = require "agentlua.lock"
local support = require "support"

describe("git", function()
  local path, repo
  before_each(support.setup)
  before_each(function()
    path = support.repository()
    repo = assert(git.open(path))
  end)
  after_each(support.teardown)

  local function fails(code, text, value, message, given)
    assert.is_nil(value)
    assert.equal(code, given, message)
    assert.truthy(message:find(text, 1, true), message)
  end
  local function add_tree(name)
    return assert(repo:worktree_add {
      path = support.dir .. "/" .. name, branch = name, base = repo:resolve "main",
    })
  end

  it("open finds the repository from a subdirectory", function()
    core.fs.mkdir(path .. "/a/b")
    local found = assert(git.open(path .. "/a/b"))
    assert.same({ path, path .. "/.git" }, { found.at.work_tree, found.at.git_dir })
    assert.equal("main", found.branch)
  end)

  it("open: no repository, a bare one, a detached HEAD, no commit yet", function()
    fails("ENOREPO", support.dir, git.open(support.dir))
    support.git("/", "clone", "-q", "--bare", path, support.dir .. "/bare.git")
    assert.equal("", assert(git.open(support.dir .. "/bare.git")).at.work_tree)
    support.git(path, "checkout", "-q", "--detach")
    assert.is_nil(assert(git.open(path)).branch)
    support.git("/", "init", "-q", "-b", "trunk", support.dir .. "/unborn")
    local unborn = assert(git.open(support.dir .. "/unborn"))
    assert.equal("trunk", unborn.branch)
    assert.same({ n = 1 }, table.pack(unborn:resolve "HEAD"))
  end)

  it("mark_checkout does not look while work lands: files change before HEAD does", function()
    local file, mark = path .. "/file.txt", nil
    local before = core.fs.read(file)
    fiber.run(function()
      local landing = assert(lock(path .. "/.git/agentlua.lock"))
      support.write("repo/file.txt", "half landed\n")
      fiber.spawn(function() mark = assert(repo:mark_checkout {}) end)
      fiber.sleep(0.3)
      support.write("repo/file.txt", before)
      landing:close()
    end)
    assert.same({ repo:resolve "HEAD", {} }, { mark.head, mark.paths })
  end)

  it("reads commits, refs and who commits", function()
    local head = support.git(path, "rev-parse", "HEAD")
    assert.equal(head, repo:resolve "main")
    assert.equal(head, repo:resolve "refs/heads/main")
    assert.same({ n = 1 }, table.pack(repo:resolve "nosuch"))
    support.git(path, "commit", "-q", "--allow-empty", "-m", "second")
    assert.is_true(repo:contains(repo:resolve "main", head))
    assert.is_false(repo:contains(head, repo:resolve "main"))
    support.git(path, "update-ref", "refs/agentlua/saved/x/1", head)
    assert.same({ "refs/agentlua/saved/x/1" }, repo:refs "refs/agentlua")
    assert.equal("User <user@example.invalid>", repo:identity())
  end)

  it("status, diff and ignored tell what is there", function()
    support.write("repo/file.txt", "one\ntwo\n")
    support.write("repo/new", "")
    support.write("repo/.git/info/exclude", "*.env\n")
    support.write("repo/x.env", "")
    local seen = {}
    for _, row in ipairs(assert(repo:status())) do seen[row.path] = row.code end
    assert.same({ ["file.txt"] = " M", new = "??" }, seen)
    assert.same({ "x.env" }, repo:ignored { paths = { "x.env", "new" } })
    local first = repo:resolve "main"
    support.git(path, "commit", "-q", "-a", "-m", "second")
    local files = repo:diff { from = first, to = repo:resolve "main" }
    local file = files[1]
    assert.same({ 1, "file.txt", 1, 0 }, { #files, file.path, file.added, file.deleted })
  end)

  it("worktree_add makes a checkout on a branch of its own", function()
    local at = add_tree "topic"
    assert.equal(support.dir .. "/topic", at.work_tree)
    assert.equal("one\n", core.fs.read(at.work_tree .. "/file.txt"))
    assert.same(at, repo:worktree_adopt { path = at.work_tree, branch = "topic" })
    assert.is_nil(repo:worktree_adopt { path = support.dir, branch = "topic" })
    local trees = repo:worktrees()
    assert.same({ "main", "topic" }, { trees[1].branch, trees[2].branch })
    assert.equal("topic", git.open(at.work_tree).branch)
  end)

  it("fetches a remote, and makes worktrees from any revision", function()
    local far = support.repository "far"
    support.git(far, "tag", "v1")
    support.git(repo.at.work_tree, "remote", "add", "origin", far)
    assert(repo:fetch { remote = "origin" })
    for i, base in ipairs { "origin/main", "v1", support.git(far, "rev-parse", "main") } do
      local at = assert(repo:worktree_add { path = support.dir .. "/any" .. i, branch = "any" .. i, base = base })
      assert.equal(support.git(far, "rev-parse", "main"), repo:resolve("HEAD", at))
    end
    local _, message, code = repo:fetch { remote = "--upload-pack=touch x" }
    assert.equal("EGIT", code, message)
  end)

  it("worktree_adopt takes a worktree of the user's only when its names prove that it is ours", function()
    support.git(path, "worktree", "add", "-q", "-b", "mine", support.dir .. "/mine")
    local mine = { path = support.dir .. "/mine", branch = "mine" }
    fails("EFOREIGN", "was not made by agentlua", repo:worktree_adopt(mine))
    mine.named = true
    assert.equal(mine.path, repo:worktree_adopt(mine).work_tree)
    local at = add_tree "topic"
    fails("EFOREIGN", "has another branch now", repo:worktree_adopt { path = at.work_tree, branch = "mine" })
  end)

  it("worktree_add refuses what is taken, and says so", function()
    support.write("taken/file", "mine")
    local function add(name, branch)
      return repo:worktree_add {
        path = support.dir .. "/" .. name, branch = branch, base = repo:resolve "main",
      }
    end
    fails("EEXIST", support.dir .. "/taken", add("taken", "x"))
    assert.is_nil(repo:resolve "refs/heads/x")
    fails("EBUSY", "'main' is checked out at '" .. path, add("other", "main"))
    fails("EGIT", support.dir .. "/bad", add("bad", "a..b"))
  end)

  it("worktree_remove refuses to lose work; the branch goes when its tip is told", function()
    local at = add_tree "topic"
    support.write("topic/untracked", "mine")
    fails("EDIRTY", "untracked", repo:worktree_remove { tree = at, branch = "topic" })
    assert.equal("mine", core.fs.read(at.work_tree .. "/untracked"))
    core.fs.remove(at.work_tree .. "/untracked")
    assert.is_true(repo:worktree_remove { tree = at, branch = "topic", tip = repo:resolve "topic" })
    assert.same({ nil, nil }, { core.fs.stat(at.work_tree), (repo:resolve "topic") })
    at = add_tree "kept"
    assert.is_true(repo:worktree_remove { tree = at, branch = "kept" })
    assert.is_truthy(repo:resolve "kept")
  end)

  it("save keeps uncommitted and ignored files on a ref, and changes nothing", function()
    local at = add_tree "topic"
    support.write("repo/.git/info/exclude", "*.env\n")
    support.write("topic/new.txt", "new")
    support.write("topic/secret.env", "secret")
    local saved = assert(repo:save { at = at, ref = "refs/agentlua/saved/t/1" })
    assert.equal(saved.commit, repo:resolve "refs/agentlua/saved/t/1")
    assert.equal("new", support.git(path, "show", saved.commit .. ":new.txt"))
    assert.equal("secret", support.git(path, "show", saved.commit .. ":secret.env"))
    assert.equal("?? new.txt", support.git(at.work_tree, "status", "--porcelain"))
    saved = assert(repo:save { at = at, ref = "refs/agentlua/saved/t/2", limit = 1, known = {} })
    assert.same({ "secret.env" }, { table.unpack(saved.skipped) })
  end)

  it("save does not mind a worktree that somebody else is making just now", function()
    local at = add_tree "topic"
    local other = "repo/.git/worktrees/other/"
    support.write(other .. "HEAD", ("0"):rep(40) .. "\n") -- as git worktree add writes it first
    support.write(other .. "commondir", "../..\n")
    support.write(other .. "gitdir", support.dir .. "/other/.git\n")
    support.write("topic/new.txt", "new")
    assert(repo:save { at = at, ref = "refs/agentlua/saved/t/1" })
  end)

  it("a table of options can be used again, with another repository too", function()
    local other = assert(git.open(support.repository "other"))
    support.write("other/new", "")
    local options = {}
    assert.same({}, repo:status(options))
    assert.equal(1, #other:status(options))
    assert.same({}, options)
  end)

  it("outside of fibers and inside, the answers are the same", function()
    local answers = {}
    for where, run in pairs(support.modes) do
      answers[where] = run(function()
        return { repo:status(), repo:resolve "main", git.open "/" }
      end)
    end
    assert.same(answers["in a fiber"], answers["outside of a fiber"])
  end)

  it("while git works, other fibers go on", function()
    support.run(function()
      local held = assert(lock(path .. "/.git/agentlua.lock"))
      fiber.spawn(function()
        fiber.sleep(0.05)
        held:close()
      end)
      add_tree "topic" -- needs what the other fiber gives back
    end)
  end)

  it("many operations at the same time", function()
    local made = 0
    support.run(function()
      local group <close> = fiber.group()
      for i = 1, 6 do
        group:spawn(function()
          add_tree("topic-" .. i)
          made = made + 1
        end)
      end
      group:wait()
    end)
    assert.equal(6, made)
    assert.equal(7, #repo:worktrees())
  end)
end)
