#include "topology/cli/record_lines.h"

#include <fmt/format.h>
#include <signal.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "schemas/base/base64.h"
#include "schemas/json_decode.h"
#include "sinks/http_client.h"
#include "topology/admin_api.h"
#include "topology/cli/load_config.h"
#include "topology/log/embedded_log.h"
#include "topology/topics.h"

namespace vitalog::topology::cli {
namespace {

struct LineShape {
    std::string_view topic;
    std::int64_t partition = 0;
    std::int64_t offset = 0;
    std::string_view timestamp;
    std::string_view key;
    schemas::StringMap headers;
    std::string_view value_base64;
    template <class V>
    void members(V& v) {
        v.required("topic", topic);
        v.required("partition", partition);
        v.required("offset", offset);
        v.required("timestamp", timestamp);
        v("key", key);
        v("headers", headers);
        v.required("value_base64", value_base64);
    }
};

struct TopicShape {
    std::string_view topic;
    std::uint32_t partitions = 0;
    template <class V>
    void members(V& v) {
        v.required("topic", topic);
        v.required("partitions", partitions);
    }
};

struct TopicsShape {
    std::vector<TopicShape> topics;
    template <class V>
    void members(V& v) {
        v.required("topics", topics);
    }
};

struct RunShape {
    std::int64_t pid = 0;
    std::string_view http;
    template <class V>
    void members(V& v) {
        v.required("pid", pid);
        v.required("http", http);
    }
};

Result<RecordLine> to_line(std::string_view json, schemas::Decoder& decoder) {
    VITALOG_TRY(const auto shape, schemas::decode<LineShape>(json, decoder));
    RecordLine line{std::string(shape.topic), shape.partition, shape.offset, std::string(shape.timestamp),
                    std::string(shape.key), {}, base64_decode(shape.value_base64).value_or(""), std::string(json)};
    for (const auto& [name, value] : shape.headers.items) line.headers.emplace_back(name, value);
    return line;
}

class HttpLines final : public RecordLines {
  public:
    HttpLines(std::string url, std::string token) : url_(std::move(url)), token_(std::move(token)) {}

    Result<std::vector<Topic>> topics() override {
        VITALOG_TRY(const std::string body, get("/topics"));
        VITALOG_TRY(const auto shape, schemas::decode<TopicsShape>(body, decoder_));
        std::vector<Topic> topics;
        for (const auto& topic : shape.topics) topics.push_back({std::string(topic.topic), topic.partitions});
        return topics;
    }
    Result<std::vector<RecordLine>> read(const std::string& topic, std::uint32_t partition, std::int64_t from,
                                         std::int64_t max) override {
        VITALOG_TRY(const std::string body, get(fmt::format("/topics/{}/{}?from={}&max={}", topic, partition, from, max)));
        std::vector<RecordLine> lines;
        std::string_view rest(body);
        while (!rest.empty()) {
            const std::size_t end = rest.find('\n');
            VITALOG_TRY(auto line, to_line(rest.substr(0, end), decoder_));
            lines.push_back(std::move(line));
            rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
        }
        return lines;
    }

  private:
    Result<std::string> get(const std::string& target) {
        sinks::ClientRequest request;
        request.url = url_ + target;
        if (!token_.empty()) request.headers.emplace_back("Authorization", "Bearer " + token_);
        auto outcome = client_.send(request);
        if (outcome.fate != sinks::HttpFate::Answered) return fail(Errc::Io, url_ + ": " + outcome.reason);
        if (outcome.response.status != 200)
            return fail(Errc::Io, fmt::format("{}: {} {}", request.url, outcome.response.status, outcome.response.body));
        return outcome.response.body;
    }

    std::string url_;
    std::string token_;
    sinks::HttpClient client_;
    schemas::Decoder decoder_;
};

class LogLines final : public RecordLines {
  public:
    explicit LogLines(std::unique_ptr<EmbeddedLog> log) : log_(std::move(log)) {}

    Result<std::vector<Topic>> topics() override {
        std::vector<Topic> topics;
        for (const auto& topic : log_->topics()) topics.push_back({topic.name, topic.partitions});
        return topics;
    }
    Result<std::vector<RecordLine>> read(const std::string& topic, std::uint32_t partition, std::int64_t from,
                                         std::int64_t max) override {
        const TopicPartition tp{topic, Partition(partition)};
        VITALOG_TRY(const Offset begin, log_->begin_offset(tp));
        std::vector<RecordLine> lines;
        RecordBatch batch;
        for (Offset at = std::max(begin, Offset(from)); static_cast<std::int64_t>(lines.size()) < max; at = batch.next) {
            VITALOG_CHECK(log_->read(tp, at, std::size_t{1} << 20, batch));
            if (batch.records.empty()) break;
            for (const auto& record : batch.records) {
                if (static_cast<std::int64_t>(lines.size()) == max) break;
                VITALOG_TRY(auto line, to_line(record_line(tp, record), decoder_));
                lines.push_back(std::move(line));
            }
        }
        return lines;
    }

  private:
    std::unique_ptr<EmbeddedLog> log_;
    schemas::Decoder decoder_;
};

/// The address of the site that runs on this data directory, if one does.
std::string running_site(const std::filesystem::path& data_dir) {
    std::ifstream file(data_dir / "run.json");
    if (!file) return {};
    const std::string json{std::istreambuf_iterator<char>(file), {}};
    schemas::Decoder decoder;
    const auto run = schemas::decode<RunShape>(json, decoder);
    if (!run || kill(static_cast<pid_t>(run->pid), 0) != 0) return {};
    return "http://" + std::string(run->http);
}

}  // namespace

std::string RecordLine::header(std::string_view name) const {
    for (const auto& [key, value] : headers)
        if (key == name) return value;
    return {};
}

std::vector<std::string_view> source_flags(std::vector<std::string_view> more) {
    more.insert(more.end(), {"--url", "--data-dir", "--token"});
    return config_flags(std::move(more));
}

Result<std::unique_ptr<RecordLines>> open_record_lines(const Arguments& arguments) {
    auto url = arguments.value("--url");
    const auto data_dir = arguments.value("--data-dir");
    if (!url && !data_dir) return fail(Errc::Configuration, "say --url http://HOST:PORT or --data-dir D");
    if (!url) {
        const std::string running = running_site(*data_dir);
        if (!running.empty()) url = running;
    }
    if (url) return std::make_unique<HttpLines>(*url, arguments.value_or("--token", ""));
    if (!std::filesystem::exists(*data_dir))
        return fail(Errc::NotFound, *data_dir + ": there is no such data directory");
    VITALOG_TRY(const auto config, load_config(arguments));
    EmbeddedLog::Options options;
    options.path = *data_dir;
    options.topics = configured_topics(config, configured_names(config));
    VITALOG_TRY(auto log, EmbeddedLog::open(std::move(options)));
    return std::make_unique<LogLines>(std::move(log));
}

}  // namespace vitalog::topology::cli
