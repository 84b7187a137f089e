#include <cstddef>
#include <cstdint>

#include "state/entity_store.h"

// The stored form around every entity, and the entries of timers and tombstones that a start reads: whatever bytes lie there, the answer
// is an entity or an Error.

namespace {

using namespace vitalog;
using namespace vitalog::state;

struct Bytes final : Entity {
    void encode(std::string& out) const override { out += kept; }
    std::size_t memory_bytes() const override { return kept.size(); }
    std::string kept;
};

class Factory final : public EntityFactory {
  public:
    std::unique_ptr<Entity> create(std::string_view) const override { return std::make_unique<Bytes>(); }
    Result<std::unique_ptr<Entity>> decode(std::string_view, std::string_view bytes) const override {
        auto entity = std::make_unique<Bytes>();
        entity->kept = bytes;
        return entity;
    }
};

class OneEntity final : public Backend {
  public:
    explicit OneEntity(std::string_view bytes) : bytes_(bytes) {}
    Result<void> get_many(std::span<const std::string_view> keys,
                          std::vector<std::optional<std::string>>& values) const override {
        values.assign(keys.size(), std::string(bytes_));
        return {};
    }
    Result<void> scan(std::string_view, const std::function<Result<void>(std::string_view, std::string_view)>&) const override {
        return {};
    }

  private:
    std::string_view bytes_;
};

/// One entry of each kind that a start looks for, the input behind its prefix.
class OneEntry final : public Backend {
  public:
    explicit OneEntry(std::string_view bytes) : bytes_(bytes) {}
    Result<void> get_many(std::span<const std::string_view> keys,
                          std::vector<std::optional<std::string>>& values) const override {
        values.assign(keys.size(), std::nullopt);
        return {};
    }
    Result<void> scan(std::string_view prefix,
                      const std::function<Result<void>(std::string_view, std::string_view)>& visit) const override {
        return visit(std::string(prefix).append(bytes_), bytes_);
    }

  private:
    std::string_view bytes_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const Factory factory;
    const OneEntry entry(bytes);
    EntityStore started(factory, entry, {});
    if (started.open())
        if (const auto due = started.first_due(ReceivedTime(INT64_MAX), {}))
            VITALOG_ASSERT(due->second == bytes.substr(8), "another entity's timer");
    const OneEntity backend(bytes);
    EntityStore store(factory, backend, {});
    const auto held = store.fetch_one("entity");
    if (!held) return 0;
    // What was read is written again and reads the same.
    store.touch(**held, Offset((*held)->applied.value()), LogTime());
    std::vector<Write> writes;
    (void)store.take_writes(Offset(0), LogTime(), 1, true, writes);
    for (const auto& write : writes) {
        if (write.key != "Eentity") continue;
        const OneEntity again(*write.value);
        EntityStore second(factory, again, {});
        const auto reread = second.fetch_one("entity");
        VITALOG_ASSERT(reread && (*reread)->applied == (*held)->applied && (*reread)->timers == (*held)->timers,
                       "a stored entity does not read back as it was written");
    }
    return 0;
}
