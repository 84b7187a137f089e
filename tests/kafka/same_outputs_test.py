#!/usr/bin/env python3
"""The same input, on the embedded log and on a cluster: each person's outputs are the same sequence with the same ids,
byte by byte, whatever is done to the cluster's worker meanwhile. VITALOG_BINARY names the program, VITALOG_TEST_KAFKA
the cluster."""

import collections
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))
from running_site import Mllp, Site, ack_code, call, oru

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BINARY = os.environ["VITALOG_BINARY"]
BROKERS = os.environ["VITALOG_TEST_KAFKA"]
KILLS = int(os.environ.get("VITALOG_TEST_KILLS", "5"))
PERSONS = 40
NOW, LATER = "2026-11-21T09:00:00+08:00", "2026-11-21T09:40:00+08:00"
TEAM = {"team": "general", "members": [{"user": "dr.li", "phone": "13800000001"}],
        "duty_doctor": "dr.li", "duty_group": "general"}
# What stages give; the topics that they read from one another are among them.
OUTPUTS = ("subject", "person", "risk", "alert", "task", "task-board", "notification", "delivery")


def messages(persons):
    """Each person's creatinine rises over two days, and every third has a potassium that nobody leaves waiting."""
    sent = []
    for day, creatinine in ((19, 70), (20, 95), (21, 180)):
        for person in range(persons):
            sent.append(oru(f"c{day}-{person}", str(person), "14682-9", str(creatinine + person), "umol/L",
                            f"202611{day}080000", order=f"C{day}", reference="57-97"))
            if person % 3 == 0 and day == 21:
                sent.append(oru(f"k{person}", str(person), value="6.8", time="20261121083000", order=f"K{day}"))
    return sent


TOPICS = ("feed.his", "feed.lis", "feed.pacs", "feed.wearable", "feed.directory", "feed.decision", "feed.receipt",
          "feed.control", "feed.operation", "subject", "person", "task", "notification", "risk", "alert", "task-board",
          "delivery", "send.sms", "send.wechat", "send.wecom", "dead-letter", "audit")


def settings(values):
    return [word for key, value in values.items() for word in ("--set", f"{key}={value}")]


def named(name):
    """Topics of their own; a feed record's id has its topic's name in it. No doctor's daily limit, which the order of
    many people's tasks decides."""
    return settings({"notify.daily_limit": 10000, **{f"topics.{topic}.name": f"{name}.{topic}" for topic in TOPICS}})


def on_kafka(name, brokers):
    return named(name) + settings({"log.kind": "kafka", "log.brokers": brokers, "log.group": name, "log.session": "6s"})


class Sender(threading.Thread):
    """Sends one after another over one connection, again and again until each is acknowledged."""

    def __init__(self, site, sent):
        super().__init__(daemon=True)
        self.site, self.sent, self.done = site, sent, 0

    def run(self):
        connection = None
        for message in self.sent:
            while True:
                try:
                    connection = connection or Mllp(self.site.mllp)
                    if ack_code(connection.send(message)) == "AA":
                        break
                except OSError:
                    if connection:
                        connection.close()
                    connection = None
                time.sleep(0.05)
            self.done += 1
        connection.close()


def outputs(site, name):
    """By topic and key: the records' ids and bytes in order."""
    found = {}
    for topic in OUTPUTS:
        by_key = collections.defaultdict(list)
        for record, value in site.topic(f"{name}.{topic}"):
            if record.get("key") and record["headers"]["ce_type"] != "vitalog.tick.v1":
                by_key[record["key"]].append((record["headers"]["ce_id"], value))
        # A doctor's notices come from the tasks of many people, in whatever order those are decided.
        found[topic] = {key: sorted(by_key[key]) if key.startswith("user:") else by_key[key] for key in by_key}
    return found


class WithBoth(unittest.TestCase):
    """The input has gone through an embedded log; a site on the cluster waits for it."""
    maxDiff = 2000

    def setUp(self):
        self.name = f"same-{time.time_ns()}"
        self.sent = messages(PERSONS)
        embedded = Site(BINARY, "--clock", "manual", *named(self.name))
        self.addCleanup(embedded.remove)
        embedded.start()
        self.begin(embedded)
        Sender(embedded, self.sent).run()
        self.finish(embedded)
        self.expected = outputs(embedded, self.name)
        self.assertEqual(embedded.stop(), 0)
        self.assertGreaterEqual(sum(map(len, self.expected["alert"].values())), PERSONS, "alerts were raised")
        self.assertGreaterEqual(sum(map(len, self.expected["task-board"].values())), PERSONS, "tasks were made")
        self.site, *self.others = self.start()
        self.begin(self.site)
        for other in self.others:
            other.clock(NOW)

    def start(self):
        return [self.worker("one")]

    def worker(self, instance, *flags):
        site = Site(BINARY, "--clock", "manual", *on_kafka(self.name, self.brokers()), "--set",
                    f"log.instance={instance}", *flags)
        self.addCleanup(site.remove)
        site.start()
        return site

    def brokers(self):
        return BROKERS

    @staticmethod
    def begin(site):
        site.clock(NOW)
        lines = [json.dumps(TEAM)] + [json.dumps({"patient": f"MRN|{n}", "phone": f"139{n:08d}",
                                                  "consent": {"alert": ["sms"]}}) for n in range(PERSONS)]
        status, answer = call(f"{site.url}/directory", "\n".join(lines), content_type="application/x-ndjson", timeout=60)
        assert status == 200, answer

    @staticmethod
    def finish(*sites):
        sites[0].wait(120)
        for site in sites:
            site.clock(LATER)
        sites[0].wait(120)

    def check(self, *sites):
        """A process knows nothing of the timers of others: their outputs come when they come, and nothing after them."""
        sites = sites or (self.site,)
        self.finish(*sites)
        for _ in range(60):
            if outputs(sites[0], self.name) == self.expected:
                break
            time.sleep(1)
        sites[0].wait(120)
        got = outputs(sites[0], self.name)
        for topic in OUTPUTS:
            self.assertEqual(set(got[topic]), set(self.expected[topic]), topic)
            for key, sequence in self.expected[topic].items():
                self.assertEqual(got[topic][key], sequence, f"{topic} of {key}")


class OneWorker(WithBoth):
    def test_undisturbed(self):
        Sender(self.site, self.sent).run()
        self.check()
        self.assertEqual(self.site.stop(), 0)

    def test_killed_again_and_again(self):
        seed = int(os.environ.get("VITALOG_SEED", time.time_ns() % 1_000_000))
        print(f"seed {seed}", file=sys.stderr)
        chance = random.Random(seed)
        sender = Sender(self.site, self.sent)
        sender.start()
        for _ in range(KILLS):
            time.sleep(chance.uniform(0.05, 1.0))
            self.site.kill()
            self.site.start()
        sender.join(timeout=300)
        self.assertEqual(sender.done, len(self.sent))
        self.check()

    def test_another_machine_goes_on_from_the_snapshots(self):
        half = len(self.sent) // 2
        Sender(self.site, self.sent[:half]).run()
        self.site.wait(60)
        self.site.kill()
        shutil.rmtree(self.site.folder / "data")
        self.site.start()
        Sender(self.site, self.sent[half:]).run()
        self.check()
        self.assertIn("event=restored", (self.site.folder / "run.log").read_text())


class SeveralWorkers(WithBoth):
    def shards(self, site):
        """How many shards a process runs, by its own word."""
        return sum(int(line.split()[-1]) for line in call(site.url + "/metrics")[1].splitlines()
                   if line.startswith("vitalog_shards{"))

    def until(self, what, seconds=60):
        for _ in range(seconds * 10):
            if what():
                return
            time.sleep(0.1)
        self.fail("does not come: " + (self.site.folder / "run.log").read_text()[-3000:])

    def test_workers_come_and_go_under_load(self):
        third = len(self.sent) // 3
        sender = Sender(self.site, self.sent[:third])
        sender.start()
        two, three = self.worker("two"), self.worker("three")
        self.until(lambda: self.shards(two) > 0 and self.shards(three) > 0)
        sender.join(timeout=120)
        sender = Sender(two, self.sent[third:2 * third])
        sender.start()
        self.assertEqual(three.stop(), 0)
        sender.join(timeout=120)
        Sender(self.site, self.sent[2 * third:]).run()
        self.check(self.site, two)

    def test_a_zombie_changes_nothing(self):
        two = self.worker("two")
        self.until(lambda: self.shards(self.site) > 0 and self.shards(two) > 0)
        before, half = self.shards(two), len(self.sent) // 2
        sender = Sender(two, self.sent[:half])
        sender.start()
        time.sleep(0.3)
        os.kill(self.site.process.pid, signal.SIGSTOP)
        sender.join(timeout=120)
        self.until(lambda: self.shards(two) > before)
        os.kill(self.site.process.pid, signal.SIGCONT)
        Sender(two, self.sent[half:]).run()
        self.until(lambda: self.shards(self.site) > 0)
        self.check(two, self.site)


class Roles(WithBoth):
    def start(self):
        """One listens and shows, the others compute."""
        back = self.worker("back", "--roles", "intake,care,desk")
        more = self.worker("more", "--roles", "identity,notify,effects")
        return self.worker("front", "--roles", "listeners,views"), back, more

    def test_each_process_does_its_part(self):
        front, back, more = self.site, *self.others
        Sender(front, self.sent).run()
        self.check(front, back, more)
        self.assertEqual(call(back.url + "/fhir/metadata")[0], 404)


class BrokenCluster(WithBoth):
    """A cluster of its own, whose broker is taken away."""

    def brokers(self):
        return self.bootstrap

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="vitalog-kafka-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.kafka("up", "--owner", str(os.getpid()))
        self.addCleanup(self.kafka, "down")
        self.bootstrap = json.loads((pathlib.Path(self.folder) / "cluster/state.json").read_text())["bootstrap"]
        super().setUp()

    def kafka(self, *words):
        subprocess.run([ROOT / "scripts/kafka", *words, "--dir", self.folder + "/cluster"], check=True,
                       stdout=subprocess.DEVNULL)

    def test_a_broker_is_killed_and_comes_back(self):
        sender = Sender(self.site, self.sent)
        sender.start()
        time.sleep(0.5)
        self.kafka("kill", "1")
        time.sleep(2)
        self.kafka("start", "1")
        sender.join(timeout=240)
        self.assertEqual(sender.done, len(self.sent))
        self.check()


if __name__ == "__main__":
    unittest.main()
