// The registry of architectures: which file knows how to read which model.
#pragma once

#include <orkestra/model/arch/network.h>

#include <memory>

namespace orkestra::model {

// Reads `file`'s hyperparameters and tensors by its general.architecture. Every tensor is held
// against the shape the hyperparameters give it. Throws Error naming the file and the tensor or
// key: kUnsupported (architecture, feature), kCorrupt (missing, misshapen, inconsistent).
Network build_network(std::shared_ptr<const GgufFile> file);

// One per architecture file. They fill everything except architecture, file and converted.
class TensorBinder;
void build_gemma3(TensorBinder& binder, Network& network);
void build_granite_hybrid(TensorBinder& binder, Network& network);
void build_jamba(TensorBinder& binder, Network& network);
void build_llama(TensorBinder& binder, Network& network);
void build_mamba(TensorBinder& binder, Network& network);
void build_mamba2(TensorBinder& binder, Network& network);

}  // namespace orkestra::model
