#include "ingest/wearable/wearable_decoder.h"

#include <simdjson.h>

#include <algorithm>
#include <utility>

#include "ingest/intake/json_items.h"

namespace vitalog::ingest::wearable {
namespace {

constexpr std::size_t kAccountMax = 256;
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view kBlank = " \t\r\n";
    const std::size_t from = text.find_first_not_of(kBlank);
    if (from == std::string_view::npos) return {};
    return text.substr(from, text.find_last_not_of(kBlank) - from + 1);
}

/// One item a line, whatever it holds: a broken line does not take the others with it.
std::vector<std::string_view> lines_of(std::string_view text) {
    std::vector<std::string_view> lines;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        if (const auto line = trimmed(text.substr(0, end)); !line.empty()) lines.push_back(line);
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return lines;
}

Result<std::vector<std::string_view>> items_of(std::string_view text) {
    auto items = json_items(text);
    if (items || !text.starts_with('{')) return items;
    auto lines = lines_of(text);
    const bool ndjson = lines.size() > 1 && std::any_of(lines.begin(), lines.end(), [](auto line) {
                            return line.starts_with('{') && line.ends_with('}');
                        });
    if (!ndjson) return items;
    return lines;
}

}  // namespace

Result<std::string> account_key(std::string_view user_id) {
    const bool readable = std::all_of(user_id.begin(), user_id.end(), [](char c) {
        return static_cast<unsigned char>(c) >= ' ' && c != '\x7f';
    });
    const std::size_t bar = user_id.find('|');
    const bool whole = bar == std::string_view::npos || (bar > 0 && bar + 1 < user_id.size());
    if (user_id.empty() || user_id.size() > kAccountMax || !readable || !whole)
        return fail(Errc::Malformed, "the account '" + std::string(user_id.substr(0, 64)) +
                                         "' must be written AUTHORITY|ID");
    if (bar != std::string_view::npos) return std::string(user_id);
    return std::string(kOpenMhealth) + "|" + std::string(user_id);
}

Result<void> WearableDecoder::decode(std::string_view bytes, const schemas::Tables& tables,
                                     const Options& options) {
    tables_ = &tables;
    options_ = options;
    faults_.clear();
    points_.clear();
    accounts_.clear();
    items_ = 0;
    too_many_ = false;
    batch_.begin(tables, options.received);
    if (bytes.starts_with(kByteOrderMark)) bytes.remove_prefix(kByteOrderMark.size());
    bytes = trimmed(bytes);
    huawei_form_ = is_huawei_answer(bytes);
    VITALOG_CHECK(huawei_form_ ? decode_answer(bytes) : decode_points(bytes));
    if (too_many_)
        return fail(Errc::TooLarge, "more than " + std::to_string(kItemsMax) +
                                        " items in one batch; send them in smaller ones");
    return {};
}

Result<void> WearableDecoder::decode_answer(std::string_view bytes) {
    provider_ = kHuawei;
    padded_.resize(bytes.size() + simdjson::SIMDJSON_PADDING);
    bytes.copy(padded_.data(), bytes.size());
    std::fill_n(padded_.data() + bytes.size(), simdjson::SIMDJSON_PADDING, '\0');
    VITALOG_CHECK(huawei_.read({padded_.data(), bytes.size()}, *tables_, *this));
    const std::string_view said = options_.account.empty() ? huawei_.account() : options_.account;
    if (said.empty()) return {};
    VITALOG_TRY(std::string key, account_key(said));
    accounts_.push_back(std::move(key));
    return {};
}

Result<void> WearableDecoder::decode_points(std::string_view bytes) {
    VITALOG_TRY(const auto items, items_of(bytes));
    provider_.clear();
    if (items.size() > kItemsMax) {
        too_many_ = true;
        return {};
    }
    points_.reserve(items.size());
    for (const auto item : items) {
        points_.push_back({item, 0, false});
        open_mhealth_.read(item, *tables_, *this);
    }
    return {};
}

Result<std::size_t> WearableDecoder::account_index(std::string key) {
    const auto found = std::find(accounts_.rbegin(), accounts_.rend(), key);
    if (found != accounts_.rend()) return static_cast<std::size_t>(accounts_.rend() - found) - 1;
    if (accounts_.size() == kAccountsMax)
        return fail(Errc::TooLarge, "the batch names more than " + std::to_string(kAccountsMax) +
                                        " accounts; send the others in another one");
    accounts_.push_back(std::move(key));
    return accounts_.size() - 1;
}

/// Whose the point in hand is.
Result<std::size_t> WearableDecoder::account_of_point() {
    const std::string_view user_id = open_mhealth_.user_id();
    if (user_id.empty()) {
        if (!options_.account.empty()) return account_index(std::string(options_.account));
        return fail(Errc::Missing,
                    "whose the point is, nobody says: write header.user_id, or the "
                    "query parameter account=AUTHORITY|ID");
    }
    VITALOG_TRY(std::string key, account_key(user_id));
    if (options_.accounts == Accounts::One && key != options_.account)
        return fail(Errc::Conflict, "the point is of account '" + key + "', its batch is of '" +
                                        std::string(options_.account) + "'");
    return account_index(std::move(key));
}

void WearableDecoder::take(const Occasion& occasion, const Reading* readings, std::size_t count) {
    if (items_ == kItemsMax) {
        too_many_ = true;
        return;
    }
    std::size_t account = 0;
    if (!huawei_form_) {
        auto found = account_of_point();
        if (!found) return refuse(std::move(found).error());
        account = *found;
    }
    auto added = batch_.add(occasion, readings, count);
    if (!added) return refuse(std::move(added).error());
    ++items_;
    if (huawei_form_) return;
    points_.back().account = account;
    points_.back().taken = true;
    if (provider_.empty()) provider_ = open_mhealth_.provider();
}

void WearableDecoder::refuse(Error error) {
    if (items_ == kItemsMax) {
        too_many_ = true;
        return;
    }
    faults_.push_back({items_++, std::move(error)});
}

const schemas::SamplesEvent& WearableDecoder::event(std::string_view account) {
    const std::size_t bar = account.find('|');
    VITALOG_ASSERT(bar != std::string_view::npos, "an account's key is AUTHORITY|ID");
    return batch_.finish({account.substr(0, bar), account.substr(bar + 1), {}}, provider_);
}

}  // namespace vitalog::ingest::wearable
