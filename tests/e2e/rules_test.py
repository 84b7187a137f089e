#!/usr/bin/env python3
"""Rule packs from draft to ward: checked, tried on the past, published after that, compared, taken back. VITALOG_BINARY names
the program."""

import json
import os
import pathlib
import sys
import unittest
import xml.dom.minidom

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from running_site import Mllp, Site, ack_code, oru

BINARY = os.environ["VITALOG_BINARY"]
SOURCES = pathlib.Path(__file__).parent.parent.parent
BUILT_IN = (SOURCES / "schemas/rules/acute-core.yaml").read_text()
TEAM = {"team": "general", "members": [{"user": "dr.li"}], "shifts": [
    {"from": "08:00", "to": "20:00", "doctor": "dr.day"}, {"from": "20:00", "to": "08:00", "doctor": "dr.night"}]}

SCORE = """format: 1
pack: score
version: 1
rules:
  - {id: score, version: 1, kind: index-band, problem: Score, index: news2, bands: [{band: obese, priority: high}], clear: [low],
     max_age: 24h, source: a test}
"""


def draft(high, version="2"):
    """The built-in pack with another limit of potassium."""
    text = BUILT_IN.replace("    high: 6.2\n    clear: {low: 3.0, high: 6.0}\n",
                            f"    high: {high}\n    clear: {{low: 3.0, high: {min(6.0, float(high) - 0.2):.1f}}}\n")
    return text.replace("  - id: potassium-critical\n    version: \"1\"", f"  - id: potassium-critical\n    version: \"{version}\"")


class Rules(unittest.TestCase):
    def setUp(self):
        self.site = Site(BINARY, "--clock", "manual", "--set", "desk.default_team=general", "--set", "rules.load_max=3")
        self.addCleanup(self.site.remove)
        self.data = str(self.site.folder / "data")

    def run_rules(self, *words, code=0):
        done = self.site.command("rules", *words)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def at_site(self, *words, code=0):
        return self.run_rules(*words, "--url", self.site.url, code=code)

    def file(self, name, text):
        path = self.site.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return str(path)

    def a_day(self):
        """Eight patients at a running site, by its own clock: four beyond 6.2, two of them beyond 6.8."""
        self.site.start()
        self.site.clock("2026-11-20T23:00:00Z")
        self.assertEqual(self.site.post("/directory", [TEAM])[0], 200)
        sender = Mllp(self.site.mllp)
        for n, value in enumerate(["4.0", "6.3", "6.4", "5.0", "6.9", "7.1", "4.4", "6.1"]):
            self.site.clock(f"2026-11-21T0{n}:30:00Z")
            self.assertEqual(ack_code(sender.send(oru(f"m{n}", patient=str(n), value=value,
                                                      time=f"20261121{n:02}2900+0000"))), "AA")
            self.site.wait()
        sender.close()

    def backtest(self, path, *words, code=0):
        return self.run_rules("backtest", "--pack", path, "--from", "2026-11-21", "--to", "2026-11-22", "--data-dir", self.data,
                              *words, code=code)

    def test_from_draft_to_ward(self):
        milder = self.file("drafts/acute-core.yaml", draft("6.8"))
        self.assertIn("pack acute-core, version 2026.1, 5 rules", self.run_rules("check", milder))
        self.a_day()
        self.assertIn("while a site runs on it", self.backtest(milder, code=3))
        self.assertEqual(self.site.stop(), 0)

        page, record, table = (str(self.site.folder / name) for name in ("draft.html", "draft.json", "draft.csv"))
        said = self.backtest(milder, "--html", page, "--record", record, "--csv", table)
        self.assertIn("8 events of 8 persons", said)
        self.assertRegex(said, r"episodes +4 +2\n")
        self.assertRegex(said, r"potassium-critical +4 +2 +0 +2 +4 +2\n")
        self.assertRegex(said, r"dr\.day +08:00-20:00 +4 +2 ")
        self.assertRegex(said, r"lost by the draft\n  2026-11-21T01:29:00Z person [0-9a-f]{32} potassium-critical high, a task")
        text = pathlib.Path(page).read_text()
        self.assertEqual(text.count("<svg"), 5)
        self.assertNotIn("http", text)
        xml.dom.minidom.parseString(text[text.index("<svg"):text.index("</svg>")] + "</svg>")
        self.assertEqual(len(pathlib.Path(table).read_text().splitlines()), 1 + 2)
        kept = json.loads(pathlib.Path(record).read_text())
        self.assertEqual((kept["events"], kept["lost"], kept["won"], kept["tasks_draft"]), (8, 2, 0, 2))

        self.site.start()
        self.at_site("publish", milder, "--after-backtest", record)
        listed = self.at_site("list", "acute-core.yaml")
        self.assertIn("version 2026.1, 5 rules, in force", listed)
        self.assertIn("back-tested: 2026-11-21T00:00:00Z to", listed)
        self.assertEqual(len(self.at_site("list", "acute-core.yaml", "--all").splitlines()), 3)
        digest = kept["packs"][0]["against"]
        said = self.at_site("diff", f"acute-core.yaml@{digest}", "acute-core.yaml")
        self.assertIn("~ potassium-critical, version 1 -> 2\n    high: 6.2 -> 6.8\n", said)
        self.assertIn("0 added, 0 taken out, 1 changed, 4 unchanged", said)
        self.at_site("roll-back", "acute-core.yaml")
        self.assertIn(digest, self.at_site("list", "acute-core.yaml"))

    def test_what_was_not_tried_or_brings_too_much_is_not_published(self):
        stricter = self.file("drafts/acute-core.yaml", draft("4.2"))
        self.a_day()
        self.assertEqual(self.site.stop(), 0)
        record = str(self.site.folder / "draft.json")
        self.backtest(stricter, "--record", record)
        self.site.start()
        before = self.at_site("list", "--all")
        said = self.at_site("publish", stricter, "--after-backtest", record, code=1)
        self.assertIn("more than rules.load_max = 3", said)
        self.assertRegex(said, r"dr\.(li|day) \(08:00-20:00\)")
        another = self.file("drafts/acute-core.yaml", draft("6.5"))
        said = self.at_site("publish", another, "--after-backtest", record, code=1)
        self.assertIn("it changed since", said)
        said = self.at_site("publish", self.file("drafts/other.yaml", draft("6.5")), "--after-backtest", record, code=1)
        self.assertIn("was not back-tested", said)
        self.assertEqual(self.at_site("list", "--all"), before)

    def test_a_site_may_demand_a_back_test(self):
        self.site.flags += ["--set", "rules.backtest=required"]
        self.site.start()
        said = self.at_site("publish", self.file("drafts/acute-core.yaml", draft("6.5")), code=1)
        self.assertIn("rules.backtest = required", said)

    def test_faults_are_named_with_file_line_and_what_to_write(self):
        good = self.file("packs/one.yaml", BUILT_IN)
        bad = self.file("packs/two.yaml", BUILT_IN.replace("kind: threshold", "kind: treshold", 1))
        said = self.run_rules("check", good, bad, code=2)
        self.assertRegex(said, r"two\.yaml:\d+: kind 'treshold' is unknown; write one of threshold, index-band")
        said = self.run_rules("check", good, self.file("packs/two.yaml", BUILT_IN), code=2)
        self.assertIn("rule 'aki' is also in one.yaml; rename it, or retire it there", said)
        said = self.run_rules("check", good, self.file("packs/two.yaml", BUILT_IN.replace("unit: mmol/L", "unit: mEq/L", 1)), code=2)
        self.assertRegex(said, r"two\.yaml:\d+: rule '[\w-]+': values of .* are kept in mmol/L, not in mEq/L; write unit: \"mmol/L\"")
        self.assertIn("there is no such file", self.run_rules("check", "nowhere.yaml", code=1))
        self.assertIn("say check, publish", self.run_rules("nonsense", code=2))
        self.assertIn("--from is missing", self.run_rules("backtest", "--pack", good, "--to", "2026-11-22", code=2))
        self.assertIn("--from 'soon' is no time", self.run_rules("backtest", "--pack", good, "--from", "soon", "--to", "2026-11-22", code=2))

    def test_a_band_that_its_index_does_not_have_is_not_published(self):
        pack = self.file("packs/score.yaml", SCORE)
        fault = "rule 'score': index news2 has no band 'obese'; write one of low, low-medium, medium, high"
        self.assertIn("score.yaml:5: " + fault, self.run_rules("check", pack, code=2))
        self.site.start()
        before = self.at_site("list", "--all")
        self.assertIn("score.yaml:5: " + fault, self.at_site("publish", pack, code=1))
        self.assertEqual(self.at_site("list", "--all"), before)
        self.assertEqual(self.site.stop(), 0)
        self.assertIn(fault, self.backtest(pack, code=2))
        done = self.site.command("run", "--data-dir", self.data, "--mllp", "127.0.0.1:0", "--http", "127.0.0.1:0",
                                 "--set", "rules.dir=" + str(self.site.folder / "packs"))
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("score.yaml:5: " + fault, done.stderr)

    def test_two_files_are_compared_without_a_site(self):
        said = self.run_rules("diff", self.file("a/acute-core.yaml", BUILT_IN), self.file("b/acute-core.yaml", draft("6.5", "1")))
        self.assertIn("~ potassium-critical, still version 1\n    high: 6.2 -> 6.5", said)
        self.assertIn("rule potassium-critical changed under its old version", said)


if __name__ == "__main__":
    unittest.main(verbosity=2)
