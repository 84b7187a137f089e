#include "sinks/fhir/provenance.h"

#include <gtest/gtest.h>

#include "sinks/fhir/parts.h"
#include "tests/sinks/fhir_fixture.h"

namespace vitalog::sinks::fhir {
namespace {

using namespace vitalog::tests;

const std::string kAnna = hex_id("anna");
const std::string kResult = hex_id("r1");
constexpr LogTime kReceived(1'600'000'000'000'000);

/// A feed with traffic, and the record of `person` that one of its messages led to.
struct Site {
    Archive archive;
    topology::MemoryLog log{all_topics()};
    FixedClock clock;
    schemas::TopicNames topics;
    FhirApi api{archive.reader, log, clock, {.trace = {&log, Generation(1)}}};
    FakeRouter router;

    Site() {
        api.register_routes(router);
        Records records;
        records.add(schemas::PersonIdentified{kAnna, {"MRN", "1", "MR"}});
        archive.apply({records.batch("person", 9)});
    }

    /// Appends a message received at that time; gives its place.
    AppendReceipt feed(LogTime received) {
        FeedRecord record;
        record.topic = "feed.his";
        record.key = "k";
        record.value = "MSH|";
        record.received = received;
        AppendReceipt taken;
        log.append(std::move(record),
                   [&](const Result<AppendReceipt>& receipt) { taken = *receipt; });
        return taken;
    }
    /// What identity makes of it, and the views.
    void result(const RecordId& root, LogTime received, const std::string& waited = "") {
        Message message;
        message.person = kAnna;
        message.results = {creatinine(kResult, "2020-05-01T14:00:00+08:00", 98)};
        auto event = message.event();
        event.waited = waited;
        FeedRecord record;
        record.topic = "person";
        record.key = kAnna;
        record.value = schemas::encode(event);
        Headers::append(record.headers, header::kType, schemas::PersonClinical::kType);
        Headers::append(record.headers, header::kSource, "vitalog/identity");
        Headers::append(record.headers, header::kRoot, root.to_string());
        Headers::append(record.headers, header::kReceived, std::to_string(received.micros()));
        record.received = kReceived;
        AppendReceipt taken;
        log.append(std::move(record),
                   [&](const Result<AppendReceipt>& receipt) { taken = *receipt; });
        RecordBatch batch;
        ASSERT_TRUE(log.read(taken.tp, Offset(0), 1 << 20, batch));
        archive.apply({{taken.tp, batch.records, batch.next}});
        at_ = to_string(taken.tp, taken.offset);
    }
    std::string provenance() {
        return member(
            router.get("/fhir/Provenance?target=Observation/" + located_id(kAnna, kResult)).body,
            "/entry/0/resource");
    }
    std::string at_;
};

TEST(Provenance, NamesTheStageTheRecordAndTheFeedRecordAtItsRoot) {
    Site site;
    for (int i = 0; i < 500; ++i) (void)site.feed(kReceived - std::chrono::seconds(500 - i));
    const auto root = site.feed(kReceived);
    for (int i = 0; i < 500; ++i) (void)site.feed(kReceived + std::chrono::seconds(i));
    site.result(root.id, kReceived);
    const auto found = site.provenance();
    EXPECT_EQ(member(found, "/resourceType"), "Provenance");
    EXPECT_EQ(member(found, "/target/0/reference"), "Observation/" + located_id(kAnna, kResult));
    EXPECT_EQ(member(found, "/agent/0/who/identifier/value"), "vitalog/identity");
    EXPECT_EQ(member(found, "/recorded"), "2020-09-13T12:26:40Z");
    EXPECT_EQ(member(found, "/entity/0/role"), "source");
    EXPECT_EQ(member(found, "/entity/0/what/identifier/value"), to_string(root.tp, root.offset));
    EXPECT_EQ(member(found, "/entity/1/what/identifier/value"), site.at_);
    EXPECT_LE(member(found, "/id").size(), 64U);
    const auto read = site.router.get("/fhir/Provenance/" + member(found, "/id"));
    EXPECT_EQ(member(read.body, "/id"), member(found, "/id"));
    EXPECT_EQ(values_of(site.log, "audit").size(), 2U);
}

TEST(Provenance, FindsARootThatWasReceivedLongBefore) {
    Site site;
    const auto root = site.feed(kReceived - std::chrono::hours(48));
    for (int i = 0; i < 300; ++i) (void)site.feed(kReceived - std::chrono::minutes(300 - i));
    site.result(root.id, kReceived);  // what a timer caused says when it was due
    EXPECT_EQ(member(site.provenance(), "/entity/0/what/identifier/value"),
              to_string(root.tp, root.offset));
}

TEST(Provenance, OfWhatWaitedForItsAccountNamesTheRecordThatWaited) {
    Site site;
    const auto batch = site.feed(kReceived - std::chrono::hours(2));
    const auto binding = site.feed(kReceived);
    site.result(binding.id, kReceived, batch.id.to_string());
    EXPECT_EQ(member(site.provenance(), "/entity/0/what/identifier/value"),
              to_string(batch.tp, batch.offset));
}

TEST(Provenance, NamesTheRootByItsIdWhereItIsNotKeptAnyMore) {
    Site site;
    (void)site.feed(kReceived);
    const RecordId gone = IdHash().part("gone").finish();
    site.result(gone, kReceived);
    const auto found = site.provenance();
    EXPECT_EQ(member(found, "/entity/0/what/identifier/system"), "urn:vitalog:record");
    EXPECT_EQ(member(found, "/entity/0/what/identifier/value"), gone.to_string());
}

TEST(Provenance, ComesWithASearchThatAsksForIt) {
    Site site;
    const auto root = site.feed(kReceived);
    site.result(root.id, kReceived);
    const auto found =
        site.router.get("/fhir/Observation?patient=" + kAnna + "&_revinclude=Provenance:target")
            .body;
    EXPECT_EQ(member(found, "/entry/1/search/mode"), "include");
    EXPECT_EQ(member(found, "/entry/1/resource/resourceType"), "Provenance");
    const std::string target = "Observation/" + located_id(kAnna, kResult);
    const auto reports = site.router.get("/fhir/DiagnosticReport?patient=" + kAnna).body;
    const std::string report = "DiagnosticReport/" + member(reports, "/entry/0/resource/id");
    const std::string both = "/fhir/Provenance?target=" + target + "," + report;
    EXPECT_EQ(member(site.router.get(both).body, "/total"), "2");
    EXPECT_EQ(member(site.router.get(both + "&_count=0").body, "/total"), "2");
    EXPECT_EQ(member(site.router.get(both + "&_count=0").body, "/entry"), "");
    const auto first = site.router.get(both + "&_count=1").body;
    const auto second = site.router.get(both + "&_count=1&_page=1").body;
    EXPECT_EQ(member(first, "/entry/0/resource/target/0/reference"), target);
    EXPECT_NE(member(first, "/link/1/url").find("_page=1"), std::string::npos) << first;
    EXPECT_EQ(member(second, "/entry/0/resource/target/0/reference"), report);
    EXPECT_EQ(member(second, "/link/1"), "");
    EXPECT_EQ(site.router.get("/fhir/Provenance?colour=red").status, 400);
    EXPECT_EQ(site.router.get("/fhir/Provenance/Nothing-1").status, 404);
    EXPECT_EQ(member(site.router.get("/fhir/Provenance?target=Observation/none").body, "/total"),
              "0");
}

}  // namespace
}  // namespace vitalog::sinks::fhir
