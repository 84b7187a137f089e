"""The same input through an embedded log and through a cluster, and its outputs compared: each person's are the same
sequence with the same ids, byte by byte. VITALOG_BINARY names the program, VITALOG_TEST_KAFKA the cluster."""

import collections
import datetime
import json
import os
import pathlib
import re
import sys
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))
from running_site import Mllp, Site, ack_code, call, oru

BINARY = os.environ["VITALOG_BINARY"]
PERSONS = 40
# Of today: a broker that starts anew forgets the producers whose last record is older than producer.id.expiration.ms, by
# the record's own time, and then takes what they send again for new.
TODAY = datetime.datetime.now(datetime.timezone.utc).date()
NOW, LATER = f"{TODAY}T09:00:00+08:00", f"{TODAY}T09:40:00+08:00"
TEAM = {"team": "general", "members": [{"user": "dr.li", "phone": "13800000001"}],
        "duty_doctor": "dr.li", "duty_group": "general"}
# What stages give; the topics that they read from one another are among them.
OUTPUTS = ("subject", "person", "risk", "alert", "task", "task-board", "notification", "delivery")


def at(time, days_ago=0):
    """An HL7 time of the hospital's."""
    return (TODAY - datetime.timedelta(days=days_ago)).strftime("%Y%m%d") + time


def messages(persons):
    """Each person's creatinine rises over two days, and every third has a potassium that nobody leaves waiting."""
    sent = []
    for days_ago, creatinine in ((2, 70), (1, 95), (0, 180)):
        for person in range(persons):
            sent.append(oru(f"c{days_ago}-{person}", str(person), "14682-9", str(creatinine + person), "umol/L",
                            at("080000", days_ago), order=f"C{days_ago}", reference="57-97"))
            if person % 3 == 0 and days_ago == 0:
                sent.append(oru(f"k{person}", str(person), value="6.8", time=at("083000"), order="K"))
    return sent


TOPICS = ("feed.his", "feed.lis", "feed.pacs", "feed.wearable", "feed.directory", "feed.decision", "feed.receipt",
          "feed.control", "feed.operation", "subject", "person", "task", "notification", "risk", "alert", "task-board",
          "delivery", "send.sms", "send.wechat", "send.wecom", "dead-letter", "audit")


def settings(values):
    return [word for key, value in values.items() for word in ("--set", f"{key}={value}")]


# For a manual clock, which begins in 1970: a cluster drops by its own clock what is older than it keeps.
KEPT = settings({"log.retention": "0s"})


def topic_names(name):
    return {f"topics.{topic}.name": f"{name}.{topic}" for topic in TOPICS}


def named(name):
    """Topics of their own; a feed record's id has its topic's name in it. No doctor's daily limit, which the order of
    many people's tasks decides."""
    return settings({"notify.daily_limit": 10000, **topic_names(name)})


def on_kafka(name, brokers):
    return named(name) + settings({"log.kind": "kafka", "log.brokers": brokers, "log.group": name, "log.session": "6s"})


def until(what, site, seconds):
    """Until `what()` holds; else AssertionError, with the end of the site's log."""
    deadline = time.monotonic() + seconds
    while not what():
        if time.monotonic() >= deadline:
            raise AssertionError(f"does not come in {seconds} s: " + (site.folder / "run.log").read_text()[-3000:])
        time.sleep(0.1)


def metrics(site, name):
    """The values of a metric, by its name and labels."""
    return {line.split()[0]: float(line.split()[-1]) for line in call(site.url + "/metrics")[1].splitlines()
            if re.match(name + r"[{ ]", line)}


def shards(site):
    """How many shards a process runs, by its own word."""
    return sum(metrics(site, "vitalog_shards").values())


class Sender(threading.Thread):
    """Sends one after another over one connection, again and again until each is acknowledged; `pause` seconds between."""

    def __init__(self, site, sent, pause=0):
        super().__init__(daemon=True)
        self.site, self.sent, self.done, self.pause = site, sent, 0, pause

    def run(self):
        connection = None
        for message in self.sent:
            time.sleep(self.pause)
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


def in_order(records):
    """By topic and key: ids and bytes in order, of records (topic, key, headers, value)."""
    found = {topic: collections.defaultdict(list) for topic in OUTPUTS}
    for topic, key, headers, value in records:
        if key and headers["ce_type"] != "vitalog.tick.v1":
            found[topic][key].append((headers["ce_id"], value))
    # A doctor's notices come from the tasks of many people, in whatever order those are decided.
    return {topic: {key: sorted(sequence) if key.startswith("user:") else sequence for key, sequence in by_key.items()}
            for topic, by_key in found.items()}


def outputs(site, name):
    """As a site shows them."""
    return in_order((topic, record.get("key"), record["headers"], value) for topic in OUTPUTS
                    for record, value in site.topic(f"{name}.{topic}"))


def differences(expected, got):
    """What is missing, too many or in another order, by topic and key."""
    found = []
    for topic in OUTPUTS:
        for key in sorted(expected[topic].keys() | got[topic].keys()):
            wanted, there = expected[topic].get(key, []), got[topic].get(key, [])
            if wanted == there:
                continue
            lost, more = (collections.Counter(one) - collections.Counter(other) for one, other in ((wanted, there), (there, wanted)))
            again = sum(count for one, count in more.items() if one in wanted)
            found.append(f"{topic} of {key}: {lost.total()} missing, {more.total()} too many, {again} of them again, of "
                         f"{len(wanted)}; first {next(iter(lost or more), ('another order',))[0]}")
    return found


class WithBoth(unittest.TestCase):
    """The input has gone through an embedded log; a site on the cluster waits for it."""
    maxDiff = 2000
    seed = None  # of what a case draws by lot
    compared = differing = 0

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
        site = Site(BINARY, "--clock", "manual", *on_kafka(self.name, self.brokers()), *KEPT, "--set",
                    f"log.instance={instance}", *flags)
        self.addCleanup(site.remove)
        site.start()
        return site

    def brokers(self):
        return os.environ["VITALOG_TEST_KAFKA"]

    def outputs(self, site):
        """What the cluster has."""
        return outputs(site, self.name)

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
            if self.outputs(sites[0]) == self.expected:
                break
            time.sleep(1)
        sites[0].wait(120)
        found = differences(self.expected, self.outputs(sites[0]))
        self.compared = sum(len(sequence) for by_key in self.expected.values() for sequence in by_key.values())
        self.differing = len(found)
        logs = "".join(f"\n{one.folder.name}:\n" + one.log_path.read_text()[-8000:] for one in sites) if found else ""
        self.assertEqual(found, [], logs)
