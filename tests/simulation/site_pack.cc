#include "tests/simulation/world.h"
#include "topology/zone_files.h"

// The tables, rules and templates of the simulated site: of the built-in ones what its courses use.
// Every shard reads them anew whenever it is opened, which would otherwise be most of what a seed
// costs.

namespace vitalog::simulation {
namespace {

constexpr std::string_view kUnits = R"(format: vitalog.units.v1
units:
  - {ucum: mmol/L, dimension: substance-concentration, factor: "1"}
  - {ucum: umol/L, dimension: substance-concentration, factor: "1/1000"}
  - {ucum: "%", dimension: fraction, factor: "1/100"}
  - {ucum: /min, dimension: rate, factor: "1", spellings: [beats/min]}
  - {ucum: "mm[Hg]", dimension: pressure, factor: "133322/1000000", spellings: [mmHg]}
  - {ucum: Cel, dimension: temperature, factor: "1"}
)";

constexpr std::string_view kCodes = R"(format: vitalog.codes.v1
observables:
  - {loinc: 14682-9, display: Creatinine, unit: umol/L, minimum: 1}
  - {loinc: 2823-3, display: Potassium, unit: mmol/L, minimum: 0.1, maximum: 30}
  - {loinc: 2951-2, display: Sodium, unit: mmol/L, minimum: 50, maximum: 300}
  - {loinc: 8480-6, display: Systolic blood pressure, unit: "mm[Hg]", minimum: 0, maximum: 400}
  - {loinc: 8867-4, display: Heart rate, unit: /min, minimum: 0, maximum: 500}
  - {loinc: 9279-1, display: Respiratory rate, unit: /min, minimum: 0, maximum: 200}
  - {loinc: 59408-5, display: Oxygen saturation, unit: "%", minimum: 0, maximum: 100}
  - {loinc: 8310-5, display: Body temperature, unit: Cel, minimum: 10, maximum: 50}
  - loinc: 67775-7
    display: Level of responsiveness
    answers: [{number: 0, display: Alert, spellings: [A]}]
systems:
  - {system: [LN], own: true, codes: [{code: 2160-0, loinc: 14682-9}]}
)";

constexpr std::string_view kMeasures = R"(format: vitalog.measures.v1
clock: {tolerance: 5m, limit: 24h}
measures:
  - {loinc: 8867-4, decimals: 1}
  - {loinc: 59408-5, decimals: 1}
providers:
  - provider: open-mhealth
    fields:
      - {type: heart-rate, field: heart_rate, loinc: 8867-4}
      - {type: oxygen-saturation, field: oxygen_saturation, loinc: 59408-5}
sources:
  - {rank: 10, named: [watch]}
)";

constexpr std::string_view kRules = R"(format: 1
pack: simulated
version: 1
rules:
  - id: aki
    version: "1"
    kind: index-band
    problem: Acute kidney injury
    index: aki-nhs
    bands:
      - {band: "3", priority: high, task: yes, problem: Acute kidney injury stage 3}
      - {band: "2", priority: medium, task: yes, problem: Acute kidney injury stage 2}
      - {band: "?AKI", priority: medium, task: yes, problem: Acute kidney injury possible}
      - {band: "1", priority: low, task: no, problem: Acute kidney injury stage 1}
    clear: ["0"]
    max_age: 72h
    patient: {purpose: alert, template: patient-notice}
    source: as the built-in rule
  - {id: potassium-critical, version: "1", kind: threshold, problem: Critical potassium, loinc: ["2823-3"], unit: mmol/L,
     low: 2.8, high: 6.2, clear: {low: 3.0, high: 6.0}, priority: high, task: yes, max_age: 24h,
     patient: {purpose: alert, template: patient-notice}, source: as the built-in rule}
  - id: news2
    version: "1"
    kind: index-band
    problem: Early warning score
    index: news2
    bands:
      - {band: high, priority: high, task: yes, problem: NEWS2 of 7 or more}
      - {band: medium, priority: medium, task: yes, problem: NEWS2 of 5 or 6}
      - {band: low-medium, priority: medium, task: yes, problem: NEWS2 with one parameter of 3}
    clear: [low]
    max_age: 12h
    source: as the built-in rule
  - {id: saturation-low, version: "1", kind: threshold, problem: Oxygen saturation below 88 %, loinc: ["59408-5"], unit: "%",
     below: 88, for: 60s, max_gap: 30s, clear: {above: 90, for: 120s}, priority: high, max_age: 12h,
     patient: {purpose: alert, template: patient-notice}, source: as the built-in rule}
  - {id: quiet-watch, version: "1", kind: silence, problem: Nothing from the watch, loinc: 8867-4, after: 90m, while: binding,
     priority: low, max_age: 24h, source: for its timers}
)";

constexpr std::string_view kTemplates = R"(id: simulated
version: "1"
templates:
  - name: patient-notice
    purpose: alert
    high_passes_quiet_hours: true
    sms: {aliyun: SMS_1, text: 您有一条新的健康提醒，请登录查看。}
    wechat: {template: notice, data: {thing1: 您有一条新的健康提醒, thing2: 请登录查看}}
  - {name: task-notice, purpose: task, sms: {aliyun: SMS_2, text: 您有一项新的健康管理任务，请在规定时间内登录处理。}}
  - {name: task-reminder, purpose: reminder, sms: {aliyun: SMS_6, text: 您有一项健康管理任务即将到期，请登录处理。}}
  - {name: task-escalation, purpose: escalation, sms: {aliyun: SMS_3, text: 有一项健康管理任务尚未处理，现转请您关注，请登录处理。}}
  - {name: task-breach, purpose: breach, sms: {aliyun: SMS_4, text: 有一项健康管理任务已超过规定时间仍未处理，请立即登录处理。}}
  - {name: task-correction, purpose: correction, sms: {aliyun: SMS_5, text: 您处理过的一项健康管理任务有更新，请登录复核。}}
)";

}  // namespace

Result<std::vector<topology::Publication>> site_pack(const std::string& settings) {
    VITALOG_TRY(const auto zones, topology::zones_body());
    const std::size_t at = zones.find("Asia/Shanghai ");
    if (at == std::string::npos)
        return fail(Errc::Configuration, "the zones lack Asia/Shanghai: install tzdata");
    std::vector<topology::Publication> pack;
    const auto add = [&](std::string_view kind, std::string_view name, std::string body) {
        pack.push_back(topology::make_publication(std::string(kind), std::string(name),
                                                  std::move(body), std::string(name)));
    };
    add("zones", "tzdata", zones.substr(at, zones.find('\n', at) + 1 - at));
    add("settings", "site", settings);
    add("units", "units.yaml", std::string(kUnits));
    add("codes", "loinc.yaml", std::string(kCodes));
    add("measures", "measures.yaml", std::string(kMeasures));
    add("rules", "simulated.yaml", std::string(kRules));
    add("templates", "simulated.yaml", std::string(kTemplates));
    VITALOG_CHECK(topology::check_publications(pack));
    return pack;
}

}  // namespace vitalog::simulation
