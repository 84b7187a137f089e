# Tests of topology/
vitalog_test(topology/shard_test.cc vitalog_runtime)
vitalog_test(topology/log_conformance_test.cc vitalog_log)
