#include <gtest/gtest.h>

#include <set>

#include "sinks/fhir/includes.h"
#include "sinks/fhir/parts.h"
#include "tests/sinks/fhir_fixture.h"

namespace vitalog::sinks::fhir {
namespace {

using namespace vitalog::tests;

const std::string kAnna = hex_id("anna");

/// One person, `count` results a minute apart, one report, one index on the last of them.
struct Server {
    Archive archive;
    topology::MemoryLog log{all_topics()};
    FixedClock clock;
    FhirApi api{archive.reader, log, clock, {.trace = {&log, Generation(1)}}};
    FakeRouter router;
    Records person, risk;
    std::vector<std::string> ids;

    explicit Server(int count = 5) {
        api.register_routes(router);
        person.add(schemas::PersonIdentified{kAnna, {"MRN", "1", "MR"}});
        for (int i = 0; i < count; ++i) ids.push_back(hex_id("r" + std::to_string(i)));
        for (int i = 0; i < count; ++i) add(ids[static_cast<std::size_t>(i)], i);
        schemas::RiskEvent index;
        const std::string id = hex_id("risk");
        index.id = id;
        index.person = kAnna;
        index.method = "aki-nhs";
        index.version = "1";
        index.occurred = at("2020-05-01T14:00:00+08:00");
        index.basis = {ids.back()};
        risk.add(index);
        archive.apply({person.batch("person"), risk.batch("risk")});
    }
    void add(const std::string& id, int minute) {
        Message message;
        message.person = kAnna;
        const std::string when = "2020-05-01T14:" + std::to_string(10 + minute) + ":00+08:00";
        message.results = {creatinine(id, when, 90 + minute)};
        person.add(message.event());
    }
    std::string get(const std::string& path) { return router.get(path).body; }
    std::string next_of(const std::string& page) {
        std::string url = member(page, "/link/1/url");
        for (std::size_t at; (at = url.find("%2C")) != std::string::npos;) url.replace(at, 3, ",");
        return url.empty() ? "" : url.substr(url.find("/fhir"));
    }
    /// Ids over all pages; `meanwhile` runs after each.
    std::vector<std::string> walk(
        std::string url, const std::function<void()>& meanwhile = [] {}) {
        std::vector<std::string> found;
        for (int pages = 0; !url.empty() && pages < 50; ++pages) {
            const std::string page = get(url);
            for (int i = 0;; ++i) {
                const std::string id = member(page, "/entry/" + std::to_string(i) + "/resource/id");
                if (id.empty()) break;
                found.push_back(id);
            }
            url = next_of(page);
            meanwhile();
        }
        return found;
    }
};

TEST(FhirPaging, NeitherRepeatsNorSkipsWhileOthersWrite) {
    Server server;
    int writes = 0;
    // Newest first; what comes meanwhile is newer than every page.
    const auto found =
        server.walk("/fhir/Observation?patient=" + kAnna + "&_sort=-date&_count=2", [&] {
            const std::string id = hex_id("late" + std::to_string(++writes));
            server.ids.push_back(id);
            server.add(id, 30 + writes);
            server.archive.apply({server.person.batch("person")});
        });
    ASSERT_EQ(found.size(), 5U);
    EXPECT_EQ(std::set(found.begin(), found.end()).size(), 5U);
    for (std::size_t i = 0; i < 5; ++i)
        EXPECT_EQ(found[i], located_id(kAnna, server.ids[4 - i])) << i;
}

TEST(FhirPaging, WalksByEveryOrder) {
    Server server;
    for (const std::string sort :
         {"date", "-date", "status,-date", "_lastUpdated", "encounter", "-encounter,date", "-code"})
        for (const std::string count : {"1", "2", "3", "5", "50"}) {
            const auto found = server.walk("/fhir/Observation?patient=" + kAnna + "&_sort=" + sort +
                                           "&_count=" + count);
            EXPECT_EQ(found.size(), 5U) << sort << " by " << count;
            EXPECT_EQ(std::set(found.begin(), found.end()).size(), 5U) << sort;
        }
    EXPECT_EQ(server.walk("/fhir/Observation?_count=2").size(), 5U);
    EXPECT_EQ(server.walk("/fhir/Patient?_count=1").size(), 1U);
}

TEST(FhirPaging, CountsUnlessAskedNotTo) {
    Server server;
    const std::string path = "/fhir/Observation?patient=" + kAnna + "&_count=2";
    EXPECT_EQ(member(server.get(path), "/total"), "5");
    EXPECT_EQ(member(server.get(path + "&_total=accurate"), "/total"), "5");
    EXPECT_EQ(member(server.get(path + "&_total=none"), "/total"), "");
    EXPECT_EQ(server.router.get(path + "&_total=42").status, 400);
}

TEST(FhirPaging, RefusesAPageOfAnotherSearch) {
    Server server;
    const std::string page =
        server.get("/fhir/Observation?patient=" + kAnna + "&_sort=date&_count=1");
    const std::string next = server.next_of(page);
    const std::string cursor = next.substr(next.find("_page="));
    for (const std::string& url :
         {"/fhir/Observation?patient=" + kAnna + "&_sort=status,date&" + cursor,
          std::string("/fhir/Observation?_page=42"), std::string("/fhir/Observation?_page=zz"),
          "/fhir/Patient/" + kAnna + "/$everything?_page=Nothing.00"}) {
        const auto answer = server.router.get(url);
        EXPECT_EQ(answer.status, 400) << url;
        EXPECT_NE(answer.body.find("next"), std::string::npos) << answer.body;
    }
}

TEST(FhirEverything, IsTheSameInPagesAsAtOnce) {
    Server server;
    const std::string path = "/fhir/Patient/" + kAnna + "/$everything";
    const auto whole = server.walk(path);
    EXPECT_EQ(whole.size(), 8U) << "a patient, five results, a report, an index";
    EXPECT_EQ(member(server.get(path), "/total"), "8");
    for (const std::string count : {"1", "2", "3", "7", "8"}) {
        EXPECT_EQ(server.walk(path + "?_count=" + count), whole) << count;
        EXPECT_EQ(member(server.get(path + "?_count=" + count), "/total"), "8");
    }
    EXPECT_EQ(server.walk(path + "?_type=Observation,Patient&_count=4").size(), 6U);
    EXPECT_EQ(server.walk(path + "?_since=2100").size(), 0U);
    EXPECT_EQ(server.walk(path + "?start=2020-05-01T14:13:00+08:00&_type=Observation").size(), 2U);
}

TEST(FhirInclude, FollowsReferencesForthAndBack) {
    Server server;
    const auto report =
        server.get("/fhir/DiagnosticReport?patient=" + kAnna + "&_include=DiagnosticReport:result");
    EXPECT_EQ(member(report, "/total"), "1") << "what is included is not counted";
    EXPECT_EQ(member(report, "/entry/0/search/mode"), "match");
    EXPECT_EQ(member(report, "/entry/5/search/mode"), "include");
    EXPECT_EQ(member(report, "/entry/5/resource/resourceType"), "Observation");
    EXPECT_EQ(member(report, "/entry/6"), "");
    const auto index = server.get("/fhir/RiskAssessment?patient=" + kAnna +
                                  "&_include=RiskAssessment:basis&_include=RiskAssessment:patient");
    EXPECT_EQ(member(index, "/entry/1/resource/id"), located_id(kAnna, server.ids.back()));
    EXPECT_EQ(member(index, "/entry/2/resource/resourceType"), "Patient");
    const auto result = server.get("/fhir/Observation?patient=" + kAnna +
                                   "&_count=1&_revinclude=DiagnosticReport:result");
    EXPECT_EQ(member(result, "/entry/1/resource/resourceType"), "DiagnosticReport");
    EXPECT_EQ(member(server.get("/fhir/DiagnosticReport?result=Observation/" +
                                located_id(kAnna, server.ids[2])),
                     "/total"),
              "1");
    for (const std::string wrong :
         {"_include=Observation:colour", "_include=Task:focus", "_revinclude=RiskAssessment:basis"})
        EXPECT_EQ(server.router.get("/fhir/Observation?" + wrong).status, 400) << wrong;
}

TEST(FhirCapability, ListsWhatIsThereAndNothingElse) {
    Server server;
    const auto metadata = server.get("/fhir/metadata");
    std::set<std::string> types;
    for (int r = 0;; ++r) {
        const std::string one = member(metadata, "/rest/0/resource/" + std::to_string(r));
        if (one.empty()) break;
        const std::string type = member(one, "/type");
        types.insert(type);
        const std::string path = "/fhir/" + type + "?_count=1";
        if (type == "Binary") {  // read, not searched
            EXPECT_EQ(member(one, "/interaction/0/code"), "read");
            EXPECT_EQ(member(one, "/interaction/1"), "");
            continue;
        }
        if (type != "Provenance") {
            const ResourceSpec* spec = find_spec(type);
            ASSERT_NE(spec, nullptr) << type;
            for (std::size_t p = 0; p < spec->params.size(); ++p)
                EXPECT_EQ(member(one, "/searchParam/" + std::to_string(p) + "/name"),
                          spec->params[p].name);
            EXPECT_EQ(member(one, "/searchParam/" + std::to_string(spec->params.size()) + "/name"),
                      "_lastUpdated");
        }
        for (const std::string list : {"searchInclude", "searchRevInclude"})
            for (int i = 0;; ++i) {
                const std::string name = member(one, "/" + list + "/" + std::to_string(i));
                if (name.empty()) break;
                const std::string param = list == "searchInclude" ? "_include=" : "_revinclude=";
                EXPECT_EQ(server.router.get(path + "&" + param + name).status, 200) << name;
            }
    }
    for (const auto& spec : resource_specs()) EXPECT_TRUE(types.erase(std::string(spec.type)));
    EXPECT_EQ(types, (std::set<std::string>{"Binary", "Provenance"}));
    EXPECT_EQ(server.router.get("/fhir/Medication").status, 404);
}

}  // namespace
}  // namespace vitalog::sinks::fhir
