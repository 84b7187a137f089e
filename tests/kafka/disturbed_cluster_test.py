#!/usr/bin/env python3
"""Three brokers, and what may happen to them and to the workers: a site's outputs, read with read_committed by a foreign
client, are those of the embedded log, person by person, id by id and byte by byte (both_logs.py). VITALOG_BINARY names the
program, VITALOG_VENV the environment of the foreign client."""

import concurrent.futures
import os
import pathlib
import sys
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests/e2e"))
import clients

if __name__ == "__main__":
    clients.enter_kafka_environment("disturbed_cluster_test")
import same_outputs_test as same
from both_logs import Sender, WithBoth
from three_brokers import OnThreeBrokers, tearDownModule  # noqa: F401
from two_senders import PATIENTS, TwoSenders

PATIENCE = 300


class Undisturbed(OnThreeBrokers, WithBoth):
    def test_undisturbed(self):
        Sender(self.site, self.sent).run()
        self.check()
        self.assertEqual(self.site.stop(), 0)


class OneWorker(OnThreeBrokers, same.OneWorker):
    """Killed, and on another machine."""

    test_undisturbed = None


class SeveralWorkers(OnThreeBrokers, same.SeveralWorkers):
    """They come and go, and one wakes up late."""


class Roles(OnThreeBrokers, same.Roles):
    """One listens, the others compute."""


class UnderLoad(OnThreeBrokers, WithBoth):
    """Messages come all the while. What is done to the cluster is done as they pass marks, so that each time there is work on
    its way; the last tenth of them comes when it is over."""

    def load(self, site, pause=0.1, by=Sender):
        last = len(self.sent) // 10
        sender = by(site, self.sent[:-last], pause)
        sender.start()
        return sender

    def passes(self, sender, share):
        """Until that share of the messages is acknowledged."""
        until = time.monotonic() + PATIENCE
        while sender.done < share * len(sender.sent):
            self.assertLess(time.monotonic(), until, f"{sender.done} messages are acknowledged")
            time.sleep(0.05)

    def finish_load(self, sender):
        sender.join(PATIENCE)
        self.assertEqual(sender.done, len(sender.sent))
        type(sender)(sender.site, self.sent[sender.done:]).run()


class Cluster(UnderLoad):
    moves = int(os.environ.get("VITALOG_TEST_MOVES", "2"))

    def test_leaders_moved(self):
        self.move_leaders(self.name)

    def test_leaders_and_coordinators_moved(self):
        """Of every partition, those of the groups' positions and of the transactions among them."""
        self.move_leaders("")

    def move_leaders(self, prefix):
        sender = self.load(self.site)
        for n in range(self.moves):
            self.passes(sender, n / self.moves)
            self.assertNotEqual(self.cluster.kafka("move-leaders", prefix), "moved=0\n")
        self.finish_load(sender)
        self.check()

    def test_the_controller_is_lost(self):
        sender = self.load(self.site)
        for n in range(2):
            self.passes(sender, 0.1 + n / 3)
            lost = self.cluster.kafka("controller").strip()
            self.cluster.kafka("kill", lost)
            self.passes(sender, 0.3 + n / 3)
            self.cluster.kafka("start", lost)
            self.cluster.kafka("settled")
        self.finish_load(sender)
        self.check()

    def test_no_broker_answers_for_longer_than_any_call_waits(self):
        sender = self.load(self.site)
        self.passes(sender, 0.5)
        self.cluster.sleep(50)
        self.finish_load(sender)
        self.check()

    def test_all_brokers_are_killed_and_come_back(self):
        sender = self.load(self.site)
        self.passes(sender, 0.5)
        for broker in map(str, self.cluster.brokers):
            self.cluster.kafka("kill", broker)
        time.sleep(30)
        with concurrent.futures.ThreadPoolExecutor() as starts:  # none is ready before another one
            list(starts.map(lambda broker: self.cluster.kafka("start", str(broker)), self.cluster.brokers))
        self.cluster.kafka("settled")
        self.finish_load(sender)
        self.check()

    def test_each_broker_is_killed_and_comes_back(self):
        sender = self.load(self.site)
        for n, broker in enumerate(map(str, self.cluster.brokers)):
            self.passes(sender, n / 3)
            self.cluster.kafka("kill", broker)
            self.passes(sender, n / 3 + 0.15)
            self.cluster.kafka("start", broker)
            self.cluster.kafka("settled")
        self.finish_load(sender)
        self.check()


class RollingRestart(UnderLoad):
    def start(self):
        return [self.worker(instance) for instance in ("one", "two", "three")]

    def test_each_worker_is_restarted(self):
        workers = [self.site, *self.others]
        sender = self.load(self.site)
        for n, worker in enumerate(workers):
            self.passes(sender, n / 3)
            self.assertEqual(worker.stop(), 0)
            worker.start()
            worker.wait(120)
        self.finish_load(sender)
        self.check(*workers)


class Messages(OnThreeBrokers, TwoSenders):
    """Each reaches its patient once, whatever happens to the brokers while they go out."""

    rate = 1

    def goes_on(self, share):
        """Until that share of the messages is with the provider."""
        self.until(lambda: len(self.arrived()) >= share * PATIENTS, PATIENCE)

    def test_each_broker_is_killed_and_comes_back(self):
        for n, broker in enumerate(map(str, self.cluster.brokers)):
            self.goes_on(n / 4 + 0.1)
            self.cluster.kafka("kill", broker)
            self.goes_on(n / 4 + 0.2)
            self.cluster.kafka("start", broker)
            self.cluster.kafka("settled")
        self.check()

    def test_leaders_and_coordinators_moved(self):
        for n in range(4):
            self.goes_on(n / 5 + 0.1)
            self.assertNotEqual(self.cluster.kafka("move-leaders", ""), "moved=0\n")
        self.check()

    def test_no_broker_answers_for_longer_than_the_session(self):
        self.goes_on(0.2)
        self.cluster.sleep(15)
        self.check()


if __name__ == "__main__":
    unittest.main()
