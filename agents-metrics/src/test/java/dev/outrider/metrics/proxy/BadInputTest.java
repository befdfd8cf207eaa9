package dev.outrider.metrics.proxy;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.Socket;
import java.net.SocketException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What no client of the protocol sends. */
@Timeout(60)
class BadInputTest {
  private static void assertServes(ProxyFixture fixture) throws IOException {
    try (Socket client = fixture.connect();
        SocketChannel server = fixture.opaque(client)) {
      ProxyFixture.write(server, new byte[] {'y'});
      assertEquals('y', client.getInputStream().read());
    }
    assertNull(fixture.crash.get());
  }

  @ParameterizedTest
  @CsvSource({
    "7fffffff00030000, 08P01, invalid length of startup packet",
    "ffffffff00030000, 08P01, invalid length of startup packet",
    "00000003,         08P01, invalid length of startup packet",
    "00000000,         08P01, invalid length of startup packet",
    "0000271500030000, 08P01, invalid length of startup packet",
    "6761726261676521, 08P01, invalid length of startup packet",
    "0000000900020000ff, 0A000, unsupported frontend protocol 2.0 (expected: 3.0 or a later 3)",
    "0000000804d216f3, 0A000, unsupported frontend protocol 1234.5875 (expected: 3.0 or a later 3)",
    "0000000900030000ff, 08P01, 'invalid startup packet layout: StartupMessage.parameters: 1 bytes"
        + " without a terminator (expected: a string that ends)'",
    "000000090003000000, 28000, no PostgreSQL user name specified in startup packet",
    "0000000904d2162f00, 08P01, 'invalid startup packet layout: OpeningRequest: 1 bytes more than"
        + " its fields (expected: none)'"
  })
  void aClientReadsWhatIsWrongWithItsStart(String hex, String sqlState, String message)
      throws Exception {
    try (ProxyFixture fixture = ProxyFixture.with(Transport.best())) {
      // Given
      Socket client = fixture.connect();

      // When
      client.getOutputStream().write(HexFormat.of().parseHex(hex));

      // Then
      RefusalTest.assertError(sqlState, message, client.getInputStream());
      assertEquals(1, fixture.counter("outrider_proxy_refused", "reason", "protocol"));
      assertTrue(fixture.nobodyConnected());
      assertServes(fixture);
    }
  }

  @Test
  void httpIsAnsweredInHttp() throws Exception {
    try (ProxyFixture fixture = ProxyFixture.with(Transport.best())) {
      // Given
      Socket client = fixture.connect();

      // When
      client.getOutputStream().write("GET / HTTP/1.1\r\nHost: db\r\n\r\n".getBytes(ISO_8859_1));

      // Then
      String answer = new String(client.getInputStream().readAllBytes(), ISO_8859_1);
      assertTrue(answer.startsWith("HTTP/1.1 400 Bad Request\r\n"), answer);
      assertTrue(answer.contains("PostgreSQL"), answer);
      assertEquals(1, fixture.counter("outrider_proxy_refused", "reason", "http"));
    }
  }

  @Test
  void clientsThatNeverSpeakKeepNobodyOut() throws Exception {
    try (ProxyFixture fixture = ProxyFixture.with(Transport.best(), 10)) {
      // Given
      List<Socket> silent = new ArrayList<>();
      for (int i = 0; i < 400; i++) {
        silent.add(fixture.connect());
      }
      ProxyFixture.until(() -> fixture.counter("outrider_proxy_connections") == 400);

      // Then
      assertServes(fixture);
      ProxyFixture.until(
          () -> fixture.counter("outrider_proxy_refused", "reason", "crowd") == 400 - 266 + 1);
      assertEquals(-1, silent.get(0).getInputStream().read());
    }
  }

  @Test
  void startUpPacketsThatNeverEndHoldABoundedMemory() throws Exception {
    try (ProxyFixture fixture = ProxyFixture.with(Transport.best())) {
      // Given 3 MB of packets that all lack their last byte
      byte[] packet = new byte[10_000];
      packet[2] = 0x27;
      packet[3] = 0x11;
      packet[5] = 3;
      List<Socket> clients = new ArrayList<>();
      for (int i = 0; i < 300; i++) {
        Socket client = fixture.connect();
        client.getOutputStream().write(packet);
        clients.add(client);
      }

      // Then those that hold the most make room, and others are served
      ProxyFixture.until(
          () -> fixture.counter("outrider_proxy_refused", "reason", "crowd") >= 300 - 210);
      assertServes(fixture);
      assertEquals(90, fixture.counter("outrider_proxy_refused", "reason", "crowd"), 5);
      for (Socket client : clients) {
        client.close();
      }
    }
  }

  @Test
  void anyFirstByteAndAnyCutDisturbNobody() throws Exception {
    long seed = new Random().nextLong();
    System.out.println("BadInputTest: seed " + seed);
    Random random = new Random(seed);
    try (ProxyFixture fixture = ProxyFixture.with(Transport.best())) {
      for (int first = 0; first < 256; first++) {
        // When: a start of which the first byte, and perhaps more, is anything
        byte[] bytes = RefusalTest.startup();
        bytes[0] = (byte) first;
        for (int i = random.nextInt(3); i > 0; i--) {
          bytes[random.nextInt(bytes.length)] = (byte) random.nextInt(256);
        }
        try (Socket client = fixture.connect()) {
          int cut = random.nextInt(bytes.length + 1);
          client.getOutputStream().write(bytes, 0, cut);
          client.getOutputStream().write(bytes, cut, bytes.length - cut);
        } catch (SocketException e) {
          // Closed after the first part.
        }
      }

      // Then
      ProxyFixture.until(() -> hasEnded(fixture));
      assertServes(fixture);
    }
  }

  /** Some were sessions, and end with Postgres. */
  private static boolean hasEnded(ProxyFixture fixture) {
    try {
      return fixture.nobodyConnected() && fixture.gauge("outrider_proxy_open_connections") == 0;
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void anyTypeOfMessageIsPassedOn() throws Exception {
    long seed = new Random().nextLong();
    System.out.println("BadInputTest: seed " + seed);
    Random random = new Random(seed);
    try (ProxyFixture fixture = ProxyFixture.with(Transport.best())) {
      for (int type = 0; type < 256; type++) {
        // Given
        try (Socket client = fixture.connect()) {
          byte[] startup = RefusalTest.startup();
          client.getOutputStream().write(startup);
          try (SocketChannel server = fixture.acceptUpstream(startup)) {
            // When
            byte[] message =
                ByteBuffer.allocate(9)
                    .put((byte) type)
                    .putInt(random.nextBoolean() ? 8 : random.nextInt())
                    .putInt(random.nextInt())
                    .array();
            int cut = 1 + random.nextInt(8);
            client.getOutputStream().write(message, 0, cut);
            client.getOutputStream().write(message, cut, 9 - cut);

            // Then
            assertArrayEquals(message, ProxyFixture.read(server, 9));
          }
        }
      }
      assertServes(fixture);
    }
  }
}
