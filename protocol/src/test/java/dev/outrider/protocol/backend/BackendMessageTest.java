package dev.outrider.protocol.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.outrider.protocol.Fuzz;
import dev.outrider.protocol.MalformedMessageException;
import dev.outrider.protocol.SqlState;
import dev.outrider.protocol.Values;
import dev.outrider.protocol.backend.ErrorFields.Severity;
import dev.outrider.protocol.backend.ReadyForQuery.Status;
import dev.outrider.protocol.frontend.AuthenticationAnswer;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class BackendMessageTest {
  private static final String SECRET = "hunter2";

  static Stream<BackendMessage> messages() {
    return Stream.of(
        new Authentication.Ok(),
        new Authentication.KerberosV5(),
        new Authentication.CleartextPassword(),
        new Authentication.Md5Password(0x01020304),
        new Authentication.Gss(),
        new Authentication.GssContinue(text(SECRET)),
        new Authentication.Sspi(),
        new Authentication.Sasl(List.of("SCRAM-SHA-256-PLUS", "SCRAM-SHA-256")),
        new Authentication.SaslContinue(text(SECRET)),
        new Authentication.SaslFinal(text(SECRET)),
        new BackendKeyData(7, text("four")),
        new BackendKeyData(-7, text(SECRET.repeat(36))),
        BindComplete.INSTANCE,
        CloseComplete.INSTANCE,
        new CommandComplete("INSERT 0 1"),
        new CopyBothResponse(new CopyFormat(0, List.of())),
        new CopyData(text(SECRET)),
        CopyDone.INSTANCE,
        new CopyInResponse(new CopyFormat(0, List.of(0, 0))),
        new CopyOutResponse(new CopyFormat(1, List.of(1))),
        new DataRow(Values.of(Arrays.asList(text(SECRET), null, text("")))),
        EmptyQueryResponse.INSTANCE,
        new ErrorResponse(
            ErrorFields.of(
                Severity.ERROR, new SqlState("23505"), SECRET, "detail " + SECRET, "hint")),
        new FunctionCallResponse(text(SECRET)),
        new FunctionCallResponse(null),
        new NegotiateProtocolVersion(3 << 16, List.of("_pq_.a", "_pq_.b")),
        NoData.INSTANCE,
        new NoticeResponse(new ErrorFields(Map.of('?', "of a later version"))),
        new NotificationResponse(7, "channel", SECRET),
        new ParameterDescription(List.of(23, -1)),
        new ParameterStatus("TimeZone", "Europe/Zürich"),
        ParseComplete.INSTANCE,
        PortalSuspended.INSTANCE,
        new ReadyForQuery(Status.IDLE),
        new ReadyForQuery(Status.IN_TRANSACTION),
        new ReadyForQuery(Status.FAILED),
        new RowDescription(
            List.of(
                new RowDescription.Column("id", 16384, 1, 23, 4, -1, 0),
                new RowDescription.Column("?column?", 0, 0, 25, -1, -1, 1))));
  }

  @ParameterizedTest
  @MethodSource("messages")
  void comesBackAsItWasSent(BackendMessage message) {
    // Given
    ByteBuf frame = Unpooled.buffer();
    message.encode(frame);

    // When
    byte type = frame.readByte();
    assertEquals(frame.readableBytes(), frame.readInt());
    BackendMessage decoded = BackendMessage.decode(type, frame);

    // Then
    assertEquals(message, decoded);
    assertEquals(5, frame.readerIndex(), "the frame can still be relayed");
  }

  @ParameterizedTest
  @MethodSource("messages")
  void tellsNoSecret(BackendMessage message) {
    assertFalse(message.toString().contains(SECRET), message::toString);
  }

  @ParameterizedTest
  @MethodSource("messages")
  void isTakenOrRefusedWhereverItIsCut(BackendMessage message) {
    ByteBuf frame = Unpooled.buffer();
    message.encode(frame);
    byte type = frame.getByte(0);
    for (int end = 5; end <= frame.writerIndex(); end++) {
      Fuzz.check(
          frame.slice(5, end - 5),
          body -> BackendMessage.decode(type, body),
          BackendMessage::encode);
    }
  }

  @Test
  void garbageIsTakenOrRefused() {
    List<ByteBuf> corpus = messages().map(BackendMessageTest::encoded).toList();
    Fuzz.bodies(
        200_000,
        corpus,
        (type, body, _) ->
            Fuzz.check(body, b -> BackendMessage.decode(type, b), BackendMessage::encode));
  }

  @Test
  void everyTypeIsKnownOrRefused() {
    Set<Byte> sent = messages().map(m -> encoded(m).getByte(0)).collect(Collectors.toSet());
    Set<BackendType> seen = EnumSet.noneOf(BackendType.class);
    for (int code = 0; code < 256; code++) {
      byte type = (byte) code;
      BackendType known = BackendType.of(type);
      assertEquals(sent.contains(type), known != null);
      if (known != null) {
        seen.add(known);
        assertEquals(type, known.code());
      } else {
        assertThrows(
            MalformedMessageException.class,
            () -> BackendMessage.decode(type, Unpooled.EMPTY_BUFFER));
      }
    }
    assertEquals(EnumSet.allOf(BackendType.class), seen);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "Z | 58 | ReadyForQuery.status: byte 88 (expected: I, T or E)",
        "K | 00000001 010203 | BackendKeyData.key: 3 bytes (expected: 4 to 256)",
        "R | 00000006 | Authentication.code: 6 (expected: 0, 2, 3, 5 or 7 to 12)",
        "R | 0000000a 4100 | Authentication.mechanisms: 0 bytes left (expected: 1 bytes)",
        "D | 0001 00000002 41 | DataRow.columns: a length of 2 (expected: -1 to 1)",
        "T | 0002 4100 | RowDescription.columns: a count of 2"
            + " (expected: at most 0 in what is left)",
        "v | 00030000 7fffffff | NegotiateProtocolVersion.unknownOptions:"
            + " a count of 2147483647 (expected: 0 to 0)",
        "E | 4341 | ErrorResponse.fields: 1 bytes without a terminator"
            + " (expected: a string that ends)",
      })
  void saysWhatIsWrong(char type, String hex, String error) {
    // Given
    ByteBuf body = Unpooled.wrappedBuffer(ByteBufUtil.decodeHexDump(hex.replace(" ", "")));

    // Then
    assertEquals(
        error,
        assertThrows(
                MalformedMessageException.class, () -> BackendMessage.decode((byte) type, body))
            .getMessage());
  }

  @Test
  void aRequestTellsWhatAnswersIt() {
    assertNull(new Authentication.Ok().answer());
    assertNull(new Authentication.SaslFinal(text("")).answer());
    assertEquals(AuthenticationAnswer.Kind.PASSWORD, new Authentication.Md5Password(1).answer());
    assertEquals(
        AuthenticationAnswer.Kind.SASL_INITIAL, new Authentication.Sasl(List.of()).answer());
    assertEquals(
        AuthenticationAnswer.Kind.SASL, new Authentication.SaslContinue(text("")).answer());
    assertEquals(AuthenticationAnswer.Kind.GSS, new Authentication.Sspi().answer());
  }

  @ParameterizedTest
  @CsvSource(
      value = {
        "SELECT 10, SELECT, 10",
        "INSERT 0 5, INSERT, 5",
        "INSERT 16384 1, INSERT, 1",
        "UPDATE 0, UPDATE, 0",
        "MERGE 3, MERGE, 3",
        "COPY 9223372036, COPY, 9223372036",
        "FETCH 100, FETCH, 100",
        "BEGIN, BEGIN, -1",
        "CREATE TABLE, CREATE TABLE, -1",
        "SELECT 12345678901234567890, SELECT 12345678901234567890, -1",
        "10, 10, -1",
        "'', '', -1",
        "' 5', '', 5",
        "INSERT 5, INSERT, 5",
        "X 1 2 3, X 1, 3",
      },
      ignoreLeadingAndTrailingWhitespace = true)
  void aTagTellsCommandAndRows(String tag, String command, long rows) {
    assertEquals(new CommandTag(command, rows), CommandTag.parse(tag));
  }

  @Test
  void anErrorTellsItsCodeAndSeverity() {
    // Given
    String body = "SFEHLER\0VERROR\0C23505\0MDoppelt\0n\303\244me\0\0";

    // When
    ErrorFields fields =
        ErrorResponse.decode(Unpooled.copiedBuffer(body, StandardCharsets.ISO_8859_1)).fields();

    // Then
    assertEquals(Severity.ERROR, fields.severity());
    assertEquals(new SqlState("23505"), fields.sqlState());
    assertEquals("23", new SqlState("23505").classCode());
    assertEquals("Doppelt", fields.message());
    assertEquals("äme", fields.field('n'));
    assertNull(fields.field(ErrorFields.HINT));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "2350", "235055", "2350a", "23 05", "2350ä"})
  void aCodeHasFiveCharacters(String code) {
    assertNull(new ErrorFields(Map.of('C', code)).sqlState());
    assertThrows(IllegalArgumentException.class, () -> new SqlState(code));
  }

  private static ByteBuf encoded(BackendMessage message) {
    ByteBuf frame = Unpooled.buffer();
    message.encode(frame);
    return frame;
  }

  private static ByteBuf text(String text) {
    return Unpooled.copiedBuffer(text, StandardCharsets.UTF_8);
  }
}
