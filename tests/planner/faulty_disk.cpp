#include <orkestra/tests/planner/faulty_disk.h>

#include <sqlite3.h>

#include <atomic>
#include <cstddef>

namespace orkestra::planner {
namespace {

// SQLite's methods are plain functions, so their state is the process's.
std::atomic<int> writes_left{-1};  // -1 = never fails
std::atomic<bool> has_failed{false};
std::atomic<FaultyDisk::Fault> kind_of_fault{FaultyDisk::Fault::kFull};

// The code to fail with, or SQLITE_OK when this write goes through.
int fault(int input_output_code) {
  int left = writes_left.load();
  if (left < 0) return SQLITE_OK;
  if (left > 0) {
    writes_left = left - 1;
    return SQLITE_OK;
  }
  has_failed = true;
  return kind_of_fault.load() == FaultyDisk::Fault::kFull ? SQLITE_FULL : input_output_code;
}

// An open file: SQLite's own, behind methods that may fail.
struct File {
  sqlite3_file base;
  sqlite3_file* real;
};
sqlite3_file* real(sqlite3_file* file) { return reinterpret_cast<File*>(file)->real; }

sqlite3_io_methods make_methods() {
  sqlite3_io_methods m{};
  m.iVersion = 2;
  m.xClose = [](sqlite3_file* f) { return real(f)->pMethods->xClose(real(f)); };
  m.xRead = [](sqlite3_file* f, void* bytes, int n, sqlite3_int64 at) {
    return real(f)->pMethods->xRead(real(f), bytes, n, at);
  };
  m.xWrite = [](sqlite3_file* f, const void* bytes, int n, sqlite3_int64 at) {
    if (const int code = fault(SQLITE_IOERR_WRITE)) {
      // As a disk that fills up would: the first half arrives.
      real(f)->pMethods->xWrite(real(f), bytes, n / 2, at);
      return code;
    }
    return real(f)->pMethods->xWrite(real(f), bytes, n, at);
  };
  m.xTruncate = [](sqlite3_file* f, sqlite3_int64 size) {
    if (const int code = fault(SQLITE_IOERR_TRUNCATE)) return code;
    return real(f)->pMethods->xTruncate(real(f), size);
  };
  m.xSync = [](sqlite3_file* f, int flags) {
    if (fault(SQLITE_IOERR_FSYNC) != SQLITE_OK) return SQLITE_IOERR_FSYNC;
    return real(f)->pMethods->xSync(real(f), flags);
  };
  m.xFileSize = [](sqlite3_file* f, sqlite3_int64* size) {
    return real(f)->pMethods->xFileSize(real(f), size);
  };
  m.xLock = [](sqlite3_file* f, int lock) { return real(f)->pMethods->xLock(real(f), lock); };
  m.xUnlock = [](sqlite3_file* f, int lock) { return real(f)->pMethods->xUnlock(real(f), lock); };
  m.xCheckReservedLock = [](sqlite3_file* f, int* out) {
    return real(f)->pMethods->xCheckReservedLock(real(f), out);
  };
  m.xFileControl = [](sqlite3_file* f, int op, void* arg) {
    return real(f)->pMethods->xFileControl(real(f), op, arg);
  };
  m.xSectorSize = [](sqlite3_file* f) { return real(f)->pMethods->xSectorSize(real(f)); };
  m.xDeviceCharacteristics = [](sqlite3_file* f) {
    return real(f)->pMethods->xDeviceCharacteristics(real(f));
  };
  m.xShmMap = [](sqlite3_file* f, int region, int size, int extend, void volatile** out) {
    if (extend != 0 && fault(SQLITE_IOERR_SHMSIZE) != SQLITE_OK) return SQLITE_IOERR_SHMSIZE;
    return real(f)->pMethods->xShmMap(real(f), region, size, extend, out);
  };
  m.xShmLock = [](sqlite3_file* f, int offset, int n, int flags) {
    return real(f)->pMethods->xShmLock(real(f), offset, n, flags);
  };
  m.xShmBarrier = [](sqlite3_file* f) { real(f)->pMethods->xShmBarrier(real(f)); };
  m.xShmUnmap = [](sqlite3_file* f, int remove) {
    return real(f)->pMethods->xShmUnmap(real(f), remove);
  };
  return m;
}

const sqlite3_io_methods kMethods = make_methods();
sqlite3_vfs* system_disk = nullptr;
sqlite3_vfs faulty_disk{};

int open_file(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out_flags) {
  auto* opened = reinterpret_cast<File*>(file);
  opened->real = reinterpret_cast<sqlite3_file*>(opened + 1);
  const int code = system_disk->xOpen(system_disk, name, opened->real, flags, out_flags);
  opened->base.pMethods = opened->real->pMethods ? &kMethods : nullptr;
  return code;
}

}  // namespace

FaultyDisk::FaultyDisk() {
  system_disk = sqlite3_vfs_find(nullptr);
  faulty_disk = *system_disk;
  faulty_disk.zName = "faulty";
  faulty_disk.szOsFile = static_cast<int>(sizeof(File)) + system_disk->szOsFile;
  faulty_disk.xOpen = open_file;
  sqlite3_vfs_register(&faulty_disk, 1);
}

FaultyDisk::~FaultyDisk() {
  repair();
  sqlite3_vfs_unregister(&faulty_disk);
  sqlite3_vfs_register(system_disk, 1);
}

void FaultyDisk::fail_from(int nth, Fault fault) {
  has_failed = false;
  kind_of_fault = fault;
  writes_left = nth - 1;
}

void FaultyDisk::repair() { writes_left = -1; }

bool FaultyDisk::failed() const { return has_failed; }

}  // namespace orkestra::planner
