#!/usr/bin/env python3
"""The demonstration that scripts/demo starts: a hospital, its doctor and its message provider on one machine."""

import argparse
import base64
import collections
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

TEAM = {
    "team": "general",
    "name": "健康管理科",
    "members": [{"user": "dr.li", "name": "李医生", "phone": "13800000001"}],
    "duty_doctor": "dr.wang",
    "duty_group": "general",
}
SECRETS = {"VITALOG_ALIYUN_KEY_ID": "demo-key", "VITALOG_ALIYUN_KEY_SECRET": "demo-secret"}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def request(url, body=None, content_type="application/json", user=None):
    headers = {"Content-Type": content_type}
    if user:
        headers["X-User"] = user
    data = body.encode() if isinstance(body, str) else body
    call = urllib.request.Request(url, data=data, headers=headers)
    with urllib.request.urlopen(call, timeout=30) as answer:
        return answer.read().decode()


def patients_of(hl7_file):
    """Identifiers of everybody in the file, in the order they appear."""
    text = hl7_file.read_bytes().decode("utf-8", "replace")
    found = dict.fromkeys(re.findall(r"\rPID\|[^|]*\|[^|]*\|(\d+)\^\^\^SIMULATOR MRN", text))
    return list(found)


class Site:
    def __init__(self, root, binary, data_dir):
        self.binary = binary or root / "build/release/vitalog"
        self.hl7 = root / "tests/data/hl7/simhospital.hl7"
        self.data_dir = data_dir
        self.processes = []
        environment = dict(os.environ, **SECRETS)
        http = free_port()
        self.url = f"http://127.0.0.1:{http}"
        gateway = self.spawn(environment, "gateway-sim", "--http", "127.0.0.1:0",
                             "--receipts-to", f"{self.url}/receipts/aliyun")
        self.gateway = "http://" + json.loads(gateway.stdout.readline())["http"]
        run = self.spawn(environment, "run", "--data-dir", str(data_dir), "--http", f"127.0.0.1:{http}",
                         "--mllp", "127.0.0.1:0", "--set", "notify.mode=live",
                         "--set", f"notify.aliyun.url={self.gateway}")
        line = run.stdout.readline()
        if not line:
            sys.exit(f"vitalog run did not start; see {data_dir}/run.log")
        self.mllp = json.loads(line)["mllp"]

    def spawn(self, environment, command, *arguments):
        log = open(self.data_dir / f"{command}.log", "w")
        process = subprocess.Popen([str(self.binary), command, *arguments], env=environment,
                                   stdout=subprocess.PIPE, stderr=log, text=True)
        self.processes.append(process)
        return process

    def stop(self):
        for process in reversed(self.processes):
            process.send_signal(signal.SIGTERM)
        for process in reversed(self.processes):
            process.wait(timeout=15)

    def topic(self, name):
        """All records of a topic: (headers, decoded value)."""
        partitions = {t["topic"]: t["partitions"] for t in json.loads(request(f"{self.url}/topics"))["topics"]}
        for partition in range(partitions[name]):
            offset = 0
            while True:
                page = request(f"{self.url}/topics/{name}/{partition}?from={offset}&max=1000").splitlines()
                for line in page:
                    record = json.loads(line)
                    offset = record["offset"] + 1
                    yield record, base64.b64decode(record["value_base64"])
                if len(page) < 1000:
                    break


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
        topics = json.loads(request(f"{self.site.url}/topics"))["topics"]
        for topic in topics:
            if topic["topic"] not in ("alert", "task-board", "delivery"):
                continue
            for partition in range(topic["partitions"]):
                place = (topic["topic"], partition)
                page = request(f"{self.site.url}/topics/{place[0]}/{partition}?from={self.offsets[place]}&max=1000")
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


def post_directory(site):
    lines = [json.dumps(TEAM, ensure_ascii=False)]
    for n, mrn in enumerate(patients_of(site.hl7)):
        lines.append(json.dumps({"patient": f"SIMULATOR MRN|{mrn}", "team": "general", "phone": f"139{n:08d}",
                                 "consent": {"alert": ["sms"]}}))
    request(f"{site.url}/directory", "\n".join(lines), "application/x-ndjson")
    print(f"directory: one team, {len(lines) - 1} patients")


def send_messages(site):
    print(f"sending {site.hl7.name} to {site.mllp}, times moved to now")
    result = subprocess.run([str(site.binary), "send-hl7", str(site.hl7), "--to", site.mllp, "--connections", "4",
                             "--shift-to-now"], stdout=subprocess.PIPE, text=True, check=False)
    print(result.stdout, end="")
    return result.stdout.splitlines()[0] if result.stdout else "nothing was sent"


def wait_until_done(site, seconds=120):
    for _ in range(seconds * 5):
        lag = json.loads(request(f"{site.url}/lag"))
        if lag["records"] == 0 and lag["effects"] == 0:
            return
        time.sleep(0.2)
    sys.exit(f"still not done: {lag}")


def demo_doctor(site):
    """Dr. Li confirms every task but the last, which is rejected with a reason."""
    bundle = json.loads(request(f"{site.url}/fhir/Task?status=requested&_count=200", user="dr.li"))
    tasks = [entry["resource"]["id"] for entry in bundle.get("entry", [])]
    for task in tasks[:-1]:
        request(f"{site.url}/fhir/Task/{task}/$confirm", json.dumps({"text": "请按时复查"}), user="dr.li")
    for task in tasks[-1:]:
        request(f"{site.url}/fhir/Task/{task}/$reject", json.dumps({"reason": "已在病房处理"}), user="dr.li")
    print(f"doctor: decided {len(tasks)} tasks")


def tally(items):
    counts = collections.Counter(items)
    return "\n".join(f"    {count:5}  {name}" for name, count in sorted(counts.items())) or "    none"


def last_by(records, key):
    latest = {}
    for event in records:
        latest[event[key]] = event
    return latest.values()


def summary(site, sent_line):
    feeds = sum(1 for _ in site.topic("feed.his"))
    dead = [record["headers"] for record, _ in site.topic("dead-letter")]
    alerts = last_by((json.loads(value) for _, value in site.topic("alert")), "id")
    tasks = last_by((event for _, value in site.topic("task-board") if "status" in (event := json.loads(value))), "task")
    messages = last_by((json.loads(value) for _, value in site.topic("delivery")), "intent")
    taken = json.loads(request(f"{site.gateway}/sent"))
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
    print(f"  taken by the provider: {len(taken)}\n")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--root", type=pathlib.Path, required=True)
    parser.add_argument("--binary", type=pathlib.Path, help="build/release/vitalog by default")
    parser.add_argument("--once", action="store_true", help="end after the summary")
    options = parser.parse_args()
    data_dir = pathlib.Path(tempfile.mkdtemp(prefix="vitalog-demo-"))
    site = Site(options.root, options.binary, data_dir)
    watcher = Watcher(site)
    try:
        print(f"vitalog listens: MLLP {site.mllp}, HTTP {site.url}; data in {data_dir}")
        post_directory(site)
        watcher.start()
        sent_line = send_messages(site)
        wait_until_done(site)
        demo_doctor(site)
        wait_until_done(site)
        time.sleep(1.5)  # the provider's receipts
        wait_until_done(site)
        watcher.stopping.set()
        watcher.join()
        summary(site, sent_line)
        patient = patients_of(site.hl7)[0]
        print("try:")
        print(f"  curl -s '{site.url}/fhir/Patient?identifier=SIMULATOR%20MRN%7C{patient}' | jq .")
        print(f"  curl -s '{site.url}/fhir/RiskAssessment?method=aki-nhs&_sort=-date&_count=3' | jq .")
        print(f"  curl -s '{site.url}/fhir/Task?status=completed' | jq '.entry[0].resource'")
        print(f"  curl -s '{site.url}/lag'; curl -s '{site.url}/metrics' | head; curl -s '{site.gateway}/sent' | jq .")
        if not options.once:
            print("serving until Ctrl-C")
            signal.sigwait([signal.SIGINT, signal.SIGTERM])
    except KeyboardInterrupt:
        pass
    finally:
        site.stop()
        shutil.rmtree(data_dir, ignore_errors=True)


if __name__ == "__main__":
    main()
