#!/usr/bin/env python3
"""A worker in a network namespace of its own, whose cable to three brokers is cut and mended, beside another worker that is not
cut off: it comes back by itself, and the outputs, read with read_committed by a foreign client, are those of the embedded log
(both_logs.py). Needs root and `ip netns`; exits with 77 where they can't be had. VITALOG_BINARY names the program, VITALOG_VENV
the environment of the foreign client."""

import contextlib
import ctypes
import os
import pathlib
import random
import subprocess
import sys
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests/e2e"))
import clients

if __name__ == "__main__":
    clients.enter_kafka_environment("network_cut_test")
from both_logs import BINARY, KEPT, Sender, on_kafka, shards, until
from disturbed_cluster_test import PATIENCE, UnderLoad
from running_site import Site
from three_brokers import SKIPPED, OnThreeBrokers, ThreeBrokers, tearDownModule

CLONE_NEWNET = 0x40000000


def ip(*words):
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True)


class Namespace:
    """A network namespace that a cable joins to this one, where our end has the address `here`."""

    def __init__(self):
        number = os.getpid()
        self.name, self.cable, self.far = (f"{kind}{number}" for kind in ("vt-", "vth-", "vtf-"))
        # Addresses of 198.18.0.0/15, which is kept for tests of networks.
        self.here, self.there = (f"198.18.{number // 64 % 256}.{number % 64 * 4 + n}" for n in (1, 2))
        self.home = open("/proc/self/ns/net")

    def make(self):
        """Why it can't be had, or None."""
        try:
            ip("netns", "add", self.name)
            ip("link", "add", self.cable, "type", "veth", "peer", "name", self.far, "netns", self.name)
            ip("addr", "add", self.here + "/30", "dev", self.cable)
            ip("link", "set", self.cable, "up")
            ip("-n", self.name, "addr", "add", self.there + "/30", "dev", self.far)
            ip("-n", self.name, "link", "set", self.far, "up")
            ip("-n", self.name, "link", "set", "lo", "up")
            with self.inside():
                pass
        except (OSError, subprocess.CalledProcessError) as refused:
            self.remove()
            return (getattr(refused, "stderr", None) or str(refused)).strip()
        return None

    def remove(self):
        with contextlib.suppress(OSError):
            subprocess.run(["ip", "netns", "del", self.name], capture_output=True)  # the cable goes with it

    def cut(self):
        """What is sent is dropped, and nobody is told."""
        ip("link", "set", self.cable, "down")

    def mend(self):
        ip("link", "set", self.cable, "up")

    @contextlib.contextmanager
    def inside(self):
        """Sockets that this thread opens meanwhile are the namespace's."""
        with open(f"/run/netns/{self.name}") as place:
            self.enter(place)
        try:
            yield
        finally:
            self.enter(self.home)

    @staticmethod
    def enter(place):
        if ctypes.CDLL(None, use_errno=True).setns(place.fileno(), CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


class InsideSite(Site):
    """A site in a namespace, and what is said to it there."""

    def __init__(self, net, *flags):
        super().__init__(BINARY, *flags)
        self.net = net
        enter = self.folder / "enter"
        enter.write_text(f'#!/bin/sh\nexec ip netns exec {net.name} {self.binary} "$@"\n')
        enter.chmod(0o755)
        self.binary = str(enter)

    def get(self, *words, **named):
        with self.net.inside():
            return super().get(*words, **named)

    def post(self, *words, **named):
        with self.net.inside():
            return super().post(*words, **named)


class InsideSender(Sender):
    def run(self):
        with self.site.net.inside():
            super().run()


class Cut(UnderLoad):
    """Messages come by one door: a message's place in its feed is in the ids of what it gives."""

    @classmethod
    def setUpClass(cls):
        cls.net = Namespace()
        refused = cls.net.make()
        if refused:
            print(f"SKIPPED network_cut_test: NO NETWORK NAMESPACE CAN BE HAD: {refused}", file=sys.stderr)
            sys.exit(SKIPPED)
        cls.addClassCleanup(cls.net.remove)
        tearDownModule()  # one cluster at a time, and this one listens at the cable
        OnThreeBrokers.cluster = ThreeBrokers("--host", cls.net.here)
        cls.addClassCleanup(tearDownModule)

    def start(self):
        self.inside = InsideSite(self.net, "--clock", "manual", *on_kafka(self.name, self.brokers()), *KEPT,
                                 "--set", "log.instance=inside")
        self.addCleanup(self.inside.remove)
        self.inside.start()
        self.addCleanup(self.net.mend)
        outside = self.worker("outside")
        until(lambda: self.runs(outside) and self.runs(self.inside), self.inside, PATIENCE)
        self.all_of_them = self.runs(outside) + self.runs(self.inside)
        return outside, self.inside

    def runs(self, site):
        """How many shards, by its own word; none while it does not answer."""
        with self.net.inside() if site is self.inside else contextlib.nullcontext(), contextlib.suppress(OSError):
            return shards(site)
        return 0

    def cut_off(self):
        """Past the session's end, until the other worker runs everything."""
        self.net.cut()
        until(lambda: self.runs(self.site) == self.all_of_them, self.site, PATIENCE)

    def come_back(self):
        self.net.mend()
        until(lambda: 0 < self.runs(self.site) < self.all_of_them and self.runs(self.inside), self.inside, PATIENCE)

    def finish_load(self, sender):
        super().finish_load(sender)
        self.check(self.site, self.inside)

    def test_longer_than_the_session(self):
        """The other worker does its part meanwhile; what it had on its way is refused."""
        sender = self.load(self.site)
        for share in (0.1, 0.5):
            self.passes(sender, share)
            self.cut_off()
            self.passes(sender, share + 0.2)
            self.come_back()
        self.finish_load(sender)

    def test_longer_than_the_session_at_its_door(self):
        """Its door takes nothing that could be lost, and nothing twice."""
        sender = self.load(self.inside, by=InsideSender)
        for share in (0.2, 0.6):
            self.passes(sender, share)
            self.cut_off()
            self.come_back()
        self.finish_load(sender)

    def test_longer_than_any_call_waits_at_its_door(self):
        """What was on its way to the brokers is given up: it must not come after what is sent in its place."""
        sender = self.load(self.inside, by=InsideSender)
        self.passes(sender, 0.5)
        self.net.cut()
        time.sleep(50)
        self.come_back()
        self.finish_load(sender)

    def test_shorter_than_the_session(self):
        self.seed = int(os.environ.get("VITALOG_SEED", time.time_ns() % 1_000_000))
        chance = random.Random(self.seed)
        sender = self.load(self.inside, by=InsideSender)
        for share in (0.1, 0.3, 0.5, 0.7):
            self.passes(sender, share)
            self.net.cut()
            time.sleep(chance.uniform(0.5, 4))
            self.net.mend()
        self.finish_load(sender)


if __name__ == "__main__":
    unittest.main()
