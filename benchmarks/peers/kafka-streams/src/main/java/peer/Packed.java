package peer;

import java.util.Arrays;

/** A growing buffer of variable-length numbers: written from its begin, or read over somebody's bytes. One thread. */
final class Packed {
    byte[] data;
    int at;

    Packed(byte[] data) {
        this.data = data;
    }

    void readFrom(byte[] source, int offset) {
        data = source;
        at = offset;
    }

    private void room(int more) {
        if (at + more > data.length) data = Arrays.copyOf(data, Math.max(at + more, 2 * data.length));
    }

    void put(int value) {
        room(1);
        data[at++] = (byte) value;
    }

    void number(long value) {
        room(10);
        while ((value & ~0x7fL) != 0) {
            data[at++] = (byte) (value | 0x80);
            value >>>= 7;
        }
        data[at++] = (byte) value;
    }

    void signed(long value) {
        number(value << 1 ^ value >> 63);
    }

    void bytes(byte[] source, int from, int length) {
        room(length);
        System.arraycopy(source, from, data, at, length);
        at += length;
    }

    int get() {
        return data[at++];
    }

    long number() {
        long value = 0;
        for (int shift = 0; ; shift += 7) {
            byte next = data[at++];
            value |= (next & 0x7fL) << shift;
            if (next >= 0) return value;
        }
    }

    long signed() {
        long value = number();
        return value >>> 1 ^ -(value & 1);
    }
}
