#pragma once

#include <deque>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "processors/identity/identity_processor.h"
#include "schemas/json_decode.h"

namespace vitalog::tests {

/// The identity stage over several partitions, with records under way between them: what one sender
/// sends to one partition arrives in order, everything else in an order that the seed picks.
/// Entities live in their stored form between records.
class SubjectNet {
  public:
    struct Output {
        schemas::Topic topic;
        std::string key;
        std::string type;
        std::string json;
    };
    struct DeadLetter {
        std::string reason;
        std::string value;
    };

    SubjectNet(std::uint32_t partitions, std::uint64_t seed)
        : processors_(partitions), partitions_(partitions), random_(seed) {}

    void settings(const schemas::Settings& settings) {
        const std::string body = settings.to_body();
        const processors::Input input{{}, {}, schemas::Control::kType, "", "", {}, {}, ""};
        for (auto& processor : processors_)
            VITALOG_ASSERT(processor.on_control({"settings", "site", "1", body}, input).has_value(),
                           "settings are good");
    }

    /// A record from an intake worker.
    template <class E>
    void feed(std::uint32_t worker, std::string_view key, const E& event) {
        const RecordId id = IdHash().part("feed").part(fed_++).finish();
        send(partitions_ + worker,
             {id, std::string(key), std::string(E::kType), schemas::encode(event)});
    }

    /// Delivers one record; false when none is under way.
    bool step() {
        if (streams_.empty()) return false;
        auto stream = streams_.begin();
        std::advance(stream, random_() % streams_.size());
        const std::uint32_t partition = stream->first.second;
        const Record record = std::move(stream->second.front());
        stream->second.pop_front();
        if (stream->second.empty()) streams_.erase(stream);
        apply(partition, record);
        ++delivered_;
        return true;
    }
    void run() {
        while (step()) {
        }
    }

    std::vector<Output> outputs;  ///< to other topics than `subject`, in the order they were made
    std::vector<DeadLetter> dead_letters;
    std::size_t delivered() const { return delivered_; }

  private:
    struct Record {
        RecordId id;
        std::string key;
        std::string type;
        std::string value;
    };

    class NetContext final : public processors::Context {
      public:
        NetContext(SubjectNet& net, std::uint32_t sender, const Record& cause)
            : net_(net), sender_(sender), cause_(cause) {}
        void emit(schemas::Topic topic, std::string_view key, std::string_view type,
                  std::string_view json, processors::EmitOptions) override {
            made_.push_back({topic, std::string(key), std::string(type), std::string(json)});
            ids_.push_back(next_id());
        }
        RecordId next_id() const override {
            return output_id(cause_.id, "identity", cause_.key,
                             static_cast<std::int64_t>(made_.size()));
        }
        void forward(schemas::Topic, std::string_view) override {}
        void broadcast(schemas::Topic, const schemas::Control&) override {}
        void dead_letter(const Error& error, std::string_view) override {
            net_.dead_letters.push_back({error.to_string(), cause_.value});
        }
        void set_timer(std::string_view, ReceivedTime) override {}
        void cancel_timer(std::string_view) override {}
        void remove_entity() override {}
        void count(std::string_view, Labels) override {}

        void commit() {
            for (std::size_t i = 0; i < made_.size(); ++i) {
                auto& output = made_[i];
                if (output.topic == schemas::Topic::Subject)
                    net_.send(sender_, {ids_[i], output.key, output.type, output.json});
                else
                    net_.outputs.push_back(std::move(output));
            }
        }

      private:
        SubjectNet& net_;
        std::uint32_t sender_;
        const Record& cause_;
        std::vector<Output> made_;
        std::vector<RecordId> ids_;
    };

    void send(std::uint32_t sender, Record record) {
        const std::uint32_t receiver = partition_of(record.key, partitions_).value();
        streams_[{sender, receiver}].push_back(std::move(record));
    }

    void apply(std::uint32_t partition, const Record& record) {
        auto& processor = processors_[partition];
        std::string& stored = entities_[record.key];
        auto entity = stored.empty() ? processor.create(record.key)
                                     : processor.decode(record.key, stored).value();
        std::string before;
        entity->encode(before);
        NetContext context(*this, partition, record);
        const processors::Input input{record.id,    record.id, record.type, record.key,
                                      record.value, {},        {},          "subject/0/0"};
        const auto result = processor.on_record(entity.get(), input, context);
        stored.clear();
        entity->encode(stored);
        if (result) return context.commit();
        VITALOG_ASSERT(stored == before, "a refused record changed its entity");
        dead_letters.push_back({result.error().to_string(), record.value});
    }

    std::vector<processors::identity::IdentityProcessor> processors_;
    std::uint32_t partitions_;
    std::mt19937_64 random_;
    std::map<std::pair<std::uint32_t, std::uint32_t>, std::deque<Record>> streams_;
    std::map<std::string, std::string> entities_;
    std::int64_t fed_ = 0;
    std::size_t delivered_ = 0;
};

}  // namespace vitalog::tests
