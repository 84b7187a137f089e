#include "topology/cli/site_client.h"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "schemas/json_decode.h"

namespace vitalog::topology::cli {
namespace {

/// What is published or retried is answered once it is applied everywhere.
constexpr std::chrono::seconds kAnswerLimit{120};

struct RunShape {
    std::int64_t pid = 0;
    std::string_view http;
    template <class V>
    void members(V& v) {
        v.required("pid", pid);
        v.required("http", http);
    }
};

struct ErrorShape {
    struct Inner {
        std::string_view message;
        template <class V>
        void members(V& v) {
            v.required("message", message);
        }
    };
    Inner error;
    template <class V>
    void members(V& v) {
        v.required("error", error);
    }
};

/// What the site says is wrong, without its wrapping.
std::string message_of(const std::string& body) {
    schemas::Decoder decoder;
    const auto shape = schemas::decode<ErrorShape>(body, decoder);
    return shape ? std::string(shape->error.message) : body;
}

/// Who asks, for a site without tokens.
std::string login() {
    const char* name = ::getlogin();
    return name == nullptr ? "operator" : name;
}

}  // namespace

SiteClient::SiteClient(std::string url, std::string token)
    : url_(std::move(url)), token_(std::move(token)) {
    sinks::HttpClientOptions options;
    options.timeout = kAnswerLimit;
    client_ = std::make_unique<sinks::HttpClient>(options);
}

Result<std::string> SiteClient::send(sinks::ClientRequest request) {
    request.headers.emplace_back("X-User", login());
    if (!token_.empty()) request.headers.emplace_back("Authorization", "Bearer " + token_);
    const std::string url = request.url;
    auto outcome = client_->send(request);
    if (outcome.fate != sinks::HttpFate::Answered)
        return fail(Errc::Io, url_ + ": " + outcome.reason);
    if (outcome.response.status / 100 != 2)
        return fail(Errc::Io, fmt::format("{}: {} {}", url, outcome.response.status,
                                          message_of(outcome.response.body)));
    return std::move(outcome.response.body);
}

Result<std::string> SiteClient::get(const std::string& target) {
    sinks::ClientRequest request;
    request.url = url_ + target;
    return send(std::move(request));
}

Result<std::string> SiteClient::post(const std::string& target, const std::string& body) {
    sinks::ClientRequest request;
    request.method = "POST";
    request.url = url_ + target;
    request.headers.emplace_back("Content-Type", "application/json");
    request.body = body;
    return send(std::move(request));
}

std::vector<std::string_view> site_flags(std::vector<std::string_view> more) {
    more.insert(more.end(), {"--url", "--data-dir"});
    return more;
}

Result<SiteClient> open_site(const Arguments& arguments) {
    const auto data_dir = arguments.value("--data-dir");
    std::string url = arguments.value_or("--url", "");
    if (url.empty() && !data_dir)
        return fail(Errc::Configuration, "say --url http://HOST:PORT or --data-dir D");
    if (url.empty()) url = running_site(*data_dir);
    if (url.empty())
        return fail(
            Errc::NotFound,
            *data_dir + ": no site runs on it; start it with vitalog run --data-dir " + *data_dir);
    while (url.ends_with('/')) url.pop_back();
    return SiteClient(url, bearer_token());
}

std::string running_site(const std::string& data_dir) {
    std::ifstream file(std::filesystem::path(data_dir) / "run.json");
    if (!file) return {};
    const std::string json{std::istreambuf_iterator<char>(file), {}};
    schemas::Decoder decoder;
    const auto run = schemas::decode<RunShape>(json, decoder);
    if (!run || kill(static_cast<pid_t>(run->pid), 0) != 0) return {};
    return "http://" + std::string(run->http);
}

}  // namespace vitalog::topology::cli
