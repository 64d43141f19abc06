// Compiled images kept in a folder between runs and shared by processes.
#pragma once

#include <string>

#include "cuda/digest.hpp"

namespace esper::cuda {

// Files are named by a digest of everything that determines the image, and hold it behind a header with a digest of
// their own. Nothing here fails: a folder that cannot be used is no cache, and note() says why.
class ImageCache {
 public:
  // folder: where to keep images; "" = keep none.
  explicit ImageCache(std::string folder);

  // The folder of the environment: $ESPER_CACHE_DIR, $XDG_CACHE_HOME/esper, ~/.cache/esper, "" without any of them.
  static std::string default_folder();

  // Reads the image of the key. False if there is none or the file is damaged.
  bool read(const Sha256::Digest& key, std::string* image);

  // Keeps the image; whoever reads meanwhile sees the old file or the new one, never a part.
  void write(const Sha256::Digest& key, const std::string& image);

  // File of the key.
  std::string file(const Sha256::Digest& key) const;

  // What went wrong last, "" if nothing did.
  const std::string& note() const noexcept { return note_; }

 private:
  std::string folder_;
  std::string note_;
};

}  // namespace esper::cuda
