#!/usr/bin/env python3
"""Runs embedded_log_faults_test each seed in a process of its own: faults_by_seed.py PROGRAM FIRST LAST

RocksDB, as Debian builds it, ends the process by an assertion where a flush in the background syncs a log file in which a
write has just failed (docs/reliability.md, Known). Such an end says nothing of the seeds of that process; there may be some, not many:
one of 40 was seen, one of eight is let through."""

import os
import subprocess
import sys

ASSERTION = "sync_without_flush_called_"
SEEDS_A_PROCESS = 1
ENDED_ONE_IN = 8


def main():
    program, first, last = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    starts = range(first, last + 1, SEEDS_A_PROCESS)
    ended = 0
    for start in starts:
        seeds = f"{start}..{min(start + SEEDS_A_PROCESS - 1, last)}"
        done = subprocess.run([program], env=dict(os.environ, VITALOG_FAULT_SEEDS=seeds), capture_output=True, text=True,
                              errors="replace")
        if done.returncode == 0:
            continue
        if ASSERTION not in done.stderr:
            print(done.stdout[-8000:], done.stderr[-8000:], f"seeds {seeds}: exit code {done.returncode}", sep="\n")
            return 1
        print(f"seeds {seeds}: RocksDB asserted")
        ended += 1
    print(f"{len(starts) - ended} of {len(starts)} processes ran their seeds")
    return 0 if ended * ENDED_ONE_IN <= len(starts) else 1


if __name__ == "__main__":
    sys.exit(main())
