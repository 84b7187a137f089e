#!/usr/bin/env python3
"""Data directories of the versions that are still read (tests/data/directories) open: everything is there, and goes on. Those
of other versions are refused with an error that says who wrote them. VITALOG_BINARY names the program."""

import json
import pathlib
import subprocess
import tarfile
import tempfile
import unittest

from small_site import BINARY, LATER, digest, potassium, seen, send, small_site, with_provider

DIRECTORIES = sorted((pathlib.Path(__file__).resolve().parent.parent / "data/directories").glob("format-*.tar.xz"))
# A stored form was changed so that what others have on their disks can't be read, or reads differently.
CHANGED = ("; read the form of before, too; where a program of before can't read the new one, raise DataDirectory::kVersion, say "
           "so in docs/operations.md (Upgrade), and write a directory of the new version with tests/upgrade/write_directory.py")


class Unpacked(unittest.TestCase):
    def unpack(self, path):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="vitalog-upgrade-"))
        with tarfile.open(path) as archive:
            archive.extractall(folder)
        site = small_site(BINARY, folder)
        self.addCleanup(site.remove)
        return site

    def run_once(self, site):
        return site.command("run", "--data-dir", str(site.folder / "data"), *site.flags)


class Upgrade(Unpacked):
    def sender(self, site, expected):
        """Where the directory's site sent messages, it goes on to; null: it did not."""
        if "sent" not in expected:
            return None
        sim = with_provider(site)
        self.addCleanup(sim.stop)
        return sim

    def start(self, site):
        """As the operations page says: where the views' tables are others by now, they are filled again from the log."""
        try:
            site.start()
        except RuntimeError as refused:
            self.assertIn("views rebuild", str(refused), "the directory is refused" + CHANGED)
            self.assertNotIn("checksum", str(refused), "nothing is damaged")
            settings = [word for at, word in enumerate(site.flags) if "--set" in (word, site.flags[at - 1])]
            rebuilt = site.command("views", "rebuild", "--data-dir", str(site.folder / "data"), *settings)
            self.assertEqual(rebuilt.returncode, 0, rebuilt.stderr)
            site.start()
        site.wait(240)

    def check_old(self, site, expected):
        for topic, had in expected["topics"].items():
            values = [value for _, value in site.topic(topic)][:had["records"]]
            self.assertEqual((len(values), digest(values)), (had["records"], had["sha256"]), topic + CHANGED)
        self.assertEqual(seen(site)["archive"], expected["archive"], CHANGED)

    def go_on(self, site, expected):
        """State is there: a repeat is known, an episode goes on without a second alert, a task is decided, new ones come."""
        feed = expected["topics"]["feed.his"]["records"]
        self.assertEqual(send(site, potassium("k2", 1, "6.8", 15)), ["AA"])
        site.wait(240)
        self.assertEqual(len(list(site.topic("feed.his"))), feed, "a repeat is known")
        raised = self.raised(site)
        self.assertEqual(send(site, potassium("n1", 2, "7.2", 16), potassium("n2", 7, "7.3", 16)), ["AA", "AA"])
        site.wait(240)
        self.assertEqual(len(self.raised(site)), len(raised) + 1, "one for the new patient, none for the open episode")
        task = next(entry["resource"] for entry in site.get("/fhir/Task?status=requested&_sort=due")[1]["entry"])
        self.assertEqual(site.post(f"/fhir/Task/{task['id']}/$confirm", {"text": "yes"}, user="li")[1]["status"], "completed")
        self.assertEqual(site.post("/admin/clock", {"now": "2026-11-21T08:39:00Z"})[0], 409, "time goes on from " + LATER)
        self.assertEqual(site.person("MRN|4"), expected["persons"]["3"], "they were merged")

    def raised(self, site):
        return {event["id"] for event in site.events("alert") if event["state"] == "raised"}

    def test_directories_of_versions_that_are_read(self):
        self.assertTrue(DIRECTORIES)
        for path in DIRECTORIES:
            with self.subTest(path.name):
                site = self.unpack(path)
                expected = json.loads((site.folder / "expected.json").read_text())
                sim = self.sender(site, expected)
                self.start(site)
                self.check_old(site, expected)
                self.go_on(site, expected)
                if sim:
                    sent = [message["intent"] for message in sim.sent()]
                    self.assertTrue(sent, "messages about what is new")
                    self.assertFalse(set(sent) & set(expected["sent"]), "nothing is sent twice")
                self.assertEqual(site.stop(), 0)
                site.start()
                self.assertEqual(site.stop(), 0)
                self.check_audit(site)

    def check_audit(self, site):
        """The chain holds over what older programs wrote; what they decided otherwise is theirs, and was not changed."""
        audit = site.command("audit", "verify", "--stage", "all", "--data-dir", str(site.folder / "data"))
        self.assertIn(audit.returncode, (0, 1), audit.stderr)
        if audit.returncode == 1:
            self.assertIn("another binary", audit.stdout)
            self.assertNotIn("was changed", audit.stdout)

    def test_a_start_that_is_killed_is_made_again(self):
        for seconds in (0.02, 0.06, 0.15, 0.4):
            with self.subTest(seconds):
                site = self.unpack(DIRECTORIES[0])
                expected = json.loads((site.folder / "expected.json").read_text())
                sim = self.sender(site, expected)
                process = self.begin(site)
                try:
                    process.wait(seconds)
                except subprocess.TimeoutExpired:
                    process.kill()
                process.communicate()
                self.start(site)
                self.check_old(site, expected)
                self.go_on(site, expected)
                self.assertFalse({message["intent"] for message in sim.sent()} & set(expected["sent"]), "nothing is sent twice")
                self.assertEqual(site.stop(), 0)

    def begin(self, site):
        return subprocess.Popen([BINARY, "run", "--data-dir", str(site.folder / "data"), "--mllp", site.mllp, "--http",
                                 f"127.0.0.1:{site.http_port}", *site.flags], env=site.environment, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE)


class OtherVersions(Unpacked):
    def test_are_refused_and_named(self):
        for format, writer in (("VLOG 0", "an older version"), ("VLOG 99", "a newer version")):
            site = self.unpack(DIRECTORIES[-1])
            before = {path: path.read_bytes() for path in (site.folder / "data/db").iterdir()}
            (site.folder / "data/format").write_text(format + "\n")
            refused = self.run_once(site)
            self.assertEqual(refused.returncode, 3, refused.stderr)
            self.assertIn(str(site.folder / "data/format"), refused.stderr)
            self.assertIn(writer, refused.stderr)
            self.assertEqual({path: path.read_bytes() for path in (site.folder / "data/db").iterdir()}, before, "nothing was touched")


if __name__ == "__main__":
    unittest.main(verbosity=2)
