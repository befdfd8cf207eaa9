package dev.outrider.metrics.proxy;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.UnixOperatingSystemMXBean;
import dev.outrider.agents.config.ProxyConfig;
import dev.outrider.protocol.backend.Authentication;
import dev.outrider.protocol.backend.BackendKeyData;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Clients that vanish, dawdle, come by way of a load balancer, or may not come at all. */
@Timeout(60)
class ClientsTest {
  private static final byte[] QUERY = {'Q', 0, 0, 0, 6, 'x', 0};
  private static final byte[] TERMINATE = {'X', 0, 0, 0, 4};
  private static final byte[] READY = {'Z', 0, 0, 0, 5, 'I'};
  private static final byte[] KEY = new byte[32];
  private static final int SILENT = 10_000;
  // Three times what was seen, the test's own sockets included; a buffer for each would be more.
  private static final long MOST_MEMORY = 32 << 20;
  private static final byte[] SIGNATURE = {
    0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a
  };

  private static byte[] array(ByteBuf buffer) {
    byte[] array = new byte[buffer.readableBytes()];
    buffer.readBytes(array);
    return array;
  }

  private static byte[] hello() {
    ByteBuf hello = Unpooled.buffer();
    new Authentication.Ok().encode(hello);
    new BackendKeyData(4711, Unpooled.wrappedBuffer(KEY)).encode(hello);
    return array(hello.writeByte('Z').writeInt(5).writeByte('I'));
  }

  private static SocketChannel letIn(ProxyFixture fixture, Socket client) throws Exception {
    byte[] startup = RefusalTest.startup();
    client.getOutputStream().write(startup);
    SocketChannel server = fixture.acceptUpstream(startup);
    ProxyFixture.write(server, hello());
    assertArrayEquals(hello(), client.getInputStream().readNBytes(hello().length));
    return server;
  }

  @ParameterizedTest
  @CsvSource({"EPOLL,true", "EPOLL,false", "NIO,true", "NIO,false"})
  void theQueryOfAClientThatVanishesIsCancelled(Transport transport, boolean reset)
      throws Exception {
    try (ProxyFixture fixture = ProxyFixture.with(transport)) {
      // Given
      Socket client = fixture.connect();
      SocketChannel server = letIn(fixture, client);
      client.getOutputStream().write(QUERY);
      assertArrayEquals(QUERY, ProxyFixture.read(server, QUERY.length));

      // When
      client.setSoLinger(reset, 0);
      client.close();

      // Then
      byte[] expected =
          ByteBuffer.allocate(12 + KEY.length)
              .putInt(12 + KEY.length)
              .putInt(80877102)
              .putInt(4711)
              .array();
      SocketChannel cancel = fixture.acceptUpstream();
      assertArrayEquals(expected, ProxyFixture.read(cancel, expected.length));
      cancel.close();
      ProxyFixture.until(() -> fixture.counter("outrider_proxy_cancelled_queries") == 1);
      assertEquals(0, ProxyFixture.readAll(server).length);
    }
  }

  @ParameterizedTest
  @EnumSource
  void manyThatVanishAtOnceAreNotInTheWayOfWhoComes(Transport transport) throws Exception {
    try (ProxyFixture fixture = ProxyFixture.with(transport)) {
      // Given
      int clients = 40;
      int atOnce = 16;
      List<Socket> vanishing = new ArrayList<>();
      List<SocketChannel> servers = new ArrayList<>();
      for (int i = 0; i < clients; i++) {
        Socket client = fixture.connect();
        SocketChannel server = letIn(fixture, client);
        client.getOutputStream().write(QUERY);
        assertArrayEquals(QUERY, ProxyFixture.read(server, QUERY.length));
        vanishing.add(client);
        servers.add(server);
      }

      // When
      for (int i = 0; i < clients; i++) {
        vanishing.get(i).close();
        assertEquals(0, ProxyFixture.readAll(servers.get(i)).length);
      }

      // Then
      Queue<SocketChannel> cancels = new ArrayDeque<>();
      for (int i = 0; i < atOnce; i++) {
        cancels.add(fixture.acceptUpstream());
      }
      assertTrue(fixture.nobodyConnected());
      for (int i = atOnce; i < clients; i++) {
        SocketChannel cancel = cancels.remove();
        assertEquals(12 + KEY.length, ProxyFixture.read(cancel, 12 + KEY.length).length);
        cancel.close();
        cancels.add(fixture.acceptUpstream());
      }
      for (SocketChannel cancel : cancels) {
        assertEquals(12 + KEY.length, ProxyFixture.read(cancel, 12 + KEY.length).length);
        cancel.close();
      }
      ProxyFixture.until(() -> fixture.counter("outrider_proxy_cancelled_queries") == clients);
    }
  }

  @ParameterizedTest
  @CsvSource({"idle,true", "goodbye,true", "answered,true", "query,false"})
  void nothingElseIsCancelled(String what, boolean cancelOnDisconnect) throws Exception {
    try (ProxyFixture fixture =
        ProxyFixture.with(
            Transport.best(), Map.of("cancelOnDisconnect", String.valueOf(cancelOnDisconnect)))) {
      // Given
      Socket client = fixture.connect();
      SocketChannel server = letIn(fixture, client);
      if (!what.equals("idle")) {
        client.getOutputStream().write(QUERY);
        assertArrayEquals(QUERY, ProxyFixture.read(server, QUERY.length));
      }
      if (what.equals("goodbye")) {
        client.getOutputStream().write(TERMINATE);
        assertArrayEquals(TERMINATE, ProxyFixture.read(server, TERMINATE.length));
      }
      if (what.equals("answered")) {
        ProxyFixture.write(server, READY);
        assertArrayEquals(READY, client.getInputStream().readNBytes(READY.length));
      }

      // When
      client.close();

      // Then
      assertEquals(0, ProxyFixture.readAll(server).length);
      server.close();
      assertTrue(fixture.nobodyConnected());
      assertEquals(0, fixture.counter("outrider_proxy_cancelled_queries"));
    }
  }

  @ParameterizedTest
  @CsvSource({"0", "5", "all"})
  void whoeverDawdlesIsClosed(String sent) throws Exception {
    try (ProxyFixture fixture =
        ProxyFixture.with(Transport.best(), Map.of("startupTimeout", "1s"))) {
      // Given
      Socket client = fixture.connect();
      byte[] startup = RefusalTest.startup();

      // When: nothing, half a start-up, or all of it to a Postgres that does not answer
      client
          .getOutputStream()
          .write(startup, 0, sent.equals("all") ? startup.length : Integer.parseInt(sent));

      // Then
      assertEquals(-1, client.getInputStream().read());
      assertEquals(1, fixture.counter("outrider_proxy_refused", "reason", "silence"));
    }
  }

  @Test
  void whoeverIsLetInMayBeSilent() throws Exception {
    try (ProxyFixture fixture =
        ProxyFixture.with(Transport.best(), Map.of("startupTimeout", "1s"))) {
      // Given
      Socket client = fixture.connect();
      SocketChannel server = letIn(fixture, client);

      // When: another one is closed that began later
      Socket silent = fixture.connect();
      assertEquals(-1, silent.getInputStream().read());

      // Then
      client.getOutputStream().write(QUERY);
      assertArrayEquals(QUERY, ProxyFixture.read(server, QUERY.length));
    }
  }

  @Test
  @Timeout(180)
  void tenThousandThatNeverSpeakDisturbNobodyAndCostLittle() throws Exception {
    // Given
    int most = ProxyConfig.DEFAULTS.maxConnections();
    int wait = most + 256;
    Assumptions.assumeTrue(
        filesLeft() > SILENT + wait + 500,
        "a process may open too few files here: ulimit -n tells how many");
    try (ProxyFixture fixture =
        ProxyFixture.with(
            Transport.best(),
            // So long that on a slow machine nobody is closed for the time alone.
            Map.of("maxConnections", String.valueOf(most), "startupTimeout", "10m"))) {
      Socket client = fixture.connect();
      SocketChannel server = letIn(fixture, client);
      long before = ProxyFixture.memory();
      List<SocketChannel> silent = new ArrayList<>();
      try {
        // When
        for (int i = 0; i < SILENT; i++) {
          SocketChannel one = SocketChannel.open();
          silent.add(one);
          one.bind(new InetSocketAddress("127.0.0." + (2 + i % 8), 0));
          one.connect(fixture.proxy.address());
          if (i % 100 == 0) {
            ask(client, server);
          }
        }

        // Then
        ProxyFixture.until(
            () -> fixture.counter("outrider_proxy_refused", "reason", "crowd") == SILENT - wait);
        ProxyFixture.until(() -> fixture.gauge("outrider_proxy_open_connections") == 1.0 + wait);
        long cost = ProxyFixture.memory() - before;
        assertTrue(cost < MOST_MEMORY, cost + " bytes");
        ask(client, server);
        Socket other = fixture.connect();
        ask(other, letIn(fixture, other));
        assertEquals(-1, silent.get(0).read(ByteBuffer.allocate(1)));
      } finally {
        for (SocketChannel one : silent) {
          one.close();
        }
      }

      // Then
      ProxyFixture.until(() -> fixture.gauge("outrider_proxy_open_connections") == 2);
      ask(client, server);
    }
  }

  private static void ask(Socket client, SocketChannel server) throws IOException {
    client.getOutputStream().write(QUERY);
    assertArrayEquals(QUERY, ProxyFixture.read(server, QUERY.length));
    ProxyFixture.write(server, READY);
    assertArrayEquals(READY, client.getInputStream().readNBytes(READY.length));
  }

  private static long filesLeft() {
    return ManagementFactory.getOperatingSystemMXBean() instanceof UnixOperatingSystemMXBean unix
        ? unix.getMaxFileDescriptorCount() - unix.getOpenFileDescriptorCount()
        : 0;
  }

  @Test
  void loginsThatCannotPassAreRefusedWithTheReason() throws Exception {
    try (ProxyFixture fixture = ProxyFixture.with(Transport.best())) {
      // Given
      Socket client = fixture.connect();
      client.getOutputStream().write(RefusalTest.startup());
      SocketChannel server = fixture.acceptUpstream();

      // When
      ByteBuf gss = Unpooled.buffer();
      new Authentication.Gss().encode(gss);
      ProxyFixture.write(server, array(gss));

      // Then
      RefusalTest.assertError(
          "28000",
          "Postgres asks for a login by GSSAPI or SSPI, which cannot pass the proxy (expected: a"
              + " password method in pg_hba.conf)",
          client.getInputStream());
      assertEquals(1, fixture.counter("outrider_proxy_refused", "reason", "login"));
    }
  }

  @Test
  void usersAndAddressesThatMayNotComeDoNotReachPostgres() throws Exception {
    try (ProxyFixture fixture =
        ProxyFixture.with(
            Transport.best(),
            Map.of("access", "[{action: allow, from: [192.0.2.0/24]}]", "refusedUsers", "root"))) {
      // When
      Socket client = fixture.connect();
      client.getOutputStream().write(RefusalTest.startup());

      // Then
      RefusalTest.assertError(
          "28000",
          "the proxy has no access rule for connection from host \"127.0.0.1\", user \"shop\","
              + " database \"shop\", no encryption",
          client.getInputStream());
      assertEquals(1, fixture.counter("outrider_proxy_refused", "reason", "access"));
      assertTrue(fixture.nobodyConnected());

      // When
      Socket cancel = fixture.connect();
      byte[] request = ByteBuffer.allocate(16).putInt(16).putInt(80877102).array();
      cancel.getOutputStream().write(request);
      // Then
      assertArrayEquals(request, ProxyFixture.read(fixture.acceptUpstream(), 16));
    }
  }

  @Test
  void whoHasConnectedBeforeAChangeAndBeginsAfterItMeetsTheNewRules() throws Exception {
    try (ProxyFixture fixture = ProxyFixture.with(Transport.best())) {
      // Given
      Socket client = fixture.connect();
      ProxyFixture.until(() -> fixture.counter("outrider_proxy_connections") == 1);

      // When
      fixture.proxy.reconfigure(
          ProxyConfig.from(
              ProxyFixture.config(fixture.socket, 100)
                  .toTree()
                  .with("access", "[{action: reject, users: [shop]}]", "test")));
      client.getOutputStream().write(RefusalTest.startup());

      // Then
      RefusalTest.assertError(
          "28000",
          "the proxy's access rules reject connection from host \"127.0.0.1\", user \"shop\","
              + " database \"shop\", no encryption",
          client.getInputStream());
    }
  }

  /** A header of version 2: PROXY over TCP with IPv4, or LOCAL. */
  private static byte[] header(boolean local, int... address) {
    ByteBuffer header = ByteBuffer.allocate(28);
    header.put(SIGNATURE).put((byte) (local ? 0x20 : 0x21)).put((byte) 0x11).putShort((short) 12);
    for (int part : address) {
      header.put((byte) part);
    }
    return header
        .put(new byte[] {10, 0, 0, 1})
        .putShort((short) 40000)
        .putShort((short) 5432)
        .array();
  }

  @ParameterizedTest
  @EnumSource
  void behindALoadBalancerItsHeaderTellsWhoTheClientIs(Transport transport) throws Exception {
    try (ProxyFixture fixture =
        ProxyFixture.with(
            transport,
            Map.of(
                "proxyProtocol.trusted",
                "127.0.0.0/8",
                "access",
                "[{action: allow, from: [192.0.2.7]}]"))) {
      // When: byte by byte
      Socket client = fixture.connect();
      for (byte one : header(false, 192, 0, 2, 7)) {
        client.getOutputStream().write(one);
      }
      // Then
      SocketChannel server = letIn(fixture, client);
      client.getOutputStream().write(QUERY);
      assertArrayEquals(QUERY, ProxyFixture.read(server, QUERY.length));

      // When: header and start-up at once
      Socket other = fixture.connect();
      byte[] header = header(false, 192, 0, 2, 8);
      byte[] startup = RefusalTest.startup();
      other
          .getOutputStream()
          .write(
              ByteBuffer.allocate(header.length + startup.length).put(header).put(startup).array());
      // Then
      RefusalTest.assertError(
          "28000",
          "the proxy has no access rule for connection from host \"192.0.2.8\", user \"shop\","
              + " database \"shop\", no encryption",
          other.getInputStream());

      // When: the balancer itself
      Socket local = fixture.connect();
      local.getOutputStream().write(header(true, 0, 0, 0, 0));
      local.getOutputStream().write(startup);
      // Then
      RefusalTest.assertError(
          "28000",
          "the proxy has no access rule for connection from host \"127.0.0.1\", user \"shop\","
              + " database \"shop\", no encryption",
          local.getInputStream());
    }
  }

  @Test
  void whereAHeaderIsDueNothingElseIsUnderstood() throws Exception {
    try (ProxyFixture fixture =
        ProxyFixture.with(Transport.best(), Map.of("proxyProtocol.trusted", "127.0.0.1"))) {
      // When
      Socket client = fixture.connect();
      client.getOutputStream().write("GET / HTTP/1.1\r\nHost: x\r\n\r\n".getBytes(US_ASCII));

      // Then
      assertEquals(-1, client.getInputStream().read());
      ProxyFixture.until(
          () -> fixture.counter("outrider_proxy_refused", "reason", "protocol") == 1);
    }
  }
}
