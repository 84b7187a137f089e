#include "ingest/http/url.h"

namespace vitalog::ingest {
namespace {

int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/// The part of an absolute-form target from its path on.
std::string_view strip_authority(std::string_view target) {
    for (const std::string_view scheme : {"http://", "https://"}) {
        if (!target.starts_with(scheme)) continue;
        const std::size_t slash = target.find_first_of("/?", scheme.size());
        return slash == std::string_view::npos ? std::string_view("/") : target.substr(slash);
    }
    return target;
}

}  // namespace

Result<std::string> percent_decode(std::string_view text, bool plus_is_space) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (c == '+' && plus_is_space) {
            out.push_back(' ');
        } else if (c != '%') {
            out.push_back(c);
        } else {
            const int high = i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
            const int low = i + 2 < text.size() ? hex_value(text[i + 2]) : -1;
            if (high < 0 || low < 0)
                return fail(Errc::Malformed,
                            "a '%' in the URL must be followed by two hexadecimal digits");
            if (high == 0 && low == 0)
                return fail(Errc::Malformed, "the URL contains an escaped NUL");
            out.push_back(static_cast<char>(high * 16 + low));
            i += 2;
        }
    }
    return out;
}

Result<QueryItems> parse_query(std::string_view query) {
    QueryItems items;
    while (!query.empty()) {
        const std::size_t end = query.find('&');
        const std::string_view piece = query.substr(0, end);
        query = end == std::string_view::npos ? std::string_view() : query.substr(end + 1);
        if (piece.empty()) continue;
        if (items.size() == kMaxQueryItems)
            return fail(Errc::TooLarge,
                        "more than " + std::to_string(kMaxQueryItems) + " query parameters");
        const std::size_t equals = piece.find('=');
        VITALOG_TRY(auto name, percent_decode(piece.substr(0, equals), true));
        std::string value;
        if (equals != std::string_view::npos) {
            VITALOG_TRY(value, percent_decode(piece.substr(equals + 1), true));
        }
        items.emplace_back(std::move(name), std::move(value));
    }
    return items;
}

Result<Target> parse_target(std::string_view target) {
    target = strip_authority(target);
    if (const std::size_t fragment = target.find('#'); fragment != std::string_view::npos)
        target = target.substr(0, fragment);
    const std::size_t mark = target.find('?');
    std::string_view path = target.substr(0, mark);
    if (path.empty() && mark != std::string_view::npos) path = "/";
    if (!path.starts_with('/'))
        return fail(Errc::Malformed, "the request target must begin with '/'");
    Target out;
    if (mark != std::string_view::npos) {
        VITALOG_TRY(out.query, parse_query(target.substr(mark + 1)));
    }
    for (std::string_view rest = path; !rest.empty();) {
        rest.remove_prefix(1);
        const std::size_t slash = rest.find('/');
        VITALOG_TRY(auto segment, percent_decode(rest.substr(0, slash), false));
        out.path.push_back('/');
        out.path.append(segment);
        out.segments.push_back(std::move(segment));
        rest = slash == std::string_view::npos ? std::string_view() : rest.substr(slash);
    }
    return out;
}

}  // namespace vitalog::ingest
