package dev.outrider.protocol.backend;

import dev.outrider.protocol.BodyReader;
import dev.outrider.protocol.BodyWriter;
import dev.outrider.protocol.SqlState;
import io.netty.buffer.ByteBuf;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What an ErrorResponse or NoticeResponse says: fields, each with a type of one byte. See <a
 * href="https://www.postgresql.org/docs/18/protocol-error-fields.html">Error and Notice Message
 * Fields</a>.
 *
 * <p>A field of an unknown type is kept: there may be more some day. Messages, details and contexts
 * quote values and statements, so the text form tells severity and SQLSTATE only.
 *
 * @param fields the fields by type, in their order
 */
public record ErrorFields(Map<Character, String> fields) {
  /** Severity, perhaps translated. */
  public static final char LOCALIZED_SEVERITY = 'S';

  /** Severity, never translated; Postgres 9.6 and newer send it. */
  public static final char SEVERITY = 'V';

  /** SQLSTATE. */
  public static final char CODE = 'C';

  /** The message, one line as a rule. */
  public static final char MESSAGE = 'M';

  /** More about what happened. */
  public static final char DETAIL = 'D';

  /** What to do. */
  public static final char HINT = 'H';

  /** Takes a copy. */
  public ErrorFields {
    fields = Collections.unmodifiableMap(new LinkedHashMap<>(fields));
  }

  /** The fields that every error has; detail and hint can be left out. */
  public static ErrorFields of(
      Severity severity,
      SqlState sqlState,
      String message,
      @Nullable String detail,
      @Nullable String hint) {
    Map<Character, String> fields = new LinkedHashMap<>();
    fields.put(LOCALIZED_SEVERITY, severity.name());
    fields.put(SEVERITY, severity.name());
    fields.put(CODE, sqlState.code());
    fields.put(MESSAGE, message);
    if (detail != null) {
      fields.put(DETAIL, detail);
    }
    if (hint != null) {
      fields.put(HINT, hint);
    }
    return new ErrorFields(fields);
  }

  static ErrorFields read(BodyReader in) {
    Map<Character, String> fields = new LinkedHashMap<>();
    while (!in.terminator("fields")) {
      char type = (char) in.int8("fields");
      fields.put(type, in.string("fields"));
    }
    in.end();
    return new ErrorFields(fields);
  }

  void write(ByteBuf out, byte type) {
    BodyWriter body = BodyWriter.begin(out, type);
    fields.forEach((field, value) -> body.int8(field).string(value));
    body.int8(0).end();
  }

  /** The field of this type, or null. */
  public @Nullable String field(char type) {
    return fields.get(type);
  }

  /** The error code; null if there is none, or none of five characters. */
  public @Nullable SqlState sqlState() {
    String code = fields.get(CODE);
    return code != null && SqlState.isValid(code) ? new SqlState(code) : null;
  }

  /** The severity; null if none is sent that can be told without the server's language. */
  public @Nullable Severity severity() {
    String severity = fields.get(SEVERITY);
    return Severity.of(severity == null ? fields.get(LOCALIZED_SEVERITY) : severity);
  }

  /** The message, or empty. */
  public String message() {
    return fields.getOrDefault(MESSAGE, "");
  }

  @Override
  public String toString() {
    return "ErrorFields[" + fields.get(SEVERITY) + " " + fields.get(CODE) + "]";
  }

  /** How bad it is. */
  public enum Severity {
    /** The statement failed. */
    ERROR,
    /** The session ends. */
    FATAL,
    /** All sessions end. */
    PANIC,
    /** Likely a mistake. */
    WARNING,
    /** Worth knowing. */
    NOTICE,
    /** For developers. */
    DEBUG,
    /** What the user asked for. */
    INFO,
    /** For the administrator. */
    LOG;

    /** The one with this name, or null. */
    static @Nullable Severity of(@Nullable String name) {
      if (name == null) {
        return null;
      }
      return switch (name) {
        case "ERROR" -> ERROR;
        case "FATAL" -> FATAL;
        case "PANIC" -> PANIC;
        case "WARNING" -> WARNING;
        case "NOTICE" -> NOTICE;
        case "DEBUG" -> DEBUG;
        case "INFO" -> INFO;
        case "LOG" -> LOG;
        default -> null;
      };
    }
  }
}
