package dev.outrider.protocol;

/**
 * Bytes that are no message of the protocol: where, what stood there, and what is allowed.
 *
 * <p>Thrown for what the other side sent, so it carries no stack trace: garbage is to cost as
 * little as possible.
 */
public final class MalformedMessageException extends IllegalArgumentException {
  private static final long serialVersionUID = 1;

  private final String place;
  private final String value;
  private final String allowed;

  /**
   * Says what is wrong.
   *
   * @param place message and field, for example {@code Bind.parameters}
   * @param value what stood there; never a string or payload, which may be a secret
   * @param allowed what may stand there
   */
  public MalformedMessageException(String place, String value, String allowed) {
    super(place + ": " + value + " (expected: " + allowed + ")");
    this.place = place;
    this.value = value;
    this.allowed = allowed;
  }

  /** Message and field. */
  public String place() {
    return place;
  }

  /** What stood there. */
  public String value() {
    return value;
  }

  /** What may stand there. */
  public String allowed() {
    return allowed;
  }

  @Override
  public synchronized Throwable fillInStackTrace() {
    return this;
  }
}
