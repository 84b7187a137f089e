#!/usr/bin/env python3
"""What an operator sees of a site on a cluster: its figures, its topics, the library it is linked with, and what it says of
topics that are not as it wants them. VITALOG_BINARY names the program, VITALOG_TEST_KAFKA the cluster."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))
from running_site import Site, oru
from both_logs import BINARY, Sender, metrics, on_kafka, until


class Operator(unittest.TestCase):
    def setUp(self):
        self.name = f"operator-{time.time_ns()}"
        self.site = self.process()
        self.site.start()

    def process(self, *flags):
        site = Site(BINARY, *on_kafka(self.name, os.environ["VITALOG_TEST_KAFKA"]), *flags)
        self.addCleanup(site.remove)
        return site

    def send(self, first, last):
        now = time.strftime("%Y%m%d%H%M%S", time.gmtime(time.time() + 8 * 3600))
        Sender(self.site, [oru(f"o{n}", patient=str(n), value="7.2", time=now) for n in range(first, last)]).run()
        self.site.wait(60)

    def total(self, name, **labels):
        wanted = [f'{key}="{value}"' for key, value in labels.items()]
        return sum(value for series, value in metrics(self.site, name).items() if all(label in series for label in wanted))

    def test_figures(self):
        self.send(0, 5)
        self.assertGreater(self.total("vitalog_transactions_total", outcome="committed"), 0)
        self.assertEqual(self.total("vitalog_transactions_total", outcome="unknown"), 0)
        count = self.total("vitalog_transaction_seconds_count")
        self.assertGreater(count, 0)
        self.assertLess(self.total("vitalog_transaction_seconds_sum") / count, 20)
        for step in ("positions", "records", "end"):
            self.assertGreater(self.total("vitalog_transaction_step_seconds_count", step=step), 0, step)
        lags = metrics(self.site, "vitalog_lag_records")
        for stage in ("intake", "identity", "care", "desk", "notify"):
            shards = [series for series in lags if f'stage="{stage}"' in series]
            self.assertEqual({part for part in range(4) for series in shards if f'partition="{part}"' in series}, {0, 1, 2, 3}, lags)
        self.assertEqual(sum(lags.values()), 0)
        self.assertGreaterEqual(self.total("vitalog_latency_seconds_count", stage="care"), 5)  # from reception on
        self.assertEqual(self.total("vitalog_on_duty"), 1)

        # On a new disk all state comes from the cluster.
        self.site.kill()
        shutil.rmtree(self.site.folder / "data")
        self.site.start()
        until(lambda: self.total("vitalog_restored_records_total") > 0 and self.total("vitalog_restore_left") == 0, self.site, 60)
        self.assertGreater(self.total("vitalog_restore_seconds_count"), 0)

        # Another process takes the names of its producers.
        second = self.process()
        second.start()
        until(lambda: self.total("vitalog_producers_opened_total") > 6 and self.total("vitalog_producers_fenced_total") > 0,
              self.site, 60)

    def test_topics(self):
        self.send(0, 3)
        for at in (("--data-dir", str(self.site.folder / "data")), ("--url", self.site.url)):
            listed = self.site.command("topic", "list", *at)
            self.assertEqual(listed.returncode, 0, listed.stderr)
            self.assertRegex(listed.stdout, rf"{self.name}\.feed\.his")
            shown = self.site.command("topic", "show", f"{self.name}.alert", "--json", *at)
            self.assertEqual(shown.returncode, 0, shown.stderr)
            self.assertEqual(len(shown.stdout.splitlines()), 3, shown.stdout)
            self.assertEqual({json.loads(line)["headers"]["ce_type"] for line in shown.stdout.splitlines()}, {"vitalog.alert.v1"})

    def test_the_library_and_its_work_arounds_are_in_the_log(self):
        log = self.site.log_path.read_text()
        self.assertRegex(log, r'event=librdkafka version="?\d+\.\d+\.\d+"? work_arounds="own offsets')

    def test_topics_that_are_not_as_the_site_says(self):
        self.assertEqual(self.site.stop(), 0)
        for flag, says in (
                ("log.partitions=5", ["has 4 partitions, the site says 5", "log.partitions to 4", "never added"]),
                ("topics.feed.his.retention=1d",
                 [f"topic {self.name}.feed.his is set otherwise", "kafka-configs.sh --alter --entity-type topics",
                  f"--entity-name {self.name}.feed.his --add-config retention.ms=86400000"])):
            with self.subTest(flag):
                refused = self.site.command("run", "--data-dir", str(self.site.folder / "data"), *self.site.flags, "--set", flag)
                self.assertEqual(refused.returncode, 2, refused.stderr)
                for words in says:
                    self.assertIn(words, refused.stderr)


class Alarms(unittest.TestCase):
    """The process on duty raises them, whoever that is by now."""

    def setUp(self):
        self.disk = pathlib.Path(tempfile.mkdtemp(prefix="vitalog-mount-"))
        self.addCleanup(self.disk.rmdir)
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400m", "tmpfs", self.disk], stderr=subprocess.DEVNULL).returncode:
            self.skipTest("mounting is not allowed here")
        self.addCleanup(subprocess.run, ["umount", "-l", self.disk])
        name = f"alarms-{time.time_ns()}"
        self.sites = []
        for instance in ("a", "b"):
            site = Site(BINARY, *on_kafka(name, os.environ["VITALOG_TEST_KAFKA"]), "--set", f"log.instance={instance}", "--set",
                        "log.disk_reserve=64MiB", "--set", "alarms.hold=15s", "--set", f"views.path={self.disk}/{instance}.sqlite")
            self.addCleanup(site.remove)
            site.start()
            self.sites.append(site)
        until(lambda: self.on_duty(0) and not self.on_duty(1), self.sites[1], 60)

    def on_duty(self, number):
        return metrics(self.sites[number], "vitalog_on_duty").get("vitalog_on_duty") == 1

    def said(self):
        topic = next(t["topic"] for t in self.sites[1].get("/topics")[1]["topics"] if t["topic"].endswith(".feed.operation"))
        return [json.loads(value)["kind"] for _, value in self.sites[1].topic(topic)]

    def test_an_alarm_is_raised_once_where_its_watcher_sleeps(self):
        sleeper = self.sites[0].process.pid
        (self.disk / "ballast").write_bytes(b"x" * (shutil.disk_usage(self.disk).free - (40 << 20)))
        time.sleep(5)  # seen, and not yet for as long as it must last
        os.kill(sleeper, signal.SIGSTOP)
        self.addCleanup(os.kill, sleeper, signal.SIGCONT)
        until(lambda: self.on_duty(1), self.sites[1], 60)
        until(lambda: len(self.said()) == 1, self.sites[1], 60)
        os.kill(sleeper, signal.SIGCONT)
        until(lambda: not self.on_duty(0), self.sites[1], 60)
        time.sleep(5)
        self.assertEqual(len(self.said()), 1, self.said())


if __name__ == "__main__":
    unittest.main()
