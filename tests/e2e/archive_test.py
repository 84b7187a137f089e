#!/usr/bin/env python3
"""The archive of a site that had a day's work, judged by code that nobody here wrote: every resource it can show is
validated by fhir.resources (its R4B models: R4's, but for types that are not served), and fhirpy reads it as a client would.
VITALOG_BINARY names the binary."""

import base64
import collections
import datetime
import json
import os
import pathlib
import sys
import unittest
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from clients import enter_environment  # noqa: E402

PACKAGES = ["fhir.resources==8.3.0", "fhirpy==2.3.1"]

if __name__ == "__main__":
    enter_environment(pathlib.Path(os.environ["VITALOG_VENV"]), PACKAGES, "archive_test")

from fhir.resources.R4B import get_fhir_model_class  # noqa: E402
from fhirpy import SyncFHIRClient  # noqa: E402
from fhirpy.base.exceptions import OperationOutcome, ResourceNotFound  # noqa: E402
from running_site import Mllp, Site, ack_code, call, hl7, oru  # noqa: E402

BINARY = os.environ["VITALOG_BINARY"]
FILE = pathlib.Path(__file__).parent.parent / "data/hl7/simhospital.hl7"
SEARCHED = ("Patient", "Encounter", "DiagnosticReport", "Observation", "RiskAssessment", "DetectedIssue", "Task",
            "Communication")
SAMPLES = 240  # one a minute: four hours


def minutes_ago(minutes):
    return (datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=minutes)).strftime("%Y%m%d%H%M%S+0000")


def adt(control, trigger, *segments):
    return hl7(f"MSH|^~\\&|HIS|HOSP|V|W|{minutes_ago(0)}||ADT^{trigger}|{control}|P|2.5", f"EVN|{trigger}|{minutes_ago(0)}",
               *segments)


def letter(patient):
    document = base64.b64encode(b"%PDF-1.4 a letter").decode()
    return hl7(f"MSH|^~\\&|EMR|HOSP|V|W|{minutes_ago(1)}||MDM^T02|letter|P|2.5", f"PID|1||{patient}^^^MRN^MR||Wang^Fang",
               f"TXA|1|DS||{minutes_ago(60)}|||||5^Wu^Yi|||D1|||||LA", "OBX|1|TX|B^Body^L||See the letter.||||||F",
               f"OBX|2|ED|P^Letter^L||EMR^application^pdf^Base64^{document}||||||F")


def heart_rates():
    begin = int(datetime.datetime(2026, 11, 1, tzinfo=datetime.timezone.utc).timestamp())
    points = [{"startTime": (begin + 60 * i) * 10**9, "dataTypeName": "com.huawei.instantaneous.heart_rate",
               "value": [{"fieldName": "bpm", "integerValue": 60 + i % 20}]} for i in range(SAMPLES)]
    return {"group": [{"sampleSet": [{"dataCollectorId": "watch", "samplePoints": points}]}]}


class Archive(unittest.TestCase):
    """Patient MRN|1: admitted, results (one corrected, one taken back), a decided alert, a letter, a watch; merged with
    MRN|2, who has results too. And everybody in the real file."""

    @classmethod
    def setUpClass(cls):
        cls.site = Site(BINARY)
        cls.addClassCleanup(cls.site.remove)
        cls.site.start()
        cls.work()
        cls.client = SyncFHIRClient(cls.site.url + "/fhir", extra_headers={"X-User": "li"})
        cls.anna = cls.site.person("MRN|1")

    @classmethod
    def work(cls):
        site = cls.site
        directory = [{"team": "general", "members": [{"user": "li", "phone": "13800000001"}], "duty_doctor": "li"},
                     {"patient": "MRN|1", "team": "general", "phone": "13900000001", "accounts": ["HUAWEI|w1"],
                      "consent": {"alert": ["sms"]}}]
        assert site.post("/directory", directory)[0] == 200
        sent = site.command("send-hl7", str(FILE), "--to", site.mllp, "--connections", "4", "--quiet")
        assert sent.returncode == 0, sent.stdout
        sender = Mllp(site.mllp)
        first, second = "PID|1||1^^^MRN^MR||Wang^Fang||19600101|F", "PID|1||2^^^MRN^MR||Wang^F"
        messages = [
            adt("a1", "A01", first, f"PV1|1|I|3^12^1^HOSP||||77^Li^Wei||||||||||||V1|||||||||||||||||||||||||{minutes_ago(90)}"),
            oru("r1", value="4.1", time=minutes_ago(80), order="O1"),
            oru("r2", value="4.2", time=minutes_ago(70), order="O2"),
            oru("r3", value="4.3", time=minutes_ago(70), order="O2", status="C"),
            oru("r4", value="4.9", time=minutes_ago(60), order="O3"),
            oru("r5", value="4.9", time=minutes_ago(60), order="O3", status="D"),
            oru("r6", value="7.0", time=minutes_ago(5), order="O4"),
            oru("r7", patient="2", code="14682-9", value="98", unit="umol/L", time=minutes_ago(50), order="O5"),
            letter("1"), adt("a2", "A40", first, "MRG|2^^^MRN^MR")]
        for message in messages:
            assert ack_code(sender.send(message)) == "AA"
        sender.close()
        assert site.post("/ingest/wearable?account=HUAWEI%7Cw1", heart_rates())[0] == 202
        site.wait()
        task = site.get("/fhir/Task?status=requested&patient=" + site.person("MRN|1"))[1]["entry"][0]["resource"]
        assert site.post(f"/fhir/Task/{task['id']}/$confirm", {}, user="li")[0] == 200
        site.wait()

    def pages(self, path):
        """Every Bundle of a search."""
        url = self.site.url + path
        while url:
            status, text = call(url, user="li")
            self.assertEqual(status, 200, text)
            bundle = json.loads(text)
            yield bundle
            url = next((link["url"] for link in bundle["link"] if link["relation"] == "next"), None)

    def entries(self, path):
        return [entry for bundle in self.pages(path) for entry in bundle.get("entry", [])]


class Validated(Archive):
    def validate(self, resource):
        model = get_fhir_model_class(resource["resourceType"])
        try:
            return model.model_validate(resource)
        except ValueError as wrong:
            raise AssertionError(f"{json.dumps(resource)}\n{wrong}") from wrong

    def test_every_resource_of_every_type(self):
        counts = collections.Counter()
        for kind in SEARCHED:
            for bundle in self.pages(f"/fhir/{kind}?_count=500"):
                self.validate(bundle)
                counts.update(entry["resource"]["resourceType"] for entry in bundle.get("entry", []))
        for kind in SEARCHED:
            self.assertGreater(counts[kind], 0, counts)
        self.assertGreater(counts["Observation"], 2000)

    def test_everything_of_one_person_with_provenance(self):
        kinds = collections.Counter()
        for bundle in self.pages(f"/fhir/Patient/{self.anna}/$everything?_count=7"):
            self.validate(bundle)
            kinds.update(entry["resource"]["resourceType"] for entry in bundle.get("entry", []))
        self.assertEqual(set(kinds), set(SEARCHED))
        self.assertEqual(kinds["Patient"], 1)
        for kind in SEARCHED:
            by = "_id" if kind == "Patient" else "patient"
            found = self.entries(f"/fhir/{kind}?{by}={self.anna}&_revinclude=Provenance:target")
            for entry in found:
                self.validate(entry["resource"])
            modes = collections.Counter(entry["search"]["mode"] for entry in found)
            self.assertEqual(modes["match"], modes["include"], f"{kind}: each has its Provenance")

    def test_telemetry_answers_and_the_statement(self):
        hours = self.entries(f"/fhir/Observation?patient={self.anna}&code=8867-4&_sort=date")
        self.assertEqual(len(hours), SAMPLES / 60)
        for entry in hours:
            self.validate(entry["resource"])
            count = entry["resource"]["component"][0]
            self.assertEqual((count["code"]["coding"][0]["code"], count["valueQuantity"]["value"]), ("count", 60))
        self.validate(self.site.get("/fhir/metadata")[1])
        for path, status in (("/fhir/Patient/none", 404), ("/fhir/Observation?colour=red", 400), ("/fhir/Medication", 404)):
            answer = self.site.get(path)
            self.assertEqual(answer[0], status)
            self.validate(answer[1])
        letters = [entry["resource"] for entry in self.entries(f"/fhir/DiagnosticReport?patient={self.anna}")
                   if "presentedForm" in entry["resource"]]
        request = urllib.request.Request(f"{self.site.url}/fhir/{letters[0]['presentedForm'][1]['url']}",
                                         headers={"Accept": "application/fhir+json"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            self.assertEqual(self.validate(json.loads(answer.read())).contentType, "application/pdf")


class ReadByFhirpy(Archive):
    def of_anna(self, kind):
        return self.client.resources(kind).search(patient=self.anna)

    def test_searches_pages_and_includes(self):
        patient = self.client.resources("Patient").search(identifier="MRN|2").get()
        self.assertEqual(patient.id, self.anna, "after the merge either number finds the survivor")
        observations = self.client.resources("Observation").search(patient=self.anna)
        whole = [one.id for one in observations.limit(1000).fetch_all()]
        by_threes = [one.id for one in observations.limit(3).fetch_all()]
        self.assertEqual(by_threes, whole)
        self.assertEqual(len(set(whole)), len(whole))
        newest = observations.search(code="http://loinc.org|2823-3").sort("-date").limit(1).fetch()[0]
        self.assertEqual(newest.get_by_path(["valueQuantity", "value"]), 7.0)
        self.assertEqual(newest["subject"].to_resource().id, self.anna)
        bundle = self.of_anna("DiagnosticReport").include("DiagnosticReport", "result").fetch_raw()
        kinds = collections.Counter(entry["resource"]["resourceType"] for entry in bundle["entry"])
        self.assertGreater(kinds["Observation"], 0)
        self.assertEqual(bundle["total"], kinds["DiagnosticReport"])

    def test_the_doctors_work_and_what_came_of_it(self):
        task = self.of_anna("Task").search(status="completed").get()
        issue = task["focus"].to_resource()
        self.assertEqual(issue.resource_type, "DetectedIssue")
        self.assertEqual(issue["patient"].to_resource().id, self.anna)
        told = self.of_anna("Communication").fetch_all()
        self.assertEqual([one["status"] for one in told], ["not-done"], "notify.mode is off")

    def test_what_was_taken_back_is_kept(self):
        shown = {one.id for one in self.of_anna("Observation").limit(1000).fetch_all()}
        gone = self.of_anna("Observation").search(status="entered-in-error").fetch_all()
        self.assertEqual(len(gone), 1)
        self.assertNotIn(gone[0].id, shown)
        self.assertEqual(self.client.reference("Observation", gone[0].id).to_resource()["status"], "entered-in-error")
        corrected = self.of_anna("Observation").search(status="corrected").get()
        self.assertEqual(corrected.get_by_path(["valueQuantity", "value"]), 4.3)

    def test_a_merged_patient_links_to_the_survivor(self):
        survivor = self.client.reference("Patient", self.anna).to_resource()
        self.assertEqual([link["type"] for link in survivor["link"]], ["replaces"])
        other = survivor["link"][0]["other"].to_resource()
        self.assertEqual((other["link"][0]["type"], other["link"][0]["other"].to_resource().id), ("replaced-by", self.anna))
        self.assertTrue(self.client.resources("Observation").search(patient=other.id, code="14682-9").first())

    def test_provenance_leads_to_the_message_as_it_came(self):
        found = self.of_anna("Observation").search(code="2823-3").sort("-date").first()
        provenance = self.client.resources("Provenance").search(target=f"Observation/{found.id}").get()
        source = next(entity for entity in provenance["entity"] if entity["role"] == "source")
        topic, partition, offset = source["what"]["identifier"]["value"].split("/")
        line = call(f"{self.site.url}/topics/{topic}/{partition}?from={offset}&max=1")[1]
        message = base64.b64decode(json.loads(line)["value_base64"])
        self.assertIn(b"|r6|", message)

    def test_since_gives_what_changed(self):
        last = self.of_anna("Observation").sort("-_lastUpdated").limit(1).fetch()[0]
        since = last["meta"]["lastUpdated"]
        changed = self.entries(f"/fhir/Patient/{self.anna}/$everything?_since={since}&_type=Observation,Task")
        self.assertIn(last.id, [entry["resource"]["id"] for entry in changed])
        self.assertTrue(all(entry["resource"]["meta"]["lastUpdated"] >= since for entry in changed))
        self.assertEqual(self.entries(f"/fhir/Patient/{self.anna}/$everything?_since=2100-01-01"), [])

    def test_what_is_not_there_and_what_is_not_known(self):
        with self.assertRaises(ResourceNotFound):
            self.client.reference("Patient", "0" * 31 + "1").to_resource()
        with self.assertRaises(OperationOutcome):
            self.client.resources("Observation").search(colour="red").fetch()


class Samples(Archive):
    def test_the_samples_and_their_statistics(self):
        path = f"/series/{self.anna}/8867-4?from=2026-11-01T00:00:00Z&to=2026-11-01T04:00:00Z"
        status, answer = self.site.get(path)
        self.assertEqual(status, 200)
        self.assertEqual([sample["value"] for sample in answer["samples"]], [60 + i % 20 for i in range(SAMPLES)])
        steps = self.site.get(path + "&step=1h")[1]["steps"]
        self.assertEqual([(step["count"], step["min"], step["max"], step["mean"]) for step in steps],
                         [(60, 60, 79, 69.5)] * 4)


del Archive  # is no test of its own

if __name__ == "__main__":
    unittest.main(verbosity=1, warnings="ignore")
