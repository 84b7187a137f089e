#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "schemas/clinical/encounter_state.h"
#include "schemas/json.h"
#include "tests/support/scenario_script.h"
#include "tests/support/scenario_site.h"

namespace vitalog::tests {

/// One output in the words of scenarios. Ids are left out: they name things, and say nothing to a
/// reader.
struct Output {
    std::string kind;   ///< alert, task, message, send, risk, dead-letter, result, identifier,
                        ///< merged, clash, ack
    std::string whose;  ///< patient, doctor or identifier
    std::vector<std::pair<std::string, std::string>> fields;
    bool consumed = false;

    std::string field(std::string_view name) const;
    bool has(std::string_view name) const;
    /// "alert patient=7 rule=aki ...", without empty fields.
    std::string text() const;
};

/// Whether an output says what the words of an `expect` line say. Times are compared as times,
/// numbers to the digits written, texts exactly, or by part where the word has "~".
bool matches(const Output& output, const Line& expected);
/// Malformed when a word names no field of this output.
Result<void> check_fields(const Output& output, const Line& expected);

/// What a run has put out so far, and what decisions and receipts need to know of it.
class Outputs {
  public:
    /// Takes records of one moment. Records of different patients or recipients have no order among
    /// them; they are listed by name, so that it does not matter in which partitions they were.
    /// Damaged: a record that is not its type.
    Result<void> add(std::vector<Seen> records);
    void add(Output output) { list_.push_back(std::move(output)); }

    std::vector<Output>& list() { return list_; }
    const std::vector<Output>& list() const { return list_; }

    struct TaskRef {
        std::string id;
        std::string patient;
        std::string rule;
        bool open = true;
    };
    /// The newest task of the patient (empty: of anybody) and rule (empty: any), open ones first.
    const TaskRef* task(std::string_view patient, std::string_view rule) const;

    struct SendRef {
        std::string recipient_id;
        std::string recipient;
        std::string intent;
        std::string attempt;
        std::string purpose;
    };
    /// The n-th attempt (from 1; 0: the newest) to a recipient for a purpose (empty: any).
    const SendRef* send(std::string_view recipient, std::string_view purpose, std::size_t n) const;

    /// The state of a visit, as the views fold it; nothing when nobody has it.
    std::optional<Output> encounter(std::string_view patient, std::string_view visit) const;
    /// What messages said last about a patient.
    std::optional<Output> patient(std::string_view patient) const;

    /// "7" for a person founded by HIS|7; "dr.li" for user:dr.li, "patient:7" for a person as a
    /// recipient.
    std::string name_of_person(std::string_view id) const;
    std::string name_of_recipient(std::string_view id) const;

  private:
    template <class Event>
    Result<Event> read(const Seen& record);
    Result<Output> output_of(const Seen& record);
    Result<Output> alert(const Seen& record);
    Result<Output> task(const Seen& record);
    Result<Output> judged_task(const Seen& record);
    Result<Output> message(const Seen& record);
    Result<Output> send(const Seen& record);
    Result<Output> risk(const Seen& record);
    Result<void> learn_name(const Seen& record);
    Result<Output> person_news(const Seen& record);
    Result<void> clinical(const Seen& record);
    void fold_patient(const std::string& person, const schemas::Patient& patient);
    std::string survivor(std::string person) const;

    schemas::Decoder decoder_;
    std::vector<Output> list_;
    std::map<std::string, std::string> names_;      ///< person id: name
    std::map<std::string, std::string> survivors_;  ///< loser's person id: survivor's
    std::map<std::string, std::string> purposes_;   ///< intent: purpose
    std::vector<TaskRef> tasks_;
    std::vector<SendRef> sends_;
    std::map<std::pair<std::string, std::int64_t>, Output> task_versions_;  ///< as shown
    std::map<std::pair<std::string, std::string>, schemas::EncounterHistory>
        encounters_;  ///< person, visit
    std::map<std::string, std::map<std::string, std::string>> demographics_;
};

}  // namespace vitalog::tests
