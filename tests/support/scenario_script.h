#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/base/result.h"
#include "schemas/base/time.h"

namespace vitalog::tests {

// A scenario is a text file: what came in when, and what had to come of it. Grammar, line by line:
//
//     line    = comment | setting | input | more | wait | crash | expect | nothing
//     comment = "#" text                                    the first one says what is promised
//     setting = "setting" key value                         before the first input: the site's
//     configuration input   = time "in" kind { word }                     something arrives at that
//     time more    = "and" kind { word }                         arrives with the input before it,
//     before
//                                                           anything of that was worked on
//     wait    = time "wait"                                 nothing arrives; due timers fire
//     crash   = "crash"                                     kill -9, and a start over what is on
//     disk expect  = "expect" kind { word }                      the next output of that kind looks
//     so nothing = "expect" "nothing" { kind }                 no output of these kinds is left
//     time    = [ "day" N ] HH:MM[:SS]                      on the clock of the site; day 1 is a
//     Monday.
//                                                           Without "day": the day of the line
//                                                           before
//     word    = name ( "=" | "~" ) value | value            "~": contains. A value with blanks is
//     quoted block   = line "<<EOF", lines, "EOF"                  a whole file or message as the
//     last word
//
// tests/scenarios/README.md lists the kinds of inputs and outputs.

/// One word of a line: `name=value`, `name~value`, or a bare value without name.
struct Word {
    std::string name;
    std::string value;
    bool contains = false;  ///< "~"
};

enum class Verb : std::uint8_t { Setting, Input, More, Wait, Crash, Expect, Nothing };

/// One line of a script. Times are on the site's clock; see SiteTime.
struct Line {
    int number = 0;
    Verb verb = Verb::Input;
    ReceivedTime at;  ///< of the line, or of the last one that had a time
    std::string kind;
    std::vector<Word> words;
    std::string block;
    std::string text;  ///< as written, for messages

    const Word* find(std::string_view name) const;
    /// The value of a named word; `otherwise` where there is none.
    std::string value(std::string_view name, std::string_view otherwise = {}) const;
    /// The n-th word without a name, from 0; empty where there is none.
    std::string bare(std::size_t n) const;
};

struct Script {
    std::string promise;
    std::vector<Line> lines;

    /// Malformed: "line N: what is wrong with it".
    static Result<Script> parse(std::string_view text);
};

/// The calendar of scenarios: Asia/Shanghai, day 1 is Monday 2026-03-02.
namespace site_time {
inline constexpr int kOffsetMinutes = 480;

/// Reads "08:00", "08:00:05", "day 3 08:00" and "-80h", "+5m" (from `from`). Malformed otherwise.
Result<ReceivedTime> parse(std::string_view text, ReceivedTime from);
/// "day 3 08:00", with seconds and micros only where they are not zero.
std::string text(std::int64_t micros);
/// YYYYMMDDHHMMSS on the site's clock, as HL7 writes it.
std::string hl7(ReceivedTime at);
/// 08:00 of day 1.
ReceivedTime start();
}  // namespace site_time

}  // namespace vitalog::tests
