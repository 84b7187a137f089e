#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "processors/notify/settle.h"
#include "schemas/events/control.h"

namespace vitalog::processors {

/// The settings of notify, checked. Keys and defaults:
///   notify.mode            off   off: attempts settle as suppressed; live: they enter
///   send.<channel> notify.channels        all   the channels that somebody serves, ours or the
///   hospital's gateway notify.sms.provider    aliyun  whose template codes go out by SMS
///   notify.daily_limit     50    attempts per recipient and day, on the recipient's calendar
///   notify.unknown_limit   10m   how long an unknown outcome is waited for
///   notify.high_limit      5m    then a message of priority high goes out by another channel too
///   notify.attempts        5     attempts of one message by one channel
///   notify.retry_first     30s   wait after the first attempt that was not taken; doubled each
///   time notify.retry_most      15m   the longest such wait notify.reminder_quiet  22:00-07:00
///   quiet hours of patients' reminders where the directory
///                                says none; empty: none
///   site.zone              Asia/Shanghai  the clock of recipients without a zone
struct NotifySettings {
    bool live = false;
    std::vector<std::string> channels;  ///< empty: all
    std::string sms_provider = "aliyun";
    std::int64_t daily_limit = 50;
    RetryPolicy retry;
    std::chrono::microseconds high_limit = std::chrono::minutes(5);
    std::string reminder_quiet_from = "22:00", reminder_quiet_to = "07:00";
    std::string zone = "Asia/Shanghai";

    /// Configuration: a value is not of its kind or out of range.
    static Result<NotifySettings> from(const schemas::Settings& settings);

    bool serves(std::string_view channel) const;
    /// As code_at() of a template wants it.
    std::string_view provider_of(std::string_view channel) const;
};

}  // namespace vitalog::processors
