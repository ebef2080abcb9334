// doctest's main, in a unit of its own.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

/// libgit2 1.5 forgets to free what it compared the settings of a repository of format 1 with.
extern "C" const char* __lsan_default_suppressions() { return "leak:libpcre2-8.so\n"; }  // NOLINT
