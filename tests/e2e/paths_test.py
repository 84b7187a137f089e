#!/usr/bin/env python3
"""Walks docs/paths.md as a reader would: every `sh runnable` block, in order, in one shell, on a site with ports of its
own. The `text` block below one is what it must print: each line in that order, `...` standing for anything.
VITALOG_BINARY names the binary."""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from running_site import outside  # and knows where scripts are
from free_ports import on_free_ports

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PAGE = ROOT / "docs/paths.md"
BLOCK = re.compile(r"^```(\w*)( runnable)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
MARK = "==== block {} ===="
SECONDS = 240


def blocks(text):
    """[(commands, lines that they must print)]"""
    found = []
    for kind, runnable, body in BLOCK.findall(text):
        if kind == "sh":
            assert runnable, f"every command is run: mark the block as `sh runnable`:\n{body}"
            found.append((body, []))
        else:
            assert kind == "text" and found and not found[-1][1], f"what does this stand below?\n{body}"
            found[-1][1].extend(body.splitlines())
    return found


def missing(expected, printed):
    """The first expected line that is not printed behind those before it."""
    lines = iter(printed.splitlines())
    for want in expected:
        pattern = re.compile(".*".join(map(re.escape, want.split("..."))))
        if not any(pattern.fullmatch(line) for line in lines):
            return want
    return None


def stay_within_a_day():
    """The page counts the messages of a day: not across midnight in the site's zone, Asia/Shanghai."""
    left = 86_400 - (time.time() + 8 * 3600) % 86_400
    if left < SECONDS:
        time.sleep(left + 1)


class Paths(unittest.TestCase):
    def run_page(self, page):
        """What each block printed."""
        script = "set -euo pipefail\n"
        for i, (commands, _) in enumerate(page):
            script += f"echo; echo '{MARK.format(i)}'\n{commands}"
        script = on_free_ports(script).replace("build/release/vitalog", os.environ["VITALOG_BINARY"])
        stay_within_a_day()
        work = tempfile.mkdtemp(prefix="vitalog-paths-")
        self.addCleanup(shutil.rmtree, work, ignore_errors=True)
        process = subprocess.Popen(["bash", "-c", script], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                   text=True, errors="replace", start_new_session=True, env=dict(outside(), TMPDIR=work))
        try:
            output, _ = process.communicate(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            output = process.communicate()[0] + f"\nnot done after {SECONDS} s"
        finally:
            try:
                os.killpg(process.pid, signal.SIGKILL)  # a site that a failing block left behind
            except ProcessLookupError:
                pass
        self.assertEqual(process.returncode, 0, output)
        parts = re.split("^" + MARK.format(r"\d+") + "\n", output, flags=re.MULTILINE)[1:]
        self.assertEqual(len(parts), len(page), output)
        return parts

    def test_every_command_does_what_the_page_says(self):
        page = blocks(PAGE.read_text())
        self.assertGreater(len(page), 10)
        for (commands, expected), printed in zip(page, self.run_page(page)):
            self.assertIsNone(missing(expected, printed), f"is not printed by\n{commands}\nwhich prints\n{printed}")

    def test_the_page_has_every_path(self):
        headings = re.findall(r"^## (.*)$", PAGE.read_text(), re.MULTILINE)
        for path in ("Publish a feed", "Answer a task", "Be a gateway", "Watch and repair", "Audit"):
            self.assertIn(path, headings)

    def test_a_line_that_is_not_printed_is_found(self):
        self.assertIsNone(missing(["a ... c", "d"], "x\na b c\ny\nd\n"))
        self.assertEqual(missing(["d", "a ... c"], "a b c\nd\n"), "a ... c")
        self.assertEqual(missing(["a"], "ab\n"), "a")


if __name__ == "__main__":
    unittest.main(verbosity=2)
