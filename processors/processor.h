#pragma once

#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "schemas/base/record.h"
#include "schemas/base/result.h"
#include "schemas/events/control.h"
#include "schemas/json.h"
#include "schemas/topics.h"
#include "state/entity.h"

namespace vitalog::processors {

/// A record as a processor sees it. A view: valid during the call.
struct Input {
    RecordId id;
    RecordId root;           ///< id of the feed record at the root
    std::string_view type;   ///< ce_type; empty for feed records
    std::string_view key;    ///< names the entity
    std::string_view value;
    ReceivedTime received;   ///< when the root was received; for a timer, when it was due
    Headers headers;
    std::string_view source; ///< "topic/partition/offset", the topic by the site's name for it
    schemas::Topic topic = schemas::Topic::Subject;  ///< the input's topic
};

using state::Timer;

struct EmitOptions {
    std::optional<EventTime> event_time;  ///< ce_time; the root's received time where there is none
    bool urgent = false;                  ///< an alert or task of priority high: the commit does not wait
};

/// Everything a processor may do besides changing its entity. What is emitted becomes visible with the commit of
/// the input, or not at all; a refused record's outputs are dropped. Ids of outputs are derived (law 3).
class Context {
  public:
    virtual ~Context() = default;

    /// Appends to the partition of `topic` that `key` hashes to.
    virtual void emit(schemas::Topic topic, std::string_view key, std::string_view type,
                      std::string_view json, EmitOptions options) = 0;
    /// The id that the next emit() of this call will get: for outputs that name themselves (alerts, tasks, attempts).
    virtual RecordId next_id() const = 0;
    /// Passes the input on unchanged, under another key of `topic`; it keeps its id (law 3).
    virtual void forward(schemas::Topic topic, std::string_view key) = 0;
    /// Appends the control record to every partition of `topic`. Intake only.
    virtual void broadcast(schemas::Topic topic, const schemas::Control& control) = 0;
    /// Sends the input's bytes to `dead-letter` for one item at fault, while the rest of the record is used.
    virtual void dead_letter(const Error& error, std::string_view at) = 0;
    /// Sets or moves a timer of the entity in hand.
    virtual void set_timer(std::string_view name, ReceivedTime due) = 0;
    virtual void cancel_timer(std::string_view name) = 0;
    /// Forgets the entity in hand after this call; a tombstone keeps its position until the checkpoint passes.
    virtual void remove_entity() = 0;
    /// Adds to a counter of GET /metrics; muted during recovery like every output.
    using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;
    virtual void count(std::string_view metric, Labels labels) = 0;

    /// Emits a described event under its own type.
    template <class E>
    void emit_event(schemas::Topic topic, std::string_view key, const E& event,
                    EmitOptions options = {}) {
        scratch_.clear();
        schemas::encode(event, scratch_);
        emit(topic, key, E::kType, scratch_, options);
    }

  private:
    std::string scratch_;
};

/// One stage's logic: (entity, record) -> changes and outputs. Knows no Kafka, no RocksDB, no thread, no clock.
/// One instance per shard, used by that shard's thread; the settings in force are its only state of its own.
///
/// A call that returns an Error must leave the entity as it was: check first, change afterwards. The record goes
/// to `dead-letter`, and the shard goes on.
class Processor {
  public:
    virtual ~Processor() = default;

    virtual std::string_view stage() const = 0;
    /// Raised when the same input would give other outputs or other state (law 7).
    virtual std::uint32_t logic() const = 0;

    /// A new entity, before its first record. Stages without state return null, and get null.
    virtual std::unique_ptr<state::Entity> create(std::string_view key) const = 0;
    /// Damaged when the bytes are not what encode() wrote in this or an earlier version.
    virtual Result<std::unique_ptr<state::Entity>> decode(std::string_view key,
                                                          std::string_view bytes) const = 0;

    virtual Result<void> on_record(state::Entity* entity, const Input& input, Context& out) = 0;
    virtual void on_timer(state::Entity* entity, const Timer& timer, Context& out) = 0;
    /// A control record takes force. An Error dead-letters it and leaves the old one in force.
    virtual Result<void> on_control(const schemas::Control& control, const Input& input) = 0;
};

/// Spares the casts: a processor over one entity type.
template <class E>
class ProcessorOf : public Processor {
  public:
    std::unique_ptr<state::Entity> create(std::string_view) const override {
        return std::make_unique<E>();
    }
    Result<std::unique_ptr<state::Entity>> decode(std::string_view,
                                                  std::string_view bytes) const override {
        auto entity = std::make_unique<E>();
        VITALOG_CHECK(entity->decode(bytes));
        return entity;
    }
    Result<void> on_record(state::Entity* entity, const Input& input, Context& out) final {
        return handle(static_cast<E&>(*entity), input, out);
    }
    void on_timer(state::Entity* entity, const Timer& timer, Context& out) final {
        fire(static_cast<E&>(*entity), timer, out);
    }

  protected:
    virtual Result<void> handle(E& entity, const Input& input, Context& out) = 0;
    virtual void fire(E&, const Timer&, Context&) {}
};

}  // namespace vitalog::processors
