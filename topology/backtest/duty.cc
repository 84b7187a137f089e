#include "topology/backtest/duty.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <unordered_map>

#include "processors/desk/desk_settings.h"
#include "processors/desk/teams.h"
#include "schemas/events/message.h"
#include "schemas/events/task.h"
#include "schemas/json_decode.h"
#include "schemas/zone_rule.h"
#include "topology/backtest/memory_stage.h"
#include "topology/stages/stage.h"

namespace vitalog::topology {
namespace {

using processors::Teams;
using processors::WallTime;
using schemas::Topic;

constexpr std::size_t kReadBytes = std::size_t{4} << 20;
constexpr std::string_view kNoShift = "no shift";
constexpr std::string_view kDoctor = "user:";
constexpr int kEveryDay = 0x7f;

std::string clock_text(int minute) {
    return fmt::format("{:02}:{:02}", minute / 60, minute % 60);
}

std::string name_of(const schemas::Shift& shift) {
    static constexpr std::array<std::string_view, 7> kDays{"mon", "tue", "wed", "thu",
                                                           "fri", "sat", "sun"};
    std::string name = clock_text(shift.from) + "-" + clock_text(shift.to);
    if (shift.days == kEveryDay) return name;
    for (std::size_t day = 0; day < kDays.size(); ++day)
        if ((shift.days >> day & 1) != 0) name.append(" ").append(kDays[day]);
    return name;
}

int weekday_of(std::int64_t day) {
    return static_cast<int>(((day + 3) % 7 + 7) % 7);
}

/// The rosters in force at a moment, on the site's wall.
class Rosters {
  public:
    Rosters(LogTime from, LogTime to) : from_(from), to_(to) {}

    void control(const schemas::Control& control) {
        if (control.kind == schemas::TeamEntry::kControlKind) {
            (void)teams_.apply(control.name, control.body, decoder_);
        } else if (control.kind == "zones") {
            if (auto zones = schemas::Zones::parse(control.body)) zones_ = *std::move(zones);
        } else if (control.kind == "settings") {
            const auto settings = schemas::Settings::parse(control.body, decoder_);
            if (!settings) return;
            if (auto desk = processors::DeskSettings::from(*settings)) settings_ = *std::move(desk);
        }
    }

    /// Names the shift of the team that holds the moment.
    void note_shift(ReceivedTime at, AssignedTask& task) const {
        const auto zone = zones_.find(settings_.zone).value_or(schemas::ZoneRule());
        const WallTime when = WallTime::at(at, zone);
        task.day = zone.day_at(at.micros());
        task.shift = kNoShift;
        task.shifts = times_held(kEveryDay, zone);
        const Teams::Team* team = teams_.find(task.team);
        if (team == nullptr) return;
        for (const auto& shift : team->shifts) {
            if (!shift.holds(when.weekday, when.minute)) continue;
            if (shift.to <= shift.from && when.minute < shift.to)
                --task.day;  // it began the day before
            task.shift = name_of(shift);
            task.shifts = times_held(shift.days, zone);
            return;
        }
    }

  private:
    /// On how many days of the stretch a shift of these weekdays begins; 1 at least. Without
    /// weekdays it is the length of the stretch in days.
    double times_held(int days, const schemas::ZoneRule& zone) const {
        if (days == kEveryDay)
            return std::max(1.0, static_cast<double>((to_ - from_).count()) / (24.0 * 3600e6));
        int held = 0;
        const std::int64_t last = zone.day_at(to_.micros() - 1);
        for (std::int64_t day = zone.day_at(from_.micros()); day <= last; ++day)
            held += days >> weekday_of(day) & 1;
        return std::max(1, held);
    }

    const LogTime from_, to_;
    Teams teams_;
    schemas::Zones zones_;
    processors::DeskSettings settings_;
    schemas::Decoder decoder_;
};

/// Desk over the records of one side.
class Assignment {
  public:
    Assignment(LogTime from, LogTime to)
        : rosters_(from, to),
          desk_(desk_stage().make_processor(), {Topic::TaskBoard, Topic::Notification},
                [this](const StageOutput& output) { take(output); }) {}

    void control(const schemas::Control& control) {
        rosters_.control(control);
        (void)desk_.control(control);
    }
    void apply(const TrialTaskRecord& record) {
        processors::Input input;
        input.id = record.id;
        input.root = record.root;
        input.type = record.type;
        input.key = record.key;
        input.value = record.json;
        input.received = record.received;
        input.topic = Topic::Task;
        desk_.apply(input);  // what it refuses concerns tasks of before the stretch
    }
    std::vector<AssignedTask> give() { return std::move(tasks_); }

  private:
    void take(const StageOutput& output) {
        if (output.type == schemas::TaskState::kType) {
            const auto state = schemas::decode<schemas::TaskState>(output.json, decoder_);
            if (!state || state->version != 1) return;
            places_.emplace(std::string(state->task), tasks_.size());
            AssignedTask task;
            task.task = state->task;
            task.team = state->team;
            rosters_.note_shift(state->opened, task);
            tasks_.push_back(std::move(task));
        } else if (output.type == schemas::Intent::kType) {
            const auto intent = schemas::decode<schemas::Intent>(output.json, decoder_);
            if (intent && intent->purpose == "task" && intent->recipient.starts_with(kDoctor))
                told(std::string(intent->task), intent->recipient.substr(kDoctor.size()));
        }
    }
    void told(const std::string& task, std::string_view doctor) {
        const auto found = places_.find(task);
        if (found == places_.end()) return;
        auto& doctors = tasks_[found->second].doctors;
        if (std::find(doctors.begin(), doctors.end(), doctor) == doctors.end())
            doctors.emplace_back(doctor);
    }

    Rosters rosters_;
    MemoryStage desk_;
    std::vector<AssignedTask> tasks_;
    std::unordered_map<std::string, std::size_t> places_;  // by task
    schemas::Decoder decoder_;
};

}  // namespace

Result<DutyDesk> DutyDesk::read(const Log& log, const schemas::TopicNames& topics, LogTime from,
                                LogTime to) {
    DutyDesk desk;
    desk.from_ = from;
    desk.to_ = to;
    schemas::Decoder decoder;
    const TopicPartition tp{topics.name(Topic::Task),
                            Partition(0)};  // control records are in every partition
    VITALOG_TRY(Offset at, log.begin_offset(tp));
    for (RecordBatch batch;; at = batch.next) {
        batch.clear();
        VITALOG_CHECK(log.read(tp, at, kReadBytes, batch));
        if (batch.records.empty()) return desk;
        for (const auto& record : batch.records) {
            if (record.timestamp >= to) continue;
            if (record.headers.find(header::kType) != schemas::Control::kType) continue;
            const auto control = schemas::decode<schemas::Control>(record.value, decoder);
            if (!control) continue;
            desk.controls_.push_back({record.timestamp, std::string(control->kind),
                                      std::string(control->name), std::string(control->version),
                                      std::string(control->body)});
        }
    }
}

std::vector<AssignedTask> DutyDesk::assign(const std::vector<TrialTaskRecord>& records) const {
    std::vector<const TrialTaskRecord*> order;
    for (const auto& record : records) order.push_back(&record);
    std::stable_sort(order.begin(), order.end(),
                     [](const auto* a, const auto* b) { return a->at < b->at; });
    Assignment assignment(from_, to_);
    auto control = controls_.begin();
    for (const auto* record : order) {
        for (; control != controls_.end() && control->at <= record->at; ++control)
            assignment.control({control->kind, control->name, control->version, control->body});
        assignment.apply(*record);
    }
    return assignment.give();
}

}  // namespace vitalog::topology
