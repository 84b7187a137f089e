"""Apache Kafka's published artifacts, by Maven's own `dependency:copy-dependencies`; kept below the user's cache folder, so
that a version is fetched once. Needs java and mvn on the PATH."""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import zipfile

VERSIONS = {"3.9": "3.9.2", "4": "4.3.1"}
FETCH_SECONDS = 540
SLF4J = "1.7.36"  # what Kafka's own jars ask for
POM = """<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>vitalog</groupId><artifactId>kafka-broker</artifactId><version>1</version>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>{version}</version></dependency>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka-tools</artifactId><version>{version}</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>{slf4j}</version></dependency>
  </dependencies>
</project>
"""


class Missing(Exception):
    """Something that this machine lacks and can't get: tests that need it are left out."""


def exact_version(version):
    """"4" is the newest 4.x that the tests know; "4.1.0" is itself."""
    exact = VERSIONS.get(version, version)
    if not re.fullmatch(r"\d+\.\d+\.\d+", exact):
        raise ValueError(f"--version {version}: give {', '.join(VERSIONS)} or an exact version as 4.1.0")
    return exact


def check_java(version):
    needed = 17 if int(version.split(".")[0]) >= 4 else 11
    try:
        said = subprocess.run(["java", "-version"], capture_output=True, text=True, timeout=60).stderr
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Missing(f"java does not run ({error}): apt-get install default-jre-headless") from error
    found = re.search(r'version "(?:1\.)?(\d+)', said)
    if not found or int(found.group(1)) < needed:
        raise Missing(f"Kafka {version} needs Java {needed} or later; `java -version` says: {said.splitlines()[:1]}")


def cache_folder():
    base = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    return pathlib.Path(base) / "vitalog"


def jars(version):
    """The folder with the jars of an exact version, fetched when it is not there yet."""
    folder = cache_folder() / f"kafka-{version}"
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="fetch-") as scratch:
        copied = pathlib.Path(scratch) / "jars"
        pom = pathlib.Path(scratch) / "pom.xml"
        pom.write_text(POM.format(version=version, slf4j=SLF4J))
        copy_dependencies(pom, copied, version)
        for other in copied.glob("slf4j-reload4j-*.jar"):  # one logger binding: slf4j-simple, to standard error
            other.unlink()
        try:
            copied.rename(folder)
        except OSError:  # another process was first
            if not folder.is_dir():
                raise
    return folder


def copy_dependencies(pom, into, version):
    if not shutil.which("mvn"):
        raise Missing("mvn is not here, and it fetches Kafka's artifacts: apt-get install maven")
    try:
        got = subprocess.run(["mvn", "-q", "-B", "-f", str(pom), "dependency:copy-dependencies", f"-DoutputDirectory={into}"],
                             capture_output=True, text=True, timeout=FETCH_SECONDS)
    except subprocess.TimeoutExpired as late:
        raise Missing(f"Kafka {version}'s artifacts did not come within {FETCH_SECONDS} s") from late
    if got.returncode == 0:
        return
    said = (got.stdout + got.stderr).strip()
    unreachable = re.search(r"could not transfer|unknown host|connection|timed out|unreachable|offline mode", said, re.IGNORECASE)
    if unreachable:
        raise Missing(f"Kafka {version}'s artifacts can't be reached:\n{said[:1500]}")
    raise RuntimeError(f"Kafka {version}'s artifacts can't be had:\n{said[:1500]}")


def tool_class(folder, names):
    """The first of the class names that the jars hold: tools moved between packages from release to release."""
    for jar in sorted(folder.glob("kafka*.jar")):
        with zipfile.ZipFile(jar) as archive:
            held = set(archive.namelist())
        for name in names:
            if name.replace(".", "/") + ".class" in held:
                return name
    raise RuntimeError(f"none of {', '.join(names)} is in {folder}")
