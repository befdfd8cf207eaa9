package dev.outrider.protocol.backend;

import dev.outrider.protocol.BodyReader;
import dev.outrider.protocol.MalformedMessageException;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;

/**
 * What a CommandComplete tells: the command, and how many rows it returned or affected. See
 * CommandComplete in <a
 * href="https://www.postgresql.org/docs/18/protocol-message-formats.html">Message Formats</a>.
 *
 * @param command for example {@code SELECT} or {@code CREATE TABLE}
 * @param rows as the tag says, or {@link #NO_ROWS}
 */
public record CommandTag(String command, long rows) {
  /** The command does not count rows. */
  public static final long NO_ROWS = -1;

  /** The longest tag of a Postgres: {@code COMPLETION_TAG_BUFSIZE} in its cmdtag.h, less a NUL. */
  public static final int MAX_LENGTH = 63;

  // The ones that come for every query: no string is made for them.
  private static final String[] FREQUENT = {
    "SELECT",
    "INSERT",
    "UPDATE",
    "DELETE",
    "MERGE",
    "FETCH",
    "MOVE",
    "COPY",
    "BEGIN",
    "COMMIT",
    "ROLLBACK",
    "SET",
    "SHOW",
    "START TRANSACTION",
    "SAVEPOINT",
    "RELEASE",
    "DEALLOCATE",
    "DISCARD ALL",
    "CALL",
    "DO",
    "LISTEN",
    "NOTIFY",
    "RESET",
    "EXPLAIN",
    "DECLARE CURSOR",
    "CLOSE CURSOR",
    "LOCK TABLE"
  };

  /**
   * Reads the body of a CommandComplete without decoding the rest of it.
   *
   * @throws MalformedMessageException if it has no terminator
   */
  public static CommandTag decode(ByteBuf body) {
    BodyReader in = new BodyReader("CommandComplete", body);
    ByteBuf tag = in.text("tag");
    in.end();
    int length = tag.readableBytes();
    int digits = digits(tag, length);
    // A count of rows is what follows the last space, and 19 digits are as many as a long holds.
    boolean counts =
        digits > 0 && digits < 19 && digits < length && tag.getByte(length - digits - 1) == ' ';
    if (!counts) {
      return new CommandTag(command(tag, length), NO_ROWS);
    }
    long rows = 0;
    for (int i = length - digits; i < length; i++) {
      rows = rows * 10 + tag.getByte(i) - '0';
    }
    int end = length - digits - 1;
    // INSERT has an object id before the rows, which has been 0 since PostgreSQL 12.
    int oid = digits(tag, end);
    if (oid > 0 && oid < end && tag.getByte(end - oid - 1) == ' ') {
      end -= oid + 1;
    }
    return new CommandTag(command(tag, end), rows);
  }

  /** Reads a tag. */
  public static CommandTag parse(String tag) {
    return decode(Unpooled.copiedBuffer(tag + "\0", StandardCharsets.UTF_8));
  }

  private static int digits(ByteBuf tag, int end) {
    int digits = 0;
    while (digits < end
        && tag.getByte(end - digits - 1) >= '0'
        && tag.getByte(end - digits - 1) <= '9') {
      digits++;
    }
    return digits;
  }

  private static String command(ByteBuf tag, int length) {
    for (String command : FREQUENT) {
      if (command.length() == length && equals(tag, command)) {
        return command;
      }
    }
    return tag.toString(0, length, StandardCharsets.UTF_8);
  }

  private static boolean equals(ByteBuf tag, String command) {
    for (int i = 0; i < command.length(); i++) {
      if (tag.getByte(i) != command.charAt(i)) {
        return false;
      }
    }
    return true;
  }
}
