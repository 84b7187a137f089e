"""Runs a test that needs a Kafka cluster.

    with_kafka.py --dir DIR [--version 3.9] -- PROGRAM ARGUMENT...

The cluster in DIR is taken, which the fixture of tests.cmake starts once for all; where none is there (a test run by
itself), one of its own in a new folder. PROGRAM finds VITALOG_TEST_KAFKA (host:port,...) and VITALOG_TEST_KAFKA_DIR (for
scripts/kafka ... --dir) in its environment; on the shared cluster it names its topics so that no other test meets them.

    with_kafka.py --dir DIR [--version 3.9] --setup        the fixture: starts the cluster for whoever runs the tests

Exits with 77, and says why, where no Kafka can be had. The reason of the fixture is kept beside DIR, in
kafka-left-out, for scripts/test to show.
"""

import argparse
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))
import kafka_cluster

SKIPPED = 77


def up(folder, owner, *flags):
    """scripts/kafka up: its exit code, and what it said."""
    started = subprocess.run([str(ROOT / "scripts/kafka"), "up", "--dir", str(folder), "--owner", str(owner), *flags],
                             stderr=subprocess.PIPE, text=True, stdout=sys.stderr)
    print(started.stderr, end="", file=sys.stderr)
    return started.returncode, started.stderr


def setup(options):
    left_out = options.dir.parent / "kafka-left-out"
    left_out.unlink(missing_ok=True)
    # One broker for the topics of all tests, beside whatever else they do to the disk: it is given room, and time.
    code, said = up(options.dir, os.getppid(), "--version", options.version, "--heap", "1g", "--set",
                    "broker.session.timeout.ms=60000")
    if code == SKIPPED:
        left_out.write_text(said)
    return code


def run(words, folder, bootstrap):
    return subprocess.run(words, env=dict(os.environ, VITALOG_TEST_KAFKA=bootstrap,
                                          VITALOG_TEST_KAFKA_DIR=str(folder))).returncode


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--dir", type=pathlib.Path, required=True)
    parser.add_argument("--setup", action="store_true")
    parser.add_argument("--version", default="4")
    parser.add_argument("program", nargs="*")
    options = parser.parse_args()
    if options.setup:
        return setup(options)
    shared = kafka_cluster.Cluster(options.dir).plan()
    if shared:
        return run(options.program, options.dir, shared.bootstrap)
    left_out = options.dir.parent / "kafka-left-out"
    if left_out.exists():  # the fixture tried
        print(left_out.read_text(), end="", file=sys.stderr)
        return SKIPPED
    with tempfile.TemporaryDirectory(prefix="vitalog-kafka-") as scratch:
        own = kafka_cluster.Cluster(pathlib.Path(scratch) / "cluster")
        code, _ = up(own.folder, os.getpid(), "--version", options.version)
        if code != 0:
            return code
        try:
            return run(options.program, own.folder, own.plan().bootstrap)
        finally:
            own.down()


if __name__ == "__main__":
    sys.exit(main())
