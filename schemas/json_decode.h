#pragma once

#include <simdjson.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "schemas/json.h"

// The decoding half of schemas/json.h. Include it from source files only.

namespace vitalog::schemas {

struct Decoder::Impl {
    simdjson::ondemand::parser parser;
    std::string padded;
};

namespace detail {

using Value = simdjson::ondemand::value;

inline constexpr std::size_t kFirstItems = 8;  ///< room that a list has from its first item on

/// One decode() at work: what went wrong, and what it knows of its document.
struct Reading {
    Result<void> result;
    bool has_escapes = true;  ///< there is a backslash somewhere

    bool refuse(Errc code, std::string message) {
        result = fail(code, std::move(message));
        return false;
    }
    bool wrong_type(std::string_view name, std::string_view wanted) {
        return refuse(Errc::Malformed,
                      "member '" + std::string(name) + "' must be " + std::string(wanted));
    }
    bool take(Result<void> failed) {
        result = std::move(failed);
        return false;
    }
};

/// False when the value can't be read; `reading` then says why.
template <class T>
bool read(Reading& reading, Value value, std::string_view name, T& out);

inline std::uint64_t load_word(const char* at) {
    std::uint64_t word;
    std::memcpy(&word, at, sizeof word);
    return word;
}
/// Bits of the first `size` bytes of a word in memory (little-endian).
constexpr std::uint64_t first_bytes(std::size_t size) {
    return size >= 8 ? ~std::uint64_t{0} : (std::uint64_t{1} << (8 * size)) - 1;
}

/// The fields of an object, one at a time, in the order of the document.
class Fields {
  public:
    explicit Fields(simdjson::ondemand::object& object) {
        const auto begin = object.begin();
        const auto end = object.end();
        ok_ = begin.error() == simdjson::SUCCESS && end.error() == simdjson::SUCCESS;
        if (!ok_) return;
        at_ = begin.value_unsafe();
        end_ = end.value_unsafe();
        load();
    }
    bool at_end() const { return at_end_; }
    bool ok() const { return ok_; }
    Value& value() { return value_; }
    /// The field's name is `name`. An escaped one is only known after unescape(). Compares words:
    /// there is padding behind every name.
    template <std::size_t N>
    [[gnu::always_inline]] bool named(const char (&name)[N]) const {
        static_assert(N <= simdjson::SIMDJSON_PADDING);
        constexpr std::size_t kSize = N - 1;
        if constexpr (kSize < sizeof word_) {
            std::uint64_t wanted = std::uint64_t{'"'} << (8 * kSize);
            for (std::size_t i = 0; i < kSize; ++i)
                wanted |= std::uint64_t{static_cast<unsigned char>(name[i])} << (8 * i);
            return (word_ & first_bytes(N)) == wanted;
        } else {
            if (word_ != load_word(name)) return false;
            return std::memcmp(key_ + 8, name + 8, kSize - 8) == 0 && key_[kSize] == '"';
        }
    }
    /// Spells the name without its escapes; false when it has none, or was spelt before.
    bool unescape() {
        if (spelt_ || !is_escaped()) return false;
        spelt_ = true;
        std::string_view key;
        if (field_.unescaped_key().get(key) != simdjson::SUCCESS) {
            ok_ = false;
            end();
            return true;
        }
        plain_.assign(key).append("\"");
        plain_.resize(plain_.size() + simdjson::SIMDJSON_PADDING);
        look_at(plain_.data());
        return true;
    }
    void advance() {
        ++at_;
        load();
    }
    /// No member is named like what is behind the end.
    void end() {
        at_end_ = true;
        word_ = 0;
    }

  private:
    using Iterator = std::remove_cvref_t<
        decltype(std::declval<simdjson::ondemand::object&>().begin().value_unsafe())>;

    void load() {
        spelt_ = false;
        if (!(at_ != end_)) return end();
        auto field = *at_;
        ok_ = field.error() == simdjson::SUCCESS;
        if (!ok_) return end();
        at_end_ = false;
        field_ = field.value_unsafe();
        look_at(field_.key().raw());
        value_ = field_.value();
    }
    void look_at(const char* key) {
        key_ = key;
        word_ = load_word(key);
    }
    bool is_escaped() const {
        const char* c = key_;
        while (*c != '"' && *c != '\\') ++c;
        return *c == '\\';
    }

    Iterator at_;
    Iterator end_;
    simdjson::ondemand::field field_;
    Value value_;
    const char* key_ = nullptr;
    std::uint64_t word_ = 0;  // the first bytes at key_
    std::string plain_;
    bool spelt_ = false;
    bool ok_ = true;
    bool at_end_ = true;
};

struct CountingVisitor {
    unsigned count = 0;
    template <std::size_t N, class T>
    void operator()(const char (&)[N], T&) {
        ++count;
    }
    template <std::size_t N, class T>
    void required(const char (&)[N], T&) {
        ++count;
    }
};

/// Reads the fields that name a member, going round the members from where the last one was found:
/// encoders write in order, so that a round or two do for a document. What no member is named after
/// is skipped.
class ReadingVisitor {
  public:
    ReadingVisitor(Reading& reading, Fields& fields, unsigned members)
        : reading_(reading), fields_(fields), members_(members) {}

    template <std::size_t N, class T>
    [[gnu::always_inline]] void operator()(const char (&name)[N], T& member) {
        while (fields_.named(name)) {
            if (!read(reading_, fields_.value(), std::string_view(name, N - 1), member))
                return fields_.end();
            seen_ |= std::uint64_t{1} << index_;
            tried_ = 0;
            fields_.advance();
        }
        ++index_;
        if (++tried_ == members_) pass_over();
    }
    template <std::size_t N, class T>
    [[gnu::always_inline]] void required(const char (&name)[N], T& member) {
        (*this)(name, member);
    }
    bool done() const { return fields_.at_end(); }
    void next_round() { index_ = 0; }
    std::uint64_t seen() const { return seen_; }

  private:
    void pass_over() {
        tried_ = 0;
        if (done()) return;
        if (!fields_.unescape()) fields_.advance();
    }

    Reading& reading_;
    Fields& fields_;
    std::uint64_t seen_ = 0;
    unsigned members_;
    unsigned index_ = 0;
    unsigned tried_ = 0;  // members that the field in hand is not named after
};

/// Names the first required member that was not seen.
class RequiredVisitor {
  public:
    explicit RequiredVisitor(std::uint64_t seen) : seen_(seen) {}
    template <std::size_t N, class T>
    void operator()(const char (&)[N], T&) {
        ++index_;
    }
    template <std::size_t N, class T>
    void required(const char (&name)[N], T&) {
        if (missing_ == nullptr && (seen_ >> index_ & 1) == 0) missing_ = name;
        ++index_;
    }
    const char* missing() const { return missing_; }

  private:
    std::uint64_t seen_;
    unsigned index_ = 0;
    const char* missing_ = nullptr;
};

template <class T>
bool read_object(Reading& reading, simdjson::ondemand::object object, T& out) {
    CountingVisitor counting;
    out.members(counting);
    Fields fields(object);
    ReadingVisitor visitor(reading, fields, counting.count);
    while (!visitor.done()) {
        visitor.next_round();
        out.members(visitor);
        if (counting.count == 0) fields.advance();
    }
    if (!reading.result) return false;
    if (!fields.ok()) return reading.refuse(Errc::Malformed, "not valid JSON inside an object");
    RequiredVisitor required(visitor.seen());
    out.members(required);
    if (required.missing() != nullptr)
        return reading.refuse(Errc::Missing,
                              std::string("member '") + required.missing() + "' is required");
    return true;
}

/// A string as it stands in the document where it has no escapes, which spares its copy.
inline bool read_string(const Reading& reading, Value& value, std::string_view& out) {
    const std::string_view token = value.raw_json_token();
    if (token.empty() || token.front() != '"') return false;
    std::size_t size = token.size();
    while (static_cast<unsigned char>(token[size - 1]) <= ' ') --size;
    const bool plain = size >= 2 && token[size - 1] == '"' &&
                       (!reading.has_escapes || std::memchr(token.data(), '\\', size) == nullptr);
    if (!plain) return value.get_string().get(out) == simdjson::SUCCESS;
    out = token.substr(1, size - 2);
    return value.get_raw_json_string().error() == simdjson::SUCCESS;
}

inline bool read_map(Reading& reading, Value value, std::string_view name, StringMap& out) {
    using simdjson::SUCCESS;
    simdjson::ondemand::object object;
    if (value.get_object().get(object) != SUCCESS) return reading.wrong_type(name, "an object");
    out.items.clear();
    for (auto field : object) {
        auto& [item_name, item_text] = out.items.emplace_back();
        if (field.unescaped_key().get(item_name) != SUCCESS ||
            field.value().get_string().get(item_text) != SUCCESS)
            return reading.wrong_type(name, "an object of strings");
    }
    return true;
}

inline bool read_raw(Reading& reading, Value value, std::string_view name, RawJson& out) {
    using simdjson::SUCCESS;
    simdjson::ondemand::json_type type;
    if (value.type().get(type) != SUCCESS) return reading.wrong_type(name, "JSON");
    if (type == simdjson::ondemand::json_type::object) {
        simdjson::ondemand::object object;
        if (value.get_object().get(object) != SUCCESS || object.raw_json().get(out.text) != SUCCESS)
            return reading.wrong_type(name, "JSON");
    } else if (type == simdjson::ondemand::json_type::array) {
        simdjson::ondemand::array array;
        if (value.get_array().get(array) != SUCCESS || array.raw_json().get(out.text) != SUCCESS)
            return reading.wrong_type(name, "JSON");
    } else {
        out.text = value.raw_json_token();
        while (!out.text.empty() && static_cast<unsigned char>(out.text.back()) <= ' ')
            out.text.remove_suffix(1);
    }
    return true;
}

template <class T>
bool read_list(Reading& reading, Value value, std::string_view name, std::vector<T>& out) {
    using simdjson::SUCCESS;
    simdjson::ondemand::array array;
    if (value.get_array().get(array) != SUCCESS) return reading.wrong_type(name, "an array");
    out.clear();
    if (out.capacity() == 0) out.reserve(kFirstItems);
    for (auto element : array) {
        Value item;
        if (element.get(item) != SUCCESS) return reading.wrong_type(name, "an array");
        if (!read(reading, item, name, out.emplace_back())) return false;
    }
    return true;
}

template <class T>
bool from_parsed(Reading& reading, Result<T> parsed, T& out) {
    if (!parsed) return reading.take(tl::unexpected(std::move(parsed.error())));
    out = *parsed;
    return true;
}

/// Whatever a JSON string stands for.
template <class T>
bool from_text(Reading& reading, std::string_view text, std::string_view name, T& out) {
    if constexpr (std::is_same_v<T, std::string_view>) {
        out = text;
    } else if constexpr (std::is_same_v<T, std::string>) {
        out.assign(text);
    } else if constexpr (std::is_same_v<T, ZonedTime>) {
        return from_parsed(reading, parse_zoned_time(text), out);
    } else if constexpr (std::is_same_v<T, Date>) {
        return from_parsed(reading, parse_date(text), out);
    } else if constexpr (kIsInstant<T>) {
        std::int64_t micros = 0;
        if (!from_parsed(reading, parse_rfc3339(text), micros)) return false;
        out = T(micros);
    } else {
        static_assert(std::is_enum_v<T>, "this type has no JSON form");
        const auto found = enum_named<T>(text);
        if (!found)
            return reading.wrong_type(name,
                                      "one of the known words, not '" + std::string(text) + "'");
        out = *found;
    }
    return true;
}

template <class T>
bool read(Reading& reading, Value value, std::string_view name, T& out) {
    using simdjson::SUCCESS;
    if constexpr (IsOptional<T>::value) {
        bool is_null = false;
        if (value.is_null().get(is_null) == SUCCESS && is_null) {
            out.reset();
            return true;
        }
        return read(reading, value, name, out.emplace());
    } else if constexpr (IsVector<T>::value) {
        return read_list(reading, value, name, out);
    } else if constexpr (std::is_same_v<T, StringMap>) {
        return read_map(reading, value, name, out);
    } else if constexpr (Described<T>) {
        simdjson::ondemand::object object;
        if (value.get_object().get(object) != SUCCESS) return reading.wrong_type(name, "an object");
        return read_object(reading, object, out);
    } else if constexpr (std::is_same_v<T, RawJson>) {
        return read_raw(reading, value, name, out);
    } else if constexpr (std::is_same_v<T, bool>) {
        if (value.get_bool().get(out) != SUCCESS) return reading.wrong_type(name, "true or false");
    } else if constexpr (std::is_floating_point_v<T>) {
        double number = 0;
        if (value.get_double().get(number) != SUCCESS) return reading.wrong_type(name, "a number");
        out = number;
    } else if constexpr (std::is_integral_v<T>) {
        std::int64_t number = 0;
        if (value.get_int64().get(number) != SUCCESS || !std::in_range<T>(number))
            return reading.wrong_type(name, "a whole number in range");
        out = static_cast<T>(number);
    } else {
        std::string_view text;
        if (!read_string(reading, value, text)) return reading.wrong_type(name, "a string");
        return from_text(reading, text, name, out);
    }
    return true;
}

}  // namespace detail

template <class T>
Result<T> decode(std::string_view json, Decoder& decoder) {
    auto& impl = decoder.impl();
    impl.padded.resize(json.size() + simdjson::SIMDJSON_PADDING);
    json.copy(impl.padded.data(), json.size());
    std::fill_n(impl.padded.data() + json.size(), simdjson::SIMDJSON_PADDING, '\0');
    simdjson::ondemand::document document;
    const simdjson::padded_string_view view(impl.padded.data(), json.size(), impl.padded.size());
    simdjson::ondemand::object object;
    if (impl.parser.iterate(view).get(document) != simdjson::SUCCESS ||
        document.get_object().get(object) != simdjson::SUCCESS)
        return fail(Errc::Malformed, "not a JSON object");
    detail::Reading reading;
    reading.has_escapes = json.find('\\') != std::string_view::npos;
    T event{};
    if (!detail::read_object(reading, object, event))
        return tl::unexpected(std::move(reading.result.error()));
    if (document.current_location().error() != simdjson::OUT_OF_BOUNDS)
        return fail(Errc::Malformed, "more than one JSON value");
    return event;
}

}  // namespace vitalog::schemas
