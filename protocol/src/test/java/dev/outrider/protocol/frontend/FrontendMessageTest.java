package dev.outrider.protocol.frontend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.outrider.protocol.Fuzz;
import dev.outrider.protocol.MalformedMessageException;
import dev.outrider.protocol.Values;
import dev.outrider.protocol.frontend.AuthenticationAnswer.Kind;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

class FrontendMessageTest {
  private static final String SECRET = "hunter2";

  static Stream<FrontendMessage> messages() {
    Values values = Values.of(Arrays.asList(text(SECRET), null, text("")));
    return Stream.of(
        new Bind("portal", "wäit", List.of(0, 1, 0), values, List.of(1)),
        new Bind("", "", List.of(), Values.of(List.of()), List.of()),
        new Close(Describe.Target.STATEMENT, "s"),
        new Close(Describe.Target.PORTAL, ""),
        new CopyData(text(SECRET)),
        new CopyData(text("")),
        CopyDone.INSTANCE,
        new CopyFail("why"),
        new Describe(Describe.Target.PORTAL, "p"),
        new Execute("p", Integer.MAX_VALUE),
        Flush.INSTANCE,
        new FunctionCall(-1, List.of(1), values, 1),
        new GssResponse(text(SECRET)),
        new Parse("s", text("select 'hunter2'"), List.of(0, 23, -1)),
        new PasswordMessage(text(SECRET)),
        new Query(text("select 'hunter2'")),
        new SaslInitialResponse("SCRAM-SHA-256", text(SECRET)),
        new SaslInitialResponse("SCRAM-SHA-256", null),
        new SaslResponse(text(SECRET)),
        Sync.INSTANCE,
        Terminate.INSTANCE);
  }

  @ParameterizedTest
  @MethodSource("messages")
  void comesBackAsItWasSent(FrontendMessage message) {
    // Given
    ByteBuf frame = Unpooled.buffer();
    message.encode(frame);

    // When
    byte type = frame.readByte();
    assertEquals(frame.readableBytes(), frame.readInt());
    FrontendMessage decoded = FrontendMessage.decode(type, frame, kind(message));

    // Then
    assertEquals(message, decoded);
    assertEquals(5, frame.readerIndex(), "the frame can still be relayed");
    assertNotNull(FrontendType.of(type));
  }

  @ParameterizedTest
  @MethodSource("messages")
  void tellsNoSecret(FrontendMessage message) {
    assertFalse(message.toString().contains(SECRET), message::toString);
  }

  @ParameterizedTest
  @MethodSource("messages")
  void isTakenOrRefusedWhereverItIsCut(FrontendMessage message) {
    ByteBuf frame = Unpooled.buffer();
    message.encode(frame);
    byte type = frame.getByte(0);
    for (int end = 5; end <= frame.writerIndex(); end++) {
      Fuzz.check(
          frame.slice(5, end - 5),
          body -> FrontendMessage.decode(type, body, kind(message)),
          FrontendMessage::encode);
    }
  }

  @Test
  void garbageIsTakenOrRefused() {
    List<Kind> kinds = List.of(Kind.values());
    Fuzz.bodies(
        200_000,
        messages()
            .map(
                message -> {
                  ByteBuf frame = Unpooled.buffer();
                  message.encode(frame);
                  return frame;
                })
            .toList(),
        (type, body, random) -> {
          Kind kind = kinds.get(random.nextInt(kinds.size()));
          Fuzz.check(body, b -> FrontendMessage.decode(type, b, kind), FrontendMessage::encode);
        });
  }

  @Test
  void everyTypeIsKnownOrRefused() {
    Set<FrontendType> seen = EnumSet.noneOf(FrontendType.class);
    for (int code = 0; code < 256; code++) {
      byte type = (byte) code;
      FrontendType known = FrontendType.of(type);
      if (known != null) {
        seen.add(known);
        assertTrue(known.maxLength() >= 10_000);
        continue;
      }
      MalformedMessageException e =
          assertThrows(
              MalformedMessageException.class,
              () -> FrontendMessage.decode(type, Unpooled.EMPTY_BUFFER, null));
      assertEquals("type", e.place());
      assertEquals("byte " + code, e.value());
    }
    assertEquals(EnumSet.allOf(FrontendType.class), seen);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "Q | 73656c656374 | Query.text: 6 bytes without a terminator (expected: a string that ends)",
        "Q | 00 00 | Query: 1 bytes more than its fields (expected: none)",
        "S | 00 | Sync: 1 bytes more than its fields (expected: none)",
        "D | 58 00 | Describe.target: byte 88 (expected: S or P)",
        "E | 00 000000 | Execute.maxRows: 3 bytes left (expected: 4 bytes)",
        "P | 00 00 ffff 00000000 | Parse.parameterTypes: a count of 65535"
            + " (expected: at most 1 in what is left)",
        "B | 00 00 0000 0001 00000005 41 | Bind.parameters: a length of 5 (expected: -1 to 1)",
        "B | 00 00 0000 0001 fffffffe 0000 | Bind.parameters: a length of -2 (expected: -1 to 2)",
        "p | 00 | type: p, an answer to no authentication request (expected: another type)",
      })
  void saysWhatIsWrong(char type, String hex, String error) {
    // Given
    ByteBuf body = Unpooled.wrappedBuffer(ByteBufUtil.decodeHexDump(hex.replace(" ", "")));

    // Then
    assertEquals(
        error,
        assertThrows(
                MalformedMessageException.class,
                () -> FrontendMessage.decode((byte) type, body, null))
            .getMessage());
  }

  @Test
  void payloadsAreNotCopied() {
    // Given
    ByteBuf frame = Unpooled.buffer();
    new CopyData(text("aaaa")).encode(frame);
    frame.skipBytes(5);

    // When
    CopyData data =
        assertInstanceOf(CopyData.class, FrontendMessage.decode((byte) 'd', frame, null));
    frame.setByte(5, 'b');

    // Then
    assertEquals("baaa", data.data().toString(StandardCharsets.US_ASCII));
    assertEquals(1, frame.refCnt());
  }

  @Test
  void aStringCannotEndEarly() {
    assertThrows(
        IllegalArgumentException.class, () -> new CopyFail("a\0b").encode(Unpooled.buffer()));
    assertThrows(
        IllegalArgumentException.class, () -> new Query(text("a\0b")).encode(Unpooled.buffer()));
  }

  @Test
  void namesInAnotherEncodingStayApart() {
    // Given
    ByteBuf a = Unpooled.wrappedBuffer(new byte[] {'S', (byte) 0xe4, 0});
    ByteBuf b = Unpooled.wrappedBuffer(new byte[] {'S', (byte) 0xf6, 0});

    // Then
    assertEquals("ä", Describe.decode(a).name());
    assertEquals("ö", Describe.decode(b).name());
  }

  @Test
  void anUnknownTypeIsNone() {
    assertNull(FrontendType.of((byte) 0));
    assertNull(FrontendType.of((byte) 0xff));
  }

  private static @Nullable Kind kind(FrontendMessage message) {
    return switch (message) {
      case PasswordMessage _ -> Kind.PASSWORD;
      case SaslInitialResponse _ -> Kind.SASL_INITIAL;
      case SaslResponse _ -> Kind.SASL;
      case GssResponse _ -> Kind.GSS;
      default -> null;
    };
  }

  private static ByteBuf text(String text) {
    return Unpooled.copiedBuffer(text, StandardCharsets.UTF_8);
  }
}
