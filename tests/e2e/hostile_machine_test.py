#!/usr/bin/env python3
"""A site on a machine that goes bad: the disk is full or read-only, files or memory run out, the clock is set back a day.
What an operator then sees is in docs/operations.md ("When the machine goes bad")."""

import errno
import os
import pathlib
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from running_site import Mllp, Site, ack_code, oru, wait_until

BINARY = os.environ["VITALOG_BINARY"]
SUPPORT = pathlib.Path(__file__).resolve().parent.parent / "support"
SANITIZED = os.environ.get("VITALOG_SANITIZED") == "1"
DAY = 86_400
LONG = 240  # seconds: a limit, never a duration that is expected


def memory_of(site, what):
    """A line of the process's status, in bytes."""
    status = pathlib.Path(f"/proc/{site.process.pid}/status").read_text().splitlines()
    return int(next(line for line in status if line.startswith(what + ":")).split()[1]) * 1024


class Mounted:
    """A small file system in memory, where mounting is allowed."""

    def __init__(self, size):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="vitalog-mount-"))
        if subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(self.path)], capture_output=True,
                          check=False).returncode != 0:
            self.path.rmdir()
            raise unittest.SkipTest("mounting is not allowed here")

    def read_only(self, on):
        done = subprocess.run(["mount", "-o", "remount," + ("ro" if on else "rw"), str(self.path)], capture_output=True, check=False)
        return done.returncode == 0

    def remove(self):
        subprocess.run(["umount", "-l", str(self.path)], check=False)
        self.path.rmdir()


def preload(name, folder):
    """A library of tests/support, built there."""
    library = folder / (name + ".so")
    done = subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", str(library), str(SUPPORT / (name + ".c")), "-ldl"],
                          capture_output=True, check=False)
    if done.returncode != 0:
        raise unittest.SkipTest("there is no C compiler: " + done.stderr.decode()[-200:])
    return library


class HostileMachine(unittest.TestCase):
    def site(self, *flags, data_dir=None, environment=None):
        site = Site(BINARY, *flags, data_dir=data_dir, environment=environment)
        self.addCleanup(site.remove)
        return site

    def log_of(self, site):
        return site.log_path.read_text()

    def send(self, site, name, patient="1", value="4.1", **more):
        """The code of the answer; nothing where the connection or the process is gone."""
        try:
            sender = Mllp(site.mllp)
            try:
                return ack_code(sender.send(oru(name, patient=patient, value=value, order="O-" + name, **more)))
            finally:
                sender.close()
        except OSError:
            return None

    def feed(self, site):
        return [value.split(b"|", 10)[9].decode() for _, value in site.topic("feed.his")]

    def expect_all(self, site, accepted):
        site.wait(LONG)
        feed = self.feed(site)
        self.assertEqual([name for name in accepted if feed.count(name) != 1], [])

    def test_disk_reserve(self):
        """Below log.disk_reserve senders are refused and keep their messages; the rest works; space ends it."""
        mounted = Mounted("256m")
        self.addCleanup(mounted.remove)
        site = self.site("--set", "log.disk_reserve=32MiB", "--set", "log.partitions=1", data_dir=mounted.path)
        site.start()
        self.assertEqual(self.send(site, "before"), "AA")
        ballast = mounted.path / "ballast"
        free = shutil.disk_usage(mounted.path).free
        ballast.write_bytes(b"x" * (free - (24 << 20)))
        self.assertEqual(self.send(site, "refused"), "AE")
        self.assertEqual(site.get("/healthz")[0], 200)
        self.assertEqual(site.get("/fhir/Observation")[0], 200)
        ballast.unlink()
        self.assertEqual(self.send(site, "after"), "AA")
        self.expect_all(site, ["before", "after"])
        self.assertNotIn("refused", self.feed(site))
        self.assertEqual(site.stop(), 0)

    def test_disk_full(self):
        """With no space left at all the process ends with an error that says so; with space it goes on, and nothing is lost."""
        mounted = Mounted("64m")
        self.addCleanup(mounted.remove)
        site = self.site("--set", "log.disk_reserve=0", "--set", "log.partitions=1", data_dir=mounted.path)
        with tempfile.NamedTemporaryFile(prefix="vitalog-log-", delete=False) as elsewhere:
            site.log_path = pathlib.Path(elsewhere.name)
        self.addCleanup(site.log_path.unlink)
        site.start()
        accepted = ["m0"]
        self.assertEqual(self.send(site, "m0"), "AA")
        with open(mounted.path / "ballast", "wb") as ballast:
            try:
                while True:
                    ballast.write(b"x" * 65536)
                    ballast.flush()
            except OSError:
                pass
        wait_until(lambda: self.try_to_send(site, accepted), "a process on a full disk ends", LONG)
        self.assertEqual(site.ended(), 1)
        (mounted.path / "ballast").unlink()
        self.assertIn("No space left on device", self.log_of(site))
        site.start()
        self.assertEqual(self.send(site, "after"), "AA")
        self.expect_all(site, accepted + ["after"])
        self.assertEqual(site.stop(), 0)

    def test_read_only_disk(self):
        """A disk that turned read-only refuses the start with exit code 3, and names the file."""
        mounted = Mounted("64m")
        self.addCleanup(mounted.remove)
        site = self.site("--set", "log.disk_reserve=0", "--set", "log.partitions=1", data_dir=mounted.path)
        site.start()
        self.assertEqual(self.send(site, "m0"), "AA")
        site.wait(LONG)
        self.assertEqual(site.stop(), 0)
        if not mounted.read_only(True):
            self.skipTest("remounting is not allowed here")
        refused = site.command("run", "--data-dir", str(site.folder / "data"), *site.flags)
        mounted.read_only(False)
        self.assertEqual(refused.returncode, 3, refused.stderr)
        self.assertIn(str(site.folder / "data"), refused.stderr)
        self.assertIn("Read-only file system", refused.stderr)
        site.start()
        self.expect_all(site, ["m0"])
        self.assertEqual(site.stop(), 0)

    @unittest.skipIf(SANITIZED, "a sanitizer wants to be loaded first")
    def test_disk_goes_bad_under_the_running_site(self):
        """Full, read-only or broken: the process ends and says why; once the disk is good again the next one has everything."""
        for error, text, at_start in ((errno.ENOSPC, "No space left on device", 1), (errno.EROFS, "Read-only file system", 3),
                                      (errno.EIO, "Input/output error", 1)):
            with self.subTest(text):
                folder = pathlib.Path(tempfile.mkdtemp(prefix="vitalog-disk-"))
                self.addCleanup(shutil.rmtree, folder, True)
                state = folder / "error"
                state.write_bytes(b"\0")
                site = self.site("--set", "log.partitions=1", "--set", "log.disk_reserve=0", data_dir=folder / "site", environment={
                    "LD_PRELOAD": str(preload("bad_disk", folder)), "BAD_DISK_FILE": str(state),
                    "BAD_DISK_FOLDER": str(folder / "site/data")})
                site.folder.mkdir()
                site.start()
                accepted = [f"m{n}" for n in range(3)]
                for name in accepted:
                    self.assertEqual(self.send(site, name), "AA")
                self.set_error(state, error)
                wait_until(lambda: self.try_to_send(site, accepted), "a process on a bad disk ends", LONG)
                self.assertEqual(site.ended(), 1)
                self.assertIn(text, self.log_of(site))
                refused = site.command("run", "--data-dir", str(site.folder / "data"), *site.flags)
                self.assertEqual(refused.returncode, at_start, refused.stderr)
                self.assertIn(text, refused.stderr)
                self.assertIn(str(site.folder / "data"), refused.stderr)
                self.set_error(state, 0)
                site.start()
                self.assertEqual(self.send(site, "after"), "AA")
                self.expect_all(site, accepted + ["after"])
                self.assertEqual(site.stop(), 0)

    def set_error(self, state, error):
        with open(state, "r+b") as file:
            file.write(bytes([error]))

    def try_to_send(self, site, accepted):
        """Sends one more; True once the process has ended. What was answered AA is to be there."""
        name = f"bad{len(accepted)}-{time.monotonic_ns()}"
        if self.send(site, name) == "AA":
            accepted.append(name)
        return site.process.poll() is not None

    def limited(self, site, what, limit):
        """Starts a site under a limit of its own, and gives the run's answer or the text of its end."""
        with open(site.log_path, "a") as log:
            site.process = subprocess.Popen(
                [site.binary, "run", "--data-dir", str(site.folder / "data"), "--mllp", site.mllp, "--http",
                 f"127.0.0.1:{site.http_port}", *site.flags], env=site.environment, stdout=subprocess.PIPE, stderr=log, text=True,
                preexec_fn=lambda: resource.setrlimit(what, (limit, limit)))
        return site.process.stdout.readline()

    @unittest.skipIf(SANITIZED, "a sanitizer opens files of its own to look at memory")
    def test_too_many_files(self):
        """A start that runs out of files says so; connections beyond the limit wait or are refused, and the site lives."""
        site = self.site("--set", "log.partitions=1")
        site.start()
        self.assertEqual(self.send(site, "m0"), "AA")
        used = len(os.listdir(f"/proc/{site.process.pid}/fd"))
        site.wait(LONG)
        self.assertEqual(site.stop(), 0)
        self.assertEqual(self.limited(site, resource.RLIMIT_NOFILE, 24), "")
        self.assertEqual(site.ended(), 1)
        self.assertIn("Too many open files", self.log_of(site))
        self.assertTrue(self.limited(site, resource.RLIMIT_NOFILE, used + 40))
        host, port = site.mllp.rsplit(":", 1)
        crowd = []
        try:
            for _ in range(120):
                crowd.append(socket.create_connection((host, int(port)), timeout=5))
        except OSError:
            pass
        for one in crowd:
            one.close()
        wait_until(lambda: self.send(site, "after") in ("AA",), "a message is taken once the crowd has gone", LONG)
        self.expect_all(site, ["m0", "after"])
        self.assertEqual(site.stop(), 0)

    @unittest.skipIf(SANITIZED, "a sanitizer reserves all addresses")
    def test_memory_limit(self):
        """Out of memory the process ends; the next one, with memory, has everything."""
        site = self.site("--set", "log.partitions=1")
        site.start()
        self.assertEqual(self.send(site, "m0"), "AA")
        size = memory_of(site, "VmPeak")
        site.wait(LONG)
        self.assertEqual(site.stop(), 0)
        self.assertEqual(self.limited(site, resource.RLIMIT_AS, size // 4), "")
        self.assertEqual(site.ended(), 1)
        self.assertIn("raise that limit", self.log_of(site))
        site.start()
        self.assertEqual(self.send(site, "after"), "AA")
        self.expect_all(site, ["m0", "after"])
        self.assertEqual(site.stop(), 0)

    @unittest.skipIf(SANITIZED, "a sanitizer reserves all addresses")
    def test_memory_runs_out_under_the_running_site(self):
        """At the limit the process ends, by itself or by a signal; what it had answered is there in the next."""
        site = self.site("--set", "log.partitions=1")
        site.start()
        self.assertEqual(self.send(site, "m0"), "AA")
        resource.prlimit(site.process.pid, resource.RLIMIT_AS, (memory_of(site, "VmSize"),) * 2)
        accepted = ["m0"]

        def send(sender):
            for n in range(100_000):
                name = f"s{sender}m{n}"
                if self.send(site, name, patient=f"{sender}{n}", value="7.6") == "AA":
                    accepted.append(name)
                elif site.process.poll() is not None:
                    return

        senders = [threading.Thread(target=send, args=(sender,)) for sender in range(6)]
        for sender in senders:
            sender.start()
        ended = site.ended()
        for sender in senders:
            sender.join()
        self.assertTrue(ended == 1 and "raise that limit" in self.log_of(site) or ended < 0, (ended, self.log_of(site)))
        self.assertGreater(len(accepted), 1)
        site.start()
        self.expect_all(site, accepted)
        self.assertEqual(site.stop(), 0)

    @unittest.skipIf(SANITIZED, "a sanitizer wants to be loaded first")
    def test_clock_set_back_a_day(self):
        """Received times go back with the clock; nothing is refused, lost or said twice, and what is due waits for its time."""
        folder = pathlib.Path(tempfile.mkdtemp(prefix="vitalog-clock-"))
        self.addCleanup(shutil.rmtree, folder, True)
        shift = folder / "shift"
        shift.write_text("0")
        library = preload("clock_shift", folder)
        site = self.site("--set", "log.partitions=1", environment={"LD_PRELOAD": str(library), "CLOCK_SHIFT_FILE": str(shift)})
        site.start()
        today = {"time": time.strftime("%Y%m%d%H%M%S", time.gmtime(time.time() + 8 * 3600))}

        def breached():
            return {state["task"] for state in site.events("task-board") if state.get("breached")}

        self.assertEqual(self.send(site, "m0", value="7.5", **today), "AA")
        site.wait(LONG)
        task, = {state["task"] for state in site.events("task-board")}
        before = len([e for e in site.events("alert") if e["state"] == "raised"])
        shift.write_text(str(-DAY))
        time.sleep(2.5)
        for n in range(5):
            self.assertEqual(self.send(site, f"back{n}", patient=str(2 + n), value="7.6"), "AA")
        self.assertEqual(self.send(site, "m0", value="7.5", **today), "AA", "a repeat is known still")
        self.expect_all(site, ["m0"] + [f"back{n}" for n in range(5)])
        raised = [e["id"] for e in site.events("alert") if e["state"] == "raised"]
        self.assertEqual(len(raised), len(set(raised)))
        self.assertEqual(len(raised), before + 5, "one for each patient with a critical value")
        self.assertEqual(breached(), set())
        self.assertEqual(site.stop(), 0)
        site.start()
        self.assertEqual(self.send(site, "again", patient="9"), "AA")
        shift.write_text("0")
        time.sleep(2.5)
        self.assertEqual(self.send(site, "forward", patient="10"), "AA")
        self.expect_all(site, ["again", "forward"])
        self.assertNotIn(task, breached())
        shift.write_text(str(61 * 60))
        wait_until(lambda: task in breached(), "the task's hour waits for its time, and ends", LONG)
        self.assertEqual(site.stop(), 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
