package dev.outrider.operator.model;

import java.time.ZoneId;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The check of parameters that are text to {@code pg_settings} and that PostgreSQL itself checks
 * when it reads its files: a bad one is passed over on a reload, and ends the next start. What is
 * allowed is PostgreSQL's own rule ({@code check_…} of its {@code guc_hooks}), limited to what the
 * image has.
 */
final class TextParameters {
  private static final Pattern LIST = Pattern.compile("\\s*,\\s*");
  private static final String ZONES =
      "names of the IANA time zone database such as UTC or Europe/Berlin, and rules of POSIX such"
          + " as CET-1CEST";

  /** Standard time, its offset, and maybe summer time with offset and rules (POSIX, "TZ"). */
  private static final Pattern POSIX_ZONE =
      Pattern.compile(
          "(?<std>[A-Za-z]{3,10}|<[A-Za-z0-9+-]{3,10}>)(?<offset>[+-]?[0-9]{1,2}(:[0-5][0-9]){0,2})"
              + "((?:[A-Za-z]{3,10}|<[A-Za-z0-9+-]{3,10}>)([+-]?[0-9]{1,2}(:[0-5][0-9]){0,2})?"
              + "(,M(1[0-2]|[1-9])\\.[1-5]\\.[0-6](/[0-9]{1,2}(:[0-5][0-9]){0,2})?){0,2})?");

  /** TimeZone also takes hours east of Greenwich. */
  private static final Pattern HOURS = Pattern.compile("[+-]?(?<hours>[0-9]{1,3})(\\.[0-9]+)?");

  private static final int MOST_HOURS = 167;
  private static final int MOST_POSIX_HOURS = 24;

  /** In lower case. PostgreSQL looks them up in any case. */
  private static final Set<String> ZONE_NAMES =
      ZoneId.getAvailableZoneIds().stream()
          // Of Java alone.
          .filter(zone -> !zone.startsWith("SystemV/"))
          .map(zone -> zone.toLowerCase(Locale.ROOT))
          .collect(Collectors.toCollection(TreeSet::new));

  static {
    // Java knows them as offsets, the database as zones.
    ZONE_NAMES.addAll(List.of("est", "mst", "hst", "roc"));
  }

  /** The C library's locales in the image. */
  private static final List<String> LOCALES = List.of("C", "C.UTF-8", "POSIX");

  private static final Function<String, Optional<String>> RECOVERY =
      nothing("would end the replay of a replica");
  private static final Function<String, Optional<String>> NO_FILE =
      nothing("is not in the image, and PostgreSQL would not start");

  /** By name, in lower case. */
  private static final Map<String, Function<String, Optional<String>>> CHECKS =
      Map.ofEntries(
          Map.entry("timezone", value -> timeZone(value, true)),
          Map.entry("log_timezone", value -> timeZone(value, false)),
          Map.entry("timezone_abbreviations", oneOf(List.of("Default", "Australia", "India"))),
          Map.entry("lc_messages", TextParameters::locale),
          Map.entry("lc_monetary", TextParameters::locale),
          Map.entry("lc_numeric", TextParameters::locale),
          Map.entry("lc_time", TextParameters::locale),
          Map.entry("client_encoding", TextParameters::encoding),
          Map.entry("datestyle", TextParameters::dateStyle),
          Map.entry("createrole_self_grant", listOf(List.of("SET", "INHERIT"))),
          Map.entry("restrict_nonsystem_relation_kind", listOf(List.of("view", "foreign-table"))),
          Map.entry("debug_io_direct", listOf(List.of("data", "wal", "wal_init"))),
          Map.entry("log_connections", TextParameters::logConnections),
          Map.entry(
              "wal_consistency_checking",
              listOf(
                  List.of(
                      "all",
                      "brin",
                      "btree",
                      "generic",
                      "gin",
                      "gist",
                      "hash",
                      "heap",
                      "heap2",
                      "sequence",
                      "spgist"))),
          Map.entry("backtrace_functions", TextParameters::functions),
          Map.entry("default_table_access_method", TextParameters::notEmpty),
          // Recovery to a point is a matter of restoring a backup; a replica with one would stop
          // replaying, or become a primary of its own.
          Map.entry("recovery_target", RECOVERY),
          Map.entry("recovery_target_lsn", RECOVERY),
          Map.entry("recovery_target_name", RECOVERY),
          Map.entry("recovery_target_time", RECOVERY),
          Map.entry("recovery_target_xid", RECOVERY),
          Map.entry("recovery_end_command", RECOVERY),
          Map.entry("ssl_crl_file", NO_FILE),
          Map.entry("ssl_crl_dir", NO_FILE),
          Map.entry("ssl_dh_params_file", NO_FILE),
          Map.entry("ssl_passphrase_command", NO_FILE));

  private TextParameters() {}

  /**
   * Checks a value.
   *
   * @param name in lower case
   * @return what is wrong and what is allowed; nothing for a parameter that may be any text
   */
  static Optional<String> check(String name, String value) {
    Function<String, Optional<String>> check = CHECKS.get(name);
    return check == null ? Optional.empty() : check.apply(value);
  }

  private static Optional<String> refuse(String value, String why, String allowed) {
    return Optional.of("\"" + value + "\" " + why + "; allowed are " + allowed);
  }

  private static Optional<String> timeZone(String value, boolean hoursToo) {
    if (ZONE_NAMES.contains(value.toLowerCase(Locale.ROOT)) || isPosixZone(value)) {
      return Optional.empty();
    }
    Matcher hours = HOURS.matcher(value);
    if (hoursToo && hours.matches() && Integer.parseInt(hours.group("hours")) <= MOST_HOURS) {
      return Optional.empty();
    }
    return refuse(
        value, "is not a time zone", ZONES + (hoursToo ? ", and hours east of Greenwich" : ""));
  }

  private static boolean isPosixZone(String value) {
    Matcher zone = POSIX_ZONE.matcher(value);
    if (!zone.matches()) {
      return false;
    }
    String offset = zone.group("offset").replaceFirst("^[+-]", "");
    int colon = offset.indexOf(':');
    return Integer.parseInt(colon < 0 ? offset : offset.substring(0, colon)) <= MOST_POSIX_HOURS;
  }

  /** The C library takes an encoding's name in any case and with or without its dash. */
  private static Optional<String> locale(String value) {
    boolean known =
        value.equals("C") || value.equals("POSIX") || value.matches("C\\.[uU][tT][fF]-?8");
    return known
        ? Optional.empty()
        : refuse(value, "is not a locale of the image", String.join(", ", LOCALES));
  }

  private static final List<String> ENCODINGS =
      List.of(
          "BIG5",
          "EUC_CN",
          "EUC_JIS_2004",
          "EUC_JP",
          "EUC_KR",
          "EUC_TW",
          "GB18030",
          "GBK",
          "ISO_8859_5",
          "ISO_8859_6",
          "ISO_8859_7",
          "ISO_8859_8",
          "JOHAB",
          "KOI8R",
          "KOI8U",
          "LATIN1",
          "LATIN2",
          "LATIN3",
          "LATIN4",
          "LATIN5",
          "LATIN6",
          "LATIN7",
          "LATIN8",
          "LATIN9",
          "LATIN10",
          "SHIFT_JIS_2004",
          "SJIS",
          "SQL_ASCII",
          "UHC",
          "UTF8",
          "WIN866",
          "WIN874",
          "WIN1250",
          "WIN1251",
          "WIN1252",
          "WIN1253",
          "WIN1254",
          "WIN1255",
          "WIN1256",
          "WIN1257",
          "WIN1258");
  private static final Set<String> PLAIN_ENCODINGS =
      ENCODINGS.stream().map(TextParameters::plain).collect(Collectors.toSet());

  private static String plain(String encoding) {
    return encoding.toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9]", "");
  }

  private static Optional<String> encoding(String value) {
    String plain = plain(value);
    return PLAIN_ENCODINGS.contains(plain) || plain.equals("unicode")
        ? Optional.empty()
        : refuse(value, "is not an encoding of clients", String.join(", ", ENCODINGS));
  }

  private static Optional<String> dateStyle(String value) {
    String style = null;
    String order = null;
    for (String word : words(value)) {
      String as =
          switch (word.toUpperCase(Locale.ROOT)) {
            case "ISO", "SQL", "POSTGRES", "GERMAN" -> word.toUpperCase(Locale.ROOT);
            default -> null;
          };
      String to =
          switch (word.toUpperCase(Locale.ROOT)) {
            case "YMD" -> "YMD";
            case "DMY", "EURO", "EUROPEAN" -> "DMY";
            case "MDY", "US", "NONEURO", "NONEUROPEAN" -> "MDY";
            default -> null;
          };
      if ((as == null && to == null) || conflicts(style, as) || conflicts(order, to)) {
        return refuse(
            value,
            "is not a style of dates",
            "one of ISO, SQL, Postgres, German, and one of YMD, DMY, MDY, such as ISO, DMY");
      }
      style = as == null ? style : as;
      order = to == null ? order : to;
    }
    return Optional.empty();
  }

  private static boolean conflicts(@Nullable String before, @Nullable String now) {
    return before != null && now != null && !before.equals(now);
  }

  private static Optional<String> logConnections(String value) {
    List<String> alone = List.of("on", "off", "true", "false", "yes", "no", "1", "0", "all", "");
    return alone.contains(value.trim().toLowerCase(Locale.ROOT))
        ? Optional.empty()
        : listOf(List.of("receipt", "authentication", "authorization", "setup_durations"))
            .apply(value)
            .map(problem -> problem + "; or alone: on, off, all");
  }

  private static Optional<String> functions(String value) {
    return value.matches("[A-Za-z0-9_, \\t]*")
        ? Optional.empty()
        : refuse(value, "is not a list of C functions", "letters, digits, _ and commas");
  }

  private static Optional<String> notEmpty(String value) {
    return value.isEmpty()
        ? refuse(value, "names no access method", "heap, and those of extensions")
        : Optional.empty();
  }

  private static Function<String, Optional<String>> nothing(String why) {
    return value ->
        value.isEmpty()
            ? Optional.empty()
            : Optional.of("\"" + value + "\" " + why + "; allowed is nothing: leave it out");
  }

  private static Function<String, Optional<String>> oneOf(List<String> allowed) {
    return value ->
        allowed.stream().anyMatch(value::equalsIgnoreCase)
            ? Optional.empty()
            : refuse(value, "is not offered", String.join(", ", allowed));
  }

  private static Function<String, Optional<String>> listOf(List<String> allowed) {
    return value -> {
      for (String word : words(value)) {
        if (allowed.stream().noneMatch(word::equalsIgnoreCase)) {
          return refuse(word, "is not offered", "a list of " + String.join(", ", allowed));
        }
      }
      return Optional.empty();
    };
  }

  private static List<String> words(String value) {
    return value.isBlank() ? List.of() : Arrays.asList(LIST.split(value.trim(), -1));
  }
}
