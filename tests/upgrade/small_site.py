"""A small site whose time is set by hand: fills a data directory, and tells what is in one."""

import hashlib
import json
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))
from running_site import GatewaySim, Mllp, Site, ack_code, hl7, oru

FLAGS = ("--clock", "manual", "--set", "log.partitions=1", "--set", "site.zone=Asia/Shanghai", "--set", "log.disk_reserve=0")
BEGIN, LATER = "2026-11-21T08:00:00Z", "2026-11-21T08:40:00Z"
RESOURCES = ("Observation", "RiskAssessment", "DetectedIssue", "Task", "DiagnosticReport", "Communication", "DocumentReference",
             "Encounter")


def small_site(binary, folder):
    return Site(binary, *FLAGS, data_dir=folder)


def with_provider(site):
    """Messages are sent, to a simulated provider that takes all."""
    sim = GatewaySim(site.binary, f"{site.url}/receipts/aliyun", "--receipt-delay", "50")
    site.flags += ["--set", "notify.mode=live", "--set", f"notify.aliyun.url={sim.url}"]
    return sim


def send(site, *messages):
    """The answers' codes."""
    sender = Mllp(site.mllp)
    try:
        return [ack_code(sender.send(message)) for message in messages]
    finally:
        sender.close()


def potassium(control, patient, value, hour):
    return oru(control, patient=str(patient), value=value, order="O-" + control, time=f"20261121{hour:02}0000")


def creatinine(control, patient, value, day):
    return oru(control, patient=str(patient), code="2160-0", value=str(value), unit="umol/L", order="O-" + control,
               time=f"202611{day:02}080000", reference="60-110")


def admission(control, patient, trigger="A01"):
    return hl7(f"MSH|^~\\&|ADT|HOSP|VITALOG|HOSP|20261121080000||ADT^{trigger}|{control}|P|2.5", f"EVN|{trigger}|20261121080000",
               f"PID|1||{patient}^^^MRN^MR||Wang^Fang||19600101|F", "PV1|1|I|W1^2^3||||||||||||||||V1|||||||||||||||||||||||||20261121080000")


def merge(control, patient, old):
    return hl7(f"MSH|^~\\&|ADT|HOSP|VITALOG|HOSP|20261121083000||ADT^A40|{control}|P|2.5", "EVN|A40|20261121083000",
               f"PID|1||{patient}^^^MRN^MR||Wang^Fang||19600101|F", f"MRG|{old}^^^MRN^MR")


def document(control, patient):
    return hl7(f"MSH|^~\\&|LAB|HOSP|VITALOG|HOSP|20261121150000||ORU^R01|{control}|P|2.5",
               f"PID|1||{patient}^^^MRN^MR||Wang^Fang||19600101|F",
               "OBR|1||O-D|11502-2^Laboratory report^LN|||20261121150000",
               "OBX|1|ED|11502-2^Laboratory report^LN||^text^plain^Base64^" + "VGhlIHJlcG9ydC4g" * 8 + "||||||F")


def watch(values):
    end = 1_795_248_000_000  # 2026-11-21T08:00:00Z
    points = [{"startTime": (end - 1000 * (len(values) - i)) * 1_000_000, "dataTypeName": "com.huawei.instantaneous.heart_rate",
               "value": [{"fieldName": "bpm", "integerValue": value}]} for i, value in enumerate(values)]
    return {"group": [{"sampleSet": [{"dataCollectorId": "watch", "samplePoints": points}]}]}


def fill(site, first=False):
    """A morning: results, alerts, tasks, a decision, a merge, a document, a watch, and what could not be used. The first version
    knew neither documents, nor watches, nor an order of tasks."""
    site.start()
    site.clock(BEGIN)
    team = {"team": "general", "members": [{"user": "li", "phone": "13800000001"}], "duty_doctor": "wang", "duty_group": "general"}
    patient = {"patient": "MRN|1", "team": "general", "phone": "13900000001", "consent": {"alert": ["sms"]},
               "accounts": ["HUAWEI|w1"]}
    assert site.post("/directory", [team, patient])[0] == 200
    codes = send(site, admission("a1", 1), potassium("k1", 1, "4.1", 13), potassium("k2", 1, "6.8", 15),
                 potassium("k3", 2, "7.1", 15), creatinine("c1", 3, 80, 14), creatinine("c2", 3, 260, 21),
                 *([] if first else [document("d1", 1)]), potassium("k4", 4, "4.4", 15), merge("m1", 3, 4),
                 oru("x1", patient="1", value="4.0", unit="furlongs", order="O-x1", time="20261121150000"))
    assert set(codes) == {"AA"}, codes
    if not first:
        assert site.post("/ingest/wearable?account=HUAWEI%7Cw1", watch([70, 72, 75, 71]))[0] == 202
    site.wait(240)
    tasks = site.get("/fhir/Task?status=requested" + ("" if first else "&_sort=due"))[1]["entry"]
    assert len(tasks) >= 3, len(tasks)
    assert site.post(f"/fhir/Task/{tasks[0]['resource']['id']}/$confirm", {"text": "again, please"}, user="li")[0] == 200
    site.clock(LATER)
    site.wait(240)
    assert any(site.topic("dead-letter")), "a unit that nobody knows"


def seen(site):
    """What is in the log, as a count and a digest of each topic's values; and the archive: ids and states by resource."""
    topics, archive = {}, {}
    for topic in sorted(t["topic"] for t in site.get("/topics")[1]["topics"]):
        values = [value for _, value in site.topic(topic)]
        topics[topic] = {"records": len(values), "sha256": digest(values)}
    persons = {number: site.person(f"MRN|{number}") for number in (1, 2, 3)}
    for resource in RESOURCES:
        for number, person in persons.items():
            entries = site.get(f"/fhir/{resource}?patient={person}&_count=1000")[1].get("entry", [])
            archive[f"{resource} of {number}"] = sorted(
                f"{entry['resource']['id']} {entry['resource'].get('status', '')}" for entry in entries)
    return {"topics": topics, "archive": archive, "persons": persons}


def digest(values):
    total = hashlib.sha256()
    for value in values:
        total.update(hashlib.sha256(value).digest())
    return total.hexdigest()


def write(path, content):
    pathlib.Path(path).write_text(json.dumps(content, indent=1, sort_keys=True) + "\n")


BINARY = os.environ.get("VITALOG_BINARY")
