"""MLLP under TLS with the real binary, a batch, and a document of 20 MB: its bytes reach Binary, in bounded memory."""

import base64
import hashlib
import json
import os
import pathlib
import re
import socket
import ssl
import subprocess
import tempfile
import time
import unittest
import urllib.error
import urllib.request

from running_site import Mllp, Site, ack_code, call, hl7

BINARY = os.environ["VITALOG_BINARY"]
DOCUMENT_SIZE = 20_000_000
MEMORY_MAX = 900 * 1024 * 1024 * int(os.environ.get("VITALOG_MEMORY_TIMES", "1"))


class Certificates:
    """Two authorities; a server and a client of the first, a client of the second."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="vitalog-pki-")
        for authority in ("ca", "other"):
            self.openssl("req", "-x509", *self.new_key(authority), "-days", "2", "-subj", f"/CN={authority}", "-out",
                         f"{authority}.pem")
        self.issue("server", "ca", "subjectAltName=IP:127.0.0.1")
        self.issue("client", "ca", "extendedKeyUsage=clientAuth")
        self.issue("stranger", "other", "extendedKeyUsage=clientAuth")

    @staticmethod
    def new_key(name):
        return "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", f"{name}.key"

    def openssl(self, *words):
        subprocess.run(["openssl", *words], cwd=self.folder.name, check=True, capture_output=True)

    def issue(self, name, authority, extension):
        pathlib.Path(self.folder.name, f"{name}.ext").write_text(extension + "\n")
        self.openssl("req", *self.new_key(name), "-subj", f"/CN={name}", "-out", f"{name}.csr")
        self.openssl("x509", "-req", "-days", "2", "-in", f"{name}.csr", "-CA", f"{authority}.pem", "-CAkey",
                     f"{authority}.key", "-CAcreateserial", "-extfile", f"{name}.ext", "-out", f"{name}.pem")

    def __getitem__(self, file):
        return str(pathlib.Path(self.folder.name, file))


def a08(control_id):
    return hl7(f"MSH|^~\\&|HIS|HOSP|V|W|20261121080000||ADT^A08|{control_id}|P|2.5", "PID|1||5^^^MRN^MR||Wang^Fang")


class Tls(unittest.TestCase):
    def setUp(self):
        self.pki = Certificates()
        self.addCleanup(self.pki.folder.cleanup)
        self.site = Site(BINARY, "--set", f"mllp.tls.certificate={self.pki['server.pem']}", "--set",
                         f"mllp.tls.key={self.pki['server.key']}", "--set", f"mllp.tls.client_ca={self.pki['ca.pem']}")
        self.addCleanup(self.site.remove)
        self.site.start()

    def ask(self, control_id, certificate=None, authority="ca"):
        context = ssl.create_default_context(cafile=self.pki[authority + ".pem"])
        if certificate:
            context.load_cert_chain(self.pki[certificate + ".pem"], self.pki[certificate + ".key"])
        host, port = self.site.mllp.rsplit(":", 1)
        with socket.create_connection((host, int(port)), timeout=20) as plain:
            with context.wrap_socket(plain, server_hostname=host) as secure:
                secure.sendall(b"\x0b" + a08(control_id) + b"\x1c\r")
                answer = secure.recv(65536)
                if not answer:
                    raise ConnectionError("closed")
                return ack_code(answer)

    def test_a_client_with_our_certificate_and_nobody_else(self):
        self.assertEqual(self.ask("t1", "client"), "AA")
        for certificate in (None, "stranger"):
            with self.assertRaises((ssl.SSLError, ConnectionError)):
                self.ask("t2", certificate)
        with self.assertRaises(ssl.SSLCertVerificationError):
            self.ask("t3", "client", authority="other")
        self.assertEqual(len(list(self.site.topic("feed.his"))), 1)
        refused = re.search(r"vitalog_mllp_tls_refused_total\S* (\d+)", call(self.site.url + "/metrics")[1])
        self.assertGreaterEqual(int(refused.group(1)), 2)

    def test_send_hl7(self):
        file = self.site.folder / "one.hl7"
        file.write_bytes(a08("s1"))
        words = ["send-hl7", str(file), "--to", self.site.mllp, "--quiet", "--tls", "--ca", self.pki["ca.pem"]]
        sent = self.site.command(*words, "--cert", self.pki["client.pem"], "--key", self.pki["client.key"])
        self.assertIn("accepted 1", sent.stdout, sent.stderr)
        self.assertEqual(self.site.command(*words[:-1], self.pki["other.pem"]).returncode, 1)
        self.assertEqual(self.site.command(*words[:-3], "--cert", "x").returncode, 2)

    def test_a_file_that_cant_be_used_is_named_before_anything_opens(self):
        done = self.site.command("run", "--data-dir", str(self.site.folder / "other"), "--set",
                                 f"mllp.tls.certificate={self.pki['server.pem']}", "--set",
                                 f"mllp.tls.key={self.pki['client.key']}")
        self.assertEqual(done.returncode, 2)
        self.assertIn("mllp.tls.key", done.stderr)
        self.assertFalse((self.site.folder / "other").exists())


class Documents(unittest.TestCase):
    def setUp(self):
        self.site = Site(BINARY, "--set", "hl7.max_message=64MiB", "--set", "log.cache=64MiB", "--set",
                         "state.memory_budget=64MiB")
        self.addCleanup(self.site.remove)
        self.site.start()
        self.sender = Mllp(self.site.mllp)
        self.addCleanup(self.sender.close)

    def resident(self):
        status = pathlib.Path(f"/proc/{self.site.process.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+) kB", status).group(1)) * 1024

    def letter(self, number, document):
        return hl7(f"MSH|^~\\&|EMR|HOSP|V|W|20261121080000||MDM^T02|d{number}|P|2.5", "PID|1||5^^^MRN^MR||Wang^Fang",
                   f"TXA|1|DS||20261121070000|||||5^Wu^Yi|||D{number}|||||LA",
                   "OBX|1|TX|B^Body^L||See the letter.||||||F",
                   "OBX|2|ED|P^Letter^L||EMR^application^pdf^Base64^" + base64.b64encode(document).decode()
                   + "||||||F")

    def binary(self, url, accept):
        for _ in range(100):
            request = urllib.request.Request(f"{self.site.url}/fhir/{url}", headers={"Accept": accept})
            try:
                with urllib.request.urlopen(request, timeout=60) as answer:
                    return answer.headers, answer.read()
            except urllib.error.HTTPError as refused:
                self.assertEqual(refused.code, 503, refused.read())
                time.sleep(0.1)
        raise AssertionError("the document is never stored")

    def test_twenty_megabytes_from_the_socket_to_binary(self):
        document = b"%PDF-1.4\n" + hashlib.shake_256(b"letter").digest(DOCUMENT_SIZE)
        for number in range(3):  # the same bytes in three messages are one file
            self.assertEqual(ack_code(self.sender.send(self.letter(number, document))), "AA")
        self.site.wait()
        patient = self.site.person("MRN|5")
        reports = self.site.get(f"/fhir/DiagnosticReport?patient={patient}")[1]["entry"]
        self.assertEqual(len(reports), 3)
        form = reports[0]["resource"]["presentedForm"][1]
        self.assertEqual((form["contentType"], form["size"]), ("application/pdf", len(document)))
        headers, body = self.binary(form["url"], "*/*")
        self.assertEqual(headers["Content-Type"], "application/pdf")
        self.assertEqual(hashlib.sha256(body).digest(), hashlib.sha256(document).digest())
        resource = json.loads(self.binary(form["url"], "application/fhir+json")[1])
        self.assertEqual((resource["resourceType"], resource["contentType"]), ("Binary", "application/pdf"))
        self.assertEqual(base64.b64decode(resource["data"]), document)
        files = [f for f in (self.site.folder / "data/blobs").rglob("*") if f.is_file()]
        self.assertEqual([f.name for f in files], [hashlib.sha256(document).hexdigest()])
        for topic in ("subject", "person"):
            self.assertLess(max(len(value) for _, value in self.site.topic(topic)), 100_000)
        self.assertLess(self.resident(), MEMORY_MAX)

    def test_a_document_survives_a_kill_right_after_its_acknowledgement(self):
        document = hashlib.shake_256(b"killed").digest(3_000_000)
        self.assertEqual(ack_code(self.sender.send(self.letter(9, document))), "AA")
        self.site.kill()
        self.site.start()
        self.site.wait()
        patient = self.site.person("MRN|5")
        report = self.site.get(f"/fhir/DiagnosticReport?patient={patient}")[1]["entry"][0]["resource"]
        self.assertEqual(self.binary(report["presentedForm"][1]["url"], "*/*")[1], document)

    def test_a_batch_in_one_frame(self):
        messages = b"".join(a08(f"b{number}") for number in range(50))
        answer = self.sender.send(b"BHS|^~\\&|HIS|HOSP|V|W|20261121||||B1\r" + messages + b"BTS|50\r")
        self.assertTrue(answer.startswith(b"BHS|^~\\&|V|W|HIS|HOSP|"), answer[:80])
        self.assertEqual(answer.count(b"MSA|AA|"), 50)
        self.assertTrue(answer.endswith(b"BTS|50\r"))
        self.site.wait()
        self.assertEqual(len(list(self.site.topic("feed.his"))), 50)


if __name__ == "__main__":
    unittest.main(verbosity=1, warnings="ignore")
