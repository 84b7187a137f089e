#pragma once

#include <type_traits>

#include "schemas/json.h"

namespace vitalog::tests {

/// An event whose every member says something, lists and parts included: text with quotes and
/// Chinese, numbers with fractions, the last word of every enum.
template <class E>
E full_sample();

namespace detail {

struct Filler {
    template <class T>
    void operator()(const char* name, T& member) {
        fill(name, member);
    }
    template <class T>
    void required(const char* name, T& member) {
        fill(name, member);
    }
    template <class T>
    static void fill(const char* name, T& member) {
        namespace json = schemas::detail;
        if constexpr (json::IsOptional<T>::value) {
            fill(name, member.emplace());
        } else if constexpr (json::IsVector<T>::value) {
            fill(name, member.emplace_back());
            fill(name, member.emplace_back());
        } else if constexpr (json::Described<T>) {
            member = full_sample<T>();
        } else if constexpr (std::is_same_v<T, schemas::StringMap>) {
            member.items = {{"minutes", "25"}, {"code", "ab12"}};
        } else if constexpr (std::is_same_v<T, schemas::RawJson>) {
            member.text = "{}";
        } else if constexpr (std::is_same_v<T, bool>) {
            member = true;
        } else if constexpr (std::is_enum_v<T>) {
            member = static_cast<T>(schemas::EnumNames<T>::names.size() - 1);
        } else if constexpr (std::is_floating_point_v<T>) {
            member = 5.25;
        } else if constexpr (std::is_integral_v<T>) {
            member = 7;
        } else if constexpr (std::is_same_v<T, ZonedTime>) {
            member = ZonedTime{EventTime(1'588'313'203'000'000), 480, Precision::Second};
        } else if constexpr (std::is_same_v<T, Date>) {
            member = Date{1980, 5, 1};
        } else if constexpr (json::kIsInstant<T>) {
            member = T(1'588'313'203'250'000);
        } else {
            member = "\"张三\" \\ \n";
        }
    }
};

}  // namespace detail

template <class E>
E full_sample() {
    E event{};
    detail::Filler filler;
    event.members(filler);
    return event;
}

}  // namespace vitalog::tests
