package peer;

/**
 * The rolling window of one code: 12 buckets of five minutes, 24 of an hour, 7 of a day, 13 of a week, each counted back from
 * the newest sample. A bucket is count, least, most, sum, sum of squares, the last value, and the times of the first and the
 * last sample. Samples may come in any order. Scratch: a person's windows are kept packed, and unpacked one at a time.
 */
final class Window {
    private static final long[] WIDTH = {300_000L, 3_600_000L, 86_400_000L, 604_800_000L};
    private static final int[] BUCKETS = {12, 24, 7, 13};
    private static final int SLOT = 0, COUNT = 1, LEAST = 2, MOST = 3, SUM = 4, SQUARES = 5, LAST = 6, FIRST_AT = 7, LAST_AT = 8;
    private static final int FIELDS = 9;

    private final long[][] levels = new long[WIDTH.length][];
    private final int[] size = new int[WIDTH.length];

    Window() {
        for (int n = 0; n < WIDTH.length; n++) levels[n] = new long[(BUCKETS[n] + 1) * FIELDS];
    }

    void clear() {
        for (int n = 0; n < size.length; n++) size[n] = 0;
    }

    void fold(long at, long value) {
        for (int n = 0; n < WIDTH.length; n++) fold(n, Math.floorDiv(at, WIDTH[n]), at, value);
    }

    private void fold(int n, long slot, long at, long value) {
        long[] level = levels[n];
        int place = size[n];
        while (place > 0 && level[(place - 1) * FIELDS + SLOT] > slot) place--;
        if (place > 0 && level[(place - 1) * FIELDS + SLOT] == slot) {
            add(level, (place - 1) * FIELDS, at, value);
            return;
        }
        if (size[n] > 0 && slot <= level[(size[n] - 1) * FIELDS + SLOT] - BUCKETS[n]) return;  // too old for this level
        System.arraycopy(level, place * FIELDS, level, (place + 1) * FIELDS, (size[n] - place) * FIELDS);
        begin(level, place * FIELDS, slot, at, value);
        size[n]++;
        long oldest = level[(size[n] - 1) * FIELDS + SLOT] - BUCKETS[n];
        int old = 0;
        while (level[old * FIELDS + SLOT] <= oldest) old++;
        size[n] -= old;
        System.arraycopy(level, old * FIELDS, level, 0, size[n] * FIELDS);
    }

    private static void begin(long[] level, int b, long slot, long at, long value) {
        level[b + SLOT] = slot;
        level[b + COUNT] = 1;
        level[b + LEAST] = level[b + MOST] = level[b + SUM] = level[b + LAST] = value;
        level[b + SQUARES] = value * value;
        level[b + FIRST_AT] = level[b + LAST_AT] = at;
    }

    private static void add(long[] level, int b, long at, long value) {
        level[b + COUNT]++;
        level[b + LEAST] = Math.min(level[b + LEAST], value);
        level[b + MOST] = Math.max(level[b + MOST], value);
        level[b + SUM] += value;
        level[b + SQUARES] += value * value;
        level[b + FIRST_AT] = Math.min(level[b + FIRST_AT], at);
        if (at > level[b + LAST_AT]) {
            level[b + LAST] = value;
            level[b + LAST_AT] = at;
        }
    }

    /** Times are told relative to the newest sample of the code. */
    void write(Packed out, long newest) {
        for (int n = 0; n < WIDTH.length; n++) {
            long[] level = levels[n];
            out.put(size[n]);
            long before = Math.floorDiv(newest, WIDTH[n]);
            for (int b = 0; b < size[n] * FIELDS; b += FIELDS) {
                out.signed(level[b + SLOT] - before);
                before = level[b + SLOT];
                write(out, level, b, newest);
            }
        }
    }

    private static void write(Packed out, long[] level, int b, long newest) {
        long least = level[b + LEAST], sum = level[b + SUM], count = level[b + COUNT];
        out.number(count);
        out.signed(least);
        out.number(newest - level[b + LAST_AT]);
        if (count == 1) return;
        out.number(level[b + MOST] - least);
        out.number(sum - least * count);
        out.number(level[b + SQUARES] - 2 * least * sum + count * least * least);
        out.number(level[b + LAST] - least);
        out.number(level[b + LAST_AT] - level[b + FIRST_AT]);
    }

    void read(Packed in, long newest) {
        for (int n = 0; n < WIDTH.length; n++) {
            long[] level = levels[n];
            size[n] = in.get();
            long before = Math.floorDiv(newest, WIDTH[n]);
            for (int b = 0; b < size[n] * FIELDS; b += FIELDS) {
                before += in.signed();
                level[b + SLOT] = before;
                read(in, level, b, newest);
            }
        }
    }

    private static void read(Packed in, long[] level, int b, long newest) {
        long count = in.number();
        long least = in.signed();
        long lastAt = newest - in.number();
        level[b + COUNT] = count;
        level[b + LEAST] = level[b + MOST] = level[b + SUM] = level[b + LAST] = least;
        level[b + SQUARES] = least * least;
        level[b + FIRST_AT] = level[b + LAST_AT] = lastAt;
        if (count == 1) return;
        level[b + MOST] = least + in.number();
        level[b + SUM] = least * count + in.number();
        level[b + SQUARES] = in.number() + 2 * least * level[b + SUM] - count * least * least;
        level[b + LAST] = least + in.number();
        level[b + FIRST_AT] = lastAt - in.number();
    }
}
