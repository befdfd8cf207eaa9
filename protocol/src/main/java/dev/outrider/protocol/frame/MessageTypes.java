package dev.outrider.protocol.frame;

/**
 * A set of message types, the first byte of a message. See <a
 * href="https://www.postgresql.org/docs/18/protocol-message-formats.html">Message Formats</a>.
 */
public final class MessageTypes {
  /** Every type that a frontend sends. */
  public static final MessageTypes FRONTEND = of("BCDEFHPQSXcdfp");

  /** Every type that a backend sends. */
  public static final MessageTypes BACKEND = of("123ACDEGHIKNRSTVWZcdnstv");

  // All types are ASCII.
  private final long low;
  private final long high;

  private MessageTypes(long low, long high) {
    this.low = low;
    this.high = high;
  }

  /** The set of these ASCII characters. */
  public static MessageTypes of(String types) {
    long low = 0;
    long high = 0;
    for (int i = 0; i < types.length(); i++) {
      char type = types.charAt(i);
      if (type < 64) {
        low |= 1L << type;
      } else if (type < 128) {
        high |= 1L << (type - 64);
      } else {
        throw new IllegalArgumentException("type: " + type + " (expected: a character of ASCII)");
      }
    }
    return new MessageTypes(low, high);
  }

  /** The types of this set and of another. */
  public MessageTypes and(MessageTypes other) {
    return new MessageTypes(low | other.low, high | other.high);
  }

  /** Whether a type is one of them. */
  public boolean contains(byte type) {
    // A shift takes the lowest six bits of its distance: 64 to 127 are 0 to 63 of the other half.
    return type >= 0 && ((type < 64 ? low : high) >>> type & 1) != 0;
  }
}
