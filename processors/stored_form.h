#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "schemas/base/binary.h"
#include "schemas/base/time.h"
#include "schemas/json.h"

// One list of members serves both directions of a stored form, as in schemas/json.h:
//
//     template <class S> void stored(S& s) { s(person, opened, evidence); }
//
// Members are written in that order, without names; what comes before and after is the entity's own
// business (magic and version first). A member that a later version brought is named with it, and
// keeps its default in what was stored before:
//
//     s(phone); s.since(3, robot); s(zone);

namespace vitalog::processors {

namespace detail {
template <class T>
inline constexpr bool kIsInstant = false;
template <class Tag>
inline constexpr bool kIsInstant<Instant<Tag>> = true;
template <class T>
inline constexpr bool kIsVector = false;
template <class T>
inline constexpr bool kIsVector<std::vector<T>> = true;
template <class T>
inline constexpr bool kIsOptional = false;
template <class T>
inline constexpr bool kIsOptional<std::optional<T>> = true;
template <class T>
inline constexpr bool kIsPair = false;
template <class A, class B>
inline constexpr bool kIsPair<std::pair<A, B>> = true;
}  // namespace detail

class StoredWriter {
  public:
    explicit StoredWriter(std::string& out) : out_(out) {}

    template <class... T>
    void operator()(const T&... members) {
        (write(members), ...);
    }
    template <class... T>
    void since(std::uint8_t, const T&... members) {
        (write(members), ...);
    }

  private:
    template <class T>
    void write(const T& value) {
        if constexpr (std::is_same_v<T, std::string>)
            out_.text(value);
        else if constexpr (std::is_same_v<T, bool>)
            out_.boolean(value);
        else if constexpr (std::is_enum_v<T>)
            out_.u8(static_cast<std::uint8_t>(value));
        else if constexpr (std::is_integral_v<T>)
            out_.signed_varint(static_cast<std::int64_t>(value));
        else if constexpr (std::is_same_v<T, double>)
            out_.real(value);
        else if constexpr (detail::kIsInstant<T>)
            out_.signed_varint(value.micros());
        else if constexpr (std::is_same_v<T, ZonedTime>) {
            write(value.at);
            write(value.offset_minutes);
            out_.u8(static_cast<std::uint8_t>(value.precision));
        } else if constexpr (detail::kIsOptional<T>) {
            out_.boolean(value.has_value());
            if (value) write(*value);
        } else if constexpr (detail::kIsVector<T>) {
            out_.varint(value.size());
            for (const auto& item : value) write(item);
        } else if constexpr (detail::kIsPair<T>) {
            write(value.first);
            write(value.second);
        } else {
            const_cast<T&>(value).stored(
                *this);  // stored() names references; writing only reads them
        }
    }

    BinaryWriter out_;
};

/// After anything broken every member read is empty or zero, and finish() says so.
class StoredReader {
  public:
    StoredReader(std::string_view bytes, std::uint8_t version) : in_(bytes), version_(version) {}

    template <class... T>
    void operator()(T&... members) {
        (read(members), ...);
    }
    template <class... T>
    void since(std::uint8_t version, T&... members) {
        if (version_ >= version) (read(members), ...);
    }
    /// Damaged unless everything was read and nothing was broken.
    Result<void> finish(std::string_view what) const {
        if (!ok_) return fail(Errc::Damaged, std::string(what) + " does not follow its format");
        return in_.finish(what);
    }

  private:
    template <class T>
    void read(T& value) {
        if constexpr (std::is_same_v<T, std::string>)
            value.assign(in_.text());
        else if constexpr (std::is_same_v<T, bool>)
            value = in_.boolean();
        else if constexpr (std::is_enum_v<T>)
            value = static_cast<T>(below(schemas::EnumNames<T>::names.size()));
        else if constexpr (std::is_integral_v<T>)
            value = whole<T>();
        else if constexpr (std::is_same_v<T, double>)
            value = in_.real();
        else if constexpr (detail::kIsInstant<T>)
            value = T(in_.signed_varint());
        else if constexpr (std::is_same_v<T, ZonedTime>) {
            read(value.at);
            read(value.offset_minutes);
            value.precision =
                static_cast<Precision>(below(static_cast<std::size_t>(Precision::Fraction) + 1));
        } else if constexpr (detail::kIsOptional<T>) {
            if (in_.boolean())
                read(value.emplace());
            else
                value.reset();
        } else if constexpr (detail::kIsVector<T>) {
            value.clear();
            for (std::size_t left = in_.count(); left > 0 && in_.ok() && ok_; --left)
                read(value.emplace_back());
        } else if constexpr (detail::kIsPair<T>) {
            read(value.first);
            read(value.second);
        } else {
            value.stored(*this);
        }
    }
    template <class T>
    T whole() {
        const std::int64_t number = in_.signed_varint();
        if (std::in_range<T>(number)) return static_cast<T>(number);
        ok_ = false;
        return 0;
    }
    std::uint8_t below(std::size_t limit) {
        const std::uint8_t number = in_.u8();
        if (number < limit) return number;
        ok_ = false;
        return 0;
    }

    BinaryReader in_;
    const std::uint8_t version_;
    bool ok_ = true;
};

}  // namespace vitalog::processors
