#include <orkestra/model/kernels/kernels.h>

namespace orkestra::model {

const Kernels* avx2_kernels() { return nullptr; }

}  // namespace orkestra::model
