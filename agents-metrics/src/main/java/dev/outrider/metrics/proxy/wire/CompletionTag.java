package dev.outrider.metrics.proxy.wire;

import io.netty.buffer.ByteBuf;

/** Reads the tag of CommandComplete without making anything. For one thread. */
final class CompletionTag {
  /** More of a tag than Postgres ever makes. */
  static final int MAX_LENGTH = 80;

  // 19 digits are as many as a long always holds.
  private static final int MAX_DIGITS = 18;

  private final byte[] text = new byte[MAX_LENGTH];
  private StatementKind kind = StatementKind.OTHER;
  private long rows;

  /** Reads a tag with its terminator, if that is there. */
  void read(ByteBuf in, int index, int length) {
    int size = Math.min(length, MAX_LENGTH);
    in.getBytes(index, text, 0, size);
    if (size > 0 && text[size - 1] == 0) {
      size--;
    }
    int command = size;
    while (command > 0 && isDigit(text[command - 1])) {
      command--;
    }
    rows = 0;
    int digits = size - command;
    if (digits == 0 || digits > MAX_DIGITS || command == 0 || text[command - 1] != ' ') {
      kind = StatementKind.of(text, size);
      return;
    }
    for (int i = command; i < size; i++) {
      rows = rows * 10 + text[i] - '0';
    }
    command--;
    // INSERT has an object id before the rows.
    int oid = command;
    while (oid > 0 && isDigit(text[oid - 1])) {
      oid--;
    }
    if (oid < command && oid > 0 && text[oid - 1] == ' ') {
      command = oid - 1;
    }
    kind = StatementKind.of(text, command);
  }

  private static boolean isDigit(byte b) {
    return b >= '0' && b <= '9';
  }

  StatementKind kind() {
    return kind;
  }

  /** How many rows the tag says; 0 if it says nothing of rows. */
  long rows() {
    return rows;
  }
}
