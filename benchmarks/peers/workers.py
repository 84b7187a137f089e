"""The two that do the job: how each is started, stopped and watched. What a process used is read from /proc."""

import dataclasses
import os
import pathlib
import shutil
import subprocess
import time

from running_site import free_ports, outside

HERE = pathlib.Path(__file__).resolve().parent
PARTITIONS = 4
THREADS = 2
INPUT = "person"
START_SECONDS = 120
STOP_SECONDS = 90
TICKS = os.sysconf("SC_CLK_TCK")


@dataclasses.dataclass
class Usage:
    """Of one process since it began: CPU seconds, resident bytes now and at most, bytes written to disk."""

    cpu: float = 0
    resident: int = 0
    most: int = 0
    to_disk: int = 0

    @staticmethod
    def of(pid):
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        status = dict(line.split(":", 1) for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines())
        io = dict(line.split(": ") for line in pathlib.Path(f"/proc/{pid}/io").read_text().splitlines())
        kilobytes = lambda name: int(status[name].split()[0]) * 1024
        return Usage((int(fields[11]) + int(fields[12])) / TICKS, kilobytes("VmRSS"), kilobytes("VmHWM"),
                     int(io["write_bytes"]))

    def since(self, before):
        return Usage(self.cpu - before.cpu, self.resident, self.most, self.to_disk - before.to_disk)


class Worker:
    """A worker over a folder of its own, which stays between its starts."""

    name = ""
    output = ""
    group = ""
    settings = {}

    def __init__(self, folder, bootstrap):
        self.folder = pathlib.Path(folder) / self.name
        self.folder.mkdir(parents=True)
        self.bootstrap = bootstrap
        self.process = None

    def command(self):
        raise NotImplementedError

    def spawn(self):
        """Without waiting for it."""
        log = open(self.folder / "run.log", "a")
        self.process = subprocess.Popen(self.command(), stdout=subprocess.PIPE, stderr=log, text=True, cwd=self.folder,
                                        env=outside())

    def start(self):
        self.spawn()
        if not self.process.stdout.readline():
            raise RuntimeError(f"{self.name} did not start: " + (self.folder / "run.log").read_text()[-3000:])

    def check(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"{self.name} ended: " + (self.folder / "run.log").read_text()[-3000:])

    def usage(self):
        return Usage.of(self.process.pid)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=STOP_SECONDS)

    def ended(self):
        if self.process and self.process.poll() is None:
            self.kill()


class Vitalog(Worker):
    name = "vitalog"
    output = "alert"
    group = "vitalog.care"
    settings = {"runtime.workers": THREADS, "log.partitions": PARTITIONS, "log.kind": "kafka", "log.replication": 1,
                "state.memory_budget": "4GiB"}

    def __init__(self, folder, bootstrap, binary):
        super().__init__(folder, bootstrap)
        self.binary = str(pathlib.Path(binary).resolve())
        self.port = free_ports(1)[0]

    def command(self):
        given = {**self.settings, "log.brokers": self.bootstrap, "log.instance": "worker-1"}
        return [self.binary, "run", "--roles", "care", "--data-dir", str(self.folder / "data"), "--http",
                f"127.0.0.1:{self.port}", *(word for key, value in given.items() for word in ("--set", f"{key}={value}"))]

    def version(self):
        said = subprocess.run([self.binary, "version"], capture_output=True, text=True, check=True, env=outside()).stdout
        return said.splitlines()[0]


class KafkaStreams(Worker):
    name = "kafka-streams"
    output = "peer-alert"
    group = "peer"
    java = ["-XX:+UseParallelGC", "-Xms3g", "-Xmx3g"]
    settings = {
        "processing.guarantee": "exactly_once_v2", "num.stream.threads": THREADS, "commit.interval.ms": 100,
        "statestore.cache.max.bytes": 512 << 20, "replication.factor": 1, "topology.optimization": "all",
        # Static membership: a worker that comes back is known, and nothing is moved.
        "main.consumer.group.instance.id": "worker-1", "session.timeout.ms": 10_000,
        "consumer.auto.offset.reset": "earliest", "max.poll.records": 10_000, "consumer.max.partition.fetch.bytes": 4 << 20,
        "restore.consumer.max.poll.records": 10_000, "restore.consumer.max.partition.fetch.bytes": 4 << 20,
        "producer.compression.type": "none", "producer.linger.ms": 100, "producer.batch.size": 256 << 10,
        "producer.buffer.memory": 64 << 20}

    def __init__(self, folder, bootstrap, built):
        super().__init__(folder, bootstrap)
        self.built = built
        given = {"application.id": self.group, "bootstrap.servers": bootstrap, "client.id": "worker-1",
                 "state.dir": self.folder / "state", **self.settings}
        (self.folder / "streams.properties").write_text("".join(f"{key}={value}\n" for key, value in given.items()))

    def command(self):
        return ["java", *self.java, "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp",
                f"{self.built}/target/classes:{self.built}/target/jars/*", "peer.Peer", str(self.folder / "streams.properties"),
                INPUT, self.output]

    def version(self):
        jar = next((self.built / "target/jars").glob("kafka-streams-*.jar"))
        java = subprocess.run(["java", "-version"], capture_output=True, text=True, check=True).stderr.splitlines()[0]
        return f"{jar.stem}, {java}"


def build_peer(into):
    """Compiles the peer below a folder, unless it is there in this form; why it could not be done, or None. Maven keeps what
    it fetched below the user's home."""
    if not shutil.which("javac") or not shutil.which("mvn"):
        return "no JDK and Maven: apt-get install default-jdk-headless maven"
    source = HERE / "kafka-streams"
    files = sorted(path for path in source.rglob("*") if path.is_file())
    stamp = "".join(f"{path.relative_to(source)} {path.stat().st_mtime_ns}\n" for path in files)
    built = into / "built"
    if built.exists() and built.read_text() == stamp:
        return None
    shutil.rmtree(into, ignore_errors=True)
    shutil.copytree(source, into)
    said = subprocess.run(["mvn", "-q", "-B", "compile", "dependency:copy-dependencies", f"-DoutputDirectory={into}/target/jars"],
                          cwd=into, capture_output=True, text=True)
    if said.returncode == 0:
        built.write_text(stamp)
        return None
    if "COMPILATION ERROR" in said.stdout:
        raise RuntimeError(said.stdout)
    return "Kafka Streams' artifacts can't be reached"


def wait_until(condition, what, seconds, worker=None, every=0.2):
    until = time.monotonic() + seconds
    while not condition():
        if worker:
            worker.check()
        if time.monotonic() > until:
            raise RuntimeError(f"{what}: not after {seconds} s")
        time.sleep(every)
