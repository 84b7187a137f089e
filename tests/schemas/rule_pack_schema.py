"""Helper of rule_kinds_test.cc: rule_pack_schema.py SCHEMA PACK...

Prints "ok" or "bad" for each pack. Exit code 77: Debian's python3-jsonschema or python3-yaml is missing.
"""
import json
import sys

try:
    import jsonschema
    import yaml
except ImportError:
    sys.exit(77)


class Loader(yaml.SafeLoader):
    """YAML 1.2 as yaml-cpp reads it into texts: numbers and booleans by form, no dates."""


Loader.yaml_implicit_resolvers = {
    key: [(tag, form) for tag, form in forms if tag != "tag:yaml.org,2002:timestamp"]
    for key, forms in yaml.SafeLoader.yaml_implicit_resolvers.items()}

validator = jsonschema.Draft202012Validator(json.load(open(sys.argv[1])))
for path in sys.argv[2:]:
    print("ok" if validator.is_valid(yaml.load(open(path), Loader)) else "bad")
