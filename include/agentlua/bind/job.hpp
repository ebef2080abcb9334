#pragma once
// agentlua/bind/job.hpp: room 6. Slow native work on libuv's pool, waited for by a fiber.

#include <functional>
#include <memory>

#include "agentlua/bind/context.hpp"

namespace agentlua::bind {

/// Work on copies of its input; the result is JSON or a failure.
struct job {
  lua_Integer id = 0;
  bool done = false;
  json input, result;
  failure problem;
};
inline constexpr const char* job_type = "agentlua.job";
using job_handle = std::shared_ptr<job>;

/// A Lua function that runs `Op`, of type json(const json&), on the pool with its table argument.
/// Returns a job: id(), and result() once it was signalled.
template <auto Op>
int job_function(lua_State* L) {
  lua_settop(L, 1);
  context& state = get_context(L);
  failure problem;
  auto& handle = new_handle<job_handle>(L, job_type);
  bool queued = protect(problem, [&] {
    auto work = std::make_shared<job>();
    work->id = state.new_id();
    work->input = to_json(L, 1);
    handle = new job_handle(work);
    state.loop.submit([work] { protect(work->problem, [&] { work->result = Op(work->input); }); },
                      [work, &state] {
                        work->done = true;
                        state.signal(work->id);
                      });
  });
  return queued ? 1 : fail(L, problem);
}

inline int job_id(lua_State* L) {
  lua_pushinteger(L, check_handle<job_handle>(L, job_type)->id);
  return 1;
}

/// job:result() -> false while it runs; then true and the value, or true, nil, message, code.
inline int job_result(lua_State* L) {
  auto& held = scratch<job_handle>(L);  // whoever closes the handle meanwhile
  held = check_handle<job_handle>(L, job_type);
  const job& work = *held;
  lua_pushboolean(L, work.done ? 1 : 0);
  if (!work.done) return 1;
  if (work.problem.failed) return 1 + fail(L, work.problem);
  push_json(L, work.result);
  return 2;
}

inline constexpr luaL_Reg job_methods[] = {
    {"id", job_id}, {"result", job_result}, {nullptr, nullptr}};

/// Makes the handle type of jobs. [-0, +0]
inline void open_job(lua_State* L) { new_handle_type<job_handle>(L, job_type, job_methods); }

}  // namespace agentlua::bind
