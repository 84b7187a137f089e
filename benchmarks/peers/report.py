"""The table and the plot of a comparison."""

import pathlib

import svg_chart  # scripts/, which run_peers.py adds to the path

MIB = 1 << 20
COLORS = {"vitalog": "#1f6fb2", "kafka-streams": "#b2471f"}


def quantile(ordered, share):
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def lines_of(options, figures):
    """(what, of which worker more is better, its figure as a function, how it is written)."""
    ms = lambda share: lambda f: 1000 * quantile(f.latencies, share) if f.latencies else None
    return [("records/s", True, lambda f: f.rate, "{:,.0f}"),
            ("records per CPU-second of the worker", True, lambda f: f.per_cpu_second, "{:,.0f}"),
            ("broker's CPU-seconds to one of the worker", False, lambda f: f.broker_cpu_share, "{:.2f}"),
            (f"due to committed alert at {options.rate:,}/s, p50, ms", False, ms(0.5), "{:.1f}"),
            ("p99, ms", False, ms(0.99), "{:.1f}"),
            ("p99.9, ms", False, ms(0.999), "{:.1f}"),
            (f"resident at most, {options.persons:,} persons, MiB", False, lambda f: f.resident / MIB, "{:,.0f}"),
            ("start after kill -9 to the first new alert, s", False, lambda f: f.recovery, "{:.2f}"),
            ("written by the worker to disk, bytes a record", False, lambda f: f.to_disk, "{:,.0f}"),
            ("written by the broker to disk, bytes a record", False, lambda f: f.broker_to_disk, "{:,.0f}"),
            ("written to topics, bytes a record as sent", False, lambda f: f.topics, "{:,.0f}")]


def ratio(mine, other, more):
    if not mine or not other:
        return ""
    times = mine / other if more else other / mine
    return f"{times:.2f} times better" if times >= 1 else f"{1 / times:.2f} times worse"


def table(options, used, figures):
    rows = [["", *[worker.name for worker in used], "vitalog is"]]
    for what, more, figure, form in lines_of(options, figures):
        values = [figure(figures[worker.name]) for worker in used]
        if any(value is not None for value in values):
            rows.append([what, *["" if value is None else form.format(value) for value in values],
                         ratio(*values, more) if len(values) == 2 else ""])
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "".join("  ".join([row[0].ljust(widths[0]), *[cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]]) + "\n"
                   for row in rows)


def text(options, used, versions, figures, plan):
    load = pathlib.Path("/proc/loadavg").read_text().split()[0]
    said = (f"{options.records:,} records of {options.persons:,} persons, seed {options.seed}; load average {load} at the end; "
            f"broker {plan.version}, heap {plan.heap}\n")
    if not options.quick:
        said += table(options, used, figures)
    for worker in used:
        said += f"{worker.name}: {versions[worker.name]}; " + " ".join(
            [*getattr(worker, "java", []), *(f"{key}={value}" for key, value in worker.settings.items())]) + "\n"
    return said


def panel(lines, title, top, unit):
    """A chart of the workers: `lines` are {worker: [(x, y), ...]}."""
    return svg_chart.panel([(COLORS[name], points) for name, points in lines.items()], title, top,
                           lambda x: f"{x:.4g} {unit}")


def draw(options, rows, figures, path):
    by_worker = {name: [row for row in rows if row.worker == name] for name in figures}
    title = f"{options.records:,} records of {options.persons:,} persons, seed {options.seed}; vitalog blue, Kafka Streams red"
    parts = panel({name: [(row.seconds, row.records / 1e6) for row in mine] for name, mine in by_worker.items()},
                  "records committed, millions; killed once" if not options.no_kill else "records committed, millions", 60, "s")
    parts += panel({name: [(row.seconds, row.resident / MIB) for row in mine] for name, mine in by_worker.items()},
                   "resident memory of the worker, MiB", 320, "s")
    shares = [i / 1000 for i in range(0, 1000, 5)] + [0.999]
    parts += panel({name: [(100 * share, 1000 * quantile(f.latencies, share)) for share in shares]
                    for name, f in figures.items() if f.latencies},
                   f"due to committed alert at {options.rate:,} samples a second, ms, by share of alerts", 580, "%")
    path.write_text(svg_chart.page(title, 820, parts))
