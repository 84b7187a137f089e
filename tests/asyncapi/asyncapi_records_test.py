"""What schemas/asyncapi.yaml says is so: every record of every topic of a running site, in which a city was simulated and
doctors decided, is one of the messages of its channel, headers and payload. VITALOG_BINARY names the binary. For Debian's
interpreter: python3-yaml and python3-jsonschema belong to it."""

import json
import os
import pathlib
import sys
import time
import unittest

import jsonschema
import yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests/e2e"))
from running_site import GatewaySim, Mllp, Site, ack_code, hl7, oru

BINARY = os.environ["VITALOG_BINARY"]
DOCUMENT = ROOT / "schemas/asyncapi.yaml"
# Nothing of them comes about in this test: imaging, resends, providers other than Aliyun, what only operators do.
QUIET = {"feed.lis", "feed.pacs", "feed.operation", "send.wechat", "send.wecom"}


class Document:
    """The document with its references put in place."""

    def __init__(self, path):
        self.folder = path.parent
        self.root = yaml.safe_load(path.read_text())

    def resolved(self, node):
        if isinstance(node, list):
            return [self.resolved(item) for item in node]
        if not isinstance(node, dict):
            return node
        if "$ref" not in node:
            return {key: self.resolved(value) for key, value in node.items()}
        where = node["$ref"]
        if not where.startswith("#/"):
            return json.loads((self.folder / where).read_text())
        found = self.root
        for part in where[2:].split("/"):
            found = found[part]
        return self.resolved(found)

    def messages(self):
        """{channel: [(name, headers' validator, payload's validator or None)]}"""
        return {channel: [self.message(name, node) for name, node in self.resolved(held["messages"]).items()]
                for channel, held in self.root["channels"].items()}

    @staticmethod
    def message(name, node):
        for schema in (node["headers"], node["payload"]):
            jsonschema.Draft202012Validator.check_schema(schema)
        payload = jsonschema.Draft202012Validator(node["payload"]) if node["contentType"] == "application/json" else None
        return name, jsonschema.Draft202012Validator(node["headers"]), payload


def faults(message, record, value):
    """Why a record is not that message; empty where it is."""
    name, headers, payload = message
    found = [f"{name}: headers: {error.message}" for error in headers.iter_errors(record["headers"])]
    if found or payload is None:
        return found
    try:
        return [f"{name}: {error.json_path}: {error.message}" for error in payload.iter_errors(json.loads(value))]
    except ValueError as error:
        return [f"{name}: not JSON: {error}"]


class Records(unittest.TestCase):
    def play(self, site):
        """A city; a patient with a critical result that a doctor confirms, so that a message goes out and is delivered; a
        doctor who is late; a message that nobody can use; a read."""
        run = site.command("simulate", "--mllp", site.mllp, "--url", site.url, "--seed", "5", "--persons", "150", "--rate",
                           "100", "--duration", "6s", "--quiet")
        self.assertEqual(run.returncode, 0, run.stdout + run.stderr)
        site.post("/directory", [{"patient": "MRN|77", "phone": "13900000077", "consent": {"alert": ["sms"]}}])
        sender = Mllp(site.mllp)
        now = time.strftime("%Y%m%d%H%M%S", time.gmtime(time.time() + 8 * 3600))
        self.assertEqual(ack_code(sender.send(oru("m1", patient="77", value="7.2", time=now))), "AA")
        self.assertEqual(ack_code(sender.send(hl7("MSH|^~\\&|LAB|HOSP|V|H|20261121||ORU^R01|m2|P|2.5"))), "AE")
        sender.close()
        site.wait()
        ours = site.person("MRN|77")
        tasks = site.get("/fhir/Task?status=requested,accepted&_count=200")[1]["entry"]
        task = next(entry["resource"]["id"] for entry in tasks if entry["resource"]["for"]["reference"].endswith(ours))
        self.assertEqual(site.post(f"/fhir/Task/{task}/$confirm", {}, user="dr.li")[0], 200)
        self.assertEqual(site.post(f"/fhir/Task/{task}/$reject", {"reason": "late"}, user="dr.wu")[0], 409)
        while not any(event["state"] == "delivered" for event in site.events("delivery")):
            time.sleep(0.1)
        site.wait()

    def test_every_record_is_as_the_document_says(self):
        site = Site(BINARY)
        self.addCleanup(site.remove)
        simulator = GatewaySim(BINARY, f"{site.url}/receipts/aliyun", "--receipt-delay", "50")
        self.addCleanup(simulator.stop)
        site.flags = ["--set", "notify.mode=live", "--set", f"notify.aliyun.url={simulator.url}"]
        site.start()
        self.play(site)
        document = Document(DOCUMENT)
        seen, wrong = {}, []
        for channel, messages in document.messages().items():
            for record, value in site.topic(channel):
                reasons = [faults(message, record, value) for message in messages]
                fits = [message[0] for message, found in zip(messages, reasons) if not found]
                seen.setdefault(channel, set()).update(fits)
                if not fits:
                    wrong.append(f"{channel}/{record['offset']} is no message of its channel: {min(reasons, key=len)}")
        self.assertEqual(wrong[:10], [])
        self.assertLessEqual(document.root["channels"].keys() - seen.keys(), QUIET)


if __name__ == "__main__":
    unittest.main()
