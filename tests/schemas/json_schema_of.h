#pragma once

#include <string>
#include <type_traits>

#include "schemas/json.h"

namespace vitalog::tests {

/// Writes the JSON Schema (2020-12) of a described event, from the description that its codec works
/// by.
class SchemaWriter {
  public:
    /// The whole document.
    template <class E>
    static std::string document(std::string_view type, std::string_view summary) {
        std::string text;
        schemas::JsonWriter json(text);
        json.begin_object();
        json.field("$schema", "https://json-schema.org/draft/2020-12/schema");
        json.field("$id", "urn:vitalog:schema:" + std::string(type));
        json.field("title", type);
        json.field("description", summary);
        object_members<E>(json);
        json.end_object();
        return text;
    }

  private:
    struct Properties {
        schemas::JsonWriter& json;
        template <class T>
        void operator()(const char* name, T&) {
            json.key(name);
            type_of<T>(json);
        }
        template <class T>
        void required(const char* name, T& member) {
            (*this)(name, member);
        }
    };
    struct Required {
        schemas::JsonWriter& json;
        int count = 0;
        template <class T>
        void operator()(const char*, T&) {}
        template <class T>
        void required(const char* name, T&) {
            json.value(name);
            ++count;
        }
    };

    template <class E>
    static void object_members(schemas::JsonWriter& json) {
        E event{};
        json.field("type", "object");
        json.key("properties");
        json.begin_object();
        Properties properties{json};
        event.members(properties);
        json.end_object();
        json.key("required");
        json.begin_array();
        Required required{json};
        event.members(required);
        json.end_array();
    }

    static void text_like(schemas::JsonWriter& json, std::string_view pattern) {
        json.begin_object();
        json.field("type", "string");
        if (!pattern.empty()) json.field("pattern", pattern);
        json.end_object();
    }

    template <class T>
    static void type_of(schemas::JsonWriter& json) {
        namespace detail = schemas::detail;
        constexpr std::string_view kTime =
            "^\\d{4}(-\\d\\d(-\\d\\d(T\\d\\d:\\d\\d:\\d\\d(\\.\\d{1,6})?(Z|[+-]\\d\\d:\\d\\d))?)?)?"
            "$";
        constexpr std::string_view kInstant =
            "^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d{1,6})?Z$";
        if constexpr (detail::IsOptional<T>::value) {
            type_of<typename T::value_type>(json);
        } else if constexpr (detail::IsVector<T>::value) {
            json.begin_object();
            json.field("type", "array");
            json.key("items");
            type_of<typename T::value_type>(json);
            json.end_object();
        } else if constexpr (detail::Described<T>) {
            json.begin_object();
            object_members<T>(json);
            json.end_object();
        } else if constexpr (std::is_same_v<T, schemas::StringMap>) {
            json.begin_object();
            json.field("type", "object");
            json.key("additionalProperties");
            text_like(json, "");
            json.end_object();
        } else if constexpr (std::is_same_v<T, schemas::RawJson>) {
            json.begin_object();
            json.end_object();
        } else if constexpr (std::is_same_v<T, bool>) {
            json.begin_object();
            json.field("type", "boolean");
            json.end_object();
        } else if constexpr (std::is_enum_v<T>) {
            json.begin_object();
            json.key("enum");
            json.begin_array();
            for (const auto name : schemas::EnumNames<T>::names) json.value(name);
            json.end_array();
            json.end_object();
        } else if constexpr (std::is_arithmetic_v<T>) {
            json.begin_object();
            json.field("type", std::is_integral_v<T> ? "integer" : "number");
            json.end_object();
        } else if constexpr (std::is_same_v<T, ZonedTime>) {
            text_like(json, kTime);
        } else if constexpr (std::is_same_v<T, Date>) {
            text_like(json, "^\\d{4}(-\\d\\d(-\\d\\d)?)?$");
        } else if constexpr (detail::kIsInstant<T>) {
            text_like(json, kInstant);
        } else {
            text_like(json, "");
        }
    }
};

}  // namespace vitalog::tests
