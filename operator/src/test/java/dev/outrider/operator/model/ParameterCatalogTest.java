package dev.outrider.operator.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.outrider.operator.api.OwnedParameters;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ParameterCatalogTest {
  private static final ParameterCatalog CATALOG = ParameterCatalog.of(18);

  /** A line of the catalog, read without the code under test. */
  private record Line(
      String name,
      String type,
      String unit,
      String least,
      String most,
      String values,
      String context) {
    boolean settable() {
      return !context.equals("internal") && !name.endsWith("_preload_libraries");
    }
  }

  private static List<Line> lines(int version) throws IOException {
    try (InputStream stream =
        ParameterCatalog.class.getResourceAsStream("parameters-" + version + ".tsv")) {
      assertNotNull(stream);
      return new BufferedReader(new InputStreamReader(stream, StandardCharsets.UTF_8))
          .lines()
          .map(line -> line.split("\t", -1))
          .map(f -> new Line(f[0], f[1], f[2], f[3], f[4], f[5], f[6]))
          .toList();
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {17, 18})
  void takesEveryValueThatPostgresOffers(int version) throws IOException {
    // Given
    ParameterCatalog catalog = ParameterCatalog.of(version);
    for (Line line : lines(version)) {
      if (!line.settable()) {
        continue;
      }
      List<String> offered =
          switch (line.type()) {
            case "bool" -> List.of("on", "off", "true", "false", "ON", "1", "0", "yes", "no");
            case "enum" ->
                Stream.of(line.values().split(",", -1))
                    .filter(
                        value ->
                            !List.of("wal_levelminimal", "io_methodio_uring")
                                .contains(line.name() + value))
                    .toList();
            case "integer", "real" ->
                List.of(FLOORS.getOrDefault(line.name(), line.least()), line.most());
            default -> List.of("", "any text");
          };
      for (String value : offered) {
        if ((line.type().equals("string") && !ANY_TEXT.contains(line.name()))
            || line.name().equals("bonjour")) {
          continue;
        }
        // When
        Optional<String> problem = catalog.check(line.name(), value);

        // Then
        assertEquals(Optional.empty(), problem, () -> line + " = " + value);
      }
    }
  }

  /** What Patroni or the start of PostgreSQL asks for beyond {@code pg_settings}. */
  private static final Map<String, String> FLOORS =
      Map.of(
          "max_connections", "25",
          "max_locks_per_transaction", "32",
          "max_replication_slots", "4",
          "max_wal_senders", "3",
          "max_wal_size", "32",
          "max_worker_processes", "2",
          "min_wal_size", "32",
          "wal_keep_size", "16");

  private static final List<String> ANY_TEXT =
      List.of("application_name", "search_path", "log_line_prefix");

  @ParameterizedTest
  @ValueSource(ints = {17, 18})
  void refusesWhatPostgresDoesNotOfferAndSaysWhatIsAllowed(int version) throws IOException {
    // Given
    ParameterCatalog catalog = ParameterCatalog.of(version);
    for (Line line : lines(version)) {
      if (!line.settable() || line.type().equals("string")) {
        continue;
      }
      List<String> wrong =
          switch (line.type()) {
            case "bool" -> List.of("maybe", "", "2");
            case "enum" -> List.of("nonsense");
            default ->
                List.of(
                    "many",
                    new BigDecimal(line.least()).subtract(BigDecimal.ONE).toString(),
                    new BigDecimal(line.most())
                        .multiply(BigDecimal.TWO)
                        .add(BigDecimal.ONE)
                        .toString());
          };
      for (String value : wrong) {
        // When
        String problem = catalog.check(line.name(), value).orElse("");

        // Then
        assertTrue(problem.contains("\"" + value + "\""), () -> line + " = " + value + problem);
        assertTrue(problem.contains("allowed are"), () -> line + " = " + value + problem);
        if (line.type().equals("enum")) {
          assertTrue(problem.endsWith(line.values().replace(",", ", ")), problem);
        }
        if (line.type().equals("integer") || line.type().equals("real")) {
          assertTrue(problem.contains(line.least() + " to " + line.most()), problem);
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {17, 18})
  void refusesWhatCanOnlyBeShown(int version) throws IOException {
    for (Line line : lines(version)) {
      if (line.context().equals("internal")) {
        // When
        Optional<String> problem = ParameterCatalog.of(version).check(line.name(), "1");

        // Then
        assertEquals(
            Optional.of("is read-only in PostgreSQL: it can only be shown, not set"), problem);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {17, 18})
  void knowsEveryParameterThatIsOurs(int version) throws IOException {
    // Given
    List<String> known =
        lines(version).stream().map(line -> line.name().toLowerCase(Locale.ROOT)).toList();

    // Then
    assertTrue(
        known.containsAll(OwnedParameters.NAMES),
        () -> OwnedParameters.NAMES.stream().filter(n -> !known.contains(n)).toList().toString());
  }

  @ParameterizedTest
  @CsvSource({
    "work_mem, 64kB",
    "work_mem, 4096",
    "work_mem, 1GB",
    "work_mem, 1.5MB",
    "work_mem, ' 8 MB '",
    "Work_Mem, 8MB",
    "shared_buffers, 16",
    "shared_buffers, 128kB",
    "max_wal_size, 1TB",
    "statement_timeout, 30s",
    "statement_timeout, 5min",
    "statement_timeout, 24d",
    "vacuum_cost_delay, 500us",
    "log_temp_files, -1",
    "random_page_cost, 1.1",
    "random_page_cost, 1e2",
    "checkpoint_completion_target, .9",
    "DateStyle, 'ISO, DMY'",
    "TIMEZONE, Europe/Berlin",
    "default_transaction_isolation, repeatable read",
    "synchronous_commit, REMOTE_APPLY",
    "synchronous_commit, yes",
    "huge_pages, try",
    "log_file_mode, 0640",
    "log_file_mode, 0x1A0",
    "wal_keep_size, 16MB",
    "ssl_min_protocol_version, TLSv1.3",
    "ssl_min_protocol_version, tlsv1.2",
    "ssl_max_protocol_version, ''",
    "auto_explain.log_min_duration, 250ms",
    "pg_stat_statements.max, whatever the extension says of it",
    "my_app.tenant, x",
    "shared_preload_libraries, 'pg_stat_statements, auto_explain'",
    "shared_preload_libraries, ''",
    "session_preload_libraries, auto_explain",
    "search_path, '\"$user\", public'",
  })
  void takes(String name, String value) {
    // When
    Optional<String> problem = CATALOG.check(name, value);

    // Then
    assertEquals(Optional.empty(), problem);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          work_mem | 63kB | "63kB" is out of range; allowed are 64 to 2147483647 in units of kB, written as a number or with B, kB, MB, GB or TB
          work_mem | 8Mi | "8Mi" is not a whole number with a unit; allowed are 64 to 2147483647 in units of kB, written as a number or with B, kB, MB, GB or TB
          work_mem | 8mb | "8mb" is not a whole number with a unit; allowed are 64 to 2147483647 in units of kB, written as a number or with B, kB, MB, GB or TB
          work_mem | 5s | "5s" is not a whole number with a unit; allowed are 64 to 2147483647 in units of kB, written as a number or with B, kB, MB, GB or TB
          shared_buffers | 64kB | "64kB" is out of range; allowed are 16 to 1073741823 in units of 8kB, written as a number or with B, kB, MB, GB or TB
          statement_timeout | 1MB | "1MB" is not a whole number with a unit; allowed are 0 to 2147483647 in units of ms, written as a number or with us, ms, s, min, h or d
          statement_timeout | 25d | "25d" is out of range; allowed are 0 to 2147483647 in units of ms, written as a number or with us, ms, s, min, h or d
          max_connections | 10MB | "10MB" is not a whole number; allowed are 1 to 262143
          max_connections | '' | "" is not a whole number; allowed are 1 to 262143
          random_page_cost | cheap | "cheap" is not a number; allowed are 0 to 1.79769e+308
          jit | ' on' | " on" is not a boolean; allowed are on and off
          huge_pages | maybe | "maybe" is not offered; allowed are off, on, try
          track_functions | yes | "yes" is not offered; allowed are none, pl, all
          shared_preload_libraries | pg_stat_statements, timescaledb | "timescaledb" is not in the image, and PostgreSQL would not start; allowed are auth_delay, auto_explain, passwordcheck, pg_overexplain, pg_prewarm, pg_stat_statements
          nosuch | 1 | is not a parameter of PostgreSQL 18
          maxconnections | 1 | is not a parameter of PostgreSQL 18; did you mean max_connections?
          effective_cachesize | 1 | is not a parameter of PostgreSQL 18; did you mean effective_cache_size?
          auto_explain. | 1 | is not a parameter of PostgreSQL 18
          a.b-c | 1 | is not a parameter of PostgreSQL 18
          """)
  void refuses(String name, String value, String problem) {
    // When
    Optional<String> found = CATALOG.check(name, value);

    // Then
    assertEquals(Optional.of(problem), found);
  }

  @ParameterizedTest
  @ValueSource(strings = {"a\nb", "a\rb", "a\0b"})
  void refusesLineBreaksEverywhere(String value) {
    // A line break in postgresql.conf would begin another parameter.
    for (String name : List.of("search_path", "work_mem", "my_app.tenant", "jit")) {
      // When
      Optional<String> problem = CATALOG.check(name, value);

      // Then
      assertEquals(Optional.of("has a line break; allowed is one line"), problem);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"1e999999999kB", "1e99999999999", "1e-999999999kB", "-1e2147483647"})
  void numbersOfAnyLengthCostNothing(String value) {
    // When
    Optional<String> problem =
        assertTimeoutPreemptively(
            Duration.ofSeconds(2), () -> CATALOG.check("work_mem", value), value);

    // Then
    assertTrue(problem.orElse("").contains("allowed are 64 to"), problem::toString);
  }

  @Test
  void knowsWhatNeedsARestart() {
    assertTrue(CATALOG.needsRestart("max_connections"));
    assertTrue(CATALOG.needsRestart("Shared_Buffers"));
    assertFalse(CATALOG.needsRestart("work_mem"));
    assertFalse(CATALOG.needsRestart("my_app.tenant"));
  }

  @Test
  void versionsDiffer() {
    assertTrue(ParameterCatalog.of(17).check("io_method", "worker").isPresent());
    assertTrue(ParameterCatalog.of(18).check("io_method", "worker").isEmpty());
    assertThrows(IllegalArgumentException.class, () -> ParameterCatalog.of(16));
  }

  @Test
  void ioUringIsRefusedSincePodsMayNotUseIt() {
    // When
    Optional<String> problem = ParameterCatalog.of(18).check("io_method", "io_uring");

    // Then
    assertTrue(problem.orElse("").contains("allowed are worker, sync"), problem::toString);
  }
}
