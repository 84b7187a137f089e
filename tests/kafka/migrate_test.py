#!/usr/bin/env python3
"""A site moves from its embedded log to a cluster, interrupted on the way, and goes on as its twin does that stays: the
same archive, the same open tasks, and from then on the same outputs, id by id and byte by byte. VITALOG_BINARY names the
program, VITALOG_TEST_KAFKA the cluster."""

import hashlib
import os
import pathlib
import subprocess
import time
import unittest

import both_logs
from both_logs import BINARY, KEPT, at, messages, named, on_kafka, outputs
from running_site import Mllp, Site, ack_code, call, oru

BROKERS = os.environ["VITALOG_TEST_KAFKA"]
KAFKA = str(pathlib.Path(__file__).resolve().parent.parent.parent / "scripts/kafka")
PERSONS = 12
REFUSED = 3


def digest(folder):
    """Every file's bytes, but for the lock."""
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(folder.rglob("*")) if path.is_file() and path.name != "lock"}


def send(site, sent):
    connection = Mllp(site.mllp)
    answers = [connection.send(message) for message in sent]
    connection.close()
    assert all(ack_code(answer) == "AA" for answer in answers)
    return answers


def open_tasks(site):
    bundle = site.get("/fhir/Task?status=requested&_count=200")[1]
    return sorted(entry["resource"]["id"] for entry in bundle.get("entry", []))


def archive(site):
    """What the FHIR API says of everybody, open tasks with their due times among it."""
    found = {}
    for query in ("Patient", "Observation", "Task", "DetectedIssue", "Communication"):
        status, text = call(f"{site.url}/fhir/{query}?_count=200")
        assert status == 200, text
        found[query] = text.replace(site.url, "")
    return found


def decide(site, task):
    status, answer = site.post(f"/fhir/Task/{task}/$confirm", {}, user="dr.li")
    assert status == 200, answer


class Moved(unittest.TestCase):
    maxDiff = 2000

    def site(self, *flags):
        site = Site(BINARY, "--clock", "manual", *flags, *KEPT)
        self.addCleanup(site.remove)
        return site

    def begin(self, site):
        """Half of the people's results, with tasks that wait, and tasks that were decided."""
        site.start()
        both_logs.WithBoth.begin(site)
        answers = send(site, self.first)
        site.wait(120)
        tasks = open_tasks(site)
        for task in tasks[:3]:
            decide(site, task)
        site.wait(120)
        return answers

    def go_on(self, site):
        """What comes after the move: a repeat, a decision on a task from before, results of old and new people, and
        the times at which tasks are due."""
        site.clock(both_logs.NOW)
        self.assertEqual(send(site, self.first[-2:]), self.answers[-2:], "a repeat gets the stored answer")
        decide(site, open_tasks(site)[0])
        send(site, self.then)
        both_logs.WithBoth.finish(site)

    def migrate(self, to, until=None):
        """Exit code and what it said; killed once it says `until`."""
        words = [BINARY, "migrate", "--from", str(self.moving.folder / "data"), "--data-dir", str(to),
                 *on_kafka(self.name, BROKERS), *KEPT, "--set", "log.instance=one"]
        process = subprocess.Popen(words, env=self.moving.environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE,
                                   text=True)
        said = ""
        while until is not None:
            byte = process.stderr.read(1)
            self.assertTrue(byte, f"it ended before it said '{until}': {said}")
            said += byte
            if said.endswith(until):
                process.kill()
                break
        out, rest = process.communicate(timeout=300)
        return process.returncode, said + out + rest

    def setUp(self):
        self.name = f"move-{time.time_ns()}"
        sent = messages(PERSONS)
        half = len(sent) * 3 // 4
        self.first = sent[:half]
        self.then = sent[half:] + [oru(f"again{n}", str(n), value="7.1", time=at("090500"), order="A")
                                   for n in range(0, PERSONS, 3)]
        self.twin, self.moving = self.site(*named(self.name)), self.site(*named(self.name))
        self.begin(self.twin)
        self.answers = self.begin(self.moving)

    def test_goes_on_as_if_nothing_had_happened(self):
        self.assertTrue(open_tasks(self.moving), "tasks wait when the site moves")
        self.assertEqual(open_tasks(self.moving), open_tasks(self.twin))
        before, feed = archive(self.moving), list(self.moving.topic(f"{self.name}.feed.his"))
        for site in (self.twin, self.moving):
            self.assertEqual(site.stop(), 0)
        old = digest(self.moving.folder / "data")

        site = self.site(*on_kafka(self.name, BROKERS), "--set", "log.instance=one")
        for part in ("records: ", "reading back: "):
            self.migrate(site.folder / "data", until=part)
            with self.assertRaisesRegex(RuntimeError, "vitalog migrate"):
                site.start()
            self.assertEqual(site.process.wait(timeout=60), REFUSED)
        code, said = self.migrate(site.folder / "data")
        self.assertEqual(code, 0, said)
        self.assertIn("an earlier attempt had begun", said)
        self.assertIn("all read back and equal", said)
        self.assertEqual(digest(self.moving.folder / "data"), old, "the old data directory stays as it is")

        code, said = self.migrate(site.folder / "another")
        self.assertEqual(code, REFUSED, said)
        self.assertIn("a site was moved there before", said)
        code, said = self.migrate(site.folder / "data")
        self.assertEqual(code, REFUSED, said)
        # As if it had been killed before its very last step.
        subprocess.run([KAFKA, "tool", "--dir", os.environ["VITALOG_TEST_KAFKA_DIR"], "topics", "--create", "--topic",
                        f"{self.name}.move"], check=True, capture_output=True)
        code, said = self.migrate(site.folder / "data")
        self.assertEqual(code, 0, said)

        site.start()
        site.wait(120)
        self.assertEqual(archive(site), before)
        self.assertEqual([(r["offset"], r["timestamp"], v) for r, v in site.topic(f"{self.name}.feed.his")],
                         [(r["offset"], r["timestamp"], v) for r, v in feed])
        self.twin.start()
        for going in (self.twin, site):
            self.go_on(going)
        self.assertEqual(len(list(site.topic(f"{self.name}.feed.his"))), len(self.first) + len(self.then))
        self.assertEqual(both_logs.differences(outputs(self.twin, self.name), outputs(site, self.name)), [])
        self.assertEqual(site.stop(), 0)


if __name__ == "__main__":
    unittest.main()
