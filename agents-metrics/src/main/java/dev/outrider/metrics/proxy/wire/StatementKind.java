package dev.outrider.metrics.proxy.wire;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * What a statement was, by the tag of its CommandComplete. See CommandComplete in <a
 * href="https://www.postgresql.org/docs/18/protocol-message-formats.html">Message Formats</a>.
 */
enum StatementKind {
  SELECT("SELECT"),
  INSERT("INSERT"),
  UPDATE("UPDATE"),
  DELETE("DELETE"),
  MERGE("MERGE"),
  COPY("COPY"),
  FETCH("FETCH"),
  MOVE("MOVE"),
  CALL("CALL"),
  DO("DO"),
  BEGIN("BEGIN|START TRANSACTION"),
  COMMIT("COMMIT"),
  ROLLBACK("ROLLBACK"),
  PREPARE_TRANSACTION("PREPARE TRANSACTION"),
  COMMIT_PREPARED("COMMIT PREPARED"),
  ROLLBACK_PREPARED("ROLLBACK PREPARED"),
  SAVEPOINT("SAVEPOINT"),
  RELEASE("RELEASE"),
  SET("SET"),
  RESET("RESET"),
  SHOW("SHOW"),
  PREPARE("PREPARE"),
  DEALLOCATE("DEALLOCATE"),
  DEALLOCATE_ALL("DEALLOCATE ALL"),
  DISCARD_ALL("DISCARD ALL"),
  DECLARE("DECLARE CURSOR"),
  CLOSE("CLOSE CURSOR|CLOSE CURSOR ALL"),
  LISTEN("LISTEN|UNLISTEN"),
  NOTIFY("NOTIFY"),
  EXPLAIN("EXPLAIN"),
  LOCK("LOCK TABLE"),
  TRUNCATE("TRUNCATE TABLE"),
  VACUUM("VACUUM|ANALYZE"),
  CREATE("CREATE *"),
  ALTER("ALTER *"),
  DROP("DROP *"),
  /** Whatever has another tag. */
  OTHER("");

  /** A tag, or how some begin. */
  private static final class Tag {
    final byte[] text;
    final boolean isPrefix;
    final StatementKind kind;

    Tag(String tag, StatementKind kind) {
      this.isPrefix = tag.endsWith("*");
      this.text =
          tag.substring(0, tag.length() - (isPrefix ? 1 : 0)).getBytes(StandardCharsets.US_ASCII);
      this.kind = kind;
    }
  }

  private static final int PLACES = 31;
  private static final Tag[][] BY_FIRST = new Tag[PLACES + 1][0];

  static {
    for (StatementKind kind : values()) {
      if (!kind.tags.isEmpty()) {
        for (String tag : kind.tags.split("\\|", -1)) {
          add(new Tag(tag, kind));
        }
      }
    }
  }

  private static void add(Tag tag) {
    int place = tag.text[0] & PLACES;
    Tag[] more = Arrays.copyOf(BY_FIRST[place], BY_FIRST[place].length + 1);
    more[more.length - 1] = tag;
    BY_FIRST[place] = more;
  }

  private final String tags;
  private final String label = name().toLowerCase(Locale.ROOT);

  StatementKind(String tags) {
    this.tags = tags;
  }

  /** The name for metrics. */
  String label() {
    return label;
  }

  /** The name as SQL has it; null for {@link #OTHER}. */
  @Nullable String operation() {
    return this == OTHER ? null : name().replace('_', ' ');
  }

  /** The kind of the tag without its numbers. */
  static StatementKind of(byte[] tag, int length) {
    if (length > 0) {
      for (Tag candidate : BY_FIRST[tag[0] & PLACES]) {
        if (matches(candidate, tag, length)) {
          return candidate.kind;
        }
      }
    }
    return OTHER;
  }

  private static boolean matches(Tag candidate, byte[] tag, int length) {
    byte[] text = candidate.text;
    if (candidate.isPrefix ? length <= text.length : length != text.length) {
      return false;
    }
    for (int i = 0; i < text.length; i++) {
      if (tag[i] != text[i]) {
        return false;
      }
    }
    return true;
  }
}
