#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/base/ids.h"
#include "schemas/base/result.h"
#include "schemas/base/time.h"
#include "schemas/events/clinical.h"
#include "state/entity.h"

namespace vitalog::processors::identity {

/// Id of the person that an identifier founds: 32 hexadecimal digits over the identifier's key.
std::string person_founded_by(std::string_view key);

/// Whether `key` is the key of this identifier.
bool is_key_of(std::string_view key, const schemas::Identifier& identifier);

/// A record of an account that the directory has not bound yet.
struct WaitingRecord {
    bool samples = false;  ///< `value` is a SamplesEvent, else a ClinicalEvent
    std::string value;
    RecordId root;
    std::optional<EventTime> event_time;
};

/// Records that wait at one account; more are refused, so that a stranger's device can't fill a
/// disk.
inline constexpr std::size_t kWaitingRecordsMax = 256;
inline constexpr std::size_t kWaitingBytesMax = 1 << 20;
/// Identifiers that one remembers to have linked; what goes beyond is linked again at each sight.
inline constexpr std::size_t kLinkedMax = 256;
/// Identifiers that one founder lists.
inline constexpr std::size_t kListedMax = 4096;

/// One identifier ("authority|value"): whose it is. A person is named by the identifier that
/// founded it, so `home` and `current` are keys of founding identifiers; `home` never changes once
/// it is set.
///
/// Stored form, version 2:
///     u8 'I', u8 version, varint authority size, text type, boolean account, text home, text
///     current, varint merge, varint n, n x text (linked), varint n, n x text (listed), varint n, n
///     x {boolean samples, text value, 16 bytes root, boolean, signed varint event time}
/// Version 1, which is read, has no `samples`.
class IdentifierEntity final : public state::Entity {
  public:
    /// Whether the identifier has a person.
    bool bound() const { return !home_.empty(); }
    bool is_account() const { return account_; }
    const std::string& home() const { return home_; }
    const std::string& current() const { return current_; }
    std::int64_t merge() const { return merge_; }
    /// Id of the current person; empty while there is none.
    const std::string& person() const { return person_; }
    const std::vector<std::string>& listed() const { return listed_; }
    const std::vector<WaitingRecord>& waiting() const { return waiting_; }

    /// The identifier as it was first seen. `key` is the entity's.
    schemas::Identifier identifier(std::string_view key) const;
    /// Remembers how the identifier is written; the first word counts.
    void see(const schemas::Identifier& identifier);
    void see_account() { account_ = true; }

    /// Takes the person founded by `founder`. Once.
    void bind(std::string_view founder);
    /// The person is now the one founded by `founder`. False when later news came before.
    bool adopt(std::string_view founder, std::int64_t merge);

    bool has_linked(const schemas::Identifier& identifier) const;
    void remember_linked(const schemas::Identifier& identifier);
    /// False when it is listed already.
    bool list(std::string_view key);

    bool has_room_for(std::string_view value) const;
    void wait(WaitingRecord record);
    std::vector<WaitingRecord> take_waiting();

    void encode(std::string& out) const override;
    Result<void> decode(std::string_view bytes);
    std::size_t memory_bytes() const override;

  private:
    void set_current(std::string_view founder);

    std::size_t authority_size_ = 0;
    std::string type_;
    bool account_ = false;
    std::string home_;
    std::string current_;
    std::string person_;  ///< follows from current_
    std::int64_t merge_ = 0;
    std::vector<std::string> linked_;
    std::vector<std::string> listed_;  ///< sorted
    std::vector<WaitingRecord> waiting_;
};

}  // namespace vitalog::processors::identity
