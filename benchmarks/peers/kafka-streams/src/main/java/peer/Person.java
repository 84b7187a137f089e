package peer;

import java.util.Arrays;

/**
 * What is known of one person, in one store value: the last value of each code, its window, what NEWS2 last said, and the
 * episode that is open. Unpacked as far as a record needs it and packed again. Scratch; one thread.
 *
 * <pre>
 * value   = form codes { ahead value } said [ episode ] { length window }    by code; ahead: newest time of all minus its own
 * said    = score band known; a score of -1: nothing yet
 * episode = worst needed since evidence raised     times: newest of all minus it
 * </pre>
 */
final class Person {
    private static final int FORM = 1;
    private static final int OPEN = 0x40;  // beside the six bits of the codes
    private static final long EVIDENCE_EVERY = 600_000;  // milliseconds

    /** Told of each change of an episode. */
    interface Alerts {
        void alert(String state, long since, long occurred, int score, int worst);
    }

    private final long[] at = new long[Vitals.CODES];
    private final long[] last = new long[Vitals.CODES];
    private final int[] from = new int[Vitals.CODES];
    private final int[] length = new int[Vitals.CODES];
    private final Window window = new Window();
    private final Packed in = new Packed(new byte[0]);
    private final Packed out = new Packed(new byte[1024]);
    private final Packed packed = new Packed(new byte[1024]);

    private int codes;
    private int score, band, known;
    private boolean open;
    private int worst, needed;
    private long since, evidence;

    /** Takes a record's samples: `stored` is the store's value, or null; returns the next one. */
    byte[] take(byte[] stored, Vitals vitals, Alerts alerts) {
        read(stored);
        int changed = 0;
        long moment = Long.MIN_VALUE;
        packed.at = 0;
        for (int i = 0; i < vitals.count; ) {
            int code = vitals.code[i];
            int end = i;
            unpack(code, (changed & 1 << code) == 0 ? stored : packed.data);
            for (; end < vitals.count && vitals.code[end] == code; end++) {
                window.fold(vitals.at[end], vitals.tenths[end]);
                moment = Math.max(moment, vitals.at[end]);
                if ((codes & 1 << code) == 0 || vitals.at[end] > at[code]) {
                    at[code] = vitals.at[end];
                    last[code] = vitals.tenths[end];
                    codes |= 1 << code;
                }
            }
            changed |= 1 << code;
            pack(code);
            i = end;
        }
        judge(changed, moment, alerts);
        return write(stored, changed);
    }

    private void unpack(int code, byte[] source) {
        if ((codes & 1 << code) == 0) {
            window.clear();
            return;
        }
        in.readFrom(source, from[code]);
        window.read(in, at[code]);
    }

    private void pack(int code) {
        from[code] = packed.at;
        window.write(packed, at[code]);
        length[code] = packed.at - from[code];
    }

    /**
     * NEWS2 as of the record's newest sample, from what is fresh then; and what it means for the episode. What comes later than
     * newer samples counts in the windows only.
     */
    private void judge(int changed, long moment, Alerts alerts) {
        int total = 0, fresh = 0;
        boolean red = false, reads = false;
        for (int code = 0; code < Vitals.CODES; code++) {
            if ((codes & 1 << code) != 0 && at[code] > moment) return;
            if (!News2.reads(code)) continue;
            reads |= (changed & 1 << code) != 0;
            if ((codes & 1 << code) == 0 || moment - at[code] > News2.FRESH) continue;
            int points = News2.points(code, last[code]);
            total += points;
            red |= News2.isRed(points);
            fresh |= 1 << code;
        }
        if (!reads || Integer.bitCount(fresh) < News2.LEAST) return;
        int says = News2.band(total, red);
        if (total == score && says == band && fresh == known) return;
        score = total;
        band = says;
        known = fresh;
        if (says == News2.LOW) end(moment, alerts);
        else meet(moment, alerts);
    }

    private void meet(long moment, Alerts alerts) {
        if (!open) {
            open = true;
            since = evidence = moment;
            worst = band;
            needed = known;
            alerts.alert("raised", since, moment, score, worst);
            return;
        }
        needed |= known;
        if (band >= worst && moment - evidence < EVIDENCE_EVERY) return;
        worst = Math.min(worst, band);
        evidence = moment;
        alerts.alert("updated", since, moment, score, worst);
    }

    /** A low score ends the episode when it knows all that was known whenever the score was not low. */
    private void end(long moment, Alerts alerts) {
        if (!open || (needed & ~known) != 0) return;
        open = false;
        alerts.alert("closed", since, moment, score, worst);
    }

    private void read(byte[] stored) {
        codes = 0;
        score = -1;
        band = known = 0;
        open = false;
        Arrays.fill(length, 0);
        if (stored == null) return;
        in.readFrom(stored, 0);
        if (in.get() != FORM) throw new IllegalStateException("a stored person has another form");
        int flags = in.get();
        codes = flags & ~OPEN;
        open = (flags & OPEN) != 0;
        long newest = in.number();
        for (int code = 0; code < Vitals.CODES; code++) {
            if ((codes & 1 << code) == 0) continue;
            at[code] = newest - in.number();
            last[code] = in.signed();
        }
        score = in.get();
        band = in.get();
        known = in.get();
        if (open) {
            worst = in.get();
            needed = in.get();
            since = newest - in.number();
            evidence = newest - in.number();
        }
        for (int code = 0; code < Vitals.CODES; code++) {
            if ((codes & 1 << code) == 0) continue;
            length[code] = (int) in.number();
            from[code] = in.at;
            in.at += length[code];
        }
    }

    /** Windows of changed codes are in `packed`, the others where they were. */
    private byte[] write(byte[] stored, int changed) {
        long newest = Long.MIN_VALUE;
        for (int code = 0; code < Vitals.CODES; code++)
            if ((codes & 1 << code) != 0) newest = Math.max(newest, at[code]);
        out.at = 0;
        out.put(FORM);
        out.put(codes | (open ? OPEN : 0));
        out.number(newest);
        for (int code = 0; code < Vitals.CODES; code++) {
            if ((codes & 1 << code) == 0) continue;
            out.number(newest - at[code]);
            out.signed(last[code]);
        }
        out.put(score);
        out.put(band);
        out.put(known);
        if (open) {
            out.put(worst);
            out.put(needed);
            out.number(newest - since);
            out.number(newest - evidence);
        }
        for (int code = 0; code < Vitals.CODES; code++) {
            if ((codes & 1 << code) == 0) continue;
            out.number(length[code]);
            out.bytes((changed & 1 << code) != 0 ? packed.data : stored, from[code], length[code]);
        }
        return Arrays.copyOf(out.data, out.at);
    }
}
