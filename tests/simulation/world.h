#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ingest/mllp/admission.h"
#include "tests/simulation/course.h"
#include "tests/simulation/sim_process.h"
#include "topology/clock.h"
#include "topology/publication.h"

namespace vitalog::simulation {

/// Everything that a seed decides. Printed beside the seed.
struct SeedOptions {
    std::uint64_t seed = 0;
    SimLog::Kind kind = SimLog::Kind::Cluster;
    int processes = 2;
    std::uint32_t partitions = 2;
    /// One input at a time, everything worked off before the next: each person's outputs are to be
    /// those of an undisturbed run (equality (b) of the design).
    bool one_by_one = false;
    CourseOptions course;
    topology::ShardOptions shard;
    sinks::EffectWorkerOptions effects;
    LogFaults log;
    ProviderFaults provider;
    int disasters = 0;     ///< deaths, moves, sleeps, stalls, ...: so many at most
    unsigned trouble = 0;  ///< per mille of the turns at which one comes
    bool clocks_jump = false;
    bool aimed =
        false;  ///< deaths and sleeps also at chosen calls; leaders also away of what is sent
    unsigned disk_faults = 0;  ///< RocksDB: per mille of the disasters that are a fault of the disk
    bool drops_by_size = false;  ///< RocksDB: retention goes by bytes, not by age

    bool away = false;          ///< leaders are away of what is sent when a sender starts
    bool trims_unread = false;  ///< a cluster: retention does not wait for who has not read

    static SeedOptions derive(std::uint64_t seed);
    /// The same course at the same site, and nothing goes wrong.
    SeedOptions undisturbed() const;
    std::string text() const;
};

/// Tables, rules and templates of the simulated site, with its settings.
Result<std::vector<topology::Publication>> site_pack(const std::string& settings);

/// What retention drops as soon as nobody needs it.
bool is_dropped(std::string_view topic);

/// Added to the seeds of what is decided apart, so that it leaves the rest of a seed as it was;
/// chosen so that the seeds that were in the corpus then have none of it.
constexpr std::uint64_t kMoreSeeds = 1'664'004'992;
constexpr std::uint64_t kLatestSeeds = 1'099'511'629'192;

/// What all seeds have in common: the pack with the settings of the simulated site.
struct SiteData {
    std::vector<topology::Publication> publications;
    std::string settings_body;  ///< JSON of the settings
    ingest::hl7::SiteZone zone;
    ingest::mllp::EndpointSettings endpoint;
    static Result<SiteData> load();
};

/// A site of several processes over one log, stepped in one thread in an order that the seed
/// decides, with a course of inputs and with what goes wrong.
class World {
  public:
    World(const SeedOptions& options, SiteData& data, Trace& trace);
    ~World();

    /// Runs the course, lets everything settle, and stops all processes. The Error says what broke
    /// a promise on the way.
    Result<void> run();

    const SeedOptions& options() const { return options_; }
    const schemas::TopicNames& names() const { return parts_.names; }
    SimLog& log() { return log_; }
    const std::vector<std::unique_ptr<SimProvider>>& providers() const { return providers_; }
    struct Acknowledged {
        TopicPartition tp;
        Offset offset;
        std::string value;
    };
    const std::vector<Acknowledged>& acknowledged() const { return acknowledged_; }
    /// What was written is changed or gone, and the site refuses to go on: there is nothing more
    /// to see.
    bool refused() const { return refused_; }
    LogTime now() const { return now_; }
    std::uint64_t turns() const { return turns_; }

  private:
    enum class Doom : std::uint8_t { None, Die, Sleep };
    struct Slot {
        std::unique_ptr<SimClock> clock;
        std::unique_ptr<SimProcess> process;  // null: down
        bool asleep = false;
        bool slept = false;  // since its start: it may stand where others have gone on
        Doom doom = Doom::None;
        int doom_in = 0;                // calls
        std::string_view doom_at = {};  // of this name; empty: of any
        bool drops = false;  // where retention drops something right then; the power goes too
        int down_for = 0;    // turns
        bool in_step = false;
    };

    void add_provider(std::string name, schemas::Topic attempts, std::uint64_t seed);
    Result<void> run_course();
    Result<void> begin();
    Result<void> publish_pack();
    Result<void> stop_all();
    Result<void> happen(const Event& event);
    Result<void> receive(const Event& event);
    Result<void> append(const Event& event);
    Result<void> decide(const Event& event);
    Result<void> report();
    Result<void> acknowledge(FeedRecord record, int through);
    std::optional<std::string> find_task(std::uint64_t draw);

    Result<void> move_to(LogTime at);
    Result<void> sync();
    Result<void> turn();
    Result<void> sweep();
    Result<void> settle(std::string_view why);
    bool quiet();
    std::string unquiet();
    Result<void> step_process(int number, bool learns, bool senders);
    Result<void> guard(int number, const std::function<Result<void>()>& work);
    std::optional<ReceivedTime> next_due() const;

    Result<void> disaster();
    void called(int number, std::string_view call);
    void sleep(int number);
    Result<void> kill(int number);
    Result<void> restart_log();
    Result<void> judge(Result<void> opened);
    bool excused(const Error& error) const;
    void arm_disk();
    bool drops_something();
    void stall();
    TopicPartition some_sends(Random& random);
    void aim(Slot& slot);
    Result<void> restart(int number);
    void expire(int number);
    void rebalance();
    void move_duty();
    Result<void> trim();
    void calm();
    Result<void> check_memory();
    int any_up();
    std::vector<SimLog::Shard*> all_shards();

    SeedOptions options_;
    SiteData& data_;
    Trace& trace_;
    Random random_;
    Random more_;    // of what came later, so that the rest of a seed stays as it was
    Random latest_;  // of what came later still
    LogTime now_;
    SiteParts parts_;
    SimLog log_;
    SimClock site_clock_;
    topology::ManualClock door_clock_;
    ingest::hl7::ControlIds ids_{1};
    std::vector<std::unique_ptr<SimProvider>> providers_;
    Assignment assignment_;
    std::vector<Slot> slots_;
    std::vector<Acknowledged> acknowledged_;
    int disasters_left_ = 0;
    bool nested_ = false;
    std::uint64_t turns_ = 0;
    std::optional<Error> broken_;
    bool lost_unread_ = false;  // retention has dropped what somebody needs
    bool refused_ = false;
};

}  // namespace vitalog::simulation
