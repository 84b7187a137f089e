#include "topology/runtime/outbox.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace vitalog::topology {
namespace {

// A timer may fire for everybody at once: what comes of one record may fill several blocks.
constexpr std::size_t kBlockBytes = std::size_t{32} << 20;

void append_hex(std::string& out, std::string_view name, const RecordId& id) {
    std::array<char, 32> text;
    id.write_hex(text.data());
    Headers::append(out, name, {text.data(), text.size()});
}

}  // namespace

Outbox::Outbox(const schemas::TopicNames& topics, std::string_view stage)
    : topics_(topics), source_("vitalog/" + std::string(stage)), index_(schemas::kTopicCount) {}

void Outbox::append_headers(std::string_view type, const RecordId& id, const Origin& origin,
                            const processors::EmitOptions& options) {
    Headers::append(arena_, header::kSpecVersion, "1.0");
    append_hex(arena_, header::kId, id);
    Headers::append(arena_, header::kType, type);
    Headers::append(arena_, header::kSource, source_);
    const EventTime at = options.event_time.value_or(origin.received.as<EventTime>());
    time_text_.clear();
    append_rfc3339(time_text_, at.micros());
    Headers::append(arena_, header::kTime, time_text_);
    Headers::append(arena_, header::kContentType, "application/json");
    append_hex(arena_, header::kRoot, origin.root);
    append_hex(arena_, header::kCause, origin.cause);
    std::array<char, 24> micros{};
    const auto end = std::to_chars(micros.data(), micros.data() + micros.size(), origin.received.micros()).ptr;
    Headers::append(arena_, header::kReceived,
                    {micros.data(), static_cast<std::size_t>(end - micros.data())});
    if (options.urgent) Headers::append(arena_, header::kUrgent, "1");
}

void Outbox::add(schemas::Topic topic, std::string_view key, std::string_view type,
                 const RecordId& id, const Origin& origin, std::string_view value,
                 const processors::EmitOptions& options) {
    add_keyed(topic, partition_of(key, topics_.partitions(topic)), key, type, id, origin, value, options);
}

void Outbox::add_to(schemas::Topic topic, Partition partition, std::string_view type, const RecordId& id,
                    const Origin& origin, std::string_view value) {
    add_keyed(topic, partition, "", type, id, origin, value, {});
}

void Outbox::add_keyed(schemas::Topic topic, Partition partition, std::string_view key, std::string_view type,
                       const RecordId& id, const Origin& origin, std::string_view value,
                       const processors::EmitOptions& options) {
    Waiting waiting{topic, partition, arena_.size(), 0, 0, 0};
    arena_.append(key);
    waiting.headers = arena_.size();
    append_headers(type, id, origin, options);
    waiting.value = arena_.size();
    arena_.append(value);
    wait(waiting);
    waiting_urgent_ |= options.urgent;
}

void Outbox::add_raw(schemas::Topic topic, Partition partition, std::string_view key,
                     std::string_view headers, std::string_view value) {
    Waiting waiting{topic, partition, arena_.size(), 0, 0, 0};
    arena_.append(key);
    waiting.headers = arena_.size();
    arena_.append(headers);
    waiting.value = arena_.size();
    arena_.append(value);
    wait(waiting);
}

void Outbox::wait(Waiting& waiting) {
    waiting.end = arena_.size();
    largest_waiting_ = std::max(largest_waiting_, waiting.end - waiting.value);
    waiting_.push_back(waiting);
}

RecordBlockBuilder& Outbox::builder(schemas::Topic topic, Partition partition) {
    auto& places = index_[static_cast<std::size_t>(topic)];
    if (places.size() <= partition.value()) places.resize(partition.value() + 1, -1);
    int& place = places[partition.value()];
    if (place < 0 || outputs_[static_cast<std::size_t>(place)].block.bytes() >= kBlockBytes) {
        place = static_cast<int>(outputs_.size());
        outputs_.push_back({{topics_.name(topic), partition}, {}});
    }
    return outputs_[static_cast<std::size_t>(place)].block;
}

void Outbox::visit_waiting(const Visitor& visit) const {
    const std::string_view arena(arena_);
    for (const Waiting& w : waiting_)
        visit({topics_.name(w.topic), w.partition}, arena.substr(w.key, w.headers - w.key),
              arena.substr(w.headers, w.value - w.headers), arena.substr(w.value, w.end - w.value));
}

void Outbox::accept(LogTime now) {
    const std::string_view arena(arena_);
    for (const Waiting& w : waiting_) {
        builder(w.topic, w.partition)
            .add(now, arena.substr(w.key, w.headers - w.key), arena.substr(w.headers, w.value - w.headers),
                 arena.substr(w.value, w.end - w.value));
    }
    records_ += waiting_.size();
    bytes_ += arena_.size();
    urgent_ |= waiting_urgent_;
    refuse();
}

void Outbox::refuse() {
    waiting_.clear();
    arena_.clear();
    waiting_urgent_ = false;
    largest_waiting_ = 0;
}

std::vector<PartitionOutput> Outbox::take() {
    std::vector<PartitionOutput> outputs = std::move(outputs_);
    outputs_.clear();
    for (auto& places : index_) places.assign(places.size(), -1);
    urgent_ = false;
    bytes_ = records_ = 0;
    return outputs;
}

}  // namespace vitalog::topology
