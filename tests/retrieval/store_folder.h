// A folder of its own for one test, with a store's file name in it; gone at the end.
#pragma once

#include <orkestra/retrieval/store.h>

#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace orkestra {

struct StoreFolder {
  std::filesystem::path folder, documents, store;
  StoreFolder() {
    static std::atomic<int> count{0};
    folder = std::filesystem::canonical(std::filesystem::temp_directory_path()) /
             ("orkestra_store_" + std::to_string(::getpid()) + "_" + std::to_string(count++));
    documents = folder / "documents";
    store = folder / "store.db";
    std::filesystem::create_directories(documents);
  }
  StoreFolder(const StoreFolder&) = delete;
  ~StoreFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
  }

  std::filesystem::path write(const std::string& name, std::string_view text) const {
    const std::filesystem::path file = documents / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary | std::ios::trunc) << text;
    return file;
  }

  // The wall clock's grain hides changes of files younger than this.
  static void make_old(const std::filesystem::path& file) {
    std::filesystem::last_write_time(
        file, std::filesystem::file_time_type::clock::now() - std::chrono::hours(1));
  }
};

inline std::string bytes_of(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

}  // namespace orkestra
