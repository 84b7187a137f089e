#include "topology/cli/record_lines.h"

#include <fmt/format.h>

#include <filesystem>

#include "schemas/base/base64.h"
#include "schemas/json_decode.h"
#include "sinks/http_client.h"
#include "topology/admin_api.h"
#include "topology/cli/load_config.h"
#include "topology/cli/site_client.h"
#include "topology/site_log.h"
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
    std::string_view is;  ///< the standard name, where the site has another
    std::uint32_t partitions = 0;
    template <class V>
    void members(V& v) {
        v.required("topic", topic);
        v("is", is);
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
        for (const auto& topic : shape.topics)
            topics.push_back({std::string(topic.topic), topic.partitions, std::string(topic.is.empty() ? topic.topic : topic.is)});
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
    LogLines(std::unique_ptr<Log> log, schemas::TopicNames names)
        : log_(std::move(log)), names_(std::move(names)) {}

    Result<std::vector<Topic>> topics() override {
        std::vector<Topic> topics;
        for (const auto& topic : log_->topics()) {
            const auto known = names_.topic(topic.name);
            topics.push_back({topic.name, topic.partitions,
                              known ? std::string(schemas::name_of(*known)) : topic.name});
        }
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
    std::unique_ptr<Log> log_;
    const schemas::TopicNames names_;
    schemas::Decoder decoder_;
};

std::string printable(std::string_view bytes) {
    std::string text;
    for (const char c : bytes) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '\r' || c == '\n') text += '\n';
        else if (byte >= 0x20 || c == '\t') text += c;
        else text += fmt::format("\\x{:02x}", byte);
    }
    return text;
}

}  // namespace

std::string RecordLine::header(std::string_view name) const {
    for (const auto& [key, value] : headers)
        if (key == name) return value;
    return {};
}

std::vector<std::string_view> source_flags(std::vector<std::string_view> more) {
    more.insert(more.end(), {"--url", "--data-dir"});
    return config_flags(std::move(more));
}

Result<std::unique_ptr<RecordLines>> open_record_lines(const Arguments& arguments) {
    auto url = arguments.value("--url");
    const auto data_dir = arguments.value("--data-dir");
    if (!url && data_dir) {
        const std::string running = running_site(*data_dir);
        if (!running.empty()) url = running;
    }
    if (url) return std::make_unique<HttpLines>(*url, bearer_token());
    VITALOG_TRY(const auto config, load_config_of_log(arguments));
    const bool cluster = config.text("log.kind") == "kafka";
    if (!data_dir && !cluster)
        return fail(Errc::Configuration,
                    "say --url http://HOST:PORT or --data-dir D, or --set log.brokers=HOST:PORT");
    if (data_dir && !std::filesystem::exists(*data_dir))
        return fail(Errc::NotFound, *data_dir + ": there is no such data directory");
    auto names = configured_names(config);
    VITALOG_TRY(auto log, open_log_to_read(config, names, cluster ? "" : *data_dir));
    return std::make_unique<LogLines>(std::move(log), std::move(names));
}

void print_record(const RecordLine& line, bool json) {
    if (json) {
        fmt::print("{}\n", line.json);
        return;
    }
    fmt::print("{}/{}/{} {} key={}\n", line.topic, line.partition, line.offset, line.timestamp, line.key);
    for (const auto& [name, value] : line.headers) fmt::print("  {}: {}\n", name, value);
    fmt::print("{}\n\n", printable(line.value));
}

Result<std::vector<std::uint32_t>> chosen_partitions(RecordLines& source, const Arguments& arguments,
                                                     const std::string& topic) {
    VITALOG_TRY(const auto known, find_topic(source, topic));
    VITALOG_TRY(const auto one, number_of(arguments, "--partition", -1, 0, known.partitions - 1));
    std::vector<std::uint32_t> partitions;
    for (std::uint32_t p = 0; p < known.partitions; ++p)
        if (one < 0 || one == static_cast<std::int64_t>(p)) partitions.push_back(p);
    return partitions;
}

Result<RecordLines::Topic> find_topic(RecordLines& source, const std::string& name) {
    VITALOG_TRY(const auto topics, source.topics());
    for (const auto& topic : topics)
        if (topic.name == name) return topic;
    for (const auto& topic : topics)
        if (topic.standard == name) return topic;
    return fail(Errc::NotFound, "there is no topic " + name + "; vitalog topic list shows all");
}

}  // namespace vitalog::topology::cli
