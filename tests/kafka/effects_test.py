#!/usr/bin/env python3
"""Two processes of a site on a cluster and one provider: whatever happens to the one that sends, each message reaches its
patient once. What happens to brokers meanwhile: disturbed_cluster_test.py. VITALOG_BINARY names the program,
VITALOG_TEST_KAFKA the cluster."""

import os
import signal
import unittest

import two_senders


class Effects(two_senders.TwoSenders):
    def test_undisturbed(self):
        self.check()

    def test_the_sender_dies(self):
        self.until(lambda: len(self.arrived()) >= 3)
        self.duty.kill()
        self.until(lambda: self.on_duty(self.other))
        self.check()

    def test_the_sender_sleeps_past_its_session_and_wakes(self):
        self.until(lambda: len(self.arrived()) >= 3)
        os.kill(self.duty.process.pid, signal.SIGSTOP)
        self.until(lambda: self.on_duty(self.other))
        os.kill(self.duty.process.pid, signal.SIGCONT)
        self.check()


if __name__ == "__main__":
    unittest.main()
