#!/usr/bin/env python3
"""How long a shard on a Kafka cluster stands still when its process is killed, and when processes come and go by plan.

    benchmarks/kafka_recovery_bench.py --build build/release                  1 GB of state, some twenty minutes
    benchmarks/kafka_recovery_bench.py --build build/release --state-mb 20    a small form

Two processes of the role care share the partitions of `person`, filled until the snapshots of their state take --state-mb
on the broker's disk; then samples of a few thousand of the persons come at --rate, so that each partition of `risk` gets a
record every few milliseconds.
From an event to the first record behind the end that a partition of the process had then, or, where a process comes by
plan, the longest silence of any partition until all flow again:

  same       kill -9, started again at once on its own folder
  standby    kill -9 with log.standby = 1: the other goes on with what it followed
  neither    kill -9 with log.standby = 0: the other restores the shards from the cluster
  leaves     SIGTERM, log.standby = 1
  joins      the process that left comes back

The first figure is of the first partition, the second of the last. In all but `same` and `joins` log.session is part of it: for
so long the cluster waits for the one that is gone. Beside them stands what the log says of the restores: snapshots read,
seconds waited for open transactions, seconds read. Says the machine's load, and writes results.json to --out.
"""

import argparse
import json
import os
import pathlib
import re
import shutil
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE / "peers"), str(HERE.parent / "tests/e2e"), str(HERE.parent / "scripts")]
import run_peers
import results
import workers
from confluent_kafka import TopicPartition
from running_site import call

OUTPUT = "risk"
GROUP = "vitalog.care"
SAMPLES = 4  # of each person, to fill
PROBE_PERSONS = 4000
ILL_ONE_IN = 600
PATIENCE = 900
FOLLOWING = 2000  # snapshots that a standby may be behind before an event
SETTLED = 3  # seconds in which every partition must flow


def arguments():
    parser = argparse.ArgumentParser(description="Times of recovery and rebalance on a Kafka cluster")
    parser.add_argument("--build", type=pathlib.Path, required=True, help="folder with vitalog and vitals_load")
    parser.add_argument("--state-mb", type=int, default=1000, help="snapshots on the broker's disk (1000)")
    parser.add_argument("--rate", type=int, default=2000, help="samples a second meanwhile (2000)")
    parser.add_argument("--session", default="10s", help="log.session (10s)")
    parser.add_argument("--repeat", type=int, default=3, help="of each event (3)")
    parser.add_argument("--heap", default="1g", help="of the broker (1g)")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("build/kafka-recovery"))
    options = parser.parse_args()
    options.ill_one_in = ILL_ONE_IN
    options.persons = PROBE_PERSONS
    return options


class Member(workers.Vitalog):
    """A process of the site, over a folder of its own."""

    def __init__(self, folder, bootstrap, options, name):
        self.name = name
        super().__init__(folder, bootstrap, options.build / "vitalog")
        self.settings = {**self.settings, "log.session": options.session}
        self.standby = 1

    def command(self):
        given = {**self.settings, "log.brokers": self.bootstrap, "log.instance": self.name, "log.standby": self.standby}
        return [self.binary, "run", "--roles", "care", "--data-dir", str(self.folder / "data"), "--http",
                f"127.0.0.1:{self.port}", *(word for key, value in given.items() for word in ("--set", f"{key}={value}"))]

    def metric(self, name):
        """The sum over labels; None where it is not there."""
        found = re.findall(rf"^{name}(?:\{{[^}}]*\}})? (\S+)$", self.metrics(), re.M)
        return sum(map(float, found)) if found else None

    def metrics(self):
        try:
            return call(f"http://127.0.0.1:{self.port}/metrics")[1]
        except OSError:
            return ""

    def follows(self):
        """Close behind, while snapshots are written all the time."""
        lag = self.metric("vitalog_standby_lag_records")
        return (self.metric("vitalog_standbys") or 0) > 0 and lag is not None and lag <= FOLLOWING

    def copy_bytes(self):
        return sum(file.stat().st_size for file in (self.folder / "data").rglob("*") if file.is_file())

    def log_size(self):
        return (self.folder / "run.log").stat().st_size

    def restored_since(self, size):
        """(snapshots, seconds waited, seconds read at most) of the restores that its log tells since then."""
        with open(self.folder / "run.log") as log:
            log.seek(size)
            found = re.findall(r"event=restored .*?records=(\d+) waited=(\S+) seconds=(\S+)", log.read())
        if not found:
            return 0, 0.0, 0.0
        return sum(int(r) for r, _, _ in found), max(float(w) for _, w, _ in found), max(float(s) for _, _, s in found)


class Outputs(threading.Thread):
    """Follows the partitions of the output as a reader of committed records: when each got which offset."""

    def __init__(self, bootstrap):
        super().__init__(daemon=True)
        self.watcher = results.consumer(bootstrap, group_id="recovery-watch", fetch_wait_max_ms=20)
        self.asking = results.consumer(bootstrap, group_id="recovery-ask", isolation_level="read_uncommitted")
        self.partitions = results.partitions_of(self.asking, OUTPUT)
        self.lock, self.seen, self.running = threading.Lock(), {p: [] for p in self.partitions}, True

    def run(self):
        ends = self.ends()
        self.watcher.assign([TopicPartition(OUTPUT, p, ends[p]) for p in self.partitions])
        while self.running:
            messages = self.watcher.consume(1000, 0.05)
            now = time.monotonic()
            with self.lock:
                for message in messages:
                    if not message.error():
                        self.seen[message.partition()].append((now, message.offset()))

    def ends(self):
        """Behind the last record of each, of transactions that are open too."""
        return {p: self.asking.get_watermark_offsets(TopicPartition(OUTPUT, p), 30)[1] for p in self.partitions}

    def first_since(self, partition, offset):
        with self.lock:
            return next((at for at, seen in self.seen[partition] if seen >= offset), None)

    def silence(self, partition, since):
        """The longest time without a record since then, up to now."""
        with self.lock:
            times = [since] + [at for at, _ in self.seen[partition] if at > since] + [time.monotonic()]
        return max(later - earlier for earlier, later in zip(times, times[1:]))

    def flows(self):
        now = time.monotonic()
        with self.lock:
            return all(seen and now - seen[-1][0] < SETTLED / 3 for seen in self.seen.values())

    def forget(self):
        with self.lock:
            self.seen = {p: seen[-1:] for p, seen in self.seen.items()}

    def close(self):
        self.running = False
        self.join()
        self.watcher.close()
        self.asking.close()


class Bench:
    def __init__(self, options, folder):
        self.options = options
        self.broker = run_peers.Broker(folder / "kafka", options.heap)
        self.folder = folder
        self.one, self.two = (Member(folder, self.broker.bootstrap, options, name) for name in ("one", "two"))
        self.rows, self.feeding = [], None

    def until(self, condition, what):
        workers.wait_until(condition, what, PATIENCE, every=0.05)

    def fill(self):
        """Persons until their state takes what is wanted: how much one takes is measured first."""
        self.pour(PROBE_PERSONS)
        each = self.state_bytes() / PROBE_PERSONS
        self.options.persons = max(PROBE_PERSONS, int(self.options.state_mb * 1e6 / each))
        self.pour(self.options.persons)
        print(f"{self.options.persons} persons, snapshots of {self.state_bytes() / 1e6:.0f} MB on the broker's disk, "
              f"a copy of {self.one.copy_bytes() / 1e6:.0f} MB", file=sys.stderr)

    def pour(self, persons):
        self.options.persons = persons
        filling = run_peers.load(self.options, self.broker, self.folder, "--records", persons * SAMPLES)
        if filling.wait() != 0:
            sys.exit("the input could not be written")
        self.one.start()
        run_peers.catch_up(self.broker, self.one)
        self.one.stop()  # writes all that it holds

    def state_bytes(self):
        return self.broker.bytes_of([GROUP + ".state"])

    def shards(self, member):
        return member.metric("vitalog_shards") or 0

    def share(self):
        """Until each has half of the shards, everything flows, and whoever stands by has followed."""
        half = workers.PARTITIONS / 2
        self.until(lambda: self.shards(self.one) == half and self.shards(self.two) == half, "the shards are shared")
        self.settle()

    def settle(self):
        since = time.monotonic()
        while time.monotonic() - since < SETTLED:
            for member in (self.one, self.two):
                member.check()
            following = all(m.follows() for m in (self.one, self.two) if m.standby)
            if not self.outputs.flows() or not following:
                since = time.monotonic()
            time.sleep(0.1)
        self.outputs.forget()

    def theirs(self):
        """The partitions of `one`: by range, the first half."""
        return list(range(workers.PARTITIONS // 2))

    def event(self, name, act, successor):
        size = successor.log_size()
        begun = time.monotonic()
        act()
        ends = self.outputs.ends()
        first = lambda: [self.outputs.first_since(p, ends[p]) for p in self.theirs()]
        self.until(lambda: None not in first(), f"{name}: outputs flow again")
        times = [at - begun for at in first()]
        self.note(name, min(times), max(times), successor.restored_since(size))

    def note(self, name, first, last, restored):
        row = {"event": name, "first": round(first, 2), "last": round(last, 2), "snapshots": restored[0],
               "waited": restored[1], "read": restored[2], "load": os.getloadavg()[0]}
        self.rows.append(row)
        print(" ".join(f"{key}={value}" for key, value in row.items()), file=sys.stderr)

    def same(self):
        def act():
            self.one.kill()
            self.one.start()
        self.event("same", act, self.one)
        self.share()

    def standby(self):
        self.event("standby", self.one.kill, self.two)
        self.one.start()
        self.share()

    def leaves_and_joins(self):
        self.event("leaves", self.one.stop, self.two)
        self.settle_alone()
        size, begun = self.one.log_size(), time.monotonic()
        self.one.start()
        self.until(lambda: self.shards(self.one) == workers.PARTITIONS / 2, "the shards are shared")
        self.until(self.outputs.flows, "outputs flow again")
        silences = [self.outputs.silence(p, begun) for p in self.outputs.partitions]
        self.note("joins", min(silences), max(silences), self.one.restored_since(size))
        self.share()

    def settle_alone(self):
        self.until(self.outputs.flows, "outputs flow")
        time.sleep(SETTLED)

    def neither(self):
        """A process that never saw the shards: its folder is emptied, and it follows nothing."""
        self.two.stop()
        shutil.rmtree(self.two.folder / "data")
        self.two.standby = self.one.standby = 0
        self.two.start()
        self.share()
        self.event("neither", self.one.kill, self.two)
        self.one.start()
        self.share()

    def run(self):
        try:
            self.fill()
            self.options.persons = PROBE_PERSONS
            self.feeding = run_peers.load(self.options, self.broker, self.folder, "--records", self.options.rate * 7200, "--rate",
                                          self.options.rate, "--control", "0", "--seed", "2")
            self.one.start()
            self.two.start()
            self.outputs = Outputs(self.broker.bootstrap)
            self.outputs.start()
            self.share()
            for event in (self.same, self.standby, self.leaves_and_joins, self.neither):
                for _ in range(self.options.repeat):
                    event()
            self.outputs.close()
        finally:
            if self.feeding:
                self.feeding.kill()
            for member in (self.one, self.two):
                member.ended()
            self.broker.cluster.down()


def main():
    options = arguments()
    options.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="vitalog-recovery-") as folder:
        bench = Bench(options, pathlib.Path(folder))
        bench.run()
    (options.out / "results.json").write_text(json.dumps(bench.rows, indent=1) + "\n")
    print(f"{'event':8} {'first s':>8} {'last s':>8} {'snapshots':>10} {'waited s':>9} {'read s':>7} {'load':>6}")
    for row in bench.rows:
        print(f"{row['event']:8} {row['first']:8.2f} {row['last']:8.2f} {row['snapshots']:10} {row['waited']:9.2f} "
              f"{row['read']:7.2f} {row['load']:6.1f}")


if __name__ == "__main__":
    main()
