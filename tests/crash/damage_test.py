#!/usr/bin/env python3
"""One changed byte in a small data directory: it is repaired from the log, or the start or the work ends with an error that
names the file and what to do; no other alert, task or message comes out (damage_check.cc). Without --every, a sample of the
bytes of each kind of file, drawn by lot; with it, every byte of small files and of the ends of large ones, and every Nth
between, on all cores."""

import argparse
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/upgrade"))
from small_site import fill, potassium, send, small_site


def with_few_zones(binary, folder):
    """The program in a mount namespace with two time zones: a site publishes all it finds, half of a small directory. Without
    the right to mount it is the program itself, and the directory larger."""
    zones = pathlib.Path("/usr/share/zoneinfo")
    for name in ("UTC", "Asia/Shanghai"):
        (folder / "zones" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(zones / name, folder / "zones" / name)
    small = folder / "vitalog-with-few-zones"
    small.write_text(f"""#!/bin/sh
exec unshare --mount --map-root-user sh -c 'mount --bind {folder}/zones {zones} && exec "$@"' sh {binary} "$@"
""")
    small.chmod(0o755)
    works = subprocess.run([small, "--version"], capture_output=True, check=False).returncode == 0
    return small if works else binary


def write_directories(binary, folder):
    """Two data directories of one site: stopped in order, and killed later."""
    (folder / "site").mkdir()
    (folder / "rules").mkdir()
    shutil.copy(ROOT / "schemas/rules/acute-core.yaml", folder / "rules")
    site = small_site(with_few_zones(binary, folder), folder / "site")
    site.flags += ["--set", f"rules.dir={folder / 'rules'}"]
    fill(site)
    assert site.stop() == 0
    site.start()  # what was in the write-ahead log is in tables from here on
    send(site, *(potassium(f"s{n}", 1 + n % 3, f"{4 + n % 4}.{n}", 15) for n in range(4)))
    site.wait(240)
    assert site.stop() == 0
    shutil.copytree(site.folder / "data", folder / "stopped")
    site.start()
    send(site, *(potassium(f"t{n}", 1 + n % 3, f"{4 + n % 4}.{n}", 16) for n in range(2)))
    site.wait(240)
    send(site, potassium("t9", 8, "4.2", 16))
    site.wait(240, every=0.005)  # what follows from it is not urgent, and may not be on disk yet
    site.kill()
    shutil.copytree(site.folder / "data", folder / "killed")
    shutil.rmtree(site.folder)


COLUMNS = ("bytes", "tried", "same", "dropped", "refused", "stopped", "WRONG")


def check(options, folder, name, *flags):
    scratch = folder / f"scratch-{name}-{'-'.join(flags).replace('/', '-')}"
    return subprocess.Popen([options.damage_check, str(folder / name), str(folder / "then.hl7"), str(scratch), *flags],
                            stdout=subprocess.PIPE, text=True)


def add_up(running):
    """Rows by kind of file, and the worst exit code; what is WRONG is printed as it comes."""
    rows = {}
    for process in running:
        for line in process.stdout:
            words = line.split()
            if words[:1] != ["row"]:
                print(line, end="", flush=True)
                continue
            counts = [int(word) for word in words[2:]]
            before = rows.get(words[1], [0] * len(COLUMNS))
            rows[words[1]] = [counts[0]] + [a + b for a, b in zip(before[1:], counts[1:])]
    return rows, max(process.wait() for process in running)


def show(rows):
    rows = dict(sorted(rows.items()), all=[sum(column) for column in zip(*rows.values())])
    print(f"{'file':24}" + "".join(f"{column:>9}" for column in COLUMNS))
    for kind, counts in rows.items():
        print(f"{kind:24}" + "".join(f"{count:>9}" for count in counts), flush=True)


def main():
    parser = argparse.ArgumentParser(prog="scripts/prove-corruption", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", required="--help" not in sys.argv, help="the vitalog that writes the directories")
    parser.add_argument("--damage-check", required="--help" not in sys.argv, help="the program that changes bytes")
    parser.add_argument("--every", type=int, help="every byte of small files and of the ends of others, every Nth between")
    parser.add_argument("--edges", type=int, default=4096, help="how many bytes these ends have (4096)")
    parser.add_argument("--seconds", type=int, default=0, help="so long for each of the two directories, in an order drawn by lot")
    parser.add_argument("--sample", type=int, default=80, help="bytes of each of the two directories (80)")
    parser.add_argument("--seed", default="1", help="of the lot (1)")
    parser.add_argument("--keep", help="leave the directories there, in a folder that does not exist")
    parser.add_argument("--from", dest="kept", help="such a folder, to try its directories again or to go on with them")
    parser.add_argument("--part", default="1/1", help="of the bytes of --every, I/N: the first of four hours of work is 1/4")
    parser.add_argument("--only", choices=("stopped", "killed"), help="one of the two directories")
    parser.add_argument("--file", help="only this file of the directories, as a path within them")
    options = parser.parse_args()
    part, parts = (int(number) for number in options.part.split("/"))
    if not 1 <= part <= parts:
        parser.error(f"--part {options.part}: name one of {parts}, from 1/{parts} to {parts}/{parts}")
    # In memory where that is possible: nothing here depends on a disk, and each byte costs a few opened files.
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    folder = pathlib.Path(tempfile.mkdtemp(prefix="vitalog-damage-", dir=memory))
    try:
        if options.kept:
            shutil.copytree(options.kept, folder, dirs_exist_ok=True)
        else:
            write_directories(options.binary, folder)
            (folder / "then.hl7").write_bytes(potassium("then", 1, "7.9", 17))
        if options.keep:
            shutil.copytree(folder, options.keep)
        more = ["--seed", options.seed, "--seconds", str(options.seconds)] + (["--file", options.file] if options.file else [])
        processes = len(os.sched_getaffinity(0)) + 1  # each waits a quarter of its time, for threads of its own
        worst = 0
        for name in [options.only] if options.only else ("stopped", "killed"):
            print(f"{name}:", flush=True)
            if options.every:
                running = [check(options, folder, name, "--every", str(options.every), "--edges", str(options.edges), "--part",
                                 f"{n}/{processes * parts}", *more)
                           for n in range((part - 1) * processes, part * processes)]
            else:
                running = [check(options, folder, name, "--sample", str(options.sample), *more)]
            rows, code = add_up(running)
            worst = max(worst, code)
            if rows:
                show(rows)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    sys.exit(worst)


if __name__ == "__main__":
    main()
