"""schemas/asyncapi.yaml, read by the parser of the AsyncAPI initiative (an npm package): it must find nothing wrong, and
follow every reference to a schema. Skipped (77) where there is no Node.js or the package can't be had.

    asyncapi_parser_test.py DOCUMENT INSTALL_FOLDER
"""

import json
import pathlib
import shutil
import subprocess
import sys

SKIPPED = 77
PACKAGE = "@asyncapi/parser@3.6.3"
INSTALL_SECONDS = 240
READ = """
import {Parser, fromFile} from '@asyncapi/parser';
const {document, diagnostics} = await fromFile(new Parser(), process.argv[2]).parse();
const messages = document ? document.allMessages().all() : [];
console.log(JSON.stringify({
  diagnostics: diagnostics.map(d => ({severity: d.severity, text: `${d.path.join('/')}: ${d.message} (${d.code})`})),
  channels: document ? document.channels().all().map(c => c.address()) : [],
  operations: document ? document.operations().all().length : 0,
  messages: Object.fromEntries(messages.map(m => [m.id(), Object.keys(m.payload()?.json()?.properties ?? {}).length])),
}));
"""
ERROR, WARNING = 0, 1
LATER_VERSION = "asyncapi-latest-version"  # a hint, not a fault


def skip(why):
    print(f"SKIPPED asyncapi_parser_test: {why}; {PACKAGE} was not tried", file=sys.stderr)
    sys.exit(SKIPPED)


def install(folder):
    done = folder / "installed"
    if done.exists() and done.read_text() == PACKAGE:
        return
    if not shutil.which("node") or not shutil.which("npm"):
        skip("NODE.JS AND NPM ARE NOT HERE")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "package.json").write_text('{"private": true}')
    try:
        got = subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--fetch-retries=1", PACKAGE],
                             cwd=folder, capture_output=True, text=True, timeout=INSTALL_SECONDS)
    except subprocess.TimeoutExpired:
        skip("THE PACKAGE INDEX DOES NOT ANSWER IN TIME")
    if got.returncode != 0:
        if any(word in got.stderr for word in ("ENOTFOUND", "ECONNREFUSED", "ETIMEDOUT", "EAI_AGAIN", "network")):
            skip("THE PACKAGE INDEX CAN'T BE REACHED")
        sys.exit(f"{PACKAGE} can't be installed:\n{got.stderr[-2000:]}")
    (folder / "read.mjs").write_text(READ)
    done.write_text(PACKAGE)


def main():
    document, folder = (pathlib.Path(path).resolve() for path in sys.argv[1:])
    install(folder)
    read = subprocess.run(["node", "read.mjs", str(document)], cwd=folder, capture_output=True, text=True, timeout=120)
    if read.returncode != 0:
        sys.exit(read.stderr)
    said = json.loads(read.stdout)
    wrong = [d["text"] for d in said["diagnostics"]
             if d["severity"] in (ERROR, WARNING) and LATER_VERSION not in d["text"]]
    events = {name: count for name, count in said["messages"].items() if name.startswith("vitalog.")}
    hollow = [name for name, count in events.items() if count == 0 and name != "vitalog.dead-letter.v1"]
    wrong += [f"{name}: its payload has no members: is the schema found?" for name in hollow]
    if len(said["channels"]) < 20 or len(events) < 30 or said["operations"] < 20:
        wrong.append(f"too little is in it: {len(said['channels'])} channels, {said['operations']} operations, {len(events)} events")
    print("\n".join(wrong) or f"in order: {len(said['channels'])} channels, {said['operations']} operations, {len(events)} events")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
