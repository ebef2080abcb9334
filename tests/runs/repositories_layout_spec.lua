-- Where a repository and its checkouts lie, how its objects, index and refs are kept, and which branch
-- is where. What git does to the content of files: repositories_spec.lua.

local repositories = require "repositories"
local support = require "support"

local lands, refuses, set = repositories.lands, repositories.refuses, repositories.set

describe("a run works", function()
  local w
  after_each(function() w:close() end)

  local function new(options)
    w = support.new(options)
    w:make_user_work()
    return w
  end

  -- The common repository, and a made one that the text makes of it.
  local function made(text)
    w = support.new { init = false }
    repositories.make(w, text)
    w:make_user_work()
    return w
  end

  describe("in an object store", function()
    it("with sha256 names", function()
      made [[
        git init -q -b main --object-format=sha256 made; cp -r repo/src repo/.gitignore made
        cd made; git add -A
        git -c user.name=U -c user.email=u@example.invalid commit -qm first
      ]]
      assert.equal(64, #lands(w))
    end)

    it("that is shallow", function()
      made "git -C repo commit -q --allow-empty -m second; git clone -q --depth 1 file://$PWD/repo made"
      lands(w)
      assert.equal("true", w:git("rev-parse", "--is-shallow-repository"))
    end)

    it("that borrows from another one", function()
      made "git clone -q --shared repo made"
      lands(w)
    end)

    it("that fetches what is missing when it is needed", function()
      made [[
        git -C repo config uploadpack.allowFilter true; git -C repo config uploadpack.allowAnySHA1InWant true
        mkdir repo/docs; echo old >repo/docs/a; git -C repo add docs; git -C repo commit -qm docs
        git clone -q --filter=blob:none --sparse file://$PWD/repo made
        git -C made sparse-checkout set --no-cone /src/ '/.*' '/new*'
      ]]
      lands(w)
    end)

    it("whose refs are packed and have no reflogs", function()
      new()
      set(w, "core.logAllRefUpdates", "false")
      repositories.shell(w, w.root, "git pack-refs --all --prune; rm -rf .git/logs; git gc -q")
      lands(w)
    end)
  end)

  describe("with an index", function()
    for name, settings in pairs {
      ["that is split"] = { "core.splitIndex", "true" },
      ["of version 4 with an untracked cache"] = { "index.version", "4", "core.untrackedCache", "true" },
    } do
      it(name, function()
        new()
        set(w, table.unpack(settings))
        repositories.shell(w, w.root, "git update-index --force-write-index; git status >/dev/null")
        lands(w)
      end)
    end

    local function sparse(command, options)
      w = support.new()
      for _, path in ipairs { "docs/a.txt", "docs/deep/b.txt", "other/c.txt" } do w:write(path, "here\n") end
      repositories.commit(w)
      repositories.shell(w, w.root, command)
      w:make_user_work()
      lands(w, options)
      assert.falsy(w:exists "docs/a.txt")
      assert.equal("here", w:git("show", "HEAD:docs/deep/b.txt"))
    end

    it("that is sparse by directory", function() sparse "git sparse-checkout set --cone src .agentlua" end)
    it("that is sparse by pattern", function() sparse "git sparse-checkout set --no-cone /src/ '/.*' '/new*'" end)
    it("that names whole directories", function()
      -- git itself leaves trees of a sparse index out until they are committed: the index is not checked.
      sparse("git sparse-checkout set --cone --sparse-index src .agentlua", { fsck = { "HEAD" } })
    end)
    it("that is sparse, keeping a new file that git add leaves out where it is", function()
      new()
      w:git("sparse-checkout", "set", "--no-cone", "/src/", "/.*")
      local task = refuses(w, { code = 1, status = "failed", says = "outside of your sparse-checkout definition" })
      assert.equal("new\n", require "agentlua".fs.read(task.worktree.path .. "/new.txt"))
    end)

    it("and settings of one checkout only", function()
      new()
      set(w, "core.repositoryFormatVersion", "1", "extensions.worktreeConfig", "true")
      w:git("config", "--worktree", "user.email", "here@example.invalid")
      lands(w)
      assert.equal("here@example.invalid", w:git("show", "-s", "--format=%ce", "HEAD"))
    end)
  end)

  describe("where the project is", function()
    it("at a path with spaces, quotes and letters of others", function()
      new { dir = [[it's "my" $(repo) üñ;]] }
      lands(w)
    end)

    local function elsewhere() made "git clone -q --separate-git-dir=elsewhere repo made" end

    local function submodule()
      w = support.new { init = false }
      repositories.shell(w, w.top, [[
        git init -q -b main above; cd above
        git -c protocol.file.allow=always submodule --quiet add "$PWD/../repo" made
        git -c user.name=U -c user.email=u@example.invalid commit -qm above
      ]])
      repositories.enter(w, w.top .. "/above/made")
      w:make_user_work()
    end

    -- git worktree list names the git directory where the path of such a checkout should be.
    local odd = { ["a checkout whose git directory is elsewhere"] = elsewhere, ["a submodule"] = submodule }
    for name, make in pairs(odd) do
      it(name, function()
        make()
        lands(w)
      end)

      it(name .. " that has another branch than the base", function()
        make()
        w:git("branch", "other")
        lands(w, { args = { "--base", "other" }, base = "other", checkout = false })
      end)
    end

    it("a linked worktree of a checkout whose git directory is elsewhere, when the checkout is named", function()
      elsewhere()
      w:git("worktree", "add", "-q", "-b", "topic", "../linked")
      for _, command in ipairs { "status", "init" } do -- nothing in such a repository tells where its checkout is
        local refused = w:al(command, { cwd = w.top .. "/linked" })
        assert.equal(2, refused.code)
        assert.truthy(refused.stderr:find("-C CHECKOUT", 1, true), refused.stderr)
      end
      assert.equal(0, w:al("-C", w.root, "status", { cwd = w.top .. "/linked" }).code)
      set(w, "core.worktree", w.root)
      lands(w, { cwd = w.top .. "/linked" })
    end)

    it("a bare repository", function()
      w = support.new { init = false }
      repositories.shell(w, w.top, "git clone -q --bare repo made")
      repositories.enter(w, w.top .. "/made", { bare = true })
      lands(w, { checkout = false })
    end)

    it("a checkout beside a hidden bare repository", function()
      w = support.new { init = false }
      repositories.shell(w, w.top, [[
        git clone -q --bare repo made/.bare; cd made; echo 'gitdir: ./.bare' >.git; git worktree add -q main main
      ]])
      repositories.enter(w, w.top .. "/made/main", { bare = true })
      w:make_user_work()
      lands(w)
    end)

    it("a linked worktree", function()
      new()
      w:git("worktree", "add", "-q", "-b", "topic", "../linked")
      lands(w, { cwd = w.top .. "/linked" })
    end)
  end)

  describe("when the base is", function()
    it("checked out in another worktree", function()
      new()
      w:git("worktree", "add", "-q", "-b", "topic", "../linked")
      w.branch = "topic"
      lands(w, { args = { "--base", "topic" }, checkout = w.top .. "/linked" })
      assert.equal("refs/heads/main", w:git("symbolic-ref", "HEAD"))
    end)

    it("checked out nowhere, because the user is on another branch", function()
      new()
      w:git("checkout", "-q", "-b", "topic")
      local before = w:user_work()
      lands(w, { args = { "--base", "main" }, checkout = false })
      assert.equal(before, w:user_work())
      assert.falsy(w:exists "new.txt")
    end)

    it("named, because HEAD is detached", function()
      new()
      w:git("checkout", "-q", "--detach")
      local task = refuses(w, { code = 2, status = "todo", says = "is detached; say --base BRANCH" })
      assert.equal(0, w:al("task", "cancel", task.id).code)
      lands(w, { args = { "--base", "main" }, checkout = false })
    end)

    it("born: before the first commit it says what to do", function()
      w = support.new { init = false }
      repositories.shell(w, w.top, "git init -q -b main made")
      w.root = w.top .. "/made"
      assert.equal(0, w:al("init").code)
      local id = w:add "a thing"
      local result = w:run "edit"
      assert.equal(2, result.code)
      assert.truthy(result.stderr:find("base branch 'main' has no commit yet; make the first commit", 1, true))
      assert.equal("todo", w:task(id).status)
      assert.equal("", w:git("for-each-ref"))
    end)

    local function with_tag(args)
      new()
      w:git("tag", "main", "HEAD~1")
      lands(w, { args = args })
    end

    it("named, and a tag has the name as well", function() with_tag { "--base", "main" } end)
    -- The short name of the branch is then "heads/main" in git, which is taken for all of it.
    it("found, and a tag has the name as well", function() with_tag {} end)
  end)

  it("in many files", function() -- AGENTLUA_FILES=50000: as many as a disk makes in half a minute
    w = support.new()
    local words = {
      "commit refs/heads/main\ncommitter U <u@example.invalid> 0 +0000\ndata 0\nfrom refs/heads/main^0\n",
    }
    for i = 1, tonumber(os.getenv "AGENTLUA_FILES" or 5000) do
      words[#words + 1] = ("M 644 inline many/%d/%d.txt\ndata 3\n%02d\n\n"):format(i % 250, i, i % 100)
    end
    assert.equal(0, w:command({ "git", "fast-import", "--quiet", stdin = table.concat(words) }).code)
    w:git("reset", "-q", "--hard")
    w:make_user_work()
    lands(w, { edit = "echo more >>many/7/7.txt\nrm many/8/8.txt\necho new >new.txt\n",
      merged = "many/7/7.txt many/8/8.txt new.txt ", fsck = { "--connectivity-only" } })
    assert.equal("07\nmore\n", w:read "many/7/7.txt")
    assert.falsy(w:exists "many/8/8.txt")
  end)
end)
