#pragma once

#include <map>
#include <memory>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/base/ports.h"

namespace vitalog::ingest {

/// Which handler answers which path. Literal segments win over {name} segments, from left to right.
/// Thread-safe; routes may be added while requests are served.
class RouteTable {
  public:
    struct Match {
        std::shared_ptr<const HttpHandler>
            handler;          ///< shared: a request outlives the lookup; null when none
        std::string pattern;  ///< as registered, for metrics; empty when no path matches
        std::map<std::string, std::string> params;
        std::vector<std::string>
            allowed;  ///< methods of the path, when only the method does not match
    };

    /// Registering a method and pattern again replaces its handler.
    void add(std::string method, std::string pattern, HttpHandler handler);
    /// HEAD is answered by GET.
    Match find(std::string_view method, const std::vector<std::string>& segments) const;

  private:
    struct Node {
        std::map<std::string, std::unique_ptr<Node>, std::less<>> literals;
        std::map<std::string, std::unique_ptr<Node>, std::less<>> variables;  ///< by name
        std::map<std::string, std::shared_ptr<const HttpHandler>, std::less<>> methods;
        std::string pattern;
    };
    static const Node* descend(const Node& node, const std::vector<std::string>& segments,
                               std::size_t depth, std::map<std::string, std::string>& params);

    mutable std::shared_mutex mutex_;
    Node root_;  // guarded by mutex_
};

}  // namespace vitalog::ingest
