"""What changed between a released JSON Schema of an event and today's that somebody can't live with.

The log keeps records for years, and others read them with the schema they were given: a record written under either
schema must be valid under the other. A member may be added where it is not required, and an enum may get further words;
everything else is another version of the event (`vitalog.name.v2` beside `vitalog.name.v1`).

    schema_evolution.py RELEASED_FOLDER TODAYS_FOLDER      prints what is wrong; exit code 1 where there is something
"""

import json
import pathlib
import sys

WORDS = ("description", "title", "$id", "$schema")  # say nothing about a value
KNOWN = ("properties", "required", "items", "additionalProperties", "enum")


def spoken(schema):
    """What kind of value a schema wants, in a word."""
    return schema.get("type") or ("one of a list" if "enum" in schema else "anything")


def breaks(old, new, path=""):
    """Every incompatible change, as a sentence that begins with the member's path."""
    here = path or "the event"
    if spoken(old) != spoken(new):
        yield f"{here}: was {spoken(old)}, is {spoken(new)}"
        return
    for keyword in sorted((old.keys() | new.keys()) - {"type", *WORDS, *KNOWN}):
        if old.get(keyword) != new.get(keyword):
            yield f"{here}: '{keyword}' was {old.get(keyword, 'absent')}, is {new.get(keyword, 'absent')}"
    for word in old.get("enum", []):
        if word not in new.get("enum", []):
            yield f"{here}: no longer allows '{word}'"
    yield from member_breaks(old, new, path)
    for keyword, suffix in (("items", "[]"), ("additionalProperties", "{}")):
        if keyword in old and keyword in new:
            yield from breaks(old[keyword], new[keyword], path + suffix)
        elif keyword in old or keyword in new:
            yield f"{here}: '{keyword}' was {old.get(keyword, 'absent')}, is {new.get(keyword, 'absent')}"


def member_breaks(old, new, path):
    below = f"{path}." if path else ""
    before, now = old.get("properties", {}), new.get("properties", {})
    for name in before:
        if name not in now:
            yield f"{below}{name}: removed"
        else:
            yield from breaks(before[name], now[name], below + name)
    was_required, is_required = set(old.get("required", [])), set(new.get("required", []))
    for name in sorted(is_required - was_required):
        yield f"{below}{name}: is required, and records that were written before lack it"
    for name in sorted(was_required - is_required):
        if name in now:
            yield f"{below}{name}: is no longer required, and readers rely on it"


def compare(released, today):
    """Over two folders of *.schema.json: sentences that begin with the file's name."""
    for path in sorted(pathlib.Path(released).glob("*.schema.json")):
        now = pathlib.Path(today) / path.name
        if not now.exists():
            yield f"{path.name}: removed, and records of it are in the log"
            continue
        for change in breaks(json.loads(path.read_text()), json.loads(now.read_text())):
            yield f"{path.name}: {change}"


if __name__ == "__main__":
    found = list(compare(*sys.argv[1:]))
    print("\n".join(found))
    sys.exit(1 if found else 0)
