package dev.outrider.protocol.frontend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.outrider.protocol.frontend.OpeningRequest.Kind;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class OpeningRequestTest {
  @ParameterizedTest
  @CsvSource({
    "80877102, CANCEL",
    "80877103, SSL",
    "80877104, GSS_ENCRYPTION",
    "196608, STARTUP", // 3.0
    "196610, STARTUP", // 3.2
    "131072, STARTUP" // 2.0
  })
  void isToldByItsCode(int code, Kind kind) {
    // Given
    ByteBuf in = Unpooled.buffer().writeInt(16).writeInt(code);

    // Then
    assertEquals(new OpeningRequest(kind, 16), OpeningRequest.peek(in));
    assertEquals(8, in.readableBytes());
  }

  @Test
  void isNotToldBeforeEightBytes() {
    // Given
    ByteBuf in = Unpooled.buffer().writeInt(8).writeInt(80877103);

    // Then
    for (int cut = 0; cut < OpeningRequest.HEADER_LENGTH; cut++) {
      assertNull(OpeningRequest.peek(in.slice(0, cut)));
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {Integer.MIN_VALUE, -1, 0, 7, 10_005, 0x16030100, Integer.MAX_VALUE})
  void hasALength(int length) {
    // Given
    ByteBuf in = Unpooled.buffer().writeInt(length).writeInt(196608);

    // Then
    assertThrows(IllegalArgumentException.class, () -> OpeningRequest.peek(in));
  }

  @Test
  void anyBytesAreTakenOrRefused() {
    // Given
    Random random = new Random(42);
    byte[] bytes = new byte[12];
    for (int round = 0; round < 100_000; round++) {
      random.nextBytes(bytes);
      if (round % 2 == 0) {
        bytes[0] = 0;
        bytes[1] = 0;
      }

      // When
      try {
        OpeningRequest request = OpeningRequest.peek(Unpooled.wrappedBuffer(bytes));
        // Then
        assertTrue(
            request != null
                && request.length() >= OpeningRequest.HEADER_LENGTH
                && request.length() <= OpeningRequest.MAX_LENGTH);
      } catch (IllegalArgumentException e) {
        assertEquals("length", String.valueOf(e.getMessage()).substring(0, 6));
      }
    }
  }
}
