#!/usr/bin/env python3
"""`vitalog simulate` at a running site: everything is taken, nothing is a dead letter, and what a city does shows.
VITALOG_BINARY names the binary."""

import collections
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from running_site import Site

BINARY = os.environ["VITALOG_BINARY"]
START = "2026-11-20T08:00:00+08:00"


def numbers(line, summary):
    """{"accepted": 3, ...} of a line of the summary."""
    found = re.search(rf"^{line}(.*)$", summary, re.MULTILINE).group(1)
    return {name: int(value) for name, value in re.findall(r"([a-z-]+) (\d+)", found)}


def written(folder, *flags):
    subprocess.run([BINARY, "simulate", "--persons", "200", "--rate", "50", "--duration", "10s", "--start", START,
                    "--write", folder, *flags], check=True, capture_output=True)
    return {name: (pathlib.Path(folder) / name).read_bytes()
            for name in ("directory.ndjson", "messages.hl7", "batches.ndjson")}


class Simulate(unittest.TestCase):
    def site(self):
        site = Site(BINARY)
        self.addCleanup(site.remove)
        site.start()
        return site

    def test_a_city_comes_in(self):
        site = self.site()
        run = site.command("simulate", "--mllp", site.mllp, "--url", site.url, "--seed", "3", "--persons", "150",
                           "--rate", "200", "--hl7", "50", "--duration", "8s", "--quiet")
        self.assertEqual(run.returncode, 0, run.stdout + run.stderr)
        site.wait()
        messages = int(re.search(r"^messages (\d+)", run.stdout, re.MULTILINE).group(1))
        self.assertEqual(messages, 800)
        self.assertEqual(numbers("messages", run.stdout), {"accepted": 800, "refused": 0, "resent": 0})
        self.assertEqual(list(site.topic("dead-letter")), [])
        samples = numbers("samples", run.stdout)
        self.assertGreater(samples["accepted"], 1000)
        self.assertGreater(samples["duplicate"], 0)
        self.assertLess(len(list(site.topic("feed.his"))), messages)  # repeats leave nothing behind

        kinds = collections.Counter(record["headers"].get("ce_type") for record, _ in site.topic("person"))
        self.assertGreater(kinds["vitalog.person-merged.v1"], 0)
        rules = {alert["rule"]["id"] if isinstance(alert["rule"], dict) else alert["rule"]
                 for alert in site.events("alert")}
        self.assertIn("aki", rules)
        self.assertIn("potassium-critical", rules)
        named = [entry["resource"] for entry in site.get("/fhir/Patient?_count=50")[1]["entry"]
                 if entry["resource"].get("name")]
        self.assertTrue(any(re.match("[\u4e00-\u9fff]", patient["name"][0]["family"]) for patient in named), named)

    def test_a_day_in_shadow_is_told(self):
        site = self.site()
        self.assertEqual(site.command("simulate", "--mllp", site.mllp, "--url", site.url, "--persons", "100", "--rate",
                                      "200", "--hl7", "60", "--duration", "5s", "--quiet").returncode, 0)
        site.wait()
        decided = {delivery["intent"]: delivery for delivery in site.events("delivery")}
        shadow = site.command("shadow", "--url", site.url)
        self.assertEqual(shadow.returncode, 0, shadow.stderr)
        self.assertGreater(len(decided), 10)
        told = shadow.stdout + site.command("shadow", "--url", site.url, "--day", "yesterday").stdout
        self.assertEqual(sum(map(int, re.findall(r"^(\d+) messages$", told, re.MULTILINE))), len(decided))
        for recipient in {delivery["recipient"] for delivery in decided.values() if not delivery.get("person")}:
            self.assertIn(recipient, told)
        self.assertIn("rule potassium-critical@", told)
        self.assertNotRegex(told, r"161\d{8}")  # the city's telephone numbers

    def test_the_same_seed_and_start_write_the_same_bytes(self):
        with tempfile.TemporaryDirectory() as a, tempfile.TemporaryDirectory() as b:
            once = written(a, "--seed", "5")
            self.assertEqual(once, written(b, "--seed", "5"))
            other = written(b, "--seed", "6")
            for name, content in once.items():
                self.assertNotEqual(content, other[name], name)
            self.assertIn("GB 18030-2000", once["messages.hl7"].decode("gb18030"))

    def test_what_was_written_can_be_sent(self):
        site = self.site()
        with tempfile.TemporaryDirectory() as folder:
            files = written(folder, "--seed", "5")
            self.assertEqual(site.post("/directory", files["directory.ndjson"],
                                       content_type="application/x-ndjson")[0], 200)
            run = site.command("send-hl7", folder + "/messages.hl7", "--to", site.mllp, "--quiet")
            self.assertEqual(run.returncode, 0, run.stdout + run.stderr)
            self.assertIn("sent 100 accepted 100 refused 0", run.stdout)
        site.wait()
        self.assertEqual(list(site.topic("dead-letter")), [])

    def test_ctrl_c_ends_it_with_the_summary(self):
        site = self.site()
        process = subprocess.Popen([BINARY, "simulate", "--mllp", site.mllp, "--url", site.url, "--persons", "50",
                                    "--duration", "0s", "--quiet"], stdout=subprocess.PIPE, text=True)
        self.assertIn("persons 50", process.stdout.readline())
        deadline = time.monotonic() + 60
        while len(list(site.topic("feed.wearable"))) < 10 and time.monotonic() < deadline:
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        rest = process.communicate(timeout=30)[0]
        self.assertEqual(process.returncode, 0, rest)
        self.assertGreater(numbers("samples", rest)["accepted"], 0)
        self.assertEqual(numbers("batches", rest)["refused"], 0)

    def test_a_site_that_is_not_there_is_said(self):
        run = subprocess.run([BINARY, "simulate", "--url", "http://127.0.0.1:9", "--persons", "5", "--quiet"],
                             capture_output=True, text=True)
        self.assertEqual(run.returncode, 1)
        self.assertIn("/directory", run.stderr)

    def test_flags_are_checked(self):
        for flags in (["--persons", "0"], ["--hl7", "101"], ["--start", "today"], ["--duration", "10"],
                      ["--write", "x", "--duration", "0s"]):
            self.assertEqual(subprocess.run([BINARY, "simulate", *flags], capture_output=True).returncode, 2, flags)


if __name__ == "__main__":
    unittest.main(verbosity=2)
