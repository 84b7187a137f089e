# Every command of README.md is run. Not under sanitizers (label slow): the demo is of the release build.
add_test(NAME readme_test COMMAND python3 ${CMAKE_SOURCE_DIR}/tests/readme/readme_test.py
         --root ${CMAKE_SOURCE_DIR} --binary $<TARGET_FILE:vitalog>)
set_tests_properties(readme_test PROPERTIES LABELS slow TIMEOUT 240)
