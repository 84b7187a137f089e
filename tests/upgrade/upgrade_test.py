#!/usr/bin/env python3
"""Data directories of the versions that are still read (tests/data/directories) open: everything is there, and goes on. Those
of other versions are refused with an error that says who wrote them. VITALOG_BINARY names the program."""

import json
import pathlib
import tarfile
import tempfile
import unittest

from small_site import BINARY, LATER, digest, potassium, seen, send, small_site

DIRECTORIES = sorted((pathlib.Path(__file__).resolve().parent.parent / "data/directories").glob("format-*.tar.xz"))
# A stored form was changed so that what others have on their disks can't be read, or reads differently.
CHANGED = ("; either read the form of before too, or raise kFormatVersions in topology/log/data_directory.cc, say so in "
           "docs/operations.md (Upgrade), remove this directory and write a new one with tests/upgrade/write_directory.py")


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
    def start(self, site):
        """As the operations page says: where the views' tables are others by now, they are filled again from the log."""
        try:
            site.start()
        except RuntimeError as refused:
            self.assertIn("views rebuild", str(refused), "the directory is refused" + CHANGED)
            rebuilt = site.command("views", "rebuild", "--data-dir", str(site.folder / "data"))
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
                self.start(site)
                self.check_old(site, expected)
                self.go_on(site, expected)
                self.assertEqual(site.stop(), 0)
                site.start()
                self.assertEqual(site.stop(), 0)


class OtherVersions(Unpacked):
    def test_are_refused_and_named(self):
        for format, writer in (("VLOG 1", "an older version"), ("VLOG 99", "a newer version")):
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
