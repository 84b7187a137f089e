"""What the workers wrote, read back with read_committed by a client of neither's, and compared."""

import collections
import datetime
import json
import time

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException, TopicPartition

PATIENCE = 60
CALL, CALLS, PAUSE = 10, 300, 0.2  # seconds: of one call, of all tries, between them
PASSING = {"NOT_COORDINATOR", "COORDINATOR_NOT_AVAILABLE", "COORDINATOR_LOAD_IN_PROGRESS", "_TRANSPORT", "_TIMED_OUT",
           "REQUEST_TIMED_OUT", "_WAIT_COORD"}
PORTION = 10_000
NEWS2 = b'"method":"news2"'


def consumer(bootstrap, **properties):
    given = {name.replace("_", "."): value for name, value in properties.items()}
    return Consumer({"bootstrap.servers": bootstrap, "log_level": 3, "group.id": "run-peers", "enable.auto.commit": False,
                     "isolation.level": "read_committed", "enable.partition.eof": True, **given})


def patiently(ask):
    """On an overloaded machine a broker is not itself for a while: what may be asked again is."""
    until = time.monotonic() + CALLS
    while True:
        try:
            return ask()
        except KafkaException as error:
            if not error.args[0].retriable() and error.args[0].name() not in PASSING or time.monotonic() > until:
                raise
            time.sleep(PAUSE)


def partitions_of(client, topic):
    return sorted(client.list_topics(topic, PATIENCE).topics[topic].partitions)


def records(bootstrap, topic):
    """Every committed record's (key, value), partition by partition in order."""
    client = consumer(bootstrap, fetch_message_max_bytes=8 << 20)
    try:
        for partition in partitions_of(client, topic):
            client.assign([TopicPartition(topic, partition, OFFSET_BEGINNING)])
            silent_since = time.monotonic()
            ended = False
            while not ended:
                for message in client.consume(PORTION, 0.5):
                    silent_since = time.monotonic()
                    if not message.error():
                        yield message.key(), message.value()
                    elif message.error().name() == "_PARTITION_EOF":
                        ended = True
                    else:
                        raise RuntimeError(f"{topic}/{partition}: {message.error()}")
                if time.monotonic() - silent_since > PATIENCE:
                    raise RuntimeError(f"{topic}/{partition} could not be read to its end")
    finally:
        client.close()


def millis(text):
    """Of an RFC 3339 time."""
    return round(datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() * 1000)


def vitalog_alerts(bootstrap):
    """{person: [(state, since, occurred, band), ...]} in the order in which they were written."""
    found = collections.defaultdict(list)
    for key, value in records(bootstrap, "alert"):
        alert = json.loads(value)
        found[key].append((alert["state"], millis(alert["since"]), millis(alert["occurred"]), alert["band"]))
    return found


def peer_alerts(bootstrap, topic):
    """The same, and {(person, time): score}."""
    found, scores = collections.defaultdict(list), {}
    for key, value in records(bootstrap, topic):
        alert = json.loads(value)
        found[key].append((alert["state"], alert["since"], alert["occurred"], alert["band"]))
        scores[key, alert["occurred"]] = alert["score"]
    return found, scores


def vitalog_scores(bootstrap, wanted):
    """What NEWS2 came to at the wanted (person, time)s."""
    persons = {key for key, _ in wanted}
    scores = {}
    for key, value in records(bootstrap, "risk"):
        if key not in persons or NEWS2 not in value:
            continue
        risk = json.loads(value)
        at = millis(risk["occurred"])
        if (key, at) in wanted:
            scores[key, at] = risk["value"]
    return scores


def compare(bootstrap, peer_topic):
    """(how many alerts and episodes both wrote, the first differences): per person every change of an episode, its time,
    when the episode began, the worst band so far, and the score."""
    ours = vitalog_alerts(bootstrap)
    theirs, their_scores = peer_alerts(bootstrap, peer_topic)
    our_scores = vitalog_scores(bootstrap, their_scores.keys())
    differences = [f"{key.decode()}: vitalog {ours.get(key)}, kafka-streams {theirs.get(key)}"
                   for key in sorted(ours.keys() | theirs.keys()) if ours.get(key) != theirs.get(key)]
    differences += [f"{key.decode()} at {at}: NEWS2 {our_scores.get((key, at))} of vitalog, {score} of kafka-streams"
                    for (key, at), score in sorted(their_scores.items()) if our_scores.get((key, at)) != score]
    if sum(1 for _ in records(bootstrap, "dead-letter")):
        differences.append("vitalog wrote dead letters")
    changes = [change for person in theirs.values() for change in person]
    return len(changes), sum(1 for change in changes if change[0] == "raised"), differences


class Progress:
    """How much of the input a worker's group has committed, of how much."""

    def __init__(self, bootstrap, group, topic):
        self.client = consumer(bootstrap, group_id=group, isolation_level="read_uncommitted")
        self.partitions = [TopicPartition(topic, partition) for partition in partitions_of(self.client, topic)]
        self.ends = {tp.partition: self.client.get_watermark_offsets(tp, PATIENCE)[1] for tp in self.partitions}
        self.total = sum(self.ends.values())

    def done(self):
        committed = patiently(lambda: self.client.committed(self.partitions, CALL))
        return sum(max(0, min(tp.offset, self.ends[tp.partition])) for tp in committed)

    def close(self):
        self.client.close()


class Watcher:
    """Follows a topic from its end on."""

    def __init__(self, bootstrap, topic):
        self.client = consumer(bootstrap, fetch_wait_max_ms=100)
        ends = [TopicPartition(topic, p) for p in partitions_of(self.client, topic)]
        for tp in ends:
            tp.offset = self.client.get_watermark_offsets(tp, PATIENCE)[1]
        self.client.assign(ends)

    def next(self, seconds):
        """(when it was seen, value) of one record, or None."""
        message = self.client.poll(seconds)
        if message is None or message.error():
            return None
        return time.time(), message.value()

    def close(self):
        self.client.close()
