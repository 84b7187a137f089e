#!/usr/bin/env python3
"""The files of docs/monitoring: Prometheus reads the alert rules, each fires on its side of the limit only, and every
metric that rules and dashboard name is one that the sources count. promtool is Debian's; where it is not installed, it is
taken out of its package, without the server that installing it would start."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
FILES = ROOT / "docs/monitoring"
# Of Prometheus itself, and of the process.
OTHERS = {"process_resident_memory_bytes"}


def promtool():
    """Its path; None where it can't be had."""
    if found := shutil.which("promtool"):
        return found
    folder = pathlib.Path(os.environ.get("VITALOG_TOOLS", tempfile.gettempdir())) / "vitalog-promtool"
    tool = folder / "usr/bin/promtool"
    if not tool.exists():
        folder.mkdir(parents=True, exist_ok=True)
        if subprocess.run(["apt-get", "download", "-qq", "prometheus"], cwd=folder, stderr=subprocess.DEVNULL).returncode:
            return None
        subprocess.run(["dpkg", "-x", next(folder.glob("prometheus_*.deb")), folder], check=True)
    return tool


def counted():
    names = set(OTHERS)
    for folder in ("ingest", "processors", "sinks", "topology"):
        for source in (ROOT / folder).rglob("*.cc"):
            names |= set(re.findall(r'"(vitalog_[a-z_]+)"', source.read_text()))
    return names


def named(text):
    found = set(re.findall(r"\b((?:vitalog|process)_[a-z_]+)", text))
    return {re.sub(r"_bucket$", "", name) for name in found}


class Monitoring(unittest.TestCase):
    def promtool(self, *words):
        done = subprocess.run([TOOL, *words], cwd=FILES, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_prometheus_reads_the_rules(self):
        self.promtool("check", "rules", "alerts.yaml")

    def test_rules_fire_on_their_side_of_the_limit(self):
        self.promtool("test", "rules", "alerts-test.yaml")

    def test_every_metric_is_counted_somewhere(self):
        self.assertEqual(named((FILES / "alerts.yaml").read_text()) - counted(), set())
        dashboard = json.loads((FILES / "dashboard.json").read_text())
        for panel in dashboard["panels"]:
            for target in panel["targets"]:
                self.assertTrue(named(target["expr"]), panel["title"])
                self.assertEqual(named(target["expr"]) - counted(), set(), panel["title"])


if __name__ == "__main__":
    TOOL = promtool()
    if not TOOL:
        print("left out: promtool (Debian's package prometheus) can't be had", file=sys.stderr)
        sys.exit(77)
    unittest.main()
