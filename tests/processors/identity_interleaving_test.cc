#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "schemas/events/directory.h"
#include "schemas/events/identity.h"
#include "tests/support/subject_net.h"

// Random stories of records, links and merges, each told over different numbers of partitions and
// in different interleavings of everything under way. What they must end with follows from the
// story alone.

namespace vitalog {
namespace {

using processors::identity::person_founded_by;
using schemas::Identifier;
using tests::SubjectNet;

constexpr std::uint64_t kStories = 200;
constexpr std::uint32_t kPartitionCounts[] = {1, 2, 3, 7};
constexpr std::uint32_t kWorkers = 3;

/// An identifier of a story: H and G are hospitals, N national IDs, U an insurance that nobody
/// trusts, W watches.
struct Name {
    std::string authority;
    std::string value;
    std::string type;
    Identifier view() const { return {authority, value, type}; }
    std::string key() const { return authority + "|" + value; }
    friend auto operator<=>(const Name&, const Name&) = default;
};

Name hospital(int n) {
    return {"H", std::to_string(1000 + n), "MR"};
}
Name clinic(int n) {
    return {"G", std::to_string(2000 + n), "MR"};
}
Name insurance(int n) {
    return {"U", std::to_string(n), "SS"};
}
Name watch(int n) {
    return {"W", std::to_string(n), "ACCT"};
}
/// Valid numbers of GB 11643: born on 1990-01-01, sequence n, ISO 7064 MOD 11-2.
Name national(int n) {
    char body[18];
    std::snprintf(body, sizeof body, "11010519900101%03d", n);
    constexpr int kWeights[] = {7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2};
    int sum = 0;
    for (int i = 0; i < 17; ++i) sum += (body[i] - '0') * kWeights[i];
    return {"GOV", std::string(body) + "10X98765432"[sum % 11], "NI"};
}

struct Told {
    enum Kind { Record, Merge, Directory } kind;
    Name first;              ///< primary identifier, survivor or patient
    std::vector<Name> more;  ///< further identifiers, the loser, or accounts
};
using Story = std::vector<Told>;

/// What a run ends with.
struct Ending {
    std::map<std::string, std::string> person_of;  ///< by probe: identifier -> person
    std::map<std::string, std::vector<std::string>>
        seen;                                        ///< primary -> its events in order of arrival
    std::map<std::string, std::string> survivor_of;  ///< by PersonMerged: loser -> survivor
    std::map<std::string, std::set<std::string>>
        said_of;  ///< by PersonIdentified: identifier -> persons
    std::vector<std::string> refusals;
    std::size_t delivered = 0;

    std::string root(std::string person) const {
        for (auto at = survivor_of.find(person); at != survivor_of.end();
             at = survivor_of.find(person))
            person = at->second;
        return person;
    }
};

std::set<std::string> names_in(const Story& story) {
    std::set<std::string> names;
    for (const auto& told : story) {
        names.insert(told.first.key());
        for (const auto& name : told.more) names.insert(name.key());
    }
    return names;
}

schemas::ClinicalEvent clinical(std::vector<Identifier> identifiers, std::string_view tag) {
    schemas::ClinicalEvent event;
    event.identifiers = std::move(identifiers);
    event.trigger = tag;
    return event;
}

std::uint32_t worker_of(std::string_view key) {
    return static_cast<std::uint32_t>(hash64(key) % kWorkers);
}

void tell(SubjectNet& net, const Story& story) {
    for (std::size_t i = 0; i < story.size(); ++i) {
        const Told& told = story[i];
        const std::string key = told.first.key();
        if (told.kind == Told::Record) {
            std::vector<Identifier> identifiers{told.first.view()};
            for (const auto& name : told.more) identifiers.push_back(name.view());
            net.feed(worker_of(key), key, clinical(std::move(identifiers), std::to_string(i)));
        } else if (told.kind == Told::Merge) {
            net.feed(
                worker_of(key), schemas::kMergesKey,
                schemas::MergeRequest{told.first.view(), told.more.front().view(), "ADT^A40", {}});
        } else {
            schemas::PatientEntry entry;
            entry.patient = key;
            std::vector<std::string> accounts;
            for (const auto& name : told.more) accounts.push_back(name.key());
            entry.accounts.assign(accounts.begin(), accounts.end());
            net.feed(worker_of(key), key, entry);
        }
    }
}

void read(const SubjectNet& net, Ending& ending) {
    schemas::Decoder decoder;
    std::size_t identified_keys_wrong = 0;
    for (const auto& output : net.outputs) {
        if (output.type == schemas::PersonClinical::kType) {
            const auto event =
                schemas::decode<schemas::PersonClinical>(output.json, decoder).value();
            EXPECT_EQ(output.key, event.person);
            const std::string primary = event.event.identifiers.front().key();
            if (event.event.trigger == "probe")
                ending.person_of[primary] = event.person;
            else
                ending.seen[primary].emplace_back(event.event.trigger);
        } else if (output.type == schemas::PersonMerged::kType) {
            const auto merged =
                schemas::decode<schemas::PersonMerged>(output.json, decoder).value();
            if (output.key != merged.loser) continue;
            EXPECT_TRUE(ending.survivor_of.emplace(merged.loser, merged.survivor).second)
                << "a person lost twice";
        } else if (output.type == schemas::PersonIdentified::kType) {
            const auto said =
                schemas::decode<schemas::PersonIdentified>(output.json, decoder).value();
            if (output.key != said.person) ++identified_keys_wrong;
            ending.said_of[said.identifier.key()].emplace(said.person);
        }
    }
    EXPECT_EQ(identified_keys_wrong, 0u);
    for (const auto& letter : net.dead_letters) ending.refusals.push_back(letter.reason);
}

Ending play(const Story& story, std::string_view linking, std::uint32_t partitions,
            std::uint64_t seed) {
    SubjectNet net(partitions, seed);
    schemas::Settings settings;
    settings.set("site.authorities", "H,G,GOV,U");
    settings.set("site.linking", std::string(linking));
    settings.set("site.accounts", "W");
    net.settings(settings);
    tell(net, story);
    net.run();

    Ending ending;
    for (const auto& name : names_in(story)) {
        const std::size_t bar = name.find('|');
        net.feed(0, name,
                 clinical({{std::string_view(name).substr(0, bar),
                            std::string_view(name).substr(bar + 1), ""}},
                          "probe"));
    }
    net.run();
    read(net, ending);
    ending.delivered = net.delivered();
    return ending;
}

/// Holds for every story: nothing lost, nothing doubled, each identifier's records in order;
/// whoever was merged away is nobody's person any more, and every identifier was announced under
/// the person it ends with.
void expect_sound(const Story& story, const Ending& ending) {
    std::map<std::string, std::vector<std::string>> expected;
    for (std::size_t i = 0; i < story.size(); ++i)
        if (story[i].kind == Told::Record) {
            const std::string key = story[i].first.key();
            if (story[i].first.type == "ACCT" && !ending.person_of.contains(key))
                continue;  // waits on
            expected[key].push_back(std::to_string(i));
        }
    EXPECT_EQ(ending.seen, expected);
    for (const auto& [identifier, person] : ending.person_of) {
        EXPECT_FALSE(ending.survivor_of.contains(person)) << identifier << " ends with a loser";
        const auto& said = ending.said_of.at(identifier);
        EXPECT_TRUE(said.contains(person)) << identifier;
        for (const auto& earlier : said)
            EXPECT_EQ(ending.root(earlier), person) << identifier << " changed without a merge";
    }
}

class UnionFind {
  public:
    std::string find(const std::string& name) {
        auto& parent = parent_.try_emplace(name, name).first->second;
        if (parent == name) return name;
        return parent_[name] = find(parent);
    }
    void unite(const std::string& a, const std::string& b) { parent_[find(a)] = find(b); }

  private:
    std::map<std::string, std::string> parent_;
};

using Groups = std::set<std::set<std::string>>;

Groups groups_of(const std::map<std::string, std::string>& owner_of) {
    std::map<std::string, std::set<std::string>> by_owner;
    for (const auto& [name, owner] : owner_of) by_owner[owner].insert(name);
    Groups groups;
    for (auto& [owner, names] : by_owner) groups.insert(std::move(names));
    return groups;
}

/// Who belongs together when every link is trusted.
Groups groups_told(const Story& story) {
    UnionFind together;
    for (const auto& told : story)
        for (const auto& name : told.more) together.unite(told.first.key(), name.key());
    std::map<std::string, std::string> owner_of;
    for (const auto& name : names_in(story)) owner_of[name] = together.find(name);
    return groups_of(owner_of);
}

template <class Check>
void in_every_interleaving(const Story& story, std::string_view linking, std::uint64_t seed,
                           Check check) {
    for (const std::uint32_t partitions : kPartitionCounts) {
        SCOPED_TRACE("story " + std::to_string(seed) + ", partitions " +
                     std::to_string(partitions));
        const Ending ending = play(story, linking, partitions, seed * 31 + partitions);
        expect_sound(story, ending);
        check(ending);
        if (::testing::Test::HasFailure()) return;
    }
}

int pick(std::mt19937_64& random, int below) {
    return static_cast<int>(random() % static_cast<unsigned>(below));
}

/// Records that link downwards in the order of authorities: hospital -> clinic and national ID,
/// clinic -> national ID.
Story story_of_trusted_links(std::mt19937_64& random) {
    Story story;
    for (int i = 0; i < 30; ++i) {
        switch (pick(random, 4)) {
            case 0:
                story.push_back(
                    {Told::Record, hospital(pick(random, 6)), {clinic(pick(random, 6))}});
                break;
            case 1:
                story.push_back(
                    {Told::Record, hospital(pick(random, 6)), {national(pick(random, 4))}});
                break;
            case 2:
                story.push_back(
                    {Told::Record, clinic(pick(random, 6)), {national(pick(random, 4))}});
                break;
            default:
                story.push_back({Told::Record, national(pick(random, 4)), {}});
        }
    }
    return story;
}

TEST(IdentityInterleaving, TrustedLinksEndWithTheSamePersonInEveryOrder) {
    for (std::uint64_t seed = 1; seed <= kStories; ++seed) {
        std::mt19937_64 random(seed);
        const Story story = story_of_trusted_links(random);
        // The survivor of a group: of its hospital numbers the smallest person id.
        std::map<std::string, std::string> expected;
        for (const auto& group : groups_told(story)) {
            std::string best;
            for (const auto& name : group)
                if (name.starts_with("H|") && (best.empty() || person_founded_by(name) < best))
                    best = person_founded_by(name);
            if (best.empty()) continue;  // no hospital number: whoever came first, then the order
            for (const auto& name : group) expected[name] = best;
        }
        in_every_interleaving(story, "G", seed, [&](const Ending& ending) {
            for (const auto& [name, person] : expected)
                EXPECT_EQ(ending.person_of.at(name), person) << name;
            EXPECT_EQ(groups_of(ending.person_of), groups_told(story));
            EXPECT_TRUE(ending.refusals.empty());
        });
        if (HasFailure()) return;
    }
}

/// Hospital numbers, each with an insurance number and a watch of its own, merged in chains and
/// trees; every merge comes once, twice or three times, before, between or after the records.
Story story_of_requested_merges(std::mt19937_64& random, std::map<int, int>& survivor_of) {
    constexpr int kPeople = 7;
    Story story;
    for (int person = 0; person < kPeople; ++person) {
        story.push_back({Told::Directory, hospital(person), {watch(person)}});
        for (int i = pick(random, 4); i > 0; --i)
            story.push_back({Told::Record, hospital(person), {insurance(person)}});
        for (int i = pick(random, 3); i > 0; --i)
            story.push_back({Told::Record, watch(person), {}});
        if (person == 0 || pick(random, 3) == 0) continue;
        survivor_of[person] = pick(random, person);  // any earlier one: no cycles
        for (int i = 1 + pick(random, 3); i > 0; --i)
            story.push_back({Told::Merge, hospital(survivor_of[person]), {hospital(person)}});
    }
    std::shuffle(story.begin(), story.end(), random);
    return story;
}

TEST(IdentityInterleaving, RequestedMergesEndWithTheSameSurvivorInEveryOrder) {
    for (std::uint64_t seed = 1; seed <= kStories; ++seed) {
        std::mt19937_64 random(seed);
        std::map<int, int> survivor_of;
        const Story story = story_of_requested_merges(random, survivor_of);
        const auto person_of = [&](int person) {
            while (survivor_of.contains(person)) person = survivor_of[person];
            return person_founded_by(hospital(person).key());
        };
        in_every_interleaving(story, "", seed, [&](const Ending& ending) {
            for (int person = 0; person < 7; ++person) {
                EXPECT_EQ(ending.person_of.at(hospital(person).key()), person_of(person));
                EXPECT_EQ(ending.person_of.at(watch(person).key()), person_of(person));
            }
            EXPECT_EQ(groups_of(ending.person_of), groups_told(story));
            EXPECT_EQ(ending.survivor_of.size(), survivor_of.size());
            EXPECT_TRUE(ending.refusals.empty());
        });
        if (HasFailure()) return;
    }
}

/// Everything at once, contradictions included; `untrusted` adds insurance numbers that several
/// people share.
Story story_of_anything(std::mt19937_64& random, bool untrusted) {
    const auto any = [&]() -> Name {
        switch (pick(random, untrusted ? 4 : 3)) {
            case 0:
                return hospital(pick(random, 6));
            case 1:
                return clinic(pick(random, 5));
            case 2:
                return national(pick(random, 4));
            default:
                return insurance(pick(random, 3));
        }
    };
    Story story;
    for (int i = 0; i < 40; ++i) {
        const int kind = pick(random, 10);
        const Name first = any();
        if (kind < 6)
            story.push_back({Told::Record, first, {any(), any()}});
        else if (kind < 9)
            story.push_back({Told::Merge, first, {any()}});
        else
            story.push_back({Told::Directory, hospital(pick(random, 6)), {watch(i)}});
    }
    for (int i = 0; i < 10; ++i) story.push_back({Told::Record, watch(pick(random, 40)), {}});
    return story;
}

TEST(IdentityInterleaving, ContradictionsStillJoinTheSamePeopleWhenLinksAreTrusted) {
    for (std::uint64_t seed = 1; seed <= kStories; ++seed) {
        std::mt19937_64 random(seed);
        const Story story = story_of_anything(random, false);
        Groups expected;
        for (const auto& group : groups_told(story))
            if (group.size() > 1 || !group.begin()->starts_with("W|")) expected.insert(group);
        in_every_interleaving(story, "H,G", seed, [&](const Ending& ending) {
            EXPECT_EQ(groups_of(ending.person_of), expected);
        });
        if (HasFailure()) return;
    }
}

TEST(IdentityInterleaving, NothingIsLostWhateverHappens) {
    std::size_t delivered = 0;
    for (std::uint64_t seed = 1; seed <= kStories; ++seed) {
        std::mt19937_64 random(seed);
        const Story story = story_of_anything(random, true);
        in_every_interleaving(story, "", seed,
                              [&](const Ending& ending) { delivered += ending.delivered; });
        if (HasFailure()) return;
    }
    RecordProperty("delivered", static_cast<int>(delivered));
    std::printf("%llu stories, %zu interleavings each, %zu records delivered\n",
                static_cast<unsigned long long>(kStories), std::size(kPartitionCounts), delivered);
}

}  // namespace
}  // namespace vitalog
