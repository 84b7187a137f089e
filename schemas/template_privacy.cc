#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "schemas/templates.h"

// What a message must not tell. The lists err on the side of silence: a word refused costs a
// hospital another wording, a word let through tells a stranger what somebody suffers from.

namespace vitalog::schemas {
namespace {

struct WordList {
    std::string_view kind;
    std::string_view words;  ///< separated by spaces
};

/// Chinese: found anywhere in the text, blanks taken out.
constexpr std::array<WordList, 6> kChinese{{
    {"a disease",
     "肾 肝 癌 瘤 糖尿 高血压 低血压 血压 心脏 心梗 心衰 心绞痛 心律 心率 心肌 冠心 房颤 脑卒中 "
     "中风 脑梗 脑出血 "
     "肺炎 肺病 慢阻肺 哮喘 结核 艾滋 梅毒 淋病 性病 乙型 丙型 新冠 流感 感染 败血 脓毒 休克 贫血 "
     "白血病 血友病 "
     "抑郁 焦虑 躁狂 精神分裂 癫痫 痴呆 帕金森 痛风 甲亢 甲减 甲状腺 骨折 骨质疏松 怀孕 妊娠 流产 "
     "不孕 溃疡 "
     "胃炎 胰腺 尿毒 肥胖 患有 确诊 诊断 病情 疾病 综合征 并发症 重症 危重 病危"},
    {"an analyte or measurement",
     "肌酐 血钾 血钠 血钙 血氯 血糖 糖化 血脂 胆固醇 甘油三酯 尿酸 尿素 尿蛋白 蛋白 转氨酶 胆红素 "
     "白细胞 红细胞 "
     "血小板 血红 血氧 血气 乳酸 肌钙 凝血 钾 钠 血型 血清 抗体 抗原 病毒 体温 心电 脉搏 呼吸 体重 "
     "指数"},
    {"a drug or treatment",
     "药 胰岛素 二甲双胍 阿司匹林 华法林 他汀 普利 沙坦 洛尔 地平 青霉素 头孢 激素 吗啡 化疗 放疗 "
     "透析 手术 输血 "
     "输液 注射 疫苗 剂量"},
    {"a department that tells the disease",
     "肿瘤 内分泌 心内 心外 神经 呼吸科 消化 泌尿 血液 风湿 免疫科 传染 感染科 精神 心理 妇科 产科 "
     "男科 儿科 "
     "生殖 皮肤 肛肠 肝胆 胸外 脑外 急诊 抢救 康复科 疼痛科 戒毒 重症监护"},
    {"a finding",
     "危急 异常 阳性 阴性 偏高 偏低 升高 降低 超标 恶化 恶性 良性 死亡 病理 化验 检验结果"},
    {"a comparison or direction", "高于 低于 大于 小于 ≥ ≤ ＞ ＜ ↑ ↓ > <"},
}};

/// Latin: whole words; a trailing * stands for any ending.
constexpr std::array<WordList, 5> kLatin{{
    {"a disease",
     "aki ckd copd hiv aids cancer* tumo* carcinom* leuk* lymphom* diabet* hypertens* hypotens* "
     "stroke* infarct* "
     "renal kidney* hepat* liver* cardiac* heart* sepsis septic* pneumon* tubercul* syphilis "
     "gonorr* epilep* "
     "depress* schizo* dement* parkinson* asthma* anaemi* anemi* gout pregnan* abort* infect* "
     "disease* diagnos* "
     "syndrome* covid* influenza"},
    {"an analyte or measurement",
     "creatinin* potassium sodium glucose hba1c cholesterol* triglycerid* urea uric album* "
     "bilirubin* troponin* "
     "lactate* haemoglobin* hemoglobin* platelet* egfr news2 spo2 inr alt ast crp bnp bmi ecg"},
    {"a drug or treatment",
     "insulin* metformin* aspirin* warfarin* heparin* *statin morphin* penicill* antibiot* chemo* "
     "radiother* "
     "dialys* surg* dose* drug* medication* vaccin*"},
    {"a department that tells the disease",
     "oncolog* nephrolog* endocrin* cardiolog* neurolog* psychiat* gynaec* gynec* obstet* urolog* "
     "dermatol* "
     "haematol* hematol* icu"},
    {"a finding", "critical abnormal* positive negative elevated raised* malignan* benign"},
}};

/// Units that make a number a measurement. `minutes`, `小时` and the like are not among them.
constexpr std::string_view kUnits =
    "mmol μmol umol µmol nmol pmol mol mg μg ug µg ng pg kg g/ g iu u/ mmhg kpa % ‰ bpm ℃ °c cm ml "
    "l/ dl mosm meq "
    "次/分 毫 微 克 升 单位 片 粒 支 度 期 级 公斤";

constexpr std::string_view kInstead =
    "; say only that there is something to read, for example "
    "\"您有一条新的健康提醒，请登录查看。\", and show the rest after login";

template <class Visit>
bool any_word(std::string_view words, Visit visit) {
    while (!words.empty()) {
        const std::size_t blank = words.find(' ');
        const std::string_view word = words.substr(0, blank);
        if (!word.empty() && visit(word)) return true;
        words = blank == std::string_view::npos ? std::string_view() : words.substr(blank + 1);
    }
    return false;
}

/// Full-width forms (U+FF01 to U+FF5E) as ASCII, letters in lower case, invisible characters taken
/// out: what a reader sees.
std::string as_read(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const std::string_view next = text.substr(i, 3);
        if (next == "\u200b" || next == "\u200c" || next == "\u200d" || next == "\ufeff") {
            i += 2;
        } else if (next == "\u3000") {
            out.push_back(' ');
            i += 2;
        } else if (next.size() == 3 && next[0] == '\xef' &&
                   (next[1] == '\xbc' || next[1] == '\xbd')) {
            const int code =
                (next[1] == '\xbc' ? 0 : 0x40) + (static_cast<std::uint8_t>(next[2]) & 0x3f);
            // U+FF00 + code; 0x01..0x5e are the ASCII characters from '!' on
            if (code >= 0x01 && code <= 0x5e)
                out.push_back(static_cast<char>(0x20 + code));
            else
                out.append(next);
            i += 2;
        } else {
            out.push_back(text[i]);
        }
    }
    for (char& c : out)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return out;
}

bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}
bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
bool is_word(char c) {
    return (c >= 'a' && c <= 'z') || is_digit(c);
}

std::string without_blanks(std::string_view text) {
    std::string out;
    std::copy_if(text.begin(), text.end(), std::back_inserter(out),
                 [](char c) { return !is_blank(c); });
    return out;
}

/// The word of `text` that the pattern matches; empty: none.
std::string_view find_latin(std::string_view text, std::string_view pattern) {
    const bool any_start = pattern.starts_with('*');
    const bool any_end = pattern.ends_with('*');
    if (any_start) pattern.remove_prefix(1);
    if (any_end) pattern.remove_suffix(1);
    for (std::size_t at = text.find(pattern); at != std::string_view::npos;
         at = text.find(pattern, at + 1)) {
        const std::size_t end = at + pattern.size();
        if (!any_start && at > 0 && is_word(text[at - 1])) continue;
        if (!any_end && end < text.size() && is_word(text[end])) continue;
        return text.substr(at, pattern.size());
    }
    return {};
}

/// The first number with a unit behind it, with the unit; empty: none. `text` has no blanks.
std::string_view find_measurement(std::string_view text) {
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (!is_digit(text[i]) || (i + 1 < text.size() && is_digit(text[i + 1]))) continue;
        const std::string_view behind = text.substr(i + 1);
        std::string_view found;
        any_word(kUnits, [&](std::string_view unit) {
            const bool whole = behind.size() == unit.size() || !is_word(unit.back()) ||
                               (behind.size() > unit.size() && !is_word(behind[unit.size()]));
            if (behind.starts_with(unit) && whole) found = text.substr(i, 1 + unit.size());
            return !found.empty();
        });
        if (!found.empty()) return found;
    }
    return {};
}

tl::unexpected<Error> tells(std::string_view word, std::string_view kind) {
    return fail(Errc::Forbidden,
                "'" + std::string(word) + "' tells " + std::string(kind) + std::string(kInstead));
}

}  // namespace

Result<void> check_privacy(std::string_view text) {
    const std::string read = as_read(text);
    const std::string dense = without_blanks(read);
    std::string_view hit;
    for (const auto& [kind, words] : kChinese) {
        if (any_word(words, [&](std::string_view word) {
                hit = word;
                return dense.find(word) != std::string::npos;
            }))
            return tells(hit, kind);
    }
    for (const auto& [kind, words] : kLatin) {
        if (any_word(words, [&](std::string_view word) {
                hit = find_latin(read, word);
                return !hit.empty();
            }))
            return tells(hit, kind);
    }
    if (const auto measurement = find_measurement(dense); !measurement.empty())
        return tells(measurement, "a measured value");
    return {};
}

}  // namespace vitalog::schemas
