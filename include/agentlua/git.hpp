#pragma once
// agentlua/git.hpp: room 4. All of git/.

#include "agentlua/git/checkout.hpp"
#include "agentlua/git/command.hpp"
#include "agentlua/git/copies.hpp"
#include "agentlua/git/diff.hpp"
#include "agentlua/git/invoke.hpp"
#include "agentlua/git/land.hpp"
#include "agentlua/git/merge.hpp"
#include "agentlua/git/remove.hpp"
#include "agentlua/git/repository.hpp"
#include "agentlua/git/resolve.hpp"
#include "agentlua/git/save.hpp"
#include "agentlua/git/settings.hpp"
#include "agentlua/git/tripwire.hpp"
#include "agentlua/git/worktree.hpp"
