#!/usr/bin/env python3
"""The real binary as its users meet it: senders, doctors, operators. VITALOG_BINARY names it."""

import contextlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from running_site import Mllp, Site, ack_code, call, hl7, oru

BINARY = os.environ["VITALOG_BINARY"]
FILE = pathlib.Path(__file__).parent.parent / "data/hl7/simhospital.hl7"


class WithSite(unittest.TestCase):
    flags = ()

    def setUp(self):
        self.site = Site(BINARY, *self.flags)
        self.addCleanup(self.site.remove)
        self.site.start()
        self.sender = Mllp(self.site.mllp)
        self.addCleanup(self.sender.close)

    def send(self, message):
        answer = self.sender.send(message)
        return ack_code(answer), answer

    def dead_letters(self):
        self.site.wait()
        return [(record["headers"], value) for record, value in self.site.topic("dead-letter")]


class Acknowledgements(WithSite):
    def refused(self, message, code, reason, segment=b""):
        """Answered negatively with an ERR that names the place, and kept with its bytes."""
        got, answer = self.send(message)
        self.assertEqual(got, code, answer)
        self.assertIn(b"\rERR|", answer)
        self.assertIn(segment, answer)
        kept = [headers for headers, value in self.dead_letters() if value == message]
        self.assertEqual(len(kept), 1, f"not in dead-letter once: {message!r}")
        self.assertIn(reason, kept[0]["reason"])
        self.assertEqual(kept[0]["stage"], "mllp")

    def test_what_is_refused_or_in_error(self):
        good = oru("m1")
        self.refused(b"hello, this is no HL7", "AR", "MSH")
        self.refused(good.replace(b"|P|2.5|", b"|X|2.5|"), "AR", "MSH-11")
        self.refused(good.replace(b"|P|2.5|", b"|P|2.9|"), "AR", "MSH-12")
        self.refused(good.replace(b"|P|2.5|", b"|P|2.2|"), "AR", "MSH-12")
        self.refused(re.sub(rb"PID[^\r]*\r", b"", good), "AE", "PID", b"PID")
        self.refused(hl7("MSH|^~\\&|ADT|HOSP|||20261121080000||ADT^A40|m2|P|2.5", "EVN|A40|20261121080000",
                         "PID|1||2^^^MRN^MR"), "AE", "MRG", b"MRG")
        self.refused(good.replace(b"Wang", b"W\xff\xfeng").replace(b"|P|2.5|||||", b"|P|2.5||||||UNICODE UTF-8"), "AE", "haracter set")

    def test_enhanced_mode_answers_ca_ce_cr_and_obeys_msh_15(self):
        self.assertEqual(self.send(oru("e1", mode="||AL|"))[0], "CA")
        self.assertEqual(self.send(oru("e2", mode="||AL|", version="2.9"))[0], "CR")
        self.assertEqual(self.send(re.sub(rb"PID[^\r]*\r", b"", oru("e3", mode="||ER|")))[0], "CE")
        for silent in (oru("e4", mode="||NE|"), oru("e5", mode="||ER|"), re.sub(rb"PID[^\r]*\r", b"", oru("e6", mode="||SU|"))):
            self.sender.send(silent, answer=False)
        self.assertIn(b"|e7", self.sender.send(oru("e7", mode="||SU|")), "the next answer is the next one asked for")

    def test_everything_else_is_accepted(self):
        odd = [oru("a1", version="2.3"), oru("a2", version="2.8"), oru("a3").replace(b"|P|2.5", b"|T|2.5"),
               oru("a4").replace(b"\r", b"\n"), oru("a5").replace(b"\r", b"\r\n"), oru("a6") + b"ZZZ|anything\r",
               re.sub(rb"OBR[^\r]*\r", b"", oru("a7")), oru("a8").replace(b"ORU^R01", b"SIU^S12")]
        for message in odd:
            self.assertEqual(self.send(message)[0], "AA", message)

    def test_a_repeat_gets_the_stored_answer_and_has_no_effect(self):
        first = self.send(oru("r1"))[1]
        self.assertEqual(self.send(oru("r1"))[1], first)
        self.site.kill()
        self.site.start()
        self.sender = Mllp(self.site.mllp)
        self.assertEqual(self.send(oru("r1"))[1], first, "the ledger is written with the message")
        self.assertEqual(self.send(oru("r1", value="4.1"))[0], "AA", "a reused id is accepted")
        self.site.wait()
        self.assertEqual(len(list(self.site.topic("feed.his"))), 2)
        time.sleep(0.3)  # the listener's counters are shown every 100 ms
        metrics = call(self.site.url + "/metrics")[1]
        self.assertTrue('vitalog_messages_in_total{endpoint="his",result="reused"} 1' in metrics)

    def test_character_sets(self):
        name = "王" + b"\xab\x7c".decode("gb18030") + "东"  # its second byte is the field separator
        message = oru("g1", patient="77").decode().replace("Wang^Fang", name).encode("gb18030")
        self.assertEqual(self.send(message)[0], "AA")
        self.site.wait()
        patient = self.site.get("/fhir/Patient?identifier=MRN%7C77")[1]["entry"][0]["resource"]
        self.assertIn(name, json.dumps(patient, ensure_ascii=False))


class ReusedIdRefused(WithSite):
    flags = ("--set", "hl7.reused_id=refuse", "--set", "hl7.max_message=2KiB")

    def test_another_body_is_answered_205(self):
        self.assertEqual(self.send(oru("x1"))[0], "AA")
        code, answer = self.send(oru("x1", value="5.0"))
        self.assertEqual(code, "AE")
        self.assertIn(b"205", answer)

    def test_too_large_is_answered_and_the_connection_goes_on(self):
        self.assertEqual(self.send(oru("x2") + b"NTE|1||" + b"x" * 10_000 + b"\r")[0], "AE")
        self.assertEqual(self.send(oru("x3"))[0], "AA")


class BadObservations(WithSite):
    def test_each_fault_is_a_dead_letter_of_that_observation_and_its_siblings_go_on(self):
        faults = {"no unit": ("abc", "4.0", "", "20261121080000"), "dimension": ("d", "4.0", "kg", "20261121080000"),
                  "below": ("e", "-1", "mmol/L", "20261121080000"), "number": ("f", "high", "mmol/L", "20261121080000"),
                  "time": ("g", "4.0", "mmol/L", "2026XX")}
        for n, (fault, (_, value, unit, at)) in enumerate(faults.items()):
            message = oru(f"b{n}", patient=f"9{n}") + f"OBX|2|NM|2951-2^Na^LN||140|mmol/L|||||F\r".encode()
            message = message.replace(b"||4.0|mmol/L|", f"||{value}|{unit}|".encode(), 1)
            if fault == "time":
                message = message.replace(b"|3.5-5.3||||F", b"|3.5-5.3||||F|||2026XX")
            self.assertEqual(self.send(message)[0], "AA")
            letters = [headers for headers, body in self.dead_letters() if body == message]
            self.assertEqual(len(letters), 1, fault)
            self.assertEqual(letters[0]["stage"], "intake")
            self.assertIn("OBX", letters[0]["at"])
            found = self.site.get(f"/fhir/Observation?patient={self.site.person(f'MRN|9{n}')}")[1]
            self.assertEqual([entry["resource"]["code"]["coding"][0]["code"] for entry in found["entry"]], ["2951-2"], fault)


class Starting(unittest.TestCase):
    def test_exit_codes_and_run_json(self):
        site = Site(BINARY)
        self.addCleanup(site.remove)
        line = site.start()
        written = json.loads((site.folder / "data/run.json").read_text())
        self.assertEqual(line, written)
        self.assertEqual(set(written), {"pid", "mllp", "http", "version"})
        self.assertEqual(written["pid"], site.process.pid)
        again = site.command("run", "--data-dir", str(site.folder / "data"), "--mllp", "127.0.0.1:0", "--http", "127.0.0.1:0")
        self.assertEqual(again.returncode, 3, again.stderr)
        self.assertIn(str(site.process.pid), again.stderr)
        self.assertEqual(site.stop(), 0)
        for words, message in ((["--set", "desk.deadline=soon"], "desk.deadline"), (["--bad"], "--bad"), ([], "--data-dir")):
            directory = ["--data-dir", str(site.folder / "data")] if words else []
            wrong = site.command("run", *directory, *words)
            self.assertEqual(wrong.returncode, 2)
            self.assertIn(message, wrong.stderr)
        other = site.command("run", "--data-dir", str(site.folder / "data"), "--set", "log.partitions=7")
        self.assertEqual(other.returncode, 2, other.stderr)
        self.assertIn("partitions", other.stderr)
        (site.folder / "data/format").write_text("VLOG 99")
        damaged = site.command("run", "--data-dir", str(site.folder / "data"))
        self.assertEqual(damaged.returncode, 3, damaged.stderr)

    def test_every_thread_has_a_name(self):
        site = Site(BINARY, "--set", "notify.mode=live", "--set", "notify.aliyun.url=http://127.0.0.1:9",
                    "--set", "notify.wechat.gateway=external")
        self.addCleanup(site.remove)
        process = site.start()["pid"]
        named = {"worker", "committer", "mllp", "http", "http-handler", "blobs", "views", "live", "effects", "send", "gateways",
                 "flow", "housekeeping", "alarms"}

        def names():
            found = []
            for task in pathlib.Path(f"/proc/{process}/task").iterdir():
                with contextlib.suppress(OSError):  # it has ended meanwhile
                    found.append((task / "comm").read_text().strip())
            return found

        # The main thread, RocksDB's timer and ThreadSanitizer's keep the program's name; a thread names itself once it
        # runs.
        most = 3 if "/libtsan" in pathlib.Path(f"/proc/{process}/maps").read_text() else 2
        for _ in range(600):
            found = names()
            nameless = found.count(pathlib.Path(BINARY).name[:15])
            if set(found) >= named and nameless <= most:
                break
            time.sleep(0.1)
        self.assertLessEqual(named, set(found))
        self.assertLessEqual(nameless, most, found)

    def test_the_disk_reserve_refuses_feeds_and_nothing_else(self):
        site = Site(BINARY, "--set", "log.disk_reserve=900TiB")
        self.addCleanup(site.remove)
        site.start()
        self.assertEqual(ack_code(Mllp(site.mllp).send(oru("d0"))), "AE", "it starts, publishes, and takes nothing in")
        site.stop()
        site.flags = []
        site.start()
        sender = Mllp(site.mllp)
        self.assertEqual(ack_code(sender.send(oru("d1"))), "AA")
        site.wait()
        site.stop()
        site.flags = ["--set", "log.disk_reserve=900TiB"]
        site.start()
        answer = Mllp(site.mllp).send(oru("d2"))
        self.assertEqual(ack_code(answer), "AE")
        self.assertIn(b"207", answer)
        self.assertIn(b"disk", answer)
        self.assertEqual(site.get("/fhir/Patient?identifier=MRN%7C1")[0], 200, "reads go on, audit included")


class Clinic(WithSite):
    """A critical potassium from the socket to the decision, with time set by hand."""

    flags = ("--clock", "manual", "--set", "site.zone=UTC")

    def setUp(self):
        super().setUp()
        self.site.clock("2026-11-21T08:00:00Z")
        team = {"team": "general", "members": [{"user": "li", "phone": "13800000001"}, {"user": "wu", "phone": "13800000002"}],
                "duty_doctor": "wang", "duty_group": "general"}
        duty = {"team": "duty", "members": [{"user": "wang", "phone": "13800000003"}]}
        patient = {"patient": "MRN|1", "phone": "13900000001", "consent": {"alert": ["sms"]}}
        self.assertEqual(self.site.post("/directory", [team, duty, patient])[0], 200)
        self.assertEqual(self.send(oru("k1", value="6.4"))[0], "AA")
        self.site.wait()
        self.task = self.site.get("/fhir/Task?status=requested")[1]["entry"][0]["resource"]

    def decide(self, action, user, **body):
        return self.site.post(f"/fhir/Task/{self.task['id']}/${action}", body, user=user)

    def test_the_hour(self):
        self.assertEqual(self.task["priority"], "stat")
        self.assertEqual(self.task["restriction"]["period"]["end"].replace("+00:00", "Z"), "2026-11-21T09:00:00Z")

        def notices():
            return [(m["recipient"], m["purpose"]) for m in self.site.events("delivery") if m["state"] == "suppressed"]
        self.assertEqual(sorted(notices()), [("user:li", "task"), ("user:wu", "task")])
        self.site.clock("2026-11-21T08:34:59Z")
        self.assertNotIn(("user:wang", "escalation"), notices())
        self.site.clock("2026-11-21T08:35:00Z")
        self.assertIn(("user:wang", "escalation"), notices())
        self.site.kill()
        self.site.start()
        self.assertEqual(self.site.post("/admin/clock", {"now": "2026-11-21T08:34:00Z"})[0], 409, "the clock survives a restart")
        self.site.clock("2026-11-21T09:00:00Z")
        self.assertTrue(any(state.get("breached") for state in self.site.events("task-board")))
        self.assertEqual(len([n for n in notices() if n == ("user:wang", "escalation")]), 1)

    def test_decisions(self):
        self.assertEqual(self.decide("accept", "li", request_id="1")[1]["status"], "accepted")
        status, task = self.decide("confirm", "wu")
        self.assertEqual((status, task["resourceType"]), (409, "Task"))
        self.assertEqual(self.decide("modify", "li")[0], 422)
        self.assertEqual(self.decide("reject", "li")[0], 422)
        self.assertEqual(self.site.post(f"/fhir/Task/{self.task['id']}/$confirm", "{", user="li")[0], 400)
        self.assertEqual(self.site.post("/fhir/Task/" + "0" * 32 + "/$confirm", {}, user="li")[0], 404)
        before = [m for m in self.site.events("delivery") if not m["recipient"].startswith("user:")]
        self.assertEqual(before, [], "only a decision tells the patient")
        first = self.decide("confirm", "li", text="come in", request_id="2")
        self.assertEqual(first[1]["status"], "completed")
        self.assertEqual(self.decide("confirm", "li", text="come in", request_id="2"), first)
        self.site.wait()
        told = [m for m in self.site.events("delivery") if not m["recipient"].startswith("user:")]
        self.assertEqual({m["intent"] for m in told}.__len__(), 1)
        self.assertEqual(self.decide("confirm", "li", request_id="3")[0], 409)
        shown = self.site.get(f"/fhir/Task/{self.task['id']}")[1]
        self.assertIn("come in", json.dumps(shown, ensure_ascii=False))

    def test_reads_are_audited_and_survive_a_rebuild(self):
        person = self.site.person("MRN|1")
        paths = [f"/fhir/{resource}?patient={person}" for resource in
                 ("Observation", "RiskAssessment", "DetectedIssue", "Task", "DiagnosticReport", "Communication")]
        before = [self.site.get(path) for path in paths]
        audited = [json.loads(value) for _, value in self.site.topic("audit")]
        self.assertTrue(any(a["person"] == person and "Observation" in a["path"] for a in audited))
        self.assertEqual(self.site.stop(), 0)
        rebuilt = self.site.command("views", "rebuild", "--data-dir", str(self.site.folder / "data"))
        self.assertEqual(rebuilt.returncode, 0, rebuilt.stderr)
        self.site.start()
        after = [self.site.get(path) for path in paths]

        def content(answers):
            return re.sub(r'"lastUpdated":"[^"]*"', "", json.dumps(answers))
        self.assertEqual(content(after), content(before))
        self.assertEqual(self.site.get("/fhir/Observation?patinet=1")[0], 400)


class RealClient(WithSite):
    @unittest.skipUnless(shutil.which("mllp_send"), "python3-hl7 is not installed: apt-get install python3-hl7")
    def test_a_client_that_nobody_here_wrote(self):
        host, port = self.site.mllp.rsplit(":", 1)
        done = subprocess.run(["mllp_send", "--loose", "-p", port, "--file", str(FILE), host], capture_output=True, timeout=120,
                              check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout.count(b"MSA|CA"), 1013)
        self.site.wait()
        self.assertEqual(len(list(self.site.topic("feed.his"))), 1013)


class RealFile(WithSite):
    def test_all_messages_all_observations_and_the_commands(self):
        sent = self.site.command("send-hl7", str(FILE), "--to", self.site.mllp, "--connections", "4", "--quiet")
        self.assertEqual(sent.returncode, 0, sent.stdout + sent.stderr)
        self.assertIn("accepted 1013 refused 0", sent.stdout)
        self.site.wait()
        letters = len(self.dead_letters())
        shown, url = 0, self.site.url + "/fhir/Observation?_count=1000"
        while url:
            page = json.loads(call(url)[1])
            shown += len(page.get("entry", []))
            url = next((link["url"] for link in page["link"] if link["relation"] == "next"), None)
        valued = sum(1 for line in re.split(rb"[\r\n]", FILE.read_bytes()) if line.startswith(b"OBX|") and line.split(b"|")[5])
        self.assertEqual((shown + letters, valued), (3349, 3349), "every observation is in the archive or a dead letter")
        listed = self.site.command("topic", "list", "--data-dir", str(self.site.folder / "data"))
        self.assertIn("feed.his 4", listed.stdout)
        tailed = self.site.command("topic", "show", "alert", "--url", self.site.url, "--max", "2", "--json")
        self.assertEqual(json.loads(tailed.stdout.splitlines()[0])["topic"], "alert")
        self.assertEqual(self.site.command("dead-letter", "list", "--url", self.site.url).returncode, 0)
        self.assertEqual(self.site.stop(), 0)
        stopped = self.site.command("topic", "show", "feed.his", "--data-dir", str(self.site.folder / "data"), "--max", "1")
        self.assertIn("feed.his/0/0", stopped.stdout)

    def test_refusals_are_listed(self):
        path = self.site.folder / "bad.hl7"
        path.write_bytes(oru("s1", mode="||AL|") + b"\n" + oru("s2", mode="||AL|", version="9.9"))
        sent = self.site.command("send-hl7", str(path), "--to", self.site.mllp, "--quiet")
        self.assertEqual(sent.returncode, 1)
        self.assertRegex(sent.stdout, r"refused s2 CR .*MSH-12")


if __name__ == "__main__":
    unittest.main(verbosity=1, warnings="ignore")
