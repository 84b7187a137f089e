# Tests of state/
