#include "sinks/live/live_events.h"

#include <gtest/gtest.h>

#include <functional>
#include <set>
#include <utility>

#include "sinks/views/view_worker.h"
#include "tests/sinks/fhir_fixture.h"

namespace vitalog::tests {
namespace {

using namespace std::chrono_literals;
using schemas::Priority;
using schemas::Topic;
using sinks::live::LiveEvents;

const std::string kAnna = hex_id("anna");
const std::string kBob = hex_id("bob");
const std::string kTask = hex_id("task");
const std::string kAlert = hex_id("alert");

class FakeStream final : public Stream {
  public:
    bool write(std::string_view bytes) override {
        if (ended || gone) return false;
        text.append(bytes);
        return true;
    }
    std::size_t pending() const override { return waiting; }
    void end() override { ended = true; }
    bool closed() const override { return gone; }

    std::string text;
    std::size_t waiting = 0;
    bool ended = false;
    bool gone = false;
};

/// One frame of Server-Sent Events.
struct Frame {
    std::string id, event, data;
};

std::vector<Frame> frames_of(const std::string& text) {
    std::vector<Frame> frames;
    std::size_t at = 0;
    while (at < text.size()) {
        const std::size_t end = text.find("\n\n", at);
        Frame frame;
        for (std::size_t line = at; line < end;) {
            const std::size_t stop = text.find('\n', line);
            const std::string one = text.substr(line, stop - line);
            if (one.starts_with("id: ")) frame.id = one.substr(4);
            if (one.starts_with("event: ")) frame.event = one.substr(7);
            if (one.starts_with("data: ")) frame.data = one.substr(6);
            line = stop + 1;
        }
        frames.push_back(std::move(frame));
        at = end + 2;
    }
    return frames;
}

class LiveEventsTest : public testing::Test {
  protected:
    LiveEventsTest()
        : log(all_topics()),
          worker(*sinks::views::ViewStore::open(place, Generation(1)), log),
          reader(*sinks::views::ViewReader::open(place, 2)) {
        restart();
    }
    void restart(sinks::live::LiveOptions options = {}) {
        router = std::make_unique<FakeRouter>();
        options.default_team = "general";
        live = std::make_unique<LiveEvents>(
            LiveEvents::Ports{log, reader, log, clock, Generation(1),
                              [this](const TopicPartition& tp) {
                                  const Offset position = worker.position(tp);
                                  if (meanwhile) std::exchange(meanwhile, nullptr)();
                                  return position;
                              }},
            options);
        live->register_routes(*router);
    }
    /// A connected reader; fails the test where it is refused.
    std::shared_ptr<FakeStream> connect(const std::string& last = "", Caller caller = {}) {
        const auto response = ask(last, std::move(caller));
        EXPECT_EQ(response.status, 200) << response.body;
        auto stream = std::make_shared<FakeStream>();
        if (response.stream) response.stream(stream);
        return stream;
    }
    HttpResponse ask(const std::string& last = "", Caller caller = {}) {
        router->headers.clear();
        if (!last.empty()) router->headers["last-event-id"] = last;
        return router->get("/events", std::move(caller));
    }
    void show() {
        while (*worker.step()) continue;
    }
    void pump() {
        while (live->step()) continue;
    }
    void alert(const std::string& person, const std::string& task = "") {
        schemas::AlertEvent event;
        event.id = kAlert;
        event.revision = ++revision;
        event.person = person;
        event.rule = "aki";
        event.priority = Priority::High;
        event.task = task;
        event.occurred = at("2026-11-21T08:00:00+08:00");
        publish(log, Topic::Alert, person, event);
    }
    void task(const std::string& team, std::int64_t version = 1) {
        auto event = open_task(kTask, kAlert, kAnna);
        event.team = team;
        event.version = version;
        publish(log, Topic::TaskBoard, kTask, event);
    }
    void notice() {
        schemas::Delivery event;
        const std::string intent = hex_id("intent");
        event.intent = intent;
        event.revision = 1;
        event.recipient = "user:li";
        event.task = kTask;
        event.purpose = "task";
        publish(log, Topic::Delivery, "user:li", event);
    }
    void bind(const std::string& person, const std::string& team) {
        schemas::PersonBinding event;
        event.person = person;
        event.entry.patient = "HOSP|1";
        event.entry.team = team;
        publish(log, Topic::Person, person, event);
    }
    /// "event state-or-kind" of what was told.
    static std::vector<std::string> told(const FakeStream& stream) {
        std::vector<std::string> list;
        for (const auto& frame : frames_of(stream.text))
            if (!frame.event.empty()) list.push_back(frame.event);
        return list;
    }
    using List = std::vector<std::string>;

    ViewsPlace place;
    topology::MemoryLog log;
    sinks::views::ViewWorker worker;
    sinks::views::ViewReader reader;
    FixedClock clock;
    std::function<void()> meanwhile;  ///< once, behind the next look at what is shown
    std::unique_ptr<FakeRouter> router;
    std::unique_ptr<LiveEvents> live;
    std::int64_t revision = 0;
};

TEST_F(LiveEventsTest, NoTaskOvertakesItsAlert) {
    const auto stream = connect();
    alert(kAnna, kTask);
    task("general");
    meanwhile = [this] { show(); };
    pump();
    EXPECT_EQ(told(*stream), (List{"alert", "task"}));
}

TEST_F(LiveEventsTest, TellsWhatComesInOneShape) {
    const auto stream = connect();
    EXPECT_TRUE(stream->text.starts_with("retry: 2000\nid: "));
    alert(kAnna, kTask);
    task("renal");
    notice();
    show();
    pump();
    EXPECT_EQ(told(*stream), (List{"alert", "task", "message"}));
    const auto frames = frames_of(stream->text);
    EXPECT_EQ(frames[1].data, "{\"id\":\"" + kAlert + "\",\"patient\":\"" + kAnna +
                                  "\",\"kind\":\"aki\",\"priority\":\"high\",\"state\":"
                                  "\"raised\",\"at\":\"2026-11-21T08:00:00+08:00\"}");
    EXPECT_EQ(member(frames[2].data, "/id"), kTask);
    EXPECT_EQ(member(frames[2].data, "/state"), "requested");
    EXPECT_EQ(member(frames[2].data, "/kind"), "aki-3");
    EXPECT_EQ(member(frames[3].data, "/kind"), "task");
    EXPECT_EQ(member(frames[3].data, "/state"), "decided");
    EXPECT_EQ(member(frames[3].data, "/patient"), kAnna) << "of a notice: the task's";
}

TEST_F(LiveEventsTest, TellsNothingThatTheViewsDoNotShow) {
    const auto stream = connect();
    alert(kAnna);
    pump();
    EXPECT_TRUE(told(*stream).empty());
    show();
    pump();
    EXPECT_EQ(told(*stream), List{"alert"});
}

TEST_F(LiveEventsTest, BeginsWithWhatComesNext) {
    alert(kAnna);
    show();
    const auto stream = connect();
    pump();
    EXPECT_TRUE(told(*stream).empty());
}

TEST_F(LiveEventsTest, GoesOnAfterAnyIdAndTellsNothingTwice) {
    const auto whole = connect();
    for (int i = 0; i < 20; ++i) {
        alert(i % 2 == 0 ? kAnna : kBob);
        task("renal", i + 1);
    }
    show();
    pump();
    const auto all = frames_of(whole->text);
    ASSERT_EQ(all.size(), 41U);
    for (const std::size_t seen : {0U, 1U, 7U, 25U, 40U}) {
        restart();
        const auto rest = connect(all[seen].id);
        pump();
        auto frames = frames_of(rest->text);
        ASSERT_EQ(frames.size() - 1, all.size() - 1 - seen);
        for (std::size_t i = 1; i < frames.size(); ++i) {
            EXPECT_EQ(frames[i].data, all[seen + i].data);
            EXPECT_EQ(frames[i].id, all[seen + i].id);
        }
    }
}

TEST_F(LiveEventsTest, TellsADoctorOfTheTeamsOfTheToken) {
    const Caller renal{"dr.wu", "doctor", {"renal"}};
    const auto mine = connect("", renal);
    const auto other = connect("", {"dr.li", "doctor", {"cardio"}});
    const auto everything = connect("", {"dr.zhao", "doctor", {}});
    const auto operators = connect("", {"op", "operator", {"cardio"}});
    task("renal");
    show();
    alert(kAnna, kTask);
    notice();
    show();
    pump();
    EXPECT_EQ(told(*mine), (List{"alert", "task", "message"}));
    EXPECT_TRUE(told(*other).empty());
    EXPECT_EQ(told(*everything).size(), 3U);
    EXPECT_EQ(told(*operators).size(), 3U);
}

TEST_F(LiveEventsTest, TellsBothTeamsOfATaskThatIsHandedOver) {
    task("renal");
    show();
    const auto from = connect("", {"dr.wu", "doctor", {"renal"}});
    const auto to = connect("", {"dr.li", "doctor", {"cardio"}});
    task("cardio", 2);
    show();
    pump();
    EXPECT_EQ(told(*from), List{"task"});
    EXPECT_EQ(told(*to), List{"task"});
    task("cardio", 3);
    show();
    pump();
    EXPECT_EQ(told(*from).size(), 1U) << "it is gone";
    EXPECT_EQ(told(*to).size(), 2U);
}

TEST_F(LiveEventsTest, TellsTheTeamOfThePersonWhereThereIsNoTask) {
    bind(kAnna, "renal");
    show();
    const auto renal = connect("", {"dr.wu", "doctor", {"renal"}});
    const auto general = connect("", {"dr.li", "doctor", {"general"}});
    alert(kAnna);
    show();
    alert(kBob);
    show();
    pump();
    EXPECT_EQ(told(*renal), List{"alert"});
    EXPECT_EQ(told(*general), List{"alert"}) << "nobody said whose Bob is";
    EXPECT_NE(renal->text.find(kAnna), std::string::npos);
    EXPECT_NE(general->text.find(kBob), std::string::npos);
}

TEST_F(LiveEventsTest, TellsNothingOfADecisionThatChangedNothing) {
    const auto stream = connect();
    publish(log, Topic::TaskBoard, kTask,
            schemas::TaskJudged{kTask, {hex_id("root"), "", 409, "no", 0}});
    show();
    pump();
    EXPECT_TRUE(told(*stream).empty());
}

TEST_F(LiveEventsTest, AuditsEveryPersonBeforeItTells) {
    const auto stream = connect("", {"dr.wu", "doctor", {}});
    alert(kAnna);
    alert(kBob);
    show();
    pump();
    std::vector<std::string> keys;
    const auto lines = values_of(log, "audit", &keys);
    ASSERT_EQ(lines.size(), 2U);
    EXPECT_EQ((std::set<std::string>(keys.begin(), keys.end())), (std::set{kAnna, kBob}));
    EXPECT_EQ(member(lines[0], "/user"), "dr.wu");
    EXPECT_EQ(member(lines[0], "/path"), "/events");
    alert(kAnna);
    show();
    log.fail_appends(Error(Errc::Busy, "the disk is full"));
    pump();
    EXPECT_EQ(told(*stream), (List{"alert", "alert", "end"})) << "nothing without its audit record";
    EXPECT_TRUE(stream->ended);
}

TEST_F(LiveEventsTest, WaitsForAReaderThatIsBehindAndGoesOnWhereItWas) {
    const auto stream = connect();
    stream->waiting = 1 << 20;
    alert(kAnna);
    show();
    pump();
    EXPECT_TRUE(told(*stream).empty());
    stream->waiting = 0;
    pump();
    EXPECT_EQ(told(*stream), List{"alert"});
}

TEST_F(LiveEventsTest, LetsAReaderGoThatIsBehindForTooLong) {
    sinks::live::LiveOptions options;
    options.slow_limit = 0s;
    restart(options);
    const auto stream = connect();
    const auto other = connect();
    stream->waiting = 1 << 20;
    pump();
    pump();
    EXPECT_EQ(told(*stream), List{"end"});
    EXPECT_NE(stream->text.find("too slow"), std::string::npos);
    EXPECT_TRUE(stream->ended);
    alert(kAnna);
    show();
    pump();
    EXPECT_EQ(told(*other), List{"alert"}) << "it holds nobody up";
}

TEST_F(LiveEventsTest, ForgetsAReaderWhoIsGone) {
    sinks::live::LiveOptions options;
    options.readers_max = 1;
    restart(options);
    const auto stream = connect();
    EXPECT_EQ(ask().status, 503);
    stream->gone = true;
    pump();
    EXPECT_EQ(ask().status, 200);
}

TEST_F(LiveEventsTest, MovesTheIdOfAQuietReaderAlong) {
    sinks::live::LiveOptions options;
    options.heartbeat = 0s;
    restart(options);
    const auto stream = connect("", {"dr.li", "doctor", {"cardio"}});
    const std::string first = frames_of(stream->text).back().id;
    task("renal");
    show();
    live->step();
    EXPECT_NE(stream->text.find("\n\n:\nid: "), std::string::npos) << stream->text;
    EXPECT_NE(frames_of(stream->text).back().id, first);
}

TEST_F(LiveEventsTest, SaysThatTheSiteStops) {
    const auto stream = connect();
    live->stop();
    EXPECT_EQ(told(*stream), List{"end"});
    EXPECT_TRUE(stream->ended);
    EXPECT_EQ(ask().status, 503);
}

TEST_F(LiveEventsTest, RefusesAnIdThatIsNone) {
    for (const char* id : {"x", "0", "00", "zz", "ABCD", "0101"}) {
        const auto refused = ask(id);
        EXPECT_EQ(refused.status, 400) << id;
        EXPECT_NE(refused.body.find("Last-Event-ID"), std::string::npos) << refused.body;
    }
    const auto stream = connect();
    std::string id = frames_of(stream->text).front().id;
    EXPECT_EQ(ask(id + "00").status, 400);
    id[3] = '2';
    EXPECT_EQ(ask(id).status, 400) << "of another log";
}

TEST_F(LiveEventsTest, RefusesAnIdBehindTheEndOfTheLog) {
    const auto stream = connect();
    alert(kAnna);
    show();
    pump();
    const std::string later = frames_of(stream->text).back().id;
    topology::MemoryLog empty(all_topics());
    FakeRouter other;
    LiveEvents fresh({empty, reader, empty, clock, Generation(1),
                      [](const TopicPartition&) { return Offset(0); }},
                     {});
    fresh.register_routes(other);
    other.headers["last-event-id"] = later;
    EXPECT_EQ(other.get("/events").status, 400);
}

TEST_F(LiveEventsTest, RefusesGatewaysAndUnknownParameters) {
    EXPECT_EQ(ask("", {"gw", "gateway", {}}).status, 403);
    EXPECT_EQ(router->get("/events?since=1").status, 400);
}

}  // namespace
}  // namespace vitalog::tests
