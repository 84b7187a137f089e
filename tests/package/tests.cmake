# The Debian package, installed into a folder and run.
add_test(NAME package_test COMMAND python3 ${CMAKE_SOURCE_DIR}/tests/package/package_test.py --build ${CMAKE_BINARY_DIR})
set_tests_properties(package_test PROPERTIES LABELS slow TIMEOUT 300)
