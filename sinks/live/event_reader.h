#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/base/ports.h"
#include "schemas/json.h"
#include "schemas/topics.h"
#include "sinks/views/view_reader.h"

namespace vitalog::sinks::live {

/// One record of a live topic as its readers get it.
struct LiveEvent {
    Offset offset;
    std::string_view kind;           ///< alert, task, message
    std::string person;              ///< empty: of a notice whose task is gone
    std::vector<std::string> teams;  ///< whose business it is: also the team a task leaves
    std::string data;                ///< the JSON object
};

/// Makes events of records. What an alert or a message does not say itself, the team and the
/// patient, is looked up in the views, which show a record before it becomes an event. One thread.
class EventReader {
  public:
    EventReader(const views::ViewReader& views, std::string default_team)
        : views_(views), default_team_(std::move(default_team)) {}

    /// Nothing for a record that is no news: the answer to a decision that changed no task.
    Result<std::vector<LiveEvent>> read(schemas::Topic topic,
                                        const std::vector<RecordView>& records);

  private:
    Result<bool> alert(const RecordView& record, LiveEvent& event);
    Result<bool> task(const RecordView& record, LiveEvent& event);
    Result<bool> message(const RecordView& record, LiveEvent& event);
    Result<std::string> team_of_task(std::string_view task, std::string* person);
    Result<std::string> team_of_person(const std::string& person);
    Result<void> add_former_team(std::string_view task, std::int64_t version, LiveEvent& event);

    const views::ViewReader& views_;
    const std::string default_team_;
    schemas::Decoder decoder_;
    schemas::Decoder rows_;  // of what the views hold
};

}  // namespace vitalog::sinks::live
