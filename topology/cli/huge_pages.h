#pragma once

namespace vitalog::topology::cli {

/// Starts this program anew, in the same process, with glibc's allocator asking the kernel for huge pages, unless
/// GLIBC_TUNABLES is set already. What a stage knows of a million persons is read in no order: with pages of 4 KiB, a
/// good part of the time goes to finding the page. Returns where that can't be done; nothing else changes then.
void restart_with_huge_pages(char** argv);

}  // namespace vitalog::topology::cli
