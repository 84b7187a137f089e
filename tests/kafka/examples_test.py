"""docs/examples on a cluster, in both languages: what the publisher writes, what the gateway sends and answers, what the
inbox shows. VITALOG_TEST_KAFKA names the cluster (tests/kafka/with_kafka.py)."""

import datetime
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests/e2e"))
import clients

EXAMPLES = ROOT / "docs/examples"
clients.enter_kafka_environment("examples_test")
from kafka_client import Cluster, headers_of, partition_of  # noqa: E402

BOOTSTRAP = os.environ["VITALOG_TEST_KAFKA"]
JAVA = pathlib.Path(os.environ["VITALOG_JAVA_EXAMPLES"])
HL7 = ROOT / "tests/data/hl7/simhospital.hl7"
PARTITIONS = 4
LATER, EARLIER = ((datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ")
                  for hours in (1, -1))


def build_java():
    """Compiles the Java examples; why it could not be done, or None."""
    if not shutil.which("javac") or not shutil.which("mvn"):
        return "no JDK and Maven: apt-get install default-jdk-headless maven"
    shutil.rmtree(JAVA, ignore_errors=True)
    shutil.copytree(EXAMPLES / "java", JAVA)
    built = subprocess.run(["mvn", "-q", "-B", "compile", "dependency:copy-dependencies", f"-DoutputDirectory={JAVA}/target/jars"],
                           cwd=JAVA, capture_output=True, text=True)
    if built.returncode == 0:
        return None
    if "COMPILATION ERROR" in built.stdout:
        sys.exit(built.stdout)
    return "the Java examples' artifacts can't be reached"


NO_JAVA = build_java()


class Examples:
    """What either language's programs must do; `command` gives their words."""

    language = ""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="vitalog-examples-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.cluster = Cluster(BOOTSTRAP)

    def topic(self, name):
        """A topic of this test's own."""
        own = f"examples-{self.language}-{self._testMethodName}-{name}"
        self.cluster.create(own, partitions=PARTITIONS)
        return own

    def run_example(self, program, *words):
        done = subprocess.run([*self.command(program), *words, "--bootstrap", BOOTSTRAP], capture_output=True, text=True,
                              timeout=120)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def test_publishes_hl7_under_the_patients_key(self):
        topic = self.topic("feed.his")
        said = self.run_example("publisher", "hl7", str(HL7), "--topic", topic, "--endpoint", "his-1")
        self.assertIn(f"published 1013 to {topic}", said)
        records = self.cluster.read(topic)
        self.assertEqual(len(records), 1013)
        self.assertEqual({(h["format"], h["endpoint"]) for h in map(headers_of, records)}, {("hl7v2", "his-1")})
        for record in records:
            self.assertEqual(record.partition(), partition_of(record.key(), PARTITIONS))
            number = record.key().decode().removeprefix("SIMULATOR MRN|")
            self.assertIn(f"PID|1|{number}^^^SIMULATOR MRN^MRN", record.value().decode())
        sent = b"".join(sorted(HL7.read_bytes().replace(b"\r\n", b"\r").replace(b"\n", b"\r").split(b"\r"))).strip()
        arrived = b"".join(sorted(b"".join(record.value() for record in records).split(b"\r"))).strip()
        self.assertEqual(arrived, sent)

    def test_publishes_a_wearables_batches_under_its_account(self):
        topic = self.topic("feed.wearable")
        batches = ['{"group": [{"sampleSet": []}]}', '[{"header": {}, "body": {}}]']
        (self.folder / "batches.ndjson").write_text("\n".join(batches) + "\n")
        said = self.run_example("publisher", "wearable", str(self.folder / "batches.ndjson"), "--account", "HUAWEI|u1",
                                "--topic", topic)
        self.assertIn(f"published 2 to {topic}", said)
        records = self.cluster.read(topic)
        self.assertEqual([record.value().decode() for record in records], batches)
        self.assertEqual({record.key() for record in records}, {b"HUAWEI|u1"})
        self.assertEqual({record.partition() for record in records}, {partition_of(b"HUAWEI|u1", PARTITIONS)})

    def attempt(self, number, not_after=LATER):
        send = {"intent": f"i{number}", "attempt": f"a{number}", "recipient": f"p{number}", "to": f"1390000{number:04}",
                "template": "T", "text": f"message {number}", "not_after": not_after, "priority": "high"}
        return f"p{number}", json.dumps(send), {"ce_type": "vitalog.send.v1"}

    def test_the_gateway_sends_once_and_says_what_became_of_it(self):
        sends, receipts = self.topic("send.sms"), self.topic("feed.receipt")
        self.cluster.write(sends, [self.attempt(1), self.attempt(2), self.attempt(3, EARLIER), self.attempt(4)])
        self.cluster.write(sends, [self.attempt(5)], transaction="abort")
        journal = self.folder / "journal"
        journal.write_text("a4\n")  # begun before a crash
        flags = ["--topic", sends, "--receipts", receipts, "--group", sends, "--journal", str(journal), "--idle", "6"]
        said = self.run_example("gateway", *flags)
        self.assertEqual([said.count(f"message {number}") for number in range(1, 6)], [1, 1, 0, 0, 0])
        records = self.cluster.read(receipts)
        found = {r["attempt"]: (r["state"], r["code"], r["recipient"], r["intent"])
                 for r in (json.loads(record.value()) for record in records)}
        self.assertEqual(found, {"a1": ("delivered", "printed", "p1", "i1"), "a2": ("delivered", "printed", "p2", "i2"),
                                 "a3": ("failed", "too-late", "p3", "i3"), "a4": ("unknown", "gateway-restarted", "p4", "i4")})
        for record in records:
            self.assertEqual(record.key().decode(), json.loads(record.value())["recipient"])
            self.assertEqual(record.partition(), partition_of(record.key(), PARTITIONS))
            self.assertEqual(headers_of(record), {"format": "json", "endpoint": "gateway-example"})
        # Nothing is sent again: neither where its position is kept, nor where it is lost and the journal is there.
        self.assertNotIn("message", self.run_example("gateway", *flags))
        flags[flags.index("--group") + 1] = sends + "-again"
        again = self.run_example("gateway", *flags)
        self.assertEqual((again.count("message"), again.count("attempt a")), (0, 4))

    def task(self, number, version, status, priority="high", team="general"):
        event = {"task": f"t{number}", "version": version, "alert": f"e{number}", "person": "p", "rule": "aki",
                 "rule_version": "1", "team": team, "status": status, "priority": priority, "since": LATER, "opened": LATER,
                 "deadline": f"2026-11-21T0{number}:00:00Z", "escalation": 0, "changed": LATER}
        return f"t{number}", json.dumps(event), {"ce_type": "vitalog.task-state.v1"}

    def test_the_inbox_shows_the_last_word_on_each_task(self):
        alerts, tasks = self.topic("alert"), self.topic("task-board")
        alert = {"id": "e2", "revision": 1, "problem": "Acute kidney injury stage 2"}
        self.cluster.write(alerts, [("p", json.dumps(alert), {"ce_type": "vitalog.alert.v1"})])
        self.cluster.write(tasks, [self.task(1, 1, "requested", "medium"), self.task(2, 1, "requested"),
                                   self.task(3, 1, "requested"), self.task(3, 2, "completed"),
                                   self.task(4, 1, "requested", team="renal"),
                                   ("t2", '{"task":"t2"}', {"ce_type": "vitalog.task-judged.v1"})])
        self.cluster.write(tasks, [self.task(5, 1, "requested")], transaction="abort")
        said = self.run_example("inbox", "--alerts", alerts, "--tasks", tasks, "--for", "general", "--once").splitlines()
        self.assertEqual(len(said), 3, said)
        self.assertRegex(said[0], r"^high +requested general: Acute kidney injury stage 2 .*task t2$")
        self.assertRegex(said[1], r"^medium +requested general: aki .*task t1$")
        self.assertEqual(said[2], "2 open tasks")


class Python(Examples, unittest.TestCase):
    language = "python"

    def command(self, program):
        return [sys.executable, str(EXAMPLES / f"python/{program}.py")]


@unittest.skipIf(NO_JAVA, NO_JAVA)
class Java(Examples, unittest.TestCase):
    language = "java"

    def command(self, program):
        return ["java", "-Xmx256m", "-cp", f"{JAVA}/target/classes:{JAVA}/target/jars/*", f"example.{program.title()}"]


if __name__ == "__main__":
    unittest.main()
