#include "ingest/http/routes.h"

#include <mutex>

namespace vitalog::ingest {
namespace {

std::vector<std::string> split_pattern(std::string_view pattern) {
    VITALOG_ASSERT(pattern.starts_with('/'), "a route's pattern begins with '/'");
    std::vector<std::string> segments;
    while (!pattern.empty()) {
        pattern.remove_prefix(1);
        const std::size_t slash = pattern.find('/');
        segments.emplace_back(pattern.substr(0, slash));
        pattern = slash == std::string_view::npos ? std::string_view() : pattern.substr(slash);
    }
    return segments;
}

}  // namespace

void RouteTable::add(std::string method, std::string pattern, HttpHandler handler) {
    const std::unique_lock lock(mutex_);
    Node* node = &root_;
    for (const std::string& segment : split_pattern(pattern)) {
        const bool variable = segment.size() > 2 && segment.front() == '{' && segment.back() == '}';
        auto& children = variable ? node->variables : node->literals;
        auto& child = children[variable ? segment.substr(1, segment.size() - 2) : segment];
        if (child == nullptr) child = std::make_unique<Node>();
        node = child.get();
    }
    node->pattern = std::move(pattern);
    node->methods[std::move(method)] = std::make_shared<const HttpHandler>(std::move(handler));
}

const RouteTable::Node* RouteTable::descend(const Node& node,
                                            const std::vector<std::string>& segments,
                                            std::size_t depth,
                                            std::map<std::string, std::string>& params) {
    if (depth == segments.size()) return node.methods.empty() ? nullptr : &node;
    if (const auto literal = node.literals.find(segments[depth]); literal != node.literals.end())
        if (const Node* found = descend(*literal->second, segments, depth + 1, params))
            return found;
    if (segments[depth].empty()) return nullptr;
    for (const auto& [name, child] : node.variables) {
        if (const Node* found = descend(*child, segments, depth + 1, params)) {
            params.emplace(name, segments[depth]);
            return found;
        }
    }
    return nullptr;
}

RouteTable::Match RouteTable::find(std::string_view method,
                                   const std::vector<std::string>& segments) const {
    const std::shared_lock lock(mutex_);
    Match match;
    const Node* node = descend(root_, segments, 0, match.params);
    if (node == nullptr) return match;
    match.pattern = node->pattern;
    auto found = node->methods.find(method);
    if (found == node->methods.end() && method == "HEAD") found = node->methods.find("GET");
    if (found != node->methods.end()) {
        match.handler = found->second;
        return match;
    }
    for (const auto& [name, handler] : node->methods) {
        match.allowed.push_back(name);
        if (name == "GET" && !node->methods.contains("HEAD")) match.allowed.emplace_back("HEAD");
    }
    return match;
}

}  // namespace vitalog::ingest
