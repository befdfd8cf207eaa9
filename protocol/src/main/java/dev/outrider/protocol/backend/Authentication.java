package dev.outrider.protocol.backend;

import dev.outrider.protocol.BodyReader;
import dev.outrider.protocol.BodyWriter;
import dev.outrider.protocol.frontend.AuthenticationAnswer;
import io.netty.buffer.ByteBuf;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * An authentication request, or the news that none is needed any more.
 *
 * <p>See <a href="https://www.postgresql.org/docs/18/protocol-message-formats.html">Message
 * Formats</a>.
 */
public sealed interface Authentication extends BackendMessage {
  /** The type of all of them. */
  byte TYPE = 'R';

  /** What the frontend is to send next; null if nothing. */
  AuthenticationAnswer.@Nullable Kind answer();

  /** Reads the body. */
  static Authentication decode(ByteBuf body) {
    BodyReader in = new BodyReader("Authentication", body);
    int code = in.int32("code");
    Authentication message =
        switch (code) {
          case Ok.CODE -> new Ok();
          case KerberosV5.CODE -> new KerberosV5();
          case CleartextPassword.CODE -> new CleartextPassword();
          case Md5Password.CODE -> new Md5Password(in.int32("salt"));
          case Gss.CODE -> new Gss();
          case GssContinue.CODE -> new GssContinue(in.rest());
          case Sspi.CODE -> new Sspi();
          case Sasl.CODE -> Sasl.read(in);
          case SaslContinue.CODE -> new SaslContinue(in.rest());
          case SaslFinal.CODE -> new SaslFinal(in.rest());
          default -> throw in.malformed("code", String.valueOf(code), "0, 2, 3, 5 or 7 to 12");
        };
    in.end();
    return message;
  }

  /** AuthenticationOk (B): the client is who it says. */
  record Ok() implements Authentication {
    private static final int CODE = 0;

    @Override
    public AuthenticationAnswer.@Nullable Kind answer() {
      return null;
    }

    @Override
    public void encode(ByteBuf out) {
      BodyWriter.begin(out, TYPE).int32(CODE).end();
    }
  }

  /** AuthenticationKerberosV5 (B): no supported Postgres sends it any more. */
  record KerberosV5() implements Authentication {
    private static final int CODE = 2;

    @Override
    public AuthenticationAnswer.@Nullable Kind answer() {
      return null;
    }

    @Override
    public void encode(ByteBuf out) {
      BodyWriter.begin(out, TYPE).int32(CODE).end();
    }
  }

  /** AuthenticationCleartextPassword (B). */
  record CleartextPassword() implements Authentication {
    private static final int CODE = 3;

    @Override
    public AuthenticationAnswer.Kind answer() {
      return AuthenticationAnswer.Kind.PASSWORD;
    }

    @Override
    public void encode(ByteBuf out) {
      BodyWriter.begin(out, TYPE).int32(CODE).end();
    }
  }

  /**
   * AuthenticationMD5Password (B).
   *
   * @param salt the four bytes of salt
   */
  record Md5Password(int salt) implements Authentication {
    private static final int CODE = 5;

    @Override
    public AuthenticationAnswer.Kind answer() {
      return AuthenticationAnswer.Kind.PASSWORD;
    }

    @Override
    public void encode(ByteBuf out) {
      BodyWriter.begin(out, TYPE).int32(CODE).int32(salt).end();
    }
  }

  /** AuthenticationGSS (B). */
  record Gss() implements Authentication {
    private static final int CODE = 7;

    @Override
    public AuthenticationAnswer.Kind answer() {
      return AuthenticationAnswer.Kind.GSS;
    }

    @Override
    public void encode(ByteBuf out) {
      BodyWriter.begin(out, TYPE).int32(CODE).end();
    }
  }

  /**
   * AuthenticationGSSContinue (B).
   *
   * @param data the token, a slice of the body
   */
  record GssContinue(ByteBuf data) implements Authentication {
    private static final int CODE = 8;

    @Override
    public AuthenticationAnswer.Kind answer() {
      return AuthenticationAnswer.Kind.GSS;
    }

    @Override
    public void encode(ByteBuf out) {
      BodyWriter.begin(out, TYPE).int32(CODE).bytes(data).end();
    }

    @Override
    public String toString() {
      return "GssContinue[bytes=" + data.readableBytes() + "]";
    }
  }

  /** AuthenticationSSPI (B). */
  record Sspi() implements Authentication {
    private static final int CODE = 9;

    @Override
    public AuthenticationAnswer.Kind answer() {
      return AuthenticationAnswer.Kind.GSS;
    }

    @Override
    public void encode(ByteBuf out) {
      BodyWriter.begin(out, TYPE).int32(CODE).end();
    }
  }

  /**
   * AuthenticationSASL (B).
   *
   * @param mechanisms what the backend offers, the one it prefers first
   */
  record Sasl(List<String> mechanisms) implements Authentication {
    private static final int CODE = 10;

    /** Takes a copy. */
    public Sasl {
      mechanisms = List.copyOf(mechanisms);
    }

    private static Sasl read(BodyReader in) {
      List<String> mechanisms = new ArrayList<>();
      while (!in.terminator("mechanisms")) {
        mechanisms.add(in.string("mechanisms"));
      }
      return new Sasl(mechanisms);
    }

    @Override
    public AuthenticationAnswer.Kind answer() {
      return AuthenticationAnswer.Kind.SASL_INITIAL;
    }

    @Override
    public void encode(ByteBuf out) {
      BodyWriter body = BodyWriter.begin(out, TYPE).int32(CODE);
      mechanisms.forEach(body::string);
      body.int8(0).end();
    }
  }

  /**
   * AuthenticationSASLContinue (B).
   *
   * @param data the mechanism's challenge, a slice of the body
   */
  record SaslContinue(ByteBuf data) implements Authentication {
    private static final int CODE = 11;

    @Override
    public AuthenticationAnswer.Kind answer() {
      return AuthenticationAnswer.Kind.SASL;
    }

    @Override
    public void encode(ByteBuf out) {
      BodyWriter.begin(out, TYPE).int32(CODE).bytes(data).end();
    }

    @Override
    public String toString() {
      return "SaslContinue[bytes=" + data.readableBytes() + "]";
    }
  }

  /**
   * AuthenticationSASLFinal (B): AuthenticationOk comes next.
   *
   * @param data what the mechanism adds, a slice of the body
   */
  record SaslFinal(ByteBuf data) implements Authentication {
    private static final int CODE = 12;

    @Override
    public AuthenticationAnswer.@Nullable Kind answer() {
      return null;
    }

    @Override
    public void encode(ByteBuf out) {
      BodyWriter.begin(out, TYPE).int32(CODE).bytes(data).end();
    }

    @Override
    public String toString() {
      return "SaslFinal[bytes=" + data.readableBytes() + "]";
    }
  }
}
