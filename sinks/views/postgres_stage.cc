#include "sinks/views/postgres_stage.h"

#include <simdjson.h>

#include <algorithm>
#include <charconv>

namespace vitalog::sinks::sql {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD
constexpr std::string_view kHex = "0123456789abcdef";

std::vector<std::string> split(const std::string& list) {
    std::vector<std::string> parts(1);
    for (const char c : list) {
        if (c == ',')
            parts.emplace_back();
        else
            parts.back() += c;
    }
    return parts;
}

/// How many bytes the character of UTF-8 that begins here has; 0 where none does.
std::size_t character_at(std::string_view text) {
    const auto lead = static_cast<unsigned char>(text.front());
    const std::size_t size = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    return size <= text.size() && simdjson::validate_utf8(text.data(), size) ? size : 0;
}

/// COPY's text format: tabs between columns, \N for none.
void append_cell(std::string& row, std::string_view text) {
    for (const char c : text) {
        switch (c) {
            case '\\':
                row += "\\\\";
                break;
            case '\t':
                row += "\\t";
                break;
            case '\n':
                row += "\\n";
                break;
            case '\r':
                row += "\\r";
                break;
            default:
                row += c;
        }
    }
}

/// The values of a key as one text. Keys that differ may read alike: their rows only take a round
/// more.
void append_to_key(std::string& key, std::string_view value) {
    if (!key.empty()) key += '\t';
    key += value;
}

}  // namespace

std::string postgres_text(std::string_view text) {
    if (text.find('\0') == std::string_view::npos &&
        simdjson::validate_utf8(text.data(), text.size()))
        return std::string(text);
    std::string clean;
    while (!text.empty()) {
        const std::size_t size = text.front() == '\0' ? 0 : character_at(text);
        clean += size == 0 ? kReplacement : text.substr(0, size);
        text.remove_prefix(std::max<std::size_t>(size, 1));
    }
    return clean;
}

std::string postgres_bytes(std::string_view bytes) {
    std::string text = "\\x";
    text.reserve(2 + 2 * bytes.size());
    for (const char byte : bytes) {
        text += kHex[static_cast<unsigned char>(byte) >> 4];
        text += kHex[static_cast<unsigned char>(byte) & 15];
    }
    return text;
}

PostgresStage::PostgresStage(Upsert upsert, std::string name)
    : upsert_(std::move(upsert)), name_(std::move(name)), names_(split(upsert_.columns)) {
    cells_.resize(names_.size());
    for (const auto& column : split(upsert_.key)) {
        const auto index = index_of(column);
        VITALOG_ASSERT(index.has_value(), "an upsert's key is not among its columns");
        key_.push_back(*index);
    }
}

Result<void> PostgresStage::create(PostgresSession& session) const {
    return session.run("CREATE TEMP TABLE " + name_ + " ON COMMIT DELETE ROWS AS SELECT " +
                       upsert_.columns + ",0::bigint AS staged_round FROM " + upsert_.table +
                       " WITH NO DATA");
}

std::optional<std::size_t> PostgresStage::index_of(std::string_view column) const {
    const auto found = std::find(names_.begin(), names_.end(), column);
    if (found == names_.end()) return std::nullopt;
    return static_cast<std::size_t>(found - names_.begin());
}

void PostgresStage::set(std::size_t column, std::optional<std::string_view> value) {
    auto& cell = cells_[column];
    cell.null = !value;
    cell.value = value.value_or(std::string_view());
}

std::string PostgresStage::key() const {
    std::string key;
    for (const std::size_t column : key_) append_to_key(key, cells_[column].value);
    return key;
}

void PostgresStage::add(std::string key) {
    const auto [place, fresh] = rounds_.try_emplace(std::move(key), first_round_);
    if (!fresh) ++place->second;
    next_round_ = std::max(next_round_, place->second + 1);
    if (!rows_.empty()) rows_ += '\n';
    for (const auto& cell : cells_) {
        if (cell.null)
            rows_ += "\\N";
        else
            append_cell(rows_, cell.value);
        rows_ += '\t';
    }
    rows_ += std::to_string(place->second);
}

Result<void> PostgresStage::write(PostgresSession& session) {
    if (rows_.empty()) return {};
    VITALOG_CHECK(session.copy(name_, upsert_.columns + ",staged_round", rows_));
    for (std::int64_t round = first_round_; round < next_round_; ++round)
        VITALOG_CHECK(session.run("INSERT INTO " + upsert_.table + "(" + upsert_.columns +
                                  ") SELECT " + upsert_.columns + " FROM " + name_ +
                                  " WHERE staged_round=" + std::to_string(round) + " ON CONFLICT(" +
                                  upsert_.key + ") DO " + upsert_.rule));
    first_round_ = next_round_;
    rows_.clear();
    rounds_.clear();
    return {};
}

void PostgresStage::forget() {
    rows_.clear();
    rounds_.clear();
}

PostgresStagedTable::PostgresStagedTable(const std::string& table) : table_(table) {
    if (const auto column = PostgresMonths::column_of(table))
        months_.emplace(table, column->unit_us);
}

PostgresStage& PostgresStagedTable::add_stage(const Upsert& upsert) {
    stages_.push_back(std::make_unique<PostgresStage>(
        upsert, "staged_" + table_ + "_" + std::to_string(stages_.size())));
    key_size_ = split(upsert.key).size();
    return *stages_.back();
}

Result<void> PostgresStagedTable::take(PostgresStage& stage, PostgresSession& session) {
    std::string key = stage.key();
    for (const auto& other : stages_)
        if (other.get() != &stage && other->holds(key)) {
            VITALOG_CHECK(write(session));
            break;
        }
    if (months_) {
        const auto column = PostgresMonths::column_of(table_);
        const std::string_view text = stage.cell(*stage.index_of(column->name));
        std::int64_t value = 0;
        std::from_chars(text.data(), text.data() + text.size(), value);
        months_->expect(value);
    }
    firsts_.emplace(stage.first());
    stage.add(std::move(key));
    return {};
}

Result<void> PostgresStagedTable::settle(const std::vector<std::string>& key,
                                         PostgresSession& session) {
    if (firsts_.empty()) return {};
    if (!key.empty() && !firsts_.contains(key.front())) return {};
    if (key.size() == key_size_) {
        std::string whole;
        for (const auto& value : key) append_to_key(whole, value);
        if (std::none_of(stages_.begin(), stages_.end(),
                         [&](const auto& stage) { return stage->holds(whole); }))
            return {};
    }
    return write(session);
}

Result<void> PostgresStagedTable::write(PostgresSession& session) {
    if (firsts_.empty()) return {};
    if (months_) VITALOG_CHECK(months_->make(session));
    for (const auto& stage : stages_) VITALOG_CHECK(stage->write(session));
    firsts_.clear();
    return {};
}

void PostgresStagedTable::forget() {
    for (const auto& stage : stages_) stage->forget();
    if (months_) months_->forget();
    firsts_.clear();
}

}  // namespace vitalog::sinks::sql
