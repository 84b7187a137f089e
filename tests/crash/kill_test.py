#!/usr/bin/env python3
"""kill -9 of the running process at random points under load, and what must hold afterwards.

A real sender sends the real file over MLLP while a doctor decides and the provider simulator takes messages; the process is
killed and started again, many times. Then: every acknowledged message is in the feed once; no alert, task or
message is doubled; each stage's outputs equal what its logged input gives when it is recomputed (vitalog audit verify).
"""

import argparse
import collections
import json
import pathlib
import random
import re
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))
from running_site import GatewaySim, Site, call, patients_in

TEAM = {"team": "general", "members": [{"user": "dr.li", "phone": "13800000001"}],
        "duty_doctor": "dr.li", "duty_group": "general"}


class TimedSite(Site):
    """Remembers how long each start took until it was ready."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.starts = []

    def start(self):
        begun = time.monotonic()
        super().start()
        self.starts.append(time.monotonic() - begun)


class Doctor(threading.Thread):
    """Confirms whatever it sees, with a request id, again and again until it is answered."""

    def __init__(self, site):
        super().__init__(daemon=True)
        self.site, self.stopping, self.decided = site, threading.Event(), 0

    def run(self):
        while not self.stopping.wait(0.1):
            try:
                bundle = self.site.get("/fhir/Task?status=requested&_count=50", user="dr.li")[1]
                for entry in bundle.get("entry", []):
                    task = entry["resource"]["id"]
                    status, _ = self.site.post(f"/fhir/Task/{task}/$confirm", {"text": "ok", "request_id": "r-" + task},
                                               user="dr.li")
                    self.decided += status == 200
            except (OSError, ValueError):
                continue


def post_directory(site, hl7):
    lines = [json.dumps(TEAM)]
    for n, mrn in enumerate(patients_in(hl7)):
        lines.append(json.dumps({"patient": f"SIMULATOR MRN|{mrn}", "phone": f"139{n:08d}",
                                 "consent": {"alert": ["sms"]}}))
    status, answer = call(f"{site.url}/directory", "\n".join(lines), content_type="application/x-ndjson", timeout=60)
    assert status == 200, answer


def control_id(message):
    return message.split(b"|", 10)[9]


def doubled(items):
    return [item for item, count in collections.Counter(items).items() if count > 1]


def check_outputs(site, sent_ids, gateway):
    problems = []
    feed = [control_id(value) for _, value in site.topic("feed.his")]
    if missing := set(sent_ids) - set(feed):
        problems.append(f"{len(missing)} acknowledged messages are not in the feed")
    if twice := doubled(feed):
        problems.append(f"{len(twice)} messages are in the feed twice")
    alerts = [json.loads(value) for _, value in site.topic("alert")]
    if twice := doubled(a["id"] for a in alerts if a["state"] == "raised"):
        problems.append(f"{len(twice)} alerts were raised twice")
    for topic in ("alert", "task-board", "delivery", "risk", "send.sms"):
        if twice := doubled(record["headers"]["ce_id"] for record, _ in site.topic(topic)):
            problems.append(f"{topic}: {len(twice)} records are there twice")
    if twice := doubled(json.loads(value)["attempt"] for _, value in site.topic("send.sms")):
        problems.append(f"send.sms: {len(twice)} attempts are there twice")
    taken = gateway.sent()
    if twice := doubled(message["intent"] for message in taken):
        problems.append(f"the provider took {len(twice)} messages twice")
    tasks = {}
    for _, value in site.topic("task-board"):
        event = json.loads(value)
        if "status" in event:
            tasks[event["task"]] = event["status"]
    print(f"feed {len(feed)}, alerts {len({a['id'] for a in alerts})}, tasks {collections.Counter(tasks.values())}, "
          f"taken by the provider {len(taken)}")
    if not alerts or not taken:
        problems.append("nothing happened: no alert or no message")
    return problems


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", required=True)
    parser.add_argument("--messages", type=pathlib.Path, required=True)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    print(f"seed {options.seed}, {options.kills} kills")
    chance = random.Random(options.seed)
    hl7 = options.messages.read_bytes()
    site = TimedSite(options.binary)
    gateway = GatewaySim(options.binary, f"{site.url}/receipts/aliyun", "--receipt-delay", "200")
    site.flags = ["--set", "notify.mode=live", "--set", f"notify.aliyun.url={gateway.url}"]
    try:
        problems = run(site, gateway, hl7, options, chance)
    finally:
        gateway.stop()
        if site.process and site.process.poll() is None:
            site.kill()
    for problem in problems:
        print("PROBLEM:", problem)
    if problems:
        print(f"data kept in {site.folder}")
        sys.exit(1)
    site.remove()


def run(site, gateway, hl7, options, chance):
    site.start()
    post_directory(site, hl7)
    sender = subprocess.Popen([options.binary, "send-hl7", str(options.messages), "--to", site.mllp, "--connections", "4",
                               "--rate", "25", "--shift-to-now", "--quiet"], stdout=subprocess.PIPE, text=True)
    doctor = Doctor(site)
    doctor.start()
    for _ in range(options.kills):
        time.sleep(chance.choice([0.02, 0.1, 0.3, 0.6, 1.0]) * chance.random())
        site.kill()
        site.start()
    output = sender.communicate(timeout=300)[0]
    print(output.strip())
    site.wait(120)
    time.sleep(2)
    site.wait(120)
    doctor.stopping.set()
    doctor.join()
    site.wait(120)
    sent = [control_id(m) for m in re.findall(rb"MSH\|[^\r]*", hl7)]
    problems = check_outputs(site, sent if sender.returncode == 0 else [], gateway)
    if sender.returncode != 0:
        problems.append("the sender was refused something: " + output[-500:])
    print(f"decided {doctor.decided}; restart to ready: median {sorted(site.starts)[len(site.starts) // 2]:.2f} s, "
          f"slowest {max(site.starts):.2f} s")
    if (code := site.stop()) != 0:
        problems.append(f"clean stop ended with {code}")
    audit = subprocess.run([options.binary, "audit", "verify", "--stage", "all", "--data-dir", str(site.folder / "data")],
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    print(audit.stdout.strip()[-3000:])
    if audit.returncode != 0:
        problems.append("outputs differ from what the logged input gives")
    return problems


if __name__ == "__main__":
    main()
