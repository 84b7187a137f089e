package example;

import java.io.IOException;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;

/** The words of a command line: --name value pairs, switches, and plain words before them. */
final class Options {
    private final Map<String, String> values = new HashMap<>();

    Options(List<String> words) {
        for (int i = 0; i < words.size(); i++) {
            if (!words.get(i).startsWith("--")) throw new IllegalArgumentException(words.get(i) + ": write --name value");
            final boolean last = i + 1 == words.size() || words.get(i + 1).startsWith("--");
            values.put(words.get(i), last ? "" : words.get(++i));
        }
    }

    boolean has(String name) {
        return values.containsKey(name);
    }

    String get(String name, String otherwise) {
        return values.getOrDefault(name, otherwise);
    }

    String need(String name) {
        if (!values.containsKey(name)) throw new IllegalArgumentException(name + " is missing");
        return values.get(name);
    }

    /** What every client has: --bootstrap, and the properties of --config (security.protocol, sasl.jaas.config ...). */
    Properties client() throws IOException {
        final Properties properties = new Properties();
        if (has("--config")) {
            try (Reader file = Files.newBufferedReader(Path.of(need("--config")))) {
                properties.load(file);
            }
        }
        properties.put("bootstrap.servers", need("--bootstrap"));
        return properties;
    }
}
