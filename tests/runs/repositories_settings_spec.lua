-- What a user has set up in a repository: hooks, identities, signatures, submodules, remotes, and
-- names that meet those of a run. What git does to files: repositories_spec.lua.

local al = require "agentlua"
local repositories = require "repositories"
local support = require "support"

local lands, refuses, set = repositories.lands, repositories.refuses, repositories.set

describe("a run leaves alone", function()
  local w
  after_each(function() w:close() end)

  local function new(...)
    w = support.new()
    set(w, ...)
    w:make_user_work()
  end

  local function hooks(text, ...)
    new()
    for _, name in ipairs { ... } do w:write(".git/hooks/" .. name, "#!/bin/sh\n" .. text, 493) end
  end

  describe("hooks:", function()
    it("a failing post-checkout does not stop it", function()
      hooks("exit 1", "post-checkout")
      lands(w)
    end)

    it("those of commits are not run by a landing, one that follows a fast-forward is", function()
      hooks("echo ${0##*/} >>../ran; exit 1\n", "pre-commit", "commit-msg", "prepare-commit-msg", "post-commit",
        "pre-merge-commit", "post-merge")
      lands(w)
      assert.equal("post-merge\n", w:read "../ran")
    end)
  end)

  describe("settings of merges:", function()
    it("merge.ff and merge.verifySignatures", function()
      new("merge.ff", "false", "merge.verifySignatures", "true", "merge.log", "true",
        "branch.main.mergeOptions", "--no-ff")
      lands(w)
    end)

    it("merge.autoStash, and what is stashed already", function()
      new("merge.autoStash", "true")
      w:git("stash", "-q")
      w:make_user_work()
      lands(w)
      assert.truthy(w:git("stash", "list"):find("stash@{0}", 1, true))
    end)

    it("pull, push and branch settings", function()
      w = support.new()
      w:make_user_work()
      set(w, "push.default", "matching", "branch.autoSetupMerge", "always", "branch.autoSetupRebase", "always",
        "status.showUntrackedFiles", "no", "status.relativePaths", "false", "diff.noprefix", "true",
        "diff.ignoreSubmodules", "all", "diff.external", repositories.program(w, "diff", "echo no diff"),
        "color.ui", "always", "core.quotePath", "false")
      local before = w:git("config", "--local", "--list")
      lands(w)
      assert.equal(before, w:git("config", "--local", "--list"))
    end)
  end)

  describe("signatures:", function()
    local function signing()
      w = support.new()
      local text = ("echo ran >>'%s/signed'; cat >/dev/null\nprintf '\\n[GNUPG:] SIG_CREATED \\n' >&2\n"
        .. "printf -- '-----BEGIN PGP SIGNATURE-----\\n\\nx\\n-----END PGP SIGNATURE-----\\n'\n"):format(w.top)
      set(w, "gpg.program", repositories.program(w, "gpg", text), "commit.gpgsign", "true")
      w:make_user_work()
    end

    it("commit.gpgsign does not stop it", function()
      signing()
      lands(w)
    end)

    -- git commit would sign it; the commit that lands has no signature, and nothing says so.
    it("with commit.gpgsign the landed commit is signed", function()
      signing()
      local commit = lands(w)
      assert.truthy(w:git("cat-file", "commit", commit):find("gpgsig", 1, true))
      assert.truthy(w:exists(w.top .. "/signed"))
    end)
  end)

  describe("identities:", function()
    it("without one, nothing is started", function()
      new("user.useConfigOnly", "true")
      w:git("config", "--unset", "user.name")
      w:git("config", "--unset", "user.email")
      refuses(w, { code = 2, status = "todo", says = "git config --global user.name" })
    end)

    it("one that is included for this directory is used", function()
      new("user.useConfigOnly", "true")
      w:git("config", "--unset", "user.name")
      w:git("config", "--unset", "user.email")
      w:write("../who", "[user]\nname = Included\nemail = included@example.invalid\n")
      w:write("../home/.gitconfig", ('[includeIf "gitdir:%s/"]\npath = %s/who\n'):format(w.root, w.top))
      lands(w)
      assert.equal("Included <included@example.invalid>", w:git("show", "-s", "--format=%cn <%ce>", "HEAD"))
    end)

    it("one that is included for a remote is used", function()
      new("user.useConfigOnly", "true", "remote.origin.url", "https://example.invalid/x")
      w:git("config", "--unset", "user.email")
      w:write("../who", "[user]\nemail = remote@example.invalid\n")
      w:write("../home/.gitconfig", ('[includeIf "hasconfig:remote.*.url:https://example.invalid/**"]\npath = %s/who\n')
        :format(w.top))
      lands(w)
      assert.equal("remote@example.invalid", w:git("show", "-s", "--format=%ae", "HEAD"))
    end)
  end)

  describe("remotes:", function()
    it("no branch of one is followed, whatever worktree.guessRemote and checkout.defaultRemote say", function()
      new("worktree.guessRemote", "true", "checkout.defaultRemote", "origin", "checkout.guess", "true")
      repositories.shell(w, w.top, "git clone -q --bare repo far.git")
      w:git("remote", "add", "origin", w.top .. "/far.git")
      w:git("fetch", "-q", "origin")
      w:git("branch", "-q", "--set-upstream-to", "origin/main")
      lands(w)
      assert.equal("1", w:git("rev-list", "--count", "origin/main..main"))
    end)
  end)

  describe("submodules:", function()
    local function with_submodule()
      w = support.new()
      repositories.shell(w, w.top, "git clone -q --bare repo part.git")
      set(w, "protocol.file.allow", "always")
      w:write("../home/.gitconfig", "[protocol \"file\"]\nallow = always\n")
      w:git("submodule", "--quiet", "add", w.top .. "/part.git", "part")
      repositories.commit(w)
      w:make_user_work()
      w:write("part/src/f1.txt", "dirty\n")
      w.users_act = true -- git submodule in any checkout writes to the settings of all
    end

    it("one with changes of the user stays as it is", function()
      with_submodule()
      lands(w)
      assert.equal("dirty\n", w:read "part/src/f1.txt")
    end)

    it("one that the agent fills goes with the worktree when nothing of its own is in it", function()
      with_submodule()
      lands(w, { edit = "git submodule --quiet update --init\n" .. repositories.edit })
    end)

    local move = [[
      git submodule --quiet update --init
      cd part; unset GIT_COMMITTER_NAME; echo x >x; git add x; export GIT_COMMITTER_DATE='2020-01-01 00:00:00'
      git -c user.name=A -c user.email=a@example.invalid commit -q --date='2020-01-01 00:00:00' -m x
    ]]

    it("one that the agent moved on is not landed over changes of the user", function()
      with_submodule()
      refuses(w, { edit = move, code = 1, status = "needs-review", says = "to files that the branch changes: part" })
    end)

    it("one that the agent moved on keeps its commits", function()
      with_submodule()
      w:git("-C", "part", "checkout", "-q", "src/f1.txt")
      lands(w, { edit = move, checkout = false })
      assert.equal("x", w:git("-C", "part", "log", "-1", "--format=%s", w:git("rev-parse", "HEAD:part")))
    end)
  end)

  describe("names:", function()
    it("a branch and a directory that are called like its own", function()
      new()
      local id = w:add "a thing"
      local name = w:task(id).id8 .. "-a-thing"
      w:git("branch", "task/" .. name, "HEAD~1")
      w:git("branch", name)
      w:write("../repo.worktrees/" .. name .. "/mine", "of the user\n")
      local before = w:git("for-each-ref", "refs/heads/task", "refs/heads/" .. name)
      local result = w:run "edit"
      assert.equal(0, result.code, result.stdout .. result.stderr)
      assert.equal("done", w:task(id).status)
      assert.equal(before, w:git("for-each-ref", "refs/heads/task", "refs/heads/" .. name))
      assert.equal("of the user\n", al.fs.read(w.top .. "/repo.worktrees/" .. name .. "/mine"))
      assert.equal(1, w:worktrees())
    end)

    it("a branch that is called like the directory of its branches", function()
      new()
      w:git("branch", "task")
      refuses(w, { code = 2, status = "todo", says = "there is a branch 'task' in its way" })
    end)

    -- The short name of the branch is then "heads/task/..." in git, which is taken for another branch.
    it("a tag of the agent that is called like its branch", function()
      new()
      w.users_act = true -- the tag stays
      local id = w:add "a thing"
      local agent = repositories.program(w, "agent", "cat >/dev/null; echo new >new.txt\n"
        .. "git tag $(git symbolic-ref HEAD | cut -d/ -f3-)\n")
      local result = w:al("run", "execute.lua", "--agent", agent)
      assert.equal(0, result.code, result.stdout .. result.stderr)
      assert.equal("done", w:task(id).status)
    end)

    it("a file that is called like the base", function()
      new()
      w:write("main", "a file\n")
      w:write("HEAD", "a file\n")
      lands(w)
    end)
  end)
end)
