#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "sinks/views/link_table.h"
#include "sinks/views/place.h"

namespace vitalog::sinks::views {

/// One connection with the statements it prepared so far.
struct Reader {
    std::unique_ptr<sql::Connection> connection;
    LinkTable links;
    std::map<std::string, sql::Statement> statements;

    static constexpr std::size_t kStatementsMax = 256;

    static Result<std::unique_ptr<Reader>> open(const std::string& place) {
        auto reader = std::make_unique<Reader>();
        VITALOG_TRY(reader->connection, sql::open(place, sql::Mode::Read));
        VITALOG_TRY(reader->links, LinkTable::open(*reader->connection));
        return reader;
    }

    Result<sql::Statement*> prepared(const std::string& text) {
        const auto found = statements.find(text);
        if (found != statements.end()) return &found->second;
        if (statements.size() >= kStatementsMax) statements.clear();
        VITALOG_TRY(sql::Statement statement, connection->prepare(text));
        return &statements.emplace(text, std::move(statement)).first->second;
    }

    /// Statements go before the connection that they belong to.
    void swap(Reader& other) {
        std::swap(statements, other.statements);
        std::swap(links, other.links);
        std::swap(connection, other.connection);
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
    static Result<ReaderPool> open(std::string place, std::size_t connections) {
        ReaderPool pool(std::move(place));
        for (std::size_t i = 0; i < connections; ++i) {
            VITALOG_TRY(auto reader, Reader::open(pool.place_));
            pool.shared_->free.push_back(std::move(reader));
        }
        return pool;
    }

    /// Runs `use` with a connection of its own, inside one read transaction; once more, with a new
    /// one, where the connection has broken.
    template <class Use>
    auto with(Use use) -> decltype(use(std::declval<Reader&>())) {
        auto reader = take();
        auto answer = in_transaction(*reader, use);
        if (!answer && reader->connection->broken()) answer = in_transaction(*reader, use);
        give_back(std::move(reader));
        return answer;
    }
    /// The same for what may not be done twice.
    template <class Use>
    auto with_once(Use use) -> decltype(use(std::declval<Reader&>())) {
        auto reader = take();
        auto answer = in_transaction(*reader, use);
        give_back(std::move(reader));
        return answer;
    }

  private:
    struct Shared {
        std::mutex mutex;
        std::condition_variable freed;
        std::vector<std::unique_ptr<Reader>> free;  // guarded by mutex
    };

    explicit ReaderPool(std::string place)
        : place_(std::move(place)), shared_(std::make_unique<Shared>()) {}

    std::unique_ptr<Reader> take() {
        std::unique_lock lock(shared_->mutex);
        shared_->freed.wait(lock, [this] { return !shared_->free.empty(); });
        auto reader = std::move(shared_->free.back());
        shared_->free.pop_back();
        return reader;
    }
    void give_back(std::unique_ptr<Reader> reader) {
        {
            const std::lock_guard lock(shared_->mutex);
            shared_->free.push_back(std::move(reader));
        }
        shared_->freed.notify_one();
    }

    template <class Use>
    auto in_transaction(Reader& reader, Use& use) const -> decltype(use(reader)) {
        if (reader.connection->broken()) {
            VITALOG_TRY(const auto fresh, Reader::open(place_));
            reader.swap(*fresh);
        }
        VITALOG_CHECK(reader.connection->begin());
        auto answer = use(reader);
        if (!answer) {
            reader.connection->rollback();
            return answer;
        }
        VITALOG_CHECK(reader.connection->commit());
        return answer;
    }

    std::string place_;
    std::unique_ptr<Shared> shared_;
};

}  // namespace vitalog::sinks::views
