#pragma once

#include <array>
#include <cstdint>
#include <string_view>

// Defects that the simulation plants to see that it finds them. In the product planted() is false
// at compile time: nothing of this is in it. The simulation compiles the sources concerned once
// more, with VITALOG_PLANTED.

namespace vitalog {

enum class Defect : std::uint8_t {
    None,
    SkipPositionCheck,        ///< a record older than its entity is applied again
    UnmuteOneEarly,           ///< recovery shows the last output that is in the log already
    MuteOneMore,              ///< recovery swallows the first output that is not
    RecoverFromCommitted,     ///< recovery begins where outputs end, not at the checkpoint
    CommitAgainWhenUnknown,   ///< a commit of unknown outcome is sent once more
    ForgetAbortedCommit,      ///< an aborted commit is taken for made
    InputBeforeControls,      ///< intake goes on though feed.control was not read to its end
    CheckpointPastDirty,      ///< the checkpoint passes what the stored state lacks
    EvictUnflushed,           ///< what must leave memory is not stored first
    DropTimersAtEviction,     ///< what leaves memory is stored without its timers
    StalePosition,            ///< an entity that is dirty keeps the position of its first change
    StaleTimerIndex,          ///< index entries of timers that moved stay
    NeverEvict,               ///< the budget of memory is not kept
    ForgetSupersededControl,  ///< a control goes before the checkpoint has passed the next one
    RestoreNewestControls,    ///< recovery begins with controls that come later
    SendBeforePosition,       ///< a message is sent before the place it was taken from is stored
    SendAgainAfterRestart,    ///< what was taken and not reported is sent by the next process
    BelieveFirstDenial,       ///< a provider whose books trail is believed at once
    SendAgainWhenUnknown,     ///< no answer is taken for "not sent"
    StoreLess,                ///< an entity's stored form lacks a member
};

inline constexpr std::array<std::string_view, 21> kDefectNames{
    "none",
    "skip-position-check",
    "unmute-one-early",
    "mute-one-more",
    "recover-from-committed",
    "commit-again-when-unknown",
    "forget-aborted-commit",
    "input-before-controls",
    "checkpoint-past-dirty",
    "evict-unflushed",
    "drop-timers-at-eviction",
    "stale-position",
    "stale-timer-index",
    "never-evict",
    "forget-superseded-control",
    "restore-newest-controls",
    "send-before-position",
    "send-again-after-restart",
    "believe-first-denial",
    "send-again-when-unknown",
    "store-less",
};

#ifdef VITALOG_PLANTED
/// Which defect this program has; set by the simulation.
extern Defect planted_defect;
static inline bool planted(Defect defect) {
    return planted_defect == defect;
}
#else
static constexpr bool planted(Defect /*defect*/) {
    return false;
}
#endif

}  // namespace vitalog
