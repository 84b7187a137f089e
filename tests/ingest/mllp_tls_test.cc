#include <cstdlib>
#include <filesystem>

#include "ingest/mllp/client.h"
#include "tests/ingest/mllp_fixture.h"
#include "tests/support/soon.h"

// MLLP under TLS, against Python's ssl and against our own client. Certificates are made when the
// tests run, by openssl.

namespace vitalog::ingest::mllp {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

/// A small public key infrastructure: two authorities; a server and a client of the first, a client
/// of the second.
class Certificates {
  public:
    Certificates()
        : folder_(fs::path(::testing::TempDir()) / ("mllp_tls_" + std::to_string(::getpid()))) {
        fs::create_directories(folder_);
        authority("ca");
        authority("other_ca");
        issue("server", "ca", "subjectAltName=IP:127.0.0.1,DNS:localhost");
        issue("client", "ca", "extendedKeyUsage=clientAuth");
        issue("stranger", "other_ca", "extendedKeyUsage=clientAuth");
    }
    ~Certificates() { fs::remove_all(folder_); }
    const fs::path& folder() const { return folder_; }

    std::string pem(const std::string& name) const { return (folder_ / (name + ".pem")).string(); }
    std::string key(const std::string& name) const { return (folder_ / (name + ".key")).string(); }

  private:
    void run(const std::string& command) {
        ASSERT_EQ(
            std::system(
                ("cd " + folder_.string() + " && " + command + " > openssl.log 2>&1").c_str()),
            0)
            << command;
    }
    void authority(const std::string& name) {
        run("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
            "-subj /CN=" +
            name + " -keyout " + name + ".key -out " + name + ".pem");
    }
    void issue(const std::string& name, const std::string& by, const std::string& extension) {
        run("openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=" +
            name + " -keyout " + name + ".key -out " + name + ".csr && echo " + extension + " > " +
            name + ".ext && openssl x509 -req -days 2 -in " + name + ".csr -CA " + by +
            ".pem -CAkey " + by + ".key -CAcreateserial -extfile " + name + ".ext -out " + name +
            ".pem");
    }
    fs::path folder_;
};

class MllpTls : public ::testing::Test {
  protected:
    static void SetUpTestSuite() { pki_ = new Certificates; }
    static void TearDownTestSuite() {
        delete pki_;
        pki_ = nullptr;
    }

    static ListenerConfig listener(bool wants_clients) {
        ListenerConfig config;
        config.tls = {pki_->pem("server"), pki_->key("server"),
                      wants_clients ? pki_->pem("ca") : std::string()};
        return config;
    }
    /// What Python's ssl sees: the answer to one message, or the name of its exception.
    static std::string python(const Site& site, const std::string& context) {
        const fs::path output = pki_->folder() / "output";
        const fs::path script = pki_->folder() / "script.py";
        std::ofstream(script)
            << "import socket, ssl\n"
               "context = ssl.create_default_context(cafile='" +
                   pki_->pem("ca") + "')\n" + context +
                   "\ntry:\n"
                   "    with socket.create_connection(('127.0.0.1', " +
                   std::to_string(site.listener->port()) +
                   "), timeout=10) as plain:\n"
                   "        with context.wrap_socket(plain, server_hostname='127.0.0.1') as tls:\n"
                   "            "
                   "tls.sendall(b'\\x0bMSH|^~\\\\&|HIS|HOSP|V|W|20240101||ADT^A08|7|P|2.5"
                   "\\rPID|1||5^^^MRN\\r\\x1c\\r')\n"
                   "            answer = tls.recv(65536)\n"
                   "            print(tls.version(), answer.split(b'MSA|')[1][:4].decode() if "
                   "answer else 'closed')\n"
                   "except ssl.SSLError:\n"
                   "    print('SSLError')\n"
                   "except ConnectionError:\n"
                   "    print('ConnectionError')\n";
        EXPECT_EQ(
            std::system(("python3 -W ignore " + script.string() + " > " + output.string() + " 2>&1")
                            .c_str()),
            0);
        std::ifstream file(output);
        std::string text{std::istreambuf_iterator<char>(file), {}};
        while (text.ends_with('\n')) text.pop_back();
        return text;
    }
    static std::string load_client(const std::string& name) {
        return "context.load_cert_chain('" + pki_->pem(name) + "', '" + pki_->key(name) + "')";
    }
    static Result<SendSummary> send(const Site& site, const ClientTls& tls) {
        ClientConfig config;
        config.port = site.listener->port();
        config.tls = tls;
        config.retry_for = 300ms;
        return send_messages({"MSH|^~\\&|HIS|HOSP|V|W|20240101||ADT^A08|8|P|2.5\rPID|1||5^^^MRN\r",
                              "MSH|^~\\&|HIS|HOSP|V|W|20240101||ADT^A08|9|P|2.5\rPID|1||6^^^MRN\r"},
                             config);
    }
    static std::size_t taken(Site& site) { return site.appender.records("feed.his").size(); }

    static inline Certificates* pki_ = nullptr;
};

TEST_F(MllpTls, SpeaksToPythonFromVersion12On) {
    Site site(listener(false));
    EXPECT_EQ(python(site, ""), "TLSv1.3 AA|7");
    EXPECT_EQ(python(site, "context.maximum_version = ssl.TLSVersion.TLSv1_2"), "TLSv1.2 AA|7");
    EXPECT_EQ(python(site,
                     "context.minimum_version = ssl.TLSVersion.TLSv1\n"
                     "context.maximum_version = ssl.TLSVersion.TLSv1_1"),
              "SSLError");
    EXPECT_EQ(taken(site), 1U);  // the second is a repeat
}

TEST_F(MllpTls, WantsAClientCertificateOfItsAuthority) {
    Site site(listener(true));
    EXPECT_EQ(python(site, load_client("client")), "TLSv1.3 AA|7");
    EXPECT_EQ(taken(site), 1U);
    for (const std::string& context :
         {std::string(), load_client("stranger"),
          "context.maximum_version = ssl.TLSVersion.TLSv1_2" + std::string()}) {
        const std::string outcome = python(site, context);
        EXPECT_TRUE(outcome == "SSLError" || outcome == "ConnectionError") << outcome;
    }
    EXPECT_EQ(taken(site), 1U);
    EXPECT_TRUE(tests::soon([&] {
        return site.metrics.value("vitalog_mllp_tls_refused_total,endpoint=his") >= 3;
    })) << "counted after the peer was told";
}

TEST_F(MllpTls, SendsWithOurClient) {
    Site site(listener(true));
    const auto sent = send(site, {true, pki_->pem("ca"), pki_->pem("client"), pki_->key("client")});
    ASSERT_TRUE(sent) << sent.error().message();
    EXPECT_EQ(sent->accepted, 2U);
    EXPECT_EQ(taken(site), 2U);
}

TEST_F(MllpTls, OurClientTrustsItsAuthorityOnly) {
    Site site(listener(false));
    const auto sent = send(site, {true, pki_->pem("other_ca"), "", ""});
    ASSERT_FALSE(sent);
    EXPECT_NE(sent.error().message().find("TLS: "), std::string::npos) << sent.error().message();
    EXPECT_EQ(taken(site), 0U);
}

TEST_F(MllpTls, OurClientWithoutCertificateIsRefused) {
    Site site(listener(true));
    EXPECT_FALSE(send(site, {true, pki_->pem("ca"), "", ""}));
    EXPECT_FALSE(send(site, {true, pki_->pem("ca"), pki_->pem("stranger"), pki_->key("stranger")}));
    EXPECT_EQ(taken(site), 0U);
}

TEST_F(MllpTls, TakesNothingThatComesPlain) {
    Site site(listener(false));
    RawClient client(site);
    client.send(framed("MSH|^~\\&|HIS|HOSP|V|W|20240101||ADT^A08|7|P|2.5\rPID|1||5^^^MRN\r"));
    EXPECT_EQ(client.receive().find("MSA"), std::string::npos);
    EXPECT_EQ(taken(site), 0U);
}

TEST_F(MllpTls, ClosesOnWhoNeverShakesHands) {
    ListenerConfig config = listener(false);
    config.handshake_timeout = 500ms;
    Site site(config);
    RawClient client(site);
    EXPECT_EQ(client.receive(), "");
    EXPECT_TRUE(client.closed());
    EXPECT_EQ(site.metrics.value("vitalog_mllp_tls_refused_total,endpoint=his"), 1.0);
}

TEST_F(MllpTls, NamesTheSettingOfAFileThatCantBeUsed) {
    const auto fault = [&](const ListenerTls& tls) {
        const auto checked = check(tls);
        return checked ? std::string() : checked.error().message();
    };
    EXPECT_EQ(fault({pki_->pem("server"), pki_->key("server"), pki_->pem("ca")}), "");
    EXPECT_EQ(fault({}), "");
    EXPECT_EQ(fault({"/nowhere.pem", pki_->key("server"), ""})
                  .find("mllp.tls.certificate = '/nowhere.pem'"),
              0U);
    EXPECT_EQ(fault({pki_->pem("server"), pki_->key("client"), ""}).find("mllp.tls.key = "), 0U);
    EXPECT_EQ(fault({pki_->pem("server"), pki_->key("server"), pki_->key("ca")})
                  .find("mllp.tls.client_ca = "),
              0U);
    EXPECT_NE(fault({pki_->pem("server"), "", ""}).find("belong together"), std::string::npos);
    EXPECT_NE(fault({"", "", pki_->pem("ca")}).find("needs both"), std::string::npos);
}

}  // namespace
}  // namespace vitalog::ingest::mllp
