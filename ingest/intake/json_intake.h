#pragma once

#include "processors/processor.h"
#include "schemas/tables/tables.h"

namespace vitalog::ingest {

/// Reads the feeds that are JSON: directory, decisions, control records. Checks them and
/// passes them on where they belong. One thread.
class JsonIntake {
  public:
    explicit JsonIntake(const schemas::Tables& tables) : tables_(tables) {}

    /// A patient's line to `subject`; a team's line as a control record to `task` and
    /// `notification`, and a Contact for each of its members.
    Result<void> directory(const processors::Input& input, processors::Context& out);
    /// A doctor's decision, to `task`.
    Result<void> decision(const processors::Input& input, processors::Context& out);
    /// A control record, to every partition of `subject`, `person`, `task` and `notification`. It
    /// is refused when its body could not take force; it takes force in intake itself by
    /// on_control.
    Result<void> control(const processors::Input& input, processors::Context& out);

  private:
    using Handler = Result<void> (JsonIntake::*)(std::string_view, const processors::Input&,
                                                 processors::Context&);
    Result<void> each(const processors::Input& input, processors::Context& out, Handler handle);
    Result<void> directory_line(std::string_view json, const processors::Input&,
                                processors::Context& out);
    Result<void> patient_line(std::string_view json, processors::Context& out);
    Result<void> team_line(std::string_view json, processors::Context& out);
    Result<void> decision_line(std::string_view json, const processors::Input&,
                               processors::Context& out);
    Result<void> check_body(const schemas::Control& control);

    const schemas::Tables& tables_;
    schemas::Decoder decoder_;
    schemas::Decoder body_decoder_;  ///< for what a decoded record carries as text
};

}  // namespace vitalog::ingest
