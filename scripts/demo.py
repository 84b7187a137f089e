#!/usr/bin/env python3
"""The demonstration that scripts/demo starts: a hospital, its doctor and its message provider on one machine."""

import argparse
import base64
import collections
import json
import pathlib
import signal
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests/e2e"))
from running_site import GatewaySim, Site, call, patients_in

TEAM = {
    "team": "general",
    "name": "健康管理科",
    "members": [{"user": "dr.li", "name": "李医生", "phone": "13800000001"}],
    "duty_doctor": "dr.wang",
    "duty_group": "general",
}

class Watcher(threading.Thread):
    """Prints alerts, tasks and messages as they come."""

    def __init__(self, site):
        super().__init__(daemon=True)
        self.site = site
        self.offsets = collections.defaultdict(int)
        self.stopping = threading.Event()

    def run(self):
        while not self.stopping.is_set():
            try:
                self.look()
            except OSError:
                pass
            self.stopping.wait(0.3)
        self.look()

    def look(self):
        topics = self.site.get("/topics")[1]["topics"]
        for topic in topics:
            if topic["topic"] not in ("alert", "task-board", "delivery"):
                continue
            for partition in range(topic["partitions"]):
                place = (topic["topic"], partition)
                page = call(f"{self.site.url}/topics/{place[0]}/{partition}?from={self.offsets[place]}&max=1000")[1]
                for line in page.splitlines():
                    record = json.loads(line)
                    self.offsets[place] = record["offset"] + 1
                    self.show(topic["topic"], json.loads(base64.b64decode(record["value_base64"])))

    @staticmethod
    def show(topic, event):
        if topic == "alert" and event["state"] == "raised":
            late = " (retrospective)" if event.get("retrospective") else ""
            print(f"  alert    {event['priority']:6} {event.get('problem', event['rule'])}{late}"
                  f"  person {event['person'][:8]} since {event['since']}")
        elif topic == "task-board" and "status" in event:
            owner = event.get("owner") or "nobody yet"
            print(f"  task     {event['priority']:6} {event['status']:9} {owner:10} {event.get('problem', '')}")
        elif topic == "delivery" and event["state"] in ("sending", "delivered", "failed", "unknown", "suppressed"):
            who = event["recipient"] if event["recipient"].startswith("user:") else "patient " + event["recipient"][:8]
            print(f"  message  {event.get('channel', ''):6} {event['state']:9} to {who}: {event.get('text', '')}")
        sys.stdout.flush()


def post_directory(site, patients):
    lines = [json.dumps(TEAM, ensure_ascii=False)]
    for n, mrn in enumerate(patients):
        lines.append(json.dumps({"patient": f"SIMULATOR MRN|{mrn}", "team": "general", "phone": f"139{n:08d}",
                                 "consent": {"alert": ["sms"]}}))
    call(f"{site.url}/directory", "\n".join(lines), content_type="application/x-ndjson")
    print(f"directory: one team, {len(patients)} patients")


def send_messages(site, messages):
    print(f"sending {messages.name} to {site.mllp}, times moved to now")
    result = subprocess.run([site.binary, "send-hl7", str(messages), "--to", site.mllp, "--connections", "4",
                             "--shift-to-now"], stdout=subprocess.PIPE, text=True, check=False)
    print(result.stdout, end="")
    return result.stdout.splitlines()[0] if result.stdout else "nothing was sent"


def demo_doctor(site):
    """Dr. Li confirms every task but the last, which is rejected with a reason."""
    bundle = site.get("/fhir/Task?status=requested&_count=200", user="dr.li")[1]
    tasks = [entry["resource"]["id"] for entry in bundle.get("entry", [])]
    for task in tasks[:-1]:
        site.post(f"/fhir/Task/{task}/$confirm", {"text": "请按时复查"}, user="dr.li")
    for task in tasks[-1:]:
        site.post(f"/fhir/Task/{task}/$reject", {"reason": "已在病房处理"}, user="dr.li")
    print(f"doctor: decided {len(tasks)} tasks")


def tally(items):
    counts = collections.Counter(items)
    return "\n".join(f"    {count:5}  {name}" for name, count in sorted(counts.items())) or "    none"


def last_by(records, key):
    latest = {}
    for event in records:
        latest[event[key]] = event
    return latest.values()


def summary(site, gateway, sent_line):
    feeds = sum(1 for _ in site.topic("feed.his"))
    dead = [record["headers"] for record, _ in site.topic("dead-letter")]
    alerts = last_by(site.events("alert"), "id")
    tasks = last_by((event for event in site.events("task-board") if "status" in event), "task")
    messages = last_by(site.events("delivery"), "intent")
    print("\nsummary")
    print(f"  {sent_line}")
    print(f"  messages in the log: {feeds}")
    print("  dead letters, by stage and reason:")
    print(tally(f"{h.get('stage')}: {h.get('reason')}" for h in dead))
    print("  alerts, by rule and priority:")
    print(tally(f"{a['rule']} {a['priority']}{' retrospective' if a.get('retrospective') else ''}" for a in alerts))
    print("  tasks, by state:")
    print(tally(t["status"] for t in tasks))
    print("  messages, by channel and outcome:")
    print(tally(f"{m.get('channel', '-')} {m['state']} {m.get('reason', '')}".strip() for m in messages))
    print(f"  taken by the provider: {len(gateway.sent())}\n")


def show(site, gateway, messages):
    """The main job, from the messages to the doctor's decisions and what was sent."""
    patients = patients_in(messages.read_bytes())
    print(f"vitalog listens: MLLP {site.mllp}, HTTP {site.url}; data in {site.folder}")
    post_directory(site, patients)
    watcher = Watcher(site)
    watcher.start()
    sent_line = send_messages(site, messages)
    site.wait(120)
    demo_doctor(site)
    site.wait(120)
    time.sleep(1.5)  # the provider's receipts
    site.wait(120)
    watcher.stopping.set()
    watcher.join()
    summary(site, gateway, sent_line)
    print("try:")
    print(f"  curl -s '{site.url}/fhir/Patient?identifier=SIMULATOR%20MRN%7C{patients[0]}' | jq .")
    print(f"  curl -s '{site.url}/fhir/RiskAssessment?method=aki-nhs&_sort=-date&_count=3' | jq .")
    print(f"  curl -s '{site.url}/fhir/Task?status=completed' | jq '.entry[0].resource'")
    print(f"  curl -s '{site.url}/lag'; curl -s '{site.url}/metrics' | head; curl -s '{gateway.url}/sent' | jq .")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--root", type=pathlib.Path, required=True)
    parser.add_argument("--binary", type=pathlib.Path, help="build/release/vitalog by default")
    parser.add_argument("--once", action="store_true", help="end after the summary")
    options = parser.parse_args()
    binary = options.binary or options.root / "build/release/vitalog"
    site = Site(binary)
    gateway = GatewaySim(binary, f"{site.url}/receipts/aliyun")
    site.flags = ["--set", "notify.mode=live", "--set", f"notify.aliyun.url={gateway.url}"]
    try:
        site.start()
        show(site, gateway, options.root / "tests/data/hl7/simhospital.hl7")
        if not options.once:
            print("serving until Ctrl-C")
            signal.sigwait([signal.SIGINT, signal.SIGTERM])
    except KeyboardInterrupt:
        pass
    finally:
        if site.process:
            site.stop()
        gateway.stop()
        site.remove()


if __name__ == "__main__":
    main()
