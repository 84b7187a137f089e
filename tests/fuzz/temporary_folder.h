#pragma once

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace vitalog::fuzz {

/// A folder of this process for what a target wants as a file; removed at the end.
inline const std::filesystem::path& temporary_folder() {
    static const struct Folder {
        Folder() {
            std::string name =
                (std::filesystem::temp_directory_path() / "vitalog-fuzz-XXXXXX").string();
            path = ::mkdtemp(name.data());
        }
        ~Folder() {
            std::error_code ignored;
            std::filesystem::remove_all(path, ignored);
        }
        Folder(const Folder&) = delete;
        Folder& operator=(const Folder&) = delete;
        std::filesystem::path path;
    } folder;
    return folder.path;
}

inline std::filesystem::path write_file(const char* name, std::string_view content) {
    const auto path = temporary_folder() / name;
    std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
    return path;
}

}  // namespace vitalog::fuzz
