-- Programs that an agent has planted where git would start them, and pointers that it has turned to what
-- is the user's: no operation of the product starts the one or follows the other.

local core = require "agentlua.core"
local support = require "support"
package.path = support.source .. "/tests/torture/?.lua;" .. package.path
local attacks = require "git_attacks"
local worlds = require "git_world"

describe("git attack:", function()
  before_each(support.setup)
  after_each(support.teardown)

  it("without one, every operation is done and none fails", function()
    local ran, failed = worlds.new("plain"):operate()
    assert.same({ {}, {} }, { ran, failed })
  end)

  it("there are 40 or more", function() assert(#attacks >= 40, #attacks) end)

  for _, vector in ipairs(attacks) do
    it(vector.name .. " runs in an unguarded git", function()
      local w = worlds.new "control"
      w:plant(vector)
      local result = w:tempt(vector)
      assert(w:ran() ~= "", result.stderr)
      for _, name in ipairs(vector.each or {}) do
        assert(w:ran():find(name .. "\n", 1, true), name .. " did not run")
      end
    end)

    it(vector.name .. " is run by no operation", function()
      local w = worlds.new "guarded"
      w:plant(vector)
      local ran, failed = w:operate()
      assert.same({}, ran)
      for _, text in ipairs(failed) do
        assert(vector.stops and vector.stops[text:match "^[^:]*"], text)
      end
    end)
  end
end)

describe("git attack, a program named git in the worktree", function()
  before_each(support.setup)
  after_each(support.teardown)

  local script = [[
    local al = require "agentlua"
    local repo = assert(al.git.open %q)
    local at = assert(repo:worktree_adopt { path = %q, branch = "topic" })
    repo:status { at = at }
    repo:save { at = at, ref = "refs/agentlua/saved/t/1", known = {} }
    repo:commit_leftovers { at = at, branch = "topic", message = "x\n", exclude = {} }
    print(al.json.dump(repo:resolve "topic~3" ~= nil)) -- it is the fourth commit now
  ]]
  local function find_git(name, first)
    it("is not run when PATH begins with " .. name, function()
      local w = worlds.new "guarded"
      local env = { PATH = first .. ":/usr/bin:/bin" }
      w:program("git", w.at)
      support.command { "sh", "-c", "git status", cwd = w.tree, env = env }
      assert.equal("git\n", w:ran())
      w:forget()
      local committed = support.script(script:format(w.path, w.tree), { cwd = w.tree, env = env })
      assert.same({ "", true }, { w:ran(), committed })
    end)
  end
  find_git("a dot", ".")
  find_git("an empty entry", "")
end)

describe("git attack, pointers:", function()
  before_each(support.setup)
  after_each(support.teardown)

  -- What the agent has made is on its branch, saved, or still where it was.
  local function is_kept(w)
    for _, ref in ipairs { "topic", "refs/agentlua/saved/t/1" } do
      local found = support.command { "git", "-C", w.path, "cat-file", "-e", ref .. ":new.txt" }
      if found.code == 0 then return true end
    end
    return core.fs.stat(w.tree .. "/new.txt") or core.fs.stat(w.tree .. "-moved/new.txt")
  end

  -- Everything that is done in the worktree; the user's checkout and an innocent repository stay.
  local function redirect(name, fn, options)
    options = options or {}
    it(name, function()
      local w = worlds.new("main", options.at)
      w.other = support.repository "other"
      w:user_works()
      fn(w)
      local users, other = w:users(), worlds.fingerprint(w.other)
      local ran = w:operate(options.operations or worlds.in_worktree)
      assert.same({}, ran)
      assert(options.without_work or is_kept(w), "work is lost")
      assert.equal(users, w:users())
      assert.equal(other, worlds.fingerprint(w.other))
    end)
  end
  local function replace(path, target) support.command { "ln", "-sfn", target, path } end
  local function rewrite(path, text) assert(core.fs.write { path = path, content = text .. "\n" }) end
  local inside = { at = "main/.trees/topic" }

  redirect("no .git in a worktree inside of the main checkout", function(w)
    core.fs.remove(w.tree .. "/.git")
  end, inside)
  redirect("an empty .git in a worktree inside of the main checkout", function(w)
    rewrite(w.tree .. "/.git", "")
  end, inside)
  redirect(".git is a link to the main one", function(w) replace(w.tree .. "/.git", w.path .. "/.git") end)
  redirect(".git is a link to another repository's", function(w) replace(w.tree .. "/.git", w.other .. "/.git") end)
  redirect(".git names the main one", function(w) rewrite(w.tree .. "/.git", "gitdir: " .. w.path .. "/.git") end)
  redirect(".git names another repository", function(w)
    rewrite(w.tree .. "/.git", "gitdir: " .. w.other .. "/.git")
  end)
  redirect("commondir names another repository", function(w)
    support.git(w.other, "branch", "topic")
    rewrite(w.admin .. "/commondir", w.other .. "/.git")
  end)
  redirect("gitdir names the main checkout", function(w) rewrite(w.admin .. "/gitdir", w.path .. "/.git") end)
  redirect("gitdir names another repository", function(w) rewrite(w.admin .. "/gitdir", w.other .. "/.git") end)
  redirect("core.worktree is another repository", function(w)
    support.git(w.path, "config", "core.worktree", w.other)
  end)
  redirect("core.worktree of the worktree is the main checkout", function(w)
    support.git(w.path, "config", "extensions.worktreeConfig", "true")
    rewrite(w.admin .. "/config.worktree", "[core]\n\tworktree = " .. w.path)
  end)
  redirect("the worktree is a link to the main checkout", function(w)
    assert(core.fs.remove(w.tree .. "/secret.env"))
    support.command { "mv", w.tree, w.tree .. "-moved" }
    replace(w.tree, w.path)
  end)
  redirect("HEAD names the user's branch", function(w) rewrite(w.admin .. "/HEAD", "ref: refs/heads/main") end)
  redirect("HEAD is a link to the main one", function(w) replace(w.admin .. "/HEAD", w.path .. "/.git/HEAD") end)

  for _, file in ipairs { "index", "agentlua-save-index" } do
    redirect(file .. " is a link to the main index", function(w)
      replace(w.admin .. "/" .. file, w.path .. "/.git/index")
    end)
  end
  redirect("logs/HEAD is a link to a file of the user", function(w)
    replace(w.admin .. "/logs/HEAD", w.path .. "/file.txt")
  end)
  redirect("agentlua.lock is a link to a file of the user", function(w)
    replace(w.path .. "/.git/agentlua.lock", w.path .. "/file.txt")
  end)

  redirect("the agent's branch stands for the user's", function(w)
    support.git(w.path, "symbolic-ref", "refs/heads/topic", "refs/heads/main")
  end)
  redirect("the agent's branch stands for the user's, and there is no work", function(w)
    support.git(w.path, "branch", "users")
    support.git(w.tree, "reset", "-q", "--hard", "users")
    support.git(w.tree, "clean", "-fdxq")
    support.git(w.path, "symbolic-ref", "refs/heads/topic", "refs/heads/users")
  end, { without_work = true })
  redirect("a saved ref stands for the user's branch", function(w)
    support.git(w.path, "symbolic-ref", "refs/agentlua/saved/t/1", "refs/heads/main")
  end, { operations = { "save", "commit_leftovers" } })
  redirect("a pending ref stands for the user's branch", function(w)
    support.git(w.path, "branch", "users")
    support.git(w.path, "symbolic-ref", "refs/agentlua/pending/t", "refs/heads/users")
  end, { operations = { "recover_landing", "finish_landing" } })

  it("files of the user are not committed as the agent's when its worktree is a link", function()
    local w = worlds.new "main"
    w:user_works()
    support.command { "mv", w.tree, w.tree .. "-moved" }
    replace(w.tree, w.path)
    w:operate { "save", "commit_leftovers" }
    for _, ref in ipairs(core.fs.list(w.path .. "/.git/refs/agentlua/saved/t")) do
      assert.equal("", support.git(w.path, "ls-tree", "refs/agentlua/saved/t/" .. ref, "untracked.txt"))
    end
    assert.equal("", support.git(w.path, "ls-tree", "topic", "untracked.txt"))
  end)
  it("work is saved and committed although commondir names another repository", function()
    local w = worlds.new "main"
    rewrite(w.admin .. "/commondir", support.repository "other" .. "/.git")
    local _, failed = w:operate { "save", "commit_leftovers" }
    assert.same({}, failed)
  end)
end)

describe("git attack, what the user configured before it:", function()
  before_each(support.setup)
  after_each(support.teardown)

  -- `config` is there before the agent, `later` is planted by it. Lands, and returns the world.
  local function land(config, attributes, later)
    local w = worlds.new "main"
    w:append(w.path .. "/.git/config", config)
    support.write("main/.git/info/attributes", attributes)
    w:record()
    if later then w:append(w.path .. "/.git/config", later) end
    support.write(w.at .. "/code.txt", "plain\n")
    local ran, failed = w:operate { "commit_leftovers", "land, squash" }
    assert.same({ {}, {} }, { ran, failed })
    return w
  end
  local filter = '[filter "code"]\n\tclean = sed s/plain/coded/\n\tsmudge = sed s/coded/plain/'
  local function assert_coded(w)
    assert.equal("coded", support.git(w.path, "cat-file", "-p", "main:code.txt"))
    assert.equal("plain\n", core.fs.read(w.path .. "/code.txt"))
  end

  it("a filter works", function() assert_coded(land(filter, "code.txt filter=code\n")) end)
  it("a filter works when the agent has put another in its place", function()
    local w = land(filter, "code.txt filter=code\n", '[filter "code"]\n\tclean = $C\n\tsmudge = $C')
    assert_coded(w)
  end)
  it("a merge driver works", function()
    local w = land('[merge "keep"]\n\tdriver = true', "merged.txt merge=keep\n")
    assert.equal("line", support.git(w.path, "cat-file", "-p", "main:merged.txt"):match "[^\n]*$")
  end)
  it("commits are signed", function()
    local gpg = support.write("gpg", "#!/bin/sh\ncat >/dev/null\necho '[GNUPG:] SIG_CREATED ' >&2\n"
      .. "printf -- '-----BEGIN PGP SIGNATURE-----\\n\\nx\\n-----END PGP SIGNATURE-----\\n'\n", 493)
    local w = land("[commit]\n\tgpgSign = true\n[gpg]\n\tprogram = " .. gpg, "")
    assert.matches("gpgsig", support.git(w.path, "cat-file", "-p", "main"))
  end)
end)
