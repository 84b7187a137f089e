"""A Kafka cluster below one folder: its plan (state.json), its brokers, what is done to them.

    DIR/state.json           Plan, as JSON; the brokers end when it is gone
    DIR/broker-N/            server.properties, data, broker.log, pid ("PID START", of the broker's Java)
    DIR/tls/                 ca.pem for clients, server.pem for the brokers (--tls)

Each broker is the child of a guard, a process of its own that ends it when its time is over, and that takes it along when
it dies. Nodes 1 to 3 are controllers too.
"""

import contextlib
import ctypes
import dataclasses
import fcntl
import json
import os
import pathlib
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import kafka_jars
from free_ports import free_ports

READY_SECONDS = 90
FORMAT_SECONDS = 60
GUARD_LOOKS = 0.25  # seconds
STARTED = "Kafka Server started"
CONTROLLERS = 3
PR_SET_PDEATHSIG = 1


def default_folder():
    return pathlib.Path(tempfile.gettempdir()) / f"vitalog-kafka-{os.getuid()}"


def start_of(pid):
    """When a process started, in ticks since boot; None where it is gone, with its last thread. With the id it names one
    process for good."""
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        gone = fields[0] == "Z" and len(os.listdir(f"/proc/{pid}/task")) == 1
    except OSError:
        return None
    return None if gone else int(fields[19])


@dataclasses.dataclass
class Plan:
    """What a cluster is. `users` maps a name to its password (--sasl); `owner` is [pid, start] or None; it
    lasts for `seconds` and `ends` then, in seconds since 1970."""

    version: str
    jars: str
    host: str
    ports: dict  # broker: {"client", "inner", "controller"}
    sasl: bool
    tls: bool
    users: dict
    heap: str
    java: list
    settings: dict
    owner: list
    seconds: int
    ends: float = 0

    @property
    def bootstrap(self):
        return ",".join(f"{self.host}:{ports['client']}" for ports in self.ports.values())

    def owned(self):
        """The process that asked for the cluster is there, or it needs none."""
        return not self.owner or start_of(self.owner[0]) == self.owner[1]

    @property
    def protocol(self):
        return ("SASL_" if self.sasl else "") + ("SSL" if self.tls else "PLAINTEXT")


def properties(plan, broker, folder):
    """server.properties of one broker. Clients come by CLIENT, with SASL and TLS as asked for; the brokers among themselves
    and Kafka's own tools by INNER, which asks for nothing."""
    brokers, ports = len(plan.ports), plan.ports[broker]
    controllers = list(plan.ports)[:CONTROLLERS]
    doors = {"CLIENT": ports["client"], "INNER": ports["inner"]}
    role = "broker"
    listeners = dict(doors)
    if broker in controllers:
        role = "broker,controller"
        listeners["CONTROLLER"] = ports["controller"]
    address = lambda some: ",".join(f"{name}://{plan.host}:{port}" for name, port in some.items())
    replicas = min(3, brokers)
    lines = {
        "process.roles": role, "node.id": broker,
        "controller.quorum.voters": ",".join(f"{node}@{plan.host}:{plan.ports[node]['controller']}" for node in controllers),
        "controller.listener.names": "CONTROLLER", "inter.broker.listener.name": "INNER",
        "listeners": address(listeners), "advertised.listeners": address(doors),
        "listener.security.protocol.map": f"CLIENT:{plan.protocol},INNER:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "log.dirs": folder / "data",
        "default.replication.factor": replicas, "offsets.topic.replication.factor": replicas,
        "transaction.state.log.replication.factor": replicas, "transaction.state.log.min.isr": min(2, replicas),
        # Few partitions of the topics that Kafka keeps for itself, small buffers: many such brokers share one machine.
        "offsets.topic.num.partitions": 6, "transaction.state.log.num.partitions": 6,
        "log.cleaner.dedupe.buffer.size": 16 << 20, "num.network.threads": 2, "num.io.threads": 4,
        # A topic that nobody created is an error, groups form at once, tests may use short time-outs.
        "auto.create.topics.enable": "false", "group.initial.rebalance.delay.ms": 0, "group.min.session.timeout.ms": 1000,
        # Kafka 4 refuses what is dated more than an hour ahead: tests set clocks of their own.
        "log.message.timestamp.after.max.ms": 2**63 - 1,
        "broker.session.timeout.ms": 6000, "broker.heartbeat.interval.ms": 1000,  # a killed broker is known to be gone
    }
    if plan.sasl:
        door = "listener.name.client."
        plain = "org.apache.kafka.common.security.plain.PlainLoginModule required " + " ".join(
            f'user_{name}="{password}"' for name, password in plan.users.items()) + ";"
        scram = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
        lines.update({
            door + "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
            door + "plain.sasl.jaas.config": plain, door + "scram-sha-256.sasl.jaas.config": scram,
            door + "scram-sha-512.sasl.jaas.config": scram,
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": "User:admin;User:ANONYMOUS"})  # ANONYMOUS: who comes by INNER or CONTROLLER
    if plan.tls:
        lines.update({"ssl.keystore.type": "PEM", "ssl.keystore.location": folder.parent / "tls/server.pem"})
    lines.update(plan.settings)
    return "".join(f"{name}={value}\n" for name, value in lines.items())


def make_certificates(folder, host):
    """A certification authority and the brokers' certificate, valid for a week."""
    folder.mkdir(mode=0o700)

    def openssl(*words):
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True, timeout=60)

    new = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "7"]
    openssl(*new, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=vitalog test authority")
    openssl(*new, "-keyout", "server.key", "-out", "server.crt", "-subj", "/CN=vitalog test broker", "-CA", "ca.pem",
            "-CAkey", "ca.key", "-addext", f"subjectAltName=DNS:localhost,IP:{host}",
            "-addext", "basicConstraints=critical,CA:FALSE")
    (folder / "server.pem").write_text((folder / "server.key").read_text() + (folder / "server.crt").read_text())


class Cluster:
    """The cluster below a folder, whoever started it."""

    def __init__(self, folder=None):
        self.folder = pathlib.Path(folder or default_folder()).resolve()

    # --- what there is

    def plan(self):
        """None where no cluster is."""
        try:
            stored = json.loads((self.folder / "state.json").read_text())
        except FileNotFoundError:
            return None
        stored["ports"] = {int(broker): ports for broker, ports in stored["ports"].items()}
        stored.pop("bootstrap")
        return Plan(**stored)

    def broker_folder(self, broker):
        return self.folder / f"broker-{broker}"

    def pid(self, broker):
        """Of a broker's Java, or None where it does not run."""
        try:
            pid, start = map(int, (self.broker_folder(broker) / "pid").read_text().split())
        except (OSError, ValueError):
            return None
        return pid if start_of(pid) == start else None

    def condition(self, broker):
        pid = self.pid(broker)
        if pid is None:
            return "stopped"
        stopped = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "T"
        return "paused" if stopped else "running"

    @contextlib.contextmanager
    def alone(self):
        """One `up` or `down` at a time."""
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        with open(self.folder.parent / f".{self.folder.name}.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def over(self, plan):
        """Nobody's any more: its guards would have ended it, had they not been killed."""
        return not any(self.pid(broker) for broker in plan.ports) and (not plan.owned() or time.time() > plan.ends)

    # --- the whole

    def up(self, plan):
        """Formats and starts; returns when every broker serves, from when on its time counts. The folder must be new or
        empty."""
        self.folder.mkdir(mode=0o700, exist_ok=True)
        if any(self.folder.iterdir()):
            raise RuntimeError(f"{self.folder} is not empty, and holds no cluster: give another --dir")
        plan.ends = time.time() + plan.seconds + FORMAT_SECONDS + READY_SECONDS
        try:
            self.write_plan(plan)
            if plan.tls:
                make_certificates(self.folder / "tls", plan.host)
            self.format(plan)
            places = {broker: self.spawn(broker) for broker in plan.ports}
            for broker, place in places.items():
                self.wait_until_ready(broker, place)
            plan.ends = time.time() + plan.seconds
            self.write_plan(plan)
        except BaseException:
            self.down()
            raise

    def write_plan(self, plan):
        new = self.folder / "state.json.new"
        new.write_text(json.dumps({"bootstrap": plan.bootstrap, **dataclasses.asdict(plan)}, indent=1, default=str) + "\n")
        new.rename(self.folder / "state.json")

    def format(self, plan):
        """Every broker's data folder, all at once: each of them is a Java of its own."""
        identity = secrets.token_urlsafe(16)
        scram = [word for name, password in plan.users.items() for size in (256, 512)
                 for word in ("--add-scram", f"SCRAM-SHA-{size}=[name={name},password={password}]")] if plan.sasl else []
        running = []
        for broker in plan.ports:
            folder = self.broker_folder(broker)
            folder.mkdir()
            (folder / "server.properties").write_text(properties(plan, broker, folder))
            words = [*java(plan, "64m"), "kafka.tools.StorageTool", "format", f"--cluster-id={identity}", "-c",
                     str(folder / "server.properties"), *scram]
            running.append(subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True))
        said = [one.communicate(timeout=FORMAT_SECONDS)[0] for one in running]
        for one, words in zip(running, said):
            if one.returncode != 0:
                raise RuntimeError(f"Kafka's storage tool refuses the configuration:\n{words[-2000:]}")

    def down(self):
        """Ends every broker and removes the folder. Without a cluster nothing happens."""
        for name in ("state.json", "state.json.new"):
            (self.folder / name).unlink(missing_ok=True)
        brokers = [int(folder.name.split("-")[1]) for folder in self.folder.glob("broker-*")]
        for broker in brokers:
            self.signal(broker, signal.SIGKILL, running=False)
        until = time.monotonic() + 10
        while any(self.pid(broker) for broker in brokers) and time.monotonic() < until:
            time.sleep(0.02)
        self.remove()

    def remove(self):
        """What a cluster put into the folder, and the folder where nothing else is in it."""
        for part in [*self.folder.glob("broker-*"), self.folder / "tls"]:
            shutil.rmtree(part, ignore_errors=True)
        with contextlib.suppress(OSError):
            self.folder.rmdir()

    # --- one broker

    def spawn(self, broker):
        """Starts a guard that starts the broker; returns the place in its log from which it speaks of this start."""
        log = self.broker_folder(broker) / "broker.log"
        place = log.stat().st_size if log.exists() else 0
        (self.broker_folder(broker) / "pid").unlink(missing_ok=True)
        guard = pathlib.Path(__file__).resolve().parent / "kafka.py"
        with open(log, "a") as out:
            subprocess.Popen([sys.executable, str(guard), "guard", str(broker), "--dir", str(self.folder)], cwd="/",
                             stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True)
        return place

    def wait_until_ready(self, broker, place):
        log = self.broker_folder(broker) / "broker.log"
        begun = time.monotonic()
        while time.monotonic() - begun < READY_SECONDS:
            with open(log, errors="replace") as file:
                file.seek(place)
                said = file.read()
            if STARTED in said:
                return
            if (self.broker_folder(broker) / "pid").exists() and self.pid(broker) is None:
                raise RuntimeError(f"broker {broker} ended while it started:\n{said[-3000:]}")
            time.sleep(0.1)
        raise RuntimeError(f"broker {broker} is not ready after {READY_SECONDS} s:\n{said[-3000:]}")

    def start(self, broker):
        """A broker that was killed or stopped, on its data; returns when it serves."""
        if self.pid(broker) is not None:
            raise RuntimeError(f"broker {broker} runs already")
        self.wait_until_ready(broker, self.spawn(broker))

    def signal(self, broker, number, running=True):
        pid = self.pid(broker)
        if pid is None:
            if running:
                raise RuntimeError(f"broker {broker} does not run")
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)

    def end(self, broker, number, seconds):
        """Sends the signal and waits until the broker is gone."""
        self.signal(broker, number)
        until = time.monotonic() + seconds
        while self.pid(broker) is not None:
            if time.monotonic() > until:
                raise RuntimeError(f"broker {broker} still runs {seconds} s after signal {number}")
            time.sleep(0.02)

    def guard(self, broker):
        """Runs a broker until it ends, the cluster is taken down, its owner is gone or its time is over. The latter two end
        the cluster: its data was for them."""
        plan = self.plan()
        if plan is None:
            return
        folder = self.broker_folder(broker)
        libc = ctypes.CDLL(None)
        child = subprocess.Popen([*java(plan, plan.heap), "kafka.Kafka", str(folder / "server.properties")], cwd=folder,
                                 preexec_fn=lambda: libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL))
        (folder / "pid.new").write_text(f"{child.pid} {start_of(child.pid)}\n")
        (folder / "pid.new").rename(folder / "pid")
        while True:
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(GUARD_LOOKS)
                return
            plan = self.plan()
            if plan is None or not plan.owned() or time.time() > plan.ends:
                child.kill()
                child.wait()
                return self.down() if plan else self.remove()


def java(plan, heap):
    """The words that begin a Java with Kafka's classes."""
    return ["java", f"-Xmx{heap}", "-XX:+UseSerialGC", "-XX:+ExitOnOutOfMemoryError", "-Djava.awt.headless=true",
            "-Dorg.slf4j.simpleLogger.showDateTime=true", "-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS", *plan.java,
            "-cp", f"{plan.jars}/*"]


def new_plan(options):
    """From the options of `up`."""
    if options.user and not options.sasl:
        raise ValueError("--user: nobody logs in without --sasl")
    version = kafka_jars.exact_version(options.version)
    kafka_jars.check_java(version)
    ports = free_ports(3 * options.brokers, options.host)
    users = {"admin": secrets.token_hex(12), **dict(options.user)} if options.sasl else {}
    owner = None if options.owner is None else [options.owner, start_of(options.owner)]
    return Plan(version=version, jars=str(kafka_jars.jars(version)), host=options.host,
                ports={n + 1: dict(zip(("client", "inner", "controller"), ports[3 * n:])) for n in range(options.brokers)},
                sasl=options.sasl, tls=options.tls, users=users, heap=options.heap, java=options.java,
                settings=dict(options.set), owner=owner, seconds=options.seconds)
