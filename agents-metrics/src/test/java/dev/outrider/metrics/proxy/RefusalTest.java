package dev.outrider.metrics.proxy;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What clients are told that cannot be served. */
@Timeout(60)
class RefusalTest {
  private static final String AWAY = "the proxy cannot reach Postgres; try again";

  static byte[] startup() {
    byte[] parameters = "user\0shop\0database\0shop\0\0".getBytes(UTF_8);
    return ByteBuffer.allocate(8 + parameters.length)
        .putInt(8 + parameters.length)
        .putInt(196608)
        .put(parameters)
        .array();
  }

  static byte[] request(int code) {
    return ByteBuffer.allocate(8).putInt(8).putInt(code).array();
  }

  static void assertError(String sqlState, String message, InputStream in) throws IOException {
    byte[] answer = in.readAllBytes();
    assertEquals('E', answer[0]);
    assertEquals(answer.length - 1, ByteBuffer.wrap(answer).getInt(1));
    assertEquals(
        "SFATAL\0VFATAL\0C" + sqlState + "\0M" + message + "\0\0",
        new String(answer, 5, answer.length - 5, UTF_8));
  }

  @ParameterizedTest
  @EnumSource
  void aClientHearsThatPostgresIsAway(Transport transport) throws Exception {
    try (ProxyFixture fixture = ProxyFixture.withoutUpstream(transport)) {
      // Given
      Socket client = fixture.connect();

      // When
      client.getOutputStream().write(startup());

      // Then
      assertError("57P03", AWAY, client.getInputStream());
      assertEquals(1, fixture.counter("outrider_proxy_refused", "reason", "upstream"));
      assertEquals(1, fixture.counter("outrider_proxy_upstream_connect_failures"));
    }
  }

  @ParameterizedTest
  @EnumSource
  void encryptionIsDeclinedFirst(Transport transport) throws Exception {
    try (ProxyFixture fixture = ProxyFixture.withoutUpstream(transport)) {
      // Given
      Socket client = fixture.connect();
      OutputStream out = client.getOutputStream();
      InputStream in = client.getInputStream();

      // When: GSSENCRequest, SSLRequest, StartupMessage, each byte by itself
      for (byte[] message : new byte[][] {request(80877104), request(80877103)}) {
        for (byte one : message) {
          out.write(one);
        }
        // Then
        assertEquals('N', in.read());
      }
      for (byte one : startup()) {
        out.write(one);
      }

      // Then
      assertError("57P03", AWAY, in);
    }
  }

  @ParameterizedTest
  @EnumSource
  void theErrorArrivesWhereverTheStartIsCut(Transport transport) throws Exception {
    try (ProxyFixture fixture = ProxyFixture.withoutUpstream(transport)) {
      byte[] startup = startup();
      for (int cut = 1; cut < startup.length; cut++) {
        // Given
        Socket client = fixture.connect();

        // When
        client.getOutputStream().write(startup, 0, cut);
        client.getOutputStream().write(startup, cut, startup.length - cut);
        client.shutdownOutput();

        // Then
        assertError("57P03", AWAY, client.getInputStream());
        client.close();
      }
    }
  }

  @Test
  void aCancelRequestIsNeverAnswered() throws Exception {
    try (ProxyFixture fixture = ProxyFixture.withoutUpstream(Transport.NIO)) {
      // Given
      Socket client = fixture.connect();

      // When
      client.getOutputStream().write(ByteBuffer.allocate(16).putInt(16).putInt(80877102).array());

      // Then
      assertEquals(-1, client.getInputStream().read());
    }
  }

  @ParameterizedTest
  @EnumSource
  void oneClientTooManyIsTold(Transport transport) throws Exception {
    try (ProxyFixture fixture = ProxyFixture.with(transport, 1)) {
      // Given
      Socket first = fixture.connect();
      first.getOutputStream().write(startup());
      SocketChannel server = fixture.acceptUpstream();

      // When
      Socket second = fixture.connect();
      second.getOutputStream().write(startup());

      // Then
      assertError(
          "53300",
          "the proxy has as many clients as it may have (maxConnections)",
          second.getInputStream());
      assertTrue(fixture.nobodyConnected());
      ProxyFixture.write(server, new byte[] {'R'});
      assertEquals('R', first.getInputStream().read());
    }
  }
}
