package dev.outrider.operator.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TextParametersTest {
  private static Optional<String> check(String name, String value) {
    return ParameterCatalog.of(18).check(name, value);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "TimeZone | UTC",
        "timezone | europe/berlin",
        "log_timezone | America/Argentina/Buenos_Aires",
        "log_timezone | EST",
        "log_timezone | CET-1CEST",
        "TimeZone | <-03>3",
        "TimeZone | EST5EDT4,M3.2.0/2,M11.1.0/2",
        "TimeZone | -3.5",
        "TimeZone | 2",
        "timezone_abbreviations | india",
        "lc_messages | C",
        "lc_time | C.UTF-8",
        "lc_numeric | C.utf8",
        "lc_monetary | POSIX",
        "client_encoding | utf-8",
        "client_encoding | SQL_ASCII",
        "DateStyle | iso, dmy",
        "DateStyle | German",
        "DateStyle | ''",
        "createrole_self_grant | set, inherit",
        "debug_io_direct | ''",
        "restrict_nonsystem_relation_kind | view, foreign-table",
        "wal_consistency_checking | heap2, btree",
        "backtrace_functions | 'heap_insert, heap_update'",
        "log_connections | on",
        "log_connections | 'receipt, setup_durations'",
        "recovery_target_name | ''",
        "bonjour | off",
      })
  void isAllowed(String name, String value) {
    assertEquals(Optional.empty(), check(name, value));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "TimeZone | Mars/Olympus",
        "TimeZone | Berlin",
        "TimeZone | 200",
        "TimeZone | CET-1CEST,nonsense",
        "TimeZone | CET-31CEST",
        "TimeZone | ''",
        "log_timezone | -3",
        "log_timezone | ../../etc/passwd",
        "timezone_abbreviations | Africa",
        "lc_messages | de_DE.UTF-8",
        "lc_monetary | en_US",
        "lc_numeric | c",
        "lc_time | ''",
        "client_encoding | klingon",
        "DateStyle | ISO, SQL",
        "DateStyle | DMY, MDY",
        "DateStyle | pretty",
        "createrole_self_grant | all",
        "debug_io_direct | everything",
        "restrict_nonsystem_relation_kind | table",
        "wal_consistency_checking | heap3",
        "backtrace_functions | a;b",
        "log_connections | sometimes",
        "log_connections | 'receipt, all'",
        "default_table_access_method | ''",
        "recovery_target_time | 2026-11-21",
        "recovery_end_command | true",
        "ssl_crl_file | /tmp/crl",
        "bonjour | on",
      })
  void isRefusedWithTheValueAndWhatIsAllowed(String name, String value) {
    String problem = check(name, value).orElse("");
    assertTrue(problem.contains("; allowed"), () -> name + " = " + value + ": " + problem);
    assertTrue(
        value.isEmpty()
            || problem.contains(value)
            || value.contains(problem.substring(1, problem.indexOf('"', 1))),
        problem);
  }

  @Test
  void theSameParameterOfSeventeenIsABoolean() {
    assertEquals(Optional.empty(), ParameterCatalog.of(17).check("log_connections", "on"));
    assertTrue(ParameterCatalog.of(17).check("log_connections", "receipt").isPresent());
  }
}
