#!/usr/bin/env python3
"""`vitalog explain --person --rule --at` says why a rule had raised nothing by then. VITALOG_BINARY names the program."""

import base64
import json
import os
import unittest

from running_site import Mllp, Site, call, oru

BINARY = os.environ["VITALOG_BINARY"]
COMMON = "problem: A test, max_age: 48h, priority: medium, source: a test"
POTASSIUM = f'loinc: "2823-3", unit: mmol/L, {COMMON}'
PACK = f"""
format: 1
pack: why
version: "1"
rules:
  - {{id: lasting, version: "1", kind: threshold, {POTASSIUM}, task: no, above: 5, clear: {{high: 5}}, for: 6h, max_gap: 2h}}
  - {{id: quiet, version: "1", kind: threshold, {POTASSIUM}, task: no, high: 6, clear: {{high: 5}}, cool_down: 24h}}
  - {{id: severe, version: "1", kind: threshold, {POTASSIUM}, task: yes, high: 6.5, clear: {{high: 5}}, inhibits: [mild]}}
  - {{id: mild, version: "1", kind: threshold, {POTASSIUM}, task: yes, high: 6.4, clear: {{high: 5}}}}
  - {{id: rising, version: "1", kind: change, {POTASSIUM}, task: no, direction: rise, by: 4, within: 24h}}
  - {{id: scarce, version: "1", kind: window, {POTASSIUM}, task: no, window: 24h, statistic: mean, points: 20, high: 3, clear: {{high: 2}}}}
  - {{id: mean, version: "1", kind: window, {POTASSIUM}, task: no, window: 24h, statistic: mean, points: 2, high: 9, clear: {{high: 8}}}}
  - {{id: absent, version: "1", kind: threshold, loinc: "2075-0", unit: mmol/L, {COMMON}, task: no, high: 160, clear: {{high: 150}}}}
  - {{id: still, version: "1", kind: silence, loinc: "8867-4", {COMMON}, task: no, after: 1h, while: binding}}
  - {{id: order, version: "1", kind: sequence, within: 2h, {COMMON}, task: no, conditions: [
      {{kind: threshold, loinc: "2951-2", unit: mmol/L, low: 135, clear: {{low: 140}}}},
      {{kind: threshold, loinc: "2823-3", unit: mmol/L, high: 6, clear: {{high: 5}}}}]}}
  - {{id: both, version: "1", kind: all-of, within: 1h, {COMMON}, task: no, conditions: [
      {{kind: threshold, loinc: "2823-3", unit: mmol/L, high: 4, clear: {{high: 3.5}}}},
      {{kind: threshold, loinc: "2075-0", unit: mmol/L, high: 120, clear: {{high: 110}}}}]}}
  - {{id: pair, version: "1", kind: all-of, within: 1h, {COMMON}, task: no, conditions: [
      {{kind: threshold, loinc: "2823-3", unit: mmol/L, high: 6, clear: {{high: 5}}}},
      {{kind: threshold, loinc: "2951-2", unit: mmol/L, high: 120, clear: {{high: 110}}}}]}}
"""


def kept(version, high, clear):
    return f"""
format: 1
pack: kept
version: "{version}"
open_episodes: follow
rules:
  - {{id: kept, version: "{version}", kind: threshold, {POTASSIUM}, task: no, high: {high}, clear: {{high: {clear}}}}}
"""


class Why(unittest.TestCase):
    """Potassium of one patient: 4.0, 5.6, 7.0, 4.5, 6.6, one an hour from 08:10 on."""

    @classmethod
    def setUpClass(cls):
        cls.site = Site(BINARY, "--clock", "manual")
        cls.addClassCleanup(cls.site.remove)
        cls.site.start()
        cls.site.clock("2026-11-21T08:00:00Z")
        cls.publish("why.yaml", PACK)
        cls.publish("kept.yaml", kept(1, 5.5, 5))
        sender = Mllp(cls.site.mllp)
        for hour, value in enumerate(["4.0", "5.6", "7.0", "4.5", "6.6"]):
            cls.site.clock(f"2026-11-21T{8 + hour:02d}:10:00Z")
            sender.send(oru(f"m{hour}", value=value, order=f"O{hour}", time=f"20261121{16 + hour:02d}0500"))
            if hour == 2:
                cls.site.wait()
                cls.publish("kept.yaml", kept(2, 6, 4))
            if hour == 0:
                sender.send(oru("sodium", code="2951-2", value="130", order="S", time="20261121160500"))
            cls.site.wait()
        sender.close()
        cls.person = cls.site.person("MRN|1")
        assert cls.site.stop() == 0

    @classmethod
    def publish(cls, name, text):
        pack = cls.site.folder / name
        pack.write_text(text)
        done = cls.site.command("rules", "publish", str(pack), "--url", cls.site.url)
        assert done.returncode == 0, done.stdout + done.stderr

    def explain(self, rule, at=None, code=0, **more):
        words = ["explain", "--person", more.get("person", self.person), "--rule", rule, "--data-dir",
                 str(self.site.folder / "data"), "--json"]
        done = self.site.command(*words, *(["--at", f"2026-11-21T{at}:00Z"] if at else []))
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return json.loads(done.stdout) if code == 0 else done.stderr

    def expect(self, reason, *texts, rule, at=None):
        told = self.explain(rule, at)
        self.assertEqual(told["reason"], reason, told)
        for text in texts:
            self.assertIn(text, "\n".join(told["lines"]))
        return told

    def test_within_limits_and_by_how_much(self):
        told = self.expect("within-limits", "2823-3 4 mmol/L of 2026-11-21T08:05:00Z", "at or above 6 is 2 more",
                           rule="quiet", at="08:30")
        self.assertEqual((told["version"], told["pack"], told["fired"]), ("1", "why", False))
        self.expect("within-limits", "at or above 6 is 0.4 more", rule="quiet", at="09:30")
        self.expect("within-limits", "was 4, it rose by 3 of 4", rule="rising", at="10:30")
        self.expect("within-limits", "2 values, mean 4.8: the rule begins at or above 9 is 4.2 more", rule="mean", at="09:30")

    def test_it_did_fire(self):
        self.assertTrue(self.expect("fired", "is open since", rule="quiet", at="10:30")["fired"])

    def test_quiet_after_an_episode(self):
        self.expect("within-limits", "its last episode, alert", rule="quiet", at="11:30")
        self.expect("quiet", "met at 2026-11-21T12:05:00Z, and quiet until 2026-11-22T11:05:00Z", rule="quiet")

    def test_waiting_out_a_duration(self):
        self.expect("within-limits", rule="lasting", at="08:30")
        self.expect("waiting", "since 2026-11-21T09:05:00Z, for 1h of 6h", rule="lasting", at="10:30")
        self.expect("within-limits", rule="lasting", at="11:30")

    def test_inhibited(self):
        self.expect("inhibited", "of severe", rule="mild", at="10:30")

    def test_missing_scarce_and_stale(self):
        self.expect("missing", "2075-0", rule="absent")
        self.expect("too-few", "5 values of 20", rule="scarce")
        self.expect("missing", "condition 2: nothing was known of 2075-0 in mmol/L", rule="both")
        self.expect("stale", "condition 1: 2823-3 6.6 mmol/L of 2026-11-21T12:05:00Z: meets it", "which is older than 1h",
                    rule="pair")
        self.expect("within-limits", "condition 1: 2823-3 4 mmol/L", "condition 2: 2951-2 130 mmol/L", rule="pair", at="08:30")
        self.expect("not-watched", rule="still")
        self.expect("not-in-force", rule="nothing-of-the-kind")

    def test_a_sequence(self):
        self.expect("within-limits", "condition 2: 2823-3 5.6 mmol/L", "at or above 6 is 0.4 more", rule="order", at="09:30")
        self.expect("fired", "is open since", rule="order", at="10:30")
        self.expect("stale", "condition 1: 2951-2 130 mmol/L of 2026-11-21T08:05:00Z: meets it, which is older than 2h",
                    "condition 2: 2823-3 6.6 mmol/L", rule="order")

    def test_an_episode_that_follows_its_pack(self):
        self.assertEqual(self.expect("fired", "is open since", rule="kept", at="10:00")["version"], "1")
        self.assertEqual(self.expect("fired", "is open since", rule="kept")["version"], "2")

    def test_every_alert_comes_out_the_same(self):
        shown = self.site.command("topic", "show", "alert", "--data-dir", str(self.site.folder / "data"), "--json").stdout
        values = [json.loads(base64.b64decode(json.loads(line)["value_base64"])) for line in shown.splitlines()]
        alerts = {value["id"]: value["rule"] for value in values}
        self.assertLessEqual({"order", "kept"}, set(alerts.values()))
        for alert, rule in alerts.items():
            done = self.site.command("explain", alert, "--data-dir", str(self.site.folder / "data"))
            self.assertEqual(done.returncode, 0, rule + done.stdout + done.stderr)
            self.assertIn("the alert comes out the same, byte for byte", done.stdout)
            if rule == "kept":
                self.assertIn("kept@2", done.stdout)

    def test_of_nobody(self):
        self.assertIn("nothing about a person", self.explain("quiet", code=1, person="0" * 31 + "1"))
        self.assertIn("nothing about a person", self.explain("quiet", "07:00", code=1))
        done = self.site.command("explain", "--person", self.person, "--data-dir", str(self.site.folder / "data"))
        self.assertEqual(done.returncode, 2)


if __name__ == "__main__":
    unittest.main()
