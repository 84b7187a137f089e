#pragma once

#include <string_view>
#include <vector>

namespace vitalog::schemas {

/// A control record's body that comes with the binary.
struct BuiltinFile {
    std::string_view kind;  ///< of the control record: "units", "codes", "measures", "rules",
                            ///< "templates"
    std::string_view name;  ///< file name
    std::string_view text;
};

/// The built-in pack in the order in which it can be published: units, codes, measures, rules,
/// templates, each by name.
const std::vector<BuiltinFile>& builtin_files();

}  // namespace vitalog::schemas
