#include <orkestra/core/helper_program.h>

#include <orkestra/core/error.h>

#include <unistd.h>

#include <string>
#include <system_error>
#include <vector>

namespace orkestra {

namespace fs = std::filesystem;

fs::path find_helper_program(std::string_view name) {
  std::vector<fs::path> folders;
  std::error_code ignored;
  const fs::path self = fs::read_symlink("/proc/self/exe", ignored);
  if (!self.empty()) {
    folders.push_back(self.parent_path());
    folders.push_back(self.parent_path().parent_path() / "libexec" / "orkestra");
  }
  folders.emplace_back(ORKESTRA_HELPER_FOLDER);
  std::string looked;
  for (const fs::path& folder : folders) {
    const fs::path program = folder / name;
    if (fs::is_regular_file(program, ignored) && ::access(program.c_str(), X_OK) == 0) {
      return program;
    }
    looked += (looked.empty() ? "" : ", ") + folder.string();
  }
  throw Error(ErrorCode::kUnavailable, "the program " + std::string(name) +
                                           " is missing; it belongs to Orkestra and was looked for "
                                           "in " +
                                           looked + ": build or install it again");
}

}  // namespace orkestra
