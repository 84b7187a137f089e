#!/usr/bin/env python3
"""kill -9 of the running process at random points under load, and what must hold afterwards.

A real sender sends the real file over MLLP while a doctor decides and the provider simulator takes messages; the process is
killed and started again, many times. Then: every acknowledged message is in the feed once; no alert, task or
message is doubled; each stage's outputs equal the fold of its logged input (fold_check).
"""

import argparse
import base64
import collections
import json
import os
import pathlib
import random
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

SECRETS = {"VITALOG_ALIYUN_KEY_ID": "test-key", "VITALOG_ALIYUN_KEY_SECRET": "test-secret"}
TEAM = {"team": "general", "members": [{"user": "dr.li", "phone": "13800000001"}],
        "duty_doctor": "dr.li", "duty_group": "general"}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def request(url, body=None, timeout=20):
    headers = {"Content-Type": "application/json", "X-User": "dr.li"}
    call = urllib.request.Request(url, data=body.encode() if body is not None else None, headers=headers)
    with urllib.request.urlopen(call, timeout=timeout) as answer:
        return answer.read().decode()


class Process:
    """vitalog run on fixed ports, so that clients find it again."""

    def __init__(self, options, data_dir, gateway):
        self.options, self.data_dir, self.gateway = options, data_dir, gateway
        self.mllp, self.http = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.http}"
        self.process = None
        self.starts = []

    def start(self):
        log = open(self.data_dir / "run.log", "a")
        begun = time.monotonic()
        self.process = subprocess.Popen(
            [self.options.binary, "run", "--data-dir", str(self.data_dir / "data"), "--mllp", f"127.0.0.1:{self.mllp}",
             "--http", f"127.0.0.1:{self.http}", "--set", "notify.mode=live", "--set", f"notify.aliyun.url={self.gateway}"],
            env=dict(os.environ, **SECRETS), stdout=subprocess.PIPE, stderr=log, text=True)
        if not self.process.stdout.readline():
            sys.exit("run did not start: " + (self.data_dir / "run.log").read_text()[-3000:])
        self.starts.append(time.monotonic() - begun)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        self.process.terminate()
        return self.process.wait(timeout=15)

    def topic(self, name):
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


class Doctor(threading.Thread):
    """Confirms whatever it sees, with a request id, again and again until it is answered."""

    def __init__(self, process):
        super().__init__(daemon=True)
        self.process, self.stopping, self.decided = process, threading.Event(), 0

    def run(self):
        while not self.stopping.wait(0.1):
            try:
                bundle = json.loads(request(f"{self.process.url}/fhir/Task?status=requested&_count=50"))
                for entry in bundle.get("entry", []):
                    task = entry["resource"]["id"]
                    body = json.dumps({"text": "ok", "request_id": "r-" + task})
                    request(f"{self.process.url}/fhir/Task/{task}/$confirm", body)
                    self.decided += 1
            except (OSError, urllib.error.HTTPError, ValueError):
                continue


def post_directory(process, hl7):
    found = dict.fromkeys(re.findall(rb"\rPID\|[^|]*\|[^|]*\|(\d+)\^\^\^SIMULATOR MRN", hl7))
    lines = [json.dumps(TEAM)]
    for n, mrn in enumerate(found):
        lines.append(json.dumps({"patient": f"SIMULATOR MRN|{mrn.decode()}", "phone": f"139{n:08d}",
                                 "consent": {"alert": ["sms"]}}))
    call = urllib.request.Request(f"{process.url}/directory", data="\n".join(lines).encode(),
                                  headers={"Content-Type": "application/x-ndjson"})
    urllib.request.urlopen(call, timeout=60).read()


def wait_until_done(process, seconds=120):
    for _ in range(seconds * 10):
        try:
            lag = json.loads(request(f"{process.url}/lag"))
            if lag["records"] == 0 and lag["effects"] == 0:
                return
        except OSError:
            pass
        time.sleep(0.1)
    sys.exit(f"lag does not reach zero: {lag}")


def control_id(message):
    return message.split(b"|", 10)[9]


def doubled(items):
    return [item for item, count in collections.Counter(items).items() if count > 1]


def check_outputs(process, sent_ids, gateway):
    problems = []
    feed = [control_id(value) for _, value in process.topic("feed.his")]
    if missing := set(sent_ids) - set(feed):
        problems.append(f"{len(missing)} acknowledged messages are not in the feed")
    if twice := doubled(feed):
        problems.append(f"{len(twice)} messages are in the feed twice")
    alerts = [json.loads(value) for _, value in process.topic("alert")]
    if twice := doubled(a["id"] for a in alerts if a["state"] == "raised"):
        problems.append(f"{len(twice)} alerts were raised twice")
    for topic in ("alert", "task-board", "delivery", "risk", "send.sms"):
        if twice := doubled(record["headers"]["ce_id"] for record, _ in process.topic(topic)):
            problems.append(f"{topic}: {len(twice)} records are there twice")
    if twice := doubled(json.loads(value)["attempt"] for _, value in process.topic("send.sms")):
        problems.append(f"send.sms: {len(twice)} attempts are there twice")
    taken = json.loads(request(f"{gateway}/sent"))
    if twice := doubled(message["intent"] for message in taken):
        problems.append(f"the provider took {len(twice)} messages twice")
    tasks = {}
    for _, value in process.topic("task-board"):
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
    parser.add_argument("--fold-check", required=True)
    parser.add_argument("--messages", type=pathlib.Path, required=True)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    print(f"seed {options.seed}, {options.kills} kills")
    chance = random.Random(options.seed)
    data_dir = pathlib.Path(tempfile.mkdtemp(prefix="vitalog-kill-"))
    hl7 = options.messages.read_bytes()
    process = Process(options, data_dir, "")
    sim = subprocess.Popen([options.binary, "gateway-sim", "--http", "127.0.0.1:0", "--receipt-delay", "200",
                            "--receipts-to", f"{process.url}/receipts/aliyun"],
                           env=dict(os.environ, **SECRETS), stdout=subprocess.PIPE, text=True)
    process.gateway = gateway = "http://" + json.loads(sim.stdout.readline())["http"]
    try:
        process.start()
        post_directory(process, hl7)
        sender = subprocess.Popen([options.binary, "send-hl7", str(options.messages), "--to", f"127.0.0.1:{process.mllp}",
                                   "--connections", "4", "--rate", "25", "--shift-to-now", "--quiet"],
                                  stdout=subprocess.PIPE, text=True)
        doctor = Doctor(process)
        doctor.start()
        for kill in range(options.kills):
            time.sleep(chance.choice([0.02, 0.1, 0.3, 0.6, 1.0]) * chance.random())
            process.kill()
            process.start()
        output = sender.communicate(timeout=300)[0]
        print(output.strip())
        wait_until_done(process)
        time.sleep(2)
        wait_until_done(process)
        doctor.stopping.set()
        doctor.join()
        wait_until_done(process)
        sent = [control_id(m) for m in re.findall(rb"MSH\|[^\r]*", hl7)]
        problems = check_outputs(process, sent if sender.returncode == 0 else [], gateway)
        if sender.returncode != 0:
            problems.append("the sender was refused something: " + output[-500:])
        print(f"decided {doctor.decided}; restart to ready: median {sorted(process.starts)[len(process.starts) // 2]:.2f} s, "
              f"slowest {max(process.starts):.2f} s")
        if (code := process.stop()) != 0:
            problems.append(f"clean stop ended with {code}")
        fold = subprocess.run([options.fold_check, str(data_dir / "data")], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                              text=True, check=False)
        print(fold.stdout.strip()[-3000:])
        if fold.returncode != 0:
            problems.append("outputs differ from the fold of the logged input")
    finally:
        sim.kill()
        if process.process.poll() is None:
            process.process.kill()
    for problem in problems:
        print("PROBLEM:", problem)
    if problems:
        print(f"data kept in {data_dir}")
        sys.exit(1)
    shutil.rmtree(data_dir, ignore_errors=True)


if __name__ == "__main__":
    main()
