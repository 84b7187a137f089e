# Tests of fuzz/
vitalog_fuzz(identity_state vitalog_processors)
