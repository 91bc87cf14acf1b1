#include <orkestra/model/arch/network.h>

namespace orkestra::model {
namespace {

using Matrices = std::vector<Matrix*>;

void add(Matrices& to, AttentionMixer& m) { to.insert(to.end(), {&m.q, &m.k, &m.v, &m.output}); }

void add(Matrices& to, Mamba1Mixer& m) { to.insert(to.end(), {&m.in, &m.x, &m.dt, &m.out}); }

void add(Matrices& to, Mamba2Mixer& m) { to.insert(to.end(), {&m.in, &m.out}); }

void add(Matrices&, std::monostate) {}

void add(Matrices& to, DenseFfn& ffn) { to.insert(to.end(), {&ffn.gate, &ffn.up, &ffn.down}); }

void add(Matrices& to, MoeFfn& ffn) {
  to.push_back(&ffn.router);
  for (DenseFfn& expert : ffn.experts) add(to, expert);
  if (ffn.shared) add(to, *ffn.shared);
}

}  // namespace

std::vector<Matrix*> product_matrices(Network& network) {
  Matrices matrices;
  for (Layer& layer : network.layers) {
    std::visit([&](auto& mixer) { add(matrices, mixer); }, layer.mixer);
    std::visit([&](auto& ffn) { add(matrices, ffn); }, layer.ffn);
  }
  matrices.push_back(&network.output);
  return matrices;
}

}  // namespace orkestra::model
