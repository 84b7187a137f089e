#!/usr/bin/env python3
"""Runs the commands of README.md as a reader would: the `sh runnable` blocks in order, in one shell, on a fresh site with
ports of its own; and `scripts/demo --once`, whose summary is checked. Any command that fails, fails the test. Files that
the README and docs/ name must exist.
"""

import argparse
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts"))
from free_ports import on_free_ports

# Blocks that are not run as they stand: this test is part of the first, and runs the second itself.
KNOWN_ELSEWHERE = {"scripts/test", "scripts/demo --once"}
BLOCK = re.compile(r"^```sh( runnable)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)

# A file of the project, in backquotes or as the target of a relative link.
NAMED_FILE = re.compile(r"`((?:schemas|state|processors|ingest|sinks|topology|tests|benchmarks|docs|scripts)/[\w./-]+\.\w+)`")
LINK = re.compile(r"\]\(([^)#:]+)\)")


def blocks_of(readme):
    runnable, others = [], []
    for mark, body in BLOCK.findall(readme.read_text()):
        (runnable if mark else others).append(body)
    return runnable, others


def check_every_block_is_run(runnable, others):
    unknown = [line for body in others for line in body.splitlines() if line not in KNOWN_ELSEWHERE]
    if unknown:
        sys.exit(f"README.md: mark the block of these commands as `sh runnable`: {unknown}")
    if not runnable:
        sys.exit("README.md: no `sh runnable` block was found")


def check_named_files(root):
    missing = []
    for page in [root / "README.md", *sorted((root / "docs").rglob("*.md"))]:
        text = page.read_text()
        missing += [f"{page.name}: {name}" for name in NAMED_FILE.findall(text) if not (root / name).exists()]
        missing += [f"{page.name}: {name}" for name in LINK.findall(text) if not (page.parent / name).exists()]
    if missing:
        sys.exit("these files are named and not there: " + ", ".join(missing))


def run(command, root, seconds, **options):
    """In a process group of its own, so that a site left behind by a failing block ends with it."""
    process = subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                               start_new_session=True, **options)
    try:
        output, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        output, _ = process.communicate()
        sys.exit(f"{output}\n{command}: not done after {seconds} s")
    finally:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    if process.returncode != 0:
        sys.exit(f"{output}\n{command}: exit code {process.returncode}")
    return output


def expect(output, texts):
    for text in texts:
        if text not in output:
            sys.exit(f"{output}\nexpected, and not printed: {text}")


def check_first_steps(options, runnable):
    script = "set -euo pipefail\n" + "\n".join(runnable)
    script = on_free_ports(script).replace("build/release/vitalog", str(options.binary))
    work = pathlib.Path(tempfile.mkdtemp(prefix="vitalog-readme-"))
    try:
        output = run(["bash", "-c", script], options.root, 60, env=dict(os.environ, TMPDIR=str(work)))
    finally:
        shutil.rmtree(work, ignore_errors=True)
    expect(output, ['{"status":"ready"}', '{"accepted":2}', "sent 1013 accepted 1013 refused 0", '"status":"completed"',
                    '"owner":"dr.li"', "RiskAssessment", "alert/", "rebuilt ", "the configuration is good"])


def check_demo(options):
    command = ["scripts/demo", "--once"]
    if options.binary != options.root / "build/release/vitalog":
        command = [sys.executable, "scripts/demo.py", "--root", str(options.root), "--binary", str(options.binary), "--once"]
    output = run(command, options.root, 120)
    summary = output[output.find("\nsummary\n"):]
    expect(summary, ["sent 1013 accepted 1013 refused 0", "messages in the log: 1013", "completed", "sms delivered"])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--root", type=pathlib.Path, required=True)
    parser.add_argument("--binary", type=pathlib.Path, required=True)
    options = parser.parse_args()
    options.root, options.binary = options.root.resolve(), options.binary.resolve()
    runnable, others = blocks_of(options.root / "README.md")
    check_every_block_is_run(runnable, others)
    lines = len((options.root / "README.md").read_text().splitlines())
    if lines > 150:
        sys.exit(f"README.md: {lines} lines; 150 are enough")
    check_named_files(options.root)
    check_first_steps(options, runnable)
    check_demo(options)
    print(f"{len(runnable)} blocks and the demo ran")


if __name__ == "__main__":
    main()
