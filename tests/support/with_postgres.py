#!/usr/bin/env python3
"""Runs commands with a PostgreSQL server of their own: a cluster in a temporary folder, reached by a Unix socket there,
gone afterwards.

    with_postgres.py COMMAND [ARGUMENT]... [-- COMMAND [ARGUMENT]...]...

VITALOG_TEST_POSTGRES holds the URL, with @ for the database's name; VITALOG_TEST_POSTGRES_CRASH a command that ends the
server as a crash would and starts it again. Exit 77 (left out) where Debian's PostgreSQL 15 is not installed."""

import os
import pathlib
import pwd
import shutil
import subprocess
import sys
import tempfile

BINARIES = pathlib.Path("/usr/lib/postgresql/15/bin")
LEFT_OUT = 77
# The server's processes may be killed, the machine is not: nothing has to wait for the disk.
SETTINGS = {"listen_addresses": "''", "fsync": "off", "full_page_writes": "off", "max_connections": "60",
            "shared_buffers": "'128MB'", "max_wal_size": "'1GB'"}


def as_user():
    """initdb refuses root: words that run a command as somebody else, and who that is."""
    if os.geteuid() != 0:
        return [], None
    for name in ("postgres", "nobody"):
        try:
            return ["runuser", "-u", name, "--"], pwd.getpwnam(name)
        except KeyError:
            continue
    return None, None


class Server:
    def __init__(self):
        self.words, self.owner = as_user()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="vitalog-postgres-"))
        if self.owner:
            os.chown(self.folder, self.owner.pw_uid, self.owner.pw_gid)
        self.data = self.folder / "data"

    def run(self, *words):
        subprocess.run([*self.words, *map(str, words)], check=True, cwd="/", stdout=subprocess.DEVNULL)

    def start(self):
        self.run(BINARIES / "initdb", "-D", self.data, "-U", "vitalog", "-A", "trust", "-E", "UTF8", "--no-locale",
                 "--no-sync")
        with open(self.data / "postgresql.conf", "a") as settings:
            for name, value in {**SETTINGS, "unix_socket_directories": f"'{self.folder}'"}.items():
                settings.write(f"{name} = {value}\n")
        crash = self.folder / "crash"
        control = " ".join([*self.words, str(BINARIES / "pg_ctl"), "-D", str(self.data), "-w"])
        crash.write_text(f"#!/bin/sh\ncd /\n{control} stop -m immediate >/dev/null\n"
                         f"{control} -l {self.folder}/log start >/dev/null\n")
        crash.chmod(0o755)
        self.run(BINARIES / "pg_ctl", "-D", self.data, "-w", "-l", self.folder / "log", "start")
        host = str(self.folder).replace("/", "%2F")
        return {"VITALOG_TEST_POSTGRES": f"postgresql:///@?host={host}&user=vitalog",
                "VITALOG_TEST_POSTGRES_CRASH": str(crash)}

    def stop(self):
        if (self.data / "postmaster.pid").exists():
            self.run(BINARIES / "pg_ctl", "-D", self.data, "-w", "stop", "-m", "immediate")
        shutil.rmtree(self.folder, ignore_errors=True)


def commands(words):
    """The words between `--`."""
    all_of_them = [[]]
    for word in words:
        if word == "--":
            all_of_them.append([])
        else:
            all_of_them[-1].append(word)
    return all_of_them


def main():
    words, _ = as_user()
    if not (BINARIES / "initdb").exists() or words is None:
        print("left out: PostgreSQL 15 is not installed (apt-get install postgresql-15)")
        return LEFT_OUT
    server = Server()
    try:
        environment = {**os.environ, **server.start()}
        failed = 0
        for command in commands(sys.argv[1:]):
            failed = subprocess.run(command, env=environment).returncode or failed
        return failed
    finally:
        server.stop()


if __name__ == "__main__":
    sys.exit(main())
