# Tests of topology/
vitalog_test(topology/shard_test.cc vitalog_runtime)
vitalog_test(topology/log_conformance_test.cc vitalog_log)
vitalog_test(topology/record_block_test.cc vitalog_log)
vitalog_test(topology/memory_log_test.cc vitalog_log)
vitalog_test(topology/group_commit_test.cc vitalog_log)
vitalog_test(topology/embedded_log_test.cc vitalog_log RocksDB::rocksdb)
vitalog_test(topology/config_test.cc vitalog_topology)
vitalog_test(topology/describe_test.cc vitalog_topology)
