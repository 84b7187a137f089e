# kill -9 of the real process, and every stage's outputs recomputed from its input.
add_test(NAME kill_test COMMAND python3 ${CMAKE_SOURCE_DIR}/tests/crash/kill_test.py --binary $<TARGET_FILE:vitalog>
         --messages ${CMAKE_SOURCE_DIR}/tests/data/hl7/simhospital.hl7)
set_tests_properties(kill_test PROPERTIES LABELS slow TIMEOUT 900)
