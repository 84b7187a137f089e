#include <cstddef>
#include <cstdint>
#include <string>

#include "topology/runtime/controls.h"

// Control records as a shard stores them, and the settings in one: any bytes as keys and as values
// give a processor what it can read, or an Error.

namespace {

using namespace vitalog;

class OneControl final : public state::Backend {
  public:
    OneControl(std::string key, std::string value)
        : key_(std::move(key)), value_(std::move(value)) {}
    Result<void> get_many(std::span<const std::string_view> keys,
                          std::vector<std::optional<std::string>>& values) const override {
        values.assign(keys.size(), std::nullopt);
        return {};
    }
    Result<void> scan(std::string_view,
                      const std::function<Result<void>(std::string_view, std::string_view)>& visit)
        const override {
        return visit(key_, value_);
    }

  private:
    const std::string key_;
    const std::string value_;
};

struct Nothing final : state::Entity {
    void encode(std::string&) const override {}
    std::size_t memory_bytes() const override { return sizeof *this; }
    static Result<void> decode(std::string_view) { return {}; }
};

class Taker final : public processors::ProcessorOf<Nothing> {
  public:
    std::string_view stage() const override { return "taker"; }
    std::uint32_t logic() const override { return 1; }
    Result<void> on_control(const schemas::Control& control, const processors::Input&) override {
        taken += control.kind.size() + control.name.size() + control.body.size();
        return {};
    }
    std::size_t taken = 0;

  protected:
    Result<void> handle(Nothing&, const processors::Input&, processors::Context&) override {
        return {};
    }
};

void restore(const std::string& key, const std::string& value) {
    topology::Controls controls;
    if (!controls.load(OneControl(key, value))) return;
    Taker taker;
    schemas::Decoder decoder;
    (void)controls.restore(Offset(INT64_MAX), taker, decoder);
    std::vector<state::Write> writes;
    controls.take_writes(Offset(INT64_MAX), writes);
    VITALOG_ASSERT(writes.empty(), "what was read is written already");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string bytes(reinterpret_cast<const char*>(data), size);
    const std::string whole_key{"Crules\0name\0\0\0\0\0\0\0\0\1", 20};
    restore(whole_key, bytes);
    schemas::Decoder decoder;
    if (const auto settings = schemas::Settings::parse(bytes, decoder)) {
        schemas::Decoder other;
        VITALOG_ASSERT(schemas::Settings::parse(settings->to_body(), other).has_value(),
                       "settings read back");
    }
    restore("C" + bytes, R"({"kind":"rules","name":"n","version":"1","body":"b"})");
    return 0;
}
