#!/usr/bin/env python3
"""The running process under load from a sender on the same machine, over MLLP, fsync before each ACK.

  mllp_bench.py BINARY [--kafka] [--messages N] [--connections N] [--seed N] [--set KEY=VALUE]...
      ORU results as fast as they are taken: messages/s, how far each stage is behind meanwhile, and when it is through.
  mllp_bench.py BINARY --alerts [--rate N] [--every N] ...
      At a steady rate, messages of new patients, every Nth (each) with a critical potassium: received to alert on disk, as a reader
      sees it who polls GET /topics/alert/P (which syncs the log before it answers). The poll's own delay is in the figure.
  --warm-up N: so many messages go through first, at the same rate, and are not counted (a fresh broker is slow until Java has
      compiled what it does often).
  --kafka: on a broker of its own on this machine (scripts/kafka); alerts are read by a client of the cluster, read_committed.

Messages come from one real ORU of tests/data/hl7/simhospital.hl7 with new control ids and patients. Checks that every
message was taken, that every one came through intake, and (--alerts) that every critical one raised its alert.
"""

import argparse
import contextlib
import json
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time

from site_under_load import AlertWatch, Broker, ForeignAlertWatch, Run, load_average, percentiles

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests/e2e"))
import clients

STAGES = ("intake", "identity", "care", "desk", "notify", "views")


def template(alerts):
    text = (ROOT / "tests/data/hl7/simhospital.hl7").read_text()
    for message in text.split("\n\n"):
        if "|ORU^R01|" in message and "Potassium" in message and "Creatinine" in message:
            message = message.strip().replace("\n", "\r")
            if alerts:
                message = re.sub(r"(OBX\|\d+\|NM\|[^|]*Potassium[^|]*\|[^|]*\|)[^|]*", r"\g<1>7.10", message)
            return message
    sys.exit("simhospital.hl7 has no result with potassium and creatinine")


def parts_of(base, stamp):
    """A message around its control id."""
    base = re.sub(r"\b20\d{12}\b", stamp, base)
    return re.match(r"(MSH(?:\|[^|]*){8}\|)([^|]*)(\|.*)", base, re.S).groups()


def write_messages(path, prefix, count, patients, every, seed):
    """`prefix` of the control ids; `patients`: how many there are; a message of each in turn, every Nth one critical (0: none).
    Times are now, so that nothing is retrospective."""
    base = template(False)
    mrn = re.search(r"PID\|1\|(\d+)\^", base).group(1)
    nhs = re.search(r"~(\d+)\^\^\^NHSNBR", base).group(1)
    first = random.Random(seed).randrange(10**9)
    stamp = time.strftime("%Y%m%d%H%M%S", time.gmtime(time.time() + 8 * 3600))
    filler = re.search(r"OBR\|\d+\|([^|]*)\|([^|]*)\|", base).groups()
    head, _, usual = parts_of(base, stamp)
    critical = parts_of(template(True), stamp)[2]
    with open(path, "w") as out:
        for i in range(count):
            person = first + i % patients
            tail = critical if every and i % every == 0 else usual
            body = tail.replace(mrn, f"3{person:010}").replace(nhs, f"4{person:010}")
            for number in filter(None, set(filler)):
                body = body.replace(f"|{number}|", f"|{number}-{i}|")
            out.write(f"{head}{prefix}{i}{body}\n\n".replace("\r", "\n"))
    return len(base) + 10


def send(arguments, run, messages, rate=None):
    command = [arguments.binary, "send-hl7", str(messages), "--to", run.mllp, "--connections", str(arguments.connections), "--quiet"]
    return subprocess.run(command + (["--rate", str(rate)] if rate else []), capture_output=True, text=True)


def warm_up(arguments, run, folder):
    messages = folder / "warm-up.hl7"
    write_messages(messages, "W", arguments.warm_up, arguments.warm_up, 0, arguments.seed + 1)
    send(arguments, run, messages, arguments.rate if arguments.alerts else None)
    begun = time.monotonic()
    while any((lag := run.lag()).get(stage, 1) for stage in STAGES) and time.monotonic() < begun + arguments.patience:
        time.sleep(0.1)
    print(f"warmed up with {arguments.warm_up} messages, through {time.monotonic() - begun:.1f} s after the last; behind: {lag}")


def throughput(arguments, run, messages):
    samples = []
    done = threading.Event()

    def watch():
        while not done.wait(0.25):
            samples.append(run.lag())

    watcher = threading.Thread(target=watch)
    watcher.start()
    begun = time.monotonic()
    sent = send(arguments, run, messages)
    seconds = time.monotonic() - begun
    done.set()
    watcher.join()
    print(sent.stdout.strip() or sent.stderr.strip())
    rate = arguments.messages / seconds
    through = {}
    while len(through) < len(STAGES) and time.monotonic() - begun < seconds + arguments.patience:
        for stage, lag in run.lag().items():
            if lag == 0 and stage not in through:
                through[stage] = time.monotonic() - begun - seconds
        time.sleep(0.02)
    for stage in STAGES:
        most = max((sample.get(stage, 0) for sample in samples), default=0)
        print(f"{stage}: at most {most} records behind; through {through.get(stage, float('nan')):.2f} s after the last ACK")
    feed = sum(json.loads(f'[{",".join(run.get(f"/topics/dead-letter/{p}?max=1").splitlines())}]') != [] for p in range(1))
    print(f"{rate:.0f} messages/s by the sender's wall clock")
    run.report_cpu()
    ok = sent.returncode == 0 and f"accepted {arguments.messages} " in sent.stdout and not feed
    return ok


def latency(arguments, run, messages):
    watch = ForeignAlertWatch(arguments.kafka, run.partitions("alert")) if arguments.kafka else AlertWatch(run)
    sent = send(arguments, run, messages, arguments.rate)
    print(sent.stdout.strip() or sent.stderr.strip())
    wanted = -(-arguments.messages // arguments.every)
    seen = watch.finish(wanted, arguments.patience)
    print(f"received to alert seen on disk: {percentiles(seen.values())}, {len(seen)} alerts")
    return sent.returncode == 0 and len(seen) == wanted


def main():
    if "--kafka" in sys.argv:
        clients.enter_kafka_environment("mllp_bench")
        os.environ.pop("VITALOG_VENV", None)  # the site refuses what it does not read
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary")
    parser.add_argument("--messages", type=int, default=200_000)
    parser.add_argument("--patients", type=int, default=50_000)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--alerts", action="store_true")
    parser.add_argument("--rate", type=int, default=2000)
    parser.add_argument("--every", type=int, default=1, help="with --alerts: every Nth message is critical")
    parser.add_argument("--warm-up", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--patience", type=float, default=120)
    parser.add_argument("--keep", action="store_true", help="leave the data directory and the log")
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument("--kafka", action="store_true")
    arguments = parser.parse_args()
    if arguments.alerts:
        arguments.patients = arguments.messages
    folder = pathlib.Path(tempfile.mkdtemp(prefix="vitalog-mllp-bench-"))
    try:
        with Broker(folder) if arguments.kafka else contextlib.nullcontext() as arguments.kafka:
            if arguments.kafka:
                arguments.set += ["log.kind=kafka", f"log.brokers={arguments.kafka}"]
            ok = measure(arguments, folder)
    finally:
        if arguments.keep:
            print(f"kept {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    if not ok:
        sys.exit("wrong result: not every message was taken, came through or raised its alert")


def measure(arguments, folder):
    messages = folder / "messages.hl7"
    size = write_messages(messages, "B", arguments.messages, arguments.patients, arguments.every if arguments.alerts else 0,
                          arguments.seed)
    print(f"{arguments.messages} messages of {size} bytes, {arguments.patients} patients, {arguments.connections} connections, "
          f"seed {arguments.seed}, settings {arguments.set or 'as built'}, load average {load_average()} before")
    run = Run(arguments.binary, arguments.set, folder)
    try:
        if arguments.warm_up:
            warm_up(arguments, run, folder)
        return (latency if arguments.alerts else throughput)(arguments, run, messages)
    finally:
        run.stop()


if __name__ == "__main__":
    main()
