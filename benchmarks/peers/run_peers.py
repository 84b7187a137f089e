#!/usr/bin/env python3
"""The comparison that benchmarks/run-peers starts: `vitalog run --roles care` and the same job in Kafka Streams
(benchmarks/peers/kafka-streams), one after the other on one broker, over the same records of the same topic.

1. Input: --records samples of --persons persons, all at once.
2. Each works through it alone. Measured from 30 % of it to 85 %; at 90 % the worker is killed (kill -9), started again on
   its own folder half a second later, and timed from that start to its first new alert readable with read_committed.
3. Each alone, caught up, takes --rate samples a second for --seconds; from when a sample was due to be sent to when what
   it changed in an episode is readable with read_committed. The first 40 % of that time is not counted.
4. What both wrote must be equal, or this fails: per person every change of an episode, its times, band and score.

--quick: few records, no kill, no rate: says whether the results are equal. Writes summary.txt, rows.csv and peers.svg to
--out.
"""

import argparse
import contextlib
import csv
import dataclasses
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(ROOT / "tests/e2e"), str(ROOT / "scripts")]
import clients

clients.enter_kafka_environment("run-peers")
import kafka_cluster
import report
import results
import workers
from confluent_kafka.admin import AdminClient, NewTopic

SKIPPED = 77
ILL_ONE_IN = 600
QUICK = {"persons": 300, "records": 12_000, "ill_one_in": 60, "rate": 0, "no_kill": True, "heap": "512m",
         "java": ["-Xms128m", "-Xmx512m"]}
FROM, UNTIL, KILL = 0.3, 0.85, 0.9
WARM = 0.4
EVERY = 0.1  # seconds between samples
JOB_SECONDS = 3600
SESSION = 60_000  # milliseconds: the one broker is not given up where the machine is busy
SETTLED = 0.5  # seconds after which what a killed worker had committed is readable
RECOVERY_SECONDS = 600
TAIL_SECONDS = 5


def arguments():
    parser = argparse.ArgumentParser(description="Vitalog and Kafka Streams at the same job, measured and compared")
    parser.add_argument("--build", type=pathlib.Path, required=True, help="folder with vitalog and vitals_load")
    parser.add_argument("--peer-build", type=pathlib.Path, default=os.environ.get("VITALOG_PEER_BUILD"),
                        help="where the peer is compiled ($VITALOG_PEER_BUILD; BUILD/kafka-streams)")
    parser.add_argument("--persons", type=int, default=100_000, help="(100000)")
    parser.add_argument("--records", type=int, default=10_000_000, help="(10000000)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rate", type=int, default=20_000, help="samples a second of the third part; 0: without it (20000)")
    parser.add_argument("--seconds", type=int, default=100, help="of the third part (100)")
    parser.add_argument("--no-kill", action="store_true")
    parser.add_argument("--only", choices=["vitalog", "kafka-streams"], help="one of them; nothing is compared")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a setting of vitalog")
    parser.add_argument("--peer-set", action="append", default=[], metavar="KEY=VALUE", help="a setting of Kafka Streams")
    parser.add_argument("--java", action="append", default=[], metavar="OPTION", help="of the peer's Java, after its own")
    parser.add_argument("--heap", default="1g", help="of the broker (1g)")
    parser.add_argument("--quick", action="store_true", help="only whether the results are equal, on few records")
    parser.add_argument("--dir", type=pathlib.Path, help="folder for everything, kept; a new or empty one")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("build/peers"))
    options = parser.parse_args()
    options.ill_one_in = ILL_ONE_IN
    if options.quick:
        vars(options).update(QUICK)
    options.peer_build = pathlib.Path(options.peer_build or options.build / "kafka-streams").resolve()
    return options


class Broker:
    """One broker for all, of this process."""

    def __init__(self, folder, heap):
        begun = subprocess.run([str(ROOT / "scripts/kafka"), "up", "--dir", str(folder), "--owner", str(os.getpid()), "--heap",
                                heap, "--set", f"broker.session.timeout.ms={SESSION}"], stdout=subprocess.DEVNULL)
        if begun.returncode != 0:
            sys.exit(begun.returncode)
        self.cluster = kafka_cluster.Cluster(folder)
        self.plan = self.cluster.plan()
        self.bootstrap = self.plan.bootstrap

    def usage(self):
        return workers.Usage.of(self.cluster.pid(1))

    def bytes_of(self, prefixes):
        """What the topics whose names begin so take on its disk."""
        data = self.cluster.broker_folder(1) / "data"
        return sum(file.stat().st_size for folder in data.iterdir() if folder.name.startswith(tuple(prefixes))
                   for file in folder.glob("*.log"))

    def create(self, topic, partitions):
        admin = AdminClient({"bootstrap.servers": self.bootstrap})
        admin.create_topics([NewTopic(topic, partitions)])[topic].result(results.PATIENCE)


@dataclasses.dataclass
class Row:
    worker: str
    seconds: float
    records: int
    cpu: float
    resident: int


@dataclasses.dataclass
class Figures:
    """Of one worker. Rates and bytes are of the measured part of the second step."""

    rate: float = 0
    per_cpu_second: float = 0
    broker_cpu_share: float = 0  # broker's CPU seconds for each of the worker's
    resident: int = 0
    to_disk: float = 0  # a record, by the worker
    broker_to_disk: float = 0  # a record
    topics: float = 0  # bytes a record in topics
    recovery: float = None
    latencies: list = dataclasses.field(default_factory=list)


def load(options, broker, folder, *flags):
    words = [options.build / "vitals_load", "--brokers", broker.bootstrap, "--dir", folder / "load", "--partitions",
             workers.PARTITIONS, "--persons", options.persons, "--ill-one-in", options.ill_one_in, *flags]
    return subprocess.Popen([str(word) for word in words], stdout=subprocess.PIPE, text=True)


def fill(options, broker, folder):
    filling = load(options, broker, folder, "--records", options.records, "--seed", options.seed)
    said = filling.communicate()[0]
    if filling.returncode != 0:
        sys.exit("the input could not be written")
    print(f"input: {said.strip()}", file=sys.stderr)


class Run:
    """The second step with one worker."""

    def __init__(self, options, broker, worker):
        self.options, self.broker, self.worker = options, broker, worker
        self.progress = results.Progress(broker.bootstrap, worker.group, workers.INPUT)
        self.rows, self.brokers = [], []
        self.figures = Figures()

    def sample(self):
        self.worker.check()
        usage, broker = self.worker.usage(), self.broker.usage()
        self.rows.append((Row(self.worker.name, time.monotonic() - self.begun, self.progress.done(), usage.cpu, usage.resident),
                          usage, broker))
        return self.rows[-1][0].records / self.progress.total

    def until(self, share):
        end = time.monotonic() + JOB_SECONDS
        while self.sample() < share:
            if time.monotonic() > end:
                raise RuntimeError(f"{self.worker.name} is not through after {JOB_SECONDS} s: {self.rows[-1][0]}")
            self.tell()
            time.sleep(EVERY)

    def tell(self):
        if sys.stderr.isatty():
            print(f"\r{self.worker.name}: {self.rows[-1][0].records / 1e6:.2f} M of {self.progress.total / 1e6:.2f} M ", end="",
                  file=sys.stderr)

    def work(self):
        self.begun = time.monotonic()
        self.worker.start()
        self.until(UNTIL)
        self.measure()
        if not self.options.no_kill:
            self.until(KILL)
            self.figures.recovery = self.recover()
        self.until(1)
        print(f"{self.worker.name}: through after {self.rows[-1][0].seconds:.1f} s", file=sys.stderr)
        self.worker.stop()
        self.progress.close()
        return self.figures

    def measure(self):
        first = next(i for i, row in enumerate(self.rows) if row[0].records >= FROM * self.progress.total)
        (before, used_before, broker_before), (after, used_after, broker_after) = self.rows[first], self.rows[-1]
        used, broker, figures = used_after.since(used_before), broker_after.since(broker_before), self.figures
        records = after.records - before.records
        figures.resident = used.most
        if records == 0 or used.cpu == 0:
            return  # all in one look, with --quick
        figures.rate = records / (after.seconds - before.seconds)
        figures.per_cpu_second = records / used.cpu
        figures.broker_cpu_share = broker.cpu / used.cpu
        figures.to_disk = used.to_disk / records
        figures.broker_to_disk = broker.to_disk / records
        figures.topics = self.broker.bytes_of(TOPICS[self.worker.name]) / after.records

    def recover(self):
        """Killed, and started again once what it had committed is readable: seconds from that start to the first new alert."""
        self.worker.kill()
        time.sleep(SETTLED)
        watcher = results.Watcher(self.broker.bootstrap, self.worker.output)
        started = time.time()
        self.worker.spawn()
        try:
            while time.time() - started < RECOVERY_SECONDS:
                if seen := watcher.next(0.05):
                    return seen[0] - started
                self.worker.check()
        finally:
            watcher.close()
        raise RuntimeError(f"{self.worker.name} wrote nothing {RECOVERY_SECONDS} s after a kill")


TOPICS = {"vitalog": ["vitalog.care.state", "alert-", "risk-", "task-", "notification-"],
          "kafka-streams": ["peer-alert", "peer-person-changelog"]}


def at_rate(options, broker, folder, worker, seed):
    """The third step with one worker: seconds, sorted."""
    worker.start()
    catch_up(broker, worker)
    watcher = results.Watcher(broker.bootstrap, worker.output)
    sending = load(options, broker, folder, "--records", options.rate * options.seconds, "--rate", options.rate, "--seed", seed,
                   "--control", 0)
    begun, ended, latencies = time.time(), None, []
    while ended is None or time.time() - ended < TAIL_SECONDS:
        if ended is None and sending.poll() is not None:
            ended = time.time()
        seen = watcher.next(0.1)
        if not seen:
            continue
        occurred = json.loads(seen[1])["occurred"]
        due = (occurred if isinstance(occurred, int) else results.millis(occurred)) / 1000
        if due > begun + WARM * options.seconds:
            latencies.append(seen[0] - due)
    watcher.close()
    worker.stop()
    if sending.returncode != 0 or not latencies:
        raise RuntimeError(f"{worker.name}: the samples could not be sent, or raised nothing")
    return sorted(latencies)


def catch_up(broker, worker):
    progress = results.Progress(broker.bootstrap, worker.group, workers.INPUT)
    workers.wait_until(lambda: progress.done() == progress.total, f"{worker.name} has applied its input", JOB_SECONDS, worker)
    progress.close()


def run(options, folder):
    broker = Broker(folder / "kafka", options.heap)
    both = [workers.Vitalog(folder, broker.bootstrap, options.build / "vitalog"),
            workers.KafkaStreams(folder, broker.bootstrap, options.peer_build)]
    used = [worker for worker in both if options.only in (None, worker.name)]
    try:
        fill(options, broker, folder)
        broker.create(workers.KafkaStreams.output, workers.PARTITIONS)
        figures, rows = {}, []
        for worker in used:
            one = Run(options, broker, worker)
            figures[worker.name] = one.work()
            rows += [row for row, _, _ in one.rows]
        for number, worker in enumerate(used if options.rate else []):
            print(f"{worker.name}: {options.rate} samples a second for {options.seconds} s", file=sys.stderr)
            figures[worker.name].latencies = at_rate(options, broker, folder, worker, options.seed + 1 + number)
        differences = []
        if not options.only:
            if options.rate:  # what the last one alone has seen
                used[0].start()
                catch_up(broker, used[0])
                used[0].stop()
            alerts, episodes, differences = results.compare(broker.bootstrap, workers.KafkaStreams.output)
            print(f"both wrote {alerts} changes of {episodes} episodes; {len(differences)} differences", file=sys.stderr)
            if episodes == 0:
                differences.append("no episode was raised: take more --records")
        return used, figures, rows, differences, broker.plan
    finally:
        for worker in both:
            worker.ended()
        broker.cluster.down()


def settle_arguments(options):
    for name, given in (("Vitalog", options.set), ("KafkaStreams", options.peer_set)):
        kind = getattr(workers, name)
        kind.settings = {**kind.settings, **dict(setting.split("=", 1) for setting in given)}
    workers.KafkaStreams.java = [*workers.KafkaStreams.java, *options.java]


def main():
    options = arguments()
    settle_arguments(options)
    problem = workers.build_peer(options.peer_build)
    if problem:
        print(f"SKIPPED: {problem}", file=sys.stderr)
        return SKIPPED
    options.out.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        folder = options.dir or stack.enter_context(tempfile.TemporaryDirectory(prefix="vitalog-peers-"))
        used, figures, rows, differences, plan = run(options, pathlib.Path(folder))
        versions = {worker.name: worker.version() for worker in used}
    summary = report.text(options, used, versions, figures, plan)
    for line in differences[:20]:
        summary += f"DIFFERENT: {line}\n"
    (options.out / "summary.txt").write_text(summary)
    with open(options.out / "rows.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, [field.name for field in dataclasses.fields(Row)])
        writer.writeheader()
        writer.writerows(map(dataclasses.asdict, rows))
    report.draw(options, rows, figures, options.out / "peers.svg")
    print(summary, end="")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
