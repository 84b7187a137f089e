# Tests on a real Kafka cluster: one broker for all of them, started once and ended with ctest. Without Java or Kafka's
# artifacts they are skipped, and scripts/test says so. The cluster of a test that needs more brokers, or breaks them, is
# its own: scripts/kafka up --dir.
set(VITALOG_KAFKA_VERSION 4 CACHE STRING "Kafka of the tests: 3.9, 4 or an exact version")
set(VITALOG_KAFKA_DIR ${CMAKE_BINARY_DIR}/kafka)
set(VITALOG_WITH_KAFKA python3 ${CMAKE_SOURCE_DIR}/tests/kafka/with_kafka.py --dir ${VITALOG_KAFKA_DIR}
  --version ${VITALOG_KAFKA_VERSION})
add_test(NAME kafka_up COMMAND ${VITALOG_WITH_KAFKA} --setup)
set_tests_properties(kafka_up PROPERTIES FIXTURES_SETUP kafka LABELS kafka SKIP_RETURN_CODE 77 TIMEOUT 700)
add_test(NAME kafka_down COMMAND ${CMAKE_SOURCE_DIR}/scripts/kafka down --dir ${VITALOG_KAFKA_DIR})
set_tests_properties(kafka_down PROPERTIES FIXTURES_CLEANUP kafka LABELS kafka)

# vitalog_kafka_test(<name> <program> <argument>...): on the cluster of all, found in VITALOG_TEST_KAFKA.
function(vitalog_kafka_test name)
  add_test(NAME ${name} COMMAND ${VITALOG_WITH_KAFKA} -- ${ARGN})
  set_tests_properties(${name} PROPERTIES FIXTURES_REQUIRED kafka LABELS kafka SKIP_RETURN_CODE 77)
endfunction()

# scripts/kafka itself, on clusters of its own. Label slow: nothing of ours is compiled in it, so that it runs once.
add_test(NAME kafka_script_test COMMAND python3 ${CMAKE_SOURCE_DIR}/tests/kafka/kafka_script_test.py)
set_tests_properties(kafka_script_test PROPERTIES LABELS "kafka;slow" SKIP_RETURN_CODE 77 TIMEOUT 700)

# docs/examples, in both languages, as foreign clients of the cluster; and under its ACLs, on a cluster of its own.
vitalog_kafka_test(examples_test python3 ${CMAKE_SOURCE_DIR}/tests/kafka/examples_test.py)
add_test(NAME acl_test COMMAND python3 ${CMAKE_SOURCE_DIR}/tests/kafka/acl_test.py)
add_test(NAME scram_on_kafka_3 COMMAND ${CMAKE_COMMAND} -E env VITALOG_KAFKA_VERSION=3.9
  python3 ${CMAKE_SOURCE_DIR}/tests/kafka/acl_test.py Acls.test_scram_works_or_says_what_else_would)
set_tests_properties(examples_test acl_test scram_on_kafka_3 PROPERTIES LABELS "kafka;slow" SKIP_RETURN_CODE 77 TIMEOUT 600 RESOURCE_LOCK kafka_clients
  ENVIRONMENT "VITALOG_BINARY=$<TARGET_FILE:vitalog>;VITALOG_VENV=${CMAKE_BINARY_DIR}/kafka-clients;VITALOG_JAVA_EXAMPLES=${CMAKE_BINARY_DIR}/java-examples")
# The log's promises, and a whole site's outputs, on the cluster.
vitalog_kafka_test(kafka_log_conformance_test $<TARGET_FILE:kafka_log_conformance_test>)
set_tests_properties(kafka_log_conformance_test PROPERTIES TIMEOUT 400)
vitalog_kafka_test(kafka_copies_test $<TARGET_FILE:kafka_copies_test>)
set_tests_properties(kafka_copies_test PROPERTIES TIMEOUT 400)
vitalog_kafka_test(same_outputs_test python3 ${CMAKE_SOURCE_DIR}/tests/kafka/same_outputs_test.py)
set_tests_properties(same_outputs_test PROPERTIES LABELS "kafka;slow" TIMEOUT 1200 ENVIRONMENT VITALOG_BINARY=$<TARGET_FILE:vitalog>)
vitalog_kafka_test(effects_test python3 ${CMAKE_SOURCE_DIR}/tests/kafka/effects_test.py)
set_tests_properties(effects_test PROPERTIES LABELS "kafka;slow" TIMEOUT 900 ENVIRONMENT VITALOG_BINARY=$<TARGET_FILE:vitalog>)
vitalog_kafka_test(kafka_operator_test python3 ${CMAKE_SOURCE_DIR}/tests/kafka/kafka_operator_test.py)
set_tests_properties(kafka_operator_test PROPERTIES LABELS "kafka;slow" TIMEOUT 600 ENVIRONMENT VITALOG_BINARY=$<TARGET_FILE:vitalog>)
vitalog_kafka_test(standby_test python3 ${CMAKE_SOURCE_DIR}/tests/kafka/standby_test.py)
set_tests_properties(standby_test PROPERTIES LABELS "kafka;slow" TIMEOUT 900 ENVIRONMENT VITALOG_BINARY=$<TARGET_FILE:vitalog>)
vitalog_kafka_test(audit_kafka_test python3 ${CMAKE_SOURCE_DIR}/tests/kafka/audit_kafka_test.py)
set_tests_properties(audit_kafka_test PROPERTIES LABELS "kafka;slow" SKIP_RETURN_CODE 77 TIMEOUT 600 RESOURCE_LOCK kafka_clients
  ENVIRONMENT "VITALOG_BINARY=$<TARGET_FILE:vitalog>;VITALOG_VENV=${CMAKE_BINARY_DIR}/kafka-clients")
# From the embedded log into the cluster: what lies where, and a whole site, interrupted, beside its twin that stays.
vitalog_kafka_test(kafka_move_test $<TARGET_FILE:kafka_move_test>)
vitalog_kafka_test(migrate_test python3 ${CMAKE_SOURCE_DIR}/tests/kafka/migrate_test.py)
set_tests_properties(kafka_move_test migrate_test PROPERTIES TIMEOUT 600)
set_tests_properties(migrate_test PROPERTIES LABELS "kafka;slow" ENVIRONMENT VITALOG_BINARY=$<TARGET_FILE:vitalog>)
# What a foreign client finds in the topics of three brokers; what a site says where the cluster lost something. What is done to
# brokers meanwhile: scripts/prove-cluster.
add_test(NAME disturbed_cluster_test
  COMMAND python3 ${CMAKE_SOURCE_DIR}/tests/kafka/disturbed_cluster_test.py Undisturbed)
vitalog_kafka_test(lost_records_test python3 ${CMAKE_SOURCE_DIR}/tests/kafka/lost_records_test.py)
set_tests_properties(disturbed_cluster_test lost_records_test PROPERTIES LABELS "kafka;slow" SKIP_RETURN_CODE 77 TIMEOUT 900
  RESOURCE_LOCK kafka_clients ENVIRONMENT "VITALOG_BINARY=$<TARGET_FILE:vitalog>;VITALOG_VENV=${CMAKE_BINARY_DIR}/kafka-clients")
# The doors for others at a whole site, on a cluster of its own.
add_test(NAME doors_test COMMAND python3 ${CMAKE_SOURCE_DIR}/tests/kafka/doors_test.py)
set_tests_properties(doors_test PROPERTIES LABELS "kafka;slow" SKIP_RETURN_CODE 77 TIMEOUT 400
  ENVIRONMENT "VITALOG_BINARY=$<TARGET_FILE:vitalog>;VITALOG_VENV=${CMAKE_BINARY_DIR}/kafka-clients-site")
# The care stage beside the same job in Kafka Streams, on few records: equal results. Its own cluster.
add_test(NAME run_peers_test COMMAND python3 ${CMAKE_SOURCE_DIR}/benchmarks/peers/run_peers.py --quick
  --build ${CMAKE_BINARY_DIR} --out ${CMAKE_BINARY_DIR}/peers)
set_tests_properties(run_peers_test PROPERTIES LABELS "kafka;slow" SKIP_RETURN_CODE 77 TIMEOUT 600 RESOURCE_LOCK kafka_clients
  ENVIRONMENT "VITALOG_VENV=${CMAKE_BINARY_DIR}/kafka-clients;VITALOG_PEER_BUILD=${CMAKE_BINARY_DIR}/kafka-streams")
# Whole sites that lose one another after a few seconds of silence: nothing else runs beside them.
set_tests_properties(same_outputs_test effects_test kafka_operator_test standby_test disturbed_cluster_test lost_records_test migrate_test
  PROPERTIES RUN_SERIAL TRUE)
