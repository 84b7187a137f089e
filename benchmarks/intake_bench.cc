// HL7 text to encoded canonical events, one core, over the real results of
// tests/data/hl7/simhospital.hl7.
//     intake_bench [seconds]      default 3
#include <fmt/core.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "ingest/intake/intake_processor.h"
#include "schemas/embed.h"
#include "schemas/events/clinical.h"

namespace {

using namespace vitalog;

/// Counts what comes out; the bytes were written by then.
class Sink final : public processors::Context {
  public:
    void emit(schemas::Topic, std::string_view, std::string_view, std::string_view json,
              processors::EmitOptions) override {
        bytes += json.size();
        ++events;
        std::size_t at = 0;
        if (count_observations)
            while ((at = json.find("\"effective\":", at + 1)) != std::string_view::npos)
                ++effective;
    }
    RecordId next_id() const override { return {}; }
    void forward(schemas::Topic, std::string_view) override {}
    void broadcast(schemas::Topic, const schemas::Control&) override {}
    void dead_letter(const Error&, std::string_view) override { ++dead; }
    void set_timer(std::string_view, ReceivedTime) override {}
    void cancel_timer(std::string_view) override {}
    void remove_entity() override {}
    void count(std::string_view, Labels) override {}

    std::size_t bytes = 0;
    std::size_t events = 0;
    std::size_t dead = 0;
    std::size_t effective = 0;
    bool count_observations = false;
};

std::vector<std::string> results_of(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    std::vector<std::string> messages;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find("\n\n", at), text.size());
        std::string message = text.substr(at, end - at);
        if (message.find("|ORU^R01|") != std::string::npos) messages.push_back(std::move(message));
        at = end + 2;
    }
    return messages;
}

}  // namespace

int main(int argc, char** argv) {
    const double seconds = argc > 1 ? std::atof(argv[1]) : 3;
    const auto messages = results_of(VITALOG_SOURCE_DIR "/tests/data/hl7/simhospital.hl7");
    auto intake = ingest::IntakeProcessor::make();
    if (!intake || messages.size() != 610) {
        fmt::print(stderr, "can't begin: {}\n",
                   intake ? "tests/data/hl7/simhospital.hl7 has not 610 results"
                          : intake.error().to_string());
        return 1;
    }
    for (const auto& file : schemas::builtin_files()) {
        const processors::Input input{{}, {},        schemas::Control::kType, "", "",
                                      {}, Headers(), "feed.control/0/0",
                                      schemas::Topic::FeedControl};
        if (!(*intake)->on_control({file.kind, file.name, "1", file.text}, input)) return 1;
    }
    std::string headers;
    Headers::append(headers, header::kFormat, "hl7v2");
    const auto pass = [&](Sink& sink) {
        std::size_t bytes = 0;
        for (const auto& message : messages) {
            const RecordId id = IdHash().part(static_cast<std::int64_t>(bytes)).finish();
            const processors::Input input{id,
                                          id,
                                          "",
                                          "",
                                          message,
                                          ReceivedTime(1'600'000'000'000'000),
                                          Headers(headers),
                                          "feed.lis/0/1",
                                          schemas::Topic::FeedLis};
            if (!(*intake)->on_record(nullptr, input, sink)) return std::size_t{0};
            bytes += message.size();
        }
        return bytes;
    };

    Sink check;
    check.count_observations = true;
    const std::size_t bytes_each = pass(check);
    if (check.events != 610 || check.dead != 0 || check.effective != 3323 + 610) {
        fmt::print(stderr, "wrong result: {} events, {} dead letters, {} times\n", check.events,
                   check.dead, check.effective);
        return 1;
    }
    Sink sink;
    std::size_t bytes = 0;
    // Processor time of this thread: what one core does, however busy the machine is.
    const std::clock_t start = std::clock();
    double taken = 0;
    while (taken < seconds) {
        bytes += pass(sink);
        taken = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
    }
    fmt::print(
        "settings: 610 ORU^R01, {} bytes, 3323 OBX, built-in tables, one thread, {} s of processor "
        "time\n",
        bytes_each, seconds);
    fmt::print("in {:.1f} MB/s, {:.0f} messages/s, {:.0f} observations/s; out {:.1f} MB/s\n",
               static_cast<double>(bytes) / 1e6 / taken, static_cast<double>(sink.events) / taken,
               static_cast<double>(sink.events) / 610 * 3323 / taken,
               static_cast<double>(sink.bytes) / 1e6 / taken);
    return 0;
}
