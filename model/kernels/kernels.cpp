#include <orkestra/model/kernels/kernels.h>

namespace orkestra::model {

const Kernels& best_kernels() {
  for (const Kernels* kernels : {avx512_kernels(), avx2_kernels()}) {
    if (kernels != nullptr) return *kernels;
  }
  return reference_kernels();
}

}  // namespace orkestra::model
