package dev.outrider.metrics.proxy.session;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.outrider.protocol.backend.Authentication;
import dev.outrider.protocol.backend.BackendKeyData;
import dev.outrider.protocol.backend.ParameterStatus;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class LogInTest {
  private static final byte[] READY = {'Z', 0, 0, 0, 5, 'I'};

  @ParameterizedTest
  @ValueSource(ints = {4, 32, 256})
  void theKeyIsFoundWhereverTheStartIsCut(int keyLength) {
    // Given
    ByteBuf key = Unpooled.buffer().writeZero(keyLength - 1).writeByte(7);
    ByteBuf all = Unpooled.buffer();
    new Authentication.Sasl(List.of("SCRAM-SHA-256")).encode(all);
    new Authentication.Ok().encode(all);
    new BackendKeyData(4711, key).encode(all);
    all.writeBytes(READY);
    for (int cut = 1; cut < all.readableBytes(); cut++) {
      LogIn login = new LogIn();

      // When
      login.backend(all.slice(0, cut));
      assertFalse(login.isReady());
      login.backend(all.slice(cut, all.readableBytes() - cut));

      // Then
      assertTrue(login.isAuthenticated() && login.isReady());
      assertEquals(4711, login.process());
      ByteBuf cancel =
          Unpooled.buffer()
              .writeInt(12 + keyLength)
              .writeInt(80877102)
              .writeInt(4711)
              .writeBytes(key.slice());
      byte[] expected = new byte[cancel.readableBytes()];
      cancel.readBytes(expected);
      assertArrayEquals(expected, login.cancelRequest());
    }
  }

  @ParameterizedTest
  @CsvSource({
    "in_hot_standby, on, true",
    "in_hot_standby, off, false",
    "in_hot_standby, of, false",
    "in_hot_standby, no, false",
    "in_hot_standby, onn, false",
    "in_hot_standby_, on, false",
    "in_hot_standby_, o, false",
    "in_hot_standb, yon, false",
    "iin_hot_standb, on, false",
    "TimeZone, Asia/Oman, false",
    "default_transaction_read_only, on, false"
  })
  void aStandbyIsSeenWhereverTheStartIsCut(String name, String value, boolean standby) {
    // Given
    ByteBuf all = Unpooled.buffer();
    new Authentication.Ok().encode(all);
    new ParameterStatus("server_version", "18.0").encode(all);
    new ParameterStatus(name, value).encode(all);
    new ParameterStatus("TimeZone", "Asia/Oman").encode(all);
    all.writeBytes(READY);
    for (int cut = 0; cut <= all.readableBytes(); cut++) {
      LogIn login = new LogIn();

      // When
      login.backend(all.slice(0, cut));
      login.backend(all.slice(cut, all.readableBytes() - cut));

      // Then
      assertEquals(standby, login.isStandby());
    }

    // When each byte comes by itself
    LogIn login = new LogIn();
    for (int i = 0; i < all.readableBytes(); i++) {
      login.backend(all.slice(i, 1));
    }

    // Then
    assertEquals(standby, login.isStandby());
  }

  @Test
  void loginsBeyondTheProxyAreSeen() {
    for (Authentication request :
        List.of(
            new Authentication.Gss(), new Authentication.Sspi(), new Authentication.KerberosV5())) {
      // When
      ByteBuf bytes = Unpooled.buffer();
      request.encode(bytes);
      LogIn login = new LogIn();
      login.backend(bytes);

      // Then
      assertTrue(login.isBeyondProxy());
    }
  }

  @Test
  void keyDataThatCannotBeIsIgnored() {
    // When
    LogIn login = new LogIn();
    login.backend(Unpooled.buffer().writeByte('K').writeInt(300).writeZero(296));
    login.backend(Unpooled.buffer().writeByte('K').writeInt(6).writeZero(2));
    login.backend(Unpooled.wrappedBuffer(READY));

    // Then
    assertTrue(login.isReady());
    assertNull(login.cancelRequest());
  }
}
