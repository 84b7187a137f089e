#include "schemas/catalogue.h"

namespace vitalog::schemas {

std::string EventInfo::schema_file() const {
    constexpr std::string_view kPrefix = "vitalog.";
    return std::string(type.substr(kPrefix.size())) + ".schema.json";
}

const std::vector<EventInfo>& event_catalogue() {
    static const std::vector<EventInfo> catalogue = [] {
        std::vector<EventInfo> list;
        for_each_event([&]<class E>(const EventInfo& info) { list.push_back(info); });
        return list;
    }();
    return catalogue;
}

}  // namespace vitalog::schemas
