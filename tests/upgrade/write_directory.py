#!/usr/bin/env python3
"""Writes tests/data/directories/format-N.tar.xz: a small data directory as this program stores it, and what is in it
(expected.json). N is the number in D/format. To be written anew whenever that number was raised; those of versions that are
still read stay.
    VITALOG_BINARY=build/release/vitalog tests/upgrade/write_directory.py
With --first the program is the first version, and sends its messages to a simulated provider; expected.json says which."""

import io
import lzma
import pathlib
import sys
import tarfile
import tempfile

from small_site import BINARY, fill, seen, small_site, with_provider, write

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "data/directories"


def kept(path):
    """Not what nobody reads: RocksDB's own log files, the lock, options."""
    return path.is_file() and not path.name.startswith(("LOG", "OPTIONS")) and path.name not in ("lock", "LOCK", "run.json")


def pack(folder, target):
    """The same bytes for the same files."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for path in sorted(p for p in folder.rglob("*") if kept(p)):
            if path.name == "run.log":
                continue
            entry = tarfile.TarInfo(str(path.relative_to(folder)))
            entry.size, entry.mode = path.stat().st_size, 0o640
            archive.addfile(entry, io.BytesIO(path.read_bytes()))
    target.write_bytes(lzma.compress(packed.getvalue(), preset=9 | lzma.PRESET_EXTREME))


def main():
    if not BINARY:
        sys.exit("VITALOG_BINARY is to name the program that writes the directory")
    with tempfile.TemporaryDirectory(prefix="vitalog-directory-") as name:
        folder = pathlib.Path(name)
        first = "--first" in sys.argv
        site = small_site(BINARY, folder)
        sim = with_provider(site) if first else None
        fill(site, first)
        expected = seen(site)
        if sim:
            expected["sent"] = sorted(message["intent"] for message in sim.sent())
            assert expected["sent"]
        write(folder / "expected.json", expected)
        assert site.stop() == 0
        site.start()  # what was in the write-ahead log is in tables from here on
        site.wait(240)
        assert site.stop() == 0
        if sim:
            sim.stop()
        number = (folder / "data/format").read_text().split()[1]
        target = FOLDER / f"format-{number}.tar.xz"
        pack(folder, target)
        print(f"{target}: {target.stat().st_size} bytes")


if __name__ == "__main__":
    main()
