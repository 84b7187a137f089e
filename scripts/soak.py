#!/usr/bin/env python3
"""The soak that scripts/soak starts: `vitalog run` under `vitalog simulate`, sampled by GET /metrics and GET /lag.

Judged after the warm-up, a third of the time:
- memory: of the resident memory, what the site accounts for by itself (vitalog_memory_bytes: caches, write buffers,
  entities, each with a bound of its own) may still fill. The line through the rest must not rise by more than a tenth of
  where it begins, or the floor (--floor, 24 MiB) where that is more, over the rest of the time;
- lag: the last third must not lag at the median by four tenths more than the third before it (and 200 records; lag that
  grows from zero does by two thirds), and all of it must be gone within --settle seconds after the last message;
- the simulation must end without a refusal, no record may be a dead letter, and the site must stop cleanly.

Writes samples.csv, soak.svg and summary.txt to --out. Python's standard library only.
"""

import argparse
import csv
import pathlib
import re
import statistics
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests/e2e"))
import svg_chart
from running_site import Site, call

MIB = 1 << 20
SMALL = ["log.cache=16MiB", "state.memory_budget=64MiB"]
SAMPLE = re.compile(r"^(\w+)(?:\{([^}]*)\})? (\S+)$", re.MULTILINE)
FIELDS = ["seconds", "resident_mib", "rest_mib", "open_files", "lag", "stages_lag", "views_lag", "messages", "records"]


def sample(site, begun):
    """One row of FIELDS."""
    metrics = {}
    for name, _, value in SAMPLE.findall(call(site.url + "/metrics")[1]):
        metrics[name] = metrics.get(name, 0) + float(value)
    lag = site.get("/lag")[1]
    views = lag["stages"].get("views", 0)
    return {"seconds": round(time.monotonic() - begun, 2),
            "resident_mib": round(metrics["process_resident_memory_bytes"] / MIB, 2),
            "rest_mib": round((metrics["process_resident_memory_bytes"] - metrics["vitalog_memory_bytes"]) / MIB, 2),
            "open_files": int(metrics["process_open_fds"]),
            "lag": lag["records"] + lag["effects"],
            "stages_lag": int(metrics.get("vitalog_lag_records", 0)),
            "views_lag": views,
            "messages": int(metrics.get("vitalog_messages_in_total", 0)),
            "records": int(metrics.get("vitalog_view_records_total", 0))}


def settle(site, begun, rows, seconds):
    """Samples until there is no lag; the seconds that took, or None."""
    since = time.monotonic()
    while time.monotonic() - since < seconds:
        rows.append(sample(site, begun))
        if rows[-1]["lag"] == 0:
            return time.monotonic() - since
        time.sleep(0.1)
    return None


def rise(rows):
    """(where the fitted line of the rest of memory begins, by how much it rises), MiB; least squares."""
    xs, ys = [row["seconds"] for row in rows], [row["rest_mib"] for row in rows]
    slope, intercept = statistics.linear_regression(xs, ys)
    return intercept + slope * xs[0], slope * (xs[-1] - xs[0])


def judge(rows, duration, floor_mib):
    """What is wrong with the samples that were taken under load."""
    warm = [row for row in rows if row["seconds"] >= duration / 3]
    if len(warm) < 6:
        return ["too few samples: take a longer --duration or a shorter --every"], (0, 0)
    problems = []
    begins, rises = rise(warm)
    if rises > max(0.1 * begins, floor_mib):
        problems.append(f"memory that nothing accounts for grows: by {rises:.1f} MiB from {begins:.1f} MiB after the warm-up")
    half = len(warm) // 2
    before, after = (statistics.median(row["lag"] for row in part) for part in (warm[:half], warm[half:]))
    if after > 1.4 * before + 200:
        problems.append(f"lag grows: {before:.0f} records at the median, then {after:.0f}")
    return problems, (begins, rises)


def draw(rows, path, title):
    def panel(fields, title, top):
        return svg_chart.panel([(color, [(row["seconds"], row[field]) for row in rows]) for field, color in fields.items()],
                               title, top, "{:.0f} s".format)

    path.write_text(svg_chart.page(title, 560, [
        *panel({"resident_mib": "#1f6fb2", "rest_mib": "#2f8f4f"},
               "resident memory, MiB (blue); of it beside caches, buffers and entities (green)", 60),
        *panel({"lag": "#b2471f"}, "lag, records not yet applied (views included)", 320)]))


def arguments():
    parser = argparse.ArgumentParser(description="a site under a simulated city: memory and lag, sampled, judged, drawn")
    parser.add_argument("--binary", required=True)
    parser.add_argument("--duration", type=int, default=600, help="seconds (600)")
    parser.add_argument("--rate", type=int, default=500, help="messages and batches a second (500)")
    parser.add_argument("--persons", type=int, default=2000, help="in the city (2000)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--every", type=float, default=1.0, help="seconds between samples (1)")
    parser.add_argument("--settle", type=float, default=30.0, help="seconds that lag may take to end (30)")
    parser.add_argument("--floor", type=float, default=24.0, help="MiB that memory may always rise (24)")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a setting of the site")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("build/soak"))
    return parser.parse_args()


def run(options, site):
    """(rows under load, all rows, the simulation's summary, problems)."""
    simulate = subprocess.Popen(
        [options.binary, "simulate", "--mllp", site.mllp, "--url", site.url, "--seed", str(options.seed), "--persons",
         str(options.persons), "--rate", str(options.rate), "--duration", f"{options.duration}s", "--quiet"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    rows, problems = [], []
    try:
        simulate.stdout.readline()  # the directory is told; the load begins
        begun = time.monotonic()
        while simulate.poll() is None:
            rows.append(sample(site, begun))
            print(f"\r{rows[-1]['seconds']:7.1f} s  {rows[-1]['resident_mib']:8.1f} MiB  lag {rows[-1]['lag']:6d} ",
                  end="", file=sys.stderr)
            time.sleep(options.every)
        print(file=sys.stderr)
    finally:
        simulate.kill()
    summary = simulate.stdout.read()
    if simulate.returncode != 0:
        problems.append(f"vitalog simulate ended with exit code {simulate.returncode}")
    loaded = list(rows)
    took = settle(site, begun, rows, options.settle)
    if took is None:
        problems.append(f"lag is not gone {options.settle:g} s after the load: {rows[-1]['lag']} records")
    else:
        summary += f"lag gone {took:.1f} s after the load\n"
    letters = sum(1 for _ in site.topic("dead-letter"))
    if letters:
        problems.append(f"{letters} dead letters")
    return loaded, rows, summary, problems


def main():
    options = arguments()
    options.out.mkdir(parents=True, exist_ok=True)
    site = Site(options.binary, *(word for setting in SMALL + options.set for word in ("--set", setting)))
    try:
        version = site.start()["version"]
        loaded, rows, summary, problems = run(options, site)
        if (code := site.stop()) != 0:
            problems.append(f"vitalog run ended with exit code {code}")
    finally:
        site.remove()
    found, (begins, rises) = judge(loaded, options.duration, options.floor)
    problems += found
    title = (f"vitalog {version}, {options.rate} messages and batches a second for {options.duration} s, "
             f"{options.persons} persons, seed {options.seed}")
    with open(options.out / "samples.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, FIELDS)
        writer.writeheader()
        writer.writerows(rows)
    draw(rows, options.out / "soak.svg", title)
    peak = max(row["resident_mib"] for row in rows)
    summary = (f"{title}\n{summary}resident at most {peak:.1f} MiB; beside caches, buffers and entities {begins:.1f} MiB after the "
               f"warm-up, {rises:+.1f} MiB from then on\nlag at most {max(row['lag'] for row in rows)} records\nopen files at most "
               f"{max(row['open_files'] for row in rows)}\n")
    summary += "".join(f"FAILED: {problem}\n" for problem in problems) or "passed\n"
    (options.out / "summary.txt").write_text(summary)
    print(summary, end="")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
