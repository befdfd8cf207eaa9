package dev.outrider.metrics.proxy.wire;

import org.jspecify.annotations.Nullable;

/** What one event loop has counted of one fingerprint with one set of labels. For one thread. */
final class Figures {
  private static final int SQL_STATES = 8;

  /** What it is of; null for what has no fingerprint of its own. */
  final @Nullable Fingerprint fingerprint;

  /** A text of just this one statement. */
  final KnownText alone = new KnownText(this);

  private long calls;
  private long rows;
  private long bytesFromClient;
  private long bytesFromUpstream;
  // Read by other event loops for an estimate, which may be a little old.
  private long nanos;
  private final Latencies latencies = new Latencies(Latencies.COARSE);
  private final Tally errors = new Tally(SQL_STATES);

  Figures(@Nullable Fingerprint fingerprint) {
    this.fingerprint = fingerprint;
  }

  /** A statement has come to its end, or to that of a part of its rows. */
  void done(boolean isCall, long took, long rows, long fromClient, long fromUpstream) {
    calls += isCall ? 1 : 0;
    this.rows += rows;
    took(took, fromClient, fromUpstream);
  }

  /** A statement has failed. */
  void failed(int code, long took, long fromClient, long fromUpstream) {
    errors.add(code);
    took(took, fromClient, fromUpstream);
  }

  private void took(long took, long fromClient, long fromUpstream) {
    bytesFromClient += fromClient;
    bytesFromUpstream += fromUpstream;
    nanos += took;
    latencies.observe(took);
  }

  /** The time that was counted last, in nanoseconds, was that of a query with a trace. */
  void saw(long took, Sighting whose) {
    latencies.saw(took, whose);
  }

  /**
   * What its statements look like. Null unless one has succeeded: in a text that Postgres refuses,
   * what is a value and what is not cannot be told. Null as well where it was in doubt how Postgres
   * reads it, and for what has no fingerprint.
   *
   * @param texts whether texts are shown at all
   */
  @Nullable String shownText(boolean texts) {
    return texts && calls > 0 && fingerprint != null && !fingerprint.isWithheld()
        ? fingerprint.text()
        : null;
  }

  /** Takes in what others have counted. */
  void add(Figures other) {
    calls += other.calls;
    rows += other.rows;
    bytesFromClient += other.bytesFromClient;
    bytesFromUpstream += other.bytesFromUpstream;
    nanos += other.nanos;
    latencies.add(other.latencies);
    errors.add(other.errors);
  }

  /**
   * Forgets all, since others have taken it in: who knows the statement by it, a prepared one, may
   * keep it for long.
   */
  void clear() {
    calls = 0;
    rows = 0;
    bytesFromClient = 0;
    bytesFromUpstream = 0;
    nanos = 0;
    latencies.clear();
    errors.clear();
  }

  /** How often it was executed with success. */
  long calls() {
    return calls;
  }

  /** Rows returned or affected. */
  long rows() {
    return rows;
  }

  long bytesFromClient() {
    return bytesFromClient;
  }

  long bytesFromUpstream() {
    return bytesFromUpstream;
  }

  /** The time of all executions, in nanoseconds. */
  long nanos() {
    return nanos;
  }

  Latencies latencies() {
    return latencies;
  }

  /** Failed executions by SQLSTATE, see {@link ErrorHead#sqlState}. */
  Tally errors() {
    return errors;
  }

  /** Whether anything was counted. */
  boolean isUsed() {
    return latencies.count() > 0;
  }
}
