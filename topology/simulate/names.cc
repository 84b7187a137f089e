#include "topology/simulate/names.h"

#include <array>

namespace vitalog::topology::simulate {
namespace {

struct Family {
    std::string_view name;
    unsigned weight;  ///< per thousand of those listed
};

// Shares of the most frequent family names, rounded: Ministry of Public Security, report on names
// of 2020. Two of two characters stand for the rare ones.
constexpr std::array kFamilies = std::to_array<Family>({
    {"王", 102}, {"李", 101}, {"张", 96}, {"刘", 73}, {"陈", 64}, {"杨", 44},  {"黄", 33},
    {"赵", 31},  {"吴", 29},  {"周", 28}, {"徐", 21}, {"孙", 20}, {"马", 20},  {"朱", 19},
    {"胡", 18},  {"郭", 17},  {"何", 17}, {"林", 17}, {"高", 16}, {"罗", 15},  {"郑", 14},
    {"梁", 13},  {"谢", 12},  {"宋", 12}, {"唐", 11}, {"许", 11}, {"邓", 10},  {"韩", 10},
    {"冯", 10},  {"曹", 9},   {"彭", 9},  {"曾", 9},  {"肖", 9},  {"田", 8},   {"董", 8},
    {"潘", 8},   {"袁", 8},   {"蔡", 8},  {"蒋", 8},  {"余", 8},  {"欧阳", 4}, {"司马", 1},
});
constexpr std::array<std::string_view, 44> kMale{
    "伟", "强", "磊", "军", "勇", "涛", "明", "超", "刚", "平", "建", "国", "志", "华", "浩",
    "宇", "杰", "俊", "峰", "鹏", "飞", "斌", "辉", "波", "宁", "凯", "健", "文", "博", "然",
    "轩", "子", "晨", "阳", "东", "海", "林", "旭", "云", "龙", "昞", "玘", "弢", "珅"};
constexpr std::array<std::string_view, 42> kFemale{
    "芳", "娜", "敏", "静", "丽", "艳", "娟", "秀", "霞", "桂", "英", "玉", "兰", "珍",
    "梅", "琴", "云", "红", "玲", "燕", "萍", "洁", "莉", "婷", "雪", "慧", "颖", "佳",
    "怡", "欣", "雨", "涵", "梦", "思", "琪", "瑶", "晓", "淑", "凤", "月", "玘", "珅"};
constexpr std::array<std::string_view, 4> kRare{"㛃", "𬍛", "𪟝", "䜢"};  // four bytes each
constexpr std::uint64_t kRareInThousand = 4;
constexpr std::uint64_t kSingleInThousand = 250;

std::string_view family_of(Dice& dice) {
    unsigned total = 0;
    for (const auto& family : kFamilies) total += family.weight;
    std::uint64_t at = dice.below(total);
    for (const auto& family : kFamilies) {
        if (at < family.weight) return family.name;
        at -= family.weight;
    }
    return kFamilies.front().name;
}

}  // namespace

Name name_of(Dice& dice, bool male) {
    const auto character = [&] {
        if (dice.chance(kRareInThousand)) return dice.pick(kRare);
        return male ? dice.pick(kMale) : dice.pick(kFemale);
    };
    Name name{family_of(dice), std::string(character())};
    if (!dice.chance(kSingleInThousand)) name.given += character();
    return name;
}

}  // namespace vitalog::topology::simulate
