#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "schemas/templates.h"

namespace vitalog::schemas {
namespace {

std::string pack_of(const std::string& sms) {
    return "id: p\nversion: \"1\"\ntemplates:\n  - name: notice\n    purpose: alert\n    sms: "
           "{aliyun: SMS_1, " +
           sms + "}\n";
}
Error refusal(const std::string& yaml) {
    const auto pack = TemplatePack::parse(yaml);
    return pack ? Error(Errc::Unsupported, "was not refused") : pack.error();
}

TEST(TemplatePack, ReadsTheFirstPack) {
    std::ifstream file(std::filesystem::path(VITALOG_SOURCE_DIR) /
                       "schemas/templates/vitalog-zh.yaml");
    const auto pack = TemplatePack::parse(std::string(std::istreambuf_iterator<char>(file), {}));
    ASSERT_TRUE(pack) << pack.error().to_string();
    for (const char* purpose : {"alert", "task", "escalation", "breach", "correction"}) {
        const auto* message = pack->for_purpose(purpose);
        ASSERT_NE(message, nullptr) << purpose;
        EXPECT_TRUE(message->sms->aliyun.starts_with("SMS_"));
        EXPECT_EQ(pack->named(message->name), message);
    }
}

TEST(TemplatePack, ReadsEveryMember) {
    const auto pack = TemplatePack::parse(pack_of(
        "sign: 某某健康, params: [minutes, code], text: '请在${minutes}分钟内处理${code}'"));
    ASSERT_TRUE(pack) << pack.error().to_string();
    const auto& sms = *pack->templates[0].sms;
    EXPECT_EQ(sms.sign, "某某健康");
    EXPECT_EQ(sms.params, (std::vector<std::string>{"minutes", "code"}));
    EXPECT_EQ(pack->named("other"), nullptr);
    EXPECT_EQ(pack->for_purpose("other"), nullptr);
}

TEST(TemplatePack, NamesLineAndKeyOfAMistake) {
    EXPECT_EQ(refusal("a: [").code(), Errc::Malformed);
    EXPECT_EQ(refusal("").code(), Errc::Malformed);
    EXPECT_EQ(refusal("[]").code(), Errc::Malformed);
    const auto unknown = refusal("id: p\nversion: \"1\"\ntemplats: []\n");
    EXPECT_EQ(unknown.code(), Errc::Malformed);
    EXPECT_NE(unknown.message().find("line 3: unknown key 'templats'"), std::string::npos)
        << unknown.message();
    EXPECT_NE(refusal("id: p\nversion: \"1\"\ntemplates: []\n").message().find("'templates'"),
              std::string::npos);
    EXPECT_NE(refusal("version: \"1\"\ntemplates: []\n").message().find("'id'"), std::string::npos);
    EXPECT_NE(refusal(pack_of("txt: hello")).message().find("'txt'"), std::string::npos);
    EXPECT_NE(refusal("id: p\nversion: 1\ntemplates:\n  - {name: a, purpose: alert}\n")
                  .message()
                  .find("has no channel"),
              std::string::npos);
    const std::string twice = "  - {name: a, purpose: alert, sms: {aliyun: S, text: t}}\n";
    EXPECT_NE(refusal("id: p\nversion: 1\ntemplates:\n" + twice + twice).message().find("twice"),
              std::string::npos);
}

TEST(TemplatePack, RefusesVariablesThatCouldCarryAnything) {
    const auto error = refusal(pack_of("params: [name], text: '${name}，请登录查看'"));
    EXPECT_EQ(error.code(), Errc::Forbidden);
    EXPECT_NE(error.message().find("template 'notice': variable 'name'"), std::string::npos)
        << error.message();
    EXPECT_NE(error.message().find("code, minutes"), std::string::npos);
    for (const char* name : {"url", "link", "value", "diagnosis"})
        EXPECT_EQ(
            refusal(pack_of("params: [" + std::string(name) + "], text: '${" + name + "}'")).code(),
            Errc::Forbidden);
}

TEST(TemplatePack, RefusesAVariableInsideAUrl) {
    EXPECT_EQ(
        refusal(pack_of("params: [code], text: '请登录 https://example.org/${code} 查看'")).code(),
        Errc::Forbidden);
    EXPECT_EQ(refusal(pack_of("params: [code], text: '请登录 www.example.org/t?c=${code}'")).code(),
              Errc::Forbidden);
    EXPECT_TRUE(TemplatePack::parse(
        pack_of("params: [code], text: '请登录 https://example.org 查看 ${code}'")));
}

TEST(TemplatePack, WantsTextAndListOfVariablesToAgree) {
    EXPECT_EQ(refusal(pack_of("text: '请在${minutes}分钟内处理'")).code(), Errc::Malformed);
    EXPECT_EQ(refusal(pack_of("params: [minutes], text: 请处理")).code(), Errc::Malformed);
    EXPECT_EQ(refusal(pack_of("params: [minutes, minutes], text: '${minutes}'")).code(),
              Errc::Malformed);
    EXPECT_EQ(refusal(pack_of("text: '请在${minutes 处理'")).code(), Errc::Malformed);
}

TEST(TemplatePack, RefusesWhatIsTooLarge) {
    EXPECT_EQ(refusal(pack_of("text: " + std::string(kTemplateTextMax + 1, 'x'))).code(),
              Errc::TooLarge);
    EXPECT_TRUE(TemplatePack::parse(pack_of("text: " + std::string(kTemplateTextMax, 'x'))));
    EXPECT_EQ(refusal(std::string(kTemplatePackBytesMax + 1, '#')).code(), Errc::TooLarge);
}

TEST(TemplatePack, ChecksTheSignatureToo) {
    const auto error = refusal(pack_of("sign: 某某肿瘤医院, text: 请登录查看"));
    EXPECT_EQ(error.code(), Errc::Forbidden);
    EXPECT_NE(error.message().find("瘤"), std::string::npos);
}

TEST(TemplatePack, ReadsVariablesAsNumbersWhenItLooksForValues) {
    EXPECT_EQ(refusal(pack_of("params: [minutes], text: '您的结果为${minutes} mmol/L'")).code(),
              Errc::Forbidden);
    EXPECT_EQ(refusal(pack_of("params: [code], text: '血${code}钾'")).code(), Errc::Forbidden)
        << "a word cut in two";
}

TEST(Privacy, RefusesWordsThatTell) {
    for (const char* text : {
             "您的血钾有变化",
             "肾功能复查",
             "糖尿病随访",
             "高血压管理",
             "艾滋病",
             "肌酐结果已出",
             "请按时注射胰岛素",
             "请到肿瘤科就诊",
             "内分泌科提醒您",
             "检查结果阳性",
             "指标偏高",
             "危急值",
             "血 钾 复查",
             "血\u200b钾复查",
             "您有一项异常",
             "Your creatinine result",
             "POTASSIUM is ready",
             "HIV clinic",
             "insulin reminder",
             "ＨＩＶ",
             "diabetic foot",
             "tumour board",
             "Oncology department",
             "atorvastatin refill",
             "AKI",
             "abnormal result",
         }) {
        const auto checked = check_privacy(text);
        ASSERT_FALSE(checked) << text;
        EXPECT_EQ(checked.error().code(), Errc::Forbidden);
        EXPECT_NE(checked.error().message().find("请登录查看"), std::string::npos)
            << "says what to write instead";
    }
}

TEST(Privacy, RefusesValuesAndComparisons) {
    for (const char* text :
         {"6.8 mmol/L", "6.8mmol/l", "结果 354 umol", "120 mmHg", "98%", "３８℃", "38 度", "5 mg",
          "2 片", "第3期", "结果 > 6", "结果≥6", "↑", "90次/分", "6.8 ＭＭＯＬ"})
        EXPECT_FALSE(check_privacy(text)) << text;
}

TEST(Privacy, NamesTheWordAndWhatItTells) {
    EXPECT_EQ(check_privacy("您的血钾结果")
                  .error()
                  .message()
                  .substr(0, std::string("'血钾' tells an analyte").size()),
              "'血钾' tells an analyte");
}

TEST(Privacy, LetsNeutralNoticesThrough) {
    for (const char* text :
         {"您有一条新的健康提醒，请登录查看。", "请在60分钟内登录处理。",
          "您有 3 项任务，请于 24 小时内处理。", "请于5月1日 08:30 登录查看。",
          "Please log in to read a new message.", "You have 2 tasks due in 30 minutes.",
          "请携带电脑", "请放心，感谢关心", "We are taking care of it.", "健康管理",
          "任务编号 7f3a91c2"})
        EXPECT_TRUE(check_privacy(text)) << text << ": " << check_privacy(text).error().message();
}

TEST(Render, FillsTheTextAndLeavesOutWhatItDoesNotUse) {
    const auto pack = TemplatePack::parse(
        pack_of("params: [minutes, code], text: '${minutes}分钟，${code}，${minutes}'"));
    ASSERT_TRUE(pack);
    StringMap values;
    values.items = {{"code", "ab12"}, {"minutes", "59"}, {"diagnosis", "x"}};
    const auto rendered = render(*pack->templates[0].sms, values);
    ASSERT_TRUE(rendered);
    EXPECT_EQ(rendered->text, "59分钟，ab12，59");
    EXPECT_EQ(rendered->params.size(), 2u);
    EXPECT_EQ(rendered->params[0].first, "minutes");
}

TEST(Render, RefusesValuesThatHaveNotTheFormOfTheirVariable) {
    const auto pack =
        TemplatePack::parse(pack_of("params: [minutes, code], text: '${minutes}${code}'"));
    ASSERT_TRUE(pack);
    const auto error_of = [&](std::string_view minutes, std::string_view code) {
        StringMap values;
        values.items = {{"minutes", minutes}, {"code", code}};
        const auto rendered = render(*pack->templates[0].sms, values);
        return rendered ? std::optional<Errc>() : rendered.error().code();
    };
    EXPECT_EQ(error_of("60", "ab12"), std::nullopt);
    EXPECT_EQ(error_of("9999", "abcdefABCDEF"), std::nullopt);
    for (const char* minutes : {"", "10000", "6.8", "-1", "六"})
        EXPECT_EQ(error_of(minutes, "ab12"), Errc::Forbidden) << minutes;
    for (const char* code : {"abc", "abcdefABCDEF1", "http://x", "血钾血钾", "ab 12"})
        EXPECT_EQ(error_of("60", code), Errc::Forbidden) << code;
    EXPECT_EQ(render(*pack->templates[0].sms, {}).error().code(), Errc::Missing);
}

}  // namespace
}  // namespace vitalog::schemas
