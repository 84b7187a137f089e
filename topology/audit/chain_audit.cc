#include "topology/audit/chain_audit.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "schemas/json_decode.h"
#include "sinks/blobs/file_digest.h"

namespace vitalog::topology {
namespace {

constexpr std::size_t kReadBytes = std::size_t{1} << 20;
/// Records of a cluster are digested in stretches, so that those that are still kept can be compared when its
/// retention has dropped others.
constexpr std::int64_t kStretch = 65'536;

struct EntryShape {
    std::string_view kind;
    std::string_view topic;
    std::uint32_t partition = 0;
    std::int64_t begin = 0;
    std::int64_t end = 0;
    std::string_view sha256;
    template <class V>
    void members(V& v) {
        v.required("kind", kind);
        v.required("topic", topic);
        v.required("partition", partition);
        v.required("begin", begin);
        v.required("end", end);
        v.required("sha256", sha256);
    }
};

struct AnchorShape {
    int anchor = 1;
    std::vector<EntryShape> entries;
    template <class V>
    void members(V& v) {
        v.required("anchor", anchor);
        v.required("entries", entries);
    }
};

std::string_view name_of(AnchorEntry::Kind kind) {
    return kind == AnchorEntry::Kind::Chain ? "chain" : "records";
}

std::string to_line(const AnchorEntry& entry) {
    return fmt::format("{} {} {} {} {}\n", name_of(entry.kind), to_string(entry.tp), entry.begin.value(),
                       entry.end.value(), entry.digest.hex());
}

std::vector<AnchorEntry> entries_of(const Anchor& anchor, const TopicPartition& tp, AnchorEntry::Kind kind) {
    std::vector<AnchorEntry> found;
    std::ranges::copy_if(anchor.entries, std::back_inserter(found),
                         [&](const AnchorEntry& entry) { return entry.tp == tp && entry.kind == kind; });
    std::ranges::sort(found, {}, &AnchorEntry::begin);
    return found;
}

void fault(ChainReport& report, Offset at, std::string what) {
    if (!report.fault.empty()) return;
    report.fault_at = at;
    report.fault = std::move(what);
}

/// The chain of an embedded log's blocks.
Result<void> follow_blocks(const StoppedLog& log, const Anchor& anchor, ChainReport& report) {
    const auto anchored = entries_of(anchor, report.tp, AnchorEntry::Kind::Chain);
    std::optional<Offset> wanted;
    if (!anchored.empty()) wanted = anchored.back().end;
    BlockChain chain(report.tp, report.begin);
    const auto followed = log.visit_blocks(report.tp, [&](Offset base, std::string_view stored) -> Result<void> {
        ++report.blocks;
        if (const auto added = chain.add(base, stored); !added) {
            fault(report, base, added.error().message());
            return added;
        }
        if (wanted == chain.end() && chain.head() && *chain.head() != anchored.back().digest)
            fault(report, base, "the chain up to here is not the one that the anchor knows: it was computed anew");
        if (wanted && base < *wanted && *wanted < chain.end())
            fault(report, base, "the anchor knows a block that ends within this one: the chain was computed anew");
        return {};
    });
    if (!followed && report.fault.empty()) return followed;
    report.head = chain.head().value_or(Digest{});
    if (report.fault.empty() && wanted && chain.end() < *wanted)
        fault(report, chain.end(),
              fmt::format("ends at {}; the anchor knows records up to {}", chain.end().value(), wanted->value()));
    if (wanted && *wanted <= report.begin && report.begin > Offset())
        report.note = fmt::format("retention has dropped what the anchor knows, up to {}", wanted->value());
    if (chain.head())
        report.entries.push_back({AnchorEntry::Kind::Chain, report.tp, report.begin, chain.end(), report.head});
    return {};
}

/// A digest for each stretch of a cluster's records: stretches end at multiples of kStretch, and where one ended
/// before, so that everything that was digested once can be compared again.
class RecordStretches {
  public:
    RecordStretches(ChainReport& report, std::vector<AnchorEntry> anchored)
        : report_(report), anchored_(std::move(anchored)), begin_(report.begin) {
        next_cut();
    }

    void add(const RecordView& record) {
        while (record.offset >= cut_) close(cut_);
        add_record(sha_, record);
    }
    void finish(Offset end) {
        while (begin_ < end) close(std::min(cut_, end));
        for (const AnchorEntry& entry : anchored_) {
            if (entry.begin < report_.begin)
                report_.note = fmt::format("retention has dropped records that the anchor knows, up to {}",
                                           report_.begin.value());
            if (entry.end > end)
                fault(report_, end,
                      fmt::format("ends at {}; the anchor knows records up to {}", end.value(), entry.end.value()));
        }
    }

  private:
    void next_cut() {
        cut_ = Offset((begin_.value() / kStretch + 1) * kStretch);
        for (const AnchorEntry& entry : anchored_)
            for (const Offset edge : {entry.begin, entry.end})
                if (edge > begin_) cut_ = std::min(cut_, edge);
    }
    void close(Offset end) {
        const AnchorEntry made{AnchorEntry::Kind::Records, report_.tp, begin_, end, sha_.finish()};
        for (const AnchorEntry& entry : anchored_)
            if (entry.begin == begin_ && entry.end == end && entry.digest != made.digest)
                fault(report_, begin_, fmt::format("the records from {} to {} are not those that the anchor knows",
                                                   begin_.value(), end.value()));
        report_.entries.push_back(made);
        begin_ = end;
        next_cut();
    }

    ChainReport& report_;
    const std::vector<AnchorEntry> anchored_;
    Offset begin_;
    Offset cut_;
    Sha256 sha_;
};

Result<void> digest_all(const RecordSource& records, const Anchor& anchor, ChainReport& report) {
    RecordStretches stretches(report, entries_of(anchor, report.tp, AnchorEntry::Kind::Records));
    RecordBatch batch;
    for (Offset at = report.begin; at < report.end; at = batch.next) {
        VITALOG_CHECK(records.read(report.tp, at, kReadBytes, batch));
        if (batch.records.empty() && batch.next <= at) break;
        for (const auto& record : batch.records)
            if (record.offset < report.end) stretches.add(record);
    }
    stretches.finish(report.end);
    Anchor made;
    made.entries = report.entries;
    report.head = made.digest();
    return {};
}

}  // namespace

void add_record(Sha256& sha, const RecordView& record) {
    sha.add_number(static_cast<std::uint64_t>(record.offset.value()));
    sha.add_number(static_cast<std::uint64_t>(record.timestamp.millis()));
    for (const std::string_view part : {record.key, record.headers.encoded(), record.value}) {
        sha.add_number(part.size());
        sha.add(part);
    }
}

Result<Anchor> Anchor::read(const std::filesystem::path& path) {
    if (!std::filesystem::exists(path)) return Anchor{};
    std::ifstream file(path, std::ios::binary);
    if (!file) return fail(Errc::Io, path.string() + " can't be read");
    const std::string json{std::istreambuf_iterator<char>(file), {}};
    schemas::Decoder decoder;
    const auto shape = schemas::decode<AnchorShape>(json, decoder);
    if (!shape || shape->anchor != 1)
        return fail(Errc::Damaged, path.string() + " is no anchor of this form" +
                                       (shape ? std::string() : ": " + shape.error().message()));
    Anchor anchor;
    for (const auto& entry : shape->entries) {
        const auto digest = Digest::from_hex(entry.sha256);
        if (!digest || (entry.kind != "chain" && entry.kind != "records"))
            return fail(Errc::Damaged, path.string() + " has an entry that can't be read");
        anchor.entries.push_back({entry.kind == "chain" ? AnchorEntry::Kind::Chain : AnchorEntry::Kind::Records,
                                  {std::string(entry.topic), Partition(entry.partition)},
                                  Offset(entry.begin),
                                  Offset(entry.end),
                                  *digest});
    }
    return anchor;
}

Result<void> Anchor::write(const std::filesystem::path& path) const {
    AnchorShape shape;
    std::vector<std::string> digests;
    digests.reserve(entries.size());
    for (const auto& entry : entries) {
        digests.push_back(entry.digest.hex());
        shape.entries.push_back({name_of(entry.kind), entry.tp.topic, entry.tp.partition.value(), entry.begin.value(),
                                 entry.end.value(), digests.back()});
    }
    return sinks::write_file_durably(path, schemas::encode(shape) + "\n");
}

void Anchor::replace(const TopicPartition& tp, const std::vector<AnchorEntry>& fresh) {
    std::erase_if(entries, [&](const AnchorEntry& entry) { return entry.tp == tp; });
    entries.insert(entries.end(), fresh.begin(), fresh.end());
}

Digest Anchor::digest() const {
    Sha256 sha;
    for (const auto& entry : entries) sha.add(to_line(entry));
    return sha.finish();
}

Result<ChainReport> audit_chain(const AuditLog& log, const TopicPartition& tp, const Anchor& anchor,
                                bool digest_records) {
    const RecordSource& records = log.source().records;
    ChainReport report;
    report.tp = tp;
    VITALOG_TRY(report.begin, records.begin_offset(tp));
    VITALOG_TRY(report.end, records.end_offset(tp));
    if (log.stopped() != nullptr) {
        VITALOG_CHECK(follow_blocks(*log.stopped(), anchor, report));
    } else if (digest_records) {
        VITALOG_CHECK(digest_all(records, anchor, report));
    }
    return report;
}

}  // namespace vitalog::topology
