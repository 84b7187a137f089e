#pragma once

#include <simdjson.h>

#include <algorithm>
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

inline tl::unexpected<Error> wrong_type(std::string_view name, std::string_view wanted) {
    return fail(Errc::Malformed, "member '" + std::string(name) + "' must be " + std::string(wanted));
}

template <class T>
Result<void> read(Value value, std::string_view name, T& out);

/// Finds the member a key names, starting where the last one was found: encoders write in order.
class ReadingVisitor {
  public:
    ReadingVisitor(std::string_view key, Value& value, std::uint64_t& seen)
        : key_(key), value_(value), seen_(seen) {}

    template <class T>
    void operator()(const char* name, T& member) {
        if (!done_ && key_ == name) {
            done_ = true;
            seen_ |= std::uint64_t{1} << index_;
            result_ = read(value_, key_, member);
        }
        ++index_;
    }
    template <class T>
    void required(const char* name, T& member) {
        (*this)(name, member);
    }
    Result<void> result() { return std::move(result_); }

  private:
    std::string_view key_;
    Value& value_;
    std::uint64_t& seen_;
    Result<void> result_;
    unsigned index_ = 0;
    bool done_ = false;
};

/// Names the first required member that was not seen.
class RequiredVisitor {
  public:
    explicit RequiredVisitor(std::uint64_t seen) : seen_(seen) {}
    template <class T>
    void operator()(const char*, T&) {
        ++index_;
    }
    template <class T>
    void required(const char* name, T&) {
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
Result<void> read_object(simdjson::ondemand::object object, T& out) {
    std::uint64_t seen = 0;
    for (auto field : object) {
        std::string_view key;
        Value value;
        if (field.unescaped_key().get(key) != simdjson::SUCCESS ||
            field.value().get(value) != simdjson::SUCCESS)
            return fail(Errc::Malformed, "not valid JSON inside an object");
        ReadingVisitor visitor(key, value, seen);
        out.members(visitor);
        VITALOG_CHECK(visitor.result());
    }
    RequiredVisitor required(seen);
    out.members(required);
    if (required.missing() != nullptr)
        return fail(Errc::Missing, std::string("member '") + required.missing() + "' is required");
    return {};
}

template <class T>
Result<void> read(Value value, std::string_view name, T& out) {
    using simdjson::SUCCESS;
    if constexpr (IsOptional<T>::value) {
        bool is_null = false;
        if (value.is_null().get(is_null) == SUCCESS && is_null) {
            out.reset();
            return {};
        }
        return read(value, name, out.emplace());
    } else if constexpr (IsVector<T>::value) {
        simdjson::ondemand::array array;
        if (value.get_array().get(array) != SUCCESS) return wrong_type(name, "an array");
        out.clear();
        for (auto element : array) {
            Value item;
            if (element.get(item) != SUCCESS) return wrong_type(name, "an array");
            VITALOG_CHECK(read(item, name, out.emplace_back()));
        }
        return {};
    } else if constexpr (std::is_same_v<T, StringMap>) {
        simdjson::ondemand::object object;
        if (value.get_object().get(object) != SUCCESS) return wrong_type(name, "an object");
        out.items.clear();
        for (auto field : object) {
            auto& [item_name, item_text] = out.items.emplace_back();
            if (field.unescaped_key().get(item_name) != SUCCESS ||
                field.value().get_string().get(item_text) != SUCCESS)
                return wrong_type(name, "an object of strings");
        }
        return {};
    } else if constexpr (Described<T>) {
        simdjson::ondemand::object object;
        if (value.get_object().get(object) != SUCCESS) return wrong_type(name, "an object");
        return read_object(object, out);
    } else if constexpr (std::is_same_v<T, RawJson>) {
        simdjson::ondemand::json_type type;
        if (value.type().get(type) != SUCCESS) return wrong_type(name, "JSON");
        std::string_view raw;
        if (type == simdjson::ondemand::json_type::object) {
            simdjson::ondemand::object object;
            if (value.get_object().get(object) != SUCCESS || object.raw_json().get(raw) != SUCCESS)
                return wrong_type(name, "JSON");
        } else if (type == simdjson::ondemand::json_type::array) {
            simdjson::ondemand::array array;
            if (value.get_array().get(array) != SUCCESS || array.raw_json().get(raw) != SUCCESS)
                return wrong_type(name, "JSON");
        } else {
            raw = value.raw_json_token();
            while (!raw.empty() && static_cast<unsigned char>(raw.back()) <= ' ') raw.remove_suffix(1);
        }
        out.text = raw;
        return {};
    } else if constexpr (std::is_same_v<T, bool>) {
        bool flag = false;
        if (value.get_bool().get(flag) != SUCCESS) return wrong_type(name, "true or false");
        out = flag;
        return {};
    } else if constexpr (std::is_floating_point_v<T>) {
        double number = 0;
        if (value.get_double().get(number) != SUCCESS) return wrong_type(name, "a number");
        out = number;
        return {};
    } else if constexpr (std::is_integral_v<T>) {
        std::int64_t number = 0;
        if (value.get_int64().get(number) != SUCCESS || !std::in_range<T>(number))
            return wrong_type(name, "a whole number in range");
        out = static_cast<T>(number);
        return {};
    } else {
        std::string_view text;
        if (value.get_string().get(text) != SUCCESS) return wrong_type(name, "a string");
        if constexpr (std::is_same_v<T, std::string_view>) {
            out = text;
        } else if constexpr (std::is_same_v<T, std::string>) {
            out.assign(text);
        } else if constexpr (std::is_same_v<T, ZonedTime>) {
            VITALOG_TRY(out, parse_zoned_time(text));
        } else if constexpr (std::is_same_v<T, Date>) {
            VITALOG_TRY(out, parse_date(text));
        } else if constexpr (kIsInstant<T>) {
            VITALOG_TRY(const std::int64_t micros, parse_rfc3339(text));
            out = T(micros);
        } else {
            static_assert(std::is_enum_v<T>, "this type has no JSON form");
            const auto found = enum_named<T>(text);
            if (!found) return wrong_type(name, "one of the known words, not '" + std::string(text) + "'");
            out = *found;
        }
        return {};
    }
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
    T event{};
    VITALOG_CHECK(detail::read_object(object, event));
    if (document.current_location().error() != simdjson::OUT_OF_BOUNDS)
        return fail(Errc::Malformed, "more than one JSON value");
    return event;
}

}  // namespace vitalog::schemas
