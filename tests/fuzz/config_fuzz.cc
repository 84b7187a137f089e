#include <cstddef>
#include <cstdint>
#include <string>

#include "temporary_folder.h"
#include "topology/config.h"
#include "topology/doors.h"
#include "topology/roles.h"

// Any text as the configuration file, as the file of tokens, as sizes and lists of roles.

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace vitalog;
    using namespace vitalog::topology;
    const std::string text(reinterpret_cast<const char*>(data), size);
    const std::string path = fuzz::write_file("file.yaml", text);
    Config::Sources sources;
    sources.file = path;
    if (const auto config = Config::load(sources); !config)
        VITALOG_ASSERT(!config.error().message().empty(), "an error says something");
    sources = {};
    sources.flags = {{"auth.tokens", path}};
    if (const auto config = Config::load(sources); config)
        if (const auto tokens = read_tokens(*config))
            VITALOG_ASSERT(!tokens->empty() && !tokens->front().token.empty(), "a token is one");
    sources.flags = {{"site.authorities", text}, {"log.cache", text}};
    (void)Config::load(sources);
    (void)parse_bytes(text);
    (void)Roles::parse(text);
    return 0;
}
