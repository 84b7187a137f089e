"""scripts/kafka: what it says of a cluster is so, its brokers end with their owner, and nothing is removed that is not
its own."""

import json
import pathlib
import socket
import subprocess
import sys
import tempfile
import time
import unittest

KAFKA = str(pathlib.Path(__file__).resolve().parent.parent.parent / "scripts/kafka")
SKIPPED = 77
NOT_RUNNING = 3


def answers(address):
    host, port = address.rsplit(":", 1)
    try:
        socket.create_connection((host, int(port)), timeout=2).close()
        return True
    except OSError:
        return False


def wait_for(condition, seconds=20):
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True


class KafkaScript(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="vitalog-kafka-test-")
        self.addCleanup(scratch.cleanup)
        self.dir = pathlib.Path(scratch.name) / "cluster"
        self.addCleanup(self.kafka, "down")

    def kafka(self, command, *words):
        return subprocess.run([KAFKA, command, "--dir", str(self.dir), *words], capture_output=True, text=True)

    def up(self, *words):
        """The bootstrap servers."""
        started = self.kafka("up", *words)
        if started.returncode == SKIPPED:
            self.skipTest(started.stderr)
        self.assertEqual(started.returncode, 0, started.stderr)
        said = dict(line.split("=", 1) for line in started.stdout.splitlines())
        stored = json.loads(pathlib.Path(said["state"]).read_text())
        self.assertEqual(stored["bootstrap"], said["bootstrap"])
        return said["bootstrap"].split(",")

    def conditions(self):
        return [line.split()[3] for line in self.kafka("status").stdout.splitlines() if line.startswith("broker ")]

    def test_a_broker_is_paused_killed_and_started_again_with_its_data(self):
        address, = self.up()
        self.assertEqual(self.kafka("tool", "topics", "--create", "--topic", "kept").returncode, 0)
        self.assertEqual(self.kafka("pause", "1").returncode, 0)
        self.assertEqual(self.conditions(), ["paused"])
        self.assertEqual(self.kafka("resume", "1").returncode, 0)
        self.assertEqual(self.conditions(), ["running"])
        self.assertEqual(self.kafka("kill", "1").returncode, 0)
        self.assertFalse(answers(address))
        self.assertEqual(self.conditions(), ["stopped"])
        self.assertEqual(self.kafka("status").returncode, NOT_RUNNING)
        self.assertEqual(self.kafka("kill", "1").returncode, 1)
        self.assertEqual(self.kafka("start", "1").returncode, 0)
        self.assertTrue(answers(address))
        self.assertIn("kept", self.kafka("tool", "topics", "--list").stdout.split())
        self.assertEqual(self.kafka("up").returncode, 1)
        self.assertEqual(self.kafka("down").returncode, 0)
        self.assertFalse(answers(address))
        self.assertFalse(self.dir.exists())
        self.assertEqual(self.kafka("status").returncode, NOT_RUNNING)

    def test_brokers_end_with_the_process_that_asked_for_them(self):
        owner = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
        address, = self.up("--version", "3.9", "--owner", str(owner.pid))
        self.assertTrue(answers(address))
        owner.communicate()
        self.assertTrue(wait_for(lambda: not answers(address)))
        self.assertTrue(wait_for(lambda: not self.dir.exists()))

    def test_brokers_end_when_their_time_is_over(self):
        address, = self.up("--for", "3s")
        self.assertTrue(wait_for(lambda: not answers(address)))
        self.assertTrue(wait_for(lambda: not self.dir.exists()))

    def test_a_folder_that_holds_something_else_is_left_alone(self):
        self.dir.mkdir()
        (self.dir / "letter").write_text("not Kafka's")
        started = self.kafka("up")
        if started.returncode == SKIPPED:
            self.skipTest(started.stderr)
        self.assertEqual(started.returncode, 1)
        self.assertIn("not empty", started.stderr)
        self.assertEqual(self.kafka("down").returncode, 0)
        self.assertEqual([path.name for path in self.dir.iterdir()], ["letter"])

    def test_what_is_wrong_is_said(self):
        for words, said in {("--version", "four"): "--version", ("--user", "a:b"): "--sasl",
                            ("--brokers", "0"): "1 to 9", ("--for", "2"): "2h"}.items():
            started = self.kafka("up", *words)
            self.assertNotIn(started.returncode, (0, SKIPPED))
            self.assertIn(said, started.stderr)


if __name__ == "__main__":
    result = unittest.main(exit=False).result
    sys.exit(1 if not result.wasSuccessful() else SKIPPED if result.skipped else 0)
