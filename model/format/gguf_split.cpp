#include <orkestra/core/error.h>
#include <orkestra/model/format/byte_reader.h>
#include <orkestra/model/format/gguf_file.h>
#include <orkestra/model/format/gguf_split.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <utility>

namespace orkestra::model {
namespace {

constexpr std::int64_t kMaxParts = 1000;
constexpr const char* kNo = "split.no";
constexpr const char* kCount = "split.count";
constexpr const char* kTensors = "split.tensors.count";

// "-00002-of-00005.gguf", counted from 1.
std::string suffix(int number, int count) {
  char text[40];
  std::snprintf(text, sizeof text, "-%05d-of-%05d.gguf", number, count);
  return text;
}

std::string part_text(int number, int count) {
  return "part " + std::to_string(number) + " of " + std::to_string(count);
}

// The path of another part beside one that is number `mine`.
std::filesystem::path path_of(const std::filesystem::path& path, int mine, int number, int count) {
  std::string name = path.filename().string();
  name.resize(name.size() - suffix(mine, count).size());
  return path.parent_path() / (name + suffix(number, count));
}

class JoinedGguf final : public GgufFile {
 public:
  explicit JoinedGguf(std::vector<std::shared_ptr<const GgufFile>> parts)
      : parts_(std::move(parts)) {
    for (const auto& part : parts_) {
      const auto header = part->header_bytes();
      header_bytes_.insert(header_bytes_.end(), header.begin(), header.end());
      for (const TensorView& tensor : part->tensors()) {
        tensors_.push_back(tensor);
        owners_.push_back(part.get());
      }
    }
    for (std::size_t i = 0; i < tensors_.size(); ++i) by_name_.push_back(i);
    std::sort(by_name_.begin(), by_name_.end(),
              [&](std::size_t a, std::size_t b) { return tensors_[a].name < tensors_[b].name; });
    check();
  }

  const std::string& name() const override { return parts_.front()->name(); }
  const std::map<std::string, GgufValue, std::less<>>& metadata() const override {
    return parts_.front()->metadata();
  }
  const std::vector<TensorView>& tensors() const override { return tensors_; }
  std::span<const std::byte> header_bytes() const override { return header_bytes_; }
  void forget(std::span<const std::byte> part) const override { parts_.front()->forget(part); }

  const TensorView* find_tensor(std::string_view name) const override {
    const auto found =
        std::lower_bound(by_name_.begin(), by_name_.end(), name,
                         [&](std::size_t i, std::string_view n) { return tensors_[i].name < n; });
    if (found == by_name_.end() || tensors_[*found].name != name) return nullptr;
    return &tensors_[*found];
  }

 private:
  void check() const {
    for (std::size_t i = 1; i < by_name_.size(); ++i) {
      const std::size_t a = std::min(by_name_[i - 1], by_name_[i]);
      const std::size_t b = std::max(by_name_[i - 1], by_name_[i]);
      if (tensors_[a].name == tensors_[b].name) {
        throw Error(ErrorCode::kCorrupt, owners_[b]->name() + ": tensor " +
                                             printable(tensors_[b].name) + " is also in " +
                                             owners_[a]->name());
      }
    }
    const std::int64_t wanted = parts_.front()->integer(kTensors);
    if (wanted != static_cast<std::int64_t>(tensors_.size())) {
      throw Error(ErrorCode::kCorrupt, name() + ": the model has " + std::to_string(wanted) +
                                           " tensors (" + kTensors + "), its parts hold " +
                                           std::to_string(tensors_.size()));
    }
  }

  std::vector<std::shared_ptr<const GgufFile>> parts_;
  std::vector<std::byte> header_bytes_;  // of all parts, one after the other
  std::vector<TensorView> tensors_;      // of all parts, in order
  std::vector<const GgufFile*> owners_;  // [tensors]
  std::vector<std::size_t> by_name_;     // [tensors] indices in order of name
};

// What every part of one model has in common, and its own place.
void check_part(const GgufFile& part, const GgufFile& asked, int number, int count) {
  const auto refuse = [&](const char* key, std::int64_t is, std::int64_t wanted) {
    throw Error(ErrorCode::kCorrupt, part.name() + ": not " + part_text(number, count) + " of " +
                                         asked.name() + ": " + key + " is " + std::to_string(is) +
                                         " where " + std::to_string(wanted) +
                                         " is needed; take all parts from one download");
  };
  const std::int64_t no = part.integer(kNo);
  if (no != number - 1) refuse(kNo, no, number - 1);
  const std::int64_t its_count = part.integer(kCount);
  if (its_count != count) refuse(kCount, its_count, count);
  const std::int64_t tensors = part.integer(kTensors);
  const std::int64_t wanted = asked.integer(kTensors);
  if (tensors != wanted) refuse(kTensors, tensors, wanted);
}

}  // namespace

int split_count(const GgufFile& file) {
  const std::int64_t count = file.integer(kCount, 1);
  if (count < 1 || count > kMaxParts) {
    throw Error(ErrorCode::kCorrupt, file.name() + ": metadata key " + kCount +
                                         " must be from 1 to " + std::to_string(kMaxParts) +
                                         ", it is " + std::to_string(count));
  }
  return static_cast<int>(count);
}

std::vector<std::filesystem::path> split_paths(const GgufFile& file) {
  const int count = split_count(file);
  if (count == 1) return {file.name()};
  std::vector<std::filesystem::path> paths;
  for (int i = 1; i <= count; ++i) paths.push_back(path_of(file.name(), 1, i, count));
  return paths;
}

std::shared_ptr<const GgufFile> join_split(std::shared_ptr<const GgufFile> part,
                                           const std::filesystem::path& path) {
  const int count = split_count(*part);
  const std::int64_t no = part->integer(kNo);
  if (no < 0 || no >= count) {
    throw Error(ErrorCode::kCorrupt, part->name() + ": metadata key " + kNo +
                                         " must be from 0 to " + std::to_string(count - 1) +
                                         ", it is " + std::to_string(no));
  }
  const int mine = static_cast<int>(no) + 1;
  const std::string file_name = path.filename().string();
  if (!file_name.ends_with(suffix(mine, count)) || file_name.size() == suffix(mine, count).size()) {
    throw Error(ErrorCode::kInvalid, part->name() + ": it is " + part_text(mine, count) +
                                         " of a split model; to find the others its name must "
                                         "end in " +
                                         suffix(mine, count));
  }
  std::vector<std::shared_ptr<const GgufFile>> parts;
  for (int i = 1; i <= count; ++i) {
    if (i == mine) {
      parts.push_back(part);
    } else {
      const auto other = path_of(path, mine, i, count);
      try {
        parts.push_back(open_gguf_part(other));
      } catch (const Error& e) {
        if (e.code() != ErrorCode::kNotFound) throw;
        throw Error(e.code(), other.string() + ": " + part_text(i, count) +
                                  " of the model is missing; put it beside " + part->name());
      }
    }
    check_part(*parts.back(), *part, i, count);
  }
  return std::make_shared<JoinedGguf>(std::move(parts));
}

}  // namespace orkestra::model
