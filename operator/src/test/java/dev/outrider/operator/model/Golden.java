package dev.outrider.operator.model;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import com.fasterxml.jackson.dataformat.yaml.YAMLGenerator;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * Files that hold what the model is expected to make. A change of the model shows in them, line by
 * line, to whoever reviews it; {@code -Doutrider.golden=write} writes them anew.
 */
final class Golden {
  private static final Path FOLDER =
      Path.of("src/test/resources/dev/outrider/operator/model/golden").toAbsolutePath();
  private static final ObjectMapper YAML =
      new ObjectMapper(
              YAMLFactory.builder()
                  .enable(YAMLGenerator.Feature.MINIMIZE_QUOTES)
                  .enable(YAMLGenerator.Feature.ALWAYS_QUOTE_NUMBERS_AS_STRINGS)
                  .disable(YAMLGenerator.Feature.SPLIT_LINES)
                  .build())
          .enable(SerializationFeature.ORDER_MAP_ENTRIES_BY_KEYS);

  private Golden() {}

  static void check(String file, List<?> objects) {
    StringBuilder text = new StringBuilder();
    for (Object object : objects) {
      text.append(yaml(object));
    }
    check(file, text.toString());
  }

  static String yaml(Object object) {
    try {
      return YAML.writeValueAsString(object);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static void check(String file, String actual) {
    Path golden = FOLDER.resolve(file);
    try {
      if ("write".equals(System.getProperty("outrider.golden"))) {
        Files.createDirectories(FOLDER);
        Files.writeString(golden, actual, StandardCharsets.UTF_8);
      }
      String expected =
          Files.exists(golden) ? Files.readString(golden, StandardCharsets.UTF_8) : "";
      assertEquals(
          expected,
          actual,
          () ->
              file
                  + " is not what the model makes. If the change is meant, write the files anew with"
                  + " mvn -pl operator -am test -Doutrider.golden=write and look at their diff");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
