#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "ingest/hl7/message.h"

namespace vitalog::ingest {

/// Takes a document's bytes piece by piece, in order.
using TakeBytes = std::function<Result<void>(std::string_view)>;

/// MIME type of an ED by its kind (component 2, HL7 table 0191 or a MIME type) and its subtype
/// (component 3, table 0291): "application/pdf", "text/plain"; "application/octet-stream" for what
/// nobody registered.
std::string content_type(const hl7::Repetition& ed);

/// Gives the bytes of an ED: component 5 by the encoding in component 4 (HL7 table 0299: Base64,
/// Hex; A and empty: text as it stands, escape sequences undone, in UTF-8). Line breaks and escape
/// sequences inside Base64 and Hex are skipped. In pieces of at most 48 KiB, text in one. Malformed
/// for what does not follow its encoding, Unsupported for another one; a false result of `take`
/// ends it.
Result<void> decode_document(const hl7::Repetition& ed, const TakeBytes& take);

/// SHA-256, 64 hexadecimal digits, and size of a document. Errors as above.
struct DocumentDigest {
    std::string sha256;
    std::int64_t size = 0;
};
Result<DocumentDigest> digest_document(const hl7::Repetition& ed);

/// Shows every ED of a message's OBX that has bytes. Used by whoever keeps the documents; the same
/// reading as intake's.
void for_each_document(const hl7::Message& message,
                       const std::function<void(const hl7::Repetition&)>& visit);

}  // namespace vitalog::ingest
