package dev.outrider.metrics.proxy;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.outrider.agents.config.ConfigException;
import dev.outrider.agents.config.ConfigTree;
import dev.outrider.agents.config.HostPort;
import dev.outrider.agents.config.ProxyConfig;
import dev.outrider.agents.lifecycle.AgentException;
import dev.outrider.metrics.proxy.fence.BootClock;
import dev.outrider.metrics.proxy.fence.Fence;
import dev.outrider.metrics.proxy.session.Entrance;
import dev.outrider.metrics.proxy.traces.CollectorServer;
import dev.outrider.protocol.backend.BackendMessage;
import dev.outrider.protocol.backend.CommandComplete;
import dev.outrider.protocol.backend.ReadyForQuery;
import dev.outrider.protocol.frontend.FrontendMessage;
import dev.outrider.protocol.frontend.Query;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.channel.EventLoopGroup;
import io.opentelemetry.proto.trace.v1.Span;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.time.Clock;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

@Timeout(60)
class ProxyAgentTest {
  private static ProxyConfig with(ProxyFixture fixture, String path, String value) {
    ConfigTree tree = ProxyFixture.config(fixture.socket, 100).toTree();
    return ProxyConfig.from(tree.with(path, value, "test"));
  }

  @ParameterizedTest
  @EnumSource
  void isNotReadyWhilePostgresIsAwayAndSaysWhy(Transport transport) throws Exception {
    try (ProxyFixture fixture = ProxyFixture.withoutUpstream(transport)) {
      // When nobody is there
      // Then
      ProxyFixture.until(
          () ->
              fixture.proxy.unready().stream()
                  .anyMatch(
                      problem ->
                          problem.what().equals("upstream")
                              && problem.message().equals("no socket at " + fixture.socket)));

      // When a file is there that nobody listens on
      Files.createFile(fixture.socket);

      // Then
      ProxyFixture.until(
          () ->
              fixture.proxy.unready().stream()
                  .anyMatch(
                      problem ->
                          problem
                              .message()
                              .startsWith("cannot connect to unix:" + fixture.socket + ": ")));

      // When somebody listens
      Files.delete(fixture.socket);
      fixture.listen();

      // Then
      ProxyFixture.until(() -> fixture.proxy.unready().isEmpty());
    }
  }

  @Test
  void aReadyProxyDoesNotConnectByItself() throws Exception {
    try (ProxyFixture fixture = ProxyFixture.with(Transport.best())) {
      // When
      for (int probe = 0; probe < 100; probe++) {
        assertTrue(fixture.proxy.unready().isEmpty());
      }

      // Then
      assertTrue(fixture.nobodyConnected());
    }
  }

  @Test
  void movesToANewAddressWithoutEndingSessions() throws Exception {
    try (ProxyFixture fixture = ProxyFixture.with(Transport.best())) {
      // Given
      InetSocketAddress before = fixture.proxy.address();
      Socket client = fixture.connect();
      SocketChannel server = fixture.opaque(client);

      // When
      fixture.proxy.reconfigure(with(fixture, "listen", "localhost:0"));

      // Then
      assertThrows(SocketException.class, () -> fixture.connect(before));
      assertTrue(fixture.opaque(fixture.connect()).isConnected());
      ProxyFixture.write(server, new byte[] {'z'});
      assertEquals('z', client.getInputStream().read());
    }
  }

  @Test
  void theEntranceForThePrimaryComesAndMovesAndGoesWithoutEndingSessions() throws Exception {
    try (ProxyFixture fixture = ProxyFixture.with(Transport.best())) {
      // Given
      InetSocketAddress listen = fixture.proxy.address();

      // When
      fixture.proxy.reconfigure(with(fixture, "primary.listen", "127.0.0.1:0"));
      // Then
      InetSocketAddress before = fixture.proxy.address(Entrance.PRIMARY);
      Socket client = fixture.connect(before);
      SocketChannel server = fixture.opaque(client);

      // When
      fixture.proxy.reconfigure(with(fixture, "primary.listen", "localhost:0"));
      // Then
      assertThrows(SocketException.class, () -> fixture.connect(before));
      InetSocketAddress after = fixture.proxy.address(Entrance.PRIMARY);
      assertTrue(fixture.opaque(fixture.connect(after)).isConnected());

      // When
      fixture.proxy.reconfigure(ProxyFixture.config(fixture.socket, 100));
      // Then
      assertThrows(SocketException.class, () -> fixture.connect(after));
      assertEquals(listen, fixture.proxy.address());
      assertTrue(fixture.opaque(fixture.connect()).isConnected());
      ProxyFixture.write(server, new byte[] {'z'});
      assertEquals('z', client.getInputStream().read());
      assertTrue(fixture.proxy.unready().isEmpty());
    }
  }

  @Test
  void anEntranceForThePrimaryThatIsTakenChangesNothing() throws Exception {
    try (ProxyFixture fixture = ProxyFixture.with(Transport.best());
        ServerSocket taken = new ServerSocket(0)) {
      // Given
      InetSocketAddress before = fixture.proxy.address();
      String address = "127.0.0.1:" + taken.getLocalPort();
      ConfigTree both =
          with(fixture, "listen", "localhost:0").toTree().with("primary.listen", address, "test");

      // When
      AgentException error =
          assertThrows(
              AgentException.class, () -> fixture.proxy.reconfigure(ProxyConfig.from(both)));

      // Then
      assertTrue(
          String.valueOf(error.getMessage())
              .startsWith("primary.listen: cannot listen on " + address),
          error.getMessage());
      assertEquals(before, fixture.proxy.address());
      assertTrue(fixture.opaque(fixture.connect()).isConnected());
    }
  }

  @Test
  void aDrainFreesTheEntranceForThePrimaryToo() throws Exception {
    try (ProxyFixture fixture =
        ProxyFixture.with(Transport.best(), Map.of("primary.listen", "127.0.0.1:0"))) {
      // Given
      InetSocketAddress address = fixture.proxy.address(Entrance.PRIMARY);
      Socket client = fixture.connect(address);
      client.getOutputStream().write(RefusalTest.startup());
      SocketChannel _ = fixture.acceptUpstream(RefusalTest.startup());
      AtomicBoolean drained = new AtomicBoolean();

      // When
      fixture.proxy.drain(() -> drained.set(true));

      // Then
      RefusalTest.assertError(
          "57P03", "the proxy is shutting down; try again", client.getInputStream());
      ProxyFixture.until(drained::get);
      ProxyFixture.until(
          () -> {
            try {
              fixture.connect(address).close();
              return false;
            } catch (IOException e) {
              return true;
            }
          });
    }
  }

  @Test
  void anAddressThatIsTakenIsRefusedAndTheOldOneStays() throws Exception {
    try (ProxyFixture fixture = ProxyFixture.with(Transport.best());
        ServerSocket taken = new ServerSocket(0)) {
      // Given
      String address = "127.0.0.1:" + taken.getLocalPort();

      // When
      AgentException error =
          assertThrows(
              AgentException.class,
              () -> fixture.proxy.reconfigure(with(fixture, "listen", address)));

      // Then
      assertTrue(
          String.valueOf(error.getMessage()).startsWith("listen: cannot listen on " + address),
          error.getMessage());
      assertTrue(fixture.opaque(fixture.connect()).isConnected());
    }
  }

  @ParameterizedTest
  @EnumSource
  void nobodyIsTakenInAtANewAddressBeforeAllIsReadyForThem(Transport transport) throws Exception {
    EventLoopGroup loops = transport.eventLoops(1, () -> {});
    AtomicInteger accepted = new AtomicInteger();
    try (Listener listener =
        Listener.bind(
            "listen",
            new HostPort("127.0.0.1", 0),
            transport,
            loops,
            new ProxyMetrics(
                new PrometheusRegistry(),
                () -> 0,
                new Fence(null, BootClock.system(), System::nanoTime, Clock.systemUTC()),
                () -> null),
            _ -> accepted.incrementAndGet())) {
      // Given
      InetSocketAddress address = listener.address();
      Socket client = new Socket(address.getAddress(), address.getPort());
      // What it did of itself, it has done by now.
      for (int task = 0; task < 100; task++) {
        loops.next().submit(() -> {}).sync();
      }
      assertEquals(0, accepted.get());

      // When
      listener.open();

      // Then
      ProxyFixture.until(() -> accepted.get() == 1);
      client.close();
    } finally {
      loops.shutdownGracefully(0, 1, TimeUnit.SECONDS).sync();
    }
  }

  @Test
  void newSessionsGoToANewUpstream() throws Exception {
    try (ProxyFixture fixture = ProxyFixture.with(Transport.best());
        ServerSocket other = new ServerSocket(0)) {
      // When
      fixture.proxy.reconfigure(with(fixture, "upstream", "127.0.0.1:" + other.getLocalPort()));
      byte[] startup = RefusalTest.startup();
      fixture.connect().getOutputStream().write(startup);

      // Then
      try (Socket session = other.accept()) {
        assertArrayEquals(startup, session.getInputStream().readNBytes(startup.length));
      }
    }
  }

  @Test
  void theNumberOfEventLoopsStaysUntilARestart() throws Exception {
    try (ProxyFixture fixture = ProxyFixture.with(Transport.best())) {
      // When
      ConfigException error =
          assertThrows(
              ConfigException.class,
              () -> fixture.proxy.reconfigure(with(fixture, "eventLoops", "3")));

      // Then
      assertEquals(
          "eventLoops: is 2 until a restart, so it cannot become 3 now", error.getMessage());
    }
  }

  private static byte[] bytes(FrontendMessage message) {
    ByteBuf out = Unpooled.buffer();
    message.encode(out);
    return ByteBufUtil.getBytes(out);
  }

  private static void send(SocketChannel server, BackendMessage... messages) throws IOException {
    ByteBuf out = Unpooled.buffer();
    for (BackendMessage message : messages) {
      message.encode(out);
    }
    ByteBuffer bytes = out.nioBuffer();
    while (bytes.hasRemaining()) {
      server.write(bytes);
    }
  }

  @Test
  void tracesAreTakenUpWithoutARestart() throws Exception {
    byte[] query =
        bytes(
            new Query(
                Unpooled.copiedBuffer(
                    "select 1 /*traceparent='00-0af7651916cd43dd8448eb211c80319c-"
                        + "b7ad6b7169203331-01'*/",
                    StandardCharsets.UTF_8)));
    ReadyForQuery ready = new ReadyForQuery(ReadyForQuery.Status.IDLE);
    try (CollectorServer collector = new CollectorServer();
        ProxyFixture fixture = ProxyFixture.with(Transport.best());
        Socket client = fixture.connect()) {
      // Given
      byte[] startup = RefusalTest.startup();
      client.getOutputStream().write(startup);
      try (SocketChannel server = fixture.acceptUpstream()) {
        ProxyFixture.read(server, startup.length);
        send(server, ready);

        // When
        fixture.proxy.reconfigure(with(fixture, "traces.endpoint", collector.endpoint()));
        client.getOutputStream().write(query);
        ProxyFixture.read(server, query.length);
        send(server, new CommandComplete("SELECT 1"), ready);

        // Then
        Span span = collector.next().spans().getFirst();
        assertTrue(span.getName().startsWith("SELECT "), span.getName());
        assertTrue(span.toString().contains("127.0.0.1"), span::toString);

        // When
        fixture.proxy.reconfigure(ProxyFixture.config(fixture.socket, 100));

        // Then
        assertTrue(fixture.proxy.warnings().isEmpty());
      }
    }
  }
}
