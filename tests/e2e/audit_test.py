#!/usr/bin/env python3
"""What a site decided is recomputed from its log and agrees; whatever is done to the log of a stopped site is found.
VITALOG_BINARY names the program, VITALOG_TAMPER tests/e2e/tamper_log."""

import base64
import json
import os
import pathlib
import re
import shutil
import subprocess
import unittest

from running_site import Mllp, Site, call, oru

BINARY = os.environ["VITALOG_BINARY"]
TAMPER = os.environ["VITALOG_TAMPER"]
PATIENTS = 12
NOW = "2026-11-21T08:00:00Z"


def pack(version, high):
    return f"""
format: 1
pack: meanwhile
version: "{version}"
open_episodes: follow
rules:
  - {{id: meanwhile, version: "{version}", kind: threshold, loinc: "2823-3", unit: mmol/L, problem: A test, priority: low, max_age: 48h,
     source: a test, task: no, high: {high}, clear: {{high: 3}}}}
"""


class Audit(unittest.TestCase):
    """One site for all, with rules published twice meanwhile; each test works on a copy of its data directory."""

    @classmethod
    def setUpClass(cls):
        cls.site = Site(BINARY, "--clock", "manual")
        cls.addClassCleanup(cls.site.remove)
        cls.site.start()
        cls.site.clock(NOW)
        lines = [{"team": "general", "members": [{"user": "dr.li"}], "duty_doctor": "dr.li", "duty_group": "general"}]
        lines += [{"patient": f"MRN|{n}", "team": "general"} for n in range(PATIENTS)]
        status, answer = call(cls.site.url + "/directory", "\n".join(map(json.dumps, lines)),
                              content_type="application/x-ndjson", timeout=60)
        assert status == 200, answer
        sender = Mllp(cls.site.mllp)
        for hour in range(6):
            cls.site.clock(f"2026-11-21T{8 + hour:02d}:10:00Z")
            if hour in (1, 4):
                cls.publish(pack(hour, 4.5 + hour / 10))
            for n in range(PATIENTS):  # potassium, which rises until it is critical
                sender.send(oru(f"m{hour}-{n}", patient=str(n), value=f"{4 + hour * 0.6:.1f}", order=f"O{hour}",
                                time=f"20261121{16 + hour:02d}0000"))
            cls.site.wait()
        sender.close()
        cls.early = cls.site.folder / "early"
        assert cls.site.command("backup", str(cls.early), "--url", cls.site.url).returncode == 0
        cls.site.clock("2026-11-21T13:20:00Z")
        tasks = [entry["resource"]["id"] for entry in cls.site.get("/fhir/Task?status=requested&_count=50")[1]["entry"]]
        for task in tasks[:4]:
            status, answer = cls.site.post(f"/fhir/Task/{task}/$confirm", {}, user="dr.li")
            assert status == 200, answer
        cls.site.clock("2026-11-21T20:00:00Z")  # deadlines pass
        cls.site.wait()
        cls.person = cls.site.person("MRN|3")
        cls.backup = cls.site.folder / "backup"
        assert cls.site.command("backup", str(cls.backup), "--url", cls.site.url).returncode == 0
        assert cls.site.stop() == 0
        cls.data = cls.site.folder / "data"

    @classmethod
    def publish(cls, text):
        path = cls.site.folder / "meanwhile.yaml"
        path.write_text(text)
        done = cls.site.command("rules", "publish", str(path), "--url", cls.site.url)
        assert done.returncode == 0, done.stdout + done.stderr

    def setUp(self):
        self.copy = self.site.folder / "copy"
        self.addCleanup(shutil.rmtree, self.copy, ignore_errors=True)
        shutil.copytree(self.data, self.copy)

    def verify(self, *flags, data=None, stage="care", code=0):
        done = self.site.command("audit", "verify", "--stage", stage, "--data-dir", str(data or self.copy), *flags,
                                 cwd=self.site.folder)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout

    def tamper(self, *words):
        subprocess.run([TAMPER, str(self.copy), *words], check=True)

    def reports(self, *flags, **more):
        self.verify("--report", "report.json", *flags, **more)
        return json.loads((self.site.folder / "report.json").read_text())

    def busy(self, topic, at_least=4):
        """A partition of the topic that has records, and how many."""
        done = self.site.command("topic", "show", topic, "--data-dir", str(self.data), "--json", "--max", "10000")
        counts = {}
        for line in done.stdout.splitlines():
            record = json.loads(line)
            counts[record["partition"]] = record["offset"] + 1
        partition, count = max(counts.items(), key=lambda item: item[1])
        self.assertGreaterEqual(count, at_least)
        return partition, count

    def test_every_stage_agrees_and_says_what_was_checked(self):
        reports = self.reports(stage="all")
        self.assertEqual([report["stage"] for report in reports], ["intake", "identity", "care", "desk", "notify"])
        for report in reports:
            self.assertTrue(report["agrees"] and report["recomputed_all"], report)
            self.assertGreater(report["outputs_agreed"], 0)
            self.assertTrue(all(re.fullmatch("[0-9a-f]{64}", chain["sha256"]) for chain in report["chains"] if "sha256" in chain))
        self.assertGreater(reports[2]["input_records"], 6 * PATIENTS)
        shown = self.site.command("topic", "show", "alert", "--data-dir", str(self.copy), "--json", "--max", "10000").stdout
        alerts = [json.loads(base64.b64decode(json.loads(line)["value_base64"])) for line in shown.splitlines()]
        self.assertEqual({alert["rule_version"] for alert in alerts if alert.get("rule") == "meanwhile"}, {"1", "4"})

    def test_a_backup_of_a_running_site_is_verified_beside_it(self):
        self.assertIn("0 differ", self.verify(data=self.backup, stage="all"))

    def test_a_stretch_and_a_person(self):
        whole = self.reports()[0]
        early = self.reports("--to", "2026-11-21T10:30:00Z")[0]
        late = self.reports("--from", "2026-11-21T10:30:00Z")[0]
        self.assertEqual(early["input_records"] + late["input_records"], whole["input_records"])
        self.assertEqual(early["outputs_agreed"] + late["outputs_agreed"], whole["outputs_agreed"])
        self.assertGreater(min(early["outputs_agreed"], late["outputs_agreed"]), 0)
        self.assertTrue(all(output["records"] >= output["agreed"] for output in late["outputs"] if output["agreed"]))
        one = self.reports("--person", self.person)[0]
        self.assertLess(0, one["outputs_agreed"])
        self.assertLess(one["outputs_agreed"], whole["outputs_agreed"] / 4)
        self.assertIn("nothing of nobody has come", self.site.command("audit", "verify", "--stage", "care", "--person", "nobody",
                                                                      "--data-dir", str(self.copy)).stderr)

    def test_the_digests_of_a_stretch_stay_when_the_log_grows_and_change_with_a_record(self):
        def stretch(data, **more):
            report = self.reports("--from", "2026-11-21T08:00:00Z", "--to", "2026-11-21T13:15:00Z", data=data, **more)[0]
            return {(output["topic"], output["partition"]): output["sha256"] for output in report["outputs"] if "sha256" in output}

        then = stretch(self.early)
        self.assertGreater(len(then), 2)
        self.assertEqual(then, stretch(self.copy))
        partition = self.busy("alert")[0]
        self.tamper("edit", f"alert/{partition}/0", "renew")
        now = stretch(self.copy, code=1)
        self.assertEqual({place for place in then if now[place] != then[place]}, {("alert", partition)})

    def test_an_output_edited_with_its_checksum_made_anew_is_found(self):
        partition, count = self.busy("alert")
        for offset in (0, count // 2, count - 1):
            with self.subTest(offset=offset):
                self.doCleanups()
                self.setUp()
                self.tamper("edit", f"alert/{partition}/{offset}")
                said = self.verify(code=1)
                self.assertIn(f"first difference: alert/{partition}/{offset} is not what is recomputed", said)
                if offset < count - 1:  # the last block of a chain has nothing behind it that knows it
                    self.assertIn(f"chain   alert/{partition}", said)
                    self.assertIn("cause: a stored record was changed", said)

    def test_an_output_removed_is_found(self):
        partition, count = self.busy("alert")
        self.tamper("remove", f"alert/{partition}/{count // 2}")
        self.assertIn(f"BROKEN", self.verify(code=1))

    def test_two_outputs_swapped_are_found(self):
        partition, count = self.busy("alert")
        self.tamper("swap", f"alert/{partition}/{count // 2}")
        self.assertIn("cause: a stored record was changed", self.verify(code=1))

    def test_a_changed_input_is_found(self):
        partition, count = self.busy("person")
        self.tamper("edit", f"person/{partition}/{count // 2}")
        self.assertIn(f"cause: a stored record was changed: person/{partition}", self.verify(code=1))

    def test_a_chain_computed_anew_is_found_by_what_was_kept_elsewhere(self):
        anchor = self.site.folder / "elsewhere.anchor"
        self.addCleanup(anchor.unlink)
        said = self.verify("--anchor", str(anchor))
        self.assertRegex(said, "anchor .* sha256 [0-9a-f]{64}")
        self.verify("--anchor", str(anchor))
        kept = anchor.read_text()
        # What care reads only for the record it might pass on: nothing that is recomputed rests on it.
        partition, count = self.busy("feed.control", 2)
        self.tamper("edit", f"feed.control/{partition}/{count // 2}", "renew")
        self.assertIn("0 differ", self.verify())
        said = self.verify("--anchor", str(anchor), code=1)
        self.assertIn("computed anew", said)
        self.assertEqual(anchor.read_text(), kept, "an anchor stands for a log that was good")

    def test_the_end_taken_off_is_found_by_what_was_kept_elsewhere(self):
        anchor = self.site.folder / "elsewhere.anchor"
        self.addCleanup(anchor.unlink)
        self.verify("--anchor", str(anchor), stage="notify")
        partition, count = self.busy("delivery", 1)
        self.tamper("remove", f"delivery/{partition}/{count - 1}", "renew")
        self.assertIn("the anchor knows records up to", self.verify("--anchor", str(anchor), stage="notify", code=1))

    def test_what_a_recomputation_makes_differs_where_a_chain_was_computed_anew(self):
        partition, count = self.busy("alert")
        self.tamper("edit", f"alert/{partition}/{count // 2}", "renew")
        said = self.verify(code=1)
        self.assertNotIn("BROKEN", said)
        self.assertIn(f"first difference: alert/{partition}/{count // 2}", said)
        self.assertIn("comes out the same each time", said)

    def test_an_alert_is_decided_again(self):
        shown = self.site.command("topic", "show", "alert", "--data-dir", str(self.copy), "--json").stdout
        record = json.loads(shown.splitlines()[0])
        alert = json.loads(base64.b64decode(record["value_base64"]))["id"]
        done = self.site.command("explain", alert, "--data-dir", str(self.copy))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("the alert comes out the same, byte for byte", done.stdout)
        self.assertIn(f"alert/{record['partition']}/{record['offset']}", done.stdout)
        self.tamper("edit", f"alert/{record['partition']}/{record['offset']}", "renew")
        done = self.site.command("explain", alert, "--data-dir", str(self.copy))
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn("NOT WHAT IS MADE NOW", done.stdout)
        self.assertNotEqual(self.site.command("explain", "0" * 31 + "1", "--data-dir", str(self.copy)).returncode, 0)

    def replay(self, *flags, code=0):
        into = self.site.folder / "again"
        shutil.rmtree(into, ignore_errors=True)
        self.addCleanup(shutil.rmtree, into, ignore_errors=True)
        path = self.site.folder / "replay.json"
        done = self.site.command("replay", "--data-dir", str(self.copy), "--into", str(into), "--compare", "--report",
                                 str(path), *flags)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return into, json.loads(path.read_text()), done.stdout

    def test_a_replay_makes_the_same_again_and_can_not_be_run(self):
        into, report, said = self.replay()
        self.assertTrue(report["agrees"], said)
        self.assertEqual(report["stages"], ["intake", "identity", "care", "desk", "notify"])
        for topic in ("subject", "person", "alert", "task", "task-board", "notification", "delivery"):
            self.assertGreater(report["topics"][topic]["same"], 0, topic)
        records = [self.site.command("topic", "show", "delivery", "--data-dir", str(data), "--json", "--max", "10000").stdout
                   for data in (self.copy, into)]
        self.assertEqual(records[0], records[1], "the same places, times, headers and bytes")
        refused = self.site.command("run", "--data-dir", str(into), "--mllp", "127.0.0.1:0", "--http", "127.0.0.1:0")
        self.assertEqual(refused.returncode, 3, refused.stderr)
        self.assertIn("holds a replay", refused.stderr)
        done = self.site.command("replay", "--data-dir", str(self.copy), "--into", str(into))
        self.assertEqual(done.returncode, 3, "never over anything")

    def test_a_replay_of_a_part_meets_the_rest_as_it_was(self):
        whole = self.replay()[1]

        def part(*flags):
            report, said = self.replay(*flags)[1:]
            self.assertTrue(report["agrees"], said)
            self.assertGreater(report["topics"]["subject"]["made"], 0)
            self.assertLess(report["topics"]["subject"]["made"], whole["topics"]["subject"]["made"])
            return report

        person = part("--person", self.person)
        self.assertLess(0, person["topics"]["alert"]["same"])
        self.assertLess(person["topics"]["alert"]["same"], whole["topics"]["alert"]["same"] / 4)
        self.assertGreater(person["topics"]["delivery"]["same"], 0)
        self.assertEqual(part("--message", "m0-3")["played"], 1)
        self.assertEqual(part("--message", "m4-3")["topics"]["alert"]["same"], 3,
                         "its earlier results count, and the rules published before it")
        partition, count = self.busy("feed.his")
        self.assertEqual(part("--record", f"feed.his/{partition}/0")["played"], 1)
        self.assertEqual(part("--record", f"feed.his/{partition}/1..{count}")["played"], count - 1)
        halves = [part(*flags) for flags in (("--to", "2026-11-21T10:30:00Z"), ("--from", "2026-11-21T10:30:00Z"))]
        for topic, counts in whole["topics"].items():
            self.assertEqual(sum(half["topics"][topic]["same"] for half in halves), counts["same"], topic)

    def test_a_replay_of_a_topic_takes_what_other_stages_wrote_there(self):
        whole = self.replay()[1]
        for topic, stages in (("subject", 4), ("person", 3), ("task", 2), ("notification", 1)):
            report, said = self.replay("--topic", topic)[1:]
            self.assertTrue(report["agrees"], said)
            self.assertEqual(len(report["stages"]), stages)
            self.assertNotIn("intake", report["stages"])
            made, all_made = report["topics"]["delivery"]["made"], whole["topics"]["delivery"]["made"]
            if topic == "subject":  # doctors' decisions do not come this way
                self.assertTrue(0 < made < all_made, said)
            else:
                self.assertEqual(made, all_made, said)
        self.assertEqual(self.site.command("replay", "--data-dir", str(self.copy), "--into", str(self.site.folder / "no"),
                                           "--topic", "risk").returncode, 2)

    def test_a_replay_names_the_first_difference(self):
        partition, count = self.busy("alert")
        self.tamper("edit", f"alert/{partition}/{count // 2}", "renew")
        self.tamper("edit", f"alert/{partition}/{count - 1}", "renew")
        report, said = self.replay(code=1)[1:]
        self.assertEqual(report["topics"]["alert"]["changed"], 2)
        self.assertEqual(len(report["differences"]), 2)
        self.assertRegex(said, rf"first difference: 2026-11-21\S+ alert/{partition}/{count // 2} is not what is recomputed")

    def test_a_record_taken_out_is_only_in_the_replay(self):
        partition, count = self.busy("delivery", 1)
        self.tamper("remove", f"delivery/{partition}/{count - 1}", "renew")
        report, said = self.replay(code=1)[1:]
        self.assertEqual(report["topics"]["delivery"]["only_replay"], 1, said)
        self.assertIn("lacks what is recomputed", said)

    def test_a_replay_makes_what_lies_between_stages_by_itself(self):
        partition, count = self.busy("person")
        self.tamper("edit", f"person/{partition}/{count // 2}", "renew")
        report, said = self.replay(code=1)[1:]
        self.assertEqual(report["topics"]["person"]["changed"], 1, said)
        self.assertEqual(len(report["differences"]), 1, "what care makes of it is what it made")

    def test_what_can_not_be_done_is_said(self):
        self.assertIn("--stage is one of", self.site.command("audit", "verify", "--data-dir", str(self.copy)).stderr)
        done = self.site.command("audit", "verify", "--stage", "desk", "--person", "x", "--data-dir", str(self.copy))
        self.assertEqual(done.returncode, 2, done.stderr)
        done = self.site.command("audit", "verify", "--stage", "care", "--data-dir", str(self.copy / "none"))
        self.assertNotEqual(done.returncode, 0)


if __name__ == "__main__":
    unittest.main()
