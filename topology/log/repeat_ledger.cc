#include "topology/log/repeat_ledger.h"

#include <algorithm>

#include "schemas/base/binary.h"
#include "schemas/base/planted.h"

namespace vitalog::topology {

namespace {

constexpr std::string_view kRangeKey = "range";
/// Bodies remembered under one message id; senders that restart their counters come back to an id
/// now and then.
constexpr std::size_t kVariantsMax = 16;
/// Entries forgotten in one group beyond those it adds, so that a lowered limit costs no group a
/// long wait.
constexpr std::uint64_t kForgetMax = 64;

std::string message_key(std::string_view message) {
    const RecordId hash = IdHash().part(message).finish();
    std::string key = "m";
    key.append(reinterpret_cast<const char*>(hash.bytes.data()), hash.bytes.size());
    return key;
}

std::string number_key(std::uint64_t number) {
    std::string key = "n";
    for (int shift = 56; shift >= 0; shift -= 8) key.push_back(static_cast<char>(number >> shift));
    return key;
}

Result<std::vector<std::optional<std::string>>> get(const state::Backend& backend,
                                                    const std::vector<std::string>& keys) {
    const std::vector<std::string_view> views(keys.begin(), keys.end());
    std::vector<std::optional<std::string>> values;
    VITALOG_CHECK(backend.get_many(views, values));
    return values;
}

}  // namespace

Result<RepeatLedger::Message> RepeatLedger::decode(std::string_view bytes) {
    BinaryReader reader(bytes);
    Message message;
    while (reader.ok() && !reader.at_end()) {
        Variant variant;
        variant.number = reader.varint();
        variant.body_hash = reader.fixed64();
        variant.received = LogTime(reader.signed_varint());
        variant.answer = reader.text();
        message.variants.push_back(std::move(variant));
    }
    VITALOG_CHECK(reader.finish("an entry of the ledger of repeats"));
    return message;
}

std::string RepeatLedger::encode(const Message& message) {
    std::string out;
    BinaryWriter writer(out);
    for (const Variant& variant : message.variants) {
        writer.varint(variant.number);
        writer.fixed64(variant.body_hash);
        writer.signed_varint(variant.received.micros());
        writer.text(variant.answer);
    }
    return out;
}

Result<RepeatLedger::Learnt> RepeatLedger::decode_learnt(std::string_view bytes) {
    BinaryReader reader(bytes);
    Learnt learnt;
    learnt.received = LogTime(reader.signed_varint());
    learnt.message = reader.rest();
    if (!reader.ok())
        return fail(Errc::Damaged, "the order of the ledger of repeats does not follow its format");
    return learnt;
}

Result<void> RepeatLedger::open(const state::Backend& backend) {
    oldest_ = next_ = 0;
    oldest_received_.reset();
    VITALOG_TRY(const auto values, get(backend, {std::string(kRangeKey)}));
    if (!values.front()) return {};
    BinaryReader reader(*values.front());
    oldest_ = reader.varint();
    next_ = reader.varint();
    VITALOG_CHECK(reader.finish("the range of the ledger of repeats"));
    if (oldest_ > next_) return fail(Errc::Damaged, "the ledger of repeats ends before it begins");
    return {};
}

Result<void> RepeatLedger::load(const state::Backend& backend, const Keys& messages) {
    Keys unknown;
    for (const std::string& key : messages)
        if (group_.try_emplace(key).second) unknown.push_back(key);
    if (unknown.empty()) return {};
    VITALOG_TRY(const auto values, get(backend, unknown));
    for (std::size_t i = 0; i < unknown.size(); ++i) {
        if (!values[i]) continue;
        VITALOG_TRY(group_[unknown[i]], decode(*values[i]));
    }
    return {};
}

Result<void> RepeatLedger::begin_group(const state::Backend& backend,
                                       std::span<const FeedRecord> records) {
    group_.clear();
    learnt_.clear();
    Keys keys;
    for (const FeedRecord& record : records)
        if (record.ledger) keys.push_back(message_key(record.ledger->key));
    return load(backend, keys);
}

RepeatLedger::Judgement RepeatLedger::judge(const LedgerEntry& entry, LogTime received) {
    const std::string key = message_key(entry.key);
    Message& message = group_[key];
    std::erase_if(message.variants,
                  [&](const Variant& variant) { return expired(variant.received, received); });
    const auto same = std::ranges::find(message.variants, entry.body_hash, &Variant::body_hash);
    if (same != message.variants.end() && !planted("forget-repeats"))
        return {Appended::Repeat, same->answer};
    const bool reused = !message.variants.empty();
    if (reused && entry.on_reused == OnReusedId::Refuse) return {Appended::Refused, {}};
    if (message.variants.size() == kVariantsMax) message.variants.erase(message.variants.begin());
    learnt_[next_] = {received, key};
    message.variants.push_back({next_, entry.body_hash, received, entry.answer});
    message.changed = true;
    ++next_;
    return {reused ? Appended::Reused : Appended::New, {}};
}

Result<std::vector<RepeatLedger::Learnt>> RepeatLedger::oldest(const state::Backend& backend,
                                                               std::uint64_t count) const {
    Keys keys;
    for (std::uint64_t number = oldest_; number < oldest_ + count; ++number)
        keys.push_back(number_key(number));
    VITALOG_TRY(const auto values, get(backend, keys));
    std::vector<Learnt> found;
    for (std::uint64_t i = 0; i < count; ++i) {
        if (values[i]) {
            VITALOG_TRY(Learnt learnt, decode_learnt(*values[i]));
            found.push_back(std::move(learnt));
        } else if (const auto fresh = learnt_.find(oldest_ + i); fresh != learnt_.end()) {
            found.push_back(fresh->second);
        } else {
            return fail(Errc::Damaged,
                        "the ledger of repeats has lost entry " + std::to_string(oldest_ + i));
        }
    }
    return found;
}

Result<void> RepeatLedger::forget(const state::Backend& backend, LogTime now, Keys& forgotten) {
    const std::uint64_t beyond =
        entries() > limits_.entries_max ? entries() - limits_.entries_max : 0;
    const bool aged = !oldest_received_ || expired(*oldest_received_, now);
    if (entries() == 0 || (beyond == 0 && !aged)) return {};
    const std::uint64_t look = std::min(entries(), learnt_.size() + kForgetMax);
    VITALOG_TRY(const auto candidates, oldest(backend, look));
    std::size_t drop = 0;
    while (drop < look && (drop < beyond || expired(candidates[drop].received, now))) ++drop;
    Keys messages;
    for (std::size_t i = 0; i < drop; ++i) messages.push_back(candidates[i].message);
    VITALOG_CHECK(load(backend, messages));
    for (std::size_t i = 0; i < drop; ++i) {
        Message& message = group_[messages[i]];
        const std::uint64_t number = oldest_++;
        message.changed |= std::erase_if(message.variants, [&](const Variant& variant) {
                               return variant.number == number;
                           }) > 0;
        forgotten.push_back(number_key(number));
    }
    oldest_received_.reset();
    if (drop < look) oldest_received_ = candidates[drop].received;
    return {};
}

Result<void> RepeatLedger::finish_group(const state::Backend& backend, LogTime now,
                                        std::vector<state::Write>& writes) {
    const std::uint64_t oldest_before = oldest_;
    Keys forgotten;
    VITALOG_CHECK(forget(backend, now, forgotten));
    if (learnt_.empty() && oldest_before == oldest_) return {};
    for (const auto& [key, message] : group_) {
        if (!message.changed) continue;
        if (message.variants.empty()) {
            writes.push_back({key, std::nullopt});
        } else {
            writes.push_back({key, encode(message)});
        }
    }
    for (const auto& [number, learnt] : learnt_) {
        std::string value;
        BinaryWriter(value).signed_varint(learnt.received.micros());
        writes.push_back({number_key(number), value + learnt.message});
    }
    for (std::string& key : forgotten) writes.push_back({std::move(key), std::nullopt});
    std::string range;
    BinaryWriter writer(range);
    writer.varint(oldest_);
    writer.varint(next_);
    writes.push_back({std::string(kRangeKey), range});
    return {};
}

}  // namespace vitalog::topology
