#include "topology/audit/stage_audit.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <numeric>

#include "topology/audit/record_scan.h"

namespace vitalog::topology {
namespace {

/// One audit of one stage. Lives for it.
class StageAudit {
  public:
    StageAudit(const Stage& stage, const AuditLog& log, const AuditOptions& options)
        : stage_(stage), log_(log), names_(log.names()) {
        report_.stage = std::string(stage.name);
        report_.logic = stage.make_processor()->logic();
        report_.options = options;
    }

    Result<AuditReport> run() {
        VITALOG_CHECK(follow_chains());
        VITALOG_CHECK(plan());
        // Damage that stops the reading is a finding: the chains say where.
        if (const auto compared = compare(); !compared) report_.failure = compared.error().to_string();
        for (const auto& match : matches_) {
            report_.outputs.push_back({match->tp(), match->agreed(), match->difference_count(), match->digested()});
            std::ranges::copy(match->differences(), std::back_inserter(report_.differences));
        }
        if (!met_entity())
            return fail(Errc::NotFound, fmt::format("nothing of {} has come to stage {}: say the key that its input has, and a "
                                                    "--to after its first record",
                                                    report_.options.entity, report_.stage));
        for (std::size_t i = 0; i < folds_.size(); ++i) {
            auto& shard = report_.shards[fold_shards_[i]];
            shard.records = folds_[i]->applied();
            shard.in_stretch = folds_[i]->applied_in_stretch();
            shard.end = folds_[i]->end();
        }
        folds_.clear();
        if (!report_.agrees()) VITALOG_CHECK(find_cause());
        return std::move(report_);
    }

  private:
    std::vector<TopicPartition> partitions_of(const std::vector<schemas::Topic>& topics) const {
        std::vector<TopicPartition> partitions;
        for (const schemas::Topic topic : topics)
            for (std::uint32_t p = 0; p < names_.partitions(topic); ++p)
                partitions.push_back({names_.name(topic), Partition(p)});
        return partitions;
    }

    /// What the stage reads and writes, and what steers it.
    Result<void> follow_chains() {
        auto topics = stage_.reads;
        topics.insert(topics.end(), stage_.writes.begin(), stage_.writes.end());
        topics.push_back(schemas::Topic::FeedControl);
        auto partitions = partitions_of(topics);
        sort_once(partitions);
        for (const auto& tp : partitions) {
            VITALOG_TRY(auto chain,
                        audit_chain(log_, tp, report_.options.anchor, report_.options.digest_records));
            report_.chains.push_back(std::move(chain));
        }
        return {};
    }

    Result<void> plan() {
        VITALOG_CHECK(open_scratch());
        for (const schemas::Topic topic : stage_.reads)
            for (std::uint32_t p = 0; p < names_.partitions(topic); ++p) VITALOG_CHECK(plan_shard(topic, Partition(p)));
        const bool inputs_missing = !report_.recomputed_all();
        for (const auto& tp : partitions_of(stage_.writes)) {
            MatchSpec spec{tp, report_.stage, report_.options.entity, report_.options.from, report_.options.to};
            spec.doors_write = tp.topic == names_.name(schemas::Topic::DeadLetter);
            spec.inputs_missing = inputs_missing;
            matches_.push_back(std::make_unique<OutputMatch>(std::move(spec), log_.source(), hash_));
            VITALOG_CHECK(matches_.back()->open());
        }
        return {};
    }

    Result<void> plan_shard(schemas::Topic topic, Partition partition) {
        const TopicPartition input{names_.name(topic), partition};
        VITALOG_TRY(const auto position, log_.position(stage_.name, input));
        VITALOG_TRY(const Offset begin, log_.source().records.begin_offset(input));
        VITALOG_TRY(const bool whole, is_whole(input, begin));
        AuditReport::Shard shard{input, begin, position.committed, 0, 0, position.logic, {}, position.earlier};
        if (!whole)
            shard.not_recomputable = fmt::format(
                "retention has dropped what lay before {}: {}", to_string(input, begin),
                stage_.stateful ? "the state that its outputs rest on can't be built from what is left"
                                : "outputs of what was dropped can't be made again");
        report_.shards.push_back(std::move(shard));
        if (!whole && stage_.stateful) return {};
        if (!of_entity(topic, partition)) return {};
        specs_.push_back(spec_of(topic, partition, position.committed));
        VITALOG_TRY(auto fold, Fold::open(specs_.back(), log_.source(), names_, scratch_.get()));
        folds_.push_back(std::move(fold));
        fold_shards_.push_back(report_.shards.size() - 1);
        return {};
    }

    /// Without state, what lies before the stretch is not needed.
    Result<bool> is_whole(const TopicPartition& input, Offset begin) const {
        if (begin == Offset()) return true;
        if (stage_.stateful || !report_.options.from) return false;
        RecordBatch batch;
        VITALOG_CHECK(log_.source().records.read(input, begin, 1, batch));
        return !batch.records.empty() && batch.records.front().timestamp < *report_.options.from;
    }

    bool of_entity(schemas::Topic topic, Partition partition) const {
        const auto& entity = report_.options.entity;
        return entity.empty() || partition_of(entity, names_.partitions(topic)) == partition;
    }

    /// What was not recomputed says so by itself.
    bool met_entity() const {
        return report_.options.entity.empty() || folds_.empty() || !report_.failure.empty() ||
               std::ranges::any_of(folds_, [](const auto& fold) { return fold->met_entity(); });
    }

    FoldSpec spec_of(schemas::Topic topic, Partition partition, Offset end) const {
        FoldSpec spec;
        spec.shard = {report_.stage, topic, partition, stage_.stateful};
        spec.make_processor = stage_.make_processor;
        spec.entity = report_.options.entity;
        spec.end = end;
        spec.from = report_.options.from;
        spec.to = report_.options.to;
        spec.memory_bytes = report_.options.memory_bytes / std::max(1u, names_.partitions(topic));
        return spec;
    }

    Result<void> expect(std::size_t shard, const Fold::Output& output) {
        const auto match =
            std::ranges::find_if(matches_, [&](const auto& each) { return each->tp() == output.tp; });
        if (match == matches_.end())
            return fail(Errc::Unsupported, report_.stage + " writes to " + to_string(output.tp) +
                                               ", which its description does not name");
        return (*match)->expect(shard, output.record, output.in_stretch);
    }

    /// The shards go on in the order in which the log took their input, so that what they make is near to where it
    /// lies.
    Result<void> compare() {
        constexpr LogTime kAfterAll(INT64_MAX);
        std::vector<std::optional<LogTime>> next(folds_.size());
        for (std::size_t i = 0; i < folds_.size(); ++i) {
            VITALOG_TRY(const auto time, folds_[i]->next_time());
            next[i] = time.value_or(kAfterAll);
        }
        while (true) {
            std::optional<std::size_t> first;
            for (std::size_t i = 0; i < next.size(); ++i)
                if (next[i] && (!first || *next[i] < *next[*first])) first = i;
            if (!first) break;
            VITALOG_TRY(const bool more, folds_[*first]->step([&](const auto& output) { return expect(*first, output); }));
            next[*first].reset();
            if (!more) continue;
            VITALOG_TRY(const auto time, folds_[*first]->next_time());
            next[*first] = time.value_or(kAfterAll);
        }
        for (const auto& match : matches_) VITALOG_CHECK(match->finish());
        return {};
    }

    Result<void> find_cause() {
        for (const auto& chain : report_.chains) {
            if (chain.fault.empty()) continue;
            report_.cause = fmt::format("a stored record was changed: {}: {}",
                                        to_string(chain.tp, chain.fault_at.value_or(chain.begin)), chain.fault);
            return {};
        }
        if (report_.differences.empty()) return {};
        const Difference& first = report_.differences.front();
        for (const auto& shard : report_.shards) {
            if (shard.logic == 0 || shard.logic == report_.logic) continue;
            report_.cause = fmt::format(
                "another binary: {} was last committed by logic {} of this stage, this program has logic {}; audit with "
                "the program that wrote it, or say --to the time of the upgrade",
                to_string(shard.input), shard.logic, report_.logic);
            return {};
        }
        VITALOG_TRY(report_.cause, earlier_binary());
        if (!report_.cause.empty()) return {};
        VITALOG_TRY(const bool waited, comes_with_later_controls(first));
        if (waited) {
            report_.cause = "it waited while something was published: with all that feed.control holds it comes out as it lies in the "
                            "log. This stage decides with what is in force when it comes to a record; say --from a time after "
                            "that publication";
            return {};
        }
        if (first.kind == Difference::Kind::Unexpected) {
            report_.cause = "the stage does not make this record: it was written by somebody else, or by another binary "
                            "of the same logic number, or the input that it rests on was taken out or changed";
            return {};
        }
        VITALOG_TRY(const bool again, comes_again(first));
        report_.cause =
            again ? "it comes out the same each time it is recomputed: the record in the log, or an input before it, was "
                    "changed after it was written, or another binary of the same logic number wrote it"
                  : "a nondeterministic processor: recomputed a second time it came out differently; report this as a "
                    "defect of the stage";
        return {};
    }

    /// What to say where an upgrade lies in the stretch, or before it; empty: nowhere. Whoever changed a record changed
    /// its chain, and that was looked at first.
    Result<std::string> earlier_binary() const {
        for (const auto& shard : report_.shards) {
            const auto other = std::ranges::find_if(shard.earlier.rbegin(), shard.earlier.rend(), [&](const auto& each) {
                return each.logic != report_.logic;
            });
            if (other == shard.earlier.rend()) continue;
            RecordBatch batch;
            VITALOG_CHECK(log_.source().records.read(shard.input, std::max(other->until, shard.begin), 1, batch));
            std::string what = fmt::format(
                "another binary: {} was decided by logic {} of this stage up to offset {}, before an upgrade; this program "
                "has logic {}",
                to_string(shard.input), other->logic, other->until.value(), report_.logic);
            if (batch.records.empty()) return what;
            const LogTime after = batch.records.front().timestamp;
            if (report_.options.from && *report_.options.from >= after)
                return what + ", and the state that the stretch rests on comes out otherwise";
            return what + ". Say --from a time after it: " + to_rfc3339(after);
        }
        return std::string();
    }

    /// Whether a record that lies in the log comes out with controls that were published after the log took what it
    /// rests on.
    Result<bool> comes_with_later_controls(const Difference& difference) {
        if (stage_.stateful || !difference.offset) return false;
        RecordBatch batch;
        VITALOG_CHECK(log_.source().records.read(difference.tp, *difference.offset, 1, batch));
        if (batch.records.empty()) return false;
        const ContentHash::Value lies = hash_.of(batch.records.front());
        for (FoldSpec spec : specs_) {
            spec.controls_first = true;
            VITALOG_TRY(const bool made, makes(std::move(spec), difference.tp, lies));
            if (made) return true;
        }
        return false;
    }

    /// Whether the shard makes the same output when it is recomputed once more.
    Result<bool> comes_again(const Difference& difference) {
        return makes(specs_[difference.shard], difference.tp, difference.made);
    }

    Result<bool> makes(FoldSpec spec, const TopicPartition& tp, const ContentHash::Value& wanted) {
        scratch_.reset();
        VITALOG_CHECK(open_scratch());
        VITALOG_TRY(const auto fold, Fold::open(std::move(spec), log_.source(), names_, scratch_.get()));
        bool made = false;
        for (bool more = true; more && !made;) {
            VITALOG_TRY(more, fold->step([&](const Fold::Output& output) -> Result<void> {
                made = made || (output.tp == tp && hash_.of(output.record) == wanted);
                return {};
            }));
        }
        return made;
    }

    /// For the state of a stage that has one.
    Result<void> open_scratch() {
        if (!stage_.stateful) return {};
        TopicConfig input;
        input.name = names_.name(stage_.reads.front());
        input.partitions = names_.partitions(stage_.reads.front());
        VITALOG_TRY(scratch_, FoldScratch::open(report_.options.scratch, {input}));
        return {};
    }

    const Stage& stage_;
    const AuditLog& log_;
    const schemas::TopicNames& names_;
    const ContentHash hash_;
    AuditReport report_;
    std::unique_ptr<FoldScratch> scratch_;
    std::vector<FoldSpec> specs_;
    std::vector<std::unique_ptr<Fold>> folds_;
    std::vector<std::size_t> fold_shards_;  // which of the report's shards each fold is
    std::vector<std::unique_ptr<OutputMatch>> matches_;
};

}  // namespace

std::uint64_t AuditReport::input_records() const {
    return std::accumulate(shards.begin(), shards.end(), std::uint64_t{0},
                           [](std::uint64_t sum, const Shard& shard) { return sum + shard.in_stretch; });
}

std::uint64_t AuditReport::agreed() const {
    return std::accumulate(outputs.begin(), outputs.end(), std::uint64_t{0},
                           [](std::uint64_t sum, const Output& output) { return sum + output.agreed; });
}

std::uint64_t AuditReport::difference_count() const {
    return std::accumulate(outputs.begin(), outputs.end(), std::uint64_t{0},
                           [](std::uint64_t sum, const Output& output) { return sum + output.differences; });
}

bool AuditReport::chains_hold() const {
    return std::ranges::all_of(chains, [](const ChainReport& chain) { return chain.fault.empty(); });
}

bool AuditReport::recomputed_all() const {
    return std::ranges::all_of(shards, [](const Shard& shard) { return shard.not_recomputable.empty(); });
}

Result<AuditReport> audit_stage(const Stage& stage, const AuditLog& log, const AuditOptions& options) {
    return StageAudit(stage, log, options).run();
}

std::string to_text(const Difference& difference) {
    const std::string place =
        difference.offset ? to_string(difference.tp, *difference.offset) : to_string(difference.tp);
    const std::string record = fmt::format("{} {} (key {}, caused by {})", difference.type, difference.id,
                                           difference.key, difference.cause);
    switch (difference.kind) {
        case Difference::Kind::Changed: return place + " is not what is recomputed: " + record;
        case Difference::Kind::Missing: return place + " lacks what is recomputed: " + record;
        case Difference::Kind::Unexpected: return place + " is not recomputed: " + record;
        case Difference::Kind::OutOfOrder: return place + " lies out of its shard's order: " + record;
    }
    return place;
}

}  // namespace vitalog::topology
