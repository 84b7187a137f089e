"""What an administrator does to a running cluster: who leads a partition, who is the active controller, another leader for
each partition. By Kafka's own tools."""

import json
import pathlib
import re
import subprocess
import tempfile
import time

import kafka_jars

TOOLS = {
    "topics": ["org.apache.kafka.tools.TopicCommand"],
    "configs": ["org.apache.kafka.tools.ConfigCommand", "kafka.admin.ConfigCommand"],
    "acls": ["org.apache.kafka.tools.AclCommand", "kafka.admin.AclCommand"],
    "consumer-groups": ["org.apache.kafka.tools.consumer.group.ConsumerGroupCommand"],
    "leader-election": ["org.apache.kafka.tools.LeaderElectionCommand"],
    "reassign-partitions": ["org.apache.kafka.tools.reassign.ReassignPartitionsCommand"],
    "delete-records": ["org.apache.kafka.tools.DeleteRecordsCommand"],
    "get-offsets": ["org.apache.kafka.tools.GetOffsetShell"],
    "transactions": ["org.apache.kafka.tools.TransactionsCommand"],
    "metadata-quorum": ["org.apache.kafka.tools.MetadataQuorumCommand"],
    "console-consumer": ["org.apache.kafka.tools.consumer.ConsoleConsumer"],
}
SETTLED_SECONDS = 120
PARTITION = re.compile(r"Topic: (\S+)\s+Partition: (\d+)\s+Leader: (\S+)\s+Replicas: ([\d,]+)\s+Isr: ([\d,]*)")


def tool(plan, name, words, **options):
    """Runs one of Kafka's tools on the cluster, by the listener that asks for no login."""
    folder = pathlib.Path(plan.jars)
    known = kafka_jars.tool_class(folder, TOOLS[name])
    inner = ",".join(f"{plan.host}:{ports['inner']}" for ports in plan.ports.values())
    return subprocess.run(["java", "-Xmx256m", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", f"{folder}/*", known,
                           "--bootstrap-server", inner, *words], **options)


def said(plan, name, *words):
    done = tool(plan, name, words, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{name} {' '.join(words)}: {done.stdout[-1000:]}{done.stderr[-1000:]}")
    return done.stdout


def partitions(plan, prefix=""):
    """(topic, partition, leader or None, copies, copies in sync) of the topics whose names begin so."""
    numbers = lambda text: [int(number) for number in text.split(",") if number]
    return [(topic, int(partition), int(leader) if leader.isdigit() else None, numbers(copies), numbers(in_sync))
            for topic, partition, leader, copies, in_sync in PARTITION.findall(said(plan, "topics", "--describe"))
            if topic.startswith(prefix)]


def controller(plan):
    """The node that is the active controller."""
    return int(re.search(r"^LeaderId:\s+(\d+)", said(plan, "metadata-quorum", "describe", "--status"), re.M).group(1))


def move_leaders(plan, prefix=""):
    """Each partition gets the next of its copies that are in sync as its leader. How many have moved."""
    plans = []
    for topic, partition, leader, copies, in_sync in partitions(plan, prefix):
        after = [copies[(copies.index(leader) + n) % len(copies)] for n in range(1, len(copies))] if leader in copies else copies
        others = [copy for copy in after if copy in in_sync and copy != leader]
        if others:
            plans.append({"topic": topic, "partition": partition,
                          "replicas": [others[0], *(copy for copy in copies if copy != others[0])]})
    if not plans:
        raise RuntimeError("no partition has a copy in sync besides its leader's")
    with tempfile.TemporaryDirectory(prefix="vitalog-kafka-") as scratch:
        orders, elections = pathlib.Path(scratch) / "orders.json", pathlib.Path(scratch) / "elections.json"
        orders.write_text(json.dumps({"version": 1, "partitions": plans}))
        elections.write_text(json.dumps({"partitions": [{name: one[name] for name in ("topic", "partition")} for one in plans]}))
        said(plan, "reassign-partitions", "--reassignment-json-file", str(orders), "--execute")
        said(plan, "leader-election", "--election-type", "PREFERRED", "--path-to-json-file", str(elections))
    wanted = {(one["topic"], one["partition"]): one["replicas"][0] for one in plans}
    return sum(wanted.get((topic, partition)) == leader for topic, partition, leader, _, _ in partitions(plan, prefix))


def wait_until_in_sync(plan):
    """Until every partition has a leader and all its copies are in sync."""
    until = time.monotonic() + SETTLED_SECONDS
    while behind := [f"{topic}/{partition}" for topic, partition, leader, copies, in_sync in partitions(plan)
                     if leader is None or len(in_sync) < len(copies)]:
        if time.monotonic() > until:
            raise RuntimeError(f"not in sync after {SETTLED_SECONDS} s: {', '.join(behind[:5])}")
        time.sleep(1)
