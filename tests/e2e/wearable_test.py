#!/usr/bin/env python3
"""Wearables at the real binary: the door, waiting accounts, an Apple export. VITALOG_BINARY names it."""

import gzip
import json
import os
import pathlib
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from running_site import Site

BINARY = os.environ["VITALOG_BINARY"]
BODIES = pathlib.Path(__file__).parent.parent / "data/wearable/openmhealth"


def answer(values, end=None, field="bpm", kind="com.huawei.instantaneous.heart_rate"):
    end = int((end or time.time()) * 1000)
    points = [{"startTime": (end - 1000 * (len(values) - 1 - i)) * 1_000_000, "dataTypeName": kind,
               "value": [{"fieldName": field, "integerValue": value}]} for i, value in enumerate(values)]
    return {"group": [{"sampleSet": [{"dataCollectorId": "watch", "samplePoints": points}]}]}


class Wearable(unittest.TestCase):
    def setUp(self):
        self.site = Site(BINARY)
        self.addCleanup(self.site.remove)
        self.site.start()

    def post(self, body, account=None, content_type="application/json", packed=True):
        """(status, body as JSON)."""
        data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        url = self.site.url + "/ingest/wearable" + (f"?account={account}" if account else "")
        headers = {"Content-Type": content_type}
        if packed:
            data, headers["Content-Encoding"] = gzip.compress(data), "gzip"
        try:
            with urllib.request.urlopen(urllib.request.Request(url, data=data, headers=headers), timeout=30) as reply:
                return reply.status, json.loads(reply.read())
        except urllib.error.HTTPError as refused:
            return refused.code, json.loads(refused.read())

    def bind(self, patient, account):
        status, _ = self.site.post("/directory", [{"patient": patient, "accounts": [account]}])
        self.assertEqual(status, 200)

    def samples(self):
        """The batches on `person`."""
        self.site.wait()
        return [json.loads(value) for record, value in self.site.topic("person")
                if record["headers"].get("ce_type") == "vitalog.person-samples.v1"]

    def test_a_batch_reaches_its_person(self):
        self.bind("MRN|1", "HUAWEI|w1")
        batch = answer([70, 71, 72])
        self.assertEqual(self.post(batch, "HUAWEI|w1"),
                         (202, {"accepted": 3, "duplicate": 0, "rejected": 0, "items": []}))
        status, again = self.post(batch, "HUAWEI|w1", packed=False)
        self.assertEqual((status, again["accepted"], again["duplicate"]), (202, 0, 3))
        found = self.samples()
        self.assertEqual([b["event"]["series"][0]["values"] for b in found], [[700, 710, 720]])
        self.assertEqual(list(self.site.topic("dead-letter")), [])

    def test_an_unbound_account_waits_and_flows(self):
        for value in (60, 61):
            self.assertEqual(self.post(answer([value]), "HUAWEI|w2")[0], 202)
        self.assertEqual(self.samples(), [])
        self.bind("MRN|2", "HUAWEI|w2")
        self.assertEqual([b["event"]["series"][0]["values"] for b in self.samples()], [[600], [610]])

    def test_every_published_body_is_answered_for(self):
        points = []
        for path in sorted(BODIES.rglob("*.json")):
            schema = path.relative_to(BODIES).parts[0]
            if schema in ("header", "data-point"):
                continue
            points.append({"header": {"id": path.name, "creation_date_time": "2020-03-01T00:00:00Z", "user_id": "OMH|u1",
                                      "schema_id": {"namespace": "omh", "name": schema, "version": "1.0"}},
                           "body": json.loads(path.read_text())})
        self.bind("MRN|3", "OMH|u1")
        status, reply = self.post("\n".join(json.dumps(p) for p in points), content_type="application/x-ndjson")
        self.assertEqual(status, 202)
        self.assertEqual((reply["accepted"], reply["rejected"]), (len(points) - 3, 3), reply["items"])
        self.assertEqual(len(self.samples()), 1)

    def test_what_is_no_batch_is_refused(self):
        self.assertEqual(self.post("nonsense", "A|1")[0], 400)
        self.assertEqual(self.post(answer([70]))[0], 400)
        self.assertEqual(self.post(answer([70]), "A|1", "text/plain")[0], 415)
        self.assertEqual(self.post(" " * (17 << 20), "A|1")[0], 413)

    def test_an_apple_export_comes_in(self):
        self.bind("MRN|4", "APPLE|a1")
        record = ('<Record type="HKQuantityTypeIdentifierHeartRate" sourceName="Watch" unit="count/min" '
                  'creationDate="2016-05-28 18:45:38 -0400" startDate="2016-05-28 18:{:02}:38 -0400" '
                  'endDate="2016-05-28 18:{:02}:38 -0400" value="{}"/>')
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "export.xml"
            path.write_text("<?xml version=\"1.0\"?>\n<HealthData>" +
                            "".join(record.format(i % 45, i % 45, 60 + i % 40) for i in range(2500)) + "</HealthData>\n")
            words = ("import", "apple-health", str(path), "--url", self.site.url, "--account", "APPLE|a1", "--quiet")
            first = self.site.command(*words)
            self.assertEqual(first.returncode, 0, first.stderr)
            self.assertIn("accepted 2500 duplicate 0 rejected 0", first.stdout)
            self.assertIn("accepted 0 duplicate 2500 rejected 0", self.site.command(*words).stdout)
        self.assertEqual(sum(len(b["event"]["series"][0]["values"]) for b in self.samples()), 2500)


if __name__ == "__main__":
    unittest.main(verbosity=2)
