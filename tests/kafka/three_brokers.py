"""A cluster of three brokers, for tests that take parts of it away: two copies of three suffice to write. VITALOG_VENV names
the environment of the foreign client, VITALOG_TEST_KAFKA_VERSION another Kafka than the newest 4.x."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

from both_logs import OUTPUTS, in_order

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SKIPPED = 77


class ThreeBrokers:
    """Up until `down`, or until this process is gone."""

    def __init__(self, *flags):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="vitalog-kafka-"))
        version = os.environ.get("VITALOG_TEST_KAFKA_VERSION", "4")
        started = self.run("up", "--brokers", "3", "--version", version, "--owner", str(os.getpid()), *flags)
        if started.returncode != 0:
            shutil.rmtree(self.folder, ignore_errors=True)
            print(started.stderr, file=sys.stderr)
            sys.exit(SKIPPED if started.returncode == SKIPPED else 1)
        plan = json.loads((self.folder / "cluster/state.json").read_text())
        self.bootstrap, self.version, self.brokers = plan["bootstrap"], plan["version"], [int(broker) for broker in plan["ports"]]

    def run(self, command, *words):
        return subprocess.run([ROOT / "scripts/kafka", command, "--dir", str(self.folder / "cluster"), *words],
                              capture_output=True, text=True)

    def kafka(self, command, *words):
        """What a command of scripts/kafka says."""
        done = self.run(command, *words)
        assert done.returncode == 0, f"{command} {' '.join(words)}: {done.stdout}{done.stderr}"
        return done.stdout

    def sleep(self, seconds):
        """No broker answers for so long; then all do, and the cluster has settled."""
        for broker in self.brokers:
            self.kafka("pause", str(broker))
        time.sleep(seconds)
        for broker in self.brokers:
            self.kafka("resume", str(broker))
        self.kafka("settled")

    def down(self):
        self.run("down")
        shutil.rmtree(self.folder, ignore_errors=True)


def committed(bootstrap, name):
    """The outputs in the topics, as a foreign client reads them with read_committed."""
    from kafka_client import Cluster, headers_of  # in the environment of the foreign client

    return in_order((message.topic().removeprefix(name + "."), (message.key() or b"").decode(), headers_of(message),
                     message.value())
                    for message in Cluster(bootstrap).read(*(f"{name}.{topic}" for topic in OUTPUTS)))


class OnThreeBrokers:
    """Mixed into a case of both_logs: it runs on three brokers, and its outputs are read by a foreign client."""

    cluster = None

    def brokers(self):
        if OnThreeBrokers.cluster is None:
            OnThreeBrokers.cluster = ThreeBrokers()
        return self.cluster.bootstrap

    def outputs(self, site):
        return committed(self.brokers(), self.name)


def tearDownModule():
    """For a module that imports it."""
    if OnThreeBrokers.cluster:
        OnThreeBrokers.cluster.down()
        OnThreeBrokers.cluster = None
