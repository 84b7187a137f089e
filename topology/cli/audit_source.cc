#include "topology/cli/audit_source.h"

#include "topology/cli/load_config.h"
#include "topology/doors.h"

namespace vitalog::topology::cli {

Result<std::unique_ptr<AuditLog>> open_audit_log(const Arguments& arguments) {
    VITALOG_TRY(const auto config, load_config_of_log(arguments));
    const auto data_dir = arguments.value("--data-dir");
    const bool cluster = config.text("log.kind") == "kafka";
    if (data_dir.has_value() == cluster)
        return fail(Errc::Configuration, "say --data-dir D, or --set log.brokers=HOST:PORT, one of them");
    AuditLog::Options options;
    if (data_dir) options.data_dir = *data_dir;
    VITALOG_TRY(const auto secrets, Secrets::read(environment(), config.text("secrets.file")));
    options.kafka_password = secrets.kafka_password;
    return AuditLog::open(config, options);
}

Result<std::optional<LogTime>> time_flag(const Arguments& arguments, std::string_view flag) {
    const auto text = arguments.value(flag);
    if (!text) return std::nullopt;
    const auto micros = parse_rfc3339(*text);
    if (!micros)
        return fail(Errc::Configuration,
                    std::string(flag) + " " + *text + ": write a time such as 2026-11-21T08:00:00Z");
    return LogTime(*micros);
}

}  // namespace vitalog::topology::cli
