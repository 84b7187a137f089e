"""A site that a benchmark started, its log read from outside, and what the machine says of it."""

import functools
import http.client
import json
import os
import pathlib
import re
import subprocess
import sys
import threading
import time


class Run:
    """`vitalog run` on D = folder/data; ready when the constructor returns."""

    def __init__(self, binary, sets, folder):
        words = [word for pair in sets for word in ("--set", pair)]
        self.log = open(folder / "run.log", "a")
        begun = time.monotonic()
        self.process = subprocess.Popen(
            [binary, "run", "--data-dir", str(folder / "data"), "--mllp", "127.0.0.1:0", "--http", "127.0.0.1:0", *words],
            stdout=subprocess.PIPE, stderr=self.log, text=True)
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"run did not start: {(folder / 'run.log').read_text()[-2000:]}")
        self.seconds_to_ready = time.monotonic() - begun
        self.mllp, self.http = (json.loads(line)[door] for door in ("mllp", "http"))
        self.connection = http.client.HTTPConnection(self.http)

    def get(self, path, connection=None):
        connection = connection or self.connection
        connection.request("GET", path)
        return connection.getresponse().read().decode()

    def post(self, path, body, content_type="application/json"):
        """The answer to a request that must succeed."""
        self.connection.request("POST", path, body, {"Content-Type": content_type})
        answer = self.connection.getresponse()
        text = answer.read().decode()
        if answer.status >= 300:
            sys.exit(f"POST {path}: {answer.status} {text}")
        return text

    def lag(self):
        return json.loads(self.get("/lag"))["stages"]

    def partitions(self, topic):
        return {t["topic"]: t["partitions"] for t in json.loads(self.get("/topics"))["topics"]}[topic]

    def threads(self, name):
        """The ids of those with this name (docs/ARCHITECTURE.md, Threads)."""
        return [int(task.name) for task in pathlib.Path(f"/proc/{self.process.pid}/task").iterdir()
                if (task / "comm").read_text().strip() == name]

    def cpu_seconds(self):
        """By thread name: what each kind of thread used."""
        total = {}
        for task in pathlib.Path(f"/proc/{self.process.pid}/task").iterdir():
            name, rest = (task / "stat").read_text().split("(", 1)[1].rsplit(")", 1)
            fields = rest.split()
            total[name] = total.get(name, 0) + (int(fields[11]) + int(fields[12])) / 100
        return total

    def report_cpu(self):
        used = self.cpu_seconds()
        print("CPU seconds by thread: " + ", ".join(f"{name} {value:.1f}" for name, value in sorted(used.items(), key=lambda kv: -kv[1])[:8])
              + f"; all {sum(used.values()):.1f}")

    def memory(self, field="VmRSS"):
        """Bytes, as the kernel counts them."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(rf"^{field}:\s+(\d+) kB", status, re.M).group(1)) * 1024

    def stop(self):
        self.process.terminate()
        self.process.wait(300)

    def kill(self):
        self.process.kill()
        self.process.wait()


class Broker:
    """Apache Kafka of its own in folder/kafka, while the block lasts; gives its bootstrap server."""

    def __init__(self, folder):
        self.folder = folder / "kafka"

    def __enter__(self):
        self.kafka("up", "--owner", str(os.getpid()))
        return json.loads((self.folder / "state.json").read_text())["bootstrap"]

    def __exit__(self, *failure):
        self.kafka("down")

    def kafka(self, *words):
        script = pathlib.Path(__file__).resolve().parent.parent / "scripts/kafka"
        subprocess.run([script, *words, "--dir", self.folder], check=True, stdout=subprocess.DEVNULL)


class Watch:
    """Threads that see alerts: of each person's first one, the seconds from when its cause was received."""

    def __init__(self, watchers):
        self.seen = {}
        self.done = threading.Event()
        self.threads = [threading.Thread(target=watcher) for watcher in watchers]
        for thread in self.threads:
            thread.start()

    def saw(self, person, received, now):
        self.seen.setdefault(person, now - int(received) / 1e6)

    def finish(self, wanted, patience):
        """Seconds by person, once so many persons have an alert or patience ends."""
        until = time.monotonic() + patience
        while len(self.seen) < wanted and time.monotonic() < until:
            time.sleep(0.1)
        self.done.set()
        for thread in self.threads:
            thread.join()
        return self.seen


class AlertWatch(Watch):
    """Polls the topic `alert` as a reader sees it: GET /topics/alert/P syncs the log before it answers. The poll's own delay
    is in the times."""

    PAUSE = 0.002

    def __init__(self, run, from_start=False):
        self.run = run
        super().__init__([functools.partial(self.poll, p, 0 if from_start else self.end_of(p))
                          for p in range(run.partitions("alert"))])

    def page(self, partition, offset, connection=None):
        return [json.loads(line) for line in
                self.run.get(f"/topics/alert/{partition}?from={offset}&max=1000", connection).splitlines()]

    def end_of(self, partition):
        offset = 0
        while records := self.page(partition, offset):
            offset = records[-1]["offset"] + 1
        return offset

    def poll(self, partition, offset):
        connection = http.client.HTTPConnection(self.run.http)
        while not self.done.is_set():
            records = self.page(partition, offset, connection)
            now = time.time()
            for record in records:
                offset = record["offset"] + 1
                self.saw(record["key"], record["headers"]["received"], now)
            if not records:
                time.sleep(self.PAUSE)


class ForeignAlertWatch(Watch):
    """Reads the topic `alert` of a cluster as another system does: a client of its own, read_committed."""

    def __init__(self, bootstrap, partitions):
        from confluent_kafka import Consumer, TopicPartition
        self.consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "alert-watch", "enable.auto.commit": False,
                                  "isolation.level": "read_committed", "fetch.wait.max.ms": 10, "log_level": 3})
        ends = [self.consumer.get_watermark_offsets(TopicPartition("alert", partition), timeout=30)[1] for partition in range(partitions)]
        self.consumer.assign([TopicPartition("alert", partition, end) for partition, end in enumerate(ends)])
        super().__init__([self.watch])

    def watch(self):
        while not self.done.is_set():
            for message in self.consumer.consume(1000, 0.01):
                if not message.error():
                    self.saw(message.key(), dict(message.headers())["received"], time.time())
        self.consumer.close()


def percentiles(seconds):
    times = sorted(seconds)
    if not times:
        return "none"
    return ", ".join(f"p{p} {1000 * times[min(len(times) - 1, int(len(times) * p / 100))]:.1f} ms" for p in (50, 90, 99))


def load_average():
    return pathlib.Path("/proc/loadavg").read_text().split()[0]
