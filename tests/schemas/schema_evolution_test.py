"""Events of today against those last released (schemas/released), and the comparison itself."""

import copy
import json
import pathlib
import tempfile
import unittest

from schema_evolution import breaks, compare

SCHEMAS = pathlib.Path(__file__).resolve().parent.parent.parent / "schemas"

EVENT = {
    "$id": "urn:1", "title": "t", "type": "object",
    "properties": {
        "id": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
        "state": {"enum": ["raised", "cleared"]},
        "count": {"type": "integer"},
        "anything": {},
        "params": {"type": "object", "additionalProperties": {"type": "string"}},
        "values": {"type": "array", "items": {"type": "object", "properties": {"code": {"type": "string"}},
                                              "required": ["code"]}},
    },
    "required": ["id"],
}


class Evolution(unittest.TestCase):
    def test_todays_events_are_compatible_with_the_released_ones(self):
        found = list(compare(SCHEMAS / "released", SCHEMAS / "json"))
        self.assertEqual(found, [], "make it compatible, or give the event another version: schemas/released/README.md")

    def test_the_released_events_are_there(self):
        self.assertGreater(len(list((SCHEMAS / "released").glob("*.schema.json"))), 30)


class Comparison(unittest.TestCase):
    def changed(self, change):
        new = copy.deepcopy(EVENT)
        change(new["properties"], new)
        return list(breaks(EVENT, new))

    def test_what_is_compatible_passes(self):
        for change in (lambda p, e: None,
                       lambda p, e: p.update(note={"type": "string"}),
                       lambda p, e: p["state"]["enum"].append("waiting"),
                       lambda p, e: p["count"].update(description="of records"),
                       lambda p, e: p["values"]["items"]["properties"].update(unit={"type": "string"}),
                       lambda p, e: e["required"].reverse()):
            self.assertEqual(self.changed(change), [])

    def test_what_is_incompatible_is_named(self):
        cases = {
            "count: removed": lambda p, e: p.pop("count"),
            "count: was integer, is number": lambda p, e: p["count"].update(type="number"),
            "anything: was anything, is string": lambda p, e: p["anything"].update(type="string"),
            "state: was one of a list, is string": lambda p, e: p.update(state={"type": "string"}),
            "state: no longer allows 'cleared'": lambda p, e: p["state"]["enum"].remove("cleared"),
            "count: is required, and records that were written before lack it": lambda p, e: e["required"].append("count"),
            "id: is no longer required, and readers rely on it": lambda p, e: e["required"].remove("id"),
            "id: 'pattern' was ^[0-9a-f]{32}$, is ^[0-9A-F]{32}$": lambda p, e: p["id"].update(pattern="^[0-9A-F]{32}$"),
            "id: 'pattern' was ^[0-9a-f]{32}$, is absent": lambda p, e: p["id"].pop("pattern"),
            "params{}: was string, is integer": lambda p, e: p["params"]["additionalProperties"].update(type="integer"),
            "values[].code: removed": lambda p, e: (p["values"]["items"]["properties"].pop("code"),
                                                    p["values"]["items"]["required"].clear()),
            "values[].unit: is required, and records that were written before lack it":
                lambda p, e: (p["values"]["items"]["properties"].update(unit={"type": "string"}),
                              p["values"]["items"]["required"].append("unit")),
        }
        for expected, change in cases.items():
            self.assertEqual(self.changed(change), [expected])

    def test_an_event_that_is_gone_is_named(self):
        with tempfile.TemporaryDirectory() as folder:
            released, today = pathlib.Path(folder, "released"), pathlib.Path(folder, "json")
            released.mkdir()
            today.mkdir()
            (released / "a.v1.schema.json").write_text(json.dumps(EVENT))
            self.assertEqual(list(compare(released, today)), ["a.v1.schema.json: removed, and records of it are in the log"])
            (today / "a.v1.schema.json").write_text(json.dumps(EVENT))
            (today / "b.v1.schema.json").write_text(json.dumps(EVENT))
            self.assertEqual(list(compare(released, today)), [])


if __name__ == "__main__":
    unittest.main()
