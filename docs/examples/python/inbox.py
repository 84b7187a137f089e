#!/usr/bin/env python3
"""A doctor's inbox in another system: open tasks with the alert behind each, kept up to date from `task-board` and `alert`.

    inbox.py --bootstrap HOST:PORT,... [--config FILE] [--for TEAM-OR-DOCTOR] [--once]

    --once      prints the open tasks as they are now, and ends; without it, a line for every change

Both topics are kept for ever and hold a task or an alert whole at every change: it reads them from the beginning, and the
highest version is the last word. Nothing is committed: it has no place of its own in the cluster.
"""

import argparse
import json
import pathlib
import sys

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException, TopicPartition

OPEN = ("requested", "accepted")
URGENT_FIRST = {"high": 0, "medium": 1, "low": 2}
PATIENCE = 10.0  # seconds for the cluster to answer


def properties(path):
    lines = path.read_text().splitlines() if path else []
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


class Inbox:
    def __init__(self, wanted):
        self.wanted = wanted
        self.tasks, self.alerts = {}, {}

    def take(self, kind, event):
        """The task that changed, when it did."""
        if kind == "vitalog.alert.v1":
            if event["revision"] > self.alerts.get(event["id"], {}).get("revision", 0):
                self.alerts[event["id"]] = event
            return None
        if kind != "vitalog.task-state.v1" or event["version"] <= self.tasks.get(event["task"], {}).get("version", 0):
            return None
        self.tasks[event["task"]] = event
        return event if self.wanted in (None, event.get("team"), event.get("owner")) else None

    def line(self, task):
        alert = self.alerts.get(task["alert"], {})
        what = alert.get("problem") or task.get("problem") or task["rule"]
        values = ", ".join(f"{e.get('display') or e.get('loinc', '')} {e.get('value', e.get('text', ''))} {e.get('unit', '')}".strip()
                           for e in alert.get("evidence", []))
        return (f"{task['priority']:6} {task['status']:9} {task.get('owner') or task.get('team', '')}: {what}"
                f"{' (' + values + ')' if values else ''}  due {task['deadline']}  task {task['task']}")

    def open_tasks(self):
        mine = [task for task in self.tasks.values() if task["status"] in OPEN and
                self.wanted in (None, task.get("team"), task.get("owner"))]
        return sorted(mine, key=lambda task: (URGENT_FIRST[task["priority"]], task["deadline"]))


def assign_all(consumer, topics):
    """Every partition from its beginning: (topic, partition) of each."""
    places = []
    for topic in topics:
        described = consumer.list_topics(topic, PATIENCE).topics[topic]
        if described.error:
            raise KafkaException(described.error)
        places += [TopicPartition(topic, partition, OFFSET_BEGINNING) for partition in described.partitions]
    consumer.assign(places)
    return {(place.topic, place.partition) for place in places}


def main():
    parser = argparse.ArgumentParser(description="a doctor's inbox")
    parser.add_argument("--bootstrap", required=True)
    parser.add_argument("--config", type=pathlib.Path)
    parser.add_argument("--for", dest="wanted")
    parser.add_argument("--alerts", default="alert")
    parser.add_argument("--tasks", default="task-board")
    parser.add_argument("--once", action="store_true")
    options = parser.parse_args()
    consumer = Consumer({"bootstrap.servers": options.bootstrap, "group.id": "inbox-example", "enable.auto.commit": False,
                         "isolation.level": "read_committed", "enable.partition.eof": True,
                         **properties(options.config)})
    inbox = Inbox(options.wanted)
    behind = assign_all(consumer, [options.alerts, options.tasks])
    try:
        while behind or not options.once:
            record = consumer.poll(0.2)
            if record is None:
                continue
            if record.error():
                if record.error().name() != "_PARTITION_EOF":
                    raise KafkaException(record.error())
                behind.discard((record.topic(), record.partition()))
                continue
            headers = {name: value.decode() for name, value in record.headers() or []}
            changed = inbox.take(headers.get("ce_type"), json.loads(record.value()))
            if changed and not options.once:
                print(inbox.line(changed), flush=True)
    except KeyboardInterrupt:
        pass
    finally:
        consumer.close()
    if options.once:
        for task in inbox.open_tasks():
            print(inbox.line(task))
        print(f"{len(inbox.open_tasks())} open tasks")
    return 0


if __name__ == "__main__":
    sys.exit(main())
