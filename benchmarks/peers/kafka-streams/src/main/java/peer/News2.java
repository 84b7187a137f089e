package peer;

/**
 * National Early Warning Score 2 (Royal College of Physicians, National Early Warning Score (NEWS) 2, London 2017), SpO2
 * scale 1, of what devices measure: consciousness and oxygen are not known, so that the score is the least that is certain.
 * Values in tenths, taken at the published resolution (temperature 0.1 degrees, the rest whole numbers), halves up.
 */
final class News2 {
    /** Bands, the worst first. LOW_MEDIUM: one parameter of 3 points with a total of 4 or less. */
    static final int HIGH = 0, MEDIUM = 1, LOW_MEDIUM = 2, LOW = 3;
    static final String[] BANDS = {"high", "medium", "low-medium", "low"};

    /** The score speaks only of so many parameters or more: a pulse during a run is no early warning score. */
    static final int LEAST = 4;
    /** How long a value counts, milliseconds. */
    static final long FRESH = 4 * 3_600_000L;

    private static final int RED = 3;
    private static final int WHOLE = 10, TENTH = 1;
    // Each table: upper limit, points; beyond the last limit, the last points.
    private static final int[] PULSE = {40, 3, 50, 1, 90, 0, 110, 1, 130, 2, Integer.MAX_VALUE, 3};
    private static final int[] SATURATION = {91, 3, 93, 2, 95, 1, Integer.MAX_VALUE, 0};
    private static final int[] TEMPERATURE = {350, 3, 360, 1, 380, 0, 390, 1, Integer.MAX_VALUE, 2};
    private static final int[] RESPIRATION = {8, 3, 11, 1, 20, 0, 24, 2, Integer.MAX_VALUE, 3};
    private static final int[] SYSTOLIC = {90, 3, 100, 2, 110, 1, 219, 0, Integer.MAX_VALUE, 3};
    private static final int[][] TABLES = {PULSE, SATURATION, TEMPERATURE, RESPIRATION, SYSTOLIC, null};
    private static final int[] RESOLUTION = {WHOLE, WHOLE, TENTH, WHOLE, WHOLE, WHOLE};

    private News2() {}

    /** Whether the score reads the code. */
    static boolean reads(int code) {
        return TABLES[code] != null;
    }

    static int points(int code, long tenths) {
        long value = Math.floorDiv(tenths + RESOLUTION[code] / 2, RESOLUTION[code]);
        int[] table = TABLES[code];
        int i = 0;
        while (value > table[i]) i += 2;
        return table[i + 1];
    }

    static int band(int total, boolean red) {
        if (total >= 7) return HIGH;
        if (total >= 5) return MEDIUM;
        return red ? LOW_MEDIUM : LOW;
    }

    static boolean isRed(int points) {
        return points == RED;
    }
}
