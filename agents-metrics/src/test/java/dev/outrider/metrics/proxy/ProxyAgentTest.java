package dev.outrider.metrics.proxy;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.outrider.agents.config.ConfigException;
import dev.outrider.agents.config.ConfigTree;
import dev.outrider.agents.config.ProxyConfig;
import dev.outrider.agents.lifecycle.AgentException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
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
}
