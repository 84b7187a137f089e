"""The ACLs of docs/examples/README.md and docs/operations.md, as they stand there, on a cluster with SASL and TLS: each
principal of the examples may do its part and nothing else, and a site works under its own. Starts a cluster of its own."""

import json
import os
import pathlib
import shlex
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests/e2e"))
import clients
from running_site import Mllp, Site, ack_code, oru

EXAMPLES = ROOT / "docs/examples"
clients.enter_kafka_environment("acl_test")
from confluent_kafka import KafkaException, Producer  # noqa: E402
from both_logs import BINARY, on_kafka, settings  # noqa: E402
from kafka_client import Cluster  # noqa: E402

VERSION = os.environ.get("VITALOG_KAFKA_VERSION", "4")
KAFKA = str(ROOT / "scripts/kafka")
USERS = {"his": "his-secret", "gateway": "gateway-secret", "inbox": "inbox-secret", "vitalog": "site-secret"}
DOCUMENTS = (EXAMPLES / "README.md", ROOT / "docs/operations.md")
TOPICS = ["feed.his", "feed.lis", "feed.wearable", "feed.receipt", "send.sms", "alert", "task-board"]
SEND = {"intent": "i", "attempt": "a", "recipient": "p", "to": "139", "template": "T", "text": "come in", "priority": "high",
        "not_after": "2099-01-01T00:00:00Z"}
MESSAGE = b"MSH|^~\\&|LAB|HOSP|V|H|20261121||ORU^R01|1|P|2.5\rPID|1||7^^^MRN\r"


def acl_commands():
    """The lines of the documents' blocks `sh acl`, as words of Kafka's tool."""
    words = [shlex.split(line) for document in DOCUMENTS
             for line in document.read_text().split("```sh acl\n")[1].split("```")[0].splitlines()]
    return [line[line.index("--add"):] for line in words if line[0] == "kafka-acls.sh"]


class Acls(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        scratch = tempfile.TemporaryDirectory(prefix="vitalog-acl-test-")
        cls.addClassCleanup(scratch.cleanup)
        cls.folder = pathlib.Path(scratch.name)
        cls.dir = cls.folder / "cluster"
        users = [word for user, password in USERS.items() for word in ("--user", f"{user}:{password}")]
        started = subprocess.run([KAFKA, "up", "--dir", str(cls.dir), "--version", VERSION, "--sasl", "--tls", *users],
                                 capture_output=True, text=True)
        if started.returncode == clients.SKIPPED:
            print(f"SKIPPED acl_test: {started.stderr}", file=sys.stderr)
            sys.exit(clients.SKIPPED)
        assert started.returncode == 0, started.stderr
        cls.addClassCleanup(subprocess.run, [KAFKA, "down", "--dir", str(cls.dir)])
        state = json.loads((cls.dir / "state.json").read_text())
        cls.bootstrap = state["bootstrap"]
        cls.admin = cls.client("admin", state["users"]["admin"])
        cls.admin.create(*TOPICS, partitions=1)
        for words in acl_commands():
            subprocess.run([KAFKA, "tool", "--dir", str(cls.dir), "acls", *words], check=True, capture_output=True)

    @classmethod
    def properties(cls, user, password, mechanism="SCRAM-SHA-512"):
        return {"security_protocol": "SASL_SSL", "ssl_ca_location": str(cls.dir / "tls/ca.pem"), "sasl_mechanism": mechanism,
                "sasl_username": user, "sasl_password": password}

    @classmethod
    def client(cls, user, password=None, mechanism="SCRAM-SHA-512"):
        return Cluster(cls.bootstrap, **cls.properties(user, password or USERS[user], mechanism))

    def example(self, program, user, *words):
        """(exit code, what was said) of an example under a user's name."""
        config = self.folder / f"{user}.properties"
        config.write_text("".join(f"{name.replace('_', '.')}={value}\n"
                                  for name, value in self.properties(user, USERS[user]).items()))
        done = subprocess.run([sys.executable, str(EXAMPLES / f"python/{program}.py"), *words, "--bootstrap", self.bootstrap,
                               "--config", str(config)], capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout + done.stderr

    def site(self, instance, user, mechanism):
        flags = on_kafka("vitalog-ward", self.bootstrap) + settings({
            "log.partitions": 1, "log.instance": instance, "log.tls": "on", "log.tls.ca": self.dir / "tls/ca.pem",
            "log.sasl.mechanism": mechanism, "log.sasl.user": user})
        site = Site(BINARY, *flags, environment={"VITALOG_KAFKA_PASSWORD": USERS.get(user, "wrong")})
        self.addCleanup(site.remove)
        return site

    def publish(self, user, topic):
        file = self.folder / "message.hl7"
        file.write_bytes(MESSAGE)
        return self.example("publisher", user, "hl7", str(file), "--topic", topic)

    def test_a_hospital_writes_its_feeds_and_nothing_else(self):
        self.assertEqual(self.publish("his", "feed.his")[0], 0)
        for topic in ("feed.lis", "alert", "feed.receipt"):
            code, said = self.publish("his", topic)
            self.assertEqual(code, 1)
            self.assertIn("TOPIC_AUTHORIZATION_FAILED", said)
        for topic in ("feed.his", "alert"):
            with self.assertRaises(KafkaException):
                self.client("his").read(topic)

    def test_a_gateway_reads_its_channel_and_writes_receipts(self):
        self.admin.write("send.sms", [("p", json.dumps(SEND), {"ce_type": "vitalog.send.v1"})])
        flags = ["--journal", str(self.folder / "journal"), "--idle", "5"]
        code, said = self.example("gateway", "gateway", *flags)
        self.assertEqual(code, 0, said)
        self.assertIn("come in", said)
        self.assertEqual(json.loads(self.admin.read("feed.receipt")[0].value())["attempt"], "a")
        self.assertEqual(self.publish("gateway", "feed.his")[0], 1)
        self.assertEqual(self.example("gateway", "gateway", *flags, "--group", "another")[0], 1)
        with self.assertRaises(KafkaException):
            self.client("gateway").read("alert")

    def test_an_inbox_reads_alerts_and_tasks(self):
        code, said = self.example("inbox", "inbox", "--once")
        self.assertEqual((code, said), (0, "0 open tasks\n"))
        for topic in ("send.sms", "feed.his"):
            with self.assertRaises(KafkaException):
                self.client("inbox").read(topic)
        self.assertEqual(self.publish("inbox", "alert")[0], 1)

    def test_a_site_works_under_its_own_name_and_under_no_other(self):
        first = self.site("first", "vitalog", "PLAIN")
        first.start()
        sender = Mllp(first.mllp)
        self.addCleanup(sender.close)
        self.assertEqual(ack_code(sender.send(oru("m1", patient="7", value="7.1"))), "AA")
        first.wait()
        self.assertEqual([alert["state"] for alert in first.events("vitalog-ward.alert")], ["raised"])
        self.assertEqual(first.stop(), 0)
        second = self.site("second", "vitalog", "PLAIN")
        second.start()
        second.wait()
        self.assertTrue(second.person("MRN|7"), "made anew from the cluster")
        self.assertEqual(second.stop(), 0)
        for user, said in (("his", "Authorization failed"), ("nobody", "does not let us in.*VITALOG_KAFKA_PASSWORD")):
            with self.assertRaisesRegex(RuntimeError, said):
                self.site(user, user, "PLAIN").start()

    def test_scram_works_or_says_what_else_would(self):
        """librdkafka before 2.6.1 can't log in to Kafka 4 by SCRAM; to Kafka 3.9 it can."""
        site = self.site("scram", "vitalog", "SCRAM-SHA-512")
        try:
            site.start()
        except RuntimeError as refused:
            self.assertNotEqual(VERSION, "3.9", refused)
            self.assertIn("take PLAIN under TLS, a client certificate, or librdkafka 2.6.1", str(refused))
            return
        site.wait()
        self.assertEqual(site.stop(), 0)

    def test_nobody_comes_in_with_a_wrong_password_or_without_one(self):
        self.assertEqual(len(self.client("admin", self.admin.properties["sasl.password"], "PLAIN").read("task-board")), 0)
        for properties in (self.client("his", "wrong").properties, {"bootstrap.servers": self.bootstrap}):
            errors = []
            producer = Producer({**properties, "message.timeout.ms": 3000, "log_level": 0})
            producer.produce("feed.his", b"x", on_delivery=lambda error, _: errors.append(error))
            producer.flush(10)
            self.assertTrue(errors and errors[0])


if __name__ == "__main__":
    unittest.main()
