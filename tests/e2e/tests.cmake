# The real binary over real sockets.
add_test(NAME site_test COMMAND python3 ${CMAKE_SOURCE_DIR}/tests/e2e/site_test.py)
set_tests_properties(site_test PROPERTIES ENVIRONMENT VITALOG_BINARY=$<TARGET_FILE:vitalog> TIMEOUT 300)
add_test(NAME doctor_test COMMAND python3 ${CMAKE_SOURCE_DIR}/tests/e2e/doctor_test.py)
set_tests_properties(doctor_test PROPERTIES ENVIRONMENT VITALOG_BINARY=$<TARGET_FILE:vitalog> TIMEOUT 300)
