package peer;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.state.Stores;

/**
 * The job of `vitalog run --roles care` with the rule pack acute-ward, in Kafka Streams.
 *
 * <pre>
 *   Peer SETTINGS INPUT OUTPUT     SETTINGS: a properties file for Kafka Streams
 * </pre>
 *
 * Prints "ready" once it runs. Ends in order with SIGTERM.
 */
public final class Peer {
    private static final Duration CLOSING = Duration.ofSeconds(60);

    private Peer() {}

    static Topology topology(String input, String output) {
        var bytes = Serdes.ByteArray();
        var store = Stores.keyValueStoreBuilder(Stores.persistentKeyValueStore(Episodes.STORE), bytes, bytes);
        Topology topology = new Topology();
        topology.addSource("vitals", bytes.deserializer(), bytes.deserializer(), input);
        topology.addProcessor("episodes", Episodes::new, "vitals");
        topology.addStateStore(store.withCachingEnabled(), "episodes");
        topology.addSink("alerts", output, bytes.serializer(), bytes.serializer(), "episodes");
        return topology;
    }

    public static void main(String[] words) throws IOException, InterruptedException {
        Properties settings = new Properties();
        try (var file = Files.newBufferedReader(Path.of(words[0]))) {
            settings.load(file);
        }
        settings.put(StreamsConfig.ROCKSDB_CONFIG_SETTER_CLASS_CONFIG, RocksSettings.class.getName());
        var ended = new CountDownLatch(1);
        try (var streams = new KafkaStreams(topology(words[1], words[2]), settings)) {
            streams.setUncaughtExceptionHandler(failure -> {
                failure.printStackTrace();
                return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
            });
            streams.setStateListener((now, before) -> {
                if (now == KafkaStreams.State.RUNNING) System.out.println("ready");
                if (now == KafkaStreams.State.ERROR || now == KafkaStreams.State.NOT_RUNNING) ended.countDown();
            });
            Runtime.getRuntime().addShutdownHook(new Thread(() -> streams.close(CLOSING)));
            streams.start();
            ended.await();
        }
    }
}
