# Tests on a real Kafka cluster: one broker for all of them, started once and ended with ctest. Without Java or Kafka's
# artifacts they are skipped, and scripts/test says so. The cluster of a test that needs more brokers, or breaks them, is
# its own: scripts/kafka up --dir.
set(VITALOG_KAFKA_DIR ${CMAKE_BINARY_DIR}/kafka)
set(VITALOG_WITH_KAFKA python3 ${CMAKE_SOURCE_DIR}/tests/kafka/with_kafka.py --dir ${VITALOG_KAFKA_DIR})
add_test(NAME kafka_up COMMAND ${VITALOG_WITH_KAFKA} --setup)
set_tests_properties(kafka_up PROPERTIES FIXTURES_SETUP kafka LABELS kafka SKIP_RETURN_CODE 77 TIMEOUT 700)
add_test(NAME kafka_down COMMAND ${CMAKE_SOURCE_DIR}/scripts/kafka down --dir ${VITALOG_KAFKA_DIR})
set_tests_properties(kafka_down PROPERTIES FIXTURES_CLEANUP kafka LABELS kafka)

# vitalog_kafka_test(<name> <program> <argument>...): on the cluster of all, found in VITALOG_TEST_KAFKA.
function(vitalog_kafka_test name)
  add_test(NAME ${name} COMMAND ${VITALOG_WITH_KAFKA} -- ${ARGN})
  set_tests_properties(${name} PROPERTIES FIXTURES_REQUIRED kafka LABELS kafka SKIP_RETURN_CODE 77)
endfunction()

# scripts/kafka itself, on clusters of its own.
add_test(NAME kafka_script_test COMMAND python3 ${CMAKE_SOURCE_DIR}/tests/kafka/kafka_script_test.py)
set_tests_properties(kafka_script_test PROPERTIES LABELS kafka SKIP_RETURN_CODE 77 TIMEOUT 700)
