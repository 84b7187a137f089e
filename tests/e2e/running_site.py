"""A running site, for the tests and the demonstration: starts the real binary, speaks MLLP and HTTP to it, reads its
topics."""

import base64
import itertools
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts"))
from free_ports import free_ports

LIMIT = 60  # seconds for an end: never how long it is expected to take
SECRETS = {"VITALOG_ALIYUN_KEY_ID": "test-key", "VITALOG_ALIYUN_KEY_SECRET": "test-secret"}


def outside():
    """The environment without the variables that steer the tests: the program refuses what it doesn't read."""
    return {name: value for name, value in os.environ.items() if not name.startswith("VITALOG_")}


def wait_until(condition, what, seconds=LIMIT):
    """What `condition` gives once it is something. `what` names it where it never is: a text, or a function that makes one."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        if time.monotonic() >= deadline:
            raise AssertionError("never: " + (what() if callable(what) else what))
        time.sleep(0.1)
    return found


def call(url, body=None, user=None, content_type="application/json", timeout=30):
    """(status, text) of a GET, or of a POST when there is a body."""
    headers = {"Content-Type": content_type}
    if user:
        headers["X-User"] = user
    data = body.encode() if isinstance(body, str) else body
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data=data, headers=headers), timeout=timeout) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read().decode()


def hl7(*segments):
    return "\r".join(segments).encode() + b"\r"


def oru(control_id, patient="1", code="2823-3", value="4.0", unit="mmol/L", time="20261121080000", status="F",
        order="O1", mode="||||", version="2.5", reference="3.5-5.3"):
    """One result of one patient; `mode` fills MSH-13 to MSH-16."""
    return hl7(f"MSH|^~\\&|LAB|HOSP|VITALOG|HOSP|{time}||ORU^R01|{control_id}|P|{version}|{mode}",
               f"PID|1||{patient}^^^MRN^MR||Wang^Fang||19600101|F",
               f"OBR|1||{order}|UE^Urea and electrolytes^L|||{time}",
               f"OBX|1|NM|{code}^Test^LN||{value}|{unit}|{reference}|||| {status}".replace("| ", "|"))


class Mllp:
    """One connection; send() waits for the answer."""

    def __init__(self, address):
        host, port = address.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), timeout=20)
        self.buffer = b""

    def send(self, message, answer=True):
        self.socket.sendall(b"\x0b" + message + b"\x1c\r")
        return self.receive() if answer else None

    def receive(self):
        while b"\x1c\r" not in self.buffer:
            more = self.socket.recv(65536)
            if not more:
                raise ConnectionError("closed without an answer")
            self.buffer += more
        frame, self.buffer = self.buffer.split(b"\x1c\r", 1)
        return frame.lstrip(b"\x0b")

    def close(self):
        self.socket.close()


class GatewaySim:
    """The providers of `vitalog gateway-sim`, which push their receipts to a site."""

    def __init__(self, binary, receipts_to, *flags, log=subprocess.DEVNULL, secrets=None):
        self.process = subprocess.Popen(
            [str(binary), "gateway-sim", "--http", "127.0.0.1:0", "--receipts-to", receipts_to, *flags],
            env=dict(outside(), **(secrets or SECRETS)), stdout=subprocess.PIPE, stderr=log, text=True)
        self.url = "http://" + json.loads(self.process.stdout.readline())["http"]

    def sent(self):
        return json.loads(call(self.url + "/sent")[1])

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=LIMIT)


def patients_in(messages):
    """The patients' numbers in the real file's bytes, in the order they appear."""
    found = dict.fromkeys(re.findall(rb"\rPID\|[^|]*\|[^|]*\|(\d+)\^\^\^SIMULATOR MRN", messages))
    return [number.decode() for number in found]


def ack_code(answer):
    return re.search(rb"\rMSA\|([A-Z]{2})\|", answer).group(1).decode()


class Database:
    """Of its own on the server that VITALOG_TEST_POSTGRES names (tests/support/with_postgres.py)."""

    count = itertools.count(1)

    def __init__(self, server):
        self.server = server
        self.name = f"site_{os.getpid()}_{next(self.count)}"
        self.url = server.replace("@", self.name, 1)
        self.run("createdb", "--template=template0", "--encoding=UTF8", self.name)

    def run(self, program, *words):
        subprocess.run([program, "--maintenance-db=" + self.server.replace("@", "postgres", 1), *words], check=True)

    def drop(self):
        self.run("dropdb", "--force", self.name)


class Site:
    """A site over a data directory; its views in SQLite, or in PostgreSQL where that is tested."""

    def __init__(self, binary, *flags, data_dir=None, environment=None):
        self.binary = str(binary)
        self.folder = pathlib.Path(data_dir or tempfile.mkdtemp(prefix="vitalog-test-"))
        self.log_path = self.folder / "run.log"
        self.flags = list(flags)
        self.environment = dict(outside(), **{**SECRETS, **(environment or {})})
        server = os.environ.get("VITALOG_TEST_POSTGRES")
        self.database = Database(server) if server else None
        if self.database:
            self.environment["VITALOG_VIEWS_STORE"] = self.database.url
            self.environment["VITALOG_VIEWS_WORKERS"] = "2"
        self.mllp_port, self.http_port = free_ports(2)
        self.url = f"http://127.0.0.1:{self.http_port}"
        self.mllp = f"127.0.0.1:{self.mllp_port}"
        self.process = None

    def command(self, *words, check=False, cwd=None):
        return subprocess.run([self.binary, *words], env=self.environment, capture_output=True, text=True, check=check,
                              timeout=120, cwd=cwd)

    def start(self):
        with open(self.log_path, "a") as log:
            self.process = subprocess.Popen(
                [self.binary, "run", "--data-dir", str(self.folder / "data"), "--mllp", self.mllp, "--http",
                 f"127.0.0.1:{self.http_port}", *self.flags], env=self.environment, stdout=subprocess.PIPE, stderr=log,
                text=True)
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("run did not start: " + self.log_path.read_text()[-2000:])
        if self.database and (self.folder / "data/views.sqlite").exists():
            raise RuntimeError("the views are in a file, not in " + self.database.url)
        return json.loads(line)

    def kill(self):
        self.process.kill()
        self.ended()

    def stop(self):
        self.process.terminate()
        return self.ended(timeout=LIMIT)

    def ended(self, timeout=None):
        code = self.process.wait(timeout)
        self.process.stdout.close()
        return code

    def remove(self):
        if self.process and self.process.poll() is None:
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)
        if self.database:
            self.database.drop()

    def get(self, path, user=None):
        status, text = call(self.url + path, user=user)
        return status, json.loads(text)

    def post(self, path, body, user=None, content_type="application/json"):
        status, text = call(self.url + path, json.dumps(body) if not isinstance(body, (str, bytes)) else body, user, content_type)
        return status, json.loads(text) if text else {}

    def topic(self, name):
        """Every record: (record, value)."""
        partitions = {t["topic"]: t["partitions"] for t in self.get("/topics")[1]["topics"]}
        for partition in range(partitions[name]):
            offset = 0
            while True:
                page = call(f"{self.url}/topics/{name}/{partition}?from={offset}&max=1000")[1].splitlines()
                for line in page:
                    record = json.loads(line)
                    offset = record["offset"] + 1
                    yield record, base64.b64decode(record["value_base64"])
                if len(page) < 1000:
                    break

    def events(self, name):
        return [json.loads(value) for _, value in self.topic(name)]

    def wait(self, seconds=60, every=0.05):
        """Until nothing is left to do."""
        lag = None
        for _ in range(int(seconds / every)):
            try:
                lag = self.get("/lag")[1]
                if lag["records"] == 0 and lag["effects"] == 0:
                    return
            except OSError:
                pass
            time.sleep(every)
        log = self.log_path.read_text()
        raise AssertionError(f"lag does not reach zero: {lag}; the end of the log:\n{log[-6000:]}")

    def clock(self, now):
        status, answer = self.post("/admin/clock", {"now": now})
        assert status == 200, answer

    def person(self, identifier):
        bundle = self.get("/fhir/Patient?identifier=" + urllib.parse.quote(identifier))[1]
        return bundle["entry"][0]["resource"]["id"]
