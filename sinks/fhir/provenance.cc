#include "sinks/fhir/provenance.h"

#include <charconv>

#include "schemas/json_decode.h"
#include "sinks/fhir/parts.h"
#include "sinks/fhir/search.h"
#include "sinks/views/source.h"

namespace vitalog::sinks::fhir {
namespace {

using schemas::Topic;

constexpr std::string_view kPosition = "urn:vitalog:position";
constexpr std::string_view kRecordId = "urn:vitalog:record";

Topic topic_of(views::Table table) {
    switch (table) {
        case views::Table::Risk:
            return Topic::Risk;
        case views::Table::Alert:
            return Topic::Alert;
        case views::Table::Task:
            return Topic::TaskBoard;
        case views::Table::Delivery:
            return Topic::Delivery;
        default:
            return Topic::Person;
    }
}

/// A person's record that waited until its account was bound names the record that it waited from.
struct Waited {
    std::string_view waited;

    template <class V>
    void members(V& v) {
        v("waited", waited);
    }
};

void write_entity(JsonWriter& json, std::string_view role, std::string_view system,
                  const std::string& value) {
    json.begin_object();
    json.field("role", role);
    json.key("what");
    json.begin_object();
    json.key("identifier");
    write_identifier(json, system, value);
    json.field("display", value);
    json.end_object();
    json.end_object();
}

void write_agent(JsonWriter& json, std::string_view stage) {
    json.key("agent");
    json.begin_array();
    json.begin_object();
    write_concept(json, "type", "http://terminology.hl7.org/CodeSystem/provenance-participant-type",
                  "assembler");
    json.key("who");
    json.begin_object();
    json.key("identifier");
    write_identifier(json, "urn:vitalog:stage", stage);
    json.field("display", stage);
    json.end_object();
    json.end_object();
    json.end_array();
}

std::int64_t micros_in(std::string_view text) {
    std::int64_t micros = 0;
    std::from_chars(text.data(), text.data() + text.size(), micros);
    return micros;
}

}  // namespace

std::optional<Provenances::Target> Provenances::target_of(std::string_view id) {
    const std::size_t dash = id.find('-');
    if (dash == std::string_view::npos) return std::nullopt;
    return Target{std::string(id.substr(0, dash)), std::string(id.substr(dash + 1))};
}

Result<Entry> Provenances::of(const Entry& target, FeedTrace& trace) const {
    const ResourceSpec* const spec = find_spec(target.type);
    VITALOG_ASSERT(spec != nullptr, "a resource of no type has no provenance");
    const TopicPartition tp{
        topics_.name(topic_of(spec->table)),
        Partition(static_cast<std::uint32_t>(target.record >> views::Source::kOffsetBits))};
    const Offset offset(target.record & ((std::int64_t{1} << views::Source::kOffsetBits) - 1));
    RecordBatch batch;
    const auto read = options_.records->read(tp, offset, 1, batch);
    if (!read && read.error().code() != Errc::OutOfRange) return tl::unexpected(read.error());
    Entry entry{"Provenance", id_of(target), target.person, {}, target.record};
    JsonWriter json(entry.json);
    const bool kept = read && !batch.records.empty() && batch.records.front().offset == offset;
    const RecordView record = kept ? batch.records.front() : RecordView{};
    begin_resource(json, "Provenance", entry.id, 0,
                   kept ? record.timestamp.micros() : target.updated_us);
    json.key("target");
    json.begin_array();
    write_reference_item(json, target.type, target.id);
    json.end_array();
    json.field("recorded", to_rfc3339(kept ? record.timestamp.micros() : target.updated_us));
    const std::string_view source = record.headers.find(header::kSource);
    write_agent(json, source.empty() ? "vitalog" : source);
    json.key("entity");
    json.begin_array();
    if (kept) {
        schemas::Decoder decoder;
        const auto waited = schemas::decode<Waited>(record.value, decoder);
        RecordId root = RecordId::parse(waited ? waited->waited : std::string_view());
        if (root.empty()) root = RecordId::parse(record.headers.find(header::kRoot));
        const std::int64_t received = micros_in(record.headers.find(header::kReceived));
        VITALOG_TRY(const auto place, trace.find(root, ReceivedTime(received)));
        if (place)
            write_entity(json, "source", kPosition, to_string(place->tp, place->offset));
        else if (!root.empty())
            write_entity(json, "source", kRecordId, root.to_string());
    }
    write_entity(json, "derivation", kPosition, to_string(tp, offset));
    json.end_array();
    json.end_object();
    return entry;
}

}  // namespace vitalog::sinks::fhir
