package dev.outrider.protocol;

/**
 * The error codes that Outrider itself sends, see <a
 * href="https://www.postgresql.org/docs/18/errcodes-appendix.html">PostgreSQL Error Codes</a>.
 */
public enum SqlState {
  /**
   * {@code cannot_connect_now}: worth another try. Postgres sends it while it starts and while it
   * shuts down.
   */
  CANNOT_CONNECT_NOW("57P03"),
  /** {@code too_many_connections}. */
  TOO_MANY_CONNECTIONS("53300");

  private final String code;

  SqlState(String code) {
    this.code = code;
  }

  /** The five characters on the wire. */
  public String code() {
    return code;
  }
}
