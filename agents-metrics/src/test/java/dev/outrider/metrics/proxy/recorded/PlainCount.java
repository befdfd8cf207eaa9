package dev.outrider.metrics.proxy.recorded;

import java.io.ByteArrayInputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Counts what a recorded session did, slowly and plainly: both sides' messages are cut out of the
 * whole, and then each message of the client is gone through with the answers that it got. Shares
 * nothing with what the proxy counts by.
 *
 * <p>What it cannot tell: a COPY in the extended protocol that fails in Postgres while Syncs are
 * sent with its data, and anything that both sides did not say to its end.
 */
public final class PlainCount {
  private static final Pattern NUMBERS = Pattern.compile("( \\d+)+$");
  private static final Pattern PREPARE = named("prepare");
  private static final Pattern EXECUTE = named("execute");
  private static final Pattern DEALLOCATE = named("deallocate(?:\\s+prepare)?");
  private static final Pattern ROLLBACK_TO = Pattern.compile("(?is)rollback\\s+.*to\\b.*");
  private static final String OTHER = "other";

  /** One of a type and its body. */
  private static final class Message {
    final char type;
    final byte[] body;

    Message(char type, byte[] body) {
      this.type = type;
      this.body = body;
    }

    Strings strings(int from) {
      return new Strings(body, from);
    }
  }

  /** Reads strings that end with a zero. */
  private static final class Strings {
    private final byte[] in;
    private int at;

    Strings(byte[] in, int from) {
      this.in = in;
      this.at = from;
    }

    String next() {
      int from = at;
      while (at < in.length && in[at] != 0) {
        at++;
      }
      return new String(in, from, at++ - from, StandardCharsets.UTF_8);
    }
  }

  private static final class Portal {
    final @Nullable String text;
    boolean executed;

    Portal(@Nullable String text) {
      this.text = text;
    }
  }

  private final List<Message> client = new ArrayList<>();
  private final List<Message> postgres = new ArrayList<>();
  private final Map<String, Long> counts = new TreeMap<>();
  // By "calls", "rows" or "errors", then the SQLSTATE if it is one, and the text.
  private final Map<String, Map<String, Long>> ofTexts = new TreeMap<>();
  private final Map<String, String> prepared = new HashMap<>();
  private final Map<String, Portal> portals = new HashMap<>();
  private int place;
  private int answers;
  private Message answer = new Message('?', new byte[0]);
  private boolean worked;
  private boolean failed;
  private char status = 'I';

  private PlainCount() {}

  private static Pattern named(String command) {
    return Pattern.compile("(?is)" + command + "\\s+\"?(\\w+)\"?.*");
  }

  /** Counts a session. */
  public static PlainCount of(RecordedSession session) {
    return of(session.said(true), session.said(false));
  }

  /** Counts what both sides said. */
  public static PlainCount of(byte[] byClient, byte[] byPostgres) {
    PlainCount count = new PlainCount();
    try {
      count.read(byClient, byPostgres);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return count;
  }

  /**
   * All counts by name and labels, in the order of the labels' names.
   *
   * @param fingerprint tells the fingerprint of a statement
   */
  public Map<String, Long> figures(UnaryOperator<String> fingerprint) {
    Map<String, Long> figures = new TreeMap<>(counts);
    ofTexts.forEach(
        (what, texts) ->
            texts.forEach(
                (text, count) -> {
                  String[] words = what.split(" ", 2);
                  String of = text.equals(OTHER) ? OTHER : fingerprint.apply(text);
                  String name = "fingerprint_" + words[0] + " " + of;
                  figures.merge(words.length > 1 ? name + " " + words[1] : name, count, Long::sum);
                }));
    figures.values().removeIf(count -> count == 0);
    return figures;
  }

  private void count(String what, long more) {
    counts.merge(what, more, Long::sum);
  }

  private void count(String what, @Nullable String text, long more) {
    ofTexts
        .computeIfAbsent(what, _ -> new TreeMap<>())
        .merge(text == null ? OTHER : text, more, Long::sum);
  }

  private void read(byte[] byClient, byte[] byPostgres) throws IOException {
    DataInputStream in = new DataInputStream(new ByteArrayInputStream(byClient));
    DataInputStream back = new DataInputStream(new ByteArrayInputStream(byPostgres));
    int length = in.readInt();
    int code = in.readInt();
    while (code == 80877103 || code == 80877104) {
      if (back.read() != 'N') {
        throw new IOException("encryption was not declined");
      }
      length = in.readInt();
      code = in.readInt();
    }
    if (code == 80877102) {
      count("cancel_requests", 1);
      return;
    }
    in.skipNBytes(length - 8);
    count("bytes client", length);
    messages(in, client, "client", PlainCount::clientType);
    messages(back, postgres, "upstream", PlainCount::postgresType);
    walk();
  }

  private interface TypeName {
    String of(char type);
  }

  private void messages(DataInputStream in, List<Message> into, String from, TypeName name)
      throws IOException {
    for (int type = in.read(); type >= 0; type = in.read()) {
      int length = in.readInt();
      Message message = new Message((char) type, in.readNBytes(length - 4));
      into.add(message);
      count("messages " + from + " " + name.of(message.type), 1);
      count("bytes " + from, length + 1L);
      if (from.equals("upstream") && (type == 'E' || type == 'N')) {
        String severity = field(message, 'V').toLowerCase(Locale.ROOT);
        if (type == 'E') {
          count("errors " + severity + " " + field(message, 'C'), 1);
        } else {
          count("notices " + severity, 1);
        }
      }
    }
  }

  private static String field(Message message, char which) {
    for (int at = 0; at < message.body.length && message.body[at] != 0; at++) {
      char field = (char) message.body[at];
      Strings strings = message.strings(at + 1);
      String value = strings.next();
      if (field == which) {
        return value;
      }
      at = strings.at - 1;
    }
    return "";
  }

  private static String clientType(char type) {
    return switch (type) {
      case 'B' -> "bind";
      case 'C' -> "close";
      case 'D' -> "describe";
      case 'E' -> "execute";
      case 'F' -> "function_call";
      case 'H' -> "flush";
      case 'P' -> "parse";
      case 'Q' -> "query";
      case 'S' -> "sync";
      case 'X' -> "terminate";
      case 'c' -> "copy_done";
      case 'd' -> "copy_data";
      case 'f' -> "copy_fail";
      case 'p' -> "authentication_answer";
      default -> throw new IllegalArgumentException("client: " + type);
    };
  }

  private static String postgresType(char type) {
    return switch (type) {
      case '1' -> "parse_complete";
      case '2' -> "bind_complete";
      case '3' -> "close_complete";
      case 'A' -> "notification_response";
      case 'C' -> "command_complete";
      case 'D' -> "data_row";
      case 'E' -> "error_response";
      case 'G' -> "copy_in_response";
      case 'H' -> "copy_out_response";
      case 'I' -> "empty_query_response";
      case 'K' -> "backend_key_data";
      case 'N' -> "notice_response";
      case 'R' -> "authentication";
      case 'S' -> "parameter_status";
      case 'T' -> "row_description";
      case 'V' -> "function_call_response";
      case 'W' -> "copy_both_response";
      case 'Z' -> "ready_for_query";
      case 'c' -> "copy_done";
      case 'd' -> "copy_data";
      case 'n' -> "no_data";
      case 's' -> "portal_suspended";
      case 't' -> "parameter_description";
      case 'v' -> "negotiate_protocol_version";
      default -> throw new IllegalArgumentException("Postgres: " + type);
    };
  }

  /** The next message that is an answer; 0 at the end. */
  private char next() {
    while (answers < postgres.size()) {
      answer = postgres.get(answers++);
      if ("NSA".indexOf(answer.type) < 0) {
        return answer.type;
      }
    }
    return 0;
  }

  private void walk() {
    char first = next();
    while (first != 'Z' && first != 0) {
      first = next();
    }
    if (first == 0) {
      return;
    }
    count("sessions none", 1);
    boolean skipping = false;
    for (place = 0; place < client.size(); place++) {
      Message message = client.get(place);
      switch (message.type) {
        case 'S' -> {
          skipping = false;
          untilReady();
        }
        case 'P', 'B', 'D', 'C', 'E' -> skipping = skipping || !extended(message);
        case 'Q' -> query(statements(message.strings(0).next()));
        case 'F' -> untilReady();
        // Between what Postgres answers, it takes no notice of these.
        case 'H', 'X', 'p', 'd', 'c', 'f' -> {}
        default -> throw new IllegalStateException("client: " + message.type);
      }
    }
    if (failed || worked || status != 'I') {
      count("transactions rolled_back", 1);
    }
    count(
        "prepared_statements", prepared.keySet().stream().filter(name -> !name.isEmpty()).count());
  }

  /** What is left to a Sync or a FunctionCall. */
  private void untilReady() {
    while (true) {
      switch (next()) {
        case 'E' -> failed = true;
        case 'V' -> worked = true;
        case 'Z' -> {
          ready();
          return;
        }
        case 0 -> {
          return;
        }
        default -> throw new IllegalStateException("Sync is answered by " + answer.type);
      }
    }
  }

  private void ready() {
    status = (char) answer.body[0];
    if (status == 'I') {
      if (failed) {
        count("transactions rolled_back", 1);
      } else if (worked) {
        count("transactions committed", 1);
      }
      failed = false;
      worked = false;
      portals.clear();
    } else if (status == 'T') {
      failed = false;
    }
  }

  private void failed(@Nullable String text) {
    failed = true;
    count("errors " + field(answer, 'C'), text == null ? null : executed(text), 1);
  }

  private void query(List<String> statements) {
    int done = 0;
    long rows = 0;
    while (true) {
      switch (next()) {
        case 'D' -> rows++;
        case 'C' -> {
          completed(done < statements.size() ? statements.get(done) : null, false, rows);
          done++;
          rows = 0;
        }
        case 'E' -> failed(done < statements.size() ? statements.get(done) : null);
        case 'Z' -> {
          ready();
          return;
        }
        case 0 -> {
          return;
        }
        default -> {} // descriptions and data
      }
    }
  }

  /** Whether it has succeeded. */
  private boolean extended(Message message) {
    return switch (message.type) {
      case 'P' -> {
        Strings strings = message.strings(0);
        String name = strings.next();
        List<String> statements = statements(strings.next());
        String text = statements.isEmpty() ? null : statements.get(0);
        yield answered('1', text, () -> prepare(name, text == null ? "" : text));
      }
      case 'B' -> {
        Strings strings = message.strings(0);
        String portal = strings.next();
        String name = strings.next();
        String text = prepared.get(name);
        yield answered('2', text, () -> portals.put(portal, new Portal(text)));
      }
      case 'D' -> {
        if (message.body[0] == 'S') {
          yield answered('t', null, this::next);
        }
        yield next() != 'E' || failedHere(null);
      }
      case 'C' -> {
        String name = message.strings(1).next();
        yield answered(
            '3',
            null,
            () -> {
              if (message.body[0] == 'S') {
                prepared.remove(name);
              } else {
                portals.remove(name);
              }
            });
      }
      case 'E' -> execute(message.strings(0).next());
      default -> throw new IllegalArgumentException("client: " + message.type);
    };
  }

  private void prepare(String name, String text) {
    prepared.put(name, text);
  }

  private boolean failedHere(@Nullable String text) {
    failed(text);
    return false;
  }

  private boolean answered(char by, @Nullable String text, Runnable then) {
    char type = next();
    if (type == 'E') {
      return failedHere(text);
    }
    if (type != by) {
      throw new IllegalStateException(by + " was due, not " + type);
    }
    then.run();
    return true;
  }

  private boolean execute(String name) {
    Portal portal = portals.getOrDefault(name, new Portal(null));
    long rows = 0;
    while (true) {
      switch (next()) {
        case 'D' -> rows++;
        case 'G' -> copyIn();
        case 'C' -> {
          completed(portal.text, portal.executed, rows);
          portal.executed = true;
          return true;
        }
        case 's' -> {
          worked = true;
          count("rows select", rows);
          count("calls", portal.text, portal.executed ? 0 : 1);
          count("rows", portal.text, rows);
          portal.executed = true;
          return true;
        }
        case 'I' -> {
          return true;
        }
        case 'E' -> {
          return failedHere(portal.text);
        }
        case 0 -> {
          return true;
        }
        default -> {} // descriptions and data
      }
    }
  }

  /** Up to the end of the data Postgres takes no notice of anything else. */
  private void copyIn() {
    char type;
    do {
      place++;
      type = client.get(place).type;
    } while (type != 'c' && type != 'f');
  }

  private void completed(@Nullable String text, boolean again, long rowsSeen) {
    String tag = answer.strings(0).next();
    Matcher numbers = NUMBERS.matcher(tag);
    long rows = 0;
    if (numbers.find()) {
      rows = Long.parseLong(tag.substring(tag.lastIndexOf(' ') + 1));
      tag = tag.substring(0, numbers.start());
    }
    if (again) {
      rows = rowsSeen;
    }
    String kind = kind(tag);
    count("statements " + kind, 1);
    count("rows " + kind, rows);
    switch (kind) {
      case "commit" -> ends("committed");
      case "rollback" -> {
        if (text != null && ROLLBACK_TO.matcher(text).matches()) {
          worked = true;
        } else {
          ends("rolled_back");
        }
      }
      default -> worked = true;
    }
    if (text != null) {
      String executed = executed(text);
      count("calls", executed, kind.equals("prepare") || again ? 0 : 1);
      count("rows", executed, kind.equals("move") ? 0 : rows);
      names(kind, text);
    } else {
      count("calls", null, again ? 0 : 1);
      count("rows", null, rows);
    }
  }

  private void ends(String outcome) {
    count("transactions " + outcome, 1);
    worked = false;
    failed = false;
  }

  /** Of EXECUTE, what was prepared. */
  private String executed(String text) {
    Matcher execute = EXECUTE.matcher(text);
    String of = execute.matches() ? prepared.get(execute.group(1).toLowerCase(Locale.ROOT)) : null;
    return of == null ? text : of;
  }

  private void names(String kind, String text) {
    Matcher prepare = PREPARE.matcher(text);
    Matcher deallocate = DEALLOCATE.matcher(text);
    switch (kind) {
      case "prepare" -> {
        if (prepare.matches()) {
          prepare(prepare.group(1).toLowerCase(Locale.ROOT), text);
        }
      }
      case "deallocate" -> {
        if (deallocate.matches()) {
          prepared.remove(deallocate.group(1).toLowerCase(Locale.ROOT));
        }
      }
      case "deallocate_all", "discard_all" -> prepared.keySet().removeIf(name -> !name.isEmpty());
      default -> {}
    }
  }

  private static String kind(String tag) {
    return switch (tag) {
      case "START TRANSACTION" -> "begin";
      case "DECLARE CURSOR" -> "declare";
      case "CLOSE CURSOR", "CLOSE CURSOR ALL" -> "close";
      case "UNLISTEN" -> "listen";
      case "LOCK TABLE" -> "lock";
      case "TRUNCATE TABLE" -> "truncate";
      case "ANALYZE" -> "vacuum";
      case "SELECT",
          "INSERT",
          "UPDATE",
          "DELETE",
          "MERGE",
          "COPY",
          "FETCH",
          "MOVE",
          "CALL",
          "DO",
          "BEGIN",
          "COMMIT",
          "ROLLBACK",
          "SAVEPOINT",
          "RELEASE",
          "SET",
          "RESET",
          "SHOW",
          "PREPARE",
          "DEALLOCATE",
          "DEALLOCATE ALL",
          "DISCARD ALL",
          "LISTEN",
          "NOTIFY",
          "EXPLAIN",
          "VACUUM" ->
          tag.toLowerCase(Locale.ROOT).replace(' ', '_');
      default -> {
        String first = tag.split(" ", 2)[0];
        yield first.equals("CREATE") || first.equals("ALTER") || first.equals("DROP")
            ? first.toLowerCase(Locale.ROOT)
            : OTHER;
      }
    };
  }

  /** The statements of a text that are not empty. */
  static List<String> statements(String text) {
    List<String> statements = new ArrayList<>();
    StringBuilder one = new StringBuilder();
    int at = 0;
    while (at < text.length()) {
      int end = at + 1;
      char c = text.charAt(at);
      if (c == '\'' || c == '"') {
        end = behind(text, String.valueOf(c), at + 1);
      } else if (text.startsWith("--", at)) {
        at = text.indexOf('\n', at) < 0 ? text.length() : text.indexOf('\n', at);
        continue;
      } else if (text.startsWith("/*", at)) {
        at = behind(text, "*/", at + 2);
        continue;
      } else if (c == '$') {
        int tag = text.indexOf('$', at + 1);
        if (tag > 0 && text.substring(at + 1, tag).matches("[a-z]*")) {
          end = behind(text, text.substring(at, tag + 1), tag + 1);
        }
      } else if (c == ';') {
        add(statements, one);
        at = end;
        continue;
      }
      one.append(text, at, end);
      at = end;
    }
    add(statements, one);
    return statements;
  }

  private static void add(List<String> statements, StringBuilder one) {
    if (!one.toString().isBlank()) {
      statements.add(one.toString().strip());
    }
    one.setLength(0);
  }

  private static int behind(String text, String mark, int from) {
    int at = text.indexOf(mark, from);
    return at < 0 ? text.length() : at + mark.length();
  }

  /**
   * What Postgres said, but for what differs from one session to the next: the key for cancelling,
   * and who notifies.
   */
  static byte[] withoutKeys(byte[] said) {
    ByteBuffer bytes = ByteBuffer.wrap(said.clone());
    while (bytes.remaining() >= 5) {
      int type = bytes.get();
      int length = bytes.getInt(bytes.position());
      int masked = type == 'K' ? length - 4 : type == 'A' ? 4 : 0;
      bytes.put(bytes.position() + 4, new byte[masked]);
      bytes.position(bytes.position() + length);
    }
    return bytes.array();
  }
}
