#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "schemas/events/clinical.h"

// How identifiers find their person, and how persons merge. Identity's own traffic stays on `subject`.

namespace vitalog::schemas {

/// The key of the one entity that holds the forest of merges.
inline constexpr std::string_view kMergesKey = "merges";

/// `subject`, key "merges": a hospital says that two identifiers are one person (A34, A40). The fields are the
/// message's: PID-3 survives, MRG-1 loses.
struct MergeRequest {
    static constexpr std::string_view kType = "vitalog.merge-request.v1";
    Identifier survivor;
    Identifier loser;
    std::string_view trigger;  ///< "ADT^A40"
    ZonedTime occurred;

    template <class V>
    void members(V& v) {
        v.required("survivor", survivor);
        v.required("loser", loser);
        v.required("trigger", trigger);
        v.required("occurred", occurred);
    }
};

/// `subject`, key `identifier`: a record of the person founded by `founder` names this identifier too. An
/// identifier without a person takes this one; one with another person reports an IdentityClash.
struct IdentityLink {
    static constexpr std::string_view kType = "vitalog.identity-link.v1";
    Identifier identifier;
    std::string_view founder;  ///< key of the identifier that founded the person
    Identifier named_by;       ///< primary identifier of the record
    bool directory = false;    ///< said by the directory: the only one that binds accounts

    template <class V>
    void members(V& v) {
        v.required("identifier", identifier);
        v.required("founder", founder);
        v.required("named_by", named_by);
        v("directory", directory);
    }
};

/// `subject`, key `founder`: `member` took the founder's person, and wants to hear what becomes of it.
struct IdentityJoined {
    static constexpr std::string_view kType = "vitalog.identity-joined.v1";
    std::string_view founder;
    std::string_view member;

    template <class V>
    void members(V& v) {
        v.required("founder", founder);
        v.required("member", member);
    }
};

/// `subject`, key: an identifier that a founder lists: its person is now the one founded by `founder`. News
/// travel by several ways; the highest `merge` is the last word.
struct IdentityNews {
    static constexpr std::string_view kType = "vitalog.identity-news.v1";
    std::string_view founder;
    std::int64_t merge = 0;  ///< number of the merge, as counted by "merges"

    template <class V>
    void members(V& v) {
        v.required("founder", founder);
        v.required("merge", merge);
    }
};

/// `subject`, key "merges": `identifier` has the person founded by `holder`, and a record says it has the
/// person founded by `claimant`.
struct IdentityClash {
    static constexpr std::string_view kType = "vitalog.identity-clash.v1";
    Identifier identifier;
    std::string_view holder;
    std::string_view claimant;
    Identifier named_by;
    bool trusted = false;  ///< a checked national ID, or an authority of site.linking: merges by itself

    template <class V>
    void members(V& v) {
        v.required("identifier", identifier);
        v.required("holder", holder);
        v.required("claimant", claimant);
        v.required("named_by", named_by);
        v("trusted", trusted);
    }
};

/// `subject`: a MergeRequest on its round to find out whose its identifiers are: key `loser`, then, with
/// `loser_founder` known, key `survivor`, then, with both known, key "merges", where it is judged.
struct MergeInquiry {
    static constexpr std::string_view kType = "vitalog.merge-inquiry.v1";
    MergeRequest request;
    std::string_view loser_founder;
    std::string_view survivor_founder;

    template <class V>
    void members(V& v) {
        v.required("request", request);
        v("loser_founder", loser_founder);
        v("survivor_founder", survivor_founder);
    }
};

/// `subject`, key `loser` and key `survivor`: the persons founded by these two identifiers are one from here on.
struct MergeOrder {
    static constexpr std::string_view kType = "vitalog.merge-order.v1";
    std::string_view survivor;
    std::string_view loser;
    std::int64_t merge = 0;  ///< counts the merges from 1

    template <class V>
    void members(V& v) {
        v.required("survivor", survivor);
        v.required("loser", loser);
        v.required("merge", merge);
    }
};

/// `person`, key `person`: two persons share an identifier that is not trusted to merge them; an operator
/// decides. Once per pair; settled when the two merge (PersonMerged).
struct PersonClash {
    static constexpr std::string_view kType = "vitalog.person-clash.v1";
    std::string_view person;  ///< the one that would survive
    std::string_view other;
    Identifier identifier;    ///< what they share
    Identifier named_by;      ///< primary identifier of the record that showed it

    template <class V>
    void members(V& v) {
        v.required("person", person);
        v.required("other", other);
        v.required("identifier", identifier);
        v.required("named_by", named_by);
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
