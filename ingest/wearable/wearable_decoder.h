#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ingest/wearable/huawei.h"
#include "ingest/wearable/open_mhealth.h"
#include "ingest/wearable/sample_batch.h"

namespace vitalog::ingest::wearable {

/// Header of a feed record in Huawei's form: how many of its points the door refused, and told the
/// sender so.
inline constexpr std::string_view kRefusedHeader = "refused";

/// Items that one request or record may have.
inline constexpr std::size_t kItemsMax = 50'000;
/// Accounts whose points one request may bring.
inline constexpr std::size_t kAccountsMax = 1'000;

/// The key of the account that a user id names: "AUTHORITY|ID" as it is; a bare one is of the
/// authority "open-mhealth". Malformed: empty, longer than 256 bytes, or with control characters.
Result<std::string> account_key(std::string_view user_id);

/// Reads a request's or a feed record's bytes, in either form (told apart by what is in them): item
/// by item, so that one at fault does not hold up its siblings. The door and intake use the same:
/// what the one accepts, the other can read. Reuses its memory; one thread.
class WearableDecoder : private PointSink {
  public:
    /// Whose the items may be.
    enum class Accounts : std::uint8_t {
        One,  ///< the account given; a point that names another is at fault
        Many  ///< those that the points name; the account given is for those that name none
    };
    struct Options {
        ReceivedTime received;
        std::string_view account;  ///< its key; may be empty where Many
        Accounts accounts = Accounts::One;
    };
    struct Fault {
        std::size_t item = 0;  ///< from 0
        Error error;
    };
    /// A data point as it came (Open mHealth).
    struct Point {
        std::string_view text;    ///< a view into what was decoded
        std::size_t account = 0;  ///< in accounts()
        bool taken = false;
    };

    /// Malformed: the bytes are neither form. TooLarge: more than kItemsMax items. What is wrong
    /// with single items is in faults().
    Result<void> decode(std::string_view bytes, const schemas::Tables& tables,
                        const Options& options);

    bool is_huawei() const { return huawei_form_; }
    std::size_t items() const { return items_; }
    std::size_t taken() const { return items_ - faults_.size(); }
    std::size_t samples() const { return batch_.samples(); }
    const std::vector<Fault>& faults() const { return faults_; }  ///< in the order of the items
    const std::vector<Point>& points() const { return points_; }  ///< empty for Huawei's form
    /// Keys of the accounts that the points name. Of Huawei's form: the one that was given, else
    /// the one that the answer names; empty where there is neither.
    const std::vector<std::string>& accounts() const { return accounts_; }

    /// All that was taken, as the batch of one account. A view, until the next decode().
    const schemas::SamplesEvent& event(std::string_view account);
    EventTime newest() const { return batch_.newest(); }

  private:
    void take(const Occasion& occasion, const Reading* readings, std::size_t count) override;
    void refuse(Error error) override;
    Result<void> decode_answer(std::string_view bytes);
    Result<void> decode_points(std::string_view bytes);
    Result<std::size_t> account_of_point();
    Result<std::size_t> account_index(std::string key);

    const schemas::Tables* tables_ = nullptr;
    Options options_;
    HuaweiReader huawei_;
    OpenMhealthReader open_mhealth_;
    SampleBatch batch_;
    std::string padded_;
    std::string provider_;
    std::vector<Fault> faults_;
    std::vector<Point> points_;
    std::vector<std::string> accounts_;
    std::size_t items_ = 0;
    bool huawei_form_ = false;
    bool too_many_ = false;
};

}  // namespace vitalog::ingest::wearable
