package dev.outrider.agents.log;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import org.junit.jupiter.api.Test;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

class AgentLogTest {
  private static final Logger LOG = LoggerFactory.getLogger("dev.outrider.test");
  private static final Logger LIBRARY = LoggerFactory.getLogger("io.netty.test");

  private static String log(Level level, Runnable calls) throws Exception {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    InstantSource clock = InstantSource.fixed(Instant.parse("2026-01-02T03:04:05.006789Z"));
    try (AutoCloseable _ = AgentLog.divert("proxy", level, out, clock)) {
      calls.run();
    }
    return out.toString(UTF_8);
  }

  @Test
  void aLineIsOneJsonObjectWithFixedKeysFirst() throws Exception {
    // When
    String line =
        log(
            Level.INFO,
            () ->
                LOG.atInfo()
                    .addKeyValue("count", 3)
                    .addKeyValue("ok", true)
                    .addKeyValue("none", (Object) null)
                    .addKeyValue("ratio", Double.NaN)
                    .addKeyValue("text", "a \"quoted\"\nline \u0001 \ud83d\ude00 \ud83d")
                    .addKeyValue("file", Path.of("/a/b"))
                    .addKeyValue("level", "mine")
                    .log("hello {}", "world"));

    // Then
    assertEquals(
        "{\"ts\":\"2026-01-02T03:04:05.006Z\",\"level\":\"info\",\"agent\":\"proxy\","
            + "\"logger\":\"dev.outrider.test\",\"msg\":\"hello world\",\"count\":3,\"ok\":true,"
            + "\"none\":null,\"ratio\":\"NaN\","
            + "\"text\":\"a \\\"quoted\\\"\\nline \\u0001 \ud83d\ude00 \\ud83d\","
            + "\"file\":\"/a/b\",\"_level\":\"mine\"}\n",
        line);
  }

  @Test
  void whatTheOutsideDidHasNoStack() throws Exception {
    // When
    String line =
        log(Level.INFO, () -> LOG.error("failed", new IOException("reset", new IOException("x"))));

    // Then
    assertTrue(
        line.endsWith(
            "\"error\":{\"type\":\"java.io.IOException\",\"message\":\"reset; because of"
                + " java.io.IOException: x\"}}\n"),
        line);
  }

  @Test
  void whatNobodyExpectedHasAStack() throws Exception {
    // When
    String line = log(Level.INFO, () -> LOG.error("failed", new IllegalStateException("bug")));

    // Then
    assertTrue(
        line.contains("\"stack\":\"java.lang.IllegalStateException\\n  dev.outrider."), line);
    assertEquals(line.length() - 1, line.indexOf('\n'));
  }

  @Test
  void librariesAreQuietUntilTrace() throws Exception {
    // When
    Runnable calls =
        () -> {
          LOG.trace("own trace");
          LOG.debug("own debug");
          LIBRARY.debug("library debug");
          LIBRARY.info("library info");
        };

    // Then
    assertEquals("own debug,library info", messages(log(Level.DEBUG, calls)));
    assertEquals(
        "own trace,own debug,library debug,library info", messages(log(Level.TRACE, calls)));
    assertEquals("", messages(log(Level.WARN, calls)));
  }

  @Test
  void javasOwnLoggersComeHere() throws Exception {
    // When
    String line =
        log(
            Level.INFO,
            () ->
                System.getLogger("com.example").log(System.Logger.Level.WARNING, "from {0}", "x"));

    // Then
    assertEquals("from x", messages(line));
  }

  private static String messages(String lines) {
    return String.join(
        ",", lines.lines().map(line -> line.split("\"msg\":\"", 2)[1].split("\"", 2)[0]).toList());
  }
}
