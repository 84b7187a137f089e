"""The doors for others, at a site on a cluster of its own: a result published straight into feed.lis by an example becomes
an alert, a task in the inbox, a message that the example's gateway sends and reports; samples of a watch reach their person;
what can't be used is a dead letter; topics are as the AsyncAPI document says. VITALOG_BINARY names the binary."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests/e2e"))
import clients

EXAMPLES = ROOT / "docs/examples"
clients.enter_kafka_environment("doors_test", "PyYAML==6.0.3")
import yaml  # noqa: E402
from confluent_kafka.admin import AdminClient, ConfigResource  # noqa: E402
from kafka_client import Cluster  # noqa: E402
from running_site import Site, oru, wait_until  # noqa: E402

BINARY = os.environ["VITALOG_BINARY"]
KAFKA = str(ROOT / "scripts/kafka")
PARTITIONS = "2"


class Doors(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        scratch = tempfile.TemporaryDirectory(prefix="vitalog-doors-test-")
        cls.addClassCleanup(scratch.cleanup)
        cls.folder = pathlib.Path(scratch.name)
        started = subprocess.run([KAFKA, "up", "--dir", str(cls.folder / "cluster")], capture_output=True, text=True)
        if started.returncode == clients.SKIPPED:
            print(f"SKIPPED doors_test: {started.stderr}", file=sys.stderr)
            sys.exit(clients.SKIPPED)
        assert started.returncode == 0, started.stderr
        cls.addClassCleanup(subprocess.run, [KAFKA, "down", "--dir", str(cls.folder / "cluster")])
        cls.bootstrap = json.loads((cls.folder / "cluster/state.json").read_text())["bootstrap"]
        cls.cluster = Cluster(cls.bootstrap)
        cls.flags = [word for setting in ("log.kind=kafka", f"log.brokers={cls.bootstrap}", f"log.partitions={PARTITIONS}",
                                          "notify.mode=live", "notify.sms.gateway=external") for word in ("--set", setting)]
        cls.site = Site(BINARY, *cls.flags)
        cls.addClassCleanup(cls.site.remove)
        cls.site.start()
        status, answer = cls.site.post("/directory", [
            {"team": "general", "members": [{"user": "dr.li", "phone": "13800000001"}], "duty_doctor": "dr.li",
             "duty_group": "general"},
            {"patient": "MRN|7", "team": "general", "phone": "13900000007", "consent": {"alert": ["sms"]},
             "accounts": ["HUAWEI|w7"]}])
        assert status == 200, answer

    def example(self, program, *words):
        done = subprocess.run([sys.executable, str(EXAMPLES / f"python/{program}.py"), *words, "--bootstrap", self.bootstrap],
                              capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def publish(self, content, *words):
        file = self.folder / "published"
        file.write_bytes(content)
        self.example("publisher", words[0], str(file), *words[1:])
        self.settle()

    def settle(self):
        """Until every stage and the views are through with what the site knows of. What the gateway has taken, the site can't
        know: it keeps its place in the cluster."""
        self.wait_for(lambda: not self.site.get("/lag")[1]["records"])

    def wait_for(self, says):
        """A record of a foreign writer takes its time to the site."""
        return wait_until(says, lambda: str(self.site.get("/lag")))

    def gateway(self):
        return self.example("gateway", "--journal", str(self.folder / "journal"), "--idle", "5")

    def test_a_published_result_goes_all_the_way(self):
        now = time.strftime("%Y%m%d%H%M%S", time.gmtime(time.time() + 8 * 3600))
        self.publish(oru("m1", patient="7", value="7.2", time=now), "hl7", "--topic", "feed.lis")
        self.wait_for(lambda: self.site.get("/fhir/Task?status=requested&_count=5")[1].get("entry"))
        self.assertRegex(self.example("inbox", "--once"), r"high +requested general: .*\n1 open tasks\n$")
        task = self.site.get("/fhir/Task?status=requested&_count=5")[1]["entry"][0]["resource"]["id"]
        self.gateway()  # the doctor is told
        self.assertEqual(self.site.post(f"/fhir/Task/{task}/$confirm", {}, user="dr.li")[0], 200)
        self.settle()
        self.assertIn("to 13900000007", self.gateway())
        self.settle()
        person = self.site.person("MRN|7")
        told = self.site.get(f"/fhir/Communication?patient={person}")[1]["entry"][0]["resource"]
        self.assertEqual(told["status"], "completed")
        self.assertEqual(self.example("inbox", "--once"), "0 open tasks\n")

    def test_samples_reach_their_person(self):
        end = int(time.time()) * 1000
        points = [{"startTime": (end - 1000 * n) * 1_000_000, "dataTypeName": "com.huawei.instantaneous.heart_rate",
                   "value": [{"fieldName": "bpm", "integerValue": 70 + n}]} for n in range(3)]
        batch = {"group": [{"sampleSet": [{"dataCollectorId": "watch", "samplePoints": points}]}]}
        self.publish(json.dumps(batch).encode() + b"\n", "wearable", "--account", "HUAWEI|w7")
        batches = self.wait_for(lambda: [json.loads(value) for record, value in self.site.topic("person")
                                         if record["headers"].get("ce_type") == "vitalog.person-samples.v1"])
        self.assertEqual([b["event"]["series"][0]["values"] for b in batches], [[720, 710, 700]])

    def test_what_cant_be_used_is_a_dead_letter_with_its_reason(self):
        self.cluster.write("feed.his", [("x", b"no message", {"format": "fhir", "ce_id": "a" * 32})])
        self.wait_for(lambda: self.site.topic("dead-letter"))
        self.settle()
        letters = [(record["headers"]["reason"], value) for record, value in self.site.topic("dead-letter")]
        self.assertEqual(len(letters), 1)
        self.assertIn("in the form 'fhir' are not read here", letters[0][0])
        self.assertEqual(letters[0][1], b"no message")

    def test_topics_are_as_the_document_says(self):
        text = self.site.command("describe", "--asyncapi", *self.flags, check=True).stdout
        bindings = {channel["address"]: channel["bindings"]["kafka"] for channel in yaml.safe_load(text)["channels"].values()}
        admin = AdminClient({"bootstrap.servers": self.bootstrap})
        there = admin.list_topics(timeout=20).topics
        for topic, binding in bindings.items():
            self.assertEqual(len(there[topic].partitions), binding["partitions"], topic)
        resources = [ConfigResource(ConfigResource.Type.TOPIC, topic) for topic in bindings]
        for resource, described in admin.describe_configs(resources).items():
            settings = {name: entry.value for name, entry in described.result(20).items()}
            for name, wanted in bindings[resource.name]["topicConfiguration"].items():
                wanted = ",".join(wanted) if isinstance(wanted, list) else str(wanted)
                self.assertEqual(settings[name], wanted, f"{resource.name} {name}")


if __name__ == "__main__":
    unittest.main()
