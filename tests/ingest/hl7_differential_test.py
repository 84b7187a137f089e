#!/usr/bin/env python3
"""Splitting and escapes against Debian's python3-hl7, over messages drawn by lot and the real file."""

import argparse
import pathlib
import random
import re
import subprocess
import sys

SKIPPED = 77
REAL = pathlib.Path(__file__).resolve().parent.parent / "data/hl7/simhospital.hl7"
WORDS = ["", "", "a", "K", "4.1", "20261121", "Wang", "\u4e2d\u6587", "x y", "1^2", "0"]


def value(chance, delimiters):
    """Text in which delimiters are escaped."""
    field, component, repetition, escape, sub = delimiters
    text = chance.choice(WORDS).replace("^", "-")
    for _ in range(chance.choice([0, 0, 0, 1, 2])):
        code = chance.choice(["F", "S", "T", "R", "E", "X41", "X2043", "X7E"])
        at = chance.randrange(len(text) + 1)
        # An escape sequence is not put into another one.
        if text[:at].count(escape) % 2 == 0:
            text = text[:at] + escape + code + escape + text[at:]
    assert not any(d in text for d in (field, component, repetition, sub)), text
    return text


def nested(chance, separators, delimiters):
    if not separators:
        return value(chance, delimiters)
    count = chance.choice([1, 1, 1, 1, 2, 3])
    return separators[0].join(nested(chance, separators[1:], delimiters) for _ in range(count))


def message(chance):
    delimiters = chance.choice(["|^~\\&", "|^~\\&", "|^~\\&", "!$%/+", "#*@\\?"])
    field, component, repetition, escape, sub = delimiters
    msh = f"MSH{field}{component}{repetition}{escape}{sub}"
    lines = [field.join([msh] + [nested(chance, [component], delimiters) for _ in range(chance.randrange(3, 10))])]
    for _ in range(chance.randrange(0, 6)):
        fields = [nested(chance, [repetition, component, sub], delimiters) for _ in range(chance.randrange(1, 9))]
        lines.append(field.join([chance.choice(["PID", "OBX", "NTE", "ZZ1"])] + fields))
    return "\r".join(lines) + "\r"


def ours(program, messages):
    """For each message its leaves by place: (raw, text)."""
    out = subprocess.run([program], input="\x1c".join(messages).encode(), stdout=subprocess.PIPE, check=True).stdout.decode()
    trees = []
    for block in out.split("\n\n")[:len(messages)]:
        leaves = {}
        for line in block.splitlines():
            *place, raw, text = line.split(" ")
            leaves[tuple(map(int, place))] = (bytes.fromhex(raw[1:]).decode(), bytes.fromhex(text[1:]).decode())
        trees.append(leaves)
    return trees


def deepen(node, depth):
    """What is not split further is not nested further there; here everything is nested alike."""
    if depth == 0:
        return str(node)
    return [deepen(node, depth - 1)] if isinstance(node, str) else [deepen(part, depth - 1) for part in node]


def theirs(hl7, text):
    parsed = hl7.parse(text)
    leaves = {}
    for s, segment in enumerate(parsed):
        for f, field in enumerate(segment):
            if f == 0 or (str(segment[0]) == "MSH" and f < 3):
                continue
            for r, repetition in enumerate(deepen(field, 3)):
                for c, component in enumerate(repetition):
                    for u, raw in enumerate(component):
                        leaves[(s, f, r, c + 1, u + 1)] = (raw, "" if raw == '""' else parsed.unescape(raw))
    return leaves


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--messages", type=int, default=1500)
    options = parser.parse_args()
    try:
        import hl7
    except ImportError:
        print("skipped: python3-hl7 is not here")
        sys.exit(SKIPPED)
    chance = random.Random(options.seed)
    messages = [message(chance) for _ in range(options.messages)]
    real = REAL.read_text(errors="replace").replace("\r\n", "\r").replace("\n", "\r")
    messages += [m for m in re.split(r"(?=MSH\|)", real) if m.startswith("MSH|")][:200]
    differences, leaves = 0, 0
    for text, mine in zip(messages, ours(options.program, messages)):
        other = theirs(hl7, text)
        # Trailing separators: an empty piece at the end is there or not, and says nothing either way.
        said = lambda tree: {place: leaf for place, leaf in tree.items() if leaf[0]}
        leaves += len(said(mine))
        if said(mine) != said(other):
            differences += 1
            only = sorted(set(said(mine).items()) ^ set(said(other).items()))[:4]
            print(f"differs: {text!r}\n  {only}")
    print(f"{len(messages)} messages, {leaves} values, {differences} differences")
    sys.exit(1 if differences or not leaves else 0)


if __name__ == "__main__":
    main()
