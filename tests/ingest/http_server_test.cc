#include <gtest/gtest.h>
#include <zlib.h>

#include <condition_variable>
#include <cstdlib>
#include <future>
#include <mutex>
#include <thread>

#include "ingest/http/inflate.h"
#include "ingest/http/metrics.h"
#include "ingest/http/server.h"
#include "tests/ingest/http_wire.h"

namespace vitalog::ingest {
namespace {

using tests::body_of;
using tests::status_of;
using tests::Wire;

using namespace std::chrono_literals;

std::string gzip(std::string_view plain) {
    z_stream stream{};
    deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
    std::string out(plain.size() + 1024, '\0');
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(plain.data()));
    stream.avail_in = static_cast<uInt>(plain.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    deflate(&stream, Z_FINISH);
    out.resize(stream.total_out);
    deflateEnd(&stream);
    return out;
}

HttpResponse text(std::string body) {
    HttpResponse response;
    response.content_type = "text/plain";
    response.body = std::move(body);
    return response;
}

class HttpServerTest : public testing::Test {
  protected:
    HttpServer& serve(HttpServerOptions options = {}) {
        server_ = std::make_unique<HttpServer>(std::move(options), &metrics_);
        server_->route("GET", "/hello/{name}", [](HttpRequest request, Respond respond) {
            respond(text(request.path_params["name"] + "," +
                         std::string(request.query_value("q").value_or("-"))));
        });
        server_->route("POST", "/echo",
                       [](HttpRequest request, Respond respond) { respond(text(request.body)); });
        server_->route("GET", "/who", [](HttpRequest request, Respond respond) {
            if (auto refusal = require_role(request, {"doctor"})) return respond(*refusal);
            respond(text(request.caller.user + "," + request.caller.role));
        });
        const auto started = server_->start();
        EXPECT_TRUE(started) << (started ? "" : started.error().to_string());
        return *server_;
    }
    std::string ask(std::string_view bytes) { return Wire(server_->address()).ask(bytes); }
    std::string post(std::string_view body, std::string_view headers = "") {
        return ask("POST /echo HTTP/1.1\r\nHost: x\r\n" + std::string(headers) +
                   "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
                   std::string(body));
    }

    MetricsRegistry metrics_;
    std::unique_ptr<HttpServer> server_;
};

TEST_F(HttpServerTest, AnswersOnAPatternWithDecodedParts) {
    serve();
    const auto answer = ask("GET /hello/%E5%BC%A0%2F1?q=a+b HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(status_of(answer), 200);
    EXPECT_EQ(body_of(answer), "\xE5\xBC\xA0/1,a b");
    EXPECT_EQ(metrics_.value("vitalog_http_requests_total",
                             {{"route", "/hello/{name}"}, {"status", "200"}}),
              1);
}

TEST_F(HttpServerTest, PrefersALiteralSegmentAndFallsBackToTheVariable) {
    auto& server = serve();
    server.route("GET", "/fhir/Task/{id}",
                 [](HttpRequest, Respond respond) { respond(text("read")); });
    server.route("GET", "/fhir/Task/_search",
                 [](HttpRequest, Respond respond) { respond(text("search")); });
    server.route("POST", "/fhir/Task/{id}/$accept", [](HttpRequest request, Respond respond) {
        respond(text("accept " + request.path_params["id"]));
    });
    EXPECT_EQ(body_of(ask("GET /fhir/Task/_search HTTP/1.1\r\nHost: x\r\n\r\n")), "search");
    EXPECT_EQ(body_of(ask("GET /fhir/Task/7 HTTP/1.1\r\nHost: x\r\n\r\n")), "read");
    EXPECT_EQ(
        body_of(ask(
            "POST /fhir/Task/_search/$accept HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")),
        "accept _search");
}

TEST_F(HttpServerTest, KeepsTheConnectionAndServesPipelinedRequestsInOrder) {
    serve();
    Wire wire(server_->address());
    wire.send("GET /hello/a HTTP/1.1\r\nHost: x\r\n\r\nGET /hello/b HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(body_of(wire.receive()), "a,-");
    EXPECT_EQ(body_of(wire.receive()), "b,-");
    EXPECT_EQ(body_of(wire.ask("GET /hello/c HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")),
              "c,-");
    EXPECT_EQ(wire.receive(), "");
}

TEST_F(HttpServerTest, AnswersHeadWithoutABody) {
    serve();
    Wire wire(server_->address());
    wire.send("HEAD /hello/a HTTP/1.1\r\nHost: x\r\n\r\n");
    const auto answer = wire.receive(true);
    EXPECT_EQ(status_of(answer), 200);
    EXPECT_NE(answer.find("Content-Length: 3\r\n"), std::string::npos);
    EXPECT_EQ(body_of(wire.ask("GET /hello/b HTTP/1.1\r\nHost: x\r\n\r\n")), "b,-");
}

TEST_F(HttpServerTest, Says404And405InJsonAndInFhir) {
    serve();
    const auto missing = ask("GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(status_of(missing), 404);
    EXPECT_EQ(
        body_of(missing),
        R"({"error":{"status":404,"code":"not-found","message":"there is nothing at /nowhere"}})");
    const auto method = ask("DELETE /echo HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(status_of(method), 405);
    EXPECT_NE(method.find("Allow: POST\r\n"), std::string::npos);
    const auto fhir = ask("GET /fhir/Nothing HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_NE(fhir.find("application/fhir+json"), std::string::npos);
    EXPECT_NE(fhir.find("\"resourceType\":\"OperationOutcome\""), std::string::npos);
}

TEST_F(HttpServerTest, RefusesWhatIsNotHttp) {
    serve();
    EXPECT_EQ(status_of(ask("\x0bMSH|^~\\&|no http at all\r\n\r\n")), 400);
    EXPECT_EQ(status_of(ask("GET /a%zz HTTP/1.1\r\nHost: x\r\n\r\n")), 400);
    EXPECT_EQ(status_of(ask("GET /hello/a HTTP/1.1\r\nHost: x\r\nX: " + std::string(40'000, 'x') +
                            "\r\n\r\n")),
              431);
}

TEST_F(HttpServerTest, TakesABodyOfTheLimitAndRefusesOneMore) {
    serve({.max_body = 1'000});
    EXPECT_EQ(body_of(post(std::string(1'000, 'a'))).size(), 1'000U);
    EXPECT_EQ(status_of(post(std::string(1'001, 'a'))), 413);
    EXPECT_EQ(status_of(ask(
                  "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n" +
                  std::string(1'001, 'a') + "\r\n0\r\n\r\n")),
              413);
}

TEST_F(HttpServerTest, AnswersAnEarlyRefusalWhileTheBodyIsStillComing) {
    serve({.max_body = 1'000});
    EXPECT_EQ(status_of(post(std::string(8 << 20, 'a'))), 413);
}

TEST_F(HttpServerTest, UnpacksGzipWithinItsLimit) {
    serve({.max_unpacked_body = 100'000});
    EXPECT_EQ(body_of(post(gzip("hello"), "Content-Encoding: gzip\r\n")), "hello");
    EXPECT_EQ(body_of(post(gzip(std::string(100'000, 'a')), "Content-Encoding: gzip\r\n")).size(),
              100'000U);
    EXPECT_EQ(status_of(post(gzip(std::string(100'001, 'a')), "Content-Encoding: gzip\r\n")), 413);
    EXPECT_EQ(status_of(post("not gzip", "Content-Encoding: gzip\r\n")), 400);
    EXPECT_EQ(status_of(post("x", "Content-Encoding: br\r\n")), 415);
}

TEST(Gunzip, JoinsMembersAndRefusesTruncation) {
    EXPECT_EQ(*gunzip(gzip("ab") + gzip("cd"), 100), "abcd");
    const std::string packed = gzip("hello world");
    for (std::size_t size = 0; size < packed.size(); ++size)
        EXPECT_FALSE(gunzip(packed.substr(0, size), 100)) << size;
}

TEST_F(HttpServerTest, TakesTheUserFromTheHeaderWithoutTokens) {
    serve();
    EXPECT_EQ(body_of(ask("GET /who HTTP/1.1\r\nHost: x\r\nX-User: li\r\n\r\n")), "li,");
    EXPECT_EQ(body_of(ask("GET /who HTTP/1.1\r\nHost: x\r\n\r\n")), "anonymous,");
}

TEST_F(HttpServerTest, AsksForATokenAndARole) {
    serve({.tokens = {{"0123456789abcdef", "li", "doctor", {"icu"}},
                      {"fedcba9876543210", "gw", "gateway", {}}}});
    EXPECT_EQ(status_of(ask("GET /who HTTP/1.1\r\nHost: x\r\nX-User: li\r\n\r\n")), 401);
    EXPECT_EQ(status_of(ask("GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n")), 401);
    EXPECT_EQ(
        status_of(
            ask("GET /who HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer 0123456789abcdeX\r\n\r\n")),
        401);
    EXPECT_EQ(
        status_of(
            ask("GET /who HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer fedcba9876543210\r\n\r\n")),
        403);
    EXPECT_EQ(body_of(ask("GET /who HTTP/1.1\r\nHost: x\r\nX-User: mallory\r\nAuthorization: "
                          "bearer 0123456789abcdef\r\n\r\n")),
              "li,doctor");
    EXPECT_EQ(status_of(ask("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")), 404);
}

TEST(HttpServerStart, RefusesAnOpenAddressWithoutTokens) {
    HttpServer server({.host = "0.0.0.0"});
    const auto started = server.start();
    ASSERT_FALSE(started);
    EXPECT_EQ(started.error().code(), Errc::Configuration);
    HttpServer guarded({.host = "0.0.0.0", .tokens = {{"0123456789abcdef", "li", "doctor", {}}}});
    EXPECT_TRUE(guarded.start());
}

TEST(HttpServerStart, NamesABusyAddressAndBadTokens) {
    HttpServer first({});
    ASSERT_TRUE(first.start());
    const auto port = split_host_port(first.address())->second;
    HttpServer second({.port = port});
    EXPECT_EQ(second.start().error().code(), Errc::Configuration);
    HttpServer short_token({.tokens = {{"short", "li", "doctor", {}}}});
    EXPECT_EQ(short_token.start().error().code(), Errc::Configuration);
    HttpServer odd_role({.tokens = {{"0123456789abcdef", "li", "king", {}}}});
    EXPECT_EQ(odd_role.start().error().code(), Errc::Configuration);
}

TEST_F(HttpServerTest, TurnsExceptionsAndSilenceInto500) {
    auto& server = serve();
    server.route("GET", "/throw", [](HttpRequest, Respond) { throw std::runtime_error("broken"); });
    server.route("GET", "/silent", [](HttpRequest, Respond) {});
    EXPECT_EQ(status_of(ask("GET /throw HTTP/1.1\r\nHost: x\r\n\r\n")), 500);
    EXPECT_EQ(status_of(ask("GET /silent HTTP/1.1\r\nHost: x\r\n\r\n")), 500);
}

TEST_F(HttpServerTest, LetsAHandlerAnswerLaterFromAnotherThreadAndOnce) {
    auto& server = serve();
    std::promise<std::thread> later;
    server.route("GET", "/later", [&](HttpRequest, Respond respond) {
        later.set_value(std::thread([respond] {
            respond(text("first"));
            respond(text("second"));
        }));
    });
    Wire wire(server.address());
    EXPECT_EQ(body_of(wire.ask("GET /later HTTP/1.1\r\nHost: x\r\n\r\n")), "first");
    later.get_future().get().join();
    EXPECT_EQ(body_of(wire.ask("GET /hello/a HTTP/1.1\r\nHost: x\r\n\r\n")), "a,-");
}

TEST_F(HttpServerTest, Says504WhenTheHandlerTakesTooLong) {
    auto& server = serve({.answer_timeout = 50ms});
    std::promise<Respond> kept;
    server.route("GET", "/never", [&](HttpRequest, Respond respond) { kept.set_value(std::move(respond)); });
    EXPECT_EQ(status_of(ask("GET /never HTTP/1.1\r\nHost: x\r\n\r\n")), 504);
    kept.get_future().get()(text("too late"));
}

TEST_F(HttpServerTest, Says503BeyondTheConnectionLimit) {
    serve({.max_connections = 2});
    Wire first(server_->address());
    Wire second(server_->address());
    EXPECT_EQ(status_of(first.ask("GET /hello/a HTTP/1.1\r\nHost: x\r\n\r\n")), 200);
    EXPECT_EQ(status_of(second.ask("GET /hello/a HTTP/1.1\r\nHost: x\r\n\r\n")), 200);
    EXPECT_EQ(status_of(ask("GET /hello/a HTTP/1.1\r\nHost: x\r\n\r\n")), 503);
}

TEST_F(HttpServerTest, Says503WithRetryAfterWhenTheQueueIsFull) {
    auto& server = serve({.workers = 1, .max_queued = 1});
    std::mutex mutex;
    std::condition_variable changed;
    bool open = false;
    int entered = 0;
    server.route("GET", "/block", [&](HttpRequest, Respond respond) {
        std::unique_lock lock(mutex);
        ++entered;
        changed.notify_all();
        changed.wait(lock, [&] { return open; });
        respond(text("done"));
    });
    const std::string request = "GET /block HTTP/1.1\r\nHost: x\r\n\r\n";
    Wire first(server.address());
    first.send(request);
    {
        std::unique_lock lock(mutex);
        changed.wait(lock, [&] { return entered == 1; });
    }
    // Of two more, one waits in the queue and the other is refused while the worker is held.
    std::vector<std::string> answers;
    const auto ask_more = [&] {
        auto answer = ask(request);
        const std::lock_guard lock(mutex);
        answers.push_back(std::move(answer));
        changed.notify_all();
    };
    std::thread second(ask_more);
    std::thread third(ask_more);
    {
        std::unique_lock lock(mutex);
        changed.wait(lock, [&] { return !answers.empty(); });
        EXPECT_EQ(status_of(answers[0]), 503);
        EXPECT_NE(answers[0].find("Retry-After: 1\r\n"), std::string::npos);
        open = true;
    }
    changed.notify_all();
    second.join();
    third.join();
    EXPECT_EQ(status_of(first.receive()), 200);
    EXPECT_EQ(status_of(answers[1]), 200);
}

TEST_F(HttpServerTest, ClosesAnIdleConnection) {
    serve({.idle_timeout = 50ms});
    Wire wire(server_->address());
    EXPECT_EQ(wire.receive(), "");
}

TEST_F(HttpServerTest, StopsWithinItsGraceAndLetsALateRespondPass) {
    auto& server = serve({.stop_grace = 100ms});
    Respond kept;
    std::mutex mutex;
    std::condition_variable changed;
    bool held = false;
    server.route("GET", "/hold", [&](HttpRequest, Respond respond) {
        const std::lock_guard lock(mutex);
        kept = std::move(respond);
        held = true;
        changed.notify_all();
    });
    Wire idle(server.address());
    EXPECT_EQ(status_of(idle.ask("GET /hello/a HTTP/1.1\r\nHost: x\r\n\r\n")), 200);
    Wire waiting(server.address());
    waiting.send("GET /hold HTTP/1.1\r\nHost: x\r\n\r\n");
    {
        std::unique_lock lock(mutex);
        changed.wait(lock, [&] { return held; });
    }
    const auto begin = std::chrono::steady_clock::now();
    const std::string address = server.address();
    server.stop();
    EXPECT_LT(std::chrono::steady_clock::now() - begin, 2s);
    EXPECT_EQ(idle.receive(), "");
    server_.reset();
    kept(text("nobody hears"));
    EXPECT_FALSE(Wire(address).connected());
}

TEST_F(HttpServerTest, StopsCleanlyWhileConnectionsClose) {
    for (int round = 0; round < 20; ++round) {
        auto& server = serve();
        std::vector<std::unique_ptr<Wire>> wires;
        for (int i = 0; i < 20; ++i) wires.push_back(std::make_unique<Wire>(server.address()));
        for (auto& wire : wires) wire->send("GET /hello/a HTTP/1.1\r\nHost: x\r\n\r\n");
        std::thread closer([&] { wires.clear(); });
        server.stop();
        closer.join();
    }
}

TEST(SplitHostPort, TakesNamesAndBothAddressFamilies) {
    EXPECT_EQ(*split_host_port("localhost:80"),
              (std::pair<std::string, std::uint16_t>("localhost", 80)));
    EXPECT_EQ(*split_host_port("[::1]:8080"), (std::pair<std::string, std::uint16_t>("::1", 8080)));
    for (const char* text : {"", "host", ":80", "host:", "host:x", "host:65536", "host:80x"})
        EXPECT_FALSE(split_host_port(text)) << text;
}

TEST_F(HttpServerTest, LimitsBodiesByTheirDoor) {
    serve({.max_body = 1'000, .body_limits = {{"/other", 1}, {"/ec", 10}}});
    EXPECT_EQ(body_of(post("0123456789")), "0123456789");
    EXPECT_EQ(status_of(post("0123456789a")), 413);
    EXPECT_EQ(
        status_of(ask("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n"
                      "0123456789a\r\n0\r\n\r\n")),
        413);
}

TEST_F(HttpServerTest, TellsWhoAsksTooOftenWhenToComeAgain) {
    serve({.rate = 0.001});
    server_->route("GET", "/healthz", [](HttpRequest, Respond respond) { respond(text("up")); });
    const std::string ask_once = "GET /hello/a HTTP/1.1\r\nHost: x\r\n\r\n";
    EXPECT_EQ(status_of(ask(ask_once)), 200);
    const auto hasty = ask(ask_once);
    EXPECT_EQ(status_of(hasty), 429);
    const std::size_t said = hasty.find("Retry-After: ");
    ASSERT_NE(said, std::string::npos) << hasty;
    const int seconds = std::stoi(hasty.substr(said + 13));
    EXPECT_TRUE(seconds > 900 && seconds <= 1'000) << seconds << ": a thousand, less what went by";
    EXPECT_EQ(status_of(ask("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")), 200)
        << "a probe is never too often";
}

TEST_F(HttpServerTest, CountsEachUserAndWhoHasNoTokenByAddress) {
    serve({.tokens = {{"0123456789abcdef", "li", "doctor", {}},
                      {"fedcba9876543210", "wu", "doctor", {}}},
           .rate = 0.01});
    const auto with = [&](std::string_view token) {
        return status_of(ask("GET /who HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " +
                             std::string(token) + "\r\n\r\n"));
    };
    EXPECT_EQ(with("0123456789abcdef"), 200);
    EXPECT_EQ(with("0123456789abcdef"), 429);
    EXPECT_EQ(with("fedcba9876543210"), 200);
    EXPECT_EQ(with("a guess, the first"), 401);
    EXPECT_EQ(with("a guess, another"), 429) << "tokens are not guessed in bulk";
}

}  // namespace
}  // namespace vitalog::ingest
