#pragma once

#include <string>
#include <vector>

#include "schemas/topics.h"
#include "tests/simulation/sim_base.h"

namespace vitalog::simulation {

/// One thing that happens at a site from outside.
struct Event {
    enum class Kind : std::uint8_t {
        Message,   ///< HL7 at the listener
        Record,    ///< a feed record as an HTTP door appends it
        Decision,  ///< a doctor decides the `draw`-th task there is
        Setting,   ///< a setting is published
        Wait       ///< only time passes
    };
    Kind kind = Kind::Wait;
    LogTime at{};
    std::string what{};  ///< for the trace
    schemas::Topic topic = schemas::Topic::FeedHis;
    std::string key{};
    std::string value{};
    std::string format{};
    std::uint64_t draw = 0;
};

struct CourseOptions {
    int persons = 4;
    int inputs = 20;
    bool wearables = true;
    bool merges = true;
};

/// A small clinical course: persons with results that raise alerts, corrections, repeats, merges,
/// samples, decisions, and time that passes. The same seed and options give the same course.
std::vector<Event> make_course(std::uint64_t seed, const CourseOptions& options);

/// When every course begins.
LogTime course_start();

}  // namespace vitalog::simulation
