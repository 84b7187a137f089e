#pragma once

#include <array>
#include <cstddef>
#include <string_view>

// Defects that the simulation plants to see that it finds them. In the product planted() is false
// at compile time: nothing of this is in it. The simulation compiles the sources concerned once
// more, with VITALOG_PLANTED.

namespace vitalog {

struct PlantedDefect {
    std::string_view name;
    std::string_view what;
};

/// All there are: planted() takes a name of this list, or does not compile.
inline constexpr auto kDefects = std::to_array<PlantedDefect>({
    // The runtime
    {"skip-position-check", "a record older than its entity is applied again"},
    {"unmute-one-early", "recovery shows the last output that is in the log already"},
    {"mute-one-more", "recovery swallows the first output that is not"},
    {"recover-from-committed", "recovery begins where outputs end, not at the checkpoint"},
    {"commit-again-when-unknown", "a commit of unknown outcome is sent once more"},
    {"forget-aborted-commit", "an aborted commit is taken for made"},
    {"input-before-controls", "intake goes on though feed.control was not read to its end"},
    {"stop-at-a-gap", "offsets without a record are not passed"},
    {"wait-for-the-old-time", "a clock that was set back holds commits until it shows the old time"},
    {"begin-anew-behind-a-loss", "what retention dropped unread is passed over"},
    {"ask-the-clock", "what a timer causes is named by the time at which it is applied"},
    {"forget-superseded-control", "a control goes before the checkpoint has passed the next one"},
    {"restore-newest-controls", "recovery begins with controls that come later"},
    // The entity store
    {"checkpoint-past-dirty", "the checkpoint passes what the stored state lacks"},
    {"evict-unflushed", "what must leave memory is not stored first"},
    {"drop-timers-at-eviction", "what leaves memory is stored without its timers"},
    {"stale-position", "an entity that is dirty keeps the position of its first change"},
    {"stale-timer-index", "index entries of timers that moved stay"},
    {"never-evict", "the budget of memory is not kept"},
    // Processors
    {"store-less", "an entity's stored form lacks a member"},
    {"raise-beside-open", "an episode is raised although one of its rule is open"},
    {"intent-twice", "the message of an episode is asked for twice"},
    {"send-again-when-unknown", "no answer is taken for \"not sent\""},
    // Sending
    {"send-before-sync", "a message is sent before what it rests on is on disk"},
    {"send-before-position", "a message is sent before the place it was taken from is stored"},
    {"send-again-after-restart", "what was taken and not reported is sent by the next process"},
    {"send-off-duty", "who sends does not look whether it still is its to send"},
    {"believe-first-denial", "a provider whose books trail is believed at once"},
    {"stop-at-silence", "a start that reads nothing takes it for the end of what was taken"},
    // The log on a disk
    {"ack-before-sync", "an append is answered before it is on disk"},
    {"drop-before-sync", "a checkpoint that is not on disk lets retention drop what is before it"},
    {"believe-failed-sync", "a failed fsync is passed over"},
    {"believe-failed-write", "a write that did not fit on the disk is passed over"},
    {"believe-damaged-state", "checksums of stored state are not compared"},
    {"believe-damaged-records", "checksums of records are not compared"},
    {"forget-repeats", "a message that comes once more is taken for a new one"},
    // The simulated cluster: that its ways matter
    {"log-without-fencing", "the cluster takes the positions of a process that lost the shard"},
    {"log-opens-undecided", "a shard is opened while a transaction of it may still be committed"},
    {"read-unreplicated", "what a leader has alone can be read"},
    {"ack-before-replicas", "an append is answered when the leader alone has it"},
});

/// One of kDefects.
class Defect {
  public:
    consteval Defect(const char* name) : index_(index_of(name)) {}
    std::size_t index() const { return index_; }

  private:
    static consteval std::size_t index_of(std::string_view name) {
        for (std::size_t i = 0; i < kDefects.size(); ++i)
            if (kDefects[i].name == name) return i;
        throw "kDefects has no defect of that name";
    }
    std::size_t index_;
};

#ifdef VITALOG_PLANTED
/// Which defect this program has, by its place in kDefects; set by the simulation.
inline constexpr std::size_t kNoDefect = kDefects.size();
extern std::size_t planted_defect;
static inline bool planted(Defect defect) {
    return planted_defect == defect.index();
}
#else
static constexpr bool planted(Defect /*defect*/) {
    return false;
}
#endif

}  // namespace vitalog
