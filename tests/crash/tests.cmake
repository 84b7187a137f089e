# kill -9 of the real process, and every stage's outputs recomputed from its input.
add_test(NAME kill_test COMMAND python3 ${CMAKE_SOURCE_DIR}/tests/crash/kill_test.py --binary $<TARGET_FILE:vitalog>
         --messages ${CMAKE_SOURCE_DIR}/tests/data/hl7/simhospital.hl7)
set_tests_properties(kill_test PROPERTIES LABELS slow TIMEOUT 900)
# One changed byte in a data directory: a sample; scripts/prove-corruption tries them all.
add_executable(damage_check crash/damage_check.cc crash/damage_look.cc)
target_link_libraries(damage_check PRIVATE vitalog_topology)
add_test(NAME damage_test COMMAND python3 ${CMAKE_SOURCE_DIR}/tests/crash/damage_test.py --binary $<TARGET_FILE:vitalog>
         --damage-check $<TARGET_FILE:damage_check>)
set_tests_properties(damage_test PROPERTIES TIMEOUT 600)
