// What a sandboxed program sees and can change of the file system; and that it can work there.
#include <orkestra/tests/core/sandbox_fixture.h>

#include <sys/stat.h>

using namespace orkestra;
using namespace orkestra::tests;
namespace fs = std::filesystem;

namespace {

std::string quoted(const fs::path& path) { return "'" + path.string() + "'"; }

}  // namespace

TEST_CASE("ordinary programs run as they should") {
  if (!sandbox_here()) return;
  SandboxedProgram program = python_program(
      "import asyncio, csv, ctypes, datetime, decimal, fractions, json, math, random, re, sqlite3\n"
      "import statistics, subprocess, sys, tempfile, threading, zoneinfo\n"
      "data = json.load(open('data.json'))\n"
      "text = sys.stdin.read()\n"
      "async def later(): await asyncio.sleep(0.001); return 4\n"
      "db = sqlite3.connect('x.db'); db.execute('create table t(a)')\n"
      "db.execute('insert into t values (5)'); db.commit()\n"
      "out = subprocess.run(['/usr/bin/sort', '-r'], input=b'a\\nb\\n', "
      "capture_output=True).stdout\n"
      "with tempfile.TemporaryDirectory() as d: open(d + '/x', 'w').write('y')\n"
      "zone = datetime.datetime(2024, 7, 1, "
      "tzinfo=zoneinfo.ZoneInfo('Europe/Berlin')).utcoffset()\n"
      "print(data['a'], text, asyncio.run(later()), db.execute('select a from t').fetchone(),\n"
      "      out.split(), zone, 'ü')\n"
      "print('to stderr', file=sys.stderr)\n"
      "sys.exit(3)\n");
  program.input = "given";
  program.files.push_back({"data.json", "{\"a\": 1}"});
  const SandboxResult result = run_sandboxed(program, {}, Limits{});
  CHECK(result.out == "1 given 4 (5,) [b'b', b'a'] 2:00:00 ü\n");
  CHECK(result.err == "to stderr\n");
  CHECK(result.exit_status == 3);
  CHECK(result.tier == SandboxTier::kNamespaces);
  CHECK_FALSE(result.truncated);
  CHECK_FALSE(result.killed_by_deadline);
}

TEST_CASE("no file of this machine can be read but what is shown") {
  if (!sandbox_here()) return;
  const HostFolder host;
  const auto secret = host.write("secret", "hunter2");
  ::chmod(host.path.c_str(), 0755);
  const SandboxResult result = python(
      "import os\n"
      "read = []\n"
      "for p in [" +
      quoted(secret) + ", '/work/../.." + secret.string() + "', " + quoted(ORKESTRA_SOURCE_DIR) +
      ", '/etc/passwd', '/etc/shadow', '/etc/hostname', '/root', '/home',\n"
      "          '/var', '/tmp', '/run', '/proc/1/root', '/proc/self/environ', '/sys', "
      "'/usr/local',\n"
      "          '/usr/src', '/boot', '/opt', '/srv', '/mnt', '/old_root', '/dev/shm', "
      "'/dev/mem']:\n"
      "  if os.path.lexists(p): read.append(p)\n"
      "print(read, sorted(os.listdir('/')))\n");
  CHECK(result.out.starts_with("[] ['bin', 'dev', 'lib'"));
  CHECK(result.out.ends_with("'usr', 'work']\n"));
}

TEST_CASE("links lead nowhere outside") {
  if (!sandbox_here()) return;
  const HostFolder host;
  const auto secret = host.write("secret", "hunter2");
  const SandboxResult result = python(
      "import os\n"
      "os.symlink(" +
      quoted(secret) +
      ", 'a')\n"
      "os.symlink('../../../../../../../.." +
      secret.string() +
      "', 'b')\n"
      "for way in ['a', 'b']:\n"
      "  for mode in ['r', 'w', 'a']:\n"
      "    try: open(way, mode).write('x'); print('opened', way, mode)\n"
      "    except OSError: pass\n"
      "try: os.link('/usr/bin/python3', 'c'); print('linked')\n"
      "except OSError: print('refused')\n");
  CHECK(result.out == "refused\n");
  CHECK(host.read("secret") == "hunter2");
}

TEST_CASE("nothing can be written but the work folder") {
  if (!sandbox_here()) return;
  const HostFolder shown;
  shown.write("given", "as it was");
  ::chmod(shown.path.c_str(), 0777);
  ::chmod((shown.path / "given").c_str(), 0666);
  SandboxPolicy policy;
  policy.read_only = {shown.path};
  const SandboxResult result = python(
      "import os\n"
      "wrote = []\n"
      "def tried(what, f):\n"
      "  try: f(); wrote.append(what)\n"
      "  except OSError: pass\n"
      "given = " +
          quoted(shown.path) +
          "\n"
          "print(open(given + '/given').read())\n"
          "for d in ['/', '/usr', '/usr/bin', '/usr/lib', '/dev', '/usr/share', given]:\n"
          "  tried(d, lambda: open(d + '/new', 'w'))\n"
          "  tried(d, lambda: os.mkdir(d + '/newdir'))\n"
          "  tried(d, lambda: os.chmod(d, 0o777))\n"
          "  tried(d, lambda: os.utime(d))\n"
          "tried('given', lambda: open(given + '/given', 'a'))\n"
          "tried('given', lambda: os.unlink(given + '/given'))\n"
          "tried('python', lambda: open('/usr/bin/python3.11', 'r+b'))\n"
          "tried('null', lambda: os.chmod('/dev/null', 0o600))\n"
          "tried('null', lambda: os.unlink('/dev/null'))\n"
          "print(wrote)\n",
      policy);
  CHECK(result.out == "as it was\n[]\n");
  CHECK(shown.read("given") == "as it was");
  CHECK(std::distance(fs::directory_iterator(shown.path), fs::directory_iterator()) == 1);
}

TEST_CASE("there are three devices, and none can be made") {
  if (!sandbox_here()) return;
  const SandboxResult result = python(
      "import os, stat\n"
      "print(sorted(os.listdir('/dev')))\n"
      "for kind in [stat.S_IFBLK, stat.S_IFCHR]:\n"
      "  try: os.mknod('d', kind | 0o600, os.makedev(8, 0)); print('made')\n"
      "  except OSError as e: print(e.errno)\n"
      "open('/dev/null', 'w').write('x'); print(len(open('/dev/urandom', 'rb').read(8)))\n"
      "try: open('/dev/tty')\n"
      "except OSError: print('no terminal')\n");
  CHECK(result.out == "['null', 'urandom', 'zero']\n1\n1\n8\nno terminal\n");
}

TEST_CASE("there is no /proc and no /sys, and none can be mounted") {
  if (!sandbox_here()) return;
  const SandboxResult result = python(
      "import ctypes, os\nlibc = ctypes.CDLL(None)\n"
      "os.mkdir('m')\n"
      "print(os.path.exists('/proc'), os.path.exists('/sys'))\n"
      "print([libc.mount(t, b'm', t, 0, None) for t in [b'proc', b'sysfs', b'tmpfs', "
      "b'cgroup2']])\n"
      "print(libc.mount(b'/usr', b'm', None, 4096, None), libc.umount2(b'/usr/bin', 2))\n"
      "print(libc.chroot(b'm'))\n");
  CHECK(result.out == "False False\n[-1, -1, -1, -1]\n-1 -1\n-1\n");
}

TEST_CASE("what is written can't be started") {
  if (!sandbox_here()) return;
  const SandboxResult result = python(
      "import os, shutil, subprocess\n"
      "shutil.copy('/usr/bin/true', 'mine'); os.chmod('mine', 0o755)\n"
      "open('script', 'w').write('#!/usr/bin/true\\n'); os.chmod('script', 0o755)\n"
      "for name in ['./mine', './script']:\n"
      "  try: subprocess.run([name]); print('ran')\n"
      "  except OSError as e: print(e.errno)\n");
  CHECK(result.out == "13\n13\n");
}

TEST_CASE("a program's own input and files can't be grown into a hiding place") {
  if (!sandbox_here()) return;
  SandboxedProgram program = python_program(
      "import os\n"
      "for f in [lambda: os.write(0, b'x'), lambda: os.ftruncate(0, 1 << 20)]:\n"
      "  try: f(); print('grown')\n"
      "  except OSError as e: print(e.errno)\n");
  program.input = "input";
  CHECK(run_sandboxed(program, {}, Limits{}).out == "1\n1\n");
}
