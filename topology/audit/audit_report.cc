#include "schemas/json.h"
#include "topology/audit/stage_audit.h"

namespace vitalog::topology {
namespace {

using schemas::JsonWriter;

std::string_view name_of(Difference::Kind kind) {
    switch (kind) {
        case Difference::Kind::Changed: return "changed";
        case Difference::Kind::Missing: return "missing";
        case Difference::Kind::Unexpected: return "unexpected";
        case Difference::Kind::OutOfOrder: return "out-of-order";
    }
    return "";
}

void place(JsonWriter& json, const TopicPartition& tp) {
    json.field("topic", tp.topic);
    json.field("partition", static_cast<std::int64_t>(tp.partition.value()));
}

/// The digests, of the whole chain here and of the stretch at the outputs, say what was checked, byte for byte: whoever has
/// the report can compare them later.
void chain(JsonWriter& json, const ChainReport& chain) {
    json.begin_object();
    place(json, chain.tp);
    json.field("begin", chain.begin.value());
    json.field("end", chain.end.value());
    if (!chain.entries.empty()) {
        json.field("blocks", static_cast<std::int64_t>(chain.blocks));
        json.field("sha256", chain.head.hex());
    }
    if (chain.fault_at) json.field("fault_at", chain.fault_at->value());
    if (!chain.fault.empty()) json.field("fault", chain.fault);
    if (!chain.note.empty()) json.field("note", chain.note);
    json.end_object();
}

void shard(JsonWriter& json, const AuditReport::Shard& shard) {
    json.begin_object();
    place(json, shard.input);
    json.field("begin", shard.begin.value());
    json.field("end", shard.end.value());
    json.field("records", static_cast<std::int64_t>(shard.records));
    json.field("in_stretch", static_cast<std::int64_t>(shard.in_stretch));
    if (shard.logic != 0) json.field("logic", static_cast<std::int64_t>(shard.logic));
    if (!shard.not_recomputable.empty()) json.field("not_recomputable", shard.not_recomputable);
    json.end_object();
}

void output(JsonWriter& json, const AuditReport::Output& output) {
    json.begin_object();
    place(json, output.tp);
    json.field("agreed", static_cast<std::int64_t>(output.agreed));
    json.field("differences", static_cast<std::int64_t>(output.differences));
    if (output.digested.records > 0) {
        json.field("records", static_cast<std::int64_t>(output.digested.records));
        json.field("sha256", output.digested.digest.hex());
    }
    json.end_object();
}

void difference(JsonWriter& json, const Difference& difference) {
    json.begin_object();
    json.field("kind", name_of(difference.kind));
    place(json, difference.tp);
    if (difference.offset) json.field("offset", difference.offset->value());
    json.field("id", difference.id);
    json.field("type", difference.type);
    json.field("key", difference.key);
    json.field("cause", difference.cause);
    json.end_object();
}

template <class List, class Write>
void array(JsonWriter& json, std::string_view name, const List& list, Write write) {
    json.key(name);
    json.begin_array();
    for (const auto& item : list) write(json, item);
    json.end_array();
}

}  // namespace

std::string AuditReport::to_json() const {
    std::string text;
    JsonWriter json(text);
    json.begin_object();
    json.field("stage", stage);
    json.field("logic", static_cast<std::int64_t>(logic));
    if (!options.entity.empty()) json.field("entity", options.entity);
    if (options.from) json.field("from", to_rfc3339(*options.from));
    if (options.to) json.field("to", to_rfc3339(*options.to));
    json.field("agrees", agrees());
    json.field("recomputed_all", recomputed_all());
    json.field("input_records", static_cast<std::int64_t>(input_records()));
    json.field("outputs_agreed", static_cast<std::int64_t>(agreed()));
    json.field("differences_count", static_cast<std::int64_t>(difference_count()));
    if (!cause.empty()) json.field("cause", cause);
    if (!failure.empty()) json.field("failure", failure);
    array(json, "differences", differences, difference);
    array(json, "inputs", shards, shard);
    array(json, "outputs", outputs, output);
    array(json, "chains", chains, chain);
    json.end_object();
    text.push_back('\n');
    return text;
}

}  // namespace vitalog::topology
