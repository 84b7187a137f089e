#!/usr/bin/env python3
"""What an operator does at a running site: publish, try again, be warned, back up and restore, look. VITALOG_BINARY
names the program."""

import base64
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from running_site import Mllp, Site, ack_code, call, hl7, oru, wait_until

BINARY = os.environ["VITALOG_BINARY"]
SOURCES = pathlib.Path(__file__).parent.parent.parent


class WithSite(unittest.TestCase):
    flags = ()

    def setUp(self):
        self.site = Site(BINARY, *self.flags)
        self.addCleanup(self.site.remove)
        self.site.start()

    def send(self, message):
        sender = Mllp(self.site.mllp)
        self.addCleanup(sender.close)
        self.assertEqual(ack_code(sender.send(message)), "AA")

    def operator(self, *words, code=0):
        done = self.site.command(*words, "--url", self.site.url)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def wait_for(self, says):
        return wait_until(says, lambda: self.operator("status", "--json"))

    def file(self, name, text):
        path = self.site.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return str(path)


class Publishing(WithSite):
    def units(self, extra):
        """The built-in unit table, where a spelling is added to mmol/L."""
        text = (SOURCES / "schemas/tables/units.yaml").read_text()
        return text + f"\n# {extra}\n"

    def in_force(self):
        return [line for line in self.operator("publish", "--list").splitlines() if "units.yaml" in line]

    def test_publish_list_restart_and_roll_back(self):
        built_in = self.in_force()[0].split()[1]
        self.assertIn("by run", self.in_force()[0])
        said = self.operator("publish", self.file("units.yaml", self.units("first")))
        self.assertIn("units/units.yaml", said)
        first = self.in_force()[0].split()[1]
        self.assertNotEqual(first, built_in)
        self.assertNotIn("by run", self.in_force()[0])
        self.assertIn("nothing to do", self.operator("publish", self.file("units.yaml", self.units("first"))))
        self.assertEqual(self.site.stop(), 0)
        self.site.start()
        self.assertEqual(self.in_force()[0].split()[1], first, "a start does not undo it")
        self.operator("publish", self.file("units.yaml", self.units("second")))
        self.operator("publish", "--rollback", "units/units.yaml")
        self.assertEqual(self.in_force()[0].split()[1], first)
        self.operator("publish", "--rollback", "units/units.yaml", "--to", built_in)
        self.assertEqual(self.in_force()[0].split()[1], built_in)
        self.assertEqual(len([line for line in self.operator("publish", "--list", "--all").splitlines() if "units.yaml" in line]), 5)
        audited = [json.loads(value) for _, value in self.site.topic("audit")]
        self.assertTrue(any(a["path"] == "/admin/publish" and a["user"] for a in audited))

    def test_what_is_wrong_changes_nothing(self):
        before = self.operator("publish", "--list", "--all")
        said = self.operator("publish", self.file("rules/bad.yaml", "rules: [{id: x, nonsense: 1}]\n"), code=1)
        self.assertIn("rules/bad.yaml", said)
        self.assertIn("422", said)
        said = self.operator("publish", self.file("rules/units.txt", "x"), "--kind", "settings", code=1)
        self.assertIn("must be one of", said)
        self.assertEqual(self.operator("publish", "--list", "--all"), before)

    def test_a_new_file_is_rolled_back_to_nothing(self):
        name = "codes/extra.yaml"
        text = ("format: vitalog.codes.v1\nsystems:\n  - system: [EXTRA]\n    codes:\n"
                "      - {code: K, display: Potassium, loinc: 2823-3}\n")
        self.operator("publish", self.file(name, text))
        self.assertIn(name, self.operator("publish", "--list"))
        self.assertIn("retired", self.operator("publish", "--rollback", name))
        self.assertNotIn(name, self.operator("publish", "--list"))


class Retrying(WithSite):
    def test_what_was_waiting_flows_once_and_its_siblings_are_not_doubled(self):
        message = oru("t1", patient="7", unit="strangeunit") + b"OBX|2|NM|2951-2^Na^LN||140|mmol/L|||||F\r"
        message += b"OBX|3|NM|2823-3^K^LN||4.1|strangeunit|||||F\r"
        self.send(message)
        self.site.wait()
        person = self.site.person("MRN|7")

        def observations():
            found = self.site.get(f"/fhir/Observation?patient={person}")[1]
            return sorted(entry["resource"]["code"]["coding"][0]["code"] for entry in found["entry"])
        self.assertEqual(observations(), ["2951-2"])
        self.assertEqual(len(list(self.site.topic("dead-letter"))), 2, "one for each item at fault")
        units = (SOURCES / "schemas/tables/units.yaml").read_text()
        self.operator("publish", self.file("units.yaml", self.with_spelling(units)))
        self.assertIn("retried 1, left 1", self.operator("dead-letter", "retry", "--all", "--reason", "unit added"))
        self.assertEqual(observations(), ["2823-3", "2823-3", "2951-2"])
        self.assertIn("retried 0, left 2", self.operator("dead-letter", "retry", "--all"))
        listed = self.operator("dead-letter", "list").splitlines()
        self.assertEqual([("retried=feed.his/" in line) for line in listed], [True, True])
        place = listed[0].split()[0]
        self.assertIn("again before", self.operator("dead-letter", "retry", place))
        self.assertIn("no dead letter", self.operator("dead-letter", "retry", "0/999", code=1))
        self.assertEqual(len(list(self.site.topic("feed.his"))), 2)
        self.assertEqual(len(list(self.site.topic("dead-letter"))), 2)

    def test_results_without_an_order_number_are_not_doubled_either(self):
        message = oru("t2", patient="8", unit="strangeunit", order="") + b"OBX|2|NM|2951-2^Na^LN||140|mmol/L|||||F\r"
        self.send(message)
        self.site.wait()
        person = self.site.person("MRN|8")
        units = (SOURCES / "schemas/tables/units.yaml").read_text()
        for spelling, retried in (("another", 1), ("strangeunit", 1)):  # the first publication does not help
            self.operator("publish", self.file("units.yaml", self.with_spelling(units, spelling)))
            said = self.operator("dead-letter", "retry", "--all")
            self.assertIn(f"retried {retried}", said)
            self.site.wait()
        found = self.site.get(f"/fhir/Observation?patient={person}")[1]["entry"]
        self.assertEqual(sorted(entry["resource"]["code"]["coding"][0]["code"] for entry in found), ["2823-3", "2951-2"])

    def with_spelling(self, units, spelling="strangeunit"):
        """mmol/L may be written so from now on."""
        found = re.search(r"ucum: mmol/L,.*?spellings: \[", units)
        self.assertIsNotNone(found, "units.yaml lists spellings of mmol/L")
        return units[:found.end()] + spelling + ", " + units[found.end():]

    def test_what_was_refused_at_the_door_is_not_tried_again(self):
        sender = Mllp(self.site.mllp)
        self.assertEqual(ack_code(sender.send(b"hello, this is no HL7")), "AR")
        sender.close()
        self.site.wait()
        self.assertIn("retried 0, left 1", self.operator("dead-letter", "retry", "--all"))


class Alarms(WithSite):
    flags = ("--clock", "manual", "--set", "alarms.silence=feed.his=15m", "--set", "site.zone=UTC")

    def raised(self):
        return {alarm["name"] for alarm in self.site.get("/admin/status")[1]["alarms"]}

    def test_a_silent_feed_is_an_alarm_a_task_and_over_with_the_next_message(self):
        self.site.clock("2026-11-21T08:00:00Z")
        self.site.post("/directory", [{"team": "operators", "members": [{"user": "op", "phone": "13800000009"}]}])
        self.send(oru("s1", time="20261121080000"))
        time.sleep(5)  # the watcher, which looks every second, has heard it at eight o'clock
        self.site.clock("2026-11-21T08:14:59Z")
        time.sleep(1.5)
        self.assertEqual(self.raised(), set())
        self.site.clock("2026-11-21T08:15:00Z")
        self.wait_for(lambda: self.raised() == {"silence:feed.his"})
        self.wait_for(lambda: 'vitalog_alarm{name="silence:feed.his"} 1' in call(self.site.url + "/metrics")[1])
        self.site.wait()
        tasks = self.site.get("/fhir/Task?status=requested")[1]["entry"]
        self.assertEqual([task["resource"]["priority"] for task in tasks], ["stat"])
        self.assertNotIn("for", tasks[0]["resource"])
        told = [m["recipient"] for m in self.site.events("delivery")]
        self.assertEqual(told, ["user:op"], "nobody else, and no patient")
        self.assertIn("ALARM", self.site.command("status", "--once", "--url", self.site.url).stdout)
        self.site.kill()
        self.site.start()
        self.wait_for(lambda: self.raised() == {"silence:feed.his"})
        self.site.wait()
        self.assertEqual(len(list(self.site.topic("feed.operation"))), 1, "a restart does not say it again")
        self.send(oru("s2", time="20261121081500"))
        self.wait_for(lambda: self.raised() == set())
        self.site.wait()
        self.assertEqual(self.site.get("/fhir/Task?status=requested")[1].get("entry", []), [])


class Failing(WithSite):
    """What goes wrong while time passes: each is an alarm, and a task of the duty operators."""
    flags = ("--set", "alarms.hold=1s", "--set", "notify.mode=live", "--set", "notify.aliyun.url=http://127.0.0.1:1",
             # Free is less than twice the reserve, and more than it: an alarm, and nothing is refused yet.
             "--set", f"log.disk_reserve={shutil.disk_usage(tempfile.gettempdir()).free * 3 // 4}")

    def alarms(self, wanted):
        return self.wait_for(lambda: {alarm["name"]: alarm["problem"]
                                      for alarm in self.site.get("/admin/status")[1]["alarms"]}.get(wanted))

    def task_of(self, problem):
        self.wait_for(lambda: any(problem in entry["resource"]["description"]
                                  for entry in self.site.get("/fhir/Task?owner=operators")[1].get("entry", [])))

    def test_a_provider_that_does_not_answer(self):
        self.site.post("/directory", [{"team": "general", "members": [{"user": "dr.li", "phone": "13800000001"}], "duty_doctor": "dr.li"}])
        for n in range(8):
            self.send(oru(f"c{n}", patient=str(n), value="6.9", order=f"C{n}", time=time.strftime("%Y%m%d%H%M%S%z")))
        self.assertIn("does not answer", self.alarms("channel:sms"))
        self.task_of("does not answer")
        self.assertRegex(call(self.site.url + "/metrics")[1], r'vitalog_alarm\{name="channel:sms"\} 1')
        self.assertIn("alarm_raised", (self.site.folder / "run.log").read_text())

    def test_a_disk_that_fills(self):
        self.assertIn("feeds are refused below", self.alarms("disk:" + str(self.site.folder / "data")))
        self.task_of("MiB are free")
        self.send(oru("f1"))

    def test_a_rising_share_of_dead_letters(self):
        time.sleep(1.5)  # the watcher has looked once
        for n in range(12):
            self.send(oru(f"d{n}", unit="strangeunit", order=f"D{n}"))
        self.wait_for(lambda: "12 dead letters" in self.alarms("dead-letters"))
        self.task_of("dead letters for")


class BackingUp(WithSite):
    def test_under_load_everything_acknowledged_is_in_it_and_the_copy_goes_on_by_itself(self):
        acknowledged, stop = [], threading.Event()

        def load():
            sender = Mllp(self.site.mllp)
            for n in range(100_000):
                if stop.is_set():
                    break
                if ack_code(sender.send(oru(f"b{n}", patient=str(n % 20), value="6.4" if n % 7 == 0 else "4.0", order=f"O{n}"))) == "AA":
                    acknowledged.append(f"b{n}")
            sender.close()
        thread = threading.Thread(target=load)
        thread.start()
        while len(acknowledged) < 100:
            time.sleep(0.02)
        before = list(acknowledged)
        to = self.site.folder / "backup"
        self.assertIn("backed up", self.operator("backup", str(to)))
        stop.set()
        thread.join()
        self.site.wait()
        self.assertIn("good", self.site.command("backup", "--check", str(to)).stdout)
        self.assertIn("exists already", self.operator("backup", str(to), code=1))
        self.assertEqual(self.site.stop(), 0)

        restored = Site(BINARY)
        self.addCleanup(restored.remove)
        data = str(restored.folder / "data")
        done = restored.command("restore", str(to), "--data-dir", data)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("generation 2", done.stdout)
        self.assertEqual(restored.command("restore", str(to), "--data-dir", data).returncode, 3, "not over anything")
        restored.start()
        restored.wait()
        kept = b"".join(value for _, value in restored.topic("feed.his"))
        missing = [message for message in before if f"|{message}|".encode() not in kept]
        self.assertEqual(missing, [])
        sender = Mllp(restored.mllp)
        self.assertEqual(ack_code(sender.send(oru("after", patient="1", value="6.9", order="after"))), "AA")
        sender.close()
        restored.wait()
        person = restored.person("MRN|1")
        self.assertGreater(restored.get(f"/fhir/Observation?patient={person}&_count=1")[1]["total"], 0, "the views are filled from the log")
        self.assertEqual(restored.stop(), 0)
        audit = restored.command("audit", "verify", "--stage", "all", "--data-dir", data)
        self.assertEqual(audit.returncode, 0, audit.stdout[-2000:] + audit.stderr)

    def test_documents_are_in_it(self):
        document = b"%PDF-1.4 a report" * 1000
        encoded = base64.b64encode(document).decode()
        self.send(hl7("MSH|^~\\&|EMR|HOSP|V|W|20261121080000||MDM^T02|d1|P|2.5", "PID|1||7^^^MRN^MR||Wang^Fang",
                      "TXA|1|DS||20261121070000|||||5^Wu^Yi|||D1|||||LA", f"OBX|1|ED|P^Letter^L||EMR^application^pdf^Base64^{encoded}||||||F"))
        name = hashlib.sha256(document).hexdigest()
        place = pathlib.Path("blobs") / name[:2] / name
        for _ in range(100):
            if (self.site.folder / "data" / place).exists():
                break
            time.sleep(0.1)
        self.site.wait()
        to = self.site.folder / "backup"
        self.operator("backup", str(to))
        self.assertEqual((to / place).read_bytes(), document)
        restored = Site(BINARY)
        self.addCleanup(restored.remove)
        done = restored.command("restore", str(to), "--data-dir", str(restored.folder / "data"))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual((restored.folder / "data" / place).read_bytes(), document)
        (to / place).write_bytes(b"something else")
        self.assertEqual(self.site.command("backup", "--check", str(to)).returncode, 3)

    def test_a_changed_file_is_found(self):
        to = self.site.folder / "backup"
        self.operator("backup", str(to))
        victim = next(path for path in sorted((to / "db").iterdir()) if path.stat().st_size > 0)
        victim.write_bytes(victim.read_bytes()[:-1] + b"!!")
        self.assertEqual(self.site.command("backup", "--check", str(to)).returncode, 3)
        restored = self.site.command("restore", str(to), "--data-dir", str(self.site.folder / "other"))
        self.assertEqual(restored.returncode, 3, restored.stderr)
        self.assertFalse((self.site.folder / "other").exists(), "whole or not at all")


class Looking(WithSite):
    def test_one_screen(self):
        self.send(oru("l1", value="6.4"))
        self.site.wait()
        shown = self.operator("status", "--once")
        self.assertIn("ready", shown)
        self.assertRegex(shown, r"messages +accepted 1 ")
        self.assertRegex(shown, r"alarms +none")
        self.assertIn("flowchart", self.site.command("describe", "--mermaid").stdout)


class Renamed(WithSite):
    """A whole site whose topics all have names of its own, as on a broker that others use too."""
    TOPICS = ("feed.his", "feed.lis", "feed.pacs", "feed.wearable", "feed.directory", "feed.decision", "feed.receipt",
              "feed.control", "feed.operation", "subject", "person", "task", "notification", "risk", "alert", "task-board",
              "delivery", "send.sms", "send.wechat", "send.wecom", "dead-letter", "audit")
    flags = tuple(word for topic in TOPICS for word in ("--set", f"topics.{topic}.name=hospital-7.{topic}"))

    def test_everything_goes_its_way(self):
        topics = {t["topic"]: t.get("is") for t in self.site.get("/topics")[1]["topics"]}
        self.assertEqual(topics, {"hospital-7." + topic: topic for topic in self.TOPICS})
        self.site.post("/directory", [
            {"team": "general", "members": [{"user": "dr.li", "phone": "13800000001"}], "duty_doctor": "dr.li"},
            {"patient": "MRN|7", "team": "general", "phone": "13900000001", "consent": {"alert": ["sms"]}}])
        self.send(oru("r1", patient="7", value="6.9", time=time.strftime("%Y%m%d%H%M%S")))
        self.send(oru("r2", patient="7", unit="strangeunit", order="O2"))
        self.site.wait()
        tasks = self.site.get("/fhir/Task?status=requested")[1]["entry"]
        self.assertEqual(len(tasks), 1)
        task = tasks[0]["resource"]["id"]
        status, done = self.site.post(f"/fhir/Task/{task}/$confirm", {"text": "come in"}, user="dr.li")
        self.assertEqual((status, done["status"]), (200, "completed"))
        self.site.wait()
        states = {(m["recipient"].split(":")[0], m["state"]) for m in self.site.events("hospital-7.delivery")}
        self.assertIn(("patient", "suppressed"), {(who if who == "user" else "patient", state) for who, state in states})
        alert = self.site.events("hospital-7.alert")[0]["id"]
        self.assertIn("hospital-7.feed.his/", self.site.command("explain", alert, "--url", self.site.url).stdout)
        self.assertIn("at=\"OBX", self.operator("dead-letter", "list"))
        self.assertIn("strangeunit", self.operator("dead-letter", "show", self.operator("dead-letter", "list").split()[0]))
        self.assertIn("retried 1", self.operator("dead-letter", "retry", "--all"))
        self.assertIn("retried=hospital-7.feed.his/", self.operator("dead-letter", "list"))
        self.assertIn("hospital-7.alert/", self.operator("topic", "show", "alert"))
        self.operator("publish", self.file("units.yaml", (SOURCES / "schemas/tables/units.yaml").read_text() + "# x\n"))
        self.assertIn("ready", self.operator("status", "--once"))
        self.assertEqual(self.site.stop(), 0)
        data = str(self.site.folder / "data")
        self.assertEqual(self.site.command("views", "rebuild", "--data-dir", data, *self.flags).returncode, 0)
        self.site.start()
        self.assertEqual(self.site.get(f"/fhir/Task/{task}")[1]["status"], "completed")


class Refusing(unittest.TestCase):
    """What keeps a site from starting has an exit code that says whose matter it is, and a line that says what to do."""

    def run_with(self, *words, environment=None):
        site = Site(BINARY, environment=environment)
        self.addCleanup(site.remove)
        words = [word.replace("DATA", str(site.folder / "data")) for word in words]
        done = site.command("run", "--mllp", "127.0.0.1:0", "--http", "127.0.0.1:0", *words)
        return done.returncode, done.stderr

    def test_a_data_directory_that_cannot_be_used_is_3(self):
        code, said = self.run_with("--data-dir", "/dev/null/data")
        self.assertEqual(code, 3, said)
        self.assertIn("--data-dir", said)
        self.assertIn("/dev/null/data", said)

    def test_a_busy_address_is_2_for_either_door(self):
        site = Site(BINARY)
        self.addCleanup(site.remove)
        site.start()
        for flag, address in (("--mllp", site.mllp), ("--http", site.url.removeprefix("http://"))):
            code, said = self.run_with("--data-dir", "DATA", flag, address)
            self.assertEqual(code, 2, said)
            self.assertIn(address, said)
            self.assertIn("choose another with " + flag, said)

    def test_a_misspelt_variable_is_2_and_names_the_nearest(self):
        code, said = self.run_with("--data-dir", "DATA", environment={"VITALOG_NOTFY_MODE": "off"})
        self.assertEqual(code, 2, said)
        self.assertIn("VITALOG_NOTFY_MODE: nothing reads this", said)
        self.assertIn("did you mean VITALOG_NOTIFY_MODE?", said)


class Limits(WithSite):
    flags = ("--set", "http.rate=20", "--set", "http.max_body=2MiB", "--set", "mllp.rate=20")

    def test_every_door_has_a_body_limit_and_a_rate(self):
        for path, most in (("/fhir/Task/x/$confirm", 1 << 20), ("/receipts/aliyun", 1 << 20), ("/gateway/sms/receipts", 1 << 20),
                           ("/directory", 2 << 20), ("/ingest/wearable", 2 << 20), ("/admin/publish", 2 << 20)):
            self.assertNotEqual(call(self.site.url + path, b" " * most)[0], 413, path)
            self.assertEqual(call(self.site.url + path, b" " * (most + 1))[0], 413, path)
        time.sleep(1)
        self.assertEqual([call(self.site.url + "/lag")[0] for _ in range(20)], [200] * 20)
        with concurrent.futures.ThreadPoolExecutor(8) as many:  # one alone may be slower than the rate
            self.wait_for(lambda: 429 in many.map(lambda _: call(self.site.url + "/lag")[0], range(100)))
        self.assertEqual(call(self.site.url + "/healthz")[0], 200)

    def test_a_sender_that_is_too_fast_is_slowed_and_loses_nothing(self):
        sender = Mllp(self.site.mllp)
        self.addCleanup(sender.close)
        before = time.monotonic()
        for n in range(40):
            sender.send(oru(f"f{n}"), answer=False)
        self.assertEqual([ack_code(sender.receive()) for _ in range(40)], ["AA"] * 40)
        self.assertGreater(time.monotonic() - before, 0.9, "20 at once, 20 a second from then on")


class Roles(unittest.TestCase):
    def test_only_operators_operate(self):
        roles = ("doctor", "gateway", "operator", "hospital")
        site = Site(BINARY)
        self.addCleanup(site.remove)
        tokens = site.folder / "tokens.yaml"
        tokens.write_text("".join(f"- {{token: {role}-0123456789abcdef, user: {role}, role: {role}}}\n" for role in roles))
        site.flags = ["--set", f"auth.tokens={tokens}"]
        site.start()
        doors = [("GET", "/admin/publications"), ("POST", "/admin/publish"), ("POST", "/admin/rollback"), ("GET", "/admin/status"),
                 ("POST", "/admin/dead-letter/retry"), ("GET", "/admin/backup"), ("POST", "/admin/backup"), ("POST", "/admin/clock"),
                 ("GET", "/topics")]
        for method, path in doors:
            self.assertEqual(self.ask(site, method, path, None), 401, path)
            for role in roles:
                status = self.ask(site, method, path, f"{role}-0123456789abcdef")
                if role == "operator":
                    self.assertNotIn(status, (401, 403), path)
                else:
                    self.assertEqual(status, 403, f"{role} {path}")

    def ask(self, site, method, path, token):
        words = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "-X", method, site.url + path]
        if method == "POST":
            words += ["-d", "{}"]
        if token:
            words += ["-H", f"Authorization: Bearer {token}"]
        return int(subprocess.run(words, capture_output=True, text=True, check=True).stdout)


if __name__ == "__main__":
    unittest.main(verbosity=1, warnings="ignore")
