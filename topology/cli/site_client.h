#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sinks/http_client.h"
#include "topology/cli/cli.h"

namespace vitalog::topology::cli {

/// Speaks to a running site over HTTP. One thread.
class SiteClient {
  public:
    SiteClient(std::string url, std::string token);

    /// The body of an answer in 200..299; otherwise an error with what the site said.
    Result<std::string> get(const std::string& target);
    Result<std::string> post(const std::string& target, const std::string& body);
    const std::string& url() const { return url_; }

  private:
    Result<std::string> send(sinks::ClientRequest request);

    std::string url_;
    std::string token_;
    std::unique_ptr<sinks::HttpClient> client_;
};

/// The flags --url and --data-dir.
std::vector<std::string_view> site_flags(std::vector<std::string_view> more);
/// The site at --url, or the one that runs on --data-dir. Configuration when neither is said,
/// NotFound when none runs.
Result<SiteClient> open_site(const Arguments& arguments);
/// http://HOST:PORT of the site that runs on this data directory; empty when none does.
std::string running_site(const std::string& data_dir);

}  // namespace vitalog::topology::cli
