#!/usr/bin/env python3
"""What a site on a cluster decided is recomputed from its topics, while it runs; an anchor of its records holds; what others wrote
there is found, and what was never committed is nothing. VITALOG_BINARY names the program, VITALOG_TEST_KAFKA the cluster,
VITALOG_VENV the environment of the foreign client."""

import json
import os
import pathlib
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))
import clients
from running_site import Mllp, Site, call, oru
from both_logs import BINARY, on_kafka

if __name__ == "__main__":
    clients.enter_kafka_environment("audit_kafka_test")
from kafka_client import Cluster  # noqa: E402

BROKERS = os.environ["VITALOG_TEST_KAFKA"]


class AuditOfACluster(unittest.TestCase):
    def test_a_running_site_is_verified_from_its_topics(self):
        group = f"audit-{time.time_ns()}"
        cluster = on_kafka(group, BROKERS)
        site = Site(BINARY, *cluster)
        self.addCleanup(site.remove)
        site.start()
        lines = [{"team": "general", "members": [{"user": "dr.li"}], "duty_doctor": "dr.li", "duty_group": "general"}]
        status, answer = call(site.url + "/directory", "\n".join(map(json.dumps, lines)),
                              content_type="application/x-ndjson", timeout=120)
        self.assertEqual(status, 200, answer)
        sender = Mllp(site.mllp)
        self.addCleanup(sender.close)
        now = time.strftime("%Y%m%d%H%M%S", time.gmtime(time.time() + 8 * 3600))
        for n in range(20):
            sender.send(oru(f"m{n}", patient=str(n % 5), value=f"{4 + n / 5:.1f}", order=f"O{n}", time=now))
        site.wait(120)

        reading = list(cluster)  # whoever only reads names the brokers, and that says what kind of log it is
        kind = reading.index("log.kind=kafka")
        del reading[kind - 1:kind + 1]

        def verify(*words, code=0):
            done = site.command("audit", "verify", *reading, *words)
            self.assertEqual(done.returncode, code, done.stdout + done.stderr)
            return done.stdout

        said = verify("--stage", "all")
        self.assertNotIn("care: 0 outputs", said)
        anchor, report = site.folder / "anchor", site.folder / "report.json"
        verify("--stage", "care", "--anchor", str(anchor))
        sender.send(oru("after", patient="1", value="7.5", order="after", time=now))
        site.wait(120)
        verify("--stage", "care", "--anchor", str(anchor), "--report", str(report))
        chains = json.loads(report.read_text())[0]["chains"]
        self.assertTrue(any("sha256" in chain for chain in chains))
        self.assertTrue(any("sha256" in output for output in json.loads(report.read_text())[0]["outputs"]))
        kept = json.loads(anchor.read_text())
        changed = max(range(len(kept["entries"])), key=lambda i: kept["entries"][i]["end"])
        kept["entries"][changed]["sha256"] = "0" * 64
        anchor.write_text(json.dumps(kept))
        self.assertIn("are not those that the anchor knows", verify("--stage", "care", "--anchor", str(anchor), code=1))
        self.assertEqual(site.stop(), 0)

        # Whoever may write to the brokers: what was never committed is nothing, what was is found.
        alert = [("0" * 32, b'{"id":"0"}', {"ce_id": "0" * 32, "ce_type": "vitalog.alert.v1", "ce_source": "vitalog/care",
                                           "root": "0" * 32, "cause": "0" * 32})]
        brokers = Cluster(BROKERS)
        brokers.write(f"{group}.alert", alert, "abort")
        self.assertIn("0 differ", verify("--stage", "care"))
        into = site.folder / "again"
        done = site.command("replay", *cluster, "--into", str(into), "--compare")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("the replay agrees", done.stdout)
        brokers.write(f"{group}.alert", alert)
        self.assertRegex(verify("--stage", "care", code=1), f"first difference: {group}.alert/[0-9]+/[0-9]+ is not recomputed")


if __name__ == "__main__":
    unittest.main()
