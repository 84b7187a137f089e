#include "sinks/fhir/clashes_api.h"

#include <gtest/gtest.h>

#include "tests/sinks/fhir_fixture.h"

namespace vitalog::sinks::fhir {
namespace {

using namespace vitalog::tests;

const std::string kAnna = hex_id("anna");
const std::string kBea = hex_id("bea");
const std::string kCleo = hex_id("cleo");

struct Server {
    Archive archive;
    topology::MemoryLog log{all_topics()};
    FixedClock clock;
    schemas::TopicNames topics;
    ClashesApi api{archive.reader, log, clock, topics};
    FakeRouter router;
    Records records;

    Server() {
        api.register_routes(router);
        clash(kAnna, kBea, "13900000001");
        clash(kAnna, kCleo, "13900000002");
        clash(kBea, kCleo, "13900000003");
        archive.apply({records.batch("person")});
    }
    void clash(const std::string& person, const std::string& other, const std::string& value) {
        records.add(schemas::PersonClash{person, other, {"SSN", value, "SS"}, {"MRN", "7", "MR"}});
    }
    std::string get(const std::string& query) { return router.get("/clashes" + query).body; }
};

TEST(Clashes, AreListedOldestFirstInPages) {
    Server server;
    const auto first = server.get("?max=2");
    EXPECT_EQ(member(first, "/items/0/person"), kAnna);
    EXPECT_EQ(member(first, "/items/0/other"), kBea);
    EXPECT_EQ(member(first, "/items/0/identifier"), "SSN|13900000001");
    EXPECT_EQ(member(first, "/items/0/named_by"), "MRN|7");
    EXPECT_EQ(member(first, "/items/1/other"), kCleo);
    EXPECT_EQ(member(first, "/items/2"), "");
    const auto second = server.get("?max=2&from=" + member(first, "/next"));
    EXPECT_EQ(member(second, "/items/0/identifier"), "SSN|13900000003");
    EXPECT_EQ(member(second, "/items/1"), "");
    EXPECT_EQ(member(second, "/next"), "");
    EXPECT_EQ(values_of(server.log, "audit").size(), 3U + 2U) << "one for each person shown";
}

TEST(Clashes, AreGoneOnceTheTwoAreOne) {
    Server server;
    server.records.add(schemas::PersonMerged{kAnna, kBea, "A40"});
    server.archive.apply({server.records.batch("person")});
    EXPECT_EQ(member(server.get(""), "/items/0/identifier"), "SSN|13900000002");
    server.records.add(schemas::PersonMerged{kCleo, kAnna, "A40"});
    server.archive.apply({server.records.batch("person")});
    EXPECT_EQ(member(server.get(""), "/items/0"), "");
    EXPECT_EQ(member(server.get(""), "/next"), "");
}

TEST(Clashes, AreForOperatorsAndHospitalsAndNothingElseIsTaken) {
    Server server;
    for (const std::string role : {"doctor", "gateway", "operator", "hospital"}) {
        Caller caller;
        caller.role = role;
        const int status = role == "doctor" || role == "gateway" ? 403 : 200;
        EXPECT_EQ(server.router.get("/clashes", caller).status, status) << role;
    }
    for (const std::string wrong : {"?max=0", "?max=x", "?from=zz", "?from=0102", "?colour=red"})
        EXPECT_EQ(server.router.get("/clashes" + wrong).status, 400) << wrong;
}

}  // namespace
}  // namespace vitalog::sinks::fhir
