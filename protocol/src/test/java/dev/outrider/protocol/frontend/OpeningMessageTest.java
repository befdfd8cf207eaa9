package dev.outrider.protocol.frontend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.outrider.protocol.Fuzz;
import dev.outrider.protocol.MalformedMessageException;
import dev.outrider.protocol.frontend.StartupMessage.Replication;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class OpeningMessageTest {
  static Stream<OpeningMessage> messages() {
    return Stream.of(
        new StartupMessage(
            StartupMessage.PROTOCOL_3_2, Map.of("user", "app", "_pq_.report_parameters", "x")),
        new StartupMessage(StartupMessage.PROTOCOL_3_0, Map.of()),
        new CancelRequest(4711, Unpooled.wrappedBuffer(new byte[4])),
        new CancelRequest(-1, Unpooled.wrappedBuffer(new byte[256])),
        SslRequest.INSTANCE,
        GssEncRequest.INSTANCE);
  }

  @ParameterizedTest
  @MethodSource("messages")
  void comesBackAsItWasSent(OpeningMessage message) {
    // Given
    ByteBuf packet = encoded(message);

    // Then
    assertEquals(message, OpeningMessage.decode(packet));
    assertEquals(0, packet.readerIndex());
    OpeningRequest peeked = OpeningRequest.peek(packet);
    assertEquals(packet.readableBytes(), peeked == null ? 0 : peeked.length());
  }

  @Test
  void isEncodedAsTheProtocolSays() {
    assertEquals("0000000804d2162f", ByteBufUtil.hexDump(encoded(SslRequest.INSTANCE)));
    assertEquals("0000000804d21630", ByteBufUtil.hexDump(encoded(GssEncRequest.INSTANCE)));
    assertEquals(
        "0000001004d2162e0000126701020304",
        ByteBufUtil.hexDump(
            encoded(new CancelRequest(4711, Unpooled.wrappedBuffer(new byte[] {1, 2, 3, 4})))));
    assertEquals(
        "00000010" + "00030002" + "7573657200" + "6100" + "00",
        ByteBufUtil.hexDump(encoded(new StartupMessage(0x30002, Map.of("user", "a")))));
  }

  @Test
  void garbageIsTakenOrRefused() {
    Random random = Fuzz.random("OpeningMessageTest");
    List<ByteBuf> corpus = messages().map(OpeningMessageTest::encoded).toList();
    for (int round = 0; round < 100_000; round++) {
      ByteBuf whole = corpus.get(random.nextInt(corpus.size()));
      ByteBuf packet = Unpooled.buffer().writeBytes(whole, 0, whole.writerIndex());
      for (int change = random.nextInt(4); change > 0; change--) {
        packet.setByte(random.nextInt(packet.writerIndex()), random.nextInt(256));
      }
      packet.writerIndex(random.nextInt(packet.writerIndex() + 1));
      if (packet.writerIndex() >= 4 && random.nextBoolean()) {
        packet.setInt(0, packet.writerIndex());
      }
      OpeningMessage message;
      try {
        message = OpeningMessage.decode(packet);
      } catch (MalformedMessageException e) {
        continue;
      }
      assertEquals(message, OpeningMessage.decode(encoded(message)));
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "00000009 04d2162f 00 | OpeningRequest: 1 bytes more than its fields (expected: none)",
        "00000009 04d2162f | OpeningRequest.length: 9 (expected: 8 bytes)",
        "0000000f 04d2162e 00000001 010203 | CancelRequest.key: 3 bytes (expected: 4 to 256)",
        "00000009 00030000 61 | StartupMessage.parameters: 1 bytes without a terminator"
            + " (expected: a string that ends)",
        "00000008 00030000 | StartupMessage.terminator: 0 bytes left (expected: 1 bytes)",
        "00000017 00030000 75736572 00 61 00 75736572 00 61 00 00 | StartupMessage.parameters: user"
            + " twice (expected: each name once)",
        "0000000a 00030000 00 00 | StartupMessage: 1 bytes more than its fields (expected: none)",
      })
  void saysWhatIsWrong(String hex, String error) {
    // Given
    ByteBuf packet = Unpooled.wrappedBuffer(ByteBufUtil.decodeHexDump(hex.replace(" ", "")));

    // Then
    assertEquals(
        error,
        assertThrows(MalformedMessageException.class, () -> OpeningMessage.decode(packet))
            .getMessage());
  }

  @Test
  void aStartupTellsItsSession() {
    // Given
    StartupMessage message =
        new StartupMessage(
            StartupMessage.PROTOCOL_3_2,
            Map.of(
                "user",
                "app",
                "_pq_.x",
                "1",
                "options",
                " -c search_path=a\\ b  --work-mem=4MB -cx=\\\\ -d 5 -c"));

    // Then
    assertEquals(3, message.major());
    assertEquals(2, message.minor());
    assertEquals("app", message.user());
    assertEquals("app", message.database());
    assertEquals(List.of("_pq_.x"), message.protocolOptions());
    assertEquals(Map.of("search_path", "a b", "work_mem", "4MB", "x", "\\"), message.settings());
    assertNull(new StartupMessage(3 << 16, Map.of("user", "")).user());
    assertEquals("d", new StartupMessage(3 << 16, Map.of("database", "d")).database());
  }

  @ParameterizedTest
  @CsvSource({
    "database, LOGICAL",
    "true, PHYSICAL",
    "1, PHYSICAL",
    "ON, PHYSICAL",
    "y, PHYSICAL",
    "false, NONE",
    "0, NONE",
    "'', NONE",
    "o, NONE",
  })
  void aStartupTellsWhetherItReplicates(String value, Replication replication) {
    assertEquals(
        replication, new StartupMessage(3 << 16, Map.of("replication", value)).replication());
  }

  @Test
  void tlsIsToldByItsFirstByte() {
    assertTrue(OpeningRequest.startsTls((byte) 0x16));
    for (OpeningMessage message : messages().toList()) {
      assertFalse(OpeningRequest.startsTls(encoded(message).getByte(0)));
    }
  }

  @Test
  void aKeyIsNotTold() {
    CancelRequest request =
        assertInstanceOf(
            CancelRequest.class,
            OpeningMessage.decode(
                encoded(new CancelRequest(1, Unpooled.copiedBuffer(new byte[] {7, 7, 7, 7})))));
    assertEquals("CancelRequest[process=1]", request.toString());
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 3, 257})
  void aKeyHasALength(int length) {
    ByteBuf key = Unpooled.buffer().writeZero(length);
    assertThrows(MalformedMessageException.class, () -> new CancelRequest(1, key));
  }

  private static ByteBuf encoded(OpeningMessage message) {
    ByteBuf packet = Unpooled.buffer();
    message.encode(packet);
    return packet;
  }
}
