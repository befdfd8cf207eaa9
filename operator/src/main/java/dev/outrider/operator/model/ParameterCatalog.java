package dev.outrider.operator.model;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The parameters that a major version of PostgreSQL knows, with types and ranges as its {@code
 * pg_settings} gives them, and the check of a value against them (documentation, section "Setting
 * Parameters").
 */
public final class ParameterCatalog {
  /** Libraries that are in the image and may be preloaded. */
  static final List<String> PRELOADABLE =
      List.of(
          "auth_delay",
          "auto_explain",
          "passwordcheck",
          "pg_overexplain",
          "pg_prewarm",
          "pg_stat_statements");

  /** Parameters that name libraries; one that is missing ends the start of a server or session. */
  private static final List<String> PRELOAD =
      List.of("shared_preload_libraries", "session_preload_libraries", "local_preload_libraries");

  private static final String PATRONI_DROPS = " is less than Patroni takes";
  private static final String NO_START =
      " is less than two WAL segments, and PostgreSQL would not start";

  /**
   * Bounds that {@code pg_settings} does not tell. Patroni replaces what is below its own ({@code
   * CMDLINE_OPTIONS} in its source) without a word; PostgreSQL looks at the WAL sizes only when it
   * starts.
   */
  private static final Map<String, Floor> FLOORS =
      Map.of(
          "max_connections", new Floor(25, "25", PATRONI_DROPS),
          "max_locks_per_transaction", new Floor(32, "32", PATRONI_DROPS),
          "max_replication_slots", new Floor(4, "4", PATRONI_DROPS),
          "max_wal_senders", new Floor(3, "3", PATRONI_DROPS),
          "max_wal_size", new Floor(32, "32MB", NO_START),
          "max_worker_processes", new Floor(2, "2", PATRONI_DROPS),
          "min_wal_size", new Floor(32, "32MB", NO_START),
          "wal_keep_size", new Floor(16, "16MB", PATRONI_DROPS));

  private static final Map<Integer, ParameterCatalog> LOADED = new ConcurrentHashMap<>();
  private static final Pattern NUMBER_WITH_UNIT =
      Pattern.compile(
          "\\s*([+-]?(?:[0-9]+(?:\\.[0-9]*)?|\\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?)\\s*([a-zA-Z]*)\\s*");

  /** As C's strtol reads them, such as the file mode 0640. */
  private static final Pattern OCTAL_OR_HEXADECIMAL =
      Pattern.compile("\\s*(?:0([0-7]{1,20})|0[xX]([0-9a-fA-F]{1,15}))\\s*");

  private static final List<String> BOOLEANS =
      List.of("on", "off", "true", "false", "yes", "no", "1", "0");

  /** Bytes in each unit of memory. */
  private static final Map<String, Long> MEMORY =
      Map.of("B", 1L, "kB", 1L << 10, "MB", 1L << 20, "GB", 1L << 30, "TB", 1L << 40);

  /** Microseconds in each unit of time. */
  private static final Map<String, Long> TIME =
      Map.of(
          "us",
          1L,
          "ms",
          1_000L,
          "s",
          1_000_000L,
          "min",
          60_000_000L,
          "h",
          3_600_000_000L,
          "d",
          86_400_000_000L);

  private final int version;
  private final Map<String, Entry> entries;

  private ParameterCatalog(int version, Map<String, Entry> entries) {
    this.version = version;
    this.entries = entries;
  }

  /**
   * One parameter.
   *
   * @param type bool, integer, real, string or enum
   * @param unit of a number without one, such as 8kB or ms; empty where there is none
   * @param least smallest value in that unit; empty for other types
   * @param most largest value in that unit
   * @param values of an enum
   * @param context internal and postmaster matter here: the one cannot be set, the other needs a
   *     restart
   */
  record Entry(
      String name,
      String type,
      String unit,
      String least,
      String most,
      List<String> values,
      String context) {}

  /** A least value in the parameter's own unit, as it is written, and why. */
  private record Floor(long least, String written, String why) {}

  /** The catalog of a major version. */
  public static ParameterCatalog of(int version) {
    return LOADED.computeIfAbsent(version, ParameterCatalog::load);
  }

  private static ParameterCatalog load(int version) {
    String file = "parameters-" + version + ".tsv";
    try (InputStream stream = ParameterCatalog.class.getResourceAsStream(file)) {
      if (stream == null) {
        throw new IllegalArgumentException("no catalog of parameters for PostgreSQL " + version);
      }
      Map<String, Entry> entries = new HashMap<>();
      try (BufferedReader lines =
          new BufferedReader(new InputStreamReader(stream, StandardCharsets.UTF_8))) {
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
          String[] f = line.split("\t", -1);
          entries.put(
              f[0].toLowerCase(Locale.ROOT),
              new Entry(
                  f[0],
                  f[1],
                  f[2],
                  f[3],
                  f[4],
                  f[5].isEmpty() ? List.of() : Arrays.asList(f[5].split(",", -1)),
                  f[6]));
        }
      }
      return new ParameterCatalog(version, entries);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Whether a change of the parameter needs a restart of PostgreSQL. */
  public boolean needsRestart(String name) {
    Entry entry = entries.get(name.toLowerCase(Locale.ROOT));
    return entry != null && entry.context().equals("postmaster");
  }

  /**
   * Checks one parameter.
   *
   * @return what is wrong and what is allowed, or nothing
   */
  public Optional<String> check(String name, String value) {
    if (value.chars().anyMatch(c -> c == 0 || c == '\n' || c == '\r')) {
      return Optional.of("has a line break; allowed is one line");
    }
    if (PRELOAD.contains(name.toLowerCase(Locale.ROOT))) {
      return checkPreload(value);
    }
    Entry entry = entries.get(name.toLowerCase(Locale.ROOT));
    if (entry == null) {
      if (name.matches("[a-zA-Z_][a-zA-Z0-9_$]*(\\.[a-zA-Z_][a-zA-Z0-9_$]*)+")) {
        return Optional.empty(); // of an extension, which checks it itself
      }
      return Optional.of(
          "is not a parameter of PostgreSQL "
              + version
              + nearest(name).map(n -> "; did you mean " + n + "?").orElse(""));
    }
    if (entry.context().equals("internal")) {
      return Optional.of("is read-only in PostgreSQL: it can only be shown, not set");
    }
    if (entry.name().equals("io_method") && value.trim().equalsIgnoreCase("io_uring")) {
      return Optional.of(
          "\"io_uring\" is forbidden by the seccomp profile of the pods, and PostgreSQL would not"
              + " start; allowed are worker, sync");
    }
    if (entry.name().equals("bonjour") && isOn(value)) {
      return Optional.of(
          "\""
              + value
              + "\" is not supported by the image, and PostgreSQL would not start; allowed is off");
    }
    return switch (entry.type()) {
      case "bool" ->
          BOOLEANS.contains(value.toLowerCase(Locale.ROOT))
              ? Optional.empty()
              : Optional.of("\"" + value + "\" is not a boolean; allowed are on and off");
      case "enum" ->
          allows(entry, value)
              ? checkWalLevel(entry, value)
              : Optional.of(
                  "\""
                      + value
                      + "\" is not offered; allowed are "
                      + String.join(", ", entry.values()));
      case "integer", "real" -> checkNumber(entry, value);
      default -> TextParameters.check(entry.name().toLowerCase(Locale.ROOT), value);
    };
  }

  private static boolean isOn(String value) {
    return List.of("on", "true", "yes", "1").contains(value.toLowerCase(Locale.ROOT));
  }

  /** Enums that know on and off take the other words for them too. */
  private static boolean allows(Entry entry, String value) {
    return entry.values().stream().anyMatch(value::equalsIgnoreCase)
        || (entry.values().contains("on") && BOOLEANS.contains(value.toLowerCase(Locale.ROOT)));
  }

  /** Patroni replaces it without a word. */
  private static Optional<String> checkWalLevel(Entry entry, String value) {
    return entry.name().equals("wal_level") && value.equalsIgnoreCase("minimal")
        ? Optional.of("\"" + value + "\" leaves no replication; allowed are replica, logical")
        : Optional.empty();
  }

  private static Optional<String> checkPreload(String value) {
    for (String library : value.split(",", -1)) {
      String name = library.trim().replace("\"", "").replace("'", "");
      if (!name.isEmpty() && !PRELOADABLE.contains(name)) {
        return Optional.of(
            "\""
                + name
                + "\" is not in the image, and PostgreSQL would not start; allowed are "
                + String.join(", ", PRELOADABLE));
      }
    }
    return Optional.empty();
  }

  private static Optional<String> checkNumber(Entry entry, String value) {
    BigDecimal number = number(entry, value);
    String allowed =
        entry.least()
            + " to "
            + entry.most()
            + (entry.unit().isEmpty() ? "" : " in units of " + entry.unit())
            + units(entry.unit());
    if (number == null) {
      return Optional.of(
          "\""
              + value
              + "\" is not "
              + (entry.type().equals("integer") ? "a whole number" : "a number")
              + (entry.unit().isEmpty() ? "" : " with a unit")
              + "; allowed are "
              + allowed);
    }
    if (number.compareTo(new BigDecimal(entry.least())) < 0
        || number.compareTo(new BigDecimal(entry.most())) > 0) {
      return Optional.of("\"" + value + "\" is out of range; allowed are " + allowed);
    }
    Floor floor = FLOORS.get(entry.name());
    if (floor != null && number.compareTo(BigDecimal.valueOf(floor.least())) < 0) {
      return Optional.of(
          "\"" + value + "\"" + floor.why() + "; allowed is " + floor.written() + " or more");
    }
    return Optional.empty();
  }

  /** The number in the parameter's own unit, or null where it is none. */
  private static @Nullable BigDecimal number(Entry entry, String value) {
    Matcher other = OCTAL_OR_HEXADECIMAL.matcher(value);
    if (entry.type().equals("integer") && other.matches()) {
      return other.group(1) != null
          ? BigDecimal.valueOf(Long.parseLong(other.group(1), 8))
          : BigDecimal.valueOf(Long.parseLong(other.group(2), 16));
    }
    Matcher matcher = NUMBER_WITH_UNIT.matcher(value);
    return matcher.matches()
        ? inBaseUnit(new BigDecimal(matcher.group(1)), matcher.group(2), entry.unit())
        : null;
  }

  /** The amount of a numeric parameter in its own unit, of a value that was checked. */
  long amount(String name, String value) {
    Entry entry = entries.get(name);
    BigDecimal number = entry == null ? null : number(entry, value);
    if (number == null) {
      throw new IllegalArgumentException(name + " = " + value + " is not a number");
    }
    return number.longValue();
  }

  private static String units(String unit) {
    if (isMemory(unit)) {
      return ", written as a number or with B, kB, MB, GB or TB";
    }
    return TIME.containsKey(unit) ? ", written as a number or with us, ms, s, min, h or d" : "";
  }

  private static boolean isMemory(String unit) {
    return unit.endsWith("B");
  }

  /** The number in the parameter's own unit, or null where the written unit does not fit it. */
  private static @Nullable BigDecimal inBaseUnit(BigDecimal number, String written, String base) {
    if (written.isEmpty()) {
      return number;
    }
    Map<String, Long> units = isMemory(base) ? MEMORY : TIME.containsKey(base) ? TIME : Map.of();
    Long factor = units.get(written);
    if (factor == null) {
      return null;
    }
    return number
        .multiply(BigDecimal.valueOf(factor))
        .divide(BigDecimal.valueOf(baseFactor(base)), 3, RoundingMode.HALF_EVEN);
  }

  /** Bytes or microseconds in a base unit, which may be a multiple such as 8kB. */
  private static long baseFactor(String base) {
    if (TIME.containsKey(base)) {
      return TIME.get(base);
    }
    int digits = 0;
    while (digits < base.length() && Character.isDigit(base.charAt(digits))) {
      digits++;
    }
    long multiple = digits == 0 ? 1 : Long.parseLong(base.substring(0, digits));
    return multiple * MEMORY.getOrDefault(base.substring(digits), 1L);
  }

  private Optional<String> nearest(String name) {
    String lower = name.toLowerCase(Locale.ROOT);
    String best = null;
    int distance = Math.max(2, lower.length() / 4) + 1;
    for (String candidate : entries.keySet()) {
      int d = distance(lower, candidate, distance);
      if (d < distance || (d == distance && best != null && candidate.compareTo(best) < 0)) {
        distance = d;
        best = candidate;
      }
    }
    return Optional.ofNullable(best);
  }

  /** Levenshtein's distance, or one more than {@code most} where it is more. */
  private static int distance(String a, String b, int most) {
    if (Math.abs(a.length() - b.length()) > most) {
      return most + 1;
    }
    int[] row = new int[b.length() + 1];
    for (int j = 0; j <= b.length(); j++) {
      row[j] = j;
    }
    for (int i = 1; i <= a.length(); i++) {
      int diagonal = row[0];
      row[0] = i;
      for (int j = 1; j <= b.length(); j++) {
        int above = row[j];
        int change = a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1;
        row[j] = Math.min(Math.min(row[j - 1], above) + 1, diagonal + change);
        diagonal = above;
      }
    }
    return Math.min(row[b.length()], most + 1);
  }
}
