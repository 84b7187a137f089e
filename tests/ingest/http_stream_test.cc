#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>
#include <thread>

#include "ingest/http/metrics.h"
#include "ingest/http/server.h"
#include "tests/ingest/http_wire.h"
#include "tests/support/soon.h"

// Answers whose body is written as it comes.

namespace vitalog::ingest {
namespace {

using namespace std::chrono_literals;
using tests::soon;
using tests::status_of;
using tests::Wire;

/// A server whose /feed hands its stream to the test.
class HttpStreamTest : public testing::Test {
  protected:
    void serve(HttpServerOptions options = {}) {
        server_ = std::make_unique<HttpServer>(std::move(options), &metrics_);
        server_->route("GET", "/feed", [this](HttpRequest, Respond respond) {
            HttpResponse response;
            response.content_type = "text/event-stream";
            response.headers.emplace_back("Cache-Control", "no-store");
            response.stream = [this](std::shared_ptr<Stream> stream) {
                const std::lock_guard lock(mutex_);
                stream_ = std::move(stream);
                came_.notify_all();
            };
            respond(std::move(response));
        });
        server_->route("GET", "/hello", [](HttpRequest, Respond respond) { respond({}); });
        ASSERT_TRUE(server_->start());
    }
    std::shared_ptr<Stream> stream() {
        std::unique_lock lock(mutex_);
        came_.wait_for(lock, 10s, [this] { return stream_ != nullptr; });
        return stream_;
    }
    Wire open() {
        Wire wire(server_->address());
        wire.send("GET /feed HTTP/1.1\r\nHost: a\r\n\r\n");
        return wire;
    }

    MetricsRegistry metrics_;
    std::mutex mutex_;
    std::condition_variable came_;
    std::shared_ptr<Stream> stream_;      // guarded by mutex_
    std::unique_ptr<HttpServer> server_;  // last: gone before what its handlers use
};

TEST_F(HttpStreamTest, SendsWhatIsWrittenWhenItIsWritten) {
    serve();
    Wire wire = open();
    ASSERT_NE(stream(), nullptr);
    const std::string head = wire.until("\r\n\r\n");
    EXPECT_EQ(status_of(head), 200);
    EXPECT_NE(head.find("Content-Type: text/event-stream"), std::string::npos);
    EXPECT_NE(head.find("Transfer-Encoding: chunked"), std::string::npos);
    EXPECT_NE(head.find("Cache-Control: no-store"), std::string::npos);
    EXPECT_TRUE(stream_->write("data: 1\n\n"));
    EXPECT_EQ(wire.until("\n\n\r\n"), "9\r\ndata: 1\n\n\r\n");
    EXPECT_TRUE(stream_->write("data: 2\n\n"));
    EXPECT_EQ(wire.until("\n\n\r\n"), "9\r\ndata: 2\n\n\r\n");
    EXPECT_TRUE(soon([&] { return stream_->pending() == 0; }));
}

TEST_F(HttpStreamTest, EndsAfterWhatIsQueued) {
    serve();
    Wire wire = open();
    ASSERT_NE(stream(), nullptr);
    stream_->write("last words");
    stream_->end();
    EXPECT_FALSE(stream_->write("too late"));
    wire.until("\r\n\r\n");
    EXPECT_EQ(wire.rest(), "a\r\nlast words\r\n0\r\n\r\n");
    EXPECT_TRUE(soon([&] { return stream_->closed(); }));
}

TEST_F(HttpStreamTest, SaysThatThePeerIsGone) {
    serve();
    Wire wire = open();
    ASSERT_NE(stream(), nullptr);
    EXPECT_FALSE(stream_->closed());
    wire.close();
    EXPECT_TRUE(soon([&] { return stream_->closed(); }));
    EXPECT_FALSE(stream_->write("nobody"));
    EXPECT_EQ(stream_->pending(), 0U);
}

TEST_F(HttpStreamTest, CountsWhatAPeerThatDoesNotReadLeavesBehind) {
    serve();
    Wire wire = open();
    ASSERT_NE(stream(), nullptr);
    const std::string block(1 << 20, 'x');
    for (int i = 0; i < 32; ++i) EXPECT_TRUE(stream_->write(block));
    EXPECT_GT(stream_->pending(), block.size());
}

TEST_F(HttpStreamTest, ClosesOnAPeerThatTakesNothingForTooLong) {
    HttpServerOptions options;
    options.request_timeout = 200ms;
    serve(options);
    Wire wire = open();
    ASSERT_NE(stream(), nullptr);
    for (int i = 0; i < 32; ++i) stream_->write(std::string(1 << 20, 'x'));
    EXPECT_TRUE(soon([&] { return stream_->closed(); }));
}

TEST_F(HttpStreamTest, OutlastsTheTimeOutsOfOrdinaryAnswers) {
    HttpServerOptions options;
    options.request_timeout = options.answer_timeout = options.idle_timeout = 1s;
    serve(options);
    Wire wire = open();
    ASSERT_NE(stream(), nullptr);
    wire.until("\r\n\r\n");
    std::this_thread::sleep_for(2s);
    EXPECT_TRUE(stream_->write("still here"));
    EXPECT_EQ(wire.until("still here"), "a\r\nstill here");
}

TEST_F(HttpStreamTest, EndsWithTheConnectionForHttp10) {
    serve();
    Wire wire(server_->address());
    wire.send("GET /feed HTTP/1.0\r\n\r\n");
    ASSERT_NE(stream(), nullptr);
    const std::string head = wire.until("\r\n\r\n");
    EXPECT_EQ(head.find("chunked"), std::string::npos);
    stream_->write("plain");
    stream_->end();
    EXPECT_EQ(wire.rest(), "plain");
}

TEST_F(HttpStreamTest, AnswersHeadWithoutAStream) {
    serve();
    Wire wire(server_->address());
    wire.send("HEAD /feed HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_EQ(status_of(wire.receive(true)), 200);
    wire.send("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_EQ(status_of(wire.receive()), 200) << "the connection goes on";
}

TEST_F(HttpStreamTest, EndsWhenTheServerStops) {
    HttpServerOptions options;
    options.stop_grace = 60s;
    serve(options);
    Wire wire = open();
    ASSERT_NE(stream(), nullptr);
    const auto before = std::chrono::steady_clock::now();
    server_->stop();
    EXPECT_LT(std::chrono::steady_clock::now() - before, 30s) << "nobody waits for the grace";
    EXPECT_TRUE(wire.rest().ends_with("0\r\n\r\n"));
    EXPECT_TRUE(stream_->closed());
    EXPECT_FALSE(stream_->write("after the server"));
}

TEST_F(HttpStreamTest, MayBeWrittenAfterTheServerIsGone) {
    serve();
    {
        Wire wire = open();
        ASSERT_NE(stream(), nullptr);
        server_.reset();
    }
    EXPECT_FALSE(stream_->write("nobody"));
    stream_->end();
    EXPECT_TRUE(stream_->closed());
}

}  // namespace
}  // namespace vitalog::ingest
