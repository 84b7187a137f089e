# The real binary over real sockets.
add_test(NAME site_test COMMAND python3 ${CMAKE_SOURCE_DIR}/tests/e2e/site_test.py)
set_tests_properties(site_test PROPERTIES ENVIRONMENT VITALOG_BINARY=$<TARGET_FILE:vitalog> TIMEOUT 900)
add_test(NAME hl7_rest_test COMMAND python3 ${CMAKE_SOURCE_DIR}/tests/e2e/hl7_rest_test.py)
# A sanitizer keeps freed memory and surrounds what is used: its build is held to twice the limit.
if(VITALOG_SANITIZE)
  set(VITALOG_MEMORY_TIMES 2)
  set(VITALOG_SANITIZED 1)
else()
  set(VITALOG_MEMORY_TIMES 1)
  set(VITALOG_SANITIZED 0)
endif()
set_tests_properties(hl7_rest_test PROPERTIES TIMEOUT 900
  ENVIRONMENT "VITALOG_BINARY=$<TARGET_FILE:vitalog>;VITALOG_MEMORY_TIMES=${VITALOG_MEMORY_TIMES}")
# Messages through the simulated providers; and the providers' own clients against the simulator.
add_test(NAME messages_test COMMAND python3 ${CMAKE_SOURCE_DIR}/tests/e2e/messages_test.py)
set_tests_properties(messages_test PROPERTIES ENVIRONMENT VITALOG_BINARY=$<TARGET_FILE:vitalog> TIMEOUT 900)
add_test(NAME provider_clients_test COMMAND python3 ${CMAKE_SOURCE_DIR}/tests/e2e/provider_clients_test.py)
set_tests_properties(provider_clients_test PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT 900
  ENVIRONMENT "VITALOG_BINARY=$<TARGET_FILE:vitalog>;VITALOG_VENV=${CMAKE_BINARY_DIR}/provider-clients")
add_test(NAME doctor_test COMMAND python3 ${CMAKE_SOURCE_DIR}/tests/e2e/doctor_test.py)
set_tests_properties(doctor_test PROPERTIES ENVIRONMENT VITALOG_BINARY=$<TARGET_FILE:vitalog> TIMEOUT 900)
add_test(NAME wearable_test COMMAND python3 ${CMAKE_SOURCE_DIR}/tests/e2e/wearable_test.py)
set_tests_properties(wearable_test PROPERTIES ENVIRONMENT VITALOG_BINARY=$<TARGET_FILE:vitalog> TIMEOUT 900)
add_test(NAME simulate_city_test COMMAND python3 ${CMAKE_SOURCE_DIR}/tests/e2e/simulate_city_test.py)
set_tests_properties(simulate_city_test PROPERTIES ENVIRONMENT VITALOG_BINARY=$<TARGET_FILE:vitalog> TIMEOUT 900)
# The archive, validated and read by packages that nobody here wrote.
add_test(NAME archive_test COMMAND python3 ${CMAKE_SOURCE_DIR}/tests/e2e/archive_test.py)
set_tests_properties(archive_test PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT 900
  ENVIRONMENT "VITALOG_BINARY=$<TARGET_FILE:vitalog>;VITALOG_VENV=${CMAKE_BINARY_DIR}/fhir-clients")
# The same with the views in PostgreSQL; and a site's day, with a rebuild of them.
foreach(name archive site)
  add_test(NAME ${name}_on_postgresql COMMAND python3 ${CMAKE_SOURCE_DIR}/tests/support/with_postgres.py
           python3 ${CMAKE_SOURCE_DIR}/tests/e2e/${name}_test.py)
  set_tests_properties(${name}_on_postgresql PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT 900
    ENVIRONMENT "VITALOG_BINARY=$<TARGET_FILE:vitalog>;VITALOG_VENV=${CMAKE_BINARY_DIR}/fhir-clients;LSAN_OPTIONS=suppressions=${CMAKE_SOURCE_DIR}/tests/support/leaks.supp")
endforeach()
# Under sanitizers (label slow left out) the views in PostgreSQL have views_on_postgresql and archive_on_postgresql.
set_tests_properties(site_on_postgresql PROPERTIES LABELS slow)
# Every command of docs/paths.md, and what it prints.
add_test(NAME paths_test COMMAND python3 ${CMAKE_SOURCE_DIR}/tests/e2e/paths_test.py)
set_tests_properties(paths_test PROPERTIES ENVIRONMENT VITALOG_BINARY=$<TARGET_FILE:vitalog> TIMEOUT 600)
add_test(NAME operator_test COMMAND python3 ${CMAKE_SOURCE_DIR}/tests/e2e/operator_test.py)
set_tests_properties(operator_test PROPERTIES ENVIRONMENT VITALOG_BINARY=$<TARGET_FILE:vitalog> TIMEOUT 600)
add_test(NAME soak_test COMMAND python3 ${CMAKE_SOURCE_DIR}/tests/e2e/soak_test.py)
set_tests_properties(soak_test PROPERTIES LABELS slow ENVIRONMENT VITALOG_BINARY=$<TARGET_FILE:vitalog> TIMEOUT 200)
# The benchmarks that drive a site, small. Label slow, as the soak: what they do to a site, other tests do under sanitizers.
add_test(NAME site_bench_test COMMAND python3 ${CMAKE_SOURCE_DIR}/tests/e2e/site_bench_test.py)
set_tests_properties(site_bench_test PROPERTIES LABELS slow ENVIRONMENT VITALOG_BINARY=$<TARGET_FILE:vitalog> TIMEOUT 400)
# Rule packs: tried on the past before they are published.
add_test(NAME rules_test COMMAND python3 ${CMAKE_SOURCE_DIR}/tests/e2e/rules_test.py)
set_tests_properties(rules_test PROPERTIES ENVIRONMENT VITALOG_BINARY=$<TARGET_FILE:vitalog> TIMEOUT 600)
# What was decided, recomputed from the log; and a log that somebody changed.
add_executable(tamper_log e2e/tamper_log.cc)
target_link_libraries(tamper_log PRIVATE vitalog_log RocksDB::rocksdb)
add_test(NAME why_test COMMAND python3 ${CMAKE_SOURCE_DIR}/tests/e2e/why_test.py)
set_tests_properties(why_test PROPERTIES ENVIRONMENT VITALOG_BINARY=$<TARGET_FILE:vitalog> TIMEOUT 600)
add_test(NAME audit_test COMMAND python3 ${CMAKE_SOURCE_DIR}/tests/e2e/audit_test.py)
set_tests_properties(audit_test PROPERTIES TIMEOUT 600
  ENVIRONMENT "VITALOG_BINARY=$<TARGET_FILE:vitalog>;VITALOG_TAMPER=$<TARGET_FILE:tamper_log>")
# Disk, files, memory and clock go bad under the running program.
add_test(NAME hostile_machine_test COMMAND python3 ${CMAKE_SOURCE_DIR}/tests/e2e/hostile_machine_test.py)
set_tests_properties(hostile_machine_test PROPERTIES TIMEOUT 900 ENVIRONMENT
  "VITALOG_BINARY=$<TARGET_FILE:vitalog>;VITALOG_SANITIZED=${VITALOG_SANITIZED}")
