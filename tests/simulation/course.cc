#include "tests/simulation/course.h"

#include <array>

#include "schemas/events/directory.h"
#include "schemas/json.h"

namespace vitalog::simulation {
namespace {

using schemas::Topic;

constexpr std::int64_t kMinute = 60'000'000;
constexpr std::int64_t kHour = 60 * kMinute;
constexpr std::int64_t kZoneMinutes = 480;

std::string hl7_time(LogTime at) {
    const std::int64_t seconds = at.micros() / 1'000'000 + kZoneMinutes * 60;
    const Date date = civil_from_days(seconds / 86'400);
    const std::int64_t second = seconds % 86'400;
    return fmt::format("{:04}{:02}{:02}{:02}{:02}{:02}", static_cast<int>(date.year),
                       static_cast<unsigned>(date.month), static_cast<unsigned>(date.day),
                       second / 3600, second / 60 % 60, second % 60);
}

std::string phone_of(int n) {
    return fmt::format("139{:08}", n);
}

class Maker {
  public:
    Maker(std::uint64_t seed, const CourseOptions& options)
        : random_(seed), options_(options), now_(course_start()) {}

    std::vector<Event> make() {
        directory();
        for (int i = 0; i < options_.inputs; ++i) {
            if (random_.chance(700)) pass(random_.between(1, 20) * kMinute);
            if (random_.chance(120)) pass(random_.between(1, 6) * kHour);
            one();
        }
        for (const std::int64_t wait : {36 * kMinute, kHour, 5 * kHour}) {
            pass(wait);
            add({.kind = Event::Kind::Wait, .what = "time passes"});
        }
        return std::move(events_);
    }

  private:
    struct Old {
        std::string bytes;
        std::string order;
        int person = 0;
    };

    void pass(std::int64_t micros) { now_ = now_ + std::chrono::microseconds(micros); }
    int anybody() {
        return static_cast<int>(random_.pick(static_cast<std::uint64_t>(options_.persons))) + 1;
    }

    void add(Event event) {
        event.at = now_;
        events_.push_back(std::move(event));
    }
    void add_record(Topic topic, std::string key, std::string value, std::string format,
                    std::string what) {
        add({.kind = Event::Kind::Record,
             .what = std::move(what),
             .topic = topic,
             .key = std::move(key),
             .value = std::move(value),
             .format = std::move(format)});
    }
    void message(std::string bytes, std::string what) {
        add({.kind = Event::Kind::Message, .what = std::move(what), .value = std::move(bytes)});
    }

    void directory() {
        schemas::TeamEntry team;
        team.team = "general";
        team.duty_doctor = "dr.li";
        team.duty_group = "dr.zhao";
        const std::array<std::string, 3> phones{"13800000001", "13800000002", "13800000003"};
        team.members_list.push_back({"dr.li", "Li", phones[0], {}});
        team.members_list.push_back({"dr.wang", "Wang", phones[1], {}});
        team.members_list.push_back({"dr.zhao", "Zhao", phones[2], {}});
        add_record(Topic::FeedDirectory, "general", schemas::encode(team), "json", "the team");
        for (int n = 1; n <= options_.persons; ++n) patient(n);
    }

    void patient(int n) {
        schemas::PatientEntry entry;
        const std::string key = fmt::format("HIS|{}", n);
        const std::string phone = phone_of(static_cast<int>(random_.between(1, 9)) * 100 + n);
        const std::string openid = fmt::format("oPatient{}", n);
        const std::string account = fmt::format("HUAWEI|w{}", n);
        entry.patient = key;
        entry.phone = phone;
        entry.openid = openid;
        entry.consent.emplace();
        if (random_.chance(800)) entry.consent->alert.push_back("sms");
        if (random_.chance(600)) entry.consent->alert.push_back("wechat");
        if (options_.wearables) entry.accounts.push_back(account);
        if (random_.chance(200)) entry.quiet = schemas::Quiet{"22:00", "07:00"};
        add_record(Topic::FeedDirectory, key, schemas::encode(entry), "json",
                   fmt::format("the line of patient {}", n));
    }

    std::string head(std::string_view type, const std::string& id) const {
        return fmt::format("MSH|^~\\&|LIS|HIS|VITALOG|SITE|{}||{}|{}|P|2.5\r", hl7_time(now_), type,
                           id);
    }
    std::string next_id() { return fmt::format("M{}", ++last_id_); }
    std::string pid(int n) {
        std::string also;
        if (random_.chance(150)) also = fmt::format("~C{}^^^CARD^MR", n);
        return fmt::format("PID|1||{}^^^HIS^MR{}||Name{}||19{:02}0101|{}\r", n, also, n, 40 + n,
                           n % 2 == 0 ? "F" : "M");
    }
    struct Value {
        std::string_view loinc, name;
        std::string value;
        std::string_view unit;
    };
    std::string result(int n, const std::string& order, const std::vector<Value>& values,
                       std::string_view status, LogTime taken) {
        std::string text = head("ORU^R01", next_id()) + pid(n);
        text += fmt::format("OBR|1||{}|LAB^Panel^L|||{}\r", order, hl7_time(taken));
        int i = 0;
        for (const Value& v : values)
            text += fmt::format("OBX|{}|{}|{}^{}^LN||{}|{}||||{}|{}|||{}\r", ++i,
                                v.unit.empty() ? "ST" : "NM", v.loinc, v.name, v.value, v.unit, "",
                                status, hl7_time(taken));
        return text;
    }
    void creatinine(int n) {
        static constexpr std::array<int, 7> kValues{70, 80, 90, 140, 190, 260, 400};
        const int value = kValues[random_.pick(kValues.size())];
        send_result(n, {{"14682-9", "creatinine", std::to_string(value), "umol/L"}},
                    fmt::format("creatinine {} of {}", value, n));
    }
    void potassium(int n) {
        static constexpr std::array<std::string_view, 6> kValues{"2.5", "3.9", "4.4",
                                                                 "5.5", "6.8", "7.4"};
        const auto value = kValues[random_.pick(kValues.size())];
        send_result(n, {{"2823-3", "potassium", std::string(value), "mmol/L"}},
                    fmt::format("potassium {} of {}", value, n));
    }
    void vitals(int n) {
        const bool ill = random_.chance(400);
        const auto number = [&](std::int64_t well, std::int64_t bad) {
            return std::to_string((ill ? bad : well) + random_.between(-1, 1));
        };
        send_result(n,
                    {{"9279-1", "rate", number(16, 24), "/min"},
                     {"59408-5", "saturation", number(97, 91), "%"},
                     {"8480-6", "systolic", number(120, 95), "mmHg"},
                     {"8867-4", "pulse", number(70, 115), "/min"},
                     {"8310-5", "temperature", ill ? "38.9" : "36.8", "Cel"},
                     {"67775-7", "consciousness", "Alert", ""}},
                    fmt::format("vital signs of {}{}", n, ill ? ", ill" : ""));
    }
    void send_result(int n, const std::vector<Value>& values, std::string what) {
        const std::string order = fmt::format("R{}", ++last_order_);
        const LogTime taken =
            random_.chance(200) ? now_ - std::chrono::microseconds(random_.between(1, 90) * kMinute)
                                : now_;
        std::string bytes = result(n, order, values, "F", taken);
        old_.push_back({bytes, order, n});
        if (random_.chance(100)) {  // its turn comes after what follows it
            held_back_ = std::move(bytes);
            return;
        }
        message(std::move(bytes), std::move(what));
        if (held_back_.empty()) return;
        message(std::move(held_back_), "the result before that, late");
        held_back_.clear();
    }
    void again() {
        if (old_.empty()) return creatinine(anybody());
        const Old& old = old_[random_.pick(old_.size())];
        std::string bytes = old.bytes;
        if (random_.chance(400)) {  // under another message id
            std::size_t begin = 0;
            for (int field = 1; field < 10; ++field) begin = bytes.find('|', begin) + 1;
            bytes.replace(begin, bytes.find('|', begin) - begin, next_id());
        }
        message(std::move(bytes), fmt::format("{} once more", old.order));
    }
    void correct() {
        if (old_.empty()) return potassium(anybody());
        const Old& old = old_[random_.pick(old_.size())];
        const std::string value = std::to_string(random_.between(60, 300));
        message(result(old.person, old.order, {{"14682-9", "creatinine", value, "umol/L"}},
                       random_.chance(700) ? "C" : "D", now_),
                fmt::format("a correction of {}", old.order));
    }
    void samples(int n) {
        if (!options_.wearables) return vitals(n);
        const bool pulse = random_.chance(500);
        const std::int64_t count = random_.between(2, 12);
        std::string text = "[";
        for (std::int64_t i = 0; i < count; ++i) {
            const LogTime at = now_ - std::chrono::microseconds((count - i) * 20'000'000);
            const ZonedTime time{at.as<EventTime>(), kZoneMinutes, Precision::Second};
            const std::int64_t value = pulse ? random_.between(60, 150) : random_.between(84, 99);
            text += fmt::format(
                R"({}{{"header":{{"id":"s{}","creation_date_time":"{}","schema_id":{{"namespace":"omh","name":"{}","version":"1.0"}},"user_id":"HUAWEI|w{}","acquisition_provenance":{{"source_name":"watch"}}}},"body":{{"{}":{{"value":{},"unit":"{}"}},"effective_time_frame":{{"date_time":"{}"}}}}}})",
                i > 0 ? "," : "", ++last_sample_, to_string(time),
                pulse ? "heart-rate" : "oxygen-saturation", n,
                pulse ? "heart_rate" : "oxygen_saturation", value, pulse ? "beats/min" : "%",
                to_string(time));
        }
        add_record(Topic::FeedWearable, fmt::format("HUAWEI|w{}", n), text + "]", "open-mhealth",
                   fmt::format("{} samples of {}", count, n));
    }
    void merge() {
        const int survivor = anybody();
        const int loser = anybody();
        message(head("ADT^A40", next_id()) + fmt::format("EVN||{}\r", hl7_time(now_)) +
                    pid(survivor) + fmt::format("MRG|{}^^^HIS^MR\r", loser),
                fmt::format("{} becomes {}", loser, survivor));
    }
    void visit(int n) {
        static constexpr std::array<std::string_view, 3> kTypes{"ADT^A01", "ADT^A02", "ADT^A03"};
        const auto type = kTypes[random_.pick(kTypes.size())];
        message(head(type, next_id()) + fmt::format("EVN||{}\r", hl7_time(now_)) + pid(n) +
                    fmt::format("PV1|1|I|W{}||||||||||||||||V{}\r", random_.pick(3), n),
                fmt::format("{} of {}", type, n));
    }
    void death(int n) {
        message(
            head("ADT^A08", next_id()) + fmt::format("EVN||{}\r", hl7_time(now_)) +
                fmt::format("PID|1||{}^^^HIS^MR||Name{}||19{:02}0101|M|||||||||||||||||||||{}|Y\r",
                            n, n, 40 + n, hl7_time(now_)),
            fmt::format("{} dies", n));
    }
    void broken(int n) {
        message(result(n, fmt::format("R{}", ++last_order_),
                       {{"2823-3", "potassium", "much", "mmol/L"},
                        {"2951-2", "sodium", "165", "mmol/L"}},
                       "F", now_),
                "a value that is no number, beside one that is");
    }
    void setting() {
        add({.kind = Event::Kind::Setting,
             .what = "desk.deadline is changed",
             .key = "desk.deadline",
             .value = random_.chance(500) ? "30m" : "90m"});
    }
    void decision() {
        add({.kind = Event::Kind::Decision, .what = "a doctor decides", .draw = random_.next()});
    }
    void one() {
        const int n = anybody();
        const std::uint64_t kind = random_.pick(100);
        if (kind < 18) return creatinine(n);
        if (kind < 32) return potassium(n);
        if (kind < 44) return vitals(n);
        if (kind < 52) return samples(n);
        if (kind < 59) return again();
        if (kind < 65) return correct();
        if (kind < 82) return decision();
        if (kind < 86) return options_.merges ? merge() : creatinine(n);
        if (kind < 90) return visit(n);
        if (kind < 91) return death(n);
        if (kind < 94) return patient(n);
        if (kind < 97) return broken(n);
        setting();
    }

    Random random_;
    const CourseOptions options_;
    LogTime now_;
    std::vector<Event> events_;
    std::vector<Old> old_;
    std::string held_back_;
    int last_id_ = 0;
    int last_order_ = 0;
    int last_sample_ = 0;
};

}  // namespace

std::vector<Event> make_course(std::uint64_t seed, const CourseOptions& options) {
    return Maker(seed, options).make();
}

LogTime course_start() {
    return LogTime(days_from_civil(2026, 3, 2) * 24 * kHour);  // a Monday, 08:00 in Shanghai
}

}  // namespace vitalog::simulation
