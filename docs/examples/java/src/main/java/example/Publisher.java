package example;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.Future;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * Publishes what a hospital has straight into Vitalog's feeds.
 *
 * <pre>
 * Publisher hl7 MESSAGES --bootstrap HOST:PORT,... [--topic feed.lis]       one message behind the other in a file
 * Publisher wearable BATCHES --account HUAWEI|u1 --bootstrap HOST:PORT,...  JSON batches of one account, one a line
 * </pre>
 *
 * A record's key decides on its partition, and records of one key keep their order: the patient's identifier for HL7, the
 * account for wearables. The value is the bytes as they are.
 */
public final class Publisher {
    private record Entry(byte[] key, byte[] value) {}

    public static void main(String[] words) throws Exception {
        final boolean hl7 = words[0].equals("hl7");
        final Path file = Path.of(words[1]);
        final Options options = new Options(List.of(words).subList(2, words.length));
        final String topic = options.get("--topic", hl7 ? "feed.his" : "feed.wearable");
        final List<Entry> entries = hl7 ? messages(file) : batches(file, options.need("--account"));

        final Properties properties = options.client();
        properties.put("enable.idempotence", "true"); // a retry is not a second record; implies acks=all
        properties.put("compression.type", "lz4");
        properties.put("linger.ms", "5");
        final List<Future<RecordMetadata>> sent = new ArrayList<>();
        try (var producer = new KafkaProducer<>(properties, new ByteArraySerializer(), new ByteArraySerializer())) {
            for (final Entry entry : entries) {
                final var record = new ProducerRecord<>(topic, entry.key(), entry.value());
                record.headers().add("format", (hl7 ? "hl7v2" : "json").getBytes(UTF_8));
                record.headers().add("endpoint", options.get("--endpoint", "publisher-example").getBytes(UTF_8));
                sent.add(producer.send(record));
            }
        }
        for (final Future<RecordMetadata> one : sent) one.get(); // throws what was not taken
        System.out.printf("published %d to %s%n", sent.size(), topic);
    }

    /** HL7 messages begin with MSH and have segments that end with CR. Bytes stay what they are: Latin-1 keeps each. */
    private static List<Entry> messages(Path file) throws Exception {
        final String text = new String(Files.readAllBytes(file), ISO_8859_1).replaceAll("\r\n|\n", "\r");
        final List<Entry> entries = new ArrayList<>();
        for (final String part : text.split("(?:^|\r)(?=MSH\\|)")) {
            final String message = part.strip();
            if (message.isEmpty()) continue;
            entries.add(new Entry(patientKey(message).getBytes(ISO_8859_1), (message + "\r").getBytes(ISO_8859_1)));
        }
        return entries;
    }

    /** AUTHORITY|ID of the first identifier in PID-3; without an authority, the sending facility's. */
    private static String patientKey(String message) {
        final String facility = field(message, "MSH", 3).split("\\^")[0];
        final String[] parts = (field(message, "PID", 3).split("~")[0] + "^^^^ ").split("\\^");
        final String authority = parts[3].split("&")[0];
        return (authority.isEmpty() ? facility : authority) + "|" + parts[0];
    }

    private static String field(String message, String segment, int number) {
        return Arrays.stream(message.split("\r")).filter(line -> line.startsWith(segment + "|")).findFirst()
            .orElseThrow(() -> new IllegalArgumentException("a message without " + segment)).split("\\|", -1)[number];
    }

    private static List<Entry> batches(Path file, String account) throws Exception {
        final List<Entry> entries = new ArrayList<>();
        for (final String line : Files.readAllLines(file, UTF_8))
            if (!line.isBlank()) entries.add(new Entry(account.getBytes(UTF_8), line.getBytes(UTF_8)));
        return entries;
    }
}
