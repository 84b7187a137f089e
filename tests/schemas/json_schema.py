"""Helper of json_schema_test.cc: json_schema.py write|compare|validate SCHEMA_DIR CASES

CASES holds one object per line: {"file", "schema" (what the codec says), "samples" (what the codec writes)}.
Exit code 0: in order; 1: not, said on stderr; 77: Debian's python3-jsonschema is missing.
"""
import json
import pathlib
import sys


def without_descriptions(node):
    if isinstance(node, dict):
        return {k: without_descriptions(v) for k, v in node.items()
                if not (k == "description" and isinstance(v, str))}
    if isinstance(node, list):
        return [without_descriptions(v) for v in node]
    return node


def keep_descriptions(fresh, old):
    """Carries over the descriptions of members that are still there."""
    if not isinstance(fresh, dict) or not isinstance(old, dict):
        return fresh
    merged = {}
    if isinstance(old.get("description"), str) and "description" not in fresh:
        merged["description"] = old["description"]
    for key, value in fresh.items():
        merged[key] = keep_descriptions(value, old.get(key))
    return merged


def write(directory, cases):
    for case in cases:
        path = directory / case["file"]
        old = json.loads(path.read_text()) if path.exists() else {}
        text = json.dumps(keep_descriptions(case["schema"], old), indent=2, ensure_ascii=False)
        path.write_text(text + "\n")
    return 0


def compare(directory, cases):
    wrong = 0
    for case in cases:
        path = directory / case["file"]
        if not path.exists() or without_descriptions(json.loads(path.read_text())) != without_descriptions(case["schema"]):
            print(f"{path}: differs from what the codec reads and writes", file=sys.stderr)
            wrong = 1
    return wrong


def validate(directory, cases):
    try:
        import jsonschema
    except ImportError:
        print("python3-jsonschema is missing: apt-get install python3-jsonschema", file=sys.stderr)
        return 77
    wrong = 0
    for case in cases:
        schema = json.loads((directory / case["file"]).read_text())
        jsonschema.Draft202012Validator.check_schema(schema)
        validator = jsonschema.Draft202012Validator(schema)
        for sample in case["samples"]:
            for error in validator.iter_errors(sample):
                print(f"{case['file']}: {error.json_path}: {error.message}", file=sys.stderr)
                wrong = 1
        for name in schema["required"]:
            broken = {k: v for k, v in case["samples"][0].items() if k != name}
            if validator.is_valid(broken):
                print(f"{case['file']}: accepts an event without '{name}'", file=sys.stderr)
                wrong = 1
    return wrong


if __name__ == "__main__":
    _, mode, directory, cases = sys.argv
    lines = [json.loads(line) for line in open(cases, encoding="utf-8")]
    sys.exit({"write": write, "compare": compare, "validate": validate}[mode](pathlib.Path(directory), lines))
