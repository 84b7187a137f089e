#!/usr/bin/env python3
"""A doctor's day over real sockets: work list, live events, hand-over, explain. VITALOG_BINARY names the binary."""

import json
import os
import pathlib
import re
import socket
import sys
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from running_site import Mllp, Site, ack_code, oru

BINARY = os.environ["VITALOG_BINARY"]


class Events:
    """A reader of GET /events that nobody helps: a socket, chunks and lines."""

    def __init__(self, site, last=None, user="li"):
        host, port = site.url[len("http://"):].split(":")
        self.socket = socket.create_connection((host, int(port)), timeout=30)
        more = f"Last-Event-ID: {last}\r\n" if last else ""
        self.socket.sendall(f"GET /events HTTP/1.1\r\nHost: {host}\r\nX-User: {user}\r\n{more}\r\n".encode())
        self.file = self.socket.makefile("rb")
        self.status = int(self.file.readline().split()[1])
        self.headers = {}
        while line := self.file.readline().strip():
            name, value = line.decode().split(": ", 1)
            self.headers[name.lower()] = value
        self.last, self.frames, self.text = last, [], b""
        if self.status == 200:
            self.thread = threading.Thread(target=self.read, daemon=True)
            self.thread.start()

    def read(self):
        try:
            while size := int(self.file.readline() or b"0", 16):
                self.text += self.file.read(size)
                self.file.readline()
                while b"\n\n" in self.text:
                    frame, self.text = self.text.split(b"\n\n", 1)
                    self.take(frame.decode())
        except (OSError, ValueError):
            pass

    def take(self, frame):
        fields = dict(line.split(": ", 1) for line in frame.split("\n") if ": " in line)
        self.last = fields.get("id", self.last)
        if "data" in fields:
            self.frames.append((fields["id"] if "id" in fields else None, fields["event"], json.loads(fields["data"])))

    def wait(self, count, seconds=20):
        for _ in range(seconds * 100):
            if len(self.frames) >= count:
                return self.frames
            time.sleep(0.01)
        raise AssertionError(f"{len(self.frames)} events instead of {count}: {self.frames}")

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


class WithWard(unittest.TestCase):
    flags = ("--clock", "manual")

    def setUp(self):
        self.site = Site(BINARY, *self.flags)
        self.addCleanup(self.site.remove)
        self.site.start()
        self.site.clock("2026-11-21T08:00:00Z")
        self.sender = Mllp(self.site.mllp)
        ward = {"team": "general", "members": [{"user": "li", "phone": "13800000001"}, {"user": "wu", "phone": "13800000002"}],
                "duty_doctor": "wang", "duty_group": "general",
                "shifts": [{"from": "16:00", "to": "20:00", "doctor": "day"}, {"from": "20:00", "to": "16:00", "doctor": "night"}]}
        other = {"team": "renal", "members": [{"user": "zhou", "phone": "13800000009"}]}
        self.assertEqual(self.site.post("/directory", [ward, other])[0], 200)

    def potassium(self, patient, value="7.0", control=None, time="20261121155900", status="F"):
        message = oru(control or f"k{patient}", patient=str(patient), value=value, time=time, order=f"O{patient}", status=status)
        self.assertEqual(ack_code(self.sender.send(message)), "AA")
        self.site.wait()

    def tasks(self, query):
        return [entry["resource"] for entry in self.site.get("/fhir/Task?" + query, user="li")[1].get("entry", [])]

    def decide(self, task, action, user, **body):
        return self.site.post(f"/fhir/Task/{task['id']}/${action}", body, user=user)


class WorkList(WithWard):
    def test_by_due_time_priority_team_and_doctor(self):
        for patient, (minutes, value) in enumerate(((0, "7.0"), (10, "7.1"), (20, "7.2")), start=1):
            self.site.clock(f"2026-11-21T08:{minutes:02}:00Z")
            self.potassium(patient, value)
        due = [task["restriction"]["period"]["end"] for task in self.tasks("_sort=due")]
        self.assertEqual([d.replace("+00:00", "Z") for d in due],
                         ["2026-11-21T09:00:00Z", "2026-11-21T09:10:00Z", "2026-11-21T09:20:00Z"])
        self.assertEqual(due, [task["restriction"]["period"]["end"] for task in self.tasks("_sort=-due")][::-1])
        self.assertEqual(len(self.tasks("due=le2026-11-21T09:10:00Z")), 2)
        self.assertEqual(len(self.tasks("due=gt2026-11-21T09:10:00Z&owner=general&priority=stat")), 1)
        page = self.site.get("/fhir/Task?_sort=-priority,due&_count=2", user="li")[1]
        self.assertEqual((page["total"], len(page["entry"])), (3, 2))
        self.assertTrue(any(link["relation"] == "next" for link in page["link"]))
        first = self.tasks("_sort=due")[0]
        self.assertEqual(self.decide(first, "accept", "li")[0], 200)
        self.assertEqual([task["id"] for task in self.tasks("owner=Practitioner/li&status=accepted")], [first["id"]])
        self.assertEqual(self.site.get("/fhir/Task?period=ge2026", user="li")[0], 400, "R4's period is not the deadline")

    def test_evidence_text_hand_over_and_history(self):
        self.potassium(1, "5.0", "k0", time="20261121100000")
        self.potassium(1, "7.0", "k1")
        task = self.tasks("status=requested")[0]
        value = task["input"][0]
        extensions = {extension["url"]: extension for extension in value["extension"]}
        self.assertEqual(extensions["urn:vitalog:trend"]["valueCode"], "rising")
        self.assertEqual(extensions["urn:vitalog:age"]["valueDuration"]["value"], 1)
        self.assertEqual(extensions["urn:vitalog:reference-range"]["valueRange"]["high"]["value"], 5.3)
        status, refusal = self.decide(task, "modify", "li", text="您的血钾偏高")
        self.assertEqual(status, 422)
        self.assertIn("血钾", json.dumps(refusal, ensure_ascii=False))
        self.assertEqual(self.decide(task, "hand-over", "li", to="renal", reason="known there")[0], 200)
        self.assertEqual(self.decide(task, "confirm", "li")[0], 409)
        status, done = self.decide(task, "modify", "zhou", text="请于周一上午来院复查")
        self.assertEqual(status, 200)
        said = [(note.get("authorString"), note["text"]) for note in done["note"]]
        self.assertIn(("li", "handed over to team renal: known there"), said)
        self.assertIn(("zhou", "confirmed with another text"), said)

    def test_the_doctor_of_the_shift_is_told_on_the_sites_clock(self):
        def told():
            return sorted({(m["recipient"], m["purpose"]) for m in self.site.events("delivery")})
        self.potassium(1)  # 16:00 in Shanghai
        self.assertIn(("user:day", "task"), told())
        self.site.clock("2026-11-21T11:40:00Z")
        self.potassium(2, time="20261121193900")
        self.site.clock("2026-11-21T12:15:00Z")  # 20:15: the shift has changed
        self.assertIn(("user:night", "escalation"), told())
        status, answer = self.site.post("/directory", [{"team": "x", "shifts": [{"from": "8", "to": "20:00", "doctor": "a"}]}])
        self.assertEqual(status, 400)
        self.assertIn("shifts.from", json.dumps(answer))


class Live(WithWard):
    def test_events_in_one_shape_and_what_they_name_can_be_read(self):
        events = Events(self.site)
        self.assertEqual((events.status, events.headers["content-type"]), (200, "text/event-stream"))
        self.potassium(1)
        frames = events.wait(3)
        kinds = [kind for _, kind, _ in frames]
        self.assertEqual((kinds[0], kinds[1]), ("alert", "task"))
        for number, kind, data in frames:
            self.assertTrue(number)
            self.assertEqual(set(data), {"id", "patient", "kind", "priority", "state", "at"}, kind)
        task = frames[1][2]
        status, shown = self.site.get("/fhir/Task/" + task["id"], user="li")
        self.assertEqual((status, shown["for"]["reference"]), (200, "Patient/" + task["patient"]))
        self.decide(shown, "confirm", "li")
        for _ in range(1000):
            if ("task", "completed") in [(kind, data["state"]) for _, kind, data in events.frames]:
                break
            time.sleep(0.01)
        self.assertIn(("task", "completed"), [(kind, data["state"]) for _, kind, data in events.frames])
        events.close()
        audited = [json.loads(value) for _, value in self.site.topic("audit")]
        self.assertTrue(any(a["path"] == "/events" and a["person"] == task["patient"] for a in audited))

    def test_a_reader_goes_on_after_kill_9_without_gap_or_repeat(self):
        whole, part = Events(self.site), Events(self.site)
        for patient in range(1, 6):
            self.potassium(patient)
        self.site.wait()
        part.wait(3)
        part.close()
        time.sleep(0.2)
        seen = list(part.frames)
        self.potassium(6)
        self.site.kill()
        self.site.start()
        self.sender = Mllp(self.site.mllp)
        self.potassium(7)
        again = Events(self.site, last=part.last)
        complete = Events(self.site, last=whole.frames[0][0])
        self.site.wait()
        for patient in range(8, 10):
            self.potassium(patient)
        expected = {state["task"] for state in self.site.events("task-board")}
        self.assertEqual(len(expected), 9)

        def everything(reader, before):
            for _ in range(2000):
                frames = before + reader.frames
                if expected <= {data["id"] for _, kind, data in frames if kind == "task"}:
                    break
                time.sleep(0.01)
            time.sleep(0.3)
            return before + reader.frames
        resumed = everything(again, seen)
        straight = everything(complete, whole.frames[:1])
        self.assertEqual(len({number for number, _, _ in resumed}), len(resumed), "nothing twice")
        self.assertEqual(sorted((kind, data["id"], data["state"]) for _, kind, data in resumed),
                         sorted((kind, data["id"], data["state"]) for _, kind, data in straight))
        self.assertTrue(expected <= {data["id"] for _, kind, data in resumed if kind == "task"})

    def test_stopping_says_so_and_ids_that_are_none_are_refused(self):
        self.assertEqual(Events(self.site, last="nonsense").status, 400)
        events = Events(self.site)
        events_thread = events.thread
        begin = time.monotonic()
        self.assertEqual(self.site.stop(), 0)
        self.assertLess(time.monotonic() - begin, 8)
        events_thread.join(5)
        self.assertEqual(events.frames[-1][1:], ("end", {"reason": "the site stops"}))


class Explained(WithWard):
    def test_every_line_names_records_that_are_there(self):
        self.potassium(1, "5.0", "k0", time="20261121100000")
        self.potassium(1, "7.0", "k1")
        task = self.tasks("status=requested")[0]
        alert = task["focus"]["reference"].split("/")[1]
        self.assertEqual(self.decide(task, "confirm", "wu")[0], 200)
        self.site.wait()
        status, told = self.site.get(f"/alerts/{alert}/explain", user="li")
        self.assertEqual(status, 200)
        self.assertTrue(told["complete"], json.dumps(told, indent=1))
        self.assertEqual(told["basis"], "recorded")
        self.assertIn("high: 6.2", told["rule"]["text"])
        self.assertEqual((told["rule"]["id"], told["history"][0]["state"]), ("potassium-critical", "raised"))
        self.assertEqual([i["value"] for i in told["inputs"]], [7.0])
        self.assertEqual([t["name"] for t in told["task"]["timers"]], ["escalation 1", "escalation 2", "reminder", "deadline"])
        decided = told["task"]["history"][-1]
        self.assertEqual((decided["status"], decided["answer"]), ("completed", 200))
        self.assertIn("user:li", {m["recipient"] for m in told["messages"]})
        self.assertTrue(any("suppressed" in line or "waiting" in line for line in told["not_told"]))
        records = {}
        for name in {place.split("/")[0] for place in re.findall(r'"([a-z.-]+/\d+/\d+)"', json.dumps(told))}:
            for record, value in self.site.topic(name):
                records[f"{name}/{record['partition']}/{record['offset']}"] = (record, value)
        self.assertIn(b"|7.0|", records[told["inputs"][0]["records"][1]][1], "the message as the laboratory sent it")
        self.assertIn(b"potassium-critical", records[told["rule"]["records"][0]][1])
        self.assertEqual(json.loads(records[decided["records"][1]][1])["user"], "wu", "the decision as it came in")
        self.assertEqual(json.loads(records[told["history"][0]["records"][0]][1])["id"], alert)
        audited = [json.loads(value) for _, value in self.site.topic("audit")]
        self.assertTrue(any(a["path"] == f"/alerts/{alert}/explain" for a in audited))
        self.assertEqual(self.site.get(f"/alerts/{'0' * 32}/explain", user="li")[0], 404)

        shown = self.site.command("explain", alert, "--url", self.site.url)
        self.assertEqual(shown.returncode, 0, shown.stderr)
        for text in ("rule\n", "high: 6.2", "7 mmol/L", "task\n", "deadline", "answered 200", "not told", "feed.decision/",
                     f"vitalog explain {alert} --data-dir D decides it again"):
            self.assertIn(text, shown.stdout)
        self.assertEqual(json.loads(self.site.command("explain", alert, "--url", self.site.url, "--json").stdout)["alert"], alert)
        self.assertEqual(self.site.command("explain", "x", "--url", self.site.url).returncode, 2)
        self.assertEqual(self.site.command("explain", "0" * 31 + "1", "--url", self.site.url).returncode, 1)


if __name__ == "__main__":
    unittest.main(verbosity=1, warnings="ignore")
