"""Clients and validators that nobody here wrote, from the package index, in a virtual environment below the build folder."""

import fcntl
import os
import pathlib
import subprocess
import sys

SKIPPED = 77
INSTALL_SECONDS = 240
READY = "--ready"
ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def enter_environment(folder, packages, test):
    """Goes on in an interpreter that has the packages. Where the index can't be reached, and they are not there yet, the
    test says so and is skipped (exit code 77)."""
    if READY in sys.argv:
        sys.argv.remove(READY)
        return
    python = folder / "bin/python"
    done = folder / "installed"
    # Several tests share an environment and begin at once: the first one makes it. The lock goes with this interpreter.
    folder.parent.mkdir(parents=True, exist_ok=True)
    lock = open(folder.with_suffix(".lock"), "w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    if done.exists() and done.read_text().split() == packages:
        os.execv(python, [str(python), *sys.argv, READY])
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
    try:
        got = subprocess.run([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
                              "--retries", "1", "--timeout", "20", *packages], capture_output=True, text=True,
                             timeout=INSTALL_SECONDS)
    except subprocess.TimeoutExpired as late:
        got = subprocess.CompletedProcess([], 1, "", f"no end after {late.timeout} s: connection")
    if got.returncode == 0:
        done.write_text("\n".join(packages))
        os.execv(python, [str(python), *sys.argv, READY])
    print(got.stderr[-3000:], file=sys.stderr)
    out_of_reach = any(word in got.stderr.lower() for word in ("connection", "timed out", "resolution", "unreachable"))
    if not out_of_reach:
        sys.exit(f"{test}: {' '.join(packages)} can't be installed, and the package index answers")
    print(f"SKIPPED {test}: THE PACKAGE INDEX CAN'T BE REACHED; {' '.join(packages)} were not tried", file=sys.stderr)
    sys.exit(SKIPPED)


def enter_kafka_environment(program, *packages):
    """The same with the client of docs/examples/python, in the folder that VITALOG_VENV names, else in build/."""
    examples = (ROOT / "docs/examples/python/requirements.txt").read_text().split()
    enter_environment(pathlib.Path(os.environ.get("VITALOG_VENV", ROOT / "build/kafka-clients")), [*examples, *packages], program)
