package dev.outrider.protocol.frontend;

import dev.outrider.protocol.BodyReader;
import dev.outrider.protocol.BodyWriter;
import io.netty.buffer.ByteBuf;

/**
 * PasswordMessage (F): a password, clear or hashed with MD5.
 *
 * <p>See <a href="https://www.postgresql.org/docs/18/protocol-message-formats.html">Message
 * Formats</a>.
 *
 * @param password the password or its hash, a slice of the body without its terminator
 */
public record PasswordMessage(ByteBuf password) implements AuthenticationAnswer {
  @Override
  public String toString() {
    return "PasswordMessage[]";
  }

  /** Reads the body. */
  public static PasswordMessage decode(ByteBuf body) {
    BodyReader in = new BodyReader("PasswordMessage", body);
    ByteBuf password = in.text("password");
    in.end();
    return new PasswordMessage(password);
  }

  @Override
  public void encode(ByteBuf out) {
    BodyWriter.begin(out, TYPE).text(password).end();
  }
}
