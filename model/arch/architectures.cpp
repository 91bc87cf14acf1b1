#include <orkestra/core/error.h>
#include <orkestra/model/arch/architectures.h>
#include <orkestra/model/arch/tensor_binder.h>

#include <array>
#include <string>
#include <string_view>
#include <utility>

namespace orkestra::model {
namespace {

struct Architecture {
  std::string_view name;
  void (*build)(TensorBinder&, Network&);
};

constexpr std::array<Architecture, 2> kArchitectures{{
    {"jamba", build_jamba},
    {"mamba", build_mamba},
}};

}  // namespace

Network build_network(std::shared_ptr<const GgufFile> file) {
  const std::string_view name = file->text("general.architecture");
  for (const Architecture& architecture : kArchitectures) {
    if (architecture.name != name) continue;
    Network network;
    network.architecture = name;
    network.file = std::move(file);
    TensorBinder binder(*network.file, network);
    architecture.build(binder, network);
    return network;
  }
  std::string known;
  for (const Architecture& architecture : kArchitectures) {
    known += (known.empty() ? "" : ", ") + std::string(architecture.name);
  }
  throw Error(ErrorCode::kUnsupported, file->name() + ": architecture \"" +
                                           std::string(name.substr(0, 64)) +
                                           "\" is not one this build can run (" + known + ")");
}

}  // namespace orkestra::model
