#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "schemas/events/clinical.h"

// The directory: who belongs to which team, and how people are reached. The JSON of POST /directory itself.

namespace vitalog::schemas {

/// Channels a person agreed to, per purpose, in order of preference.
struct Consent {
    std::vector<std::string_view> alert;
    std::vector<std::string_view> reminder;

    template <class V>
    void members(V& v) {
        v("alert", alert);
        v("reminder", reminder);
    }
};

/// Quiet hours in the recipient's zone, "22:00" to "07:00".
struct Quiet {
    std::string_view from;
    std::string_view to;

    template <class V>
    void members(V& v) {
        v.required("from", from);
        v.required("to", to);
    }
};

/// The numbers between which an episode ends.
struct ClearEntry {
    std::optional<double> low;
    std::optional<double> high;

    template <class V>
    void members(V& v) {
        v("low", low);
        v("high", high);
    }
};

/// Limits of one rule that hold for one person in place of the rule's own.
struct LimitEntry {
    std::string_view rule;
    std::optional<double> low;   ///< at or below raises
    std::optional<double> high;  ///< at or above raises
    std::optional<ClearEntry> clear = {};  ///< absent: as far from the limits as in the rule

    template <class V>
    void members(V& v) {
        v.required("rule", rule);
        v("low", low);
        v("high", high);
        v("clear", clear);
    }
};

/// One patient's line of the directory. On `subject` (key: the patient's identifier) as received.
struct PatientEntry {
    static constexpr std::string_view kType = "vitalog.patient-entry.v1";
    std::string_view patient;  ///< "AUTHORITY|ID"
    std::string_view team;
    std::string_view phone;
    std::string_view openid;
    std::vector<std::string_view> accounts;  ///< "AUTHORITY|ID" of wearable accounts
    std::string_view zone;                   ///< IANA name
    std::optional<Consent> consent;
    std::optional<Quiet> quiet;
    std::optional<int> spo2_scale = {};  ///< NEWS2's oxygen saturation scale, 1 or 2: 2 by prescription, from now on
    std::optional<std::vector<LimitEntry>> limits = {};  ///< replace all that were set; absent: they stay

    template <class V>
    void members(V& v) {
        v.required("patient", patient);
        v("team", team);
        v("phone", phone);
        v("openid", openid);
        v("accounts", accounts);
        v("zone", zone);
        v("consent", consent);
        v("quiet", quiet);
        v("spo2_scale", spo2_scale);
        v("limits", limits);
    }
};

/// `person`: a patient's line once the person is known.
struct PersonBinding {
    static constexpr std::string_view kType = "vitalog.person-binding.v1";
    std::string_view person;
    PatientEntry entry;

    template <class V>
    void members(V& v) {
        v.required("person", person);
        v.required("entry", entry);
    }
};

struct TeamMember {
    std::string_view user;
    std::string_view name;
    std::string_view phone;
    std::string_view openid;

    template <class V>
    void members(V& v) {
        v.required("user", user);
        v("name", name);
        v("phone", phone);
        v("openid", openid);
    }
};

/// Who is on duty at which hours, on the site's clock. One that ends at or before its beginning goes on past midnight and
/// belongs to the day it begins.
struct TeamShift {
    std::string_view from;  ///< "08:00"
    std::string_view to;    ///< "20:00"; the shift does not hold this minute
    std::vector<std::string_view> days;  ///< "mon" to "sun"; empty: every day
    std::string_view doctor;  ///< a user
    std::string_view group;   ///< a user, or the name of a team: all its members

    template <class V>
    void members(V& v) {
        v.required("from", from);
        v.required("to", to);
        v("days", days);
        v("doctor", doctor);
        v("group", group);
    }
};

/// One team's line of the directory. Travels as a control record of kind "team" to every partition of `task` and
/// `notification` (law 2: rosters are control records).
struct TeamEntry {
    static constexpr std::string_view kControlKind = "team";
    std::string_view team;
    std::string_view name;
    std::vector<TeamMember> members_list;
    std::string_view robot;  ///< a WeCom group robot of the configuration, where the team's notices go
    std::string_view duty_doctor;  ///< a user; where no shift names one
    std::string_view duty_group;   ///< a user, or the name of a team: all its members; where no shift names one
    std::vector<TeamShift> shifts = {};  ///< the first that holds the hour counts

    template <class V>
    void members(V& v) {
        v.required("team", team);
        v("name", name);
        v("members", members_list);
        v("robot", robot);
        v("duty_doctor", duty_doctor);
        v("duty_group", duty_group);
        v("shifts", shifts);
    }
};

}  // namespace vitalog::schemas
