#include "topology/documents.h"

#include <algorithm>
#include <memory>

#include "ingest/intake/document.h"

namespace vitalog::topology {
namespace {

/// Most messages hold no ED; one look at the bytes says so.
bool may_hold_document(std::string_view bytes) {
    const std::size_t msh = bytes.find("MSH");
    if (msh == std::string_view::npos || msh + 3 >= bytes.size()) return false;
    const char separator = bytes[msh + 3];
    const char type[] = {separator, 'E', 'D', separator};
    return bytes.find(std::string_view(type, sizeof type)) != std::string_view::npos;
}

}  // namespace

sinks::FindDocuments hl7_documents(std::optional<ingest::hl7::Charset> charset) {
    struct Reader {
        ingest::hl7::Decoder decoder;
        ingest::hl7::Message message;
    };
    // shared: std::function copies what it holds
    auto reader = std::make_shared<Reader>();
    reader->decoder = ingest::hl7::Decoder(charset);
    return [reader](const RecordView& record, const auto& visit) -> Result<void> {
        const std::string_view format = record.headers.find(header::kFormat);
        if ((!format.empty() && format != "hl7v2") || !may_hold_document(record.value)) return {};
        VITALOG_TRY(const auto decoded, reader->decoder.decode(record.value));
        VITALOG_CHECK(reader->message.parse(decoded));
        Result<void> visited;
        ingest::for_each_document(reader->message, [&](const ingest::hl7::Repetition& ed) {
            if (!visited) return;
            visited = visit([&](const sinks::BlobStore::TakeBytes& take) {
                return ingest::decode_document(ed, take);
            });
        });
        return visited;
    };
}

std::vector<std::string> hl7_feeds(const Config& config, const schemas::TopicNames& topics) {
    std::vector<std::string> feeds;
    for (const schemas::Topic topic :
         {schemas::Topic::FeedHis, schemas::Topic::FeedLis, schemas::Topic::FeedPacs,
          schemas::topic_named(config.text("mllp.feed")).value_or(schemas::Topic::FeedHis)}) {
        std::string name(topics.name(topic));
        if (std::find(feeds.begin(), feeds.end(), name) == feeds.end())
            feeds.push_back(std::move(name));
    }
    return feeds;
}

}  // namespace vitalog::topology
