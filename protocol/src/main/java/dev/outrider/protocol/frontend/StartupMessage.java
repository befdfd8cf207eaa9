package dev.outrider.protocol.frontend;

import dev.outrider.protocol.BodyReader;
import dev.outrider.protocol.BodyWriter;
import dev.outrider.protocol.MalformedMessageException;
import io.netty.buffer.ByteBuf;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * StartupMessage (F): protocol version, user, database and settings.
 *
 * <p>See <a href="https://www.postgresql.org/docs/18/protocol-message-formats.html">Message
 * Formats</a>. Protocol options are the parameters whose names begin with {@code _pq_.}; a backend
 * lists those that it does not know in NegotiateProtocolVersion.
 *
 * @param protocol the version: major in the upper, minor in the lower 16 bits
 * @param parameters in their order; of parameters with the same name the last
 */
public record StartupMessage(int protocol, Map<String, String> parameters)
    implements OpeningMessage {
  /** Protocol 3.0. */
  public static final int PROTOCOL_3_0 = 3 << 16;

  /** Protocol 3.2, since PostgreSQL 18; there is no 3.1. */
  public static final int PROTOCOL_3_2 = 3 << 16 | 2;

  /** How the names of protocol options begin. */
  public static final String OPTION_PREFIX = "_pq_.";

  // Whom a session is for, and of which kind. Postgres takes up each of them that it reads, so that
  // two say more than the last one.
  private static final Set<String> DECISIVE = Set.of("user", "database", "replication");

  /** What kind of session a client asks for. */
  public enum Replication {
    /** An ordinary session. */
    NONE,
    /** Physical replication, bound to no database. */
    PHYSICAL,
    /** Logical replication: replication commands and SQL in one database. */
    LOGICAL
  }

  /** Keeps the order. */
  public StartupMessage {
    parameters = Collections.unmodifiableMap(new LinkedHashMap<>(parameters));
  }

  /** Reads what comes after the code. */
  static StartupMessage decode(int protocol, ByteBuf body) {
    BodyReader in = new BodyReader("StartupMessage", body);
    Map<String, String> parameters = new LinkedHashMap<>();
    while (!in.terminator("terminator")) {
      String name = in.string("parameters");
      String before = parameters.put(name, in.string("parameters"));
      if (before != null && DECISIVE.contains(name)) {
        throw new MalformedMessageException(
            "StartupMessage.parameters", name + " twice", "each name once");
      }
    }
    in.end();
    return new StartupMessage(protocol, parameters);
  }

  @Override
  public void encode(ByteBuf out) {
    BodyWriter body = BodyWriter.beginUntyped(out).int32(protocol);
    parameters.forEach((name, value) -> body.string(name).string(value));
    body.int8(0).end();
  }

  /** The major version. */
  public int major() {
    return protocol >>> 16;
  }

  /** The minor version. */
  public int minor() {
    return protocol & 0xffff;
  }

  /** The user; null if the client names none, which Postgres refuses. */
  public @Nullable String user() {
    String user = parameters.get("user");
    return user == null || user.isEmpty() ? null : user;
  }

  /** The database: by default it is named like the user. */
  public @Nullable String database() {
    String database = parameters.get("database");
    return database == null || database.isEmpty() ? user() : database;
  }

  /** The kind of session: Postgres takes {@code database} or a boolean. */
  public Replication replication() {
    String value = parameters.get("replication");
    if (value == null) {
      return Replication.NONE;
    }
    if (value.equals("database")) {
      return Replication.LOGICAL;
    }
    // As parse_bool reads it: any beginning of true, yes and on, in any case.
    String lower = value.toLowerCase(Locale.ROOT);
    boolean on =
        lower.equals("1")
            || lower.equals("on")
            || (!lower.isEmpty() && ("true".startsWith(lower) || "yes".startsWith(lower)));
    return on ? Replication.PHYSICAL : Replication.NONE;
  }

  /** The protocol options that it asks for, with their prefix. */
  public List<String> protocolOptions() {
    return parameters.keySet().stream().filter(name -> name.startsWith(OPTION_PREFIX)).toList();
  }

  /**
   * The settings in the parameter {@code options}, from {@code -c name=value} and {@code
   * --name=value}; names as they stand there. Switches of other kinds are left out.
   */
  public Map<String, String> settings() {
    Map<String, String> settings = new LinkedHashMap<>();
    List<String> words = words(parameters.getOrDefault("options", ""));
    for (int i = 0; i < words.size(); i++) {
      String word = words.get(i);
      String setting;
      if (word.equals("-c") && i + 1 < words.size()) {
        setting = words.get(++i);
      } else if (word.startsWith("-c") || word.startsWith("--")) {
        setting = word.substring(2);
      } else {
        continue;
      }
      int equals = setting.indexOf('=');
      if (equals > 0) {
        settings.put(setting.substring(0, equals).replace('-', '_'), setting.substring(equals + 1));
      }
    }
    return settings;
  }

  /**
   * Splits as pg_split_opts does: at white space, with a backslash before what stands for itself.
   */
  private static List<String> words(String options) {
    List<String> words = new ArrayList<>();
    StringBuilder word = new StringBuilder();
    boolean inWord = false;
    for (int i = 0; i < options.length(); i++) {
      char c = options.charAt(i);
      if (c == ' ' || (c >= '\t' && c <= '\r')) {
        if (inWord) {
          words.add(word.toString());
          word.setLength(0);
        }
        inWord = false;
        continue;
      }
      inWord = true;
      if (c == '\\' && i + 1 < options.length()) {
        c = options.charAt(++i);
      }
      word.append(c);
    }
    if (inWord) {
      words.add(word.toString());
    }
    return words;
  }
}
