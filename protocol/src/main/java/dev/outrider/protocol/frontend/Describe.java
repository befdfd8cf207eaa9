package dev.outrider.protocol.frontend;

import dev.outrider.protocol.BodyReader;
import dev.outrider.protocol.BodyWriter;
import io.netty.buffer.ByteBuf;

/**
 * Describe (F): asks for the parameters and columns of a prepared statement or portal.
 *
 * <p>See <a href="https://www.postgresql.org/docs/18/protocol-message-formats.html">Message
 * Formats</a>.
 *
 * @param target which of the two
 * @param name its name; empty is the unnamed one
 */
public record Describe(Target target, String name) implements FrontendMessage {
  /** Its type. */
  public static final byte TYPE = 'D';

  /** What has a name. */
  public enum Target {
    /** A prepared statement. */
    STATEMENT('S'),
    /** A portal. */
    PORTAL('P');

    private final char code;

    Target(char code) {
      this.code = code;
    }

    /** The byte on the wire. */
    public char code() {
      return code;
    }

    static Target read(BodyReader in) {
      int code = in.int8("target");
      return switch (code) {
        case 'S' -> STATEMENT;
        case 'P' -> PORTAL;
        default -> throw in.malformed("target", "byte " + code, "S or P");
      };
    }
  }

  /** Reads the body. */
  public static Describe decode(ByteBuf body) {
    BodyReader in = new BodyReader("Describe", body);
    Target target = Target.read(in);
    String name = in.string("name");
    in.end();
    return new Describe(target, name);
  }

  @Override
  public void encode(ByteBuf out) {
    BodyWriter.begin(out, TYPE).int8(target.code()).string(name).end();
  }
}
