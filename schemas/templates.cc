#include "schemas/templates.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <initializer_list>
#include <utility>

#include "schemas/base/remembered.h"

namespace vitalog::schemas {
namespace {

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
bool is_alnum(char c) {
    return is_digit(c) || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

bool is_number(std::string_view value) {
    return !value.empty() && value.size() <= 4 && std::all_of(value.begin(), value.end(), is_digit);
}
bool is_code(std::string_view value) {
    return value.size() >= 4 && value.size() <= 12 &&
           std::all_of(value.begin(), value.end(), is_alnum);
}
/// A variable that a text may have, and the form that its values must have.
struct KnownParam {
    std::string_view name;
    std::string_view form;
    bool (*has_form)(std::string_view);
};
constexpr std::array<KnownParam, 2> kParams{{
    {"code", "4 to 12 letters and digits", is_code},
    {"minutes", "1 to 4 digits", is_number},
}};

const KnownParam* known_param(std::string_view name) {
    for (const auto& known : kParams)
        if (known.name == name) return &known;
    return nullptr;
}

/// Of a value that WeChat calls a thing; variables count as they are written.
constexpr std::size_t kThingMax = 20;

std::size_t characters(std::string_view utf8) {
    return static_cast<std::size_t>(std::count_if(utf8.begin(), utf8.end(), [](char c) {
        return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
    }));
}

std::string param_names() {
    std::string names;
    for (const auto& known : kParams) {
        if (!names.empty()) names.append(", ");
        names.append(known.name);
    }
    return names;
}

/// A text cut at its variables: literal, name, literal, name, ..., literal.
struct CutText {
    std::vector<std::string> literals;
    std::vector<std::string> names;
};

Result<CutText> cut(std::string_view text) {
    CutText parts;
    for (;;) {
        const std::size_t open = text.find("${");
        parts.literals.emplace_back(text.substr(0, open));
        if (open == std::string_view::npos) return parts;
        const std::size_t close = text.find('}', open);
        if (close == std::string_view::npos)
            return fail(Errc::Malformed, "text has '${' without '}'; close the variable");
        parts.names.emplace_back(text.substr(open + 2, close - open - 2));
        text.remove_prefix(close + 1);
    }
}

/// The YAML of one pack, key by key. Every error says the line.
class PackReader {
  public:
    Result<TemplatePack> pack(const YAML::Node& root) const {
        VITALOG_CHECK(map(root, "the pack", {"id", "version", "templates"}));
        TemplatePack pack;
        VITALOG_TRY(pack.id, text(root, "id"));
        VITALOG_TRY(pack.version, text(root, "version"));
        const YAML::Node list = root["templates"];
        if (!list || !list.IsSequence() || list.size() == 0)
            return at(root, "'templates' must be a list of at least one template");
        if (list.size() > kTemplatesMax)
            return fail(Errc::TooLarge, "more than " + std::to_string(kTemplatesMax) +
                                            " templates; split the pack");
        for (const auto& node : list) {
            VITALOG_TRY(auto message, message_template(node));
            if (pack.named(message.name) != nullptr)
                return at(node, "template '" + message.name + "' is there twice; rename one");
            pack.templates.push_back(std::move(message));
        }
        return pack;
    }

  private:
    static tl::unexpected<Error> at(const YAML::Node& node, std::string message) {
        return fail(Errc::Malformed,
                    "line " + std::to_string(node.Mark().line + 1) + ": " + std::move(message));
    }
    static Result<void> map(const YAML::Node& node, const std::string& what,
                            std::initializer_list<std::string_view> keys) {
        if (!node.IsMap()) return at(node, what + " must be a map");
        for (const auto& entry : node) {
            if (!entry.first.IsScalar()) return at(node, what + " has a key that is not a word");
            const std::string& key = entry.first.Scalar();
            if (std::find(keys.begin(), keys.end(), key) != keys.end()) continue;
            std::string allowed;
            for (const auto allowed_key : keys)
                allowed.append(allowed.empty() ? "" : ", ").append(allowed_key);
            return at(entry.first,
                      "unknown key '" + key + "' in " + what + "; allowed are " + allowed);
        }
        return {};
    }
    static Result<std::string> text(const YAML::Node& node, const char* key, bool required = true) {
        const YAML::Node value = node[key];
        if (!value && !required) return std::string();
        if (!value || !value.IsScalar() || value.Scalar().empty())
            return at(node, std::string("'") + key + "' must be a text");
        return value.Scalar();
    }

    static Result<bool> flag(const YAML::Node& node, const char* key) {
        const YAML::Node value = node[key];
        if (!value) return false;
        if (value.IsScalar() && (value.Scalar() == "true" || value.Scalar() == "false"))
            return value.Scalar() == "true";
        return at(node, std::string("'") + key + "' must be true or false");
    }

    static Result<MessageTemplate> message_template(const YAML::Node& node) {
        VITALOG_CHECK(
            map(node, "a template",
                {"name", "purpose", "high_passes_quiet_hours", "sms", "wechat", "wecom"}));
        MessageTemplate message;
        VITALOG_TRY(message.name, text(node, "name"));
        VITALOG_TRY(message.purpose, text(node, "purpose"));
        VITALOG_TRY(message.high_passes_quiet_hours, flag(node, "high_passes_quiet_hours"));
        using Read = Result<ChannelTemplate> (*)(const YAML::Node&);
        const auto channel = [&](const char* name, Read read,
                                 std::optional<ChannelTemplate>& out) -> Result<void> {
            if (!node[name]) return {};
            auto found = read(node[name]);
            if (!found)
                return fail(found.error().code(),
                            "template '" + message.name + "': " + found.error().message());
            out = *std::move(found);
            return {};
        };
        VITALOG_CHECK(channel("sms", sms, message.sms));
        VITALOG_CHECK(channel("wechat", wechat, message.wechat));
        VITALOG_CHECK(channel("wecom", wecom, message.wecom));
        if (!message.sms && !message.wechat && !message.wecom)
            return at(node, "template '" + message.name +
                                "' has no channel; give it 'sms', 'wechat' or 'wecom'");
        return message;
    }

    static Result<void> read_params(const YAML::Node& node, ChannelTemplate& channel) {
        const YAML::Node params = node["params"];
        if (params && !params.IsSequence()) return at(params, "'params' must be a list of names");
        if (params)
            for (const auto& name : params) {
                if (!name.IsScalar()) return at(params, "'params' must be a list of names");
                channel.params.push_back(name.Scalar());
            }
        return {};
    }

    static Result<ChannelTemplate> sms(const YAML::Node& node) {
        VITALOG_CHECK(map(node, "sms", {"aliyun", "tencent", "sign", "params", "text"}));
        ChannelTemplate channel;
        VITALOG_TRY(channel.aliyun, text(node, "aliyun", false));
        VITALOG_TRY(channel.tencent, text(node, "tencent", false));
        if (channel.aliyun.empty() && channel.tencent.empty())
            return at(node, "sms needs the template's name at a provider: 'aliyun' or 'tencent'");
        VITALOG_TRY(channel.sign, text(node, "sign", false));
        VITALOG_TRY(channel.text, text(node, "text"));
        VITALOG_CHECK(read_params(node, channel));
        return channel;
    }

    static Result<ChannelTemplate> wecom(const YAML::Node& node) {
        VITALOG_CHECK(map(node, "wecom", {"params", "text"}));
        ChannelTemplate channel;
        VITALOG_TRY(channel.text, text(node, "text"));
        VITALOG_CHECK(read_params(node, channel));
        return channel;
    }

    static Result<ChannelTemplate> wechat(const YAML::Node& node) {
        VITALOG_CHECK(map(node, "wechat", {"template", "url", "params", "data"}));
        ChannelTemplate channel;
        VITALOG_TRY(channel.wechat, text(node, "template"));
        VITALOG_TRY(channel.url, text(node, "url", false));
        if (!channel.url.empty() &&
            (!channel.url.starts_with("https://") || channel.url.find('$') != std::string::npos))
            return at(node, "'url' must begin with https:// and hold no variable");
        VITALOG_CHECK(read_params(node, channel));
        const YAML::Node data = node["data"];
        if (!data || !data.IsMap() || data.size() == 0)
            return at(node, "'data' must be a map from the template's keys to texts");
        for (const auto& entry : data) {
            if (!entry.first.IsScalar() || !entry.second.IsScalar() ||
                entry.second.Scalar().empty())
                return at(data, "'data' must be a map from the template's keys to texts");
            const std::string& key = entry.first.Scalar();
            const bool named =
                std::all_of(key.begin(), key.end(), [](char c) { return is_alnum(c) || c == '_'; });
            if (!named || key.empty() || is_digit(key.front()))
                return at(entry.first, "'" + key + "' is no key of a template, such as thing1");
            if (key.starts_with("thing") && characters(entry.second.Scalar()) > kThingMax)
                return at(entry.first, "'" + key + "' holds at most 20 characters; shorten it");
            if (!channel.text.empty()) channel.text.push_back('\n');
            channel.text.append(entry.second.Scalar());
            channel.data.emplace_back(key, entry.second.Scalar());
        }
        return channel;
    }
};

Result<void> check_params(const ChannelTemplate& channel, const CutText& parts) {
    for (const auto& name : channel.params) {
        if (known_param(name) == nullptr)
            return fail(Errc::Forbidden, "variable '" + name + "' is not allowed; use one of " +
                                             param_names() +
                                             ", and show everything else after login");
        if (std::count(channel.params.begin(), channel.params.end(), name) > 1)
            return fail(Errc::Malformed, "variable '" + name + "' is listed twice; list it once");
        if (std::find(parts.names.begin(), parts.names.end(), name) == parts.names.end())
            return fail(
                Errc::Malformed,
                "variable '" + name + "' is listed but not in the text; write ${" + name + "}");
    }
    for (const auto& name : parts.names)
        if (std::find(channel.params.begin(), channel.params.end(), name) == channel.params.end())
            return fail(Errc::Malformed, "the text uses '" + name + "'; list it under 'params'");
    return {};
}

Result<void> check_urls(const CutText& parts) {
    // Aliyun refuses a variable that is a URL or a part of one (isv.PARAM_NOT_SUPPORT_URL).
    for (std::size_t i = 0; i < parts.names.size(); ++i) {
        const std::string& before = parts.literals[i];
        const std::size_t word = before.find_last_of(" \t\n");
        const std::string_view tail =
            std::string_view(before).substr(word == std::string::npos ? 0 : word + 1);
        if (tail.find("://") != std::string_view::npos ||
            tail.find("www.") != std::string_view::npos)
            return fail(
                Errc::Forbidden,
                "variable '" + parts.names[i] +
                    "' is part of a URL; write the whole address into the text, without variables");
    }
    return {};
}

Result<void> check_channel(const ChannelTemplate& channel) {
    if (channel.text.size() > kTemplateTextMax)
        return fail(Errc::TooLarge, "text is longer than " + std::to_string(kTemplateTextMax) +
                                        " bytes; shorten it");
    VITALOG_TRY(const CutText parts, cut(channel.text));
    VITALOG_CHECK(check_params(channel, parts));
    VITALOG_CHECK(check_urls(parts));
    VITALOG_CHECK(check_privacy(channel.sign));
    VITALOG_CHECK(check_privacy(channel.url));
    // Read with a number in the place of each variable: "${count} mmol/L" is a value too, and a
    // word that is cut in two by a variable does not hide.
    std::string with_number = parts.literals.front();
    std::string joined = parts.literals.front();
    for (std::size_t i = 0; i < parts.names.size(); ++i) {
        with_number.append("0").append(parts.literals[i + 1]);
        joined.append(parts.literals[i + 1]);
    }
    VITALOG_CHECK(check_privacy(with_number));
    return check_privacy(joined);
}

Result<YAML::Node> load(std::string_view yaml) {
    if (yaml.size() > kTemplatePackBytesMax)
        return fail(Errc::TooLarge, "a template pack is at most " +
                                        std::to_string(kTemplatePackBytesMax) + " bytes");
    try {
        return YAML::Load(std::string(yaml));
    } catch (const YAML::Exception& error) {
        return fail(Errc::Malformed,
                    "not YAML: line " + std::to_string(error.mark.line + 1) + ": " + error.msg);
    }
}

Result<TemplatePack> parse_anew(std::string_view yaml) {
    VITALOG_TRY(const YAML::Node root, load(yaml));
    Result<TemplatePack> pack = fail(Errc::Malformed, "not a template pack");
    try {
        pack = PackReader().pack(root);
    } catch (const YAML::Exception& error) {
        return fail(Errc::Malformed,
                    "line " + std::to_string(error.mark.line + 1) + ": " + error.msg);
    }
    if (!pack) return pack;
    for (const auto& message : pack->templates) {
        for (const auto* channel : {&message.sms, &message.wechat, &message.wecom}) {
            if (!*channel) continue;
            if (const auto checked = check_channel(**channel); !checked)
                return fail(checked.error().code(),
                            "template '" + message.name + "': " + checked.error().message());
        }
    }
    return pack;
}

}  // namespace

Result<TemplatePack> TemplatePack::parse(std::string_view yaml) {
    static Remembered<TemplatePack> remembered;
    VITALOG_TRY(const auto pack,
                remembered.get(yaml, [&]() -> Result<std::shared_ptr<const TemplatePack>> {
                    VITALOG_TRY(auto parsed, parse_anew(yaml));
                    return std::make_shared<const TemplatePack>(std::move(parsed));
                }));
    return *pack;
}

std::string_view ChannelTemplate::code_at(std::string_view provider) const {
    if (provider == "aliyun") return aliyun;
    if (provider == "tencent") return tencent;
    if (provider == "wechat") return wechat;
    return provider == "wecom" ? "text" : "";
}

const ChannelTemplate* MessageTemplate::channel(std::string_view channel) const {
    if (channel == "sms") return sms ? &*sms : nullptr;
    if (channel == "wechat") return wechat ? &*wechat : nullptr;
    return channel == "wecom" && wecom ? &*wecom : nullptr;
}

const MessageTemplate* TemplatePack::named(std::string_view name) const {
    for (const auto& message : templates)
        if (message.name == name) return &message;
    return nullptr;
}

const MessageTemplate* TemplatePack::for_purpose(std::string_view purpose) const {
    for (const auto& message : templates)
        if (message.purpose == purpose) return &message;
    return nullptr;
}

namespace {

using Params = std::vector<std::pair<std::string, std::string>>;

/// The text with the values in the places of their variables.
std::string filled(std::string_view text, const Params& params) {
    const auto parts = cut(text);
    VITALOG_ASSERT(parts.has_value(), "a template in force has a text that can be cut");
    std::string out = parts->literals.front();
    for (std::size_t i = 0; i < parts->names.size(); ++i) {
        for (const auto& [name, value] : params)
            if (name == parts->names[i]) out.append(value);
        out.append(parts->literals[i + 1]);
    }
    return out;
}

}  // namespace

Result<RenderedMessage> render(const ChannelTemplate& message, const StringMap& values) {
    RenderedMessage rendered;
    for (const auto& name : message.params) {
        const auto found = std::find_if(values.items.begin(), values.items.end(),
                                        [&](const auto& item) { return item.first == name; });
        if (found == values.items.end())
            return fail(Errc::Missing, "the message has no value for the variable '" + name + "'");
        const KnownParam* known = known_param(name);
        VITALOG_ASSERT(known != nullptr, "a template in force has only known variables");
        if (!known->has_form(found->second))
            return fail(Errc::Forbidden, "the value of the variable '" + name + "' is not " +
                                             std::string(known->form));
        rendered.params.emplace_back(name, found->second);
    }
    rendered.text = filled(message.text, rendered.params);
    if (message.data.empty()) return rendered;
    Params data;
    for (const auto& [key, text] : message.data)
        data.emplace_back(key, filled(text, rendered.params));
    rendered.params = std::move(data);
    return rendered;
}

}  // namespace vitalog::schemas
