#!/usr/bin/env python3
"""The running process under wearable batches over HTTP: Huawei's form, gzip, fsync before each 202, the sender on the same
machine. BUILD is a folder with the programs, such as build/release.

  wearable_bench.py BUILD [--batches N] [--accounts N] [--views idle] ...
      As fast as they are taken: samples/s accepted, through the stages (alerts on disk), and shown by the views. The views
      can't be left out of a site; --views idle gives their thread only the time that nothing else wants (SCHED_IDLE).
  wearable_bench.py BUILD --rate 50000 [--doctor N] ...
      At a steady rate of samples/s: a batch that raises an alert received to that alert on disk, as a reader sees it who
      polls GET /topics/alert/P, the poll's delay included. --doctor: so many decisions a second, from a task's $confirm
      posted to its judged answer.
  wearable_bench.py BUILD --day [--accounts N] [--samples N] [--step SECONDS] ...
      One batch of each account that covers a day: memory, bytes on disk, start-up; then 10 s of --surge samples/s, kill -9,
      and the time from the next start to the first alert that is raised after it.

Batches come from wearable_load. Checks that none was refused, that each low saturation raised its alert, and that nothing
was dead-lettered.
"""

import argparse
import http.client
import json
import os
import pathlib
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time

from site_under_load import AlertWatch, Run, load_average, percentiles

DAY = 86_400
SURGE_SECONDS = 10


class Bench:
    def __init__(self, arguments, folder):
        self.arguments = arguments
        self.folder = folder
        self.program = pathlib.Path(arguments.build).resolve() / "vitalog"
        self.generator = pathlib.Path(arguments.build).resolve() / "wearable_load"
        self.run = None

    def start(self):
        self.run = Run(str(self.program), self.arguments.set, self.folder)
        if self.arguments.views == "idle":
            (views,) = self.run.threads("views")
            os.sched_setscheduler(views, os.SCHED_IDLE, os.sched_param(0))
        return self.run

    def load(self, **options):
        """Whether nothing was refused; prints what the generator says."""
        words = [word for name, value in options.items() for word in (f"--{name.replace('_', '-')}", str(value))]
        done = subprocess.run([self.generator, "--to", self.run.http, "--seed", str(self.arguments.seed), "--connections",
                               str(self.arguments.connections), *words], capture_output=True, text=True)
        print(done.stdout.strip() + done.stderr)
        return done.returncode == 0

    def report_cpu(self):
        self.run.report_cpu()
        sender = resource.getrusage(resource.RUSAGE_CHILDREN)
        print(f"of the sender, its preparation included, {sender.ru_utime + sender.ru_stime:.1f}")

    def memory_parts(self):
        """Bytes of what the site accounts for."""
        found = re.findall(r'^vitalog_memory_bytes\{part="([^"]+)"\} (\S+)', self.run.get("/metrics"), re.M)
        return {part: float(size) for part, size in found}

    def nothing_dead(self):
        return all(not self.run.get(f"/topics/dead-letter/{p}?max=1") for p in range(self.run.partitions("dead-letter")))

    def sizes(self):
        """Bytes of the database's files by what they hold: state, ledger, topics (each segment is a column family)."""
        sizes = {}
        for path in (self.folder / "data/db").glob("*.sst"):
            name = column_family(path).split("/")
            name = f"topic {name[1]}" if name[0] == "log" else name[0]
            sizes[name] = sizes.get(name, 0) + path.stat().st_size
        sizes["views"] = sum(path.stat().st_size for path in (self.folder / "data").glob("views.sqlite*"))
        sizes["write-ahead log"] = sum(path.stat().st_size for path in (self.folder / "data/db").glob("*.log"))
        return sizes


def column_family(path):
    """Of an SST file, from its properties: each entry is three lengths, the end of its name, its value."""
    with open(path, "rb") as file:
        file.seek(max(0, path.stat().st_size - 65_536))
        tail = file.read()
    found = re.search(rb"column\.family\.id.{1,12}?(.)name", tail, re.S)
    if not found:
        sys.exit(f"{path} does not say what it holds")
    return tail[found.end():found.end() + found.group(1)[0]].decode()


class Doctor(threading.Thread):
    """Decides one open task after another, so many a second at most."""

    def __init__(self, run, rate):
        super().__init__()
        self.run_under_load = run
        self.pause = 1 / rate
        self.times = []
        self.wrong = []
        self.done = threading.Event()

    def run(self):
        connection = http.client.HTTPConnection(self.run_under_load.http)
        headers = {"X-User": "dr.li", "Content-Type": "application/json"}
        while not self.done.wait(self.pause):
            connection.request("GET", "/fhir/Task?status=requested&_count=1", headers=headers)
            found = json.loads(connection.getresponse().read()).get("entry", [])
            if not found:
                continue
            body = json.dumps({"text": "Please come to have this looked at"})
            posted = time.monotonic()
            connection.request("POST", f"/fhir/Task/{found[0]['resource']['id']}/$confirm", body, headers)
            answer = connection.getresponse()
            text = answer.read().decode()
            self.times.append(time.monotonic() - posted)
            if answer.status != 200 or json.loads(text)["status"] != "completed":
                self.wrong.append(text)

    def finish(self):
        self.done.set()
        self.join()
        print(f"decision posted to judged answer: {percentiles(self.times)}, {len(self.times)} decisions")
        if self.wrong:
            print(f"{len(self.wrong)} not judged as decided, such as {self.wrong[0][:300]}")
        return bool(self.times) and not self.wrong


def lows(batches, every):
    """How many batches with a low saturation are among so many others."""
    return batches // every if every else 0


def throughput(bench):
    a = bench.arguments
    run = bench.start()
    ok = bench.load(accounts=a.accounts, batches=a.batches, samples=a.samples, step=a.step, low_every=a.low_every)
    bench.report_cpu()
    watch = AlertWatch(run, from_start=True)
    seen = watch.finish(lows(a.batches, a.low_every), a.patience)
    print(f"{len(seen)} persons with an alert")
    return ok and len(seen) == lows(a.batches, a.low_every) and bench.nothing_dead()


def steady(bench):
    a = bench.arguments
    run = bench.start()
    run.post("/directory", json.dumps({"team": "general", "members": [{"user": "dr.li", "phone": "13800000001"}],
                                       "duty_doctor": "dr.li", "duty_group": "general"}) + "\n", "application/x-ndjson")
    watch = AlertWatch(run)
    doctor = Doctor(run, a.doctor) if a.doctor else None
    if doctor:
        doctor.start()
    ok = bench.load(accounts=a.accounts, batches=a.batches, samples=a.samples, step=a.step, rate=a.rate, low_every=a.low_every)
    wanted = lows(a.batches, a.low_every)
    seen = watch.finish(wanted, a.patience)
    print(f"received to alert seen on disk: {percentiles(seen.values())}, {len(seen)} persons with an alert")
    if doctor:
        ok = doctor.finish() and ok
    bench.report_cpu()
    return ok and len(seen) == wanted and bench.nothing_dead()


def day(bench):
    a = bench.arguments
    step = a.step if a.step > 1 else DAY // a.samples
    run = bench.start()
    ok = bench.load(accounts=a.accounts, batches=a.accounts, samples=a.samples, step=step)
    samples = a.accounts * a.samples
    gib = 1 << 30
    print(f"{a.accounts} persons, {a.samples} samples each, one every {step} s; resident {run.memory() / gib:.2f} GiB, at most "
          f"{run.memory('VmHWM') / gib:.2f} GiB, of which " + ", ".join(
              f"{part} {size / gib:.2f}" for part, size in bench.memory_parts().items()))
    bench.report_cpu()
    begun = time.monotonic()
    run.stop()
    print(f"stopped in {time.monotonic() - begun:.1f} s")
    run = bench.start()
    print(f"started in {run.seconds_to_ready:.2f} s, resident {run.memory() / gib:.2f} GiB")
    run.stop()
    run = bench.start()  # what was in RocksDB's write-ahead log has become files
    print(f"started again in {run.seconds_to_ready:.2f} s")
    for name, size in sorted(bench.sizes().items(), key=lambda entry: -entry[1]):
        print(f"  {name:<22} {size / 1e6:>9.1f} MB {size / samples:>7.2f} bytes a sample")
    batches = a.surge * SURGE_SECONDS // 100
    ok = bench.load(accounts=min(a.accounts, batches), batches=batches, rate=a.surge, bind=0, wait=0) and ok
    print(f"killed with lag {run.lag()}")
    run.kill()
    begun = time.monotonic()
    run = bench.start()
    watch = AlertWatch(run)
    ok = bench.load(accounts=1, batches=1, low_every=1, wait=0) and ok
    seen = watch.finish(1, a.patience)
    print(f"after kill -9: ready in {run.seconds_to_ready:.2f} s, first alert of a batch sent then on disk after "
          f"{time.monotonic() - begun:.2f} s, resident {run.memory() / gib:.2f} GiB")
    return ok and len(seen) == 1 and bench.nothing_dead()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build")
    parser.add_argument("--batches", type=int, default=60_000)
    parser.add_argument("--accounts", type=int, default=10_000)
    parser.add_argument("--samples", type=int, default=100, help="of a batch")
    parser.add_argument("--step", type=int, default=1, help="seconds between samples")
    parser.add_argument("--low-every", type=int, default=100, help="a batch that raises an alert after so many others")
    parser.add_argument("--rate", type=int, default=0)
    parser.add_argument("--doctor", type=float, default=0)
    parser.add_argument("--day", action="store_true")
    parser.add_argument("--surge", type=int, default=300_000)
    parser.add_argument("--views", choices=("usual", "idle"), default="usual")
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--patience", type=float, default=120)
    parser.add_argument("--keep", action="store_true", help="leave the data directory and the log")
    parser.add_argument("--set", action="append", default=[])
    arguments = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="vitalog-wearable-bench-"))
    print(f"settings {arguments.set or 'as built'}, views {arguments.views}, load average {load_average()} before", flush=True)
    bench = Bench(arguments, folder)
    try:
        ok = (day if arguments.day else steady if arguments.rate else throughput)(bench)
    finally:
        if bench.run:
            bench.run.kill()
        if arguments.keep:
            print(f"kept {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    if not ok:
        sys.exit("wrong result: a batch was refused or dead-lettered, or an alert is missing")


if __name__ == "__main__":
    main()
