# Tests of state/
vitalog_test(state/entity_store_test.cc vitalog_state)
