# Tests of processors/
vitalog_test(processors/identity_interleaving_test.cc vitalog_processors)
vitalog_test(processors/identity_merges_test.cc vitalog_processors)
vitalog_test(processors/identity_processor_test.cc vitalog_processors)
