package dev.outrider.metrics.proxy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.outrider.agents.AgentCommand.Surroundings;
import dev.outrider.agents.config.ConfigTree;
import dev.outrider.agents.config.ProxyConfig;
import dev.outrider.agents.log.AgentLog;
import dev.outrider.metrics.proxy.recorded.Corpus;
import dev.outrider.metrics.proxy.recorded.PlainCount;
import dev.outrider.metrics.proxy.recorded.Player;
import dev.outrider.metrics.proxy.recorded.RawClient;
import dev.outrider.metrics.proxy.recorded.RecordedSession;
import dev.outrider.metrics.proxy.recorded.Series;
import dev.outrider.metrics.proxy.recorded.StatementsWithValues;
import dev.outrider.metrics.proxy.tls.Authority;
import dev.outrider.metrics.proxy.wire.Replay;
import dev.outrider.protocol.sql.Fingerprinter;
import io.netty.buffer.Unpooled;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.MetricSnapshot;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.TreeMap;
import java.util.function.IntBinaryOperator;
import java.util.function.IntUnaryOperator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.event.Level;

/** Sessions of real clients with a real Postgres, recorded here and now, and then cut anywhere. */
@Timeout(600)
class RecordedSessionsIT {
  private static final int SSL_REQUEST = 80877103;

  private static @Nullable RealPostgres server;
  private static @Nullable Corpus corpus;
  private static List<RecordedSession> sessions = List.of();

  @BeforeAll
  static void record() throws Exception {
    RealPostgres postgres = RealPostgres.start();
    server = postgres;
    Corpus recording = new Corpus(postgres);
    corpus = recording;
    sessions = recording.record();
  }

  @AfterAll
  static void stop() throws Exception {
    if (corpus != null) {
      corpus.close();
    }
    if (server != null) {
      server.close();
    }
  }

  /** Only its name is the proxy's: how often and with what result it was executed is not. */
  private static String fingerprint(String statement) {
    // With the limits of the proxy.
    Fingerprinter fingerprinter = new Fingerprinter(64 << 10, 4 << 10);
    assertEquals(
        1, fingerprinter.read(Unpooled.copiedBuffer(statement, StandardCharsets.UTF_8)), statement);
    return String.format(Locale.ROOT, "%016x", fingerprinter.hash(0));
  }

  @Test
  void cutAnywhereTheFiguresAreThoseOfAPlainCount() {
    long seed = Long.getLong("fuzz.seed", System.nanoTime());
    System.out.println("RecordedSessionsIT: -Dfuzz.seed=" + seed);
    Random random = new Random(seed);
    int bytes = 0;
    for (RecordedSession session : sessions) {
      // Given
      Map<String, Long> expected = PlainCount.of(session).figures(RecordedSessionsIT::fingerprint);
      Replay whole = new Replay(session, (at, left) -> left);
      assertEquals(expected, whole.figures(), session::name);

      // Then: cut once, at each byte
      bytes += session.length();
      for (int cut = 1; cut < session.length(); cut++) {
        int where = cut;
        same(whole, session, (at, left) -> at < where ? Math.min(where - at, left) : left);
      }
      // Then: cut at all bytes, and at random
      same(whole, session, (at, left) -> 1);
      for (int round = 0; round < 50; round++) {
        int most = 1 << random.nextInt(8);
        same(whole, session, (at, left) -> 1 + random.nextInt(Math.min(left, most)));
      }
    }
    System.out.println("RecordedSessionsIT: " + sessions.size() + " sessions, " + bytes + " bytes");
    assertTrue(sessions.size() > 15);
  }

  private interface Connector {
    RawClient connect() throws Exception;
  }

  @Test
  void throughTheProxyPostgresSaysWhatItSaysDirectly(@TempDir Path folder) throws Exception {
    // Given
    RealPostgres postgres = Objects.requireNonNull(server);
    Corpus tables = Objects.requireNonNull(corpus);
    Authority authority = new Authority("test");
    authority
        .identity("CN=proxy", "localhost", Duration.ofDays(30))
        .write(folder.resolve("tls.crt"), folder.resolve("tls.key"));
    long seed = Long.getLong("fuzz.seed", System.nanoTime());
    System.out.println("RecordedSessionsIT: -Dfuzz.seed=" + seed);
    Random random = new Random(seed);
    for (RecordedSession session : sessions) {
      if (!session.repeatable()) {
        continue;
      }
      Player player = new Player(session);
      tables.reset();
      byte[] direct = play(player, () -> RawClient.unix(postgres.socket()));
      Map<String, Long> expected =
          PlainCount.of(player.said(), direct).figures(RecordedSessionsIT::fingerprint);
      // Its sessions are over.
      expected.remove("prepared_statements");
      PrometheusRegistry metrics = new PrometheusRegistry();
      ProxyAgent proxy = proxy(postgres, Map.of(), folder, metrics);
      try {
        // When
        tables.reset();
        byte[] proxied = play(player, () -> plain(proxy, random));
        tables.reset();
        byte[] encrypted = play(player, () -> encrypted(proxy, random, authority));

        // Then
        assertEquals(text(direct), text(proxied), session::name);
        assertEquals(text(direct), text(encrypted), session::name);
        ProxyFixture.until(() -> open(metrics) == 0);
        Map<String, Long> twice = new TreeMap<>();
        expected.forEach((name, count) -> twice.put(name, 2 * count));
        twice.put("sessions none", 1L);
        twice.put("sessions tls", 1L);
        assertEquals(twice, Series.of(metrics.scrape()), session::name);
      } finally {
        proxy.stop();
      }
    }
  }

  @Test
  void noValueOfAStatementIsEverShown(@TempDir Path folder) throws Exception {
    // Given
    RealPostgres postgres = Objects.requireNonNull(server);
    Objects.requireNonNull(corpus).reset();
    long seed = Long.getLong("fuzz.seed", System.nanoTime());
    System.out.println("RecordedSessionsIT: -Dfuzz.seed=" + seed);
    Random random = new Random(seed);
    StatementsWithValues statements = new StatementsWithValues(random);
    PrometheusRegistry metrics = new PrometheusRegistry();
    ByteArrayOutputStream log = new ByteArrayOutputStream();
    try (AutoCloseable _ = AgentLog.divert("proxy", Level.INFO, log, InstantSource.system())) {
      ProxyAgent proxy =
          proxy(
              postgres,
              Map.of("metrics.maxFingerprints", "500", "logConnections", "true"),
              folder,
              metrics);
      int taken = 0;
      int sent = 0;
      // When
      for (int round = 0; round < 8; round++) {
        try (RawClient client = plain(proxy, random).start()) {
          for (int kind = 0; kind < StatementsWithValues.kinds(); kind++) {
            String statement = statements.taken(kind);
            boolean together = random.nextBoolean() || statement.contains(";");
            taken += client.says(statement, together, statements.value()) ? 1 : 0;
            sent++;
            if (random.nextInt(4) == 0) {
              boolean _ = client.says(statements.refused(), random.nextBoolean(), "");
            }
            boolean _ = client.says("rollback", true, "");
          }
        }
      }

      // Then
      ProxyFixture.until(() -> open(metrics) == 0);
      String table = page(proxy, false);
      String json = page(proxy, true);
      proxy.stop();
      assertEquals("", StatementsWithValues.shown(table), table);
      assertEquals("", StatementsWithValues.shown(json), json);
      StringBuilder scraped = new StringBuilder();
      for (MetricSnapshot metric : metrics.scrape()) {
        metric.getDataPoints().forEach(point -> scraped.append(point.getLabels()));
      }
      assertEquals("", StatementsWithValues.shown(scraped.toString()), scraped::toString);
      assertEquals("", StatementsWithValues.shown(log.toString(StandardCharsets.UTF_8)));
      // That it would have been seen: most were taken, and texts are shown.
      assertTrue(taken > sent * 3 / 4, taken + " of " + sent);
      assertTrue(table.contains("update recorded set name = $1"), table);
      assertTrue(log.toString(StandardCharsets.UTF_8).contains("connection authorized"));
    }
  }

  private static String page(ProxyAgent proxy, boolean json) {
    return Objects.requireNonNull(proxy.page("/queries", json)).text();
  }

  private static byte[] play(Player player, Connector connector) throws Exception {
    try (RawClient client = connector.connect()) {
      return player.play(client);
    }
  }

  private static double open(PrometheusRegistry metrics) {
    for (MetricSnapshot metric : metrics.scrape()) {
      if (metric instanceof GaugeSnapshot gauge
          && gauge.getMetadata().getName().equals("outrider_proxy_open_connections")) {
        return gauge.getDataPoints().get(0).getValue();
      }
    }
    throw new AssertionError("no number of open connections");
  }

  /** Bytes, one a character. */
  private static String text(byte[] bytes) {
    return new String(bytes, StandardCharsets.ISO_8859_1);
  }

  private static ProxyAgent proxy(
      RealPostgres postgres, Map<String, String> more, Path folder, PrometheusRegistry metrics) {
    Map<String, String> keys = new HashMap<>(more);
    keys.put("listen", "127.0.0.1:0");
    keys.put("upstream", "unix:" + postgres.socket());
    keys.put("eventLoops", "1");
    if (Files.exists(folder.resolve("tls.crt"))) {
      keys.put("tls.mode", "allow");
      keys.put("tls.certificate", folder.resolve("tls.crt").toString());
      keys.put("tls.key", folder.resolve("tls.key").toString());
    }
    ConfigTree tree = ConfigTree.empty();
    for (Map.Entry<String, String> key : keys.entrySet()) {
      tree = tree.with(key.getKey(), key.getValue(), "test");
    }
    ProxyAgent proxy =
        new ProxyAgent(
            ProxyConfig.from(tree),
            new Surroundings(metrics, Clock.systemUTC(), error -> {}),
            Transport.best());
    proxy.start();
    ProxyFixture.until(() -> proxy.unready().isEmpty());
    return proxy;
  }

  private static IntUnaryOperator pieces(Random random) {
    return left -> 1 + random.nextInt(Math.min(left, 1 << random.nextInt(12)));
  }

  private static RawClient plain(ProxyAgent proxy, Random random) throws IOException {
    CutSocket socket = new CutSocket(proxy.address(), pieces(random));
    return new RawClient(socket.getInputStream(), socket.getOutputStream(), socket);
  }

  /** Records as long as chance will have them, and these in pieces. */
  private static RawClient encrypted(ProxyAgent proxy, Random random, Authority authority)
      throws Exception {
    CutSocket socket = new CutSocket(proxy.address(), pieces(random));
    socket.getOutputStream().write(RefusalTest.request(SSL_REQUEST));
    assertEquals('S', socket.getInputStream().read());
    Socket encrypted =
        authority
            .client(null)
            .getSocketFactory()
            .createSocket(socket, "localhost", socket.getPort(), true);
    return new RawClient(
        encrypted.getInputStream(),
        CutSocket.cut(encrypted.getOutputStream(), pieces(random)),
        encrypted);
  }

  private static void same(Replay whole, RecordedSession session, IntBinaryOperator pieces) {
    Replay cut = new Replay(session, pieces);
    if (cut.digest() != whole.digest()) {
      assertEquals(whole.figures(), cut.figures(), session::name);
      throw new AssertionError("other figures, with the same metrics: " + session);
    }
  }
}
