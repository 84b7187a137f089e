// The simulated city: what it sends is valid, and the same for the same seed.

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "ingest/hl7/charset.h"
#include "ingest/hl7/message.h"
#include "schemas/base/national_id.h"
#include "topology/simulate/city.h"
#include "topology/simulate/hospital.h"
#include "topology/simulate/names.h"
#include "topology/simulate/traffic.h"
#include "topology/simulate/watches.h"

namespace vitalog::topology::simulate {
namespace {

constexpr std::uint64_t kSeed = 7;
const EventTime kStart(1'795'132'800'000'000);  // 2026-11-20T08:00:00+08:00

ingest::hl7::SiteZone shanghai() {
    return *ingest::hl7::SiteZone::named("Asia/Shanghai");
}

std::vector<std::string> messages_of(const City& city, std::size_t count,
                                     EventTime start = kStart) {
    Hospital hospital(city, start, shanghai());
    std::vector<std::string> messages;
    for (std::size_t i = 0; i < count; ++i)
        messages.push_back(hospital.next(start + std::chrono::seconds(i)));
    return messages;
}

/// All of them in UTF-8.
std::vector<std::string> decoded(const std::vector<std::string>& messages) {
    ingest::hl7::Decoder decoder;
    std::vector<std::string> texts;
    for (const auto& message : messages) {
        const auto text = decoder.decode(message);
        EXPECT_TRUE(text.has_value()) << text.error().message();
        if (!text) continue;
        EXPECT_EQ(text->charset, ingest::hl7::Charset::Gb18030);
        texts.emplace_back(text->text);
    }
    return texts;
}

std::size_t holding(const std::vector<std::string>& texts, std::string_view part) {
    return static_cast<std::size_t>(
        std::count_if(texts.begin(), texts.end(),
                      [&](const auto& text) { return text.find(part) != std::string::npos; }));
}

TEST(City, GivesValidNationalNumbersThatNobodySharesAndThatSaySexAndBirth) {
    const City city(kSeed, 40'000);
    std::set<std::string> seen;
    for (std::uint64_t i = 0; i < city.persons(); ++i) {
        const Person person = city.person(i);
        ASSERT_TRUE(is_national_id(person.national_id)) << person.national_id;
        EXPECT_EQ(national_id_birth_date(person.national_id), person.birth);
        EXPECT_EQ((person.national_id[16] - '0') % 2 == 1, person.male);
        EXPECT_TRUE(seen.insert(person.national_id).second) << person.national_id;
    }
}

TEST(City, DiffersByItsSeedAlone) {
    EXPECT_EQ(City(kSeed, 100).person(42).national_id, City(kSeed, 100'000).person(42).national_id);
    EXPECT_NE(City(kSeed, 100).person(42).national_id, City(kSeed + 1, 100).person(42).national_id);
}

TEST(City, LetsThreeOfFiveWearAWatch) {
    const City city(kSeed, 10);
    std::size_t watches = 0;
    for (std::uint64_t i = 0; i < city.persons(); ++i)
        if (!city.person(i).watch.empty()) ++watches;
    EXPECT_EQ(watches, 6U);
    EXPECT_EQ(city.wearers(), 6U);
    EXPECT_EQ(City(kSeed, 1).wearers(), 1U);
}

TEST(City, TellsTheDirectoryOfEverybodyOnce) {
    const City city(kSeed, 2'500);
    std::string all;
    std::size_t pieces = 0;
    for_each_directory_piece(city, [&](const std::string& lines) {
        all += lines;
        ++pieces;
    });
    EXPECT_EQ(pieces, 3U);
    EXPECT_EQ(std::count(all.begin(), all.end(), '\n'),
              2'500 + static_cast<int>(kDepartments.size()));
}

TEST(Names, AreSometimesOfCharactersWhoseBytesAreDelimiters) {
    ingest::hl7::Decoder decoder;
    Dice dice(kSeed, "test");
    std::map<char, int> delimiters;
    int four_bytes = 0;
    for (int i = 0; i < 5'000; ++i) {
        const Name name = name_of(dice, i % 2 == 0);
        ASSERT_FALSE(name.given.empty());
        const std::string bytes = decoder.encode(name.given, ingest::hl7::Charset::Gb18030);
        EXPECT_EQ(bytes.find('?'), std::string::npos) << name.given;
        for (const char c : std::string("\\|^"))
            if (bytes.find(c) != std::string::npos) ++delimiters[c];
        four_bytes += bytes.find_first_of("0123456789") != std::string::npos ? 1 : 0;
    }
    EXPECT_EQ(delimiters.size(), 3U);
    EXPECT_GT(four_bytes, 0);
}

TEST(Hospital, SendsTheSameBytesForTheSameSeedAndStart) {
    const City city(kSeed, 500);
    const auto once = messages_of(city, 2'000);
    EXPECT_EQ(once, messages_of(city, 2'000));
    EXPECT_NE(once, messages_of(City(kSeed + 1, 500), 2'000));
    EXPECT_NE(once, messages_of(city, 2'000, kStart + std::chrono::seconds(1)));
}

TEST(Hospital, WritesGb18030ThatParses) {
    const auto texts = decoded(messages_of(City(kSeed, 500), 2'000));
    ASSERT_EQ(texts.size(), 2'000U);
    for (const auto& text : texts) {
        ingest::hl7::Message message;
        ASSERT_TRUE(message.parse(text).has_value()) << text;
        EXPECT_FALSE(message.segment("PID").field(3).empty()) << text;
        EXPECT_EQ(text.find('?'), std::string::npos) << text;
    }
}

TEST(Hospital, RepeatsCorrectsAndMerges) {
    const auto messages = messages_of(City(kSeed, 500), 4'000);
    const auto texts = decoded(messages);
    std::map<std::string, int> times;
    for (const auto& message : messages) ++times[message];
    const auto twice =
        std::count_if(times.begin(), times.end(), [](const auto& one) { return one.second == 2; });
    EXPECT_GT(twice, 40);
    EXPECT_LT(twice, 160);
    EXPECT_GT(holding(texts, "||||C|||"), 10U);
    EXPECT_GT(holding(texts, "\rMRG|J"), 5U);
    EXPECT_GT(holding(texts, "||无名氏|"), 5U);
    EXPECT_GT(holding(texts, "PID|1||9400"), 5U);  // registered twice
}

TEST(Hospital, MergesOnlyANumberThatItGaveBefore) {
    const auto texts = decoded(messages_of(City(kSeed, 500), 4'000));
    std::string before;
    for (const auto& text : texts) {
        const std::size_t at = text.find("\rMRG|");
        if (at != std::string::npos) {
            const std::string number = text.substr(at + 5, text.find('^', at) - at - 5);
            EXPECT_NE(before.find("PID|1||" + number + "^"), std::string::npos) << number;
        }
        before += text;
    }
}

TEST(Hospital, HasACityOfOne) {
    EXPECT_EQ(messages_of(City(kSeed, 1), 200).size(), 200U);
}

TEST(Watches, GiveTheSameTurnToEveryAsker) {
    const City city(kSeed, 200);
    const Watches a(city, kStart, {10, 60});
    const Watches b(city, kStart, {10, 60});
    for (std::uint64_t n = 300; n-- > 0;) {
        const auto one = a.turn(n);
        const auto other = b.turn(n);
        ASSERT_EQ(one.size(), other.size());
        for (std::size_t i = 0; i < one.size(); ++i) {
            EXPECT_EQ(one[i].account, other[i].account);
            EXPECT_EQ(one[i].json, other[i].json);
        }
    }
}

TEST(Watches, TakeTurnsAndHoldNothingBackForGood) {
    const City city(kSeed, 200);
    const Watches watches(city, kStart, {10, 60});
    const std::uint64_t wearers = city.wearers();
    std::map<std::string, std::map<std::string, int>>
        batches;  // by account, then what and how often
    std::size_t late = 0;
    for (std::uint64_t n = 0; n < 50 * wearers; ++n) {
        const auto turn = watches.turn(n);
        for (const auto& batch : turn) ++batches[batch.account][batch.json];
        late += turn.size() > 1 && turn[0].json != turn.back().json ? 1 : 0;
    }
    EXPECT_EQ(batches.size(), wearers);
    std::size_t repeated = 0;
    for (const auto& [account, sent] : batches) {
        EXPECT_GE(sent.size(), 49U) << account;  // the last may be held back still
        for (const auto& [json, times] : sent) repeated += times == 2 ? 1 : 0;
    }
    EXPECT_GT(late, 0U);
    EXPECT_GT(repeated, 0U);
}

TEST(Watches, KeepSamplesOfShortTurnsAtMostOneASecond) {
    const City city(kSeed, 10);  // six wearers, twelve batches a second: a turn every half second
    const Watches watches(city, kStart, {12, 60});
    const auto turn = watches.turn(1'000);
    ASSERT_FALSE(turn.empty());
    std::size_t rates = 0;
    for (std::size_t at = 0; (at = turn[0].json.find("\"bpm\"", at)) != std::string::npos; ++at)
        ++rates;
    EXPECT_LE(rates, 1U);
}

}  // namespace
}  // namespace vitalog::topology::simulate
