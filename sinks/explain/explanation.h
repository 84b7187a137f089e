#pragma once

#include <string>
#include <vector>

#include "schemas/base/ports.h"
#include "schemas/topic_names.h"
#include "sinks/views/view_reader.h"

namespace vitalog::sinks::explain {

/// Why an alert was raised and what came of it, as JSON:
///
///     {"alert","patient","problem","priority","state","since","retrospective","basis","complete",
///      "rule":{"id","version","pack","text","limits","records"},
///      "history":[{"revision","state","priority","occurred","reason","records"}],
///      "inputs":[{"observation","name","value","unit","effective","low","high","trend","source","records"}],
///      "indices":[{"method","version","status","value","unit","band","missing","detail","records"}],
///      "task":{"id","team","owner","status","opened","timers":[{"name","due","struck"}],
///              "notes":[{"at","what","by"}],"history":[{"version","status","owner","answer",
///              "message","records"}],"records"},
///      "messages":[{"intent","recipient","purpose","channel","state","reason","created","records"}],
///      "not_told":["why nobody, or somebody, was not told"]}
///
/// `records` are the places that prove the line, "topic/partition/offset": the record itself, then
/// the feed record at its root. `basis` is "recorded": what the log says is shown, and not decided
/// again. `complete` is false where a record was not found: it is no longer
/// kept, or lies beyond what one search reads.
struct Explanation {
    std::string json;
    std::vector<std::string> persons;  ///< whose data it tells
};

class Explainer {
  public:
    struct Ports {
        const views::ViewReader& views;
        const RecordSource& source;
        const schemas::TopicNames& topics;
        Generation generation;
    };
    explicit Explainer(Ports ports) : ports_(ports) {}

    /// NotFound. Reads the views and the topics; takes as long as that.
    Result<Explanation> explain(const std::string& alert) const;

  private:
    const Ports ports_;
};

}  // namespace vitalog::sinks::explain
