package example;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * A hospital's own gateway: takes attempts from send.sms, sends each once, and says on feed.receipt what became of it. The
 * site needs {@code notify.sms.gateway: external}.
 *
 * <pre>Gateway --bootstrap HOST:PORT,... --journal FILE [--config FILE] [--provider URL] [--idle SECONDS]</pre>
 *
 * With --idle it ends when nothing came for so long, once it has its partitions.
 *
 * The journal holds the attempts that were begun, on disk before they are sent: after a crash none is sent again. Reads
 * committed records only, and commits its own position once the receipt is in the log.
 */
public final class Gateway {
    private record Outcome(String state, String code) {}

    /** One line an attempt at its beginning, and one at its end with state and code. */
    private static final class Journal {
        private final Map<String, Outcome> outcomes = new HashMap<>(); // without state: begun
        private final FileChannel file;

        Journal(Path path) throws IOException {
            if (Files.exists(path)) {
                for (final String line : Files.readAllLines(path)) {
                    final String[] words = line.split(" ");
                    outcomes.put(words[0], words.length == 3 ? new Outcome(words[1], words[2]) : new Outcome("", ""));
                }
            }
            file = FileChannel.open(path, StandardOpenOption.CREATE, StandardOpenOption.WRITE, StandardOpenOption.APPEND);
        }

        void write(String attempt, Outcome outcome) throws IOException {
            outcomes.put(attempt, outcome);
            final String line = (attempt + " " + outcome.state() + " " + outcome.code()).strip() + "\n";
            file.write(ByteBuffer.wrap(line.getBytes(StandardCharsets.UTF_8)));
            file.force(false);
        }
    }

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final HttpClient HTTP = HttpClient.newHttpClient();

    private final Options options;
    private final Journal journal;

    private Gateway(Options options) throws IOException {
        this.options = options;
        this.journal = new Journal(Path.of(options.need("--journal")));
    }

    public static void main(String[] words) throws Exception {
        new Gateway(new Options(List.of(words))).run();
    }

    private void run() throws Exception {
        final Properties reading = options.client();
        reading.put("group.id", options.get("--group", "gateway-example"));
        reading.put("isolation.level", "read_committed");
        reading.put("enable.auto.commit", "false");
        reading.put("auto.offset.reset", "earliest");
        final Properties writing = options.client();
        writing.put("enable.idempotence", "true");
        final Duration idle = Duration.ofSeconds(Long.parseLong(options.get("--idle", "315360000")));
        try (var consumer = new KafkaConsumer<>(reading, new StringDeserializer(), new StringDeserializer());
             var producer = new KafkaProducer<>(writing, new StringSerializer(), new StringSerializer())) {
            consumer.subscribe(List.of(options.get("--topic", "send.sms")));
            Instant last = Instant.now();
            while (Duration.between(last, Instant.now()).compareTo(idle) < 0) {
                for (final var record : consumer.poll(Duration.ofMillis(200))) {
                    settle(record, producer);
                    consumer.commitSync(Map.of(new TopicPartition(record.topic(), record.partition()),
                                               new OffsetAndMetadata(record.offset() + 1)));
                    last = Instant.now();
                }
                if (consumer.assignment().isEmpty()) last = Instant.now(); // its group has not formed yet
            }
        }
    }

    /** Returns once the receipt is in the log. */
    private void settle(ConsumerRecord<String, String> record, KafkaProducer<String, String> producer) throws Exception {
        final JsonNode message = JSON.readTree(record.value());
        final Outcome outcome = outcomeOf(message);
        final var receipt = JSON.createObjectNode();
        for (final String name : List.of("recipient", "intent", "attempt")) receipt.set(name, message.get(name));
        receipt.put("state", outcome.state()).put("code", outcome.code());
        receipt.put("at", Instant.now().truncatedTo(ChronoUnit.SECONDS).toString());
        final var answer = new ProducerRecord<>(options.get("--receipts", "feed.receipt"),
                                                message.get("recipient").asText(), receipt.toString());
        answer.headers().add("format", "json".getBytes(StandardCharsets.UTF_8));
        answer.headers().add("endpoint", "gateway-example".getBytes(StandardCharsets.UTF_8));
        producer.send(answer).get();
        System.out.printf("attempt %s %s %s%n", message.get("attempt").asText(), outcome.state(), outcome.code());
    }

    private Outcome outcomeOf(JsonNode message) throws Exception {
        final String attempt = message.get("attempt").asText();
        final Outcome known = journal.outcomes.get(attempt);
        if (known != null && !known.state().isEmpty()) return known;
        final Outcome outcome;
        if (known != null) {
            outcome = new Outcome("unknown", "gateway-restarted"); // begun before a crash: nobody knows
        } else {
            journal.write(attempt, new Outcome("", ""));
            outcome = send(message);
        }
        journal.write(attempt, outcome);
        return outcome;
    }

    private Outcome send(JsonNode message) throws InterruptedException {
        if (Instant.parse(message.get("not_after").asText()).isBefore(Instant.now())) return new Outcome("failed", "too-late");
        final String text = message.path("text").asText();
        if (!options.has("--provider")) {
            System.out.printf("to %s: %s%n", message.get("to").asText(), text);
            return new Outcome("delivered", "printed");
        }
        final String body = JSON.createObjectNode().put("to", message.get("to").asText()).put("text", text).toString();
        final var request = HttpRequest.newBuilder(URI.create(options.need("--provider"))).timeout(Duration.ofSeconds(20))
            .header("Content-Type", "application/json").POST(HttpRequest.BodyPublishers.ofString(body)).build();
        try {
            final int status = HTTP.send(request, HttpResponse.BodyHandlers.discarding()).statusCode();
            return status < 300 ? new Outcome("accepted", "taken") : new Outcome("failed", String.valueOf(status));
        } catch (IOException unanswered) {
            return new Outcome("unknown", "no-answer"); // it may have been sent: it is not sent again
        }
    }
}
