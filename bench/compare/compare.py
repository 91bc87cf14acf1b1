#!/usr/bin/env python3
"""Holds `orkestra model bench` against a peer's `llama-bench` on one model file.

Both programs run in turns (ours, peer, ours, peer, ...), and in every round the machine itself is
measured as well (bench_machine: bandwidth of reading memory, arithmetic of AVX2), so that a figure
never stands beside one of another hour. Printed are medians over all repetitions of all rounds with
the least and the greatest, and as ratio the median of the rounds' own ratios, ours over peer: above 1
we are quicker.

    cmake --preset bench && cmake --build build/bench --target orkestra bench_machine
    bench/compare/compare.py --peer PEER_DIR --model FILE.gguf -p 128,512 -n 64 -d 0,4096 -t 2

Tests are named as llama-bench names them: ppN reads a prompt of N tokens, tgN writes N, both at a
depth of -d tokens. "start" is a process from nothing to its first written token, in milliseconds;
"memory" the greatest resident set of a whole run, in MiB (a mapped model file counts as far as it
was read).
"""

import argparse
import json
import os
import pathlib
import shlex
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Failed(Exception):
    """A program that could not be run, or whose output is not what it should be."""


def numbers(text):
    try:
        values = [int(part) for part in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r}: numbers with commas between them") from None
    if min(values) < 0:
        raise argparse.ArgumentTypeError(f"{text!r}: numbers from 0 on")
    return values


def at_least_one(text):
    value = numbers(text)
    if len(value) != 1 or value[0] < 1:
        raise argparse.ArgumentTypeError(f"{text!r}: a number from 1 on")
    return value[0]


def parse_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--ours", default=ROOT / "build/bench/bin/orkestra", type=pathlib.Path, metavar="FILE",
        help="the orkestra program (default: %(default)s)")
    add("--peer", required=True, type=pathlib.Path, metavar="DIR|FILE",
        help="llama-bench, or the folder that holds it")
    add("--machine", type=pathlib.Path, metavar="FILE",
        help="bench_machine (default: beside the orkestra program)")
    add("--model", required=True, type=pathlib.Path, metavar="FILE", help="a GGUF file")
    add("-p", type=numbers, default=[128, 512], metavar="N,...", help="prompt lengths, 0 = none")
    add("-n", type=numbers, default=[64], metavar="N,...", help="tokens to write, 0 = none")
    add("-d", type=numbers, default=[0], metavar="N,...", help="depths")
    add("-t", type=at_least_one, default=os.cpu_count(), metavar="N",
        help="threads (default: all cores)")
    add("-r", type=at_least_one, default=2, metavar="N", help="repetitions a round")
    add("--rounds", type=at_least_one, default=3, metavar="N", help="turns of each program")
    add("--ours-args", default="", metavar="WORDS", help="more options for ours")
    add("--peer-args", default="", metavar="WORDS", help="more options for the peer")
    add("--json", action="store_true", help="print JSON with every sample")
    arguments = parser.parse_args()
    if arguments.peer.is_dir():
        arguments.peer = arguments.peer / "llama-bench"
    if arguments.machine is None:
        arguments.machine = arguments.ours.parent / "bench_machine"
    if sum(arguments.p) + sum(arguments.n) == 0:
        parser.error("nothing to measure: -p and -n are 0")
    return arguments


def run(words):
    """Output, seconds and greatest resident set (bytes) of a program."""
    words = [str(word) for word in words]
    start = time.monotonic()
    try:
        child = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    except OSError as error:
        raise Failed(f"{words[0]} can't be run: {error.strerror}") from None
    # What it says besides its results is short, so its pipe does not fill while we read the other.
    with child.stdout, child.stderr:
        output = child.stdout.read()
        complaint = child.stderr.read()
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.monotonic() - start
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        raise Failed(f"{' '.join(words)} ended with {child.returncode}: {complaint.strip()[-400:]}")
    return output, seconds, usage.ru_maxrss * 1024


def parse_rows(output, program):
    """llama-bench's JSON and ours have the same members for what is needed here."""
    try:
        rows = json.loads(output)
        for row in rows:
            row["name"] = name_of(row)
            row["samples_ts"] = [float(sample) for sample in row["samples_ts"]]
        return rows
    except (ValueError, KeyError, TypeError) as error:
        raise Failed(f"{program}: the output is not a benchmark's JSON: {error!r}") from None


def name_of(row):
    name = f"pp{row['n_prompt']}" if row["n_prompt"] else f"tg{row['n_gen']}"
    return name + (f" @ d{row['n_depth']}" if row["n_depth"] else "")


class Program:
    """One of the two, and what it has shown so far."""

    def __init__(self, path, fixed, no_warm_up):
        self.path = path
        self.fixed = fixed
        self.no_warm_up = no_warm_up
        self.rounds = []  # of each: name -> tokens per second of its repetitions
        self.first = None  # the rows of the first round
        self.start_ms = []
        self.peak_mib = []

    def measure_start(self):
        """From nothing to one written token."""
        words = ["-p", "0", "-n", "1", "-r", "1", self.no_warm_up]
        _, seconds, _ = run([self.path, *self.fixed, *words])
        self.start_ms.append(1000 * seconds)

    def measure(self, words):
        output, _, peak = run([self.path, *self.fixed, *words])
        rows = parse_rows(output, self.path)
        self.first = self.first or rows
        self.rounds.append({row["name"]: row["samples_ts"] for row in rows})
        self.peak_mib.append(peak / 2**20)

    def samples(self, name):
        return [sample for tests in self.rounds for sample in tests[name]]


def spread(values):
    return {"median": statistics.median(values), "least": min(values), "greatest": max(values),
            "samples": values}


def compared(name, unit, ours, peer, ratios):
    return {"test": name, "unit": unit, "ours": spread(ours), "peer": spread(peer),
            "ratio": statistics.median(ratios), "ratios": ratios}


def compare(ours, peer):
    rows = []
    for row in ours.first:
        name = row["name"]
        if any(name not in tests for tests in peer.rounds):
            raise Failed(f"{peer.path}: has not measured {name}")
        ratios = [
            statistics.median(mine[name]) / statistics.median(its[name])
            for mine, its in zip(ours.rounds, peer.rounds)
        ]
        rows.append(compared(name, "tokens/s", ours.samples(name), peer.samples(name), ratios))
    # Less is better here; the ratio is turned over, so that above 1 always speaks for us.
    for name, unit, mine, its in (
        ("start", "ms", ours.start_ms, peer.start_ms),
        ("memory", "MiB", ours.peak_mib, peer.peak_mib),
    ):
        rows.append(compared(name, unit, mine, its, [b / a for a, b in zip(mine, its)]))
    return rows


def add_limits(rows, machine, model):
    """The share of what the machine gives: bandwidth when writing, FMA when reading a prompt."""
    bandwidth = statistics.median(sample["read_gb_s"]["median"] for sample in machine) * 1e9
    arithmetic = statistics.median(sample["float_fma_gop_s"]["median"] for sample in machine) * 1e9
    for row in rows:
        if row["test"].startswith("tg"):
            limit = bandwidth / model["token_weight_bytes"]
        elif row["test"].startswith("pp"):
            limit = arithmetic / (2 * model["token_multiply_adds"])
        else:
            continue
        row["limit"] = limit
        row["ours_of_limit"] = row["ours"]["median"] / limit
        row["peer_of_limit"] = row["peer"]["median"] / limit


def measure(arguments):
    common = ["-m", arguments.model, "-t", arguments.t, "-o", "json"]
    peer = Program(arguments.peer, common + shlex.split(arguments.peer_args), "--no-warmup")
    fixed = ["model", "bench", arguments.model, "-t", arguments.t, "--json"]
    ours = Program(arguments.ours, fixed + shlex.split(arguments.ours_args), "--no-warmup")
    tests = [word for option, values in (("-p", arguments.p), ("-n", arguments.n), ("-d", arguments.d))
             for word in (option, ",".join(map(str, values)))]
    machine = []
    for index in range(arguments.rounds):
        if sys.stderr.isatty():
            print(f"round {index + 1} of {arguments.rounds}", file=sys.stderr)
        machine.append(json.loads(run([arguments.machine, arguments.t])[0]))
        for program in (ours, peer):
            program.measure_start()
        for program in (ours, peer):
            program.measure([*tests, "-r", arguments.r])
    rows = compare(ours, peer)
    model = ours.first[0]
    add_limits(rows, machine, model)
    return {
        "model": arguments.model.name,
        "model_size": model["model_size"],
        "model_n_params": model["model_n_params"],
        "file_bytes": model["file_bytes"],
        "cpu_info": model["cpu_info"],
        "threads": arguments.t,
        "rounds": arguments.rounds,
        "repetitions": arguments.r,
        "kernels": model["kernels"],
        "load_ms": model["load_ms"],
        "peer_build": peer.first[0].get("build_commit"),
        "machine": machine,
        "tests": rows,
    }


def machine_line(machine, key, unit):
    values = [sample[key]["median"] for sample in machine]
    return f"{statistics.median(values):.1f} {unit} ({min(values):.1f}-{max(values):.1f})"


def show(result):
    print(f"{result['model']}: {result['model_n_params'] / 1e6:.1f} M parameters, "
          f"{result['model_size'] / 1e6:.1f} MB; {result['cpu_info']}, {result['threads']} threads; "
          f"{result['rounds']} rounds of {result['repetitions']}, kernels {result['kernels']}")
    machine = result["machine"]
    print(f"read {machine_line(machine, 'read_gb_s', 'GB/s')}, "
          f"float {machine_line(machine, 'float_fma_gop_s', 'GFLOP/s')}, "
          f"int16 {machine_line(machine, 'int16_madd_gop_s', 'GOP/s')}")
    print()
    print(f"{'test':<14}{'unit':<10}{'ours (least-greatest)':<30}{'peer (least-greatest)':<30}"
          f"{'ratio':>7}{'of limit: ours, peer':>22}")
    for row in result["tests"]:
        line = f"{row['test']:<14}{row['unit']:<10}"
        for side in ("ours", "peer"):
            values = row[side]
            line += f"{values['median']:.2f} ({values['least']:.2f}-{values['greatest']:.2f})".ljust(30)
        line += f"{row['ratio']:>7.2f}"
        if "limit" in row:
            line += f"{100 * row['ours_of_limit']:>15.0f} %{100 * row['peer_of_limit']:>3.0f} %"
        print(line)


def main():
    arguments = parse_arguments()
    try:
        result = measure(arguments)
    except Failed as error:
        sys.exit(f"compare: {error}")
    if arguments.json:
        print(json.dumps(result, indent=2))
    else:
        show(result)


if __name__ == "__main__":
    main()
