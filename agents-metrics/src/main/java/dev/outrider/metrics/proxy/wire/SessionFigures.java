package dev.outrider.metrics.proxy.wire;

import dev.outrider.protocol.backend.BackendType;
import dev.outrider.protocol.frontend.FrontendType;
import java.util.Locale;

/** What one event loop has counted of the sessions with one set of labels. For one thread. */
final class SessionFigures {
  private static final int SQL_STATES = 64;

  /** How a transaction ended. */
  enum Outcome {
    COMMITTED("committed"),
    ROLLED_BACK("rolled_back"),
    /** The session ended before Postgres said. */
    UNKNOWN("unknown");

    private final String label;

    Outcome(String label) {
      this.label = label;
    }

    /** The name for metrics. */
    String label() {
      return label;
    }
  }

  // By the byte of the type, its place among the types; all types are ASCII.
  private static final byte[] FRONTEND = new byte[128];
  private static final byte[] BACKEND = new byte[128];

  static {
    FrontendType[] frontend = FrontendType.values();
    for (int i = 0; i < frontend.length; i++) {
      FRONTEND[frontend[i].code()] = (byte) i;
    }
    BackendType[] backend = BackendType.values();
    for (int i = 0; i < backend.length; i++) {
      BACKEND[backend[i].code()] = (byte) i;
    }
  }

  final LabelSet labels;
  private final long[] frontend = new long[FrontendType.values().length];
  private final long[] backend = new long[BackendType.values().length];
  long bytesFromClient;
  long bytesFromUpstream;
  long sessionsPlain;
  long sessionsEncrypted;
  final Counts<StatementKind> statements = new Counts<>(StatementKind.class);
  final Counts<StatementKind> rows = new Counts<>(StatementKind.class);
  final Counts<Outcome> transactions = new Counts<>(Outcome.class);
  final Counts<Severity> notices = new Counts<>(Severity.class);
  // By severity and SQLSTATE, see errorKey.
  final Tally errors = new Tally(SQL_STATES);
  final Latencies query = new Latencies(Latencies.FINE);
  final Latencies firstRow = new Latencies(Latencies.FINE);
  final Latencies transaction = new Latencies(Latencies.FINE);
  final Latencies drain = new Latencies(Latencies.FINE);

  /** Of all statements that have no fingerprint of their own. */
  final Figures rest = new Figures(null);

  SessionFigures(LabelSet labels) {
    this.labels = labels;
  }

  /** A message of the client; its type is known to the protocol. */
  void fromClient(byte type, int length) {
    bytesFromClient += length;
    frontend[FRONTEND[type]]++;
  }

  /** A message of Postgres; its type is known to the protocol. */
  void fromUpstream(byte type, int length) {
    bytesFromUpstream += length;
    backend[BACKEND[type]]++;
  }

  /** Takes the name of a type of message and its count. */
  interface MessageReader {
    /** Called for each type that has a count. */
    void take(String type, long count);
  }

  void forEachFromClient(MessageReader reader) {
    read(FrontendType.values(), frontend, reader);
  }

  void forEachFromUpstream(MessageReader reader) {
    read(BackendType.values(), backend, reader);
  }

  private static void read(Enum<?>[] types, long[] counts, MessageReader reader) {
    for (int i = 0; i < types.length; i++) {
      if (counts[i] > 0) {
        reader.take(types[i].name().toLowerCase(Locale.ROOT), counts[i]);
      }
    }
  }

  /** One number for a severity and a SQLSTATE. */
  static int errorKey(Severity severity, int code) {
    // 36^5 needs 26 bits.
    return severity.number() << 26 | code;
  }

  static Severity severity(int errorKey) {
    return errorKey == Tally.REST ? Severity.UNKNOWN : Severity.at(errorKey >>> 26);
  }

  static String sqlState(int errorKey) {
    return ErrorHead.sqlState(errorKey == Tally.REST ? Tally.REST : errorKey & 0x3ff_ffff);
  }

  /** Takes in what another event loop has counted. */
  void add(SessionFigures other) {
    add(frontend, other.frontend);
    add(backend, other.backend);
    bytesFromClient += other.bytesFromClient;
    bytesFromUpstream += other.bytesFromUpstream;
    sessionsPlain += other.sessionsPlain;
    sessionsEncrypted += other.sessionsEncrypted;
    statements.add(other.statements);
    rows.add(other.rows);
    transactions.add(other.transactions);
    notices.add(other.notices);
    errors.add(other.errors);
    query.add(other.query);
    firstRow.add(other.firstRow);
    transaction.add(other.transaction);
    drain.add(other.drain);
    rest.add(other.rest);
  }

  private static void add(long[] to, long[] from) {
    for (int i = 0; i < to.length; i++) {
      to[i] += from[i];
    }
  }
}
