#include "topology/audit/reevaluation.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "schemas/events/care.h"
#include "schemas/json_decode.h"
#include "topology/audit/output_match.h"
#include "topology/audit/person_fold.h"
#include "topology/audit/record_scan.h"
#include "topology/stages/stage.h"

namespace vitalog::topology {
namespace {

/// Reads the records that are about one alert.
class AlertReader {
  public:
    explicit AlertReader(std::string alert) : alert_(std::move(alert)) {}

    std::optional<Reevaluation::Record> read(const RecordView& record) {
        if (record.value.find(alert_) == record.value.npos) return std::nullopt;  // spares decoding most
        const auto event = schemas::decode<schemas::AlertEvent>(record.value, decoder_);
        if (!event || event->id != alert_) return std::nullopt;
        Reevaluation::Record told;
        told.id = std::string(record.headers.find(header::kId));
        told.state = std::string(schemas::name_of_enum(event->state));
        told.priority = std::string(schemas::name_of_enum(event->priority));
        told.rule = std::string(event->rule);
        told.rule_version = std::string(event->rule_version);
        told.pack = std::string(event->pack_version);
        told.occurred = to_string(event->occurred);
        told.reason = std::string(event->reason);
        return told;
    }

  private:
    const std::string alert_;
    schemas::Decoder decoder_;
};

/// One alert of one log. Lives for one question.
class Evaluation {
  public:
    Evaluation(const AuditLog& log, const std::string& alert) : log_(log), names_(log.names()), reader_(alert) {}

    Result<Reevaluation> run() {
        for (std::uint32_t p = 0; p < names_.partitions(schemas::Topic::Alert); ++p) VITALOG_CHECK(find(Partition(p)));
        if (persons_.empty()) return fail(Errc::NotFound, "the log has no such alert");
        result_.person = *persons_.begin();
        for (const auto& person : persons_) VITALOG_CHECK(make(person));
        for (auto& [id, record] : made_) result_.records.push_back(std::move(record));
        return std::move(result_);
    }

  private:
    Result<void> find(Partition partition) {
        const TopicPartition tp{names_.name(schemas::Topic::Alert), partition};
        return scan_records(log_.source().records, tp, [&](const RecordView& record) -> Result<void> {
            auto told = reader_.read(record);
            if (!told) return {};
            told->place = to_string(tp, record.offset);
            persons_.insert(std::string(record.key));
            contents_.push_back(hash_.of(record));
            result_.records.push_back(*std::move(told));
            return {};
        });
    }

    /// What the care stage makes of what it read about the person. What is found is taken out of `made_`.
    Result<void> make(const std::string& person) {
        VITALOG_TRY(const std::uint64_t inputs,
                    fold_person(log_, {.person = person, .make_processor = care_stage().make_processor},
                                [this](const Fold::Output& output) -> Result<void> {
                                    if (output.tp.topic == names_.name(schemas::Topic::Alert)) take(output.record);
                                    return {};
                                }));
        result_.inputs += inputs;
        return {};
    }

    void take(const RecordView& record) {
        auto told = reader_.read(record);
        if (!told) return;
        const ContentHash::Value content = hash_.of(record);
        for (std::size_t i = 0; i < contents_.size(); ++i) {
            auto& found = result_.records[i];
            if (found.id != told->id || contents_[i] != content || found.same) continue;
            found.same = true;
            return;
        }
        std::string id = told->id;
        made_[std::move(id)] = *std::move(told);
    }

    const AuditLog& log_;
    const schemas::TopicNames& names_;
    const ContentHash hash_;
    AlertReader reader_;
    std::set<std::string> persons_;
    std::vector<ContentHash::Value> contents_;  // of the records found
    std::map<std::string, Reevaluation::Record> made_;  // what is made, and lies nowhere
    Reevaluation result_;
};

}  // namespace

bool Reevaluation::agrees() const {
    return !records.empty() && std::ranges::all_of(records, &Record::same);
}

Result<Reevaluation> reevaluate_alert(const AuditLog& log, const std::string& alert) {
    return Evaluation(log, alert).run();
}

}  // namespace vitalog::topology
