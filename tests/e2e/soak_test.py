#!/usr/bin/env python3
"""scripts/soak.py: what it judges, what it draws, and that it runs. VITALOG_BINARY names the binary."""

import csv
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))
import soak
import svg_chart


def rows(memory, lag=lambda t: 20, seconds=600):
    """Samples once a second of functions of the seconds."""
    dice = random.Random(1)
    return [{"seconds": float(t), "resident_mib": 400.0, "rest_mib": memory(t) + dice.uniform(-2, 2), "lag": lag(t)} for t in range(seconds)]


def problems(*samples, **more):
    return soak.judge(rows(*samples, **more), 600, 24)[0]


class Judge(unittest.TestCase):
    def test_memory_that_fills_and_stays_passes(self):
        self.assertEqual(problems(lambda t: 100 + min(t, 150)), [])

    def test_memory_that_grows_all_the_time_fails(self):
        self.assertRegex(problems(lambda t: 100 + t / 5)[0], "accounts for grows: by 80.0 MiB from 140.0 MiB")

    def test_a_tenth_is_allowed_and_no_more(self):
        self.assertEqual(problems(lambda t: 1000 + t * 90 / 400), [])
        self.assertEqual(len(problems(lambda t: 1000 + t * 120 / 400)), 1)

    def test_lag_that_grows_fails(self):
        self.assertEqual(problems(lambda t: 100, lambda t: 500 if t % 50 == 0 else 10), [])
        self.assertRegex(problems(lambda t: 100, lambda t: t * 10)[0], "lag grows")

    def test_a_run_without_samples_fails(self):
        self.assertRegex(problems(lambda t: 100, seconds=203)[0], "too few samples")


class Chart(unittest.TestCase):
    def test_axes_end_at_round_numbers(self):
        self.assertEqual([svg_chart.axis_top(n) for n in (0, 1, 3, 7, 11, 160, 201)], [1, 1, 5, 10, 20, 200, 500])

    def test_it_is_svg_with_a_line_of_each(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "soak.svg"
            soak.draw(rows(lambda t: 100), path, "a title")
            lines = xml.etree.ElementTree.parse(path).findall("{http://www.w3.org/2000/svg}polyline")
        self.assertEqual([len(line.get("points").split()) for line in lines], [600, 600, 600])


class Run(unittest.TestCase):
    def test_a_short_soak_passes_and_keeps_what_it_saw(self):
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run(
                [sys.executable, str(ROOT / "scripts/soak.py"), "--binary", os.environ["VITALOG_BINARY"], "--duration",
                 "15", "--rate", "20", "--persons", "100", "--every", "0.5", "--floor", "100", "--out", folder],
                capture_output=True, text=True, timeout=120)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assertTrue(done.stdout.endswith("passed\n"), done.stdout)
            self.assertEqual((pathlib.Path(folder) / "summary.txt").read_text(), done.stdout)
            with open(pathlib.Path(folder) / "samples.csv") as file:
                samples = list(csv.DictReader(file))
            self.assertGreater(len(samples), 15)
            self.assertEqual(samples[-1]["lag"], "0")
            self.assertGreater(int(samples[-1]["messages"]), 50)
            self.assertTrue((pathlib.Path(folder) / "soak.svg").exists())

    def test_a_site_that_refuses_fails(self):
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run(
                [sys.executable, str(ROOT / "scripts/soak.py"), "--binary", os.environ["VITALOG_BINARY"], "--duration",
                 "8", "--rate", "20", "--persons", "50", "--every", "0.5", "--set", "hl7.charset=UNICODE UTF-8", "--out",
                 folder], capture_output=True, text=True, timeout=120)
            self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
            self.assertIn("FAILED: vitalog simulate ended with exit code 1", done.stdout)
            self.assertIn("dead letters", done.stdout)


if __name__ == "__main__":
    unittest.main(verbosity=2)
