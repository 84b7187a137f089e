# Alert rules and dashboard, by Prometheus's own tool.
add_test(NAME monitoring_test COMMAND python3 ${CMAKE_SOURCE_DIR}/tests/monitoring/monitoring_test.py)
set_tests_properties(monitoring_test PROPERTIES SKIP_RETURN_CODE 77 ENVIRONMENT VITALOG_TOOLS=${CMAKE_BINARY_DIR})
