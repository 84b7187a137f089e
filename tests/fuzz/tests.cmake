# Tests of fuzz/
