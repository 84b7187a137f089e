#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "schemas/templates.h"

namespace vitalog::processors {

/// The template packs in force. Of several that serve a purpose, the one published last counts.
class TemplatePacks {
  public:
    /// An empty body retires the pack. An Error leaves the old one in force.
    Result<void> apply(std::string_view name, std::string_view body);
    /// By name where a pack has a template of that name for that purpose, else by purpose; null:
    /// none.
    const schemas::MessageTemplate* find(std::string_view name, std::string_view purpose) const;

  private:
    struct Published {
        std::string name;
        schemas::TemplatePack pack;
    };
    std::vector<Published> packs_;  ///< in the order in which they were published
};

}  // namespace vitalog::processors
