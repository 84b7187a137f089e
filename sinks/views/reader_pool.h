#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "sinks/views/link_table.h"
#include "sinks/views/sqlite.h"

namespace vitalog::sinks::views {

/// One connection with the statements it prepared so far.
struct Reader {
    sql::Connection connection;
    LinkTable links;
    std::map<std::string, sql::Statement> statements;

    static constexpr std::size_t kStatementsMax = 256;

    Result<sql::Statement*> prepared(const std::string& text) {
        const auto found = statements.find(text);
        if (found != statements.end()) return &found->second;
        if (statements.size() >= kStatementsMax) statements.clear();
        VITALOG_TRY(sql::Statement statement, connection.prepare(text));
        return &statements.emplace(text, std::move(statement)).first->second;
    }

    Result<std::vector<std::string>> group(const std::string& hex) {
        VITALOG_TRY(const std::string bytes, sql::id_bytes(hex, "person"));
        VITALOG_TRY(const auto ids, links.group_of(bytes));
        std::vector<std::string> persons;
        for (const auto& id : ids) persons.push_back(sql::id_text(id));
        return persons;
    }
};

/// Readers that take turns. Thread-safe.
class ReaderPool {
  public:
    void add(std::unique_ptr<Reader> reader) { free_.push_back(std::move(reader)); }

    /// Runs `use` with a connection of its own, inside one read transaction.
    template <class Use>
    auto with(Use use) -> decltype(use(std::declval<Reader&>())) {
        std::unique_ptr<Reader> reader;
        {
            std::unique_lock lock(mutex_);
            freed_.wait(lock, [this] { return !free_.empty(); });
            reader = std::move(free_.back());
            free_.pop_back();
        }
        auto answer = in_transaction(*reader, use);
        {
            const std::lock_guard lock(mutex_);
            free_.push_back(std::move(reader));
        }
        freed_.notify_one();
        return answer;
    }

  private:
    template <class Use>
    static auto in_transaction(Reader& reader, Use& use) -> decltype(use(reader)) {
        VITALOG_CHECK(reader.connection.execute("BEGIN"));
        auto answer = use(reader);
        const auto ended = reader.connection.execute("COMMIT");
        if (answer && !ended) return tl::unexpected(ended.error());
        return answer;
    }

    std::mutex mutex_;
    std::condition_variable freed_;
    std::vector<std::unique_ptr<Reader>> free_;  // guarded by mutex_
};

}  // namespace vitalog::sinks::views
