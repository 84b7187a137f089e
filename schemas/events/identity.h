#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "schemas/events/clinical.h"

// How identifiers find their person, and how persons merge. Identity's own traffic stays on `subject`.

namespace vitalog::schemas {

/// The key of the one entity that holds the forest of merges.
inline constexpr std::string_view kMergesKey = "merges";

/// `subject`, key "merges": a hospital says that two identifiers are one person (A34, A40), or two
/// identifiers turned out to be (a clash over a trusted authority).
struct MergeRequest {
    static constexpr std::string_view kType = "vitalog.merge-request.v1";
    Identifier survivor;
    Identifier loser;
    std::string_view trigger;  ///< "ADT^A40", or "link" for a clash
    ZonedTime occurred;

    template <class V>
    void members(V& v) {
        v.required("survivor", survivor);
        v.required("loser", loser);
        v.required("trigger", trigger);
        v.required("occurred", occurred);
    }
};

/// `person`: this identifier names this person (founded, linked, or after a merge). Views list it on the Patient.
struct PersonIdentified {
    static constexpr std::string_view kType = "vitalog.person-identified.v1";
    std::string_view person;
    Identifier identifier;

    template <class V>
    void members(V& v) {
        v.required("person", person);
        v.required("identifier", identifier);
    }
};

/// `person`, key loser and key survivor: two persons are one from here on.
struct PersonMerged {
    static constexpr std::string_view kType = "vitalog.person-merged.v1";
    std::string_view survivor;
    std::string_view loser;
    std::string_view reason;

    template <class V>
    void members(V& v) {
        v.required("survivor", survivor);
        v.required("loser", loser);
        v("reason", reason);
    }
};

/// `person`, key survivor: everything the loser's entity held (care's own state encoding, in base 64).
struct PersonMoved {
    static constexpr std::string_view kType = "vitalog.person-moved.v1";
    std::string_view survivor;
    std::string_view loser;
    std::string_view state;

    template <class V>
    void members(V& v) {
        v.required("survivor", survivor);
        v.required("loser", loser);
        v.required("state", state);
    }
};

}  // namespace vitalog::schemas
