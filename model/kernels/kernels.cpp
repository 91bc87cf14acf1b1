#include <orkestra/model/kernels/kernels.h>

namespace orkestra::model {

const Kernels& best_kernels() {
  const Kernels* avx2 = avx2_kernels();
  return avx2 != nullptr ? *avx2 : reference_kernels();
}

}  // namespace orkestra::model
