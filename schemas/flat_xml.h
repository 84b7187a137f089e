#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "schemas/base/result.h"

namespace vitalog::schemas {

/// The children of an XML document's root element that hold text, by name, in order; those that
/// hold elements are passed over. Enough for the messages that WeChat pushes:
///
///     <xml><MsgType><![CDATA[event]]></MsgType><MsgID>200163836</MsgID></xml>
///
/// Text is unescaped (the five entities of XML and character references up to U+10FFFF). Malformed
/// for everything that is not that form: declarations of types, comments, attributes, elements that
/// do not close. TooLarge beyond kFlatXmlBytesMax.
using FlatXml = std::vector<std::pair<std::string, std::string>>;
Result<FlatXml> parse_flat_xml(std::string_view text);

inline constexpr std::size_t kFlatXmlBytesMax = 64 * 1024;

/// The first value of that name; empty: none.
std::string_view find(const FlatXml& xml, std::string_view name);

}  // namespace vitalog::schemas
