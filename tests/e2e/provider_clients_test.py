#!/usr/bin/env python3
"""The providers' own clients talk to `vitalog gateway-sim`: what they take for the provider, ours may take for it too.

Where the package index can't be reached, and they are not there yet, the test says so and is skipped."""

import datetime
import json
import os
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from clients import enter_environment  # noqa: E402

PACKAGES = ["alibabacloud-dysmsapi20170525==4.6.0", "tencentcloud-sdk-python-sms==3.1.153", "wechatpy==1.8.18"]

if __name__ == "__main__":
    enter_environment(pathlib.Path(os.environ["VITALOG_VENV"]), PACKAGES, "provider_clients_test")

from running_site import GatewaySim, call  # noqa: E402

PROVIDER_SECRETS = {"VITALOG_ALIYUN_KEY_ID": "testid", "VITALOG_ALIYUN_KEY_SECRET": "testsecret",
                    "VITALOG_TENCENT_SECRET_ID": "testid", "VITALOG_TENCENT_SECRET_KEY": "testkey",
                    "VITALOG_WECHAT_APPID": "wx1", "VITALOG_WECHAT_SECRET": "secret", "VITALOG_WECHAT_TOKEN": "token1",
                    "VITALOG_WECOM_ROBOTS": "ward=key-1"}


class WithSim(unittest.TestCase):
    def setUp(self):
        self.sim = GatewaySim(os.environ["VITALOG_BINARY"], "", secrets=PROVIDER_SECRETS)
        self.addCleanup(self.sim.stop)
        self.address = self.sim.url.removeprefix("http://")

    def post(self, path, body):
        status, text = call(self.sim.url + path, json.dumps(body))
        return status, json.loads(text)


class Aliyun(WithSim):
    def client(self, secret="testsecret"):
        from alibabacloud_dysmsapi20170525.client import Client
        from alibabacloud_tea_openapi.models import Config
        return Client(Config(access_key_id="testid", access_key_secret=secret, endpoint=self.address, protocol="http"))

    def send(self, client, **other):
        from alibabacloud_dysmsapi20170525.models import SendSmsRequest
        values = dict(phone_numbers="13900000001", sign_name="健康管理", template_code="SMS_480000002",
                      out_id="user:li|intent-1|a1")
        return client.send_sms(SendSmsRequest(**{**values, **other})).body

    def test_send_and_query(self):
        from alibabacloud_dysmsapi20170525.models import QuerySendDetailsRequest
        client = self.client()
        sent = self.send(client)
        self.assertEqual((sent.code, sent.message), ("OK", "OK"))
        self.assertTrue(sent.biz_id)
        taken = self.sim.sent()
        self.assertEqual([(m["channel"], m["to"], m["template"], m["intent"]) for m in taken],
                         [("sms", "13900000001", "SMS_480000002", "intent-1")])
        sent_at = datetime.datetime.fromisoformat(taken[0]["at"].replace("Z", "+00:00"))
        day = (sent_at + datetime.timedelta(hours=8)).strftime("%Y%m%d")
        answer = client.query_send_details(QuerySendDetailsRequest(phone_number="13900000001", send_date=day,
                                                                   page_size=10, current_page=1)).body
        details = answer.sms_send_detail_dtos.sms_send_detail_dto
        self.assertEqual([d.out_id for d in details], ["user:li|intent-1|a1"])
        self.assertIn(details[0].send_status, (1, 3))

    def test_refusals(self):
        client = self.client()
        self.assertEqual(self.send(client, template_code="SMS_1").code, "isv.SMS_TEMPLATE_ILLEGAL")
        self.assertEqual(self.send(client, sign_name="x").code, "isv.SMS_SIGNATURE_ILLEGAL")
        self.assertEqual(self.send(client, phone_numbers="12").code, "isv.MOBILE_NUMBER_ILLEGAL")
        self.post("/fail", {"next": 1, "as": "limit"})
        self.assertEqual(self.send(client).code, "isv.BUSINESS_LIMIT_CONTROL")
        with self.assertRaises(Exception) as refused:
            self.send(self.client("other"))
        self.assertIn("SignatureDoesNotMatch", str(refused.exception))


class Tencent(WithSim):
    def client(self, key="testkey"):
        from tencentcloud.common import credential
        from tencentcloud.common.profile.client_profile import ClientProfile
        from tencentcloud.common.profile.http_profile import HttpProfile
        from tencentcloud.sms.v20210111 import sms_client
        http = HttpProfile(endpoint=self.address)
        http.scheme = "http"
        return sms_client.SmsClient(credential.Credential("testid", key), "ap-guangzhou", ClientProfile(httpProfile=http))

    def request(self, **other):
        from tencentcloud.sms.v20210111 import models
        request = models.SendSmsRequest()
        values = {"PhoneNumberSet": ["+8613900000001"], "SmsSdkAppId": "1400006666", "TemplateId": "2400002",
                  "SignName": "健康管理", "TemplateParamSet": [], "SessionContext": "user:li|intent-1|a1"}
        request.from_json_string(json.dumps({**values, **other}))
        return request

    def test_send_and_limits(self):
        client = self.client()
        status = client.SendSms(self.request()).SendStatusSet[0]
        self.assertEqual((status.Code, status.Message, status.SessionContext),
                         ("Ok", "send success", "user:li|intent-1|a1"))
        self.assertTrue(status.SerialNo)
        again = client.SendSms(self.request()).SendStatusSet[0]
        self.assertEqual(again.Code, "LimitExceeded.PhoneNumberThirtySecondLimit")
        self.assertEqual([m["intent"] for m in self.sim.sent()], ["intent-1"])

    def test_refusals(self):
        from tencentcloud.common.exception.tencent_cloud_sdk_exception import TencentCloudSDKException

        def code(client, request):
            with self.assertRaises(TencentCloudSDKException) as refused:
                client.SendSms(request)
            return refused.exception.get_code()
        self.assertEqual(code(self.client("other"), self.request()), "AuthFailure.SignatureFailure")
        self.assertEqual(code(self.client(), self.request(TemplateId="1")),
                         "FailedOperation.TemplateIncorrectOrUnapproved")
        self.assertEqual(code(self.client(), self.request(SmsSdkAppId="1")),
                         "UnauthorizedOperation.SmsSdkAppIdVerifyFail")


class Wechat(WithSim):
    def client(self):
        from wechatpy import WeChatClient
        status, token = self.post("/cgi-bin/stable_token", {"grant_type": "client_credential", "appid": "wx1",
                                                            "secret": "secret"})
        self.assertEqual((status, token["expires_in"] > 7000), (200, True))
        client = WeChatClient("wx1", "secret", access_token=token["access_token"])
        client.API_BASE_URL = self.sim.url + "/cgi-bin/"
        client.session.set(client.access_token_key, token["access_token"], 7000)
        client.expires_at = 2 ** 40
        return client

    DATA = {"thing1": {"value": "您有一条新的健康提醒"}, "thing2": {"value": "请登录查看"}}

    def test_send_template(self):
        answer = self.client().message.send_template("oPatient1", "vitalog-patient-notice", self.DATA)
        self.assertEqual(answer["errcode"], 0)
        self.assertGreater(answer["msgid"], 0)
        self.assertEqual([(m["channel"], m["to"], m["params"]) for m in self.sim.sent()],
                         [("wechat", "oPatient1", self.DATA)])

    def test_refusals(self):
        from wechatpy.exceptions import WeChatClientException
        client = self.client()

        def errcode(*arguments):
            with self.assertRaises(WeChatClientException) as refused:
                client.message.send_template(*arguments)
            return refused.exception.errcode
        self.assertEqual(errcode("oPatient1", "other", self.DATA), 40037)
        self.assertEqual(errcode("oPatient1", "vitalog-patient-notice", {"thing1": {"value": "x"}}), 47003)
        self.assertEqual(errcode("o|1234567", "vitalog-patient-notice", self.DATA), 40003)
        self.post("/fail", {"next": 1, "as": "code", "code": "43004", "channel": "wechat"})
        self.assertEqual(errcode("oPatient1", "vitalog-patient-notice", self.DATA), 43004)

    def test_events_are_read(self):
        """What the simulator pushes, the account's own library reads."""
        from wechatpy import parse_message
        from wechatpy.utils import check_signature
        check_signature("token1", "7e5296e30373a3801ce6ebe68c32fa7988aef6af", "1409735669", "nonce1")
        event = parse_message("<xml><ToUserName><![CDATA[gh]]></ToUserName><FromUserName><![CDATA[o]]></FromUserName>"
                              "<CreateTime>1395658920</CreateTime><MsgType><![CDATA[event]]></MsgType>"
                              "<Event><![CDATA[TEMPLATESENDJOBFINISH]]></Event><MsgID>200163836</MsgID>"
                              "<Status><![CDATA[success]]></Status></xml>")
        self.assertEqual((event.event, event.id, event.status), ("templatesendjobfinish", 200163836, "success"))


if __name__ == "__main__":
    unittest.main(verbosity=1)
