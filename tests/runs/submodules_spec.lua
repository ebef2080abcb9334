-- Submodules of the worktrees that tasks get: filled from the main clone, and nothing of an agent's in them is lost.

local al = require "agentlua"
local repositories = require "repositories"
local support = require "support"

local lands, shell = repositories.lands, repositories.shell

-- An edit that lands, after commands that only the agent runs: plain git, for comparison, has no submodules.
local function edit_after(text) return "case $PWD in */plain) ;; *)\n" .. text .. ";; esac\n" .. repositories.edit end

describe("a submodule", function()
  local w
  after_each(function() w:close() end)

  -- `part` is checked out with `part/deep` in it; `other` is not. The places that they came from are gone.
  local function new()
    w = support.new()
    w.users_act = true
    w:write("../home/.gitconfig", "[protocol \"file\"]\nallow = always\n[user]\nname = U\nemail = u@example.invalid\n")
    shell(w, w.top, [[
      for name in deep part other; do
        git init -q -b main far/$name
        echo "$name" >far/$name/file.txt
        git -C far/$name add -A
      done
      git -C far/deep commit -qm deep
      git -C far/part submodule --quiet add "$PWD/far/deep" deep
      git -C far/part commit -qm part
      git -C far/other commit -qm other
      git -C repo submodule --quiet add "$PWD/far/part" part
      git -C repo submodule --quiet add "$PWD/far/other" other
      git -C repo submodule --quiet update --init --recursive part
      git -C repo commit -qm parts
      git -C repo submodule --quiet deinit -f other
      rm -rf repo/.git/modules/other
      mv far gone
    ]])
  end
  local function run(lines) return w:run_lines(lines) end
  local function works(lines)
    local result = run(lines)
    assert.equal(0, result.code, result.stdout .. result.stderr)
    return result
  end
  local function module(...) return w:git("--git-dir=" .. w.root .. "/.git/modules/part", ...) end

  it("is filled when it is in the main checkout, with those inside of it, without its remote", function()
    new()
    w:make_user_work()
    lands(w, { edit = edit_after [[
      cat part/file.txt part/deep/file.txt; test -z "$(ls -A other)"
      git submodule status --recursive >../status.txt; git -C part log --oneline origin/main >/dev/null
    ]] })
    local status = al.fs.read(w.top .. "/repo.worktrees/status.txt")
    assert.equal("-  ", (status:gsub("%x+ [^\n]*\n", "")), status)
    assert.same({}, w:events "submodule_empty")
    assert.equal("", module("for-each-ref", "refs/agentlua"))
  end)

  it("that the agent updates again and again changes nothing in the main checkout", function()
    new()
    local before = w:read ".git/modules/part/config"
    lands(w, { edit = edit_after [[
      git submodule --quiet update --init --recursive part; git submodule --quiet sync part
    ]] })
    assert.equal(before, w:read ".git/modules/part/config")
    assert.equal("", w:git("-C", "part", "status", "--porcelain"))
  end)

  it("that has work lands with it: the main clone has the commit, and so has the next task", function()
    new()
    local id = w:add "a thing"
    works "echo more >>part/file.txt; echo new >part/new.txt; echo deeper >>part/deep/file.txt\n"
    assert.equal("done", w:task(id).status)
    assert.equal(1, w:worktrees())
    local tip = w:git("rev-parse", "HEAD:part")
    assert.equal("part\nmore", module("show", tip .. ":file.txt"))
    assert.equal("new", module("show", tip .. ":new.txt"))
    assert.equal("deep\ndeeper", w:git("--git-dir=.git/modules/part/modules/deep", "show",
      module("rev-parse", tip .. ":deep") .. ":file.txt"))
    assert.equal("part\n", w:read "part/file.txt")
    w:git("submodule", "--quiet", "update", "--recursive")
    assert.equal("part\nmore\n", w:read "part/file.txt")
    w:add "another"
    works "grep -q more part/file.txt && grep -q deeper part/deep/file.txt && echo x >>src/f3.txt\n"
  end)

  it("keeps its commits, branches and stashes in the main clone when the worktree goes", function()
    new()
    w:add "a thing"
    works [[
      cd part; git checkout -q -b side; echo 1 >>file.txt; git commit -qam side
      git checkout -q --detach HEAD~; echo 2 >>file.txt; git commit -qam nowhere
      echo 3 >>file.txt; git stash -q; cd ..; echo x >>src/f3.txt
    ]]
    assert.equal(1, w:worktrees())
    local refs = {}
    for ref in module("for-each-ref", "--format=%(refname)", "refs/agentlua"):gmatch "[^\n]+" do
      refs[ref:match "saved/%x+/%d+/(.*)"] = ref
    end
    assert.equal("side", module("log", "-1", "--format=%s", refs["refs/heads/side"]))
    assert.equal("part\n2\n3", module("show", refs["refs/stash"] .. ":file.txt"))
    assert.equal("nowhere", module("log", "-1", "--format=%s", refs["HEAD"]))
  end)

  it("with unfinished work is saved with its worktree and comes back with it", function()
    new()
    w:config "attempts = 1"
    local id = w:add "a thing"
    assert.equal(1, run([[
      cd part; echo 1 >>file.txt; git commit -qam mine; echo staged >staged.txt; git add staged.txt
      echo dirty >>file.txt; echo new >new.txt; echo deeper >>deep/file.txt; rm deep/.gitignore; exit 1
    ]]).code)
    local task = w:task(id)
    local function look()
      local dir = task.worktree.path
      return table.concat({ w:git("-C", dir .. "/part", "status", "--porcelain"), w:git("-C", dir .. "/part", "diff"),
        w:git("-C", dir .. "/part/deep", "diff"), w:git("-C", dir .. "/part", "rev-parse", "HEAD"),
        w:git("-C", dir, "status", "--porcelain"), w:git("-C", dir .. "/part", "diff", "--cached") }, "\n")
    end
    local before = look()
    assert.truthy(before:find("deeper", 1, true))
    local discarded = w:al("discard", task.id8)
    assert.equal(0, discarded.code, discarded.stdout .. discarded.stderr)
    assert.falsy(w:exists(task.worktree.path))
    module("gc", "-q", "--prune=now")
    local restored = w:al("restore", task.id8)
    assert.equal(0, restored.code, restored.stdout .. restored.stderr)
    assert.equal(before, look())
    assert.equal(0, w:al("discard", task.id8).code)
    assert.equal(0, w:al("restore", task.id8).code)
    assert.equal(before, look())
  end)

  it("whose commit the main clone does not have stays empty, which is said", function()
    new()
    w:git("update-index", "--cacheinfo", "160000," .. ("1"):rep(40) .. ",part")
    w:git("commit", "-qm", "moved elsewhere")
    w:add "a thing"
    local result = works "test -z \"$(ls -A part)\" && echo x >>src/f3.txt\n"
    assert.truthy(result.stderr:find("git submodule update in", 1, true), result.stderr)
    assert.equal("part", w:events("submodule_empty")[1].submodule)
    assert.equal(1, w:worktrees())
  end)

  it("that the agent removes or moves is removed or moved", function()
    new()
    w:add "a thing"
    works "git mv part moved && echo x >>moved/file.txt\n"
    assert.equal(1, w:worktrees())
    assert.equal("part\nx", module("show", w:git("rev-parse", "HEAD:moved") .. ":file.txt"))
    w:add "another"
    works "git rm -qf moved\n"
    assert.equal(1, w:worktrees())
    assert.equal("", w:git("ls-tree", "HEAD", "moved"))
  end)

  it("that only the worktree has is kept with it", function()
    new()
    w:add "a thing"
    local result = works(("git submodule --quiet add %s/gone/other mine && git commit -qam mine\n"):format(w.top))
    assert.equal(2, w:worktrees(), result.stdout)
    assert.equal(1, #w:events "cleanup_refused")
  end)

  it("has the filters, line ends and sparse files of the main checkout", function()
    new()
    shell(w, w.root .. "/part", [[
      git config filter.rot.clean 'tr a-z n-za-m'; git config filter.rot.smudge 'tr a-z n-za-m'
      git config core.autocrlf true
      echo '*.rot filter=rot -text' >.gitattributes; echo hello >a.rot; mkdir away; echo x >away/x
      printf 'a\r\n' >crlf.txt; git add -A; git commit -qm filters
      git sparse-checkout set --no-cone '/*' '!/away/'; test ! -e away
    ]])
    w:git("commit", "-qam", "filters")
    w:add "a thing"
    works [[
      cd part && grep -q hello a.rot && test ! -e away && test -z "$(git status --porcelain)" &&
      test $(wc -c <crlf.txt) = 3 && echo world >>a.rot
    ]]
    local tip = w:git("rev-parse", "HEAD:part")
    assert.equal("uryyb\njbeyq", module("show", tip .. ":a.rot"))
    assert.equal("x", module("show", tip .. ":away/x"))
  end)

  describe("runs nothing that an agent has planted:", function()
    local function evil() -- says who has run it
      return repositories.program(w, "evil", ("tr '\\0' ' ' </proc/$PPID/cmdline >>%s/RAN; cat\n"):format(w.top))
    end

    it("in .gitmodules", function()
      new()
      w:add "one"
      works(([[
        git config -f .gitmodules submodule.part.update '!%s'
        git config -f .gitmodules submodule.part.url 'ext::%s'
        git config -f .gitmodules submodule.other.update '!%s'
      ]]):format(evil(), evil(), evil()))
      w:add "two"
      works "echo x >>src/f3.txt\n"
      assert.falsy(w:exists(w.top .. "/RAN"))
      assert.same({}, w:events "submodule_empty")
    end)

    it("in the settings and hooks of the one in its worktree", function()
      new()
      w:add "one"
      works(([[
        cd part; dir=$(git rev-parse --git-dir)
        echo '* filter=evil' >.gitattributes; echo x >>file.txt
        for key in filter.evil.clean filter.evil.smudge core.sshCommand core.alternateRefsCommand; do
          git config $key %s; done
        mkdir -p "$dir/hooks"; for hook in post-checkout pre-commit reference-transaction post-index-change; do
          cp %s "$dir/hooks/$hook"; done
        git config core.fsmonitor %s
      ]]):format(evil(), evil(), evil()))
      assert.falsy(w:exists(w.top .. "/RAN"), w:read "../RAN")
      assert.equal(1, w:worktrees())
    end)

    it("in the settings of the main clone's, for the worktrees to come", function()
      new()
      w:add "one"
      w:add "two"
      local result = works(([[
        if test -e ../second; then exec >/dev/null; echo y >>src/f4.txt; exit 0; fi
        touch ../second; echo x >>src/f3.txt
        dir=$(git rev-parse --git-common-dir)/modules/part
        git config -f "$dir/config" filter.evil.smudge %s; git config -f "$dir/config" filter.evil.clean %s
        mkdir -p "$dir/info" "$dir/hooks"; echo '* filter=evil' >"$dir/info/attributes"
        cp %s "$dir/hooks/post-checkout"
      ]]):format(evil(), evil(), evil()))
      assert.falsy(w:exists(w.top .. "/RAN"), w:read "../RAN")
      assert.truthy(result.stderr:find("filter.evil.smudge of the submodule in", 1, true), result.stderr)
      assert.same({}, w:events "submodule_empty")
      assert.equal(1, w:worktrees())
    end)

    it("through a link or a pointer that it turns", function()
      new()
      w:write("../precious/file.txt", "of the user\n")
      shell(w, w.top .. "/precious", "git init -q; git add -A; git commit -qm precious")
      w:add "one"
      works(([[
        rm -rf part; ln -s %s/precious part; git rm -q --cached part; echo part >>.gitignore; echo x >>src/f3.txt
      ]]):format(w.top))
      w:add "two"
      run(("echo 'gitdir: %s/precious/.git' >part/.git; echo y >>part/file.txt; echo x >>src/f3.txt\n"):format(w.top))
      assert.equal("of the user\n", w:read "../precious/file.txt")
      assert.equal("1", w:git("-C", w.top .. "/precious", "rev-list", "--count", "--all"))
      assert.equal("", w:git("-C", w.top .. "/precious", "status", "--porcelain"))
    end)
  end)
end)
