#!/usr/bin/env python3
"""The command line behind scripts/kafka."""

import argparse
import os
import pathlib
import re
import signal
import subprocess
import sys

import kafka_cluster
import kafka_control
import kafka_jars

LEFT_OUT = 77
NOT_RUNNING = 3
STOP_SECONDS = 60


def duration(text):
    """Seconds."""
    found = re.fullmatch(r"(\d+)([smh])", text)
    if not found:
        raise argparse.ArgumentTypeError(f"{text}: give it as 90s, 30m or 2h")
    return int(found.group(1)) * {"s": 1, "m": 60, "h": 3600}[found.group(2)]


def pair(separator, form):
    def parse(text):
        name, found, value = text.partition(separator)
        if not name or not found or not value:
            raise argparse.ArgumentTypeError(f"{text}: give it as {form}")
        return name, value

    return parse


def user(text):
    name, password = pair(":", "NAME:PASSWORD")(text)
    if not re.fullmatch(r"[\w.-]+", name) or not re.fullmatch(r"[\w.-]+", password):
        raise argparse.ArgumentTypeError(f"{text}: letters, digits, '.', '_' and '-' only")
    return name, password


def owner(text):
    if text == "none":
        return None
    if not text.isdigit() or kafka_cluster.start_of(text) is None:
        raise argparse.ArgumentTypeError(f"{text}: no such process; give its id, or none")
    return int(text)


def brokers(text):
    if not text.isdigit() or not 1 <= int(text) <= 9:
        raise argparse.ArgumentTypeError(f"{text}: 1 to 9 brokers")
    return int(text)


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/kafka", description="Apache Kafka on this machine, for tests and trials")
    commands = parser.add_subparsers(dest="command", required=True)

    def command(name, text):
        added = commands.add_parser(name, help=text, description=text)
        added.add_argument("--dir", type=pathlib.Path, default=kafka_cluster.default_folder(),
                           help="the cluster's folder (%(default)s)")
        return added

    up = command("up", "starts a cluster in a new or empty folder; prints bootstrap=... and state=...")
    up.add_argument("--brokers", type=brokers, default=1, help="1 to 9 (1)")
    up.add_argument("--version", default="4", help="3.9 or 4, the newest known of each, or exact as 4.1.0 (4)")
    up.add_argument("--host", default="127.0.0.1", help="the address to listen on (127.0.0.1)")
    up.add_argument("--sasl", action="store_true",
                    help="clients log in by PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512, and may do what an ACL allows; "
                         "admin may do all, its password is in state.json")
    up.add_argument("--user", type=user, action="append", default=[], metavar="NAME:PASSWORD", help="another who logs in")
    up.add_argument("--tls", action="store_true", help="clients speak TLS; they trust DIR/tls/ca.pem")
    up.add_argument("--for", type=duration, default=2 * 3600, dest="seconds", metavar="TIME", help="ends after that (2h)")
    up.add_argument("--owner", type=owner, default=os.getppid(), metavar="PID|none",
                    help="ends with that process (the one that calls this)")
    up.add_argument("--heap", default="512m", help="of each broker (512m)")
    up.add_argument("--java", action="append", default=[], metavar="OPTION", help="of each broker's Java")
    up.add_argument("--set", type=pair("=", "NAME=VALUE"), action="append", default=[], metavar="NAME=VALUE",
                    help="a line of server.properties")
    command("down", "ends the cluster and removes its folder")
    command("status", f"says how each broker is; exits with {NOT_RUNNING} where one does not run")
    for name, text in {"kill": "kill -9 of a broker", "stop": "ends a broker in order", "start": "starts it again, on its data",
                       "pause": "SIGSTOP", "resume": "SIGCONT"}.items():
        command(name, text).add_argument("broker", type=int)
    for name, text in {"leaders": "says who leads each partition, and which copies are in sync",
                       "move-leaders": "gives each partition another leader: the next of its copies in sync"}.items():
        command(name, text).add_argument("prefix", nargs="?", default="", help="of the topics' names (all)")
    command("controller", "says which broker is the active controller")
    command("settled", "returns when every partition has a leader and all its copies are in sync")
    tool = command("tool", "one of Kafka's command line tools: " + ", ".join(kafka_control.TOOLS))
    tool.add_argument("name", choices=kafka_control.TOOLS, metavar="NAME")
    tool.add_argument("words", nargs=argparse.REMAINDER)
    commands.add_parser("guard").add_argument("broker", type=int)
    commands.choices["guard"].add_argument("--dir", type=pathlib.Path)
    return parser.parse_args()


def announce(cluster, plan):
    print(f"bootstrap={plan.bootstrap}\nstate={cluster.folder / 'state.json'}", flush=True)


def up(cluster, options):
    with cluster.alone():
        there = cluster.plan()
        if there and cluster.over(there):
            cluster.down()
        elif there:
            raise RuntimeError(f"a cluster is in {cluster.folder} already: scripts/kafka down, or give another --dir")
        plan = kafka_cluster.new_plan(options)
        cluster.up(plan)
    announce(cluster, plan)
    return 0


def status(cluster, plan):
    announce(cluster, plan)
    conditions = {broker: cluster.condition(broker) for broker in plan.ports}
    print(f"version={plan.version}")
    for broker, condition in conditions.items():
        print(f"broker {broker} {plan.host}:{plan.ports[broker]['client']} {condition} pid={cluster.pid(broker) or '-'}")
    return 0 if set(conditions.values()) == {"running"} else NOT_RUNNING


def leaders(plan, prefix):
    for topic, partition, leader, copies, in_sync in kafka_control.partitions(plan, prefix):
        print(f"{topic}/{partition} leader={leader or '-'} copies={','.join(map(str, copies))} "
              f"in_sync={','.join(map(str, in_sync))}")
    return 0


def administer(plan, options):
    """What is not said to one broker."""
    if options.command == "tool":
        return kafka_control.tool(plan, options.name, options.words).returncode
    if options.command == "leaders":
        return leaders(plan, options.prefix)
    if options.command == "controller":
        print(kafka_control.controller(plan))
    elif options.command == "move-leaders":
        print(f"moved={kafka_control.move_leaders(plan, options.prefix)}")
    else:
        kafka_control.wait_until_in_sync(plan)
    return 0


def on_broker(cluster, plan, command, broker):
    if broker not in plan.ports:
        raise RuntimeError(f"broker {broker} is not of this cluster: {', '.join(map(str, plan.ports))}")
    if command == "start":
        cluster.start(broker)
    elif command in ("kill", "stop"):
        cluster.end(broker, {"kill": signal.SIGKILL, "stop": signal.SIGTERM}[command], STOP_SECONDS)
    else:
        cluster.signal(broker, {"pause": signal.SIGSTOP, "resume": signal.SIGCONT}[command])
    return 0


def run(options):
    cluster = kafka_cluster.Cluster(options.dir)
    if options.command == "up":
        return up(cluster, options)
    if options.command == "guard":
        return cluster.guard(options.broker)
    if options.command == "down":
        with cluster.alone():
            cluster.down()
        return 0
    plan = cluster.plan()
    if plan is None:
        print(f"no cluster in {cluster.folder}", file=sys.stderr)
        return NOT_RUNNING
    if options.command == "status":
        return status(cluster, plan)
    if not hasattr(options, "broker"):
        return administer(plan, options)
    return on_broker(cluster, plan, options.command, options.broker)


def main():
    options = arguments()
    try:
        return run(options)
    except kafka_jars.Missing as missing:
        print(f"No Kafka here: {missing}", file=sys.stderr)
        return LEFT_OUT
    except (RuntimeError, ValueError, OSError, subprocess.SubprocessError) as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
