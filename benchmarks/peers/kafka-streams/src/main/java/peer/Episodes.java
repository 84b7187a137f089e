package peer;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.apache.kafka.streams.processor.api.ContextualProcessor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;

/** Vitals in, alert episodes out: one read and one write of the store a record. Record keys are persons. */
final class Episodes extends ContextualProcessor<byte[], byte[], byte[], byte[]> {
    static final String STORE = "person";
    private static final String TYPE = "ce_type";
    private static final byte[] SAMPLES = "vitalog.person-samples.v1".getBytes(StandardCharsets.US_ASCII);

    private final Vitals vitals = new Vitals();
    private final Person person = new Person();
    private final StringBuilder json = new StringBuilder(256);
    private KeyValueStore<byte[], byte[]> store;
    private Record<byte[], byte[]> record;

    @Override
    public void init(ProcessorContext<byte[], byte[]> context) {
        super.init(context);
        store = context.getStateStore(STORE);
    }

    @Override
    public void process(Record<byte[], byte[]> next) {
        var type = next.headers().lastHeader(TYPE);
        if (type == null || !Arrays.equals(type.value(), SAMPLES)) return;
        record = next;
        try {
            vitals.read(next.value());
        } catch (IOException malformed) {
            throw new IllegalArgumentException("no vitals: " + new String(next.value(), StandardCharsets.UTF_8), malformed);
        }
        if (vitals.count == 0) return;
        store.put(next.key(), person.take(store.get(next.key()), vitals, this::alert));
    }

    private void alert(String state, long since, long occurred, int score, int worst) {
        json.setLength(0);
        json.append("{\"person\":\"").append(new String(record.key(), StandardCharsets.US_ASCII));
        json.append("\",\"state\":\"").append(state).append("\",\"since\":").append(since);
        json.append(",\"occurred\":").append(occurred).append(",\"score\":").append(score);
        json.append(",\"band\":\"").append(News2.BANDS[worst]).append("\"}");
        context().forward(new Record<>(record.key(), json.toString().getBytes(StandardCharsets.US_ASCII), record.timestamp()));
    }
}
