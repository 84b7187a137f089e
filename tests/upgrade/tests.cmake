# Data directories that the versions still read have written.
add_test(NAME upgrade_test COMMAND python3 ${CMAKE_SOURCE_DIR}/tests/upgrade/upgrade_test.py)
set_tests_properties(upgrade_test PROPERTIES ENVIRONMENT VITALOG_BINARY=$<TARGET_FILE:vitalog> TIMEOUT 600)
