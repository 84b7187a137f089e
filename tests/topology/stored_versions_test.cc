// Every stored form that carries a version says of another one whether a newer or an older program
// wrote it, and that this is the program to run.

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "processors/care/person.h"
#include "processors/desk/task_entity.h"
#include "processors/identity/identifier.h"
#include "processors/identity/merges.h"
#include "processors/notify/provider_message.h"
#include "processors/notify/recipient_entity.h"
#include "schemas/base/binary.h"
#include "schemas/clinical/encounter_state.h"
#include "sinks/views/sample_chunk.h"
#include "state/entity_store.h"
#include "topology/log/stored_position.h"

namespace vitalog::topology {
namespace {

/// A stored form, and where in it the version stands.
struct Form {
    std::string name;
    std::string bytes;
    std::size_t version_at = 0;
    std::function<Result<void>(std::string_view)> read;
    int also_reads = 0;   ///< versions just before its own
    bool sealed = false;  ///< ends with XXH3 of what is before it
};

template <class E>
Form of_entity(const char* name, std::size_t version_at, int also_reads = 0) {
    Form form{
        name, {}, version_at, [](std::string_view bytes) { return E().decode(bytes); }, also_reads};
    E().encode(form.bytes);
    return form;
}

/// One entity as the entity store keeps it.
class OneEntity final : public state::Backend, public state::EntityFactory {
  public:
    Result<void> get_many(std::span<const std::string_view> keys,
                          std::vector<std::optional<std::string>>& values) const override {
        values.assign(keys.size(), stored);
        return {};
    }
    Result<void> scan(
        std::string_view,
        const std::function<Result<void>(std::string_view, std::string_view)>&) const override {
        return {};
    }
    std::unique_ptr<state::Entity> create(std::string_view) const override {
        return std::make_unique<processors::ProviderMessage>();
    }
    Result<std::unique_ptr<state::Entity>> decode(std::string_view key,
                                                  std::string_view) const override {
        return create(key);
    }
    std::optional<std::string> stored;
};

std::string stored_entity() {
    const OneEntity nothing;
    state::EntityStore store(nothing, nothing, {});
    state::Held& held = **store.fetch_one("1");
    store.touch(held, Offset(3), LogTime());
    std::vector<state::Write> writes;
    (void)store.take_writes(Offset(0), LogTime(), 1, true, writes);
    for (auto& write : writes)
        if (write.key == "E1") return *std::move(write.value);
    return {};
}

Result<void> read_entity(std::string_view bytes) {
    OneEntity one;
    one.stored = bytes;
    state::EntityStore store(one, one, {});
    if (const auto held = store.fetch_one("1"); !held) return tl::unexpected(held.error());
    return {};
}

template <class T>
Result<void> nothing_of(const Result<T>& result) {
    if (!result) return tl::unexpected(result.error());
    return {};
}

std::vector<Form> all_forms() {
    using namespace processors;
    constexpr std::int64_t kHour = 444'444;
    sinks::views::SampleChunk chunk(kHour);
    const sinks::views::Sample sample{kHour * 3'600'000, 36, 0};
    (void)chunk.add({&sample, 1}, 0);
    const std::string history = schemas::EncounterHistory().encode();
    return {
        of_entity<identity::IdentifierEntity>("identifier", 1, 1),
        of_entity<identity::MergesEntity>("merges", 1),
        of_entity<care::Person>("person", 1),
        of_entity<TaskEntity>("task", 2, 1),
        of_entity<RecipientEntity>("recipient", 2, 1),
        of_entity<ProviderMessage>("provider message", 2),
        {"entity", stored_entity(), 2, read_entity},
        {"history of an encounter", history, history.find(':') + 1,
         [](std::string_view bytes) {
             schemas::Decoder decoder;
             return nothing_of(schemas::EncounterHistory::decode(bytes, decoder));
         }},
        {"hour of samples", chunk.encode(), 0,
         [](std::string_view bytes) {
             return nothing_of(sinks::views::SampleChunk::decode(kHour, bytes));
         }},
        {"shard position", encode_shard_position({}), 4,
         [](std::string_view bytes) { return nothing_of(decode_shard_position(bytes)); }, 0, true},
        {"reader position", encode_reader_position({}), 4,
         [](std::string_view bytes) { return nothing_of(decode_reader_position(bytes)); }, 0, true},
    };
}

std::string with_version(const Form& form, int change) {
    std::string bytes = form.bytes;
    bytes.at(form.version_at) = static_cast<char>(bytes.at(form.version_at) + change);
    if (!form.sealed) return bytes;
    bytes.resize(bytes.size() - 8);
    const std::uint64_t checksum = hash64(bytes);
    BinaryWriter(bytes).fixed64(checksum);
    return bytes;
}

TEST(StoredVersions, AreReadAsTheyWereWritten) {
    for (const Form& form : all_forms()) {
        const auto read = form.read(form.bytes);
        EXPECT_TRUE(read.has_value()) << form.name << ": " << read.error().to_string();
    }
}

TEST(StoredVersions, OthersAreRefusedAndSayWhoWroteThem) {
    for (const Form& form : all_forms()) {
        for (const int change : {1, -1 - form.also_reads}) {
            const auto read = form.read(with_version(form, change));
            ASSERT_FALSE(read.has_value()) << form.name;
            EXPECT_EQ(read.error().code(), Errc::Damaged) << form.name;
            const char* const writer = change > 0 ? "a newer version" : "an older version";
            EXPECT_NE(read.error().message().find(writer), std::string::npos)
                << form.name << ": " << read.error().message();
        }
    }
}

}  // namespace
}  // namespace vitalog::topology
