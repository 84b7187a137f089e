#!/usr/bin/env python3
"""Standbys at a whole site: the process that stood by takes over with the state that it has, and the outputs are those of
an undisturbed site on the embedded log. VITALOG_BINARY names the program, VITALOG_TEST_KAFKA the cluster."""

import re
import unittest

import both_logs as same

PATIENCE = 180


class Standby(same.WithBoth):
    def start(self):
        return [self.standing("one"), self.standing("two")]

    def standing(self, instance):
        return self.worker(instance, "--set", "log.standby=1")

    def stands_by(self, site):
        """Follows some shards, and everything of them."""
        following = sum(same.metrics(site, "vitalog_standbys").values())
        lags = same.metrics(site, "vitalog_standby_lag_records")
        return following > 0 and len(lags) >= following and not any(lags.values())

    @staticmethod
    def until(what, site):
        same.until(what, site, PATIENCE)

    @staticmethod
    def restored(site):
        """How many snapshots it has read to take shards over."""
        return sum(int(records) for records in
                   re.findall(r"event=restored .*?records=(\d+)", (site.folder / "run.log").read_text()))

    def test_the_next_process_goes_on_with_what_it_followed(self):
        one, two = self.site, self.others[0]
        self.until(lambda: same.shards(one) > 0 and same.shards(two) > 0, two)
        third = len(self.sent) // 3
        same.Sender(two, self.sent[:third]).run()
        two.wait(120)
        self.until(lambda: self.stands_by(two), two)
        before, all_shards = self.restored(two), same.shards(one) + same.shards(two)
        one.kill()
        self.until(lambda: same.shards(two) == all_shards, two)
        warm = self.restored(two) - before
        # Nobody is left to stand by for; it looks every few seconds.
        self.until(lambda: sum(same.metrics(two, "vitalog_standbys").values()) == 0, two)

        three = self.standing("three")
        three.clock(same.NOW)
        self.until(lambda: same.shards(three) > 0 and same.shards(three) + same.shards(two) == all_shards, three)
        cold = self.restored(three)
        self.assertGreater(cold, 0)
        self.assertLess(warm * 10, cold, "who stood by for all shards read less than who came new to a part")

        sender = same.Sender(three, self.sent[third:])
        sender.start()
        self.until(lambda: self.stands_by(three), three)
        two.kill()
        sender.join(timeout=PATIENCE)
        self.assertEqual(sender.done, len(sender.sent))
        self.until(lambda: same.shards(three) == all_shards, three)
        self.check(three)


if __name__ == "__main__":
    unittest.main()
