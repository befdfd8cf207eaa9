package dev.outrider.protocol.backend;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.outrider.protocol.SqlState;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class ErrorResponseTest {
  @Test
  void isEncodedAsTheProtocolSays() {
    // Given
    ByteBuf out = Unpooled.buffer().writeByte('x');

    // When
    new ErrorResponse(SqlState.CANNOT_CONNECT_NOW, "wäit").encode(out);

    // Then
    String expected = "xE\0\0\0\41SFATAL\0VFATAL\0C57P03\0Mw\u00c3\u00a4it\0\0";
    assertArrayEquals(expected.getBytes(StandardCharsets.ISO_8859_1), ByteBufUtil.getBytes(out));
  }

  @Test
  void aMessageCannotEndEarly() {
    assertThrows(
        IllegalArgumentException.class,
        () -> new ErrorResponse(SqlState.TOO_MANY_CONNECTIONS, "a\0b"));
  }
}
