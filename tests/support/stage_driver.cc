#include "tests/support/stage_driver.h"

namespace vitalog::tests {

class StageDriver::DriverContext final : public processors::Context {
  public:
    DriverContext(StageDriver& driver, RecordId cause, RecordId root, std::string_view entity,
                  std::map<std::string, processors::Timer>& timers,
                  const processors::Input* input = nullptr)
        : driver_(driver), cause_(cause), root_(root), entity_(entity), timers_(timers), input_(input) {}

    void emit(schemas::Topic topic, std::string_view key, std::string_view type,
              std::string_view json, processors::EmitOptions options) override {
        outputs.push_back({topic, std::string(key), std::string(type), std::string(json), next_id(),
                           options.urgent});
        ++count_;
    }
    RecordId next_id() const override {
        return output_id(cause_, driver_.processor_.stage(), entity_, count_);
    }
    void forward(schemas::Topic topic, std::string_view key) override {
        VITALOG_ASSERT(input_ != nullptr, "only a record can be forwarded");
        outputs.push_back({topic, std::string(key), std::string(input_->type),
                           std::string(input_->value), input_->id, false});
    }
    void broadcast(schemas::Topic topic, const schemas::Control& control) override {
        emit(topic, "", schemas::Control::kType, schemas::encode(control), {});
    }
    void dead_letter(const Error& error, std::string_view at) override {
        dead.push_back({error.to_string(), std::string(at)});
    }
    void set_timer(std::string_view name, ReceivedTime due) override {
        timers_[std::string(name)] = {std::string(name), due, cause_, root_};
    }
    void cancel_timer(std::string_view name) override { timers_.erase(std::string(name)); }
    void remove_entity() override { removed = true; }
    void count(std::string_view metric, Labels labels) override {
        std::string name(metric);
        for (const auto& [label, value] : labels) name.append("/").append(value);
        driver_.counts[name] += 1;
    }

    std::vector<Output> outputs;
    std::vector<DeadLetter> dead;
    bool removed = false;

  private:
    StageDriver& driver_;
    RecordId cause_;
    RecordId root_;
    std::string entity_;
    std::map<std::string, processors::Timer>& timers_;
    const processors::Input* input_;
    std::int64_t count_ = 0;
};

namespace {
std::unique_ptr<state::Entity> load(processors::Processor& processor, const std::string& key,
                                    const std::string& bytes) {
    if (bytes.empty()) return processor.create(key);
    auto entity = processor.decode(key, bytes);
    VITALOG_ASSERT(entity.has_value(), entity ? "" : entity.error().to_string());
    return *std::move(entity);
}
std::string bytes_of(const state::Entity* entity) {
    std::string bytes;
    if (entity != nullptr) entity->encode(bytes);
    return bytes;
}
}  // namespace

Result<void> StageDriver::apply(processors::Input input) {
    const std::string key(input.key);
    Held held = entities_[key];
    auto entity = load(processor_, key, held.bytes);
    const std::string before = bytes_of(entity.get());
    DriverContext context(*this, input.id, input.root, key, held.timers, &input);
    auto result = processor_.on_record(entity.get(), input, context);
    const std::string after = bytes_of(entity.get());
    if (!result) {
        VITALOG_ASSERT(before == after, "a refused record changed its entity");
        dead_letters.push_back({result.error().to_string(), ""});
        return result;
    }
    for (auto& output : context.outputs) outputs_.push_back(std::move(output));
    for (auto& letter : context.dead) dead_letters.push_back(std::move(letter));
    held.bytes = after;
    if (context.removed) entities_.erase(key);
    else entities_[key] = std::move(held);
    return result;
}

Result<void> StageDriver::record(std::string_view key, std::string_view type, std::string_view value) {
    const TopicPartition tp{"test", Partition(0)};
    const Offset offset(offset_++);
    const std::string source = to_string(tp, offset);
    const RecordId id = feed_record_id(Generation(1), tp, offset);
    return apply({id, id, type, key, value, now_, Headers(), source});
}

Result<void> StageDriver::feed(std::string_view key, std::string_view value, std::string_view headers) {
    const TopicPartition tp{"test", Partition(0)};
    const Offset offset(offset_++);
    const std::string source = to_string(tp, offset);
    const RecordId id = feed_record_id(Generation(1), tp, offset);
    return apply({id, id, "", key, value, now_, Headers(headers), source});
}

Result<void> StageDriver::control(std::string_view kind, std::string_view name,
                                  std::string_view version, std::string_view body) {
    const RecordId id = feed_record_id(Generation(1), {"test", Partition(0)}, Offset(offset_++));
    const processors::Input input{id, id, schemas::Control::kType, "", "", now_, Headers(), "test/0/0"};
    return processor_.on_control({kind, name, version, body}, input);
}

void StageDriver::advance_to(ReceivedTime now) {
    now_ = now;
    for (;;) {
        const processors::Timer* first = nullptr;
        std::string entity_key;
        for (const auto& [key, held] : entities_)
            for (const auto& [name, timer] : held.timers)
                if (timer.due <= now && (first == nullptr || timer.due < first->due)) {
                    first = &timer;
                    entity_key = key;
                }
        if (first == nullptr) return;
        const processors::Timer timer = *first;
        Held held = entities_[entity_key];
        held.timers.erase(timer.name);
        auto entity = load(processor_, entity_key, held.bytes);
        const RecordId cause = IdHash().part(timer.set_by).part(timer.name).part(timer.due.micros()).finish();
        DriverContext context(*this, cause, timer.root, entity_key, held.timers);
        processor_.on_timer(entity.get(), timer, context);
        for (auto& output : context.outputs) outputs_.push_back(std::move(output));
        held.bytes = bytes_of(entity.get());
        if (context.removed) entities_.erase(entity_key);
        else entities_[entity_key] = std::move(held);
    }
}

std::vector<StageDriver::Output> StageDriver::take() { return std::exchange(outputs_, {}); }

std::vector<processors::Timer> StageDriver::timers(std::string_view key) const {
    std::vector<processors::Timer> list;
    const auto found = entities_.find(std::string(key));
    if (found == entities_.end()) return list;
    for (const auto& [name, timer] : found->second.timers) list.push_back(timer);
    return list;
}

}  // namespace vitalog::tests
