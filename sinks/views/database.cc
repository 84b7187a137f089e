#include "sinks/views/database.h"

#include <algorithm>

#include "schemas/base/ids.h"

namespace vitalog::sinks::sql {

Result<void> Statement::finish() {
    for (;;) {
        VITALOG_TRY(const bool more, next());
        if (!more) return {};
    }
}

std::optional<std::int64_t> Statement::maybe_integer(int column) const {
    if (is_null(column)) return std::nullopt;
    return integer(column);
}

std::optional<double> Statement::maybe_real(int column) const {
    if (is_null(column)) return std::nullopt;
    return real(column);
}

Result<std::int64_t> Connection::number(std::string_view query) {
    VITALOG_TRY(Statement statement, prepare(query));
    VITALOG_TRY(const bool found, statement.next());
    return found ? statement.integer(0) : 0;
}

std::string array_of(const std::vector<std::string>& ids) {
    std::string text = "{";
    for (const auto& id : ids) {
        text += text.size() == 1 ? "\"\\\\x" : ",\"\\\\x";
        text += id_text(id);
        text += '"';
    }
    return text + "}";
}

Result<std::string> id_bytes(std::string_view hex, std::string_view what) {
    const RecordId id = RecordId::parse(hex);
    if (id.empty())
        return fail(Errc::Malformed, std::string(what) + " '" + std::string(hex) +
                                         "' must be 32 hexadecimal digits");
    return std::string(reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size());
}

std::string id_text(std::string_view bytes) {
    RecordId id;
    std::copy_n(bytes.data(), std::min(bytes.size(), id.bytes.size()),
                reinterpret_cast<char*>(id.bytes.data()));
    return bytes.empty() ? std::string() : id.to_string();
}

}  // namespace vitalog::sinks::sql
