#include "schemas/tables/table_file.h"

#include <yaml-cpp/yaml.h>

#include <charconv>
#include <cmath>
#include <utility>

#include "schemas/base/time.h"

namespace vitalog::schemas {
namespace {

bool read_number(std::string_view text, double& number) {
    const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc() && rest == text.data() + text.size() && std::isfinite(number);
}

bool read_ratio(std::string_view text, Ratio& ratio) {
    const std::size_t slash = text.find('/');
    if (!read_number(text.substr(0, slash), ratio.numerator)) return false;
    if (slash != std::string_view::npos && !read_number(text.substr(slash + 1), ratio.denominator))
        return false;
    return ratio.numerator > 0 && ratio.denominator > 0;
}

}  // namespace

struct TableEntry::Node {
    const YAML::Node yaml;
};

tl::unexpected<Error> wrong_table(const TablePlace& place, const std::string& what) {
    return fail(Errc::Configuration, place.file + ":" + std::to_string(place.line) + ": " + what);
}

std::string in_quotes(std::string_view text) {
    return "'" + std::string(text) + "'";
}

Result<TableEntry> TableEntry::parse(const std::string& file, const std::string& text,
                                     std::string_view format) {
    try {
        const YAML::Node node = YAML::Load(text);
        if (!node.IsMap() || !node["format"] || !node["format"].IsScalar() ||
            node["format"].Scalar() != format)
            return wrong_table({file, 1},
                               "begin the file with 'format: " + std::string(format) + "'");
        TableEntry top(file, std::make_shared<const Node>(Node{node}));
        top.seen_.insert("format");
        return top;
    } catch (const YAML::Exception& error) {
        return wrong_table({file, error.mark.line + 1}, "not YAML: " + error.msg);
    }
}

TableEntry::TableEntry(std::string file, std::shared_ptr<const Node> node)
    : file_(std::move(file)), node_(std::move(node)) {}

TablePlace TableEntry::place() const {
    return {file_, node_->yaml.Mark().line + 1};
}

Result<void> TableEntry::check_is_map() const {
    if (node_->yaml.IsMap()) return {};
    return wrong_table(place(), "write a mapping such as {name: value}");
}

bool TableEntry::has(const char* name) const {
    return static_cast<bool>(node_->yaml[name]);
}

Result<std::string> TableEntry::text(const char* name) {
    seen_.insert(name);
    const YAML::Node found = node_->yaml[name];
    if (!found) return std::string();
    if (!found.IsScalar()) return wrong_table(place(), in_quotes(name) + " must be one text");
    return found.Scalar();
}

Result<std::string> TableEntry::required_text(const char* name) {
    VITALOG_TRY(std::string found, text(name));
    if (found.empty())
        return wrong_table(place(), "write '" + std::string(name) + ": ...': it is required");
    return found;
}

Result<std::optional<double>> TableEntry::number(const char* name) {
    VITALOG_TRY(const std::string found, text(name));
    if (found.empty()) return std::optional<double>();
    double number = 0;
    if (!read_number(found, number))
        return wrong_table(
            place(), std::string(name) + " " + in_quotes(found) + " must be a number such as 0.5");
    return std::optional<double>(number);
}

Result<Ratio> TableEntry::ratio(const char* name) {
    VITALOG_TRY(const std::string found, required_text(name));
    Ratio ratio;
    if (!read_ratio(found, ratio))
        return wrong_table(place(),
                           std::string(name) + " " + in_quotes(found) +
                               " must be a number above 0 or a fraction such as \"1/1000\"");
    return ratio;
}

Result<bool> TableEntry::flag(const char* name) {
    VITALOG_TRY(const std::string found, text(name));
    if (found.empty() || found == "false") return false;
    if (found == "true") return true;
    return wrong_table(place(),
                       std::string(name) + " " + in_quotes(found) + " must be true or false");
}

Result<std::optional<std::chrono::microseconds>> TableEntry::duration(const char* name) {
    VITALOG_TRY(const std::string found, text(name));
    if (found.empty()) return std::optional<std::chrono::microseconds>();
    const auto duration = parse_duration(found);
    if (!duration || duration->count() < 0)
        return wrong_table(place(), std::string(name) + " " + in_quotes(found) +
                                        " must be a duration such as 5m or 24h");
    return std::optional<std::chrono::microseconds>(*duration);
}

Result<std::vector<std::string>> TableEntry::texts(const char* name) {
    seen_.insert(name);
    std::vector<std::string> list;
    const YAML::Node found = node_->yaml[name];
    if (!found) return list;
    if (found.IsScalar()) return std::vector<std::string>{found.Scalar()};
    if (!found.IsSequence())
        return wrong_table(place(), in_quotes(name) + " must be a list such as [a, b]");
    for (const auto& item : found) {
        if (!item.IsScalar())
            return wrong_table(place(), in_quotes(name) + " must hold texts only");
        list.push_back(item.Scalar());
    }
    return list;
}

Result<std::vector<TableEntry>> TableEntry::entries(const char* name) {
    seen_.insert(name);
    std::vector<TableEntry> list;
    const YAML::Node found = node_->yaml[name];
    if (!found || found.IsNull()) return list;
    if (!found.IsSequence())
        return wrong_table(place(),
                           in_quotes(name) + " must be a list, each item beginning with '- '");
    for (const auto& item : found) {
        TableEntry entry(file_, std::make_shared<const Node>(Node{item}));
        VITALOG_CHECK(entry.check_is_map());
        list.push_back(std::move(entry));
    }
    return list;
}

Result<std::optional<TableEntry>> TableEntry::entry(const char* name) {
    seen_.insert(name);
    const YAML::Node found = node_->yaml[name];
    if (!found || found.IsNull()) return std::optional<TableEntry>();
    TableEntry entry(file_, std::make_shared<const Node>(Node{found}));
    VITALOG_CHECK(entry.check_is_map());
    return std::optional<TableEntry>(std::move(entry));
}

Result<void> TableEntry::finish() const {
    for (const auto& member : node_->yaml) {
        const std::string name = member.first.IsScalar() ? member.first.Scalar() : std::string("?");
        if (seen_.contains(name)) continue;
        std::string known;
        for (const auto& item : seen_) known += (known.empty() ? "" : ", ") + item;
        return wrong_table({file_, member.first.Mark().line + 1},
                           in_quotes(name) + " is not known here; write one of: " + known);
    }
    return {};
}

}  // namespace vitalog::schemas
