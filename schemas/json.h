#pragma once

#include <array>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "schemas/base/result.h"
#include "schemas/base/time.h"

// One description of each event serves both directions of its codec. A struct lists its members
// once:
//
//     template <class V> void members(V& v) { v.required("person", person); v("team", team); }
//
// encode() leaves out optional members that are empty or absent; decode() ignores unknown members
// and refuses a document that lacks a required one. Strings decoded into std::string_view live
// until the next decode with the same Decoder.

namespace vitalog::schemas {

/// JSON text that is passed on as it is.
struct RawJson {
    std::string_view text;
};

/// A JSON object whose members are all strings, in order.
struct StringMap {
    std::vector<std::pair<std::string_view, std::string_view>> items;
};

/// An enum is written by name: specialise with `static constexpr std::array<std::string_view, N>
/// names` in the order of the enumerators, which count from 0.
template <class E>
struct EnumNames;

template <class E>
std::string_view name_of_enum(E value) {
    return EnumNames<E>::names[static_cast<std::size_t>(value)];
}
template <class E>
std::optional<E> enum_named(std::string_view name) {
    const auto& names = EnumNames<E>::names;
    for (std::size_t i = 0; i < names.size(); ++i)
        if (names[i] == name) return static_cast<E>(i);
    return std::nullopt;
}

/// Writes JSON. No state but the text; commas are placed by looking at its end.
class JsonWriter {
  public:
    explicit JsonWriter(std::string& out) : out_(out) {}

    void begin_object() {
        separate();
        out_.push_back('{');
    }
    void end_object() { out_.push_back('}'); }
    void begin_array() {
        separate();
        out_.push_back('[');
    }
    void end_array() { out_.push_back(']'); }
    void key(std::string_view name);
    /// A name whose length is known when compiled is appended as one block. It needs no escape.
    template <std::size_t N>
    void literal_key(const char (&name)[N]) {
        const bool first = out_.back() == '{';  // a name follows a brace or a value
        char* at = grow(N + (first ? 2 : 3));
        if (!first) *at++ = ',';
        *at++ = '"';
        std::memcpy(at, name, N - 1);
        at[N - 1] = '"';
        at[N] = ':';
    }
    void value(std::string_view text);
    void value(const char* text) { value(std::string_view(text)); }
    void value(const std::string& text) { value(std::string_view(text)); }
    void value(bool flag);
    void value(double number);  ///< shortest text that reads back the same; null when not finite
    void value(std::int64_t number);
    void value(int number) { value(static_cast<std::int64_t>(number)); }
    void value(unsigned number) { value(static_cast<std::int64_t>(number)); }
    void value(std::uint64_t number) { value(static_cast<std::int64_t>(number)); }
    void value(const ZonedTime& time);
    void instant(std::int64_t micros_utc);  ///< RFC 3339 in UTC
    void value(const Date& date);
    void null();
    void raw(std::string_view json);
    /// Where the text ends now, and back to there: an object that turned out empty is taken back.
    std::size_t mark() const { return out_.size(); }
    void rewind(std::size_t mark) { out_.resize(mark); }
    bool ends_with(std::string_view text) const { return std::string_view(out_).ends_with(text); }
    /// key and value in one.
    template <class T>
    void field(std::string_view name, const T& content) {
        key(name);
        value(content);
    }

  private:
    void separate() {
        const char last = out_.empty() ? '\n' : out_.back();
        if (last == ':' || last == '{' || last == '[' || last == '\n') return;
        out_.push_back(',');
    }
    /// Room for `size` characters at the end, to be written in place.
    char* grow(std::size_t size) {
        out_.append(size, '\0');
        return out_.data() + out_.size() - size;
    }

    std::string& out_;
};

namespace detail {

template <class T>
struct IsVector : std::false_type {};
template <class T>
struct IsVector<std::vector<T>> : std::true_type {};
template <class T>
struct IsOptional : std::false_type {};
template <class T>
struct IsOptional<std::optional<T>> : std::true_type {};
template <class T>
inline constexpr bool kIsInstant = false;
template <class Tag>
inline constexpr bool kIsInstant<Instant<Tag>> = true;

struct NullVisitor {
    template <std::size_t N, class T>
    void operator()(const char (&)[N], T&) {}
    template <std::size_t N, class T>
    void required(const char (&)[N], T&) {}
};
template <class T>
concept Described = requires(T t, NullVisitor v) {
    t.members(v);
};

template <class T>
bool is_absent(const T& value) {
    if constexpr (IsOptional<T>::value)
        return !value.has_value();
    else if constexpr (IsVector<T>::value)
        return value.empty();
    else if constexpr (std::is_same_v<T, std::string> || std::is_same_v<T, std::string_view>)
        return value.empty();
    else if constexpr (std::is_same_v<T, RawJson>)
        return value.text.empty();
    else if constexpr (std::is_same_v<T, StringMap>)
        return value.items.empty();
    else if constexpr (std::is_same_v<T, bool>)
        return !value;
    else
        return false;
}

template <class T>
void write(JsonWriter& json, const T& value);

class WritingVisitor {
  public:
    explicit WritingVisitor(JsonWriter& json) : json_(json) {}
    template <std::size_t N, class T>
    void operator()(const char (&name)[N], const T& value) {
        if (is_absent(value)) return;
        const std::size_t mark = json_.mark();
        required(name, value);
        if constexpr (Described<T>) {
            if (json_.ends_with(":{}")) json_.rewind(mark);
        }
    }
    template <std::size_t N, class T>
    void required(const char (&name)[N], const T& value) {
        json_.literal_key(name);
        write(json_, value);
    }

  private:
    JsonWriter& json_;
};

template <class T>
void write(JsonWriter& json, const T& value) {
    if constexpr (Described<T>) {
        json.begin_object();
        WritingVisitor visitor(json);
        const_cast<T&>(value).members(
            visitor);  // members() names references; writing only reads them
        json.end_object();
    } else if constexpr (IsVector<T>::value) {
        json.begin_array();
        for (const auto& item : value) write(json, item);
        json.end_array();
    } else if constexpr (IsOptional<T>::value) {
        if (value)
            write(json, *value);
        else
            json.null();
    } else if constexpr (std::is_same_v<T, RawJson>) {
        json.raw(value.text.empty() ? "null" : value.text);
    } else if constexpr (std::is_same_v<T, StringMap>) {
        json.begin_object();
        for (const auto& [name, text] : value.items) json.field(name, text);
        json.end_object();
    } else if constexpr (kIsInstant<T>) {
        json.instant(value.micros());
    } else if constexpr (std::is_enum_v<T>) {
        json.value(name_of_enum(value));
    } else {
        json.value(value);
    }
}

}  // namespace detail

/// Appends the event as one JSON object.
template <class T>
void encode(const T& event, std::string& out) {
    JsonWriter json(out);
    detail::write(json, event);
}
template <class T>
std::string encode(const T& event) {
    std::string out;
    encode(event, out);
    return out;
}

/// Owns the parser and the memory behind decoded string views. One per thread or shard; decode() is
/// declared here and defined in schemas/json_decode.h, which source files include where they
/// decode.
class Decoder {
  public:
    Decoder();
    ~Decoder();
    Decoder(Decoder&&) noexcept;
    Decoder& operator=(Decoder&&) noexcept;

    struct Impl;
    Impl& impl() { return *impl_; }

  private:
    std::unique_ptr<Impl> impl_;
};

/// Reads one JSON object into a described struct. Malformed: not JSON, or a member of another type.
/// Missing: a required member is not there. Both name the member.
template <class T>
Result<T> decode(std::string_view json, Decoder& decoder);

}  // namespace vitalog::schemas
