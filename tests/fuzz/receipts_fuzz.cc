#include <cstdint>
#include <string_view>

#include "schemas/flat_xml.h"
#include "sinks/fhir/gateway_api.h"
#include "sinks/fhir/receipts_api.h"

// What providers and gateways push.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace vitalog::sinks::fhir;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    for (const auto& reports :
         {parse_aliyun_reports(text), parse_tencent_reports(text), parse_wechat_event(text)})
        if (reports)
            for (const auto& report : *reports)
                VITALOG_ASSERT(!report.key.empty() && !report.value.empty(),
                               "a report belongs somewhere");
    if (const auto receipts = parse_gateway_receipts(text))
        VITALOG_ASSERT(!receipts->empty() && !receipts->front().recipient.empty(),
                       "a receipt names its recipient");
    if (const auto xml = vitalog::schemas::parse_flat_xml(text))
        for (const auto& [name, value] : *xml)
            VITALOG_ASSERT(!name.empty() && value.size() <= size, "text does not grow");
    return 0;
}
