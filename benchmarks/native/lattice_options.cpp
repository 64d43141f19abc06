#include "lattice_options.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "lattice_cases.h"

namespace esper::bench {
namespace {

constexpr const char* kUsage = R"(Usage: lattice_bench [options]

Times the fused lattice kernels against eager libtorch in turn, beside the machine's copy bandwidth and peak.

  --json FILE       write one JSON line a row, behind a line that names build and machine
  --no-eager        the kernels alone, a few seconds for all cases
  --case TEXT       only cases whose name contains TEXT
  --families LIST   all, or some of affine,lowrank,bottleneck,gate,depthwise (default bottleneck)
  --isa NAME        auto, scalar, avx2 or avx512 (default auto)
  --threads N       threads of both sides, 0 = all cores (default 0)
  --repeats N       rounds that medians are taken of (default 15; 5 with --no-eager)
  --cold            read through more than the caches hold before every sample (default)
  --warm            do not
  --pool NAME       kernels run on libtorch's threads (torch, default) or on their own (own)
  --help            show this
)";

[[noreturn]] void fail(const std::string& problem) {
  std::fprintf(stderr, "Error: %s\n\n%s", problem.c_str(), kUsage);
  std::exit(2);
}

int whole_number(const std::string& option, const char* text, int least) {
  char* end = nullptr;
  const long value = std::strtol(text, &end, 10);
  if (end == text || *end != '\0' || value < least || value > 100000) {
    fail(option + " is '" + text + "', expected a whole number from " + std::to_string(least) + " to 100000");
  }
  return static_cast<int>(value);
}

int32_t isa_of(const std::string& name) {
  if (name == "auto") {
    return ESPER_ISA_AUTO;
  }
  for (int32_t isa = ESPER_ISA_SCALAR; isa <= ESPER_ISA_AVX512; ++isa) {
    if (name == esper_isa_name(isa)) {
      return isa;
    }
  }
  fail("--isa is '" + name + "', expected auto, scalar, avx2 or avx512");
}

std::vector<int32_t> families_of(const std::string& text) {
  std::vector<int32_t> list;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    const std::string name = text.substr(begin, end - begin);
    bool known = false;
    for (int32_t family = 0; family < kFamilyCount; ++family) {
      if (name == "all" || name == family_name(family)) {
        list.push_back(family);
        known = true;
      }
    }
    if (!known) {
      fail("--families has '" + name + "', expected all, affine, lowrank, bottleneck, gate or depthwise");
    }
    begin = end + 1;
  }
  return list;
}

void check_filter(const std::string& filter) {
  std::string names;
  for (const Case& site : cases()) {
    if (std::strstr(site.name, filter.c_str()) != nullptr) {
      return;
    }
    names += std::string("\n  ") + site.name;
  }
  std::fprintf(stderr, "Error: no case's name contains '%s'. There are:%s\n", filter.c_str(), names.c_str());
  std::exit(2);
}

// Options without a value; false if the word is none of them.
bool read_flag(const std::string& word, LatticeOptions& options) {
  if (word == "--no-eager") {
    options.eager = false;
  } else if (word == "--cold") {
    options.cold = true;
  } else if (word == "--warm") {
    options.cold = false;
  } else if (word == "--help" || word == "-h") {
    std::fputs(kUsage, stdout);
    std::exit(0);
  } else {
    return false;
  }
  return true;
}

// Options with a value; false if the word is none of them.
bool read_value(const std::string& word, const char* value, LatticeOptions& options) {
  static const char* const kNames[] = {"--json", "--case", "--families", "--isa", "--threads", "--repeats", "--pool"};
  bool known = false;
  for (const char* name : kNames) {
    known = known || word == name;
  }
  if (!known) {
    return false;
  }
  if (value == nullptr || *value == '\0') {
    fail(word + " needs a value");
  }
  if (word == "--json") {
    options.json = value;
  } else if (word == "--case") {
    options.filter = value;
    check_filter(options.filter);
  } else if (word == "--families") {
    options.families = families_of(value);
  } else if (word == "--isa") {
    options.isa = isa_of(value);
  } else if (word == "--threads") {
    options.threads = whole_number(word, value, 0);
  } else if (word == "--repeats") {
    options.repeats = whole_number(word, value, 1);
  } else {
    options.own_pool = std::strcmp(value, "own") == 0;
    if (!options.own_pool && std::strcmp(value, "torch") != 0) {
      fail(std::string("--pool is '") + value + "', expected torch or own");
    }
  }
  return true;
}

}  // namespace

LatticeOptions parse_lattice_options(int argc, char** argv) {
  LatticeOptions options;
  for (int i = 1; i < argc; ++i) {
    std::string word = argv[i];
    const std::size_t equals = word.find('=');
    const bool joined = word.rfind("--", 0) == 0 && equals != std::string::npos;
    const std::string name = joined ? word.substr(0, equals) : word;
    if (!joined && read_flag(name, options)) {
      continue;
    }
    const char* value = joined ? argv[i] + equals + 1 : i + 1 < argc ? argv[i + 1] : nullptr;
    if (!read_value(name, value, options)) {
      fail("there is no option '" + word + "'");
    }
    i += joined ? 0 : 1;
  }
  if (options.repeats == 0) {
    options.repeats = options.eager ? 15 : 5;
  }
  return options;
}

}  // namespace esper::bench
