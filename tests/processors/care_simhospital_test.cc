#include <algorithm>
#include <map>
#include <sstream>

#include "tests/processors/care_fixture.h"

// The creatinine courses of the real file, read without any of our decoders, and the stage that
// each result demands, by a second, straight implementation of the published algorithm over
// calendar-free arithmetic on doubles.

namespace vitalog::tests {
namespace {

constexpr double kDay = 86400.0;

struct Value {
    double seconds;
    double creatinine;
    double upper;
    std::string comparator;
};
struct Patient {
    std::string birth;  ///< as in the file
    std::string sex;
    std::vector<Value> values;  ///< in the order of the file
};

std::vector<std::string> split(const std::string& text, char by) {
    std::vector<std::string> parts;
    std::stringstream stream(text);
    for (std::string part; std::getline(stream, part, by);) parts.push_back(part);
    parts.resize(std::max<std::size_t>(parts.size(), 32));
    return parts;
}

double seconds_of(const std::string& hl7) {  // YYYYMMDDHHMMSS
    const auto number = [&](std::size_t at, std::size_t size) {
        return std::stoi(hl7.substr(at, size));
    };
    return kDay * static_cast<double>(days_from_civil(number(0, 4),
                                                      static_cast<unsigned>(number(4, 2)),
                                                      static_cast<unsigned>(number(6, 2)))) +
           3600.0 * number(8, 2) + 60.0 * number(10, 2) + number(12, 2);
}

std::string date_of(const std::string& hl7) {
    return hl7.substr(0, 4) + "-" + hl7.substr(4, 2) + "-" + hl7.substr(6, 2);
}

std::map<std::string, Patient> read_file() {
    std::ifstream file(VITALOG_SOURCE_DIR "/tests/data/hl7/simhospital.hl7", std::ios::binary);
    std::string bytes{std::istreambuf_iterator<char>(file), {}};
    std::replace(bytes.begin(), bytes.end(), '\r', '\n');
    std::map<std::string, Patient> patients;
    Patient* current = nullptr;
    std::stringstream lines(bytes);
    for (std::string line; std::getline(lines, line);) {
        const auto fields = split(line, '|');
        if (fields[0] == "PID") {
            auto& patient = patients[split(fields[3], '^')[0] + " " + split(fields[5], '^')[1]];
            patient.birth = fields[7];
            patient.sex = fields[8] == "F" ? "female" : "male";
            current = &patient;
        } else if (fields[0] == "OBX" && current != nullptr &&
                   fields[3].find("^Creatinine^") != std::string::npos && !fields[5].empty()) {
            const std::string comparator =
                fields[5].front() == '<' ? "<"
                                         : "";  // taken at its bound: the least that is certain
            current->values.push_back(
                {seconds_of(fields[14]), std::stod(fields[5].substr(comparator.size())),
                 std::stod(fields[7].substr(fields[7].rfind(' '))), comparator});
        }
    }
    return patients;
}

/// The stage of the latest result, by the text of the alert.
std::string demanded(const Patient& patient) {
    auto values = patient.values;
    std::stable_sort(values.begin(), values.end(),
                     [](const Value& a, const Value& b) { return a.seconds < b.seconds; });
    const Value now = values.back();
    double week = 1e9;
    double two_days = 1e9;
    std::vector<double> year;
    for (const auto& v : values) {
        const double days = (now.seconds - v.seconds) / kDay;
        if (days <= 0 || days >= 366) continue;
        if (days < 8)
            week = std::min(week, v.creatinine);
        else
            year.push_back(v.creatinine);
        if (days <= 2) two_days = std::min(two_days, v.creatinine);
    }
    double ratio = week < 1e9 ? now.creatinine / week : 0;
    std::sort(year.begin(), year.end());
    if (!year.empty())
        ratio = std::max(
            ratio, now.creatinine / ((year[(year.size() - 1) / 2] + year[year.size() / 2]) / 2));
    const bool child = now.seconds - seconds_of(patient.birth) < 18 * 365.25 * kDay;
    if (child && now.creatinine > 3 * now.upper) return "3";
    if (week > 1e8 && year.empty()) return now.creatinine > now.upper ? "?AKI" : "0";
    if (ratio >= 3 || (ratio >= 1.5 && !child && now.creatinine > 354)) return "3";
    if (ratio >= 1.5) return ratio >= 2 ? "2" : "1";
    return now.creatinine - two_days > 26 ? "1" : "0";
}

class RealFile : public CareTest {};

TEST_F(RealFile, EveryPatientEndsWithTheStageTheirCourseDemands) {
    const auto patients = read_file();
    std::map<std::string, int> stages;
    int scenarios = 0;
    for (const auto& [name, patient] : patients) {
        if (patient.values.empty()) continue;
        driver.take();
        person = id_of(name);
        std::string newest;
        double latest = -1;
        for (std::size_t i = 0; i < patient.values.size(); ++i) {
            const auto& v = patient.values[i];
            const std::string lab = name + std::to_string(i);
            ASSERT_TRUE(results({{.name = lab,
                                  .value = v.creatinine,
                                  .at = EventTime(static_cast<std::int64_t>(v.seconds * 1e6)),
                                  .comparator = v.comparator,
                                  .high = v.upper}},
                                date_of(patient.birth), patient.sex));
            if (v.seconds > latest) newest = lab;
            latest = std::max(latest, v.seconds);
        }
        EXPECT_EQ(aki_band(newest), demanded(patient)) << name;
        if (name.find("AKI Scenario") == std::string::npos) continue;
        ++scenarios;
        ++stages[aki_band(newest)];
    }
    EXPECT_EQ(scenarios, 55);
    EXPECT_GT(stages["1"], 0);
    EXPECT_GT(stages["2"], 0);
    EXPECT_GT(stages["3"], 0);
}

}  // namespace
}  // namespace vitalog::tests
