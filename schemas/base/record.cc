#include "schemas/base/record.h"

#include "schemas/base/binary.h"

namespace vitalog {

std::string_view Headers::find(std::string_view name) const {
    BinaryReader reader(encoded_);
    while (!reader.at_end()) {
        const std::string_view found = reader.text();
        const std::string_view value = reader.text();
        if (!reader.ok()) break;
        if (found == name) return value;
    }
    return {};
}

std::vector<std::pair<std::string_view, std::string_view>> Headers::all() const {
    std::vector<std::pair<std::string_view, std::string_view>> list;
    BinaryReader reader(encoded_);
    while (!reader.at_end()) {
        const std::string_view name = reader.text();
        const std::string_view value = reader.text();
        if (!reader.ok()) break;
        list.emplace_back(name, value);
    }
    return list;
}

void Headers::append(std::string& encoded, std::string_view name, std::string_view value) {
    BinaryWriter writer(encoded);
    writer.text(name);
    writer.text(value);
}

}  // namespace vitalog
