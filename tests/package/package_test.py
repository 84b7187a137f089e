#!/usr/bin/env python3
"""The Debian package: built, installed into a folder by dpkg itself, run from there, removed."""

import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))
from running_site import Mllp, Site, ack_code, oru

parser = argparse.ArgumentParser()
parser.add_argument("--build", type=pathlib.Path, required=True, help="folder of a build that is up to date")
options = parser.parse_args()
BUILD = options.build.resolve()


def out(*words):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise AssertionError(f"{words} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
    return done.stdout


class Package(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="vitalog-package-"))
        out("cpack", "--config", BUILD / "CPackConfig.cmake", "-G", "DEB", "-B", cls.folder)
        [cls.package] = cls.folder.glob("vitalog_*.deb")
        cls.root = cls.folder / "root"
        database = cls.root / "var/lib/dpkg"
        for name in ("info", "updates"):
            (database / name).mkdir(parents=True)
        (database / "status").touch()

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder, ignore_errors=True)

    def dpkg(self, *words):
        return out("dpkg", f"--root={self.root}", "--force-depends", "--force-not-root", "--force-script-chrootless", *words)

    def test_it_names_the_libraries_that_the_binary_needs(self):
        depends = out("dpkg-deb", "--field", self.package, "Depends")
        for library in ("libsqlite3-0", "libpqxx", "libssl3", "libsimdjson", "libyaml-cpp", "tzdata"):
            self.assertIn(library, depends)

    def test_install_run_and_remove(self):
        self.dpkg("--install", self.package)
        binary = self.root / "usr/bin/vitalog"
        config = self.root / "etc/vitalog/vitalog.yaml"
        self.assertIn("vitalog 0.", out(binary, "version"))
        out(binary, "config", "check", "--config", config)
        self.assertIn("vitalog", (self.root / "etc/passwd").read_text(), "the user that the service runs as")
        documents = self.root / "usr/share/doc/vitalog"
        for text in [documents / "README.md", *(documents / "docs").glob("*.md")]:
            for link in re.findall(r"\]\(([^)#:]+)[^):]*\)", text.read_text()):
                self.assertTrue((text.parent / link).exists() or not link.startswith(("docs", "schemas")), f"{text.name}: {link}")
        out(binary, "rules", "check", documents / "schemas/rules")

        data = self.root / "var/lib/vitalog"
        self.assertEqual(data.stat().st_mode & 0o777, 0o750)
        site = Site(binary, "--config", str(config), data_dir=data)
        site.start()
        try:
            connection = Mllp(site.mllp)
            self.assertEqual(ack_code(connection.send(oru("P1"))), "AA")
            connection.close()
            site.wait()
            self.assertEqual(site.get("/fhir/Observation?code=2823-3")[0], 200)
            self.assertEqual(site.stop(), 0)
        finally:
            if site.process.poll() is None:
                site.kill()

        self.dpkg("--purge", "vitalog")
        self.assertFalse(binary.exists())
        self.assertFalse(config.exists())
        self.assertTrue((data / "data").is_dir(), "health records outlive the package")

    @unittest.skipUnless(shutil.which("systemd-analyze"), "systemd-analyze is not installed here")
    def test_the_unit_is_one_that_systemd_takes(self):
        unit = self.folder / "vitalog.service"
        text = (pathlib.Path(__file__).resolve().parents[2] / "scripts/debian/vitalog.service").read_text()
        unit.write_text(text.replace("/usr/bin/vitalog", str(BUILD / "vitalog")))
        done = subprocess.run(["systemd-analyze", "verify", "--man=no", str(unit)], capture_output=True, text=True,
                              env=dict(os.environ, SYSTEMD_LOG_LEVEL="warning"), check=False)
        complaints = [line for line in done.stderr.splitlines() if "vitalog.service" in line]
        self.assertEqual(complaints, [])


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]])
