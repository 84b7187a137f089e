#include <fmt/format.h>

#include "sinks/http_client.h"
#include "topology/cli/cli.h"

// shadow: GET /admin/shadow, as it comes.

namespace vitalog::topology::cli {
namespace {

constexpr std::string_view kHelp =
    R"(usage: vitalog shadow [--day DAY] [--max N] [--url U]

A day's messages as a text: what was decided, who would have been told by which channel, and why. For a site that runs
beside the hospital's own ways with notify.mode=off, where nothing is sent. Patients are named by the first digits of
their id; no name, number, diagnosis or value is in it.

  --day DAY    such as 2026-11-20, today (as a rule) or yesterday, on the site's clock
  --max N      messages told one by one (1000, at most 10000); all are counted
  --url U      the site (http://127.0.0.1:8080)

example:
  vitalog shadow --day yesterday | mail -s 'Vitalog in shadow' quality@hospital.example
)";

int run(const std::vector<std::string>& words) {
    const auto arguments = Arguments::parse(words, {{"--day", "--max", "--url"}, {}, 0});
    if (!arguments) return report_usage("shadow", arguments.error());
    const auto max = number_of(*arguments, "--max", 1'000, 1, 10'000);
    if (!max) return report_usage("shadow", max.error());
    const std::string day = arguments->value_or("--day", "today");
    if (day.find_first_not_of("0123456789-adeorsty") != std::string::npos)
        return report_usage(
            "shadow",
            Error(Errc::Configuration, "--day must be such as 2026-11-20, today or yesterday"));
    sinks::ClientRequest request;
    request.url = fmt::format("{}/admin/shadow?day={}&max={}",
                              arguments->value_or("--url", "http://127.0.0.1:8080"), day, *max);
    if (const std::string token = bearer_token(); !token.empty())
        request.headers.emplace_back("Authorization", "Bearer " + token);
    sinks::HttpClient client;
    const auto outcome = client.send(request);
    if (outcome.fate != sinks::HttpFate::Answered)
        return report("shadow", Error(Errc::Io, request.url + ": " + outcome.reason));
    if (outcome.response.status != 200)
        return report("shadow",
                      Error(Errc::Io, fmt::format("{}: {} {}", request.url, outcome.response.status,
                                                  outcome.response.body)));
    fmt::print("{}", outcome.response.body);
    return kStopped;
}

}  // namespace

const Command kShadow{"shadow", "what a day's messages would have been, to whom and why", kHelp,
                      run};

}  // namespace vitalog::topology::cli
