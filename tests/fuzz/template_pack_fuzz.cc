#include <cstddef>
#include <cstdint>
#include <string_view>

#include "schemas/templates.h"

// Template packs come from operators: any text is refused with a message, or gives a pack in which
// every template can be filled or says which variable has no value.

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace vitalog::schemas;
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    (void)check_privacy(bytes);
    const auto pack = TemplatePack::parse(bytes);
    if (!pack) {
        VITALOG_ASSERT(!pack.error().message().empty(), "a refusal says why");
        return 0;
    }
    StringMap values;
    values.items = {{"code", "ab12"}, {"minutes", "60"}};
    for (const auto& message : pack->templates) {
        const auto rendered = render(*message.sms, values);
        VITALOG_ASSERT(rendered.has_value(), "a template in force can be filled");
        VITALOG_ASSERT(check_privacy(rendered->text).has_value() || !message.sms->params.empty(),
                       "what is sent tells nothing");
    }
    return 0;
}
