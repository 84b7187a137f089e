#pragma once

#include <functional>
#include <future>
#include <string>
#include <vector>

#include "sinks/fhir/fhir_api.h"
#include "tests/sinks/views_fixture.h"
#include "topology/log/memory_log.h"

namespace vitalog::tests {

class FixedClock final : public Clock {
  public:
    LogTime now() const override { return LogTime(1'600'000'000'000'000); }
};

inline std::vector<topology::TopicConfig> all_topics(std::uint32_t partitions = 2) {
    std::vector<topology::TopicConfig> topics;
    for (const auto& topic : schemas::kTopics) {
        topology::TopicConfig config;
        config.name = topic.name;
        config.partitions = topic.single_partition ? 1 : partitions;
        config.feed = topic.feed;
        topics.push_back(config);
    }
    return topics;
}

/// Appends an event as a stage would.
template <class E>
void publish(topology::MemoryLog& log, schemas::Topic topic, const std::string& key,
             const E& event) {
    FeedRecord record;
    record.topic = schemas::name_of(topic);
    record.key = key;
    record.value = schemas::encode(event);
    Headers::append(record.headers, header::kType, E::kType);
    record.received = LogTime(1'600'000'000'000'000);
    log.append(std::move(record), [](const Result<AppendReceipt>& receipt) {
        VITALOG_ASSERT(receipt.has_value(), "the log took no record");
    });
}

/// Values of all records of a topic.
inline std::vector<std::string> values_of(const topology::MemoryLog& log, std::string_view topic,
                                          std::vector<std::string>* keys = nullptr) {
    std::vector<std::string> values;
    for (std::uint32_t p = 0; p < log.partitions(topic); ++p) {
        RecordBatch batch;
        (void)log.read({std::string(topic), Partition(p)}, Offset(0), 1 << 24, batch);
        for (const auto& record : batch.records) {
            values.emplace_back(record.value);
            if (keys != nullptr) keys->emplace_back(record.key);
        }
    }
    return values;
}

/// The server's part: finds the handler whose pattern fits, literal segments before {names}.
class FakeRouter final : public Router {
  public:
    void route(std::string method, std::string pattern, HttpHandler handler) override {
        routes_.push_back({std::move(method), split(pattern), std::move(handler)});
    }
    /// Answers "GET /path?query" and waits for the answer.
    HttpResponse get(const std::string& url, Caller caller = {}) {
        return send("GET", url, "", std::move(caller));
    }
    HttpResponse post(const std::string& url, const std::string& body, Caller caller = {}) {
        return send("POST", url, body, std::move(caller));
    }
    HttpResponse send(const std::string& method, const std::string& url, const std::string& body,
                      Caller caller) {
        auto promise = std::make_shared<std::promise<HttpResponse>>();
        auto answer = promise->get_future();
        start(method, url, body, std::move(caller),
              [promise](HttpResponse response) { promise->set_value(std::move(response)); });
        return answer.get();
    }
    void start(const std::string& method, const std::string& url, const std::string& body,
               Caller caller, Respond respond) {
        HttpRequest request;
        request.method = method;
        request.path = url.substr(0, url.find('?'));
        request.headers["host"] = "archive.example:8080";
        for (const auto& [name, value] : headers) request.headers[name] = value;
        request.body = body;
        request.caller = std::move(caller);
        if (const auto mark = url.find('?'); mark != std::string::npos)
            for (const auto& pair : split(url.substr(mark + 1), '&'))
                request.query.emplace_back(pair.substr(0, pair.find('=')),
                                           pair.substr(pair.find('=') + 1));
        const auto segments = split(request.path);
        for (const bool literal : {true, false})
            for (const auto& route : routes_)
                if (route.method == method &&
                    fits(route.pattern, segments, literal, request.path_params))
                    return route.handler(request, std::move(respond));
        HttpResponse none;
        none.status = 404;
        respond(none);
    }

    std::map<std::string, std::string> headers;  ///< of every request, names in lower case

  private:
    struct Route {
        std::string method;
        std::vector<std::string> pattern;
        HttpHandler handler;
    };
    static std::vector<std::string> split(const std::string& text, char by = '/') {
        std::vector<std::string> parts(1);
        for (const char c : text) {
            if (c == by)
                parts.emplace_back();
            else
                parts.back() += c;
        }
        return parts;
    }
    static bool fits(const std::vector<std::string>& pattern, const std::vector<std::string>& path,
                     bool literal, std::map<std::string, std::string>& params) {
        if (pattern.size() != path.size()) return false;
        params.clear();
        for (std::size_t i = 0; i < path.size(); ++i) {
            if (pattern[i].starts_with('{') && (!literal || i != 2))
                params[pattern[i].substr(1, pattern[i].size() - 2)] = path[i];
            else if (pattern[i] != path[i])
                return false;
        }
        return true;
    }
    std::vector<Route> routes_;
};

}  // namespace vitalog::tests
