"""The cases of scripts/prove-cluster, one line each."""

import argparse
import importlib
import os
import pathlib
import subprocess
import sys
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent
TESTS = ROOT / "tests/kafka"
MODULES = ("lost_records_test", "disturbed_cluster_test", "network_cut_test")
SKIPPED = 77


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/prove-cluster", description=__doc__)
    parser.add_argument("--binary", required="--help" not in sys.argv, help="the vitalog to run (the release build)")
    parser.add_argument("--kafka", action="append", metavar="VERSION", help="4, 3.9 or exact (4 and 3.9); may be repeated")
    parser.add_argument("--kills", type=int, default=30, help="of the worker that is killed again and again (30)")
    parser.add_argument("--moves", type=int, default=5, help="of all leaders (5)")
    parser.add_argument("--only", default="", metavar="WORD", help="cases with the word in their names")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)  # a version, in a process of its own
    return parser.parse_args()


class Lines(unittest.TestResult):
    """Prints a line for each case."""

    def __init__(self, version):
        super().__init__()
        self.version, self.outcome, self.began = version, "ok", 0

    def startTest(self, test):
        super().startTest(test)
        self.outcome, self.began = "ok", time.monotonic()

    def addFailure(self, test, error):
        super().addFailure(test, error)
        self.failed(test, self.failures[-1][1])

    def addError(self, test, error):
        super().addError(test, error)
        self.failed(test, self.errors[-1][1])

    def addSubTest(self, test, subtest, error):
        super().addSubTest(test, subtest, error)
        if error:
            self.failed(subtest, self._exc_info_to_string(error, test))

    def failed(self, test, text):
        self.outcome = "FAILED"
        print(f"{test}:\n{text}", file=sys.stderr)

    def stopTest(self, test):
        seen = lambda name: getattr(test, name, None) or "-"
        counted = getattr(test, "compared", 0)
        print(f"kafka={self.version} case={test.id().split('.', 1)[1]} seed={seen('seed')} "
              f"messages={len(getattr(test, 'sent', ())) or '-'} compared={counted or '-'} "
              f"differences={test.differing if counted else '-'} seconds={time.monotonic() - self.began:.0f} "
              f"result={self.outcome}", flush=True)
        super().stopTest(test)


def some(suite, word):
    """The suite's cases with the word in their names."""
    chosen = unittest.TestSuite()
    for part in suite:
        if isinstance(part, unittest.TestSuite):
            chosen.addTest(some(part, word))
        elif word in part.id():
            chosen.addTest(part)
    return chosen


def prove(version, word):
    """Every case on one version of Kafka: whether all went well."""
    import three_brokers

    os.environ["VITALOG_TEST_KAFKA_VERSION"] = version
    cluster = three_brokers.OnThreeBrokers.cluster = three_brokers.ThreeBrokers()
    os.environ["VITALOG_TEST_KAFKA"] = cluster.bootstrap
    result = Lines(cluster.version)
    for name in MODULES:
        suite = some(unittest.defaultTestLoader.loadTestsFromModule(importlib.import_module(name)), word)
        try:
            if suite.countTestCases():
                suite.run(result)
        except SystemExit as left_out:
            if left_out.code != SKIPPED:
                raise
            print(f"kafka={cluster.version} case={name} result=skipped", flush=True)
    three_brokers.tearDownModule()
    return result.wasSuccessful()


def main():
    if "--one" in sys.argv:
        sys.path[:0] = [str(TESTS), str(ROOT / "tests/e2e")]
        import clients

        clients.enter_kafka_environment("prove-cluster")
    options = arguments()
    if options.one:
        return 0 if prove(options.kafka[-1], options.only) else 1
    # All that the cases read from the environment; seeds are drawn anew unless VITALOG_SEED is set.
    environment = dict(os.environ, VITALOG_BINARY=str(pathlib.Path(options.binary).resolve()),
                       VITALOG_VENV=os.environ.get("VITALOG_VENV", str(ROOT / "build/kafka-clients")),
                       VITALOG_TEST_KILLS=str(options.kills), VITALOG_TEST_MOVES=str(options.moves))
    (ROOT / "build").mkdir(exist_ok=True)
    ended = [subprocess.run([sys.executable, "-W", "ignore", __file__, *sys.argv[1:], "--kafka", version, "--one"],
                            env=environment).returncode for version in options.kafka or ("4", "3.9")]
    return max(ended)


if __name__ == "__main__":
    sys.exit(main())
