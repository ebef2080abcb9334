-- One of many that add, land and remove worktrees at once: land_worker.lua REPOSITORY NAME ROUNDS
-- Prints what failed, a line each.

local al = require "agentlua"

local path, name, rounds = arg[1], arg[2], tonumber(arg[3])
local repo = assert(al.git.open(path))

local function round(n)
  local branch = ("task/%s-%d"):format(name, n)
  local at = assert(repo:worktree_add {
    path = ("%s.trees/%s-%d"):format(path, name, n), branch = branch, base = assert(repo:resolve "main"),
  })
  assert(al.fs.write { path = ("%s/%s-%d"):format(at.work_tree, name, n), content = "work\n" })
  local tip = assert(repo:commit_leftovers {
    at = at, branch = branch, message = branch .. "\n", exclude = al.json.array(),
  })
  local pending = "refs/agentlua/pending/" .. branch
  local landed
  repeat -- what a run leaves to a person, who would try again
    landed = assert(repo:land { branch = branch, base = "main", message = branch, pending_ref = pending })
  until not landed.reason:find("keeps moving", 1, true) and not landed.reason:find("index.lock", 1, true)
  assert(landed.status == "landed", landed.reason)
  assert(repo:worktree_remove { tree = at, branch = branch, tip = tip })
  assert(repo:finish_landing { pending_ref = pending })
end

for n = 1, rounds do
  local ok, message = pcall(round, n)
  if not ok then print(("%s, round %d: %s"):format(name, n, message)) end
end
