package dev.outrider.protocol;

/**
 * An error code of five characters, see <a
 * href="https://www.postgresql.org/docs/18/errcodes-appendix.html">PostgreSQL Error Codes</a>. Its
 * constants are the ones that Outrider itself sends.
 *
 * @param code five digits and upper-case letters of ASCII
 */
public record SqlState(String code) {
  /**
   * {@code cannot_connect_now}: worth another try. Postgres sends it while it starts and while it
   * shuts down.
   */
  public static final SqlState CANNOT_CONNECT_NOW = new SqlState("57P03");

  /** {@code too_many_connections}. */
  public static final SqlState TOO_MANY_CONNECTIONS = new SqlState("53300");

  /** {@code admin_shutdown}: the session is ended from outside. */
  public static final SqlState ADMIN_SHUTDOWN = new SqlState("57P01");

  /** {@code protocol_violation}. */
  public static final SqlState PROTOCOL_VIOLATION = new SqlState("08P01");

  /** {@code invalid_authorization_specification}: also what pg_hba refuses. */
  public static final SqlState INVALID_AUTHORIZATION_SPECIFICATION = new SqlState("28000");

  /** {@code feature_not_supported}. */
  public static final SqlState FEATURE_NOT_SUPPORTED = new SqlState("0A000");

  /** Checks the code. */
  public SqlState {
    if (!isValid(code)) {
      throw new IllegalArgumentException(
          "code: " + code + " (expected: five digits and upper-case letters)");
    }
  }

  /** The first two characters, which name the class, for example {@code 23} for constraints. */
  public String classCode() {
    return code.substring(0, 2);
  }

  /** Whether it is one of class 00, 01 or 02: no error. */
  public boolean isSuccessOrWarning() {
    return code.charAt(0) == '0' && code.charAt(1) <= '2';
  }

  /** Whether these are five digits and upper-case letters. */
  public static boolean isValid(String code) {
    if (code.length() != 5) {
      return false;
    }
    for (int i = 0; i < 5; i++) {
      char c = code.charAt(i);
      if ((c < '0' || c > '9') && (c < 'A' || c > 'Z')) {
        return false;
      }
    }
    return true;
  }
}
