package peer;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.util.Arrays;

/** The samples of one record of type vitalog.person-samples.v1. Read again and again; one thread. */
final class Vitals {
    /** LOINC codes, in the order in which everything here numbers them. */
    static final String[] LOINC = {"8867-4", "59408-5", "8310-5", "9279-1", "8480-6", "8462-4"};
    static final int CODES = LOINC.length;
    private static final int NO_CODE = -1;
    private static final long[] POWERS = {1, 10, 100, 1_000, 10_000, 100_000, 1_000_000};

    private final JsonFactory factory = new JsonFactory();
    private long[] steps = new long[64];
    private long[] values = new long[64];

    int count;
    int[] code = new int[64];
    /** Event time, milliseconds since the epoch. */
    long[] at = new long[64];
    /** In tenths of the unit. */
    long[] tenths = new long[64];

    void read(byte[] json) throws IOException {
        count = 0;
        try (JsonParser in = factory.createParser(json)) {
            in.nextToken();
            for (String name; (name = in.nextFieldName()) != null; ) {
                in.nextToken();
                if (name.equals("event")) event(in);
                else in.skipChildren();
            }
        }
    }

    private void event(JsonParser in) throws IOException {
        for (String name; (name = in.nextFieldName()) != null; ) {
            JsonToken token = in.nextToken();
            if (!name.equals("series") || token != JsonToken.START_ARRAY) {
                in.skipChildren();
                continue;
            }
            while (in.nextToken() == JsonToken.START_OBJECT) series(in);
        }
    }

    private void series(JsonParser in) throws IOException {
        int which = NO_CODE;
        int decimals = 0;
        long start = 0;
        int times = 0;
        int taken = 0;
        for (String name; (name = in.nextFieldName()) != null; ) {
            in.nextToken();
            switch (name) {
                case "loinc" -> which = number(in.getText());
                case "decimals" -> decimals = in.getIntValue();
                case "start" -> start = in.getLongValue();
                case "steps" -> times = numbers(in, true);
                case "values" -> taken = numbers(in, false);
                default -> in.skipChildren();
            }
        }
        if (which == NO_CODE) return;
        if (times != taken) throw new IOException("values must be as many as steps");
        if (decimals < 0 || decimals >= POWERS.length) throw new IOException("decimals must be 0 to 6");
        long moment = start;
        for (int i = 0; i < taken; i++) {
            moment += steps[i];
            add(which, moment, decimals == 0 ? values[i] * 10 : values[i] / POWERS[decimals - 1]);
        }
    }

    private int numbers(JsonParser in, boolean ofSteps) throws IOException {
        int n = 0;
        while (in.nextToken() != JsonToken.END_ARRAY) {
            if (n == steps.length) {
                steps = Arrays.copyOf(steps, 2 * n);
                values = Arrays.copyOf(values, 2 * n);
            }
            (ofSteps ? steps : values)[n++] = in.getLongValue();
        }
        return n;
    }

    private void add(int which, long moment, long value) {
        if (count == code.length) {
            code = Arrays.copyOf(code, 2 * count);
            at = Arrays.copyOf(at, 2 * count);
            tenths = Arrays.copyOf(tenths, 2 * count);
        }
        code[count] = which;
        at[count] = moment;
        tenths[count++] = value;
    }

    private static int number(String loinc) {
        for (int i = 0; i < CODES; i++) if (LOINC[i].equals(loinc)) return i;
        return NO_CODE;
    }
}
