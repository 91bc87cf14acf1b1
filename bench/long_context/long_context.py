#!/usr/bin/env python3
"""What a long context costs a hybrid model, and what it would cost one of attention alone.

    bench/long_context/long_context.py --model FILE.gguf -d 0,4096,16384,65536,262144 -t 2 --svg OUT.svg

runs `orkestra model bench --fabricate` once per depth (states made up, see bench/README.md): tokens
per second of writing and of reading a further chunk, and the memory of the process at most. Beside
them stands what the same model would take if every layer were an attention layer, computed:

  memory  = measured + the layers that are not attention times one attention layer's keys and values
  seconds = measured + those layers times what an attention layer was measured to add at that depth

with as many KV heads as the model has ("same heads"), and with --kv-heads of them, for which seconds
are a lower bound: keys and values over the bandwidth of memory, nothing for arithmetic.
"""

import argparse
import json
import math
import pathlib
import statistics
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from svg import Drawing  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
GIB = 1 << 30


def parse_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--ours", default=ROOT / "build/release/bin/orkestra", type=pathlib.Path, metavar="FILE")
    add("--model", required=True)
    add("-d", "--depths", default="0,4096,16384,65536,262144", help="the first must be 0")
    add("-p", "--prompt", default=512, type=int, help="tokens of the chunk that is read, 0: none")
    add("-n", "--generate", default=32, type=int, help="tokens written")
    add("-t", "--threads", default=0, type=int)
    add("-r", "--repetitions", default=3, type=int)
    add("--kv", default="auto")
    add("--kv-heads", default=8, type=int, help="of the other model of attention alone")
    add("--svg", type=pathlib.Path, help="where to draw it")
    add("--json", action="store_true", help="print rows as JSON instead of a table")
    return parser.parse_args()


def run(*command):
    result = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if result.returncode != 0:
        sys.exit(f"{command[0]}: status {result.returncode}: {result.stderr.strip()}")
    return json.loads(result.stdout)


def bench(options, depth, *test):
    """One process; its only row."""
    rows = run(options.ours, "model", "bench", options.model, "--fabricate", "-d", depth, *test, "-t",
               options.threads, "-r", options.repetitions, "--kv", options.kv, "--json")
    return rows[0]


def speed(row):
    return statistics.median(row["samples_ts"])


def measure(options, depth):
    written = bench(options, depth, "-p", 0, "-n", options.generate)
    row = {"depth": depth, "decode": speed(written), "memory": written["peak_rss_bytes"],
           "state": written["state_bytes"], "weights": written["token_weight_bytes"]}
    if options.prompt > 0:
        read = bench(options, depth, "-p", options.prompt, "-n", 0)
        row["prefill"] = speed(read)
        row["memory"] = max(row["memory"], read["peak_rss_bytes"])
    return row


def compute(rows, n_layers, n_attention, wider):
    """Adds what a model of attention alone would take. wider: its KV heads per one of the model's."""
    first = rows[0]
    bandwidth = first["weights"] * first["decode"]  # the weights are what a token at depth 0 reads
    for row in rows:
        kept = (row["state"] - first["state"]) / max(1, n_attention)  # of one layer, at this depth
        took = max(0.0, 1 / row["decode"] - 1 / first["decode"]) / max(1, n_attention)
        more = n_layers - n_attention
        row["same_heads"] = {"memory": row["memory"] + more * kept,
                             "decode": 1 / (1 / row["decode"] + more * took)}
        read = kept * wider * n_layers
        row["more_heads"] = {"memory": first["memory"] + read,
                             "decode": 1 / (1 / first["decode"] + read / bandwidth)}


def name(depth):
    return f"{depth // 1024}K" if depth % 1024 == 0 and depth > 0 else str(depth)


def table(rows, options):
    lines = [
        f"| depth | decode, tokens/s | prefill {options.prompt}, tokens/s | memory, GiB | all "
        f"attention, same heads | all attention, {options.kv_heads} KV heads |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        prefill = f"{row['prefill']:.1f}" if "prefill" in row else "–"
        computed = " | ".join(
            f"{row[kind]['decode']:.1f} tokens/s, {row[kind]['memory'] / GIB:.2f} GiB"
            for kind in ("same_heads", "more_heads"))
        lines.append(f"| {name(row['depth'])} | {row['decode']:.1f} | {prefill} | "
                     f"{row['memory'] / GIB:.2f} | {computed} |")
    return "\n".join(lines)


WIDTH, HEIGHT, MARGIN = 420, 300, 50
COLOURS = {"hybrid, measured": "#1b6ca8", "all attention, same heads, computed": "#c9741a",
           "all attention, more KV heads, computed": "#8a8a8a"}


def panel(drawing, left, title, depths, curves):
    """One plot: curves by name, over depths that lie evenly."""
    most = max(max(values) for values in curves.values())
    ten = 10 ** math.floor(math.log10(most))
    step = next(ten * n for n in (0.2, 0.5, 1, 2) if ten * n * 6 >= most)
    n_steps = math.ceil(most / step)
    top = n_steps * step

    def x(i):
        return left + MARGIN + i * (WIDTH - 2 * MARGIN) / max(1, len(depths) - 1)

    def y(value):
        return HEIGHT - MARGIN - value / top * (HEIGHT - 2 * MARGIN)

    drawing.text(left + WIDTH / 2, 30, title, "middle", bold=True)
    for tick in range(n_steps + 1):
        value = tick * step
        drawing.line([(x(0), y(value)), (x(len(depths) - 1), y(value))], "#dddddd")
        drawing.text(x(0) - 6, y(value) + 4, f"{value:.3g}", "end")
    for i, depth in enumerate(depths):
        drawing.text(x(i), HEIGHT - MARGIN + 18, name(depth), "middle")
    for curve, values in curves.items():
        drawing.line([(x(i), y(value)) for i, value in enumerate(values)], COLOURS[curve], 2,
                     "" if curve.endswith("measured") else "5 3")


def draw(rows, path):
    depths = [row["depth"] for row in rows]
    kinds = dict(zip(COLOURS, (None, "same_heads", "more_heads")))

    def curves(value, unit):
        return {curve: [(row if kind is None else row[kind])[value] / unit for row in rows]
                for curve, kind in kinds.items()}

    drawing = Drawing(2 * WIDTH, HEIGHT + 40)
    panel(drawing, 0, "Memory of the process, GiB", depths, curves("memory", GIB))
    panel(drawing, WIDTH, "Tokens written per second", depths, curves("decode", 1))
    for i, (curve, colour) in enumerate(COLOURS.items()):
        at = (50, 230, 520)[i]
        drawing.line([(at, HEIGHT + 20), (at + 24, HEIGHT + 20)], colour, 2)
        drawing.text(at + 30, HEIGHT + 24, curve)
    drawing.write(path)


def main():
    options = parse_arguments()
    depths = [int(depth) for depth in options.depths.split(",")]
    if depths[0] != 0 or len(depths) < 2:
        sys.exit("long_context: -d must begin with 0 and have another depth")
    info = run(options.ours, "model", "info", options.model, "--json")
    attention = [layer for layer in info["layers"] if layer["mixer"] == "attention"]
    if not attention:
        sys.exit("long_context: this model has no attention layer")
    rows = [measure(options, depth) for depth in depths]
    heads = attention[0]["kv_heads"]
    compute(rows, len(info["layers"]), len(attention), options.kv_heads / heads)
    print(json.dumps(rows, indent=2) if options.json else table(rows, options))
    if options.svg:
        draw(rows, options.svg)


if __name__ == "__main__":
    main()
