#!/usr/bin/env python3
"""The benchmarks that drive a site, small: each checks its own result, and says what it measured. VITALOG_BINARY names the
program, beside which wearable_load lies."""

import os
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from running_site import outside

BINARY = pathlib.Path(os.environ["VITALOG_BINARY"]).resolve()
BENCHMARKS = pathlib.Path(__file__).resolve().parent.parent.parent / "benchmarks"


def bench(script, *words):
    return subprocess.run([sys.executable, str(BENCHMARKS / script), *map(str, words)], env=outside(), capture_output=True,
                          text=True, timeout=150)


class Benchmarks(unittest.TestCase):
    def measured(self, script, *words, says):
        done = bench(script, *words)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        for pattern in says:
            self.assertRegex(done.stdout, pattern)

    def test_wearables_as_fast_as_they_are_taken(self):
        for views in ("usual", "idle"):
            self.measured("wearable_bench.py", BINARY.parent, "--batches", 200, "--accounts", 50, "--low-every", 50, "--views",
                          views, says=(r"refused 0\n", r"through stages +\d+ samples/s", r"with the views +\d+ samples/s",
                                       r"views \d", r"4 persons with an alert"))

    def test_alerts_and_decisions_at_a_rate(self):
        self.measured("wearable_bench.py", BINARY.parent, "--batches", 60, "--accounts", 30, "--rate", 2000, "--low-every", 10,
                      "--doctor", 4, says=(r"alert seen on disk: p50 [\d.]+ ms.* 6 persons", r"judged answer: p50 [\d.]+ ms"))

    def test_a_day_and_a_kill(self):
        self.measured("wearable_bench.py", BINARY.parent, "--day", "--accounts", 40, "--samples", 24, "--surge", 500, says=(
            r"40 persons, 24 samples each, one every 3600 s; resident [\d.]+ GiB.*entities", r"\n  views +[\d.]+ MB",
            r"\n  state +[\d.]+ MB", r"\n  topic feed\.wearable +[\d.]+ MB", r"on disk after [\d.]+ s"))

    def test_messages_over_mllp(self):
        self.measured("mllp_bench.py", BINARY, "--messages", 200, "--patients", 50,
                      says=(r"accepted 200 ", r"views: at most \d+ records behind"))
        self.measured("mllp_bench.py", BINARY, "--alerts", "--messages", 60, "--every", 10, "--rate", 60,
                      says=(r"alert seen on disk: p50 [\d.]+ ms.* 6 alerts",))

    def test_a_site_that_refuses_is_a_wrong_result(self):
        done = bench("wearable_bench.py", BINARY.parent, "--batches", 50, "--accounts", 50, "--samples", 1000, "--low-every", 0,
                     "--set", "http.max_body=4096")
        self.assertNotEqual(done.returncode, 0, done.stdout)
        self.assertIn("wrong result", done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
