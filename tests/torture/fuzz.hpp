#pragma once
// What the fuzz targets share. A target is one .cpp that defines these three and includes this file last:
//
//   void check(std::string_view bytes)      aborts when something is wrong with what these bytes do
//   std::vector<std::string> seeds()        the corpus
//   const char* const words[]               what mutations put in
//
// Built by fuzz.sh with libFuzzer, or (FUZZ_ALONE) as a program that mutates its own corpus:
//
//   TARGET SECONDS [SEED | FILE...]

#include <cstdio>
#include <cstdlib>
#include <random>

#include "agentlua/fs.hpp"
#include "agentlua/time.hpp"

namespace {

std::string mutated(const std::vector<std::string>& corpus, std::mt19937_64& random) {
  auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  std::string text = corpus[below(corpus.size())];
  if (text.size() > 4096) text.resize(4096);
  for (std::size_t i = 1 + below(4); i > 0; --i) {
    const std::size_t at = below(text.size() + 1);
    switch (below(5)) {
      case 0:
        text.insert(at, words[below(std::size(words))]);
        break;
      case 1:
        text.erase(at, below(8));
        break;
      case 2:
        if (at < text.size()) text[at] = static_cast<char>(below(256));
        break;
      case 3:
        text.insert(at, text.substr(below(text.size() + 1), below(32)));
        break;
      default: {
        const std::string& other = corpus[below(corpus.size())];
        text.insert(at, other.substr(below(other.size() + 1), below(64)));
      }
    }
  }
  return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  check({reinterpret_cast<const char*>(data), size});
  return 0;
}

#ifdef FUZZ_ALONE
int main(int count, char** arguments) {
  const double seconds = count > 1 ? std::atof(arguments[1]) : 10;
  const std::string last = count > 2 ? arguments[2] : "1";
  if (last.find_first_not_of("0123456789") != std::string::npos) {
    for (int i = 2; i < count; ++i) check(agentlua::fs::read_file(arguments[i]));
    return 0;
  }
  std::mt19937_64 random(std::strtoull(last.c_str(), nullptr, 10));
  const auto corpus = seeds();
  for (const std::string& one : corpus) check(one);
  long runs = 0;
  for (const double end = agentlua::wall_now() + seconds; agentlua::wall_now() < end; ++runs)
    check(mutated(corpus, random));
  std::printf("%ld texts, seed %s\n", runs, last.c_str());
}
#else
/// Writes the corpus to the directory FUZZ_SEEDS.
extern "C" int LLVMFuzzerInitialize(int*, char***) {
  int number = 0;
  if (const char* dir = std::getenv("FUZZ_SEEDS"))
    for (const std::string& one : seeds())
      agentlua::fs::write_all(
          agentlua::fs::open(dir + ("/seed" + std::to_string(number++)), O_WRONLY | O_CREAT).get(),
          one, dir);
  return 0;
}
// Used by the other main(); it is here so that both see it compiled.
[[maybe_unused]] static const auto unused = &mutated;
#endif
