#pragma once

#include <rocksdb/env.h>

#include <memory>

namespace vitalog::topology {

/// The files of `env`, of which a table (`.sst`) opens only where the block of its properties
/// holds, and the one that says where they are. RocksDB 7.8 reads the properties before it compares
/// their checksum (ReadTablePropertiesHelper): one changed bit ends the process by an assertion of
/// Debian's build, others have the index read by the wrong rules. What fails here is Corruption
/// that names the file. A table in a form that RocksDB as Rocks sets it up doesn't write is left to
/// RocksDB. `env` outlives the result, and the result every database over it.
std::unique_ptr<rocksdb::Env> with_checked_tables(rocksdb::Env& env);

}  // namespace vitalog::topology
