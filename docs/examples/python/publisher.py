#!/usr/bin/env python3
"""Publishes what a hospital has straight into Vitalog's feeds.

    publisher.py hl7 MESSAGES --topic feed.lis           HL7 v2 messages, one behind the other in a file
    publisher.py wearable BATCHES --account HUAWEI|u1    JSON batches of one account, one a line

    --bootstrap HOST:PORT,...      the cluster
    --config FILE                  properties of librdkafka, name=value a line: security.protocol, sasl.username ...

A record's key decides on its partition, and records of one key keep their order: the patient's identifier for HL7, the
account for wearables. The value is the bytes as they are. Ends with 1 when a record was not taken.
"""

import argparse
import pathlib
import re
import sys

from confluent_kafka import Producer


def properties(path):
    lines = path.read_text().splitlines() if path else []
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def producer(options):
    return Producer({
        "bootstrap.servers": options.bootstrap,
        "enable.idempotence": True,        # a retry is not a second record; implies acks=all
        "partitioner": "murmur2_random",   # as the Java client; librdkafka's own default is another
        "compression.type": "lz4", "linger.ms": 5, **properties(options.config)})


def messages_in(data):
    """HL7 messages begin with MSH and have segments that end with CR."""
    data = data.replace(b"\r\n", b"\r").replace(b"\n", b"\r")
    return [message.strip(b"\r") + b"\r" for message in re.split(rb"(?:^|\r)(?=MSH\|)", data) if message.strip(b"\r")]


def patient_key(message):
    """AUTHORITY|ID of the first identifier in PID-3; without an authority, the sending facility's."""
    segments = [segment.split(b"|") for segment in message.split(b"\r")]
    facility = next(fields[3] for fields in segments if fields[0] == b"MSH")
    identifiers = next(fields[3] for fields in segments if fields[0] == b"PID")
    parts = (identifiers.split(b"~")[0] + b"^^^").split(b"^")
    return (parts[3].split(b"&")[0] or facility.split(b"^")[0]) + b"|" + parts[0]


def records(options):
    """(key, value) of each."""
    data = options.file.read_bytes()
    if options.form == "hl7":
        return [(patient_key(message), message) for message in messages_in(data)]
    return [(options.account.encode(), line) for line in data.splitlines() if line.strip()]


def main():
    parser = argparse.ArgumentParser(description="publishes into Vitalog's feeds")
    parser.add_argument("form", choices=["hl7", "wearable"])
    parser.add_argument("file", type=pathlib.Path)
    parser.add_argument("--bootstrap", required=True)
    parser.add_argument("--config", type=pathlib.Path)
    parser.add_argument("--topic")
    parser.add_argument("--account", help="AUTHORITY|ID")
    parser.add_argument("--endpoint", default="publisher-example", help="how the archive names where it came from")
    options = parser.parse_args()
    if options.form == "wearable" and not options.account:
        parser.error("wearable needs --account AUTHORITY|ID")
    topic = options.topic or {"hl7": "feed.his", "wearable": "feed.wearable"}[options.form]
    headers = [("format", {"hl7": "hl7v2", "wearable": "json"}[options.form]), ("endpoint", options.endpoint)]
    failed, taken = [], 0

    def delivered(error, _):
        nonlocal taken
        if error:
            failed.append(error)
        else:
            taken += 1

    client = producer(options)
    for key, value in records(options):
        while True:
            try:
                client.produce(topic, value, key, headers=headers, on_delivery=delivered)
                break
            except BufferError:  # the client's queue is full: let it drain
                client.poll(0.1)
        client.poll(0)
    client.flush()
    print(f"published {taken} to {topic}, failed {len(failed)}")
    for error in failed[:5]:
        print(error, file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
