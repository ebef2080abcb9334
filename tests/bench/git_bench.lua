-- Speed of landing: lua5.4 tests/bench/git_bench.lua DIR [ROUNDS]
-- The user's checkout is brought forward, as `git merge --squash && git commit` does it.

package.path = "tests/bench/?.lua;" .. package.path
local al = require "agentlua"
local ratio = require "ratio"

local dir, rounds = assert(arg[1]), tonumber(arg[2] or 5)

-- A repository of `count` text files of 1 to 6 KB, 50 in a directory, for git fast-import.
local function import_stream(count)
  local parts = { "commit refs/heads/main\ncommitter b <b@b> 1700000000 +0000\ndata 5\nfirst\n" }
  for i = 0, count - 1 do
    local line = ("int v_%d = %d; // some text here\n"):format(i, i * 7919 % 1000003)
    local text = line:rep(20 + i * 31 % 100)
    parts[#parts + 1] = ("M 100644 inline d%d/s%d/f%d.c\ndata %d\n%s\n"):format(i // 1000, i // 50 % 20, i, #text, text)
  end
  return table.concat(parts)
end

local function make(path, count)
  local function git(...) ratio.command("git", "-C", path, ...) end
  ratio.command("git", "init", "-q", "-b", "main", path)
  for name, value in pairs { ["user.name"] = "b", ["user.email"] = "b@b", ["gc.auto"] = "0" } do
    git("config", name, value)
  end
  ratio.command({ stdin = import_stream(count) }, "git", "-C", path, "fast-import", "--quiet")
  git("reset", "-q", "--hard")
  al.sleep(1.1) -- so that the index is older than no file, as a user's is
  git("update-index", "--refresh", "-q")
  return git
end

local function append(path, text)
  local file = assert(io.open(path, "a"))
  file:write(text, "\n")
  file:close()
end

-- A branch with five changed files, and five other changes on main.
local function branch_off(path, git, name, round)
  git("checkout", "-q", "-b", name)
  for i = 0, 4 do append(("%s/d0/s%d/f%d.c"):format(path, i, i * 50), name) end
  git("commit", "-q", "-a", "-m", name)
  git("checkout", "-q", "main")
  for i = 0, 4 do append(("%s/d1/s%d/f%d.c"):format(path, i, 1000 + i * 50), name .. round) end
  git("commit", "-q", "-a", "-m", "main")
end

local function bench(count)
  local path = ("%s/git-%d"):format(dir, count)
  local git = make(path, count)
  local round = 0
  local function by_hand()
    round = round + 1
    branch_off(path, git, "theirs" .. round, round)
    return ratio.timed(function()
      git("merge", "-q", "--squash", "theirs" .. round)
      git("commit", "-q", "-m", "landed")
    end)
  end
  local repo = assert(al.git.open(path))
  repo.trusted = assert(repo:record()) -- as a run does it before its first agent
  local function landing()
    branch_off(path, git, "ours" .. round, round)
    return ratio.timed(function()
      local result = assert(repo:land {
        branch = "ours" .. round, base = "main", message = "landed", pending_ref = "refs/agentlua/pending/x",
      })
      assert(result.status == "landed", result.reason)
      assert(repo:finish_landing { pending_ref = "refs/agentlua/pending/x" })
    end)
  end
  ratio.report(("landing / git merge --squash && git commit, %d files"):format(count),
    1 / ratio.of(rounds, by_hand, landing), { ceiling = 0.6 })
end

bench(5000)
bench(50000)
ratio.exit()
