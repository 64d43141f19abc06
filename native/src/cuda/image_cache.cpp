#include "cuda/image_cache.hpp"

#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>
#include <system_error>

#include "cuda/shared_library.hpp"

namespace esper::cuda {
namespace {

namespace fs = std::filesystem;

// Head of a file; native byte order, as the digest in the name binds it to one machine's device anyway.
struct Header {
  char magic[8];
  std::uint64_t bytes;
  Sha256::Digest digest;  // Of the image behind the header.
};

constexpr char kMagic[8] = {'E', 'S', 'P', 'I', 'M', 'G', '0', '1'};
constexpr std::uint64_t kLargestImage = std::uint64_t{1} << 30;

// Part of a temporary file's name that no other writer has.
std::string unique_suffix() {
  std::string suffix = std::to_string(std::chrono::steady_clock::now().time_since_epoch().count());
  try {
    std::random_device device;
    suffix += "-" + std::to_string(device()) + std::to_string(device());
  } catch (const std::exception&) {
    // A machine without a source of randomness; the clock has to do.
  }
  return suffix;
}

bool parse(const std::string& content, std::string* image) {
  Header header{};
  if (content.size() < sizeof header) {
    return false;
  }
  std::memcpy(&header, content.data(), sizeof header);
  const std::size_t bytes = content.size() - sizeof header;
  if (std::memcmp(header.magic, kMagic, sizeof kMagic) != 0 || header.bytes != bytes || bytes == 0 ||
      sha256(content.data() + sizeof header, bytes) != header.digest) {
    return false;
  }
  *image = content.substr(sizeof header);
  return true;
}

}  // namespace

ImageCache::ImageCache(std::string folder) : folder_(std::move(folder)) {}

std::string ImageCache::default_folder() {
  std::string folder = environment("ESPER_CACHE_DIR");
  if (folder.empty()) {
    folder = environment("XDG_CACHE_HOME");
    const std::string home = environment("HOME");
    if (folder.empty() && !home.empty()) {
      folder = home + "/.cache";
    }
    if (!folder.empty()) {
      folder += "/esper";
    }
  }
  return folder;
}

std::string ImageCache::file(const Sha256::Digest& key) const {
  return (fs::path(folder_) / ("cuda-" + hex(key) + ".img")).string();
}

bool ImageCache::read(const Sha256::Digest& key, std::string* image) {
  if (folder_.empty()) {
    return false;
  }
  const std::string name = file(key);
  std::error_code error;
  const std::uintmax_t bytes = fs::file_size(name, error);
  if (error) {
    return false;
  }
  if (bytes > kLargestImage) {
    note_ = name + " is damaged and was compiled anew";
    return false;
  }
  std::ifstream stream(name, std::ios::binary);
  std::string content(static_cast<std::size_t>(bytes), '\0');
  stream.read(content.data(), static_cast<std::streamsize>(bytes));
  if (!stream || !parse(content, image)) {
    note_ = name + " is damaged and was compiled anew";
    return false;
  }
  return true;
}

void ImageCache::write(const Sha256::Digest& key, const std::string& image) {
  if (folder_.empty()) {
    return;
  }
  Header header{};
  std::memcpy(header.magic, kMagic, sizeof kMagic);
  header.bytes = image.size();
  header.digest = sha256(image.data(), image.size());
  std::error_code error;
  fs::create_directories(folder_, error);
  const std::string name = file(key);
  const std::string temporary = name + ".tmp-" + unique_suffix();
  bool written = false;
  {
    std::ofstream stream(temporary, std::ios::binary | std::ios::trunc);
    stream.write(reinterpret_cast<const char*>(&header), sizeof header);
    stream.write(image.data(), static_cast<std::streamsize>(image.size()));
    stream.flush();
    written = stream.good();
  }
  if (written) {
    fs::rename(temporary, name, error);
    written = !error;
  }
  if (!written) {
    fs::remove(temporary, error);
    note_ = "compiled kernels are not kept: " + folder_ + " can not be written";
  }
}

}  // namespace esper::cuda
