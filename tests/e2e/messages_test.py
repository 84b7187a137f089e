#!/usr/bin/env python3
"""Messages from a doctor's decision to a provider and back, by the real binary and the simulated providers: WeChat,
Tencent, a WeCom robot, a hospital's own gateway, a resend. VITALOG_BINARY names it."""

import json
import os
import pathlib
import sys
import time
import unittest
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from running_site import GatewaySim, Mllp, Site, call, oru

BINARY = os.environ["VITALOG_BINARY"]
SECRETS = {"VITALOG_TENCENT_SECRET_ID": "testid", "VITALOG_TENCENT_SECRET_KEY": "testkey",
           "VITALOG_WECHAT_APPID": "wx1", "VITALOG_WECHAT_SECRET": "secret", "VITALOG_WECHAT_TOKEN": "token1",
           "VITALOG_WECOM_ROBOTS": "ward=key-1"}


class WithProviders(unittest.TestCase):
    """A site in live mode whose providers are simulated."""

    def start(self, *flags):
        # The simulator pushes to the site, and the site sends to the simulator: one of them gets its address later.
        self.site = Site(BINARY, environment=SECRETS)
        self.addCleanup(self.site.remove)
        self.sim = GatewaySim(BINARY, self.site.url, "--receipt-delay", "50", secrets=SECRETS)
        self.addCleanup(self.sim.stop)
        self.site.flags = ["--set", "notify.mode=live"]
        for flag in flags:
            self.site.flags += ["--set", flag.format(sim=self.sim.url)]
        self.site.start()
        self.sender = Mllp(self.site.mllp)
        self.addCleanup(self.sender.close)

    def directory(self, *lines):
        status, answer = self.site.post("/directory", "\n".join(json.dumps(line) for line in lines),
                                        content_type="application/x-ndjson")
        self.assertEqual(status, 200, answer)

    def patient(self, number, consent, **more):
        self.directory({"patient": f"MRN|{number}", "team": "general", "phone": f"1390000000{number}",
                        "openid": f"oPatient{number}", "consent": {"alert": consent}, **more})

    def confirmed(self, number):
        """A critical result of a patient, confirmed by a doctor: the patient is told."""
        now = time.strftime("%Y%m%d%H%M%S", time.gmtime(time.time() + 8 * 3600))
        self.sender.send(oru(f"m{number}", patient=str(number), value="7.2", time=now))
        self.site.wait()
        bundle = self.site.get("/fhir/Task?status=requested&_count=50")[1]
        person = self.site.person(f"MRN|{number}")
        task = next(e["resource"]["id"] for e in bundle["entry"] if e["resource"]["for"]["reference"].endswith(person))
        status, answer = self.site.post(f"/fhir/Task/{task}/$confirm", {}, user="dr.li")
        self.assertEqual(status, 200, answer)
        return person

    def delivery(self, recipient, wanted, seconds=20):
        """The last word on the one message to a recipient, once it is in that state."""
        last = None
        for _ in range(int(seconds / 0.05)):
            events = [d for d in self.site.events("delivery") if d["recipient"] == recipient]
            last = max(events, key=lambda d: d["revision"], default=None)
            if last and last["state"] == wanted:
                return last
            time.sleep(0.05)
        self.fail(f"not {wanted}: {last}")

    def sent(self, channel):
        return [message for message in self.sim.sent() if message["channel"] == channel]


class Wechat(WithProviders):
    def test_preferred_delivered_and_fallen_back(self):
        self.start("notify.wechat.url={sim}", "notify.sms.provider=tencent", "notify.tencent.url={sim}",
                   "notify.tencent.app_id=1400006666")
        for number in (1, 2, 3):
            self.patient(number, ["wechat", "sms"])
        person = self.confirmed(1)
        done = self.delivery(person, "delivered")
        self.assertEqual((done["channel"], done["attempts"], done["code"]), ("wechat", 1, "success"))
        self.assertEqual(self.sent("wechat")[0]["intent"], done["intent"])
        # Does not follow the account: by SMS.
        call(self.sim.url + "/fail", '{"next":1,"as":"code","code":"43004","channel":"wechat"}')
        person = self.confirmed(2)
        done = self.delivery(person, "delivered")
        self.assertEqual((done["channel"], done["attempts"], done["code"]), ("sms", 2, "DELIVRD"))
        self.assertEqual([(m["to"], m["provider"], m["template"]) for m in self.sent("sms")],
                         [("+8613900000002", "tencent", "2400001")])
        # Taken, and then blocked by the user: the receipt says so.
        call(self.sim.url + "/fail", '{"next":1,"as":"undelivered","channel":"wechat"}')
        person = self.confirmed(3)
        self.assertEqual(self.delivery(person, "delivered")["channel"], "sms")
        # Another owner of the account forces a new token: one send more, no message less.
        body = {"grant_type": "client_credential", "appid": "wx1", "secret": "secret", "force_refresh": True}
        self.assertEqual(call(self.sim.url + "/cgi-bin/stable_token", json.dumps(body))[0], 200)
        self.patient(4, ["wechat"])
        self.assertEqual(self.delivery(self.confirmed(4), "delivered")["channel"], "wechat")
        self.site.wait()  # the views, which the figures are counted from, may be behind the topic
        stats = self.site.get("/stats/messages")[1]
        self.assertEqual(stats["zone"], "Asia/Shanghai")

        def counted(channel, what):
            return sum(row[what] for row in stats["days"] if row["channel"] == channel)  # of two days at midnight

        self.assertEqual((counted("wechat", "delivered"), counted("wechat", "settled")), (2, 2))
        self.assertEqual({row["success_rate"] for row in stats["days"] if row["channel"] == "wechat"}, {1})
        self.assertEqual((counted("sms", "delivered"), counted("sms", "settled")), (2, 2))
        # What was delivered is not sent again.
        status, answer = self.site.post("/admin/resend", {"intent": done["intent"], "reason": "again", "user": "op"})
        self.assertEqual(status, 409, answer)
        self.assertEqual(self.site.post("/admin/resend", {"intent": "0" * 32, "reason": "x", "user": "op"})[0], 404)
        self.assertEqual(self.site.post("/admin/resend", {"intent": done["intent"]})[0], 400)

    def test_callback_is_signed(self):
        self.start("notify.wechat.url={sim}")
        good = "signature=7e5296e30373a3801ce6ebe68c32fa7988aef6af&timestamp=1409735669&nonce=nonce1"
        self.assertEqual(call(f"{self.site.url}/receipts/wechat?{good}&echostr=77"), (200, "77"))
        self.assertEqual(call(f"{self.site.url}/receipts/wechat?{good.replace('7e', '8e')}&echostr=77")[0], 403)


class Tencent(WithProviders):
    def test_resend_after_a_failure(self):
        self.start("notify.sms.provider=tencent", "notify.tencent.url={sim}", "notify.tencent.app_id=1400006666")
        self.patient(1, ["sms"])
        call(self.sim.url + "/fail", '{"next":1,"as":"code","code":"FailedOperation.PhoneNumberInBlacklist"}')
        person = self.confirmed(1)
        failed = self.delivery(person, "failed")
        self.assertEqual(failed["code"], "FailedOperation.PhoneNumberInBlacklist")
        status, answer = self.site.post("/admin/resend", {"intent": failed["intent"], "reason": "unblocked", "user": "op"})
        self.assertEqual((status, answer["attempts"], answer["reason"]), (200, 2, "sent again by op: unblocked"))
        self.assertEqual(self.delivery(person, "delivered")["attempts"], 2)


class Robot(WithProviders):
    def test_notices_to_the_team(self):
        self.start("notify.wecom.url={sim}")
        self.directory({"team": "general", "members": [{"user": "dr.li", "phone": "13800000001"}],
                        "duty_doctor": "dr.li", "duty_group": "general", "robot": "ward"})
        now = time.strftime("%Y%m%d%H%M%S", time.gmtime(time.time() + 8 * 3600))
        self.sender.send(oru("m1", value="7.2", time=now))
        done = self.delivery("user:dr.li", "delivered")
        self.assertEqual((done["channel"], done["purpose"]), ("wecom", "task"))
        text = self.sent("wecom")[0]["params"]["text"]
        self.assertEqual(text["mentioned_mobile_list"], ["13800000001"])
        self.assertIn("健康管理任务", text["content"])
        for word in ("钾", "potassium", "7.2", "mmol"):
            self.assertNotIn(word, json.dumps(text, ensure_ascii=False))


class HospitalGateway(WithProviders):
    def test_takes_attempts_and_answers(self):
        self.start("notify.sms.gateway=external")
        self.patient(1, ["sms"])
        person = self.confirmed(1)
        with urllib.request.urlopen(f"{self.site.url}/gateway/sms?wait=20") as answer:
            cursor = answer.headers["X-Next"]
            lines = [json.loads(line) for line in answer.read().decode().splitlines()]
        sends = [line["send"] for line in lines if line["send"]["recipient"] == person]
        self.assertEqual(len(sends), 1)
        send = sends[0]
        self.assertEqual(set(send) - {"url", "sign", "params", "resend"},
                         {"intent", "attempt", "recipient", "to", "template", "text", "not_after", "priority"})
        self.assertGreater(self.site.get("/lag")[1]["effects"], 0)
        receipt = {k: send[k] for k in ("recipient", "intent", "attempt")}
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        status, taken = self.site.post("/gateway/sms/receipts", {**receipt, "state": "accepted", "code": "0", "at": at})
        self.assertEqual((status, taken), (200, {"accepted": 1}))
        self.site.post("/gateway/sms/receipts", {**receipt, "state": "delivered", "code": "DELIVRD", "at": at})
        self.assertEqual(self.delivery(person, "delivered")["code"], "DELIVRD")
        status, rest = call(f"{self.site.url}/gateway/sms?wait=0&from={cursor}")
        self.assertEqual((status, rest), (200, ""))
        self.assertEqual(self.site.get("/lag")[1]["effects"], 0)
        self.assertEqual(self.site.post("/gateway/sms/receipts", {"state": "delivered"})[0], 400)
        self.assertEqual(call(f"{self.site.url}/gateway/wechat")[0], 409)
        self.assertEqual(self.sim.sent(), [])


if __name__ == "__main__":
    unittest.main(verbosity=1)
