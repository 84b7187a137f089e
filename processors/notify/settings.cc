#include "processors/notify/settings.h"

#include <algorithm>

#include "processors/notify/channels.h"
#include "schemas/shift.h"

namespace vitalog::processors {
namespace {

Result<void> read_limits(const schemas::Settings& settings, NotifySettings& notify) {
    VITALOG_TRY(notify.daily_limit, settings.number("notify.daily_limit", 50));
    VITALOG_TRY(notify.retry.attempts_max, settings.number("notify.attempts", 5));
    if (notify.daily_limit < 1 || notify.retry.attempts_max < 1 || notify.retry.attempts_max > 100)
        return fail(
            Errc::Configuration,
            "settings notify.daily_limit and notify.attempts: at least 1, attempts at most 100");
    VITALOG_TRY(notify.retry.unknown_limit, settings.duration("notify.unknown_limit", "10m"));
    VITALOG_TRY(notify.high_limit, settings.duration("notify.high_limit", "5m"));
    VITALOG_TRY(notify.retry.first, settings.duration("notify.retry_first", "30s"));
    VITALOG_TRY(notify.retry.most, settings.duration("notify.retry_most", "15m"));
    if (notify.retry.first < std::chrono::seconds(1) || notify.retry.most < notify.retry.first ||
        notify.high_limit < std::chrono::seconds(1))
        return fail(Errc::Configuration,
                    "settings notify.retry_first, notify.retry_most and notify.high_limit: at "
                    "least 1s, notify.retry_most not below notify.retry_first");
    return {};
}

Result<void> read_quiet(const schemas::Settings& settings, NotifySettings& notify) {
    const std::string_view quiet = settings.text("notify.reminder_quiet", "22:00-07:00");
    notify.reminder_quiet_from = notify.reminder_quiet_to = "";
    if (quiet.empty()) return {};
    const std::size_t dash = quiet.find('-');
    const std::string_view from = quiet.substr(0, dash);
    const std::string_view to =
        dash == std::string_view::npos ? std::string_view() : quiet.substr(dash + 1);
    if (!schemas::clock_minutes(from) || !schemas::clock_minutes(to) || from == to)
        return fail(Errc::Configuration, "setting notify.reminder_quiet: '" + std::string(quiet) +
                                             "' must be hours such as 22:00-07:00, or empty");
    notify.reminder_quiet_from = from;
    notify.reminder_quiet_to = to;
    return {};
}

}  // namespace

Result<NotifySettings> NotifySettings::from(const schemas::Settings& settings) {
    NotifySettings notify;
    const std::string_view mode = settings.text("notify.mode", "off");
    if (mode != "off" && mode != "live")
        return fail(Errc::Configuration,
                    "setting notify.mode: '" + std::string(mode) + "' must be off or live");
    notify.live = mode == "live";
    notify.channels = settings.list("notify.channels", "");
    for (const auto& channel : notify.channels)
        if (channel_named(channel) == nullptr)
            return fail(Errc::Configuration,
                        "setting notify.channels: there is no channel '" + channel + "'");
    notify.sms_provider = settings.text("notify.sms.provider", "aliyun");
    if (notify.sms_provider != "aliyun" && notify.sms_provider != "tencent")
        return fail(Errc::Configuration, "setting notify.sms.provider: '" + notify.sms_provider +
                                             "' must be aliyun or tencent");
    VITALOG_CHECK(read_limits(settings, notify));
    VITALOG_CHECK(read_quiet(settings, notify));
    notify.zone = settings.text("site.zone", "Asia/Shanghai");
    return notify;
}

bool NotifySettings::serves(std::string_view channel) const {
    return channels.empty() ||
           std::find(channels.begin(), channels.end(), channel) != channels.end();
}

std::string_view NotifySettings::provider_of(std::string_view channel) const {
    return channel == "sms" ? std::string_view(sms_provider) : channel;
}

}  // namespace vitalog::processors
