# Tests of schemas/
