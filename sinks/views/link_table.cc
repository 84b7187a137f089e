#include "sinks/views/link_table.h"

#include <algorithm>

namespace vitalog::sinks::views {

Result<LinkTable> LinkTable::open(sql::Connection& connection) {
    LinkTable table;
    table.connection_ = &connection;
    VITALOG_TRY(table.insert_,
                connection.prepare(sql::Upsert{
                    "link", "loser,survivor,reason,updated_us", "loser",
                    "UPDATE SET survivor=excluded.survivor,reason=excluded.reason,updated_us="
                    "excluded.updated_us WHERE excluded.updated_us>link.updated_us"}));
    VITALOG_TRY(table.all_, connection.prepare("SELECT loser,survivor FROM link", {"link"}));
    VITALOG_TRY(table.survivor_,
                connection.prepare("SELECT survivor FROM link WHERE loser=?1", {"link", 1}));
    VITALOG_TRY(
        table.losers_,
        connection.prepare("SELECT loser FROM link WHERE survivor=?1 ORDER BY loser", {"link"}));
    return table;
}

Result<void> LinkTable::add(const std::string& loser, const std::string& survivor,
                            std::string_view reason, std::int64_t at_us) {
    linked_.insert(loser);
    linked_.insert(survivor);
    VITALOG_TRY(const std::int64_t change, connection_->count_link_change());
    if (change == changes_ + 1) changes_ = change;
    return insert_.run(sql::Blob{loser}, sql::Blob{survivor}, reason, at_us);
}

Result<void> LinkTable::refresh() {
    VITALOG_TRY(const std::int64_t changes, connection_->link_changes());
    if (changes == changes_) return {};
    VITALOG_CHECK(reload());
    changes_ = changes;
    return {};
}

Result<void> LinkTable::reload() {
    changes_ = -1;
    linked_.clear();
    all_.bind();
    for (;;) {
        VITALOG_TRY(const bool more, all_.next());
        if (!more) return {};
        linked_.emplace(all_.blob(0));
        linked_.emplace(all_.blob(1));
    }
}

Result<std::string> LinkTable::survivor_of(const std::string& person) {
    std::vector<std::string> seen{person};
    for (;;) {
        survivor_.bind(sql::Blob{seen.back()});
        VITALOG_TRY(const bool found, survivor_.next());
        if (!found) return seen.back();
        std::string up(survivor_.blob(0));
        survivor_.reset();
        // Identity refuses cycles; should the table hold one, its smallest id stands for all.
        if (std::find(seen.begin(), seen.end(), up) != seen.end())
            return *std::min_element(seen.begin(), seen.end());
        seen.push_back(std::move(up));
    }
}

Result<std::vector<std::string>> LinkTable::group_of(const std::string& person) {
    VITALOG_TRY(std::string top, survivor_of(person));
    std::vector<std::string> group{std::move(top)};
    for (std::size_t i = 0; i < group.size(); ++i) {
        losers_.bind(sql::Blob{group[i]});
        std::vector<std::string> below;
        for (;;) {
            VITALOG_TRY(const bool more, losers_.next());
            if (!more) break;
            below.emplace_back(losers_.blob(0));
        }
        for (auto& loser : below)
            if (std::find(group.begin(), group.end(), loser) == group.end())
                group.push_back(std::move(loser));
    }
    std::sort(group.begin() + 1, group.end());
    return group;
}

}  // namespace vitalog::sinks::views
