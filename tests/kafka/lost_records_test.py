#!/usr/bin/env python3
"""What the cluster lost while a site was stopped: records that it had not read, its groups' positions, its state, a feed. The
site says what is gone and what a person can do, and ends; it never goes on without a word. VITALOG_BINARY names the
program, VITALOG_TEST_KAFKA the cluster, VITALOG_VENV the environment of the foreign client."""

import os
import pathlib
import re
import shutil
import sys
import time
import unittest
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests/e2e"))
import clients
from both_logs import BINARY, KEPT, NOW, at, settings, topic_names

if __name__ == "__main__":
    clients.enter_kafka_environment("lost_records_test")
from confluent_kafka import ConsumerGroupTopicPartitions, KafkaException, TopicPartition  # noqa: E402
from confluent_kafka.admin import AdminClient  # noqa: E402
from kafka_client import Cluster, headers_of  # noqa: E402
from running_site import Mllp, Site, ack_code, oru  # noqa: E402

PATIENCE = 60
OUTPUTS = ("subject", "person", "risk", "alert", "task", "task-board")


def until(what, patience=PATIENCE):
    """The first answer that is not None."""
    end = time.monotonic() + patience
    while (found := what()) is None:
        assert time.monotonic() < end, "does not come"
        time.sleep(0.2)
    return found


class Lost(unittest.TestCase):
    """A site of one partition a topic has done its work and was stopped."""

    def setUp(self):
        self.name = f"lost-{time.time_ns()}"
        bootstrap = os.environ["VITALOG_TEST_KAFKA"]
        self.cluster = Cluster(bootstrap)
        self.admin = AdminClient({"bootstrap.servers": bootstrap})
        self.site = Site(BINARY, "--clock", "manual", *settings(
            {"log.kind": "kafka", "log.brokers": bootstrap, "log.group": self.name, "log.instance": "one",
             "log.session": "3s", "log.partitions": 1, "notify.mode": "live", "notify.sms.gateway": "external",
             **topic_names(self.name)}), *KEPT)
        self.addCleanup(self.site.remove)
        self.site.start()
        self.site.clock(NOW)
        status, answer = self.site.post("/directory", [{"team": "general", "members": [{"user": "dr.li", "phone": "13800000001"}],
                                                        "duty_doctor": "dr.li", "duty_group": "general"}])
        self.assertEqual(status, 200, answer)
        sender = Mllp(self.site.mllp)
        self.addCleanup(sender.close)
        for n in range(3):
            self.assertEqual(ack_code(sender.send(self.message(n))), "AA")
        self.settle()
        self.assertEqual(self.site.stop(), 0)
        self.before = self.outputs()
        self.assertGreaterEqual(len(self.before["alert"]), 3)

    def settle(self):
        """What the hospital's gateway has not taken yet, lags for ever."""
        until(lambda: None if self.site.get("/lag")[1]["records"] else True)

    @staticmethod
    def message(n):
        return oru(f"m{n}", patient=str(n), value="6.8", time=at("083000"))

    def topic(self, name):
        return f"{self.name}.{name}"

    def outputs(self):
        """By topic: each key, id and bytes in order, as a foreign client reads them with read_committed. Control records,
        which a start repeats into every stage's input, are no outputs."""
        found = {topic: [] for topic in OUTPUTS}
        for message in self.cluster.read(*map(self.topic, OUTPUTS)):
            if message.key():
                found[message.topic().removeprefix(self.name + ".")].append(
                    (message.key(), headers_of(message)["ce_id"], message.value()))
        return found

    def group(self, stage):
        return f"{self.name}.{stage}"

    def positions(self, stage):
        """Of a group, by topic."""
        future, = self.admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(self.group(stage))]).values()
        return {place.topic.removeprefix(self.name + "."): place.offset for place in future.result(PATIENCE).topic_partitions}

    def position(self, stage, topic):
        return self.positions(stage)[topic]

    def when_empty(self, change):
        """A static member leaves its group when the session's time is over."""
        def tried():
            try:
                done = [future.result(PATIENCE) for future in change().values()]
            except KafkaException:
                return None
            return None if any(place.error for group in done if group for place in group.topic_partitions) else done
        until(tried)

    def forget(self, stage):
        self.when_empty(lambda: self.admin.delete_consumer_groups([self.group(stage)]))

    def set_by_hand(self, stage, topic, offset):
        """As kafka-consumer-groups.sh --reset-offsets does."""
        place = ConsumerGroupTopicPartitions(self.group(stage), [TopicPartition(self.topic(topic), 0, offset)])
        self.when_empty(lambda: self.admin.alter_consumer_group_offsets([place]))

    def delete_topic(self, name):
        self.admin.delete_topics([name])[name].result(PATIENCE)
        until(lambda: True if name not in self.admin.list_topics(timeout=PATIENCE).topics else None)

    def refused(self):
        """The error with which the site ends by itself."""
        log = self.site.folder / "run.log"
        place = log.stat().st_size
        try:
            self.site.start()
        except RuntimeError:
            pass  # at once
        self.assertNotIn(self.site.ended(PATIENCE), (0, None))
        said = log.read_text()[place:]
        self.assertEqual(self.outputs(), self.before, "nothing was done meanwhile")
        return re.search(r"event=failed error=(.*)|^(vitalog run: .*)", said, re.M).group(0)

    def assert_names(self, error, *words):
        for word in words:
            self.assertIn(str(word), error)

    def goes_on(self):
        self.site.start()
        self.settle()
        self.assertEqual(self.site.stop(), 0)

    def test_records_deleted_before_they_were_read(self):
        feed = self.topic("feed.lis")
        position = self.position("intake", "feed.lis")
        headers = {"format": "hl7v2", "endpoint": "test"}
        self.cluster.write(feed, [(f"MRN|{n}", self.message(n), headers) for n in (7, 8, 9)])
        kept = position + 2
        self.admin.delete_records([TopicPartition(feed, 0, kept)])[TopicPartition(feed, 0)].result(PATIENCE)
        self.assert_names(self.refused(), f"{feed}/0 of group {self.group('intake')}",
                          f"the records from {position} to {kept - 1} were deleted before they were read",
                          f"--group {self.group('intake')} --topic {feed}:0 --reset-offsets --to-offset {kept} --execute")
        self.refused()  # and again
        self.set_by_hand("intake", "feed.lis", kept)
        self.goes_on()
        after = self.outputs()
        for topic in OUTPUTS:
            self.assertEqual(after[topic][:len(self.before[topic])], self.before[topic], topic)
        self.assertEqual(len(after["alert"]), len(self.before["alert"]) + 1, "what was kept is read")
        self.assertIn(f"event=position-set-by-hand group={self.group('intake')} partition={feed}/0 offset={kept}",
                      (self.site.folder / "run.log").read_text())

    def test_records_deleted_that_state_is_made_of(self):
        """Killed before its state was written: it reads again what it read, which is gone."""
        self.site.start()
        sender = Mllp(self.site.mllp)
        self.addCleanup(sender.close)
        position = self.position("care", "person")
        self.assertEqual(ack_code(sender.send(self.message(5))), "AA")
        self.settle()
        self.site.kill()
        committed = self.position("care", "person")
        self.assertGreater(committed, position)
        person = self.topic("person")
        self.admin.delete_records([TopicPartition(person, 0, committed)])[TopicPartition(person, 0)].result(PATIENCE)
        self.before = self.outputs()
        error = self.refused()
        self.assert_names(error, "state can't be computed again", f"{person}/0", f"to {committed - 1} were deleted",
                          f"--to-offset {committed} ")

    def test_a_group_that_the_cluster_forgot(self):
        for stage in ("intake", "care"):
            with self.subTest(stage):
                positions = self.positions(stage)
                self.forget(stage)
                error = self.refused()
                self.assert_names(error, f"group {self.group(stage)} has no position in ", "the cluster forgot it")
                topic, come_to, told = re.search(rf"in {self.name}\.(\S+)/0, .* had come to (\d+): .* --to-offset (\d+) ",
                                                 error).groups()
                self.assertEqual([int(come_to), int(told)], 2 * [positions[topic]])
                for one, offset in positions.items():
                    self.set_by_hand(stage, one, offset)
                self.goes_on()
                self.assertEqual(self.outputs(), self.before, "nothing is done twice")

    def sends(self, query):
        """What the gateway is given, and the cursor behind it."""
        with urllib.request.urlopen(f"{self.site.url}/gateway/sms?{query}", timeout=PATIENCE) as answer:
            return answer.read(), answer.headers["X-Next"]

    def test_a_readers_place_that_the_cluster_forgot(self):
        """Groups without members lose their offsets while the site is alive. Nothing is sent again."""
        self.site.start()
        given, cursor = self.sends("wait=20")
        self.assertIn(b"13800000001", given)
        self.assertEqual(self.sends(f"wait=0&from={cursor}")[0], b"")
        self.assertEqual(self.site.stop(), 0)
        readers = [group.group_id for group in self.admin.list_consumer_groups().result(PATIENCE).valid
                   if group.group_id.startswith(self.group("reader."))]
        self.assertTrue(any("sms" in group for group in readers), readers)
        self.when_empty(lambda: self.admin.delete_consumer_groups(readers))
        self.site.start()
        self.assertEqual(self.sends("wait=0")[0], b"")
        self.assertIn("event=reader-position-forgotten", (self.site.folder / "run.log").read_text())

    def test_state_that_is_gone(self):
        self.delete_topic(self.group("care") + ".state")
        self.assert_names(self.refused(), "state is lost", f"{self.group('care')}.state/0", "made anew or cut", "log.group")
        shutil.rmtree(self.site.folder / "data")  # another machine, which knows the group's word only
        self.assert_names(self.refused(), "state is lost", f"{self.group('care')}.state/0")

    def test_a_feed_that_was_made_anew(self):
        position = self.position("intake", "feed.his")
        self.delete_topic(self.topic("feed.his"))
        self.assert_names(self.refused(), f"group {self.group('intake')} has read {self.topic('feed.his')}/0 up to {position}",
                          "made anew or cut")


if __name__ == "__main__":
    unittest.main()
