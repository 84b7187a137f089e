#include "ingest/intake/intake_processor.h"

#include <string>
#include <utility>

#include "schemas/events/control.h"
#include "schemas/feed_forms.h"

namespace vitalog::ingest {
namespace {

using schemas::Topic;

constexpr std::string_view kDefaultZone = "Asia/Shanghai";

tl::unexpected<Error> not_read_here(std::string_view topic, std::string_view format) {
    return fail(Errc::Unsupported,
                "records of '" + std::string(topic) + "' in the form '" + std::string(format) +
                    "' are not read here; set the header 'format' to a form that this topic has");
}

}  // namespace

Result<std::unique_ptr<IntakeProcessor>> IntakeProcessor::make() {
    VITALOG_TRY(auto zone, hl7::SiteZone::named(kDefaultZone));
    return std::unique_ptr<IntakeProcessor>(new IntakeProcessor(std::move(zone)));
}

IntakeProcessor::IntakeProcessor(hl7::SiteZone zone)
    : rules_{{}, std::move(zone), {}, std::nullopt}, hl7_(rules_), json_(rules_.tables), wearable_(rules_.tables) {}

Result<void> IntakeProcessor::on_record(state::Entity*, const processors::Input& input,
                                        processors::Context& out) {
    std::string_view format = input.headers.find(header::kFormat);
    if (format.empty()) format = schemas::usual_format(input.topic);
    if (!schemas::is_form(input.topic, format))
        return not_read_here(schemas::name_of(input.topic), format);
    switch (input.topic) {
        case Topic::FeedDirectory:
            return json_.directory(input, out);
        case Topic::FeedDecision:
            return json_.decision(input, out);
        case Topic::FeedReceipt:
            return receipts_.handle(format, input, out);
        case Topic::FeedWearable:
            return wearable_.handle(input, out);
        case Topic::FeedOperation:
            return operations_.handle(input, out);
        case Topic::FeedControl:
            return json_.control(input, out);
        default:
            return hl7_.handle(input, out);
    }
}

Result<void> IntakeProcessor::on_control(const schemas::Control& control,
                                         const processors::Input&) {
    if (control.kind == "codes" || control.kind == "units" || control.kind == "measures")
        return rules_.tables.load(control.kind, control.name, control.body);
    if (control.kind == "settings" && control.name == "site") return use_settings(control);
    return {};  // steers others
}

Result<void> IntakeProcessor::use_settings(const schemas::Control& control) {
    schemas::Settings settings;
    if (!control.body.empty()) {
        VITALOG_TRY(settings, schemas::Settings::parse(control.body, decoder_));
    }
    VITALOG_TRY(auto zone, hl7::SiteZone::named(settings.text("site.zone", kDefaultZone)));
    VITALOG_TRY(const auto charset, hl7::charset_setting(settings.text("hl7.charset", "auto")));
    rules_.zone = std::move(zone);
    rules_.authorities = settings.list("site.authorities", "");
    rules_.charset = charset;
    hl7_.reset_charset();
    return {};
}

}  // namespace vitalog::ingest
