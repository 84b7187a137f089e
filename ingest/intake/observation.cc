#include "ingest/intake/observation.h"

#include <cstring>
#include <string>
#include <utility>

#include "ingest/intake/encounter.h"
#include "ingest/intake/order.h"
#include "ingest/intake/value.h"

namespace vitalog::ingest {
namespace {

using schemas::Observation;
using schemas::ObservationStatus;
using schemas::Report;

/// Up to here a report's series are searched one by one; beyond, a hash table counts them.
constexpr std::size_t kSeriesSearchedMax = 64;

/// OBX-11, HL7 table 0085.
ObservationStatus observation_status(char code) {
    switch (code) {
        case 'F':
        case 'U':  // final now, values not sent again
        case 'V':  // verified
            return ObservationStatus::Final;
        case 'C':
            return ObservationStatus::Corrected;
        case 'D':
            return ObservationStatus::Deleted;
        case 'W':
            return ObservationStatus::WrongPatient;
        case 'P':
        case 'R':
        case 'S':
        case 'B':
            return ObservationStatus::Preliminary;
        case 'I':
        case 'O':
            return ObservationStatus::Registered;
        case 'X':
        case 'N':
            return ObservationStatus::Cancelled;
        default:
            return ObservationStatus::Unknown;
    }
}

/// What an OBX without OBX-11 is: as far as its order, else final, as R01 reports results.
ObservationStatus status_from_report(std::string_view code) {
    if (code.size() != 1) return ObservationStatus::Final;
    if (code.front() == 'P' || code.front() == 'R' || code.front() == 'A')
        return ObservationStatus::Preliminary;
    return code.front() == 'C' ? ObservationStatus::Corrected : ObservationStatus::Final;
}

std::string place_of(std::string_view field, int number, const hl7::Segment& obx) {
    std::string at(field);
    at.append(" of OBX ").append(std::to_string(number));
    const hl7::Field set_id = obx.field(1);
    if (set_id.has_value()) at.append(" (set id ").append(set_id.raw().substr(0, 16)).append(")");
    return at;
}

}  // namespace

void ReportMapper::reset(const std::optional<ZonedTime>& sent) {
    sent_ = sent;
    observed_.reset();
    observed_error_.reset();
    series_.clear();
    series_counts_.clear();
    last_time_raw_ = {};
    status_ = ObservationStatus::Final;
}

void ReportMapper::begin(const Scope& scope, const hl7::Segment& orc, const hl7::Segment& obr,
                         const std::optional<ZonedTime>& sent, Report& report) {
    reset(sent);
    const hl7::Segment& head = obr ? obr : orc;  // without either every field is empty
    const OrderNumbers numbers = map_order(scope, orc, obr, report);
    if (obr) {
        const hl7::Repetition code = obr.field(4).repetition(0);
        report.code = {scope.text(code.component(3)), scope.text(code.component(1)),
                       scope.text(code.component(2))};
        status_ = status_from_report(obr.field(25).has_value() ? obr.field(25).raw() : "");
        auto observed = read_time(obr.field(7), scope.zone, "OBR-7");
        if (observed)
            observed_ = *observed;
        else
            observed_error_ = observed.error();
        report.effective = observed_;
        report.section = scope.text(obr.field(24));
        report.interpreter = map_interpreter(scope, obr.field(32));
    }
    const std::string_view order = numbers.filler.empty() ? numbers.placer : numbers.filler;
    has_order_ = !order.empty();
    IdHash identity;
    identity.part("report").part(scope.facility);
    identity.part(order).part(report.code.code).part(report.code.system);
    if (!has_order_)
        identity.part(scope.root).part(static_cast<std::int64_t>(head ? head.index() : 0));
    report_id_ = identity.finish();
    report.id = scope.ids.keep(report_id_);
}

void ReportMapper::begin_document(const Scope& scope, const DocumentSegments& segments,
                                  const std::optional<ZonedTime>& sent, Report& report) {
    const hl7::Segment& txa = segments.txa;
    reset(sent);
    map_order(scope, segments.orc, segments.obr, report);
    map_document(scope, txa, report);
    status_ = report.status == "final" ? ObservationStatus::Final : ObservationStatus::Preliminary;
    auto written = read_time(txa.field(4), scope.zone, "TXA-4");
    if (written && !*written) written = read_time(txa.field(6), scope.zone, "TXA-6");
    if (written)
        observed_ = *written;
    else
        observed_error_ = written.error();
    report.effective = observed_;
    const hl7::Field number = txa.field(12);
    has_order_ = number.has_value();
    IdHash identity;
    identity.part("document").part(scope.facility);
    if (has_order_)
        identity.part(number.raw());
    else
        identity.part(scope.root).part(static_cast<std::int64_t>(txa.index()));
    report_id_ = identity.finish();
    report.id = scope.ids.keep(report_id_);
}

Result<ZonedTime> ReportMapper::effective_time(const Scope& scope, const hl7::Segment& obx) {
    const hl7::Field field = obx.field(14);
    if (field.has_value()) {
        if (field.raw() == last_time_raw_) return last_time_;
        VITALOG_TRY(const auto time, read_time(field, scope.zone, "OBX-14"));
        if (time) {
            last_time_raw_ = field.raw();
            last_time_ = *time;
            return *time;
        }
    }
    if (observed_error_) return tl::unexpected(*observed_error_);
    if (observed_) return *observed_;
    if (sent_) return *sent_;
    VITALOG_CHECK(read_time(scope.message.msh().field(7), scope.zone, "MSH-7"));
    return fail(Errc::Missing, "OBX-14, OBR-7 and MSH-7 are empty: the observation has no time");
}

std::int64_t ReportMapper::repeats_of(const RecordId& series) {
    std::uint64_t hash = 0;
    std::memcpy(&hash, series.bytes.data(), sizeof hash);
    if (series_counts_.empty() && series_.size() < kSeriesSearchedMax) {
        std::int64_t repeats = 0;
        for (const std::uint64_t earlier : series_) repeats += earlier == hash ? 1 : 0;
        series_.push_back(hash);
        return repeats;
    }
    if (series_counts_.empty())
        for (const std::uint64_t earlier : series_) ++series_counts_[earlier];
    return series_counts_[hash]++;
}

RecordId ReportMapper::series_of(const hl7::Segment& obx, int number,
                                 const Observation& observation) {
    const schemas::Coding& code = observation.code;
    IdHash hash;
    hash.part(report_id_).part(code.code.empty() ? code.display : code.code);
    hash.part(code.system).part(obx.field(4).raw());
    if (!has_order_) hash.part(static_cast<std::int64_t>(number));
    const RecordId series = hash.finish();
    const std::int64_t repeats = repeats_of(series);
    return repeats == 0 ? series : IdHash().part(series).part(repeats).finish();
}

bool ReportMapper::add(const Scope& scope, const hl7::Segment& obx, int number, Report& report) {
    Observation& out = report.observations.emplace_back();
    const hl7::Field status = obx.field(11);
    out.status = status.has_value()
                     ? (status.raw().size() == 1 ? observation_status(status.raw().front())
                                                 : ObservationStatus::Unknown)
                     : status_;
    const auto faulty = map_value(scope, obx, out);
    // What is refused counts as a repeat too, so that its siblings keep their identity when it
    // comes mended.
    const RecordId series = series_of(obx, number, out);
    if (faulty) {
        scope.out.dead_letter(faulty->error, place_of(faulty->field, number, obx));
        report.observations.pop_back();
        return false;
    }
    const auto time = effective_time(scope, obx);
    if (!time) {
        const std::string& message = time.error().message();
        const std::string_view field =
            std::string_view(message).substr(0, message.find_first_of(" ,"));
        scope.out.dead_letter(time.error(), place_of(field, number, obx));
        report.observations.pop_back();
        return false;
    }
    out.effective = *time;
    out.series = scope.ids.keep(series);
    out.id = scope.ids.keep(IdHash()
                                .part(series)
                                .part(out.effective.at.micros())
                                .part(static_cast<std::int64_t>(out.effective.precision))
                                .finish());
    out.performer = map_practitioner(scope, obx.field(16));
    out.producer = map_producer(scope, obx);
    return true;
}

}  // namespace vitalog::ingest
