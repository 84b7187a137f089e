#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ingest/hl7/time.h"
#include "schemas/base/result.h"

namespace vitalog::ingest::mllp {

/// Cuts the bytes of a file into HL7 messages whose segments end in CR. The file may separate
/// messages by blank lines, by MLLP framing or by nothing but the next MSH; segments may end in CR,
/// LF or CR LF; batch segments (FHS, BHS, BTS, FTS) are left out. Malformed when there is no MSH,
/// or text in front of the first.
Result<std::vector<std::string>> split_messages(std::string_view bytes);

/// The messages of a file, or of every file of a folder in the order of the names. NotFound, Io,
/// Malformed: names the file.
Result<std::vector<std::string>> load_messages(const std::string& path);

/// Moves every time in the messages (MSH-7, EVN, ORC, OBR, OBX, ...) by the same whole seconds, so
/// that the newest is `now` on the site's clock; birth dates move by the whole days in it, so that
/// ages stay. Each keeps its length, its fraction and its offset. Gives the seconds; 0 when no time
/// is in them. Malformed when a message is none.
Result<std::int64_t> shift_to_now(std::vector<std::string>& messages, EventTime now,
                                  const hl7::SiteZone& zone);

}  // namespace vitalog::ingest::mllp
