"""Two processes of a site on a cluster, one of which sends, and one provider. Each patient is due one message. VITALOG_BINARY
names the program, VITALOG_TEST_KAFKA the cluster."""

import json
import os
import pathlib
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))
from running_site import GatewaySim, Mllp, Site, call, oru
from both_logs import BINARY, metrics, on_kafka, settings, until

PATIENTS = 24


class TwoSenders(unittest.TestCase):
    rate = 6  # messages a second, so that some are sent and some not when something happens

    def brokers(self):
        return os.environ["VITALOG_TEST_KAFKA"]

    def setUp(self):
        """The first by name is on duty. The other answers doctors and hears what the provider reports."""
        name = f"effects-{time.time_ns()}"
        self.duty, self.other = (Site(BINARY, *on_kafka(name, self.brokers()), "--set", f"log.instance={instance}")
                                 for instance in ("a", "b"))
        self.sim = GatewaySim(BINARY, self.other.url, "--receipt-delay", "50")
        self.addCleanup(self.sim.stop)
        for site in (self.duty, self.other):
            self.addCleanup(site.remove)
            site.flags += settings({"notify.mode": "live", "notify.aliyun.url": self.sim.url, "notify.aliyun.rate": self.rate})
            site.start()
        self.until(lambda: self.on_duty(self.duty) and not self.on_duty(self.other))
        self.confirm_all()

    def until(self, what, seconds=120):
        until(what, self.other, seconds)

    @staticmethod
    def on_duty(site):
        return metrics(site, "vitalog_on_duty").get("vitalog_on_duty") == 1

    def confirm_all(self):
        """Every patient has a critical result that a doctor confirms: a message to each."""
        lines = [{"team": "general", "members": [{"user": "dr.li"}], "duty_doctor": "dr.li", "duty_group": "general"}]
        lines += [{"patient": f"MRN|{n}", "team": "general", "phone": f"139{n:08d}", "consent": {"alert": ["sms"]}}
                  for n in range(PATIENTS)]
        status, answer = call(self.other.url + "/directory", "\n".join(map(json.dumps, lines)),
                              content_type="application/x-ndjson", timeout=120)
        self.assertEqual(status, 200, answer)
        sender = Mllp(self.other.mllp)
        self.addCleanup(sender.close)
        now = time.strftime("%Y%m%d%H%M%S", time.gmtime(time.time() + 8 * 3600))
        for n in range(PATIENTS):
            sender.send(oru(f"e{n}", patient=str(n), value="7.2", time=now))
        self.until(lambda: len(self.tasks()) == PATIENTS)
        for task in self.tasks():
            status, answer = self.other.post(f"/fhir/Task/{task}/$confirm", {}, user="dr.li")
            self.assertEqual(status, 200, answer)

    def tasks(self):
        bundle = self.other.get("/fhir/Task?status=requested&_count=100")[1]
        return [entry["resource"]["id"] for entry in bundle.get("entry", [])]

    def arrived(self):
        return [message["to"] for message in self.sim.sent() if message["channel"] == "sms"]

    def states(self):
        """The last word on each message to a patient."""
        last = {}
        for record, value in self.other.topic(self.topic):
            event = json.loads(value)
            if event["purpose"] == "alert":
                last[event["intent"]] = event["state"]
        return list(last.values())

    @property
    def topic(self):
        return next(t["topic"] for t in self.other.get("/topics")[1]["topics"] if t["topic"].endswith(".delivery"))

    def check(self):
        self.until(lambda: self.states().count("delivered") == PATIENTS, 300)
        sent = self.arrived()
        self.assertEqual(len(sent), PATIENTS, sent)
        self.assertEqual(len(set(sent)), PATIENTS, "no message is sent twice")
