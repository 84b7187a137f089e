#!/usr/bin/env python3
"""A hospital's own gateway: takes attempts from send.sms, sends each once, and says on feed.receipt what became of it.
The site needs `notify.sms.gateway: external`.

    gateway.py --bootstrap HOST:PORT,... --journal FILE [--config FILE] [--provider URL] [--idle SECONDS]

    --journal FILE     the attempts that were begun, on disk before they are sent: after a crash none is sent again
    --provider URL     takes {"to","text"} by POST and answers 2xx; without it the message is printed
    --idle SECONDS     ends when nothing came for so long, once it has its partitions

Reads committed records only, and commits its own position once the receipt is in the log: what comes again after a crash
is in the journal.
"""

import argparse
import datetime
import json
import os
import pathlib
import sys
import time
import urllib.error
import urllib.request

from confluent_kafka import Consumer, KafkaException, Producer


def properties(path):
    lines = path.read_text().splitlines() if path else []
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def now():
    return datetime.datetime.now(datetime.timezone.utc)


class Journal:
    """One line an attempt at its beginning, and one at its end with state and code."""

    def __init__(self, path):
        self.outcomes = {}
        if path.exists():
            for line in path.read_text().splitlines():
                attempt, *outcome = line.split(" ")
                self.outcomes[attempt] = tuple(outcome)
        self.file = open(path, "a")

    def write(self, attempt, *outcome):
        self.outcomes[attempt] = outcome
        print(attempt, *outcome, file=self.file, flush=True)
        os.fsync(self.file.fileno())


def send(message, url):
    """(state, code) of a receipt."""
    if datetime.datetime.fromisoformat(message["not_after"].replace("Z", "+00:00")) < now():
        return "failed", "too-late"
    if not url:
        print(f"to {message['to']}: {message.get('text', '')}", flush=True)
        return "delivered", "printed"
    body = json.dumps({"to": message["to"], "text": message.get("text", "")}).encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body, {"Content-Type": "application/json"}), timeout=20):
            return "accepted", "taken"
    except urllib.error.HTTPError as refused:
        return "failed", str(refused.code)
    except OSError:
        return "unknown", "no-answer"  # it may have been sent: it is not sent again


def outcome_of(message, journal, url):
    attempt = message["attempt"]
    known = journal.outcomes.get(attempt)
    if known == ():  # begun before a crash: nobody knows
        known = ("unknown", "gateway-restarted")
        journal.write(attempt, *known)
    if known is None:
        journal.write(attempt)
        known = send(message, url)
        journal.write(attempt, *known)
    return known


def receipt(message, state, code):
    return json.dumps({"recipient": message["recipient"], "intent": message["intent"], "attempt": message["attempt"],
                       "state": state, "code": code, "at": now().strftime("%Y-%m-%dT%H:%M:%SZ")})


def report(producer, topic, message, state, code):
    """Returns once the receipt is in the log."""
    failed = []
    producer.produce(topic, receipt(message, state, code), message["recipient"],
                     headers=[("format", "json"), ("endpoint", "gateway-example")],
                     on_delivery=lambda error, _: failed.append(error))
    producer.flush()
    if failed[0]:
        raise KafkaException(failed[0])


def main():
    parser = argparse.ArgumentParser(description="a hospital's own gateway")
    parser.add_argument("--bootstrap", required=True)
    parser.add_argument("--config", type=pathlib.Path)
    parser.add_argument("--journal", type=pathlib.Path, required=True)
    parser.add_argument("--provider")
    parser.add_argument("--topic", default="send.sms")
    parser.add_argument("--receipts", default="feed.receipt")
    parser.add_argument("--group", default="gateway-example")
    parser.add_argument("--idle", type=float)
    options = parser.parse_args()
    shared = {"bootstrap.servers": options.bootstrap, **properties(options.config)}
    consumer = Consumer({**shared, "group.id": options.group, "isolation.level": "read_committed",
                         "enable.auto.commit": False, "auto.offset.reset": "earliest"})
    producer = Producer({**shared, "enable.idempotence": True, "partitioner": "murmur2_random"})
    journal = Journal(options.journal)
    consumer.subscribe([options.topic])
    quiet_since = time.monotonic()
    try:
        while options.idle is None or time.monotonic() - quiet_since < options.idle:
            record = consumer.poll(0.2)
            if record is None:
                if not consumer.assignment():
                    quiet_since = time.monotonic()  # its group has not formed yet
                continue
            if record.error():
                raise KafkaException(record.error())
            message = json.loads(record.value())
            state, code = outcome_of(message, journal, options.provider)
            report(producer, options.receipts, message, state, code)
            consumer.commit(record, asynchronous=False)
            print(f"attempt {message['attempt']} {state} {code}", flush=True)
            quiet_since = time.monotonic()
    except KeyboardInterrupt:
        pass
    finally:
        consumer.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
