#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/base/result.h"
#include "schemas/json.h"

namespace vitalog::schemas {

/// A text that a provider approved, as it goes out by one channel.
struct ChannelTemplate {
    std::string aliyun;   ///< sms: Aliyun's template code, "SMS_154950909"
    std::string tencent;  ///< sms: Tencent's template id, "449739"
    std::string wechat;   ///< wechat: the account's template id
    std::string sign;     ///< sms: the signature shown before the text; empty: the site's default
    std::string url;      ///< wechat: what a tap opens
    std::string
        text;  ///< with ${name} where a variable goes; wechat: the data's texts, a line each
    std::vector<std::string> params;  ///< names of the variables, in the order of the text
    std::vector<std::pair<std::string, std::string>> data;  ///< wechat: key and text

    /// The template's name at a provider ("aliyun", "tencent", "wechat", "wecom"); empty: it has
    /// none there. A robot of WeCom takes any text.
    std::string_view code_at(std::string_view provider) const;
};

/// What is said for one purpose.
struct MessageTemplate {
    std::string name;
    std::string purpose;  ///< of the intent: "alert", "task", "reminder", "escalation", "breach",
                          ///< "correction"
    std::optional<ChannelTemplate> sms, wechat, wecom;
    /// Messages of priority high go out in the recipient's quiet hours too.
    bool high_passes_quiet_hours = false;

    /// By the name of a channel; null: the template does not serve it.
    const ChannelTemplate* channel(std::string_view name) const;
};

/// A message ready to go: what the provider wants and what the recipient will read.
struct RenderedMessage {
    std::vector<std::pair<std::string, std::string>> params;  ///< wechat: the data by key, filled
    std::string text;
};

/// A site's messages in one YAML file:
///
///     id: vitalog-zh            # names the pack
///     version: "1"
///     templates:
///       - name: task-notice     # an intent may ask for it by name
///         purpose: task         # else it is found by purpose
///         high_passes_quiet_hours: true   # optional; else no message goes out in quiet hours
///         sms:                  # at least one of the channels sms, wechat, wecom
///           aliyun: SMS_480000002         # the code at the provider in use, or at both
///           tencent: "449739"
///           sign: 健康管理       # optional
///           params: [minutes]   # optional
///           text: 您有一项新的健康管理任务，请在${minutes}分钟内登录处理。
///         wechat:
///           template: 7K3nNfa-pX3yQd2XYkIMBPKzlN0LgkoGDuH9eVkgVfo
///           url: https://h.example/m      # optional, the same for everybody
///           data: {thing1: 您有一项新的健康管理任务, thing2: 请登录处理}
///         wecom:
///           text: 有一项新的健康管理任务，请登录处理。
///
/// A message may be read by anybody who picks the phone up (PIPL articles 28 to 30), so a pack
/// is refused when a text, a signature, an address or a variable could carry a diagnosis, an
/// analyte, a drug, a value or a department that tells the disease. The variables there are have
/// forms that nothing clinical fits into: `code` (4 to 12 letters and digits, the task's short
/// name) and `minutes` (1 to 4 digits, the time left).
struct TemplatePack {
    std::string id;
    std::string version;
    std::vector<MessageTemplate> templates;

    /// Malformed: not YAML, or not this form; names line and key. Forbidden: the privacy check;
    /// names the template, the word, and what to write instead. TooLarge: beyond
    /// kTemplatePackBytesMax.
    static Result<TemplatePack> parse(std::string_view yaml);

    const MessageTemplate* named(std::string_view name) const;
    const MessageTemplate* for_purpose(std::string_view purpose) const;
};

inline constexpr std::size_t kTemplatePackBytesMax = 256 * 1024;
inline constexpr std::size_t kTemplatesMax = 256;
/// What one message may hold, in bytes: some 166 Chinese characters, three parts of an SMS.
inline constexpr std::size_t kTemplateTextMax = 500;

/// Forbidden, with the word and the way out, when the text could tell something about a person's
/// health.
Result<void> check_privacy(std::string_view text);

/// Fills a text with the values of its own variables; other values are left out. Missing: a
/// variable has no value. Forbidden: a value has not the form of its variable.
Result<RenderedMessage> render(const ChannelTemplate& message, const StringMap& values);

}  // namespace vitalog::schemas
