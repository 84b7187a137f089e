#include "topology/views_place.h"

#include <filesystem>

namespace vitalog::topology {

std::string views_file(const Config& config, const std::string& data_dir) {
    if (config.text("views.store") != "sqlite") return {};
    const auto path = config.text("views.path");
    return path.empty() ? (std::filesystem::path(data_dir) / "views.sqlite").string()
                        : std::string(path);
}

std::string views_place(const Config& config, const std::string& data_dir) {
    const std::string file = views_file(config, data_dir);
    return file.empty() ? std::string(config.text("views.store")) : file;
}

}  // namespace vitalog::topology
