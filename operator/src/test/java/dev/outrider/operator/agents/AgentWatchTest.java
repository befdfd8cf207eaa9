package dev.outrider.operator.agents;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsParameters;
import com.sun.net.httpserver.HttpsServer;
import dev.outrider.agents.config.AgentStatus;
import dev.outrider.agents.config.Problem;
import dev.outrider.operator.agents.AgentWatch.Pace;
import dev.outrider.operator.model.AgentReading;
import dev.outrider.operator.model.Example;
import dev.outrider.operator.model.ExamplePod;
import dev.outrider.operator.model.Instance;
import dev.outrider.operator.model.Names;
import dev.outrider.operator.model.Trust;
import dev.outrider.operator.pki.CertificateAuthority;
import dev.outrider.operator.pki.MutualTls;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Against agents that are real TLS servers on loopback. */
class AgentWatchTest {
  private static final Instant LONG_AGO = Instant.parse("2026-11-21T12:00:00Z");
  private static final SecureRandom RANDOM = new SecureRandom();
  private static final Pace QUICK =
      new Pace(
          Duration.ofMillis(20),
          Duration.ofMillis(20),
          Duration.ofMinutes(1),
          Duration.ofMillis(20),
          3,
          Duration.ofSeconds(2));

  /** A cluster's own authority and the certificate that its agents and the operator show. */
  private static Trust trust() {
    Instant now = InstantSource.system().instant();
    CertificateAuthority authority = CertificateAuthority.create("shop.demo", now, RANDOM);
    return new Trust(
        authority,
        authority.issue("shop", List.of("*.shop-pods.demo.svc"), now, RANDOM),
        Example.TRUST.seed());
  }

  private final Trust trust = trust();
  private final BlockingQueue<Names> news = new LinkedBlockingQueue<>();
  private final AgentWatch watch = new AgentWatch(QUICK, InstantSource.system(), news::add);
  private final AtomicInteger requests = new AtomicInteger();
  private volatile byte[] answer = json("ready", "hash");
  private volatile int code = 200;
  private final HttpsServer server = server(trust);

  private static byte[] json(String state, String hash, Problem... problems) {
    return new AgentStatus("proxy", "0.1.0", hash, null, state, LONG_AGO, List.of(problems))
        .toJson()
        .getBytes(StandardCharsets.UTF_8);
  }

  private HttpsServer server(Trust trust) {
    try {
      SSLContext tls = MutualTls.context(trust.authority(), trust.instance());
      HttpsServer made =
          HttpsServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
      made.setHttpsConfigurator(
          new HttpsConfigurator(tls) {
            @Override
            public void configure(HttpsParameters parameters) {
              SSLParameters demanding = tls.getDefaultSSLParameters();
              demanding.setNeedClientAuth(true);
              parameters.setSSLParameters(demanding);
            }
          });
      made.createContext(
          "/status",
          exchange -> {
            requests.incrementAndGet();
            byte[] body = answer;
            exchange.sendResponseHeaders(code, body.length);
            exchange.getResponseBody().write(body);
            exchange.close();
          });
      made.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
      made.start();
      return made;
    } catch (IOException | GeneralSecurityException e) {
      throw new AssertionError(e);
    }
  }

  @AfterEach
  void close() {
    watch.close();
    server.stop(0);
  }

  private Instance pod() {
    return pod(server.getAddress().getPort(), "c1");
  }

  private static Instance pod(int port, String container) {
    return new ExamplePod(0)
        .replica(1)
        .agent("proxy", container, true)
        .address("127.0.0.1")
        .statusPort(port)
        .instance();
  }

  private void look(Instance... instances) {
    watch.watch(Example.NAMES, trust, List.of(instances), Map.of("proxy", "hash"));
  }

  private AgentReading reading() {
    return reading(watch, Example.NAMES);
  }

  private static AgentReading reading(AgentWatch watch, Names names) {
    return watch
        .readings(names)
        .getOrDefault("shop-0", Map.of())
        .getOrDefault("proxy", new AgentReading.NotAsked());
  }

  private void awaitNews() throws InterruptedException {
    assertEquals(Example.NAMES, news.poll(20, TimeUnit.SECONDS));
  }

  /** Until the agent has been asked so many times more. */
  private void awaitLooks(int more) throws InterruptedException {
    int end = requests.get() + more;
    for (int i = 0; i < 2000 && requests.get() < end; i++) {
      Thread.sleep(10);
    }
    assertTrue(requests.get() >= end);
  }

  @Test
  void tellsWhatAnAgentSaysOnceAndThenWhatIsNew() throws InterruptedException {
    // When
    look(pod());
    awaitNews();

    // Then
    AgentReading.Said said = assertInstanceOf(AgentReading.Said.class, reading());
    assertEquals("ready", said.state());
    assertEquals("0.1.0", said.version());
    assertEquals("hash", said.configHash());

    // When it says the same again and again, also to a reconciler that comes by
    awaitLooks(3);
    look(pod());
    awaitLooks(3);

    // Then
    assertTrue(news.isEmpty());

    // When
    answer = json("draining", "hash");
    awaitNews();

    // Then
    assertEquals("draining", assertInstanceOf(AgentReading.Said.class, reading()).state());
  }

  @Test
  void otherWordsForTheSameAreNoNews() throws InterruptedException {
    // Given
    answer = json("ready", "hash", new Problem("fence", "1.2 s are left", LONG_AGO));
    look(pod());
    awaitNews();

    // When
    answer = json("ready", "hash", new Problem("fence", "1.1 s are left", LONG_AGO));
    awaitLooks(5);

    // Then
    assertTrue(news.isEmpty());
    assertEquals(
        "1.2 s are left",
        assertInstanceOf(AgentReading.Said.class, reading()).problems().getFirst().message());
  }

  @Test
  void anAgentThatMissesALookOrTwoKeepsItsWord() throws InterruptedException {
    // Given
    look(pod());
    awaitNews();
    AgentReading before = reading();

    // When: never three in a row
    for (int i = 0; i < 3; i++) {
      code = 500;
      awaitLooks(1);
      code = 200;
      awaitLooks(2);
    }

    // Then
    assertTrue(news.isEmpty(), () -> "after " + before + " came " + reading());
  }

  @Test
  void anAgentThatStaysAwayIsUnreachableAndThenBack() throws InterruptedException {
    // Given
    look(pod());
    awaitNews();

    // When
    code = 500;
    awaitNews();

    // Then
    AgentReading.Unreachable away = assertInstanceOf(AgentReading.Unreachable.class, reading());
    assertEquals("GET /status answered 500", away.reason());

    // When it goes on
    awaitLooks(3);

    // Then that is no news, and the time is the first
    assertTrue(news.isEmpty());
    assertEquals(away, reading());

    // When
    code = 200;
    awaitNews();

    // Then
    assertInstanceOf(AgentReading.Said.class, reading());
  }

  @Test
  void anAgentOfAnotherAuthorityIsNotBelieved() throws InterruptedException {
    // Given
    HttpsServer stranger = server(trust());
    try {
      // When
      look(pod(stranger.getAddress().getPort(), "c1"));
      awaitNews();

      // Then
      AgentReading.Unreachable away = assertInstanceOf(AgentReading.Unreachable.class, reading());
      assertTrue(away.reason().contains("trust anchors"), away::reason);
      assertEquals(0, requests.get());
    } finally {
      stranger.stop(0);
    }
  }

  @Test
  void anAgentThatSaysNonsenseIsUnreachableWithTheReason() throws InterruptedException {
    answer = "{\"agent\":\"proxy\"}".getBytes(StandardCharsets.UTF_8);
    look(pod());
    awaitNews();
    assertEquals(
        "GET /status answered something else: version is missing (expected: text)",
        assertInstanceOf(AgentReading.Unreachable.class, reading()).reason());
  }

  @Test
  void nothingListens() throws InterruptedException, IOException {
    int port;
    try (ServerSocket free = new ServerSocket(0)) {
      port = free.getLocalPort();
    }
    look(pod(port, "c1"));
    awaitNews();
    assertEquals(
        "Connection refused", assertInstanceOf(AgentReading.Unreachable.class, reading()).reason());
  }

  @Test
  void oneThatNeverAnswersHoldsUpNobody() throws InterruptedException, IOException {
    // Given: it accepts, and that is all; with it, more of its kind than may look at once
    try (ServerSocket silent = new ServerSocket(0);
        AgentWatch impatient =
            new AgentWatch(
                new Pace(
                    QUICK.regular(),
                    QUICK.soon(),
                    QUICK.settling(),
                    QUICK.away(),
                    2,
                    Duration.ofMillis(300)),
                InstantSource.system(),
                news::add)) {
      for (int i = 0; i < 20; i++) {
        impatient.watch(
            new Names("demo", "silent" + i),
            trust,
            List.of(pod(silent.getLocalPort(), "c1")),
            Map.of());
      }
      long start = System.nanoTime();
      impatient.watch(Example.NAMES, trust, List.of(pod()), Map.of("proxy", "hash"));
      long took = System.nanoTime() - start;

      // Then
      Names first = news.poll(20, TimeUnit.SECONDS);
      while (first != null && !first.equals(Example.NAMES)) {
        first = news.poll(20, TimeUnit.SECONDS);
      }
      assertEquals(Example.NAMES, first);
      assertTrue(took < TimeUnit.SECONDS.toNanos(2));
      for (int i = 0; i < 2000; i++) {
        if (reading(impatient, new Names("demo", "silent0"))
            instanceof AgentReading.Unreachable away) {
          assertTrue(away.reason().matches("no answer within 300ms|Read timed out"), away::reason);
          return;
        }
        Thread.sleep(10);
      }
      throw new AssertionError("silence was not noticed");
    }
  }

  @Test
  void aContainerThatStartsAgainIsAskedAnew() throws InterruptedException {
    // Given
    look(pod());
    awaitNews();

    // When
    code = 500;
    look(pod(server.getAddress().getPort(), "c2"));

    // Then what the old one said is forgotten
    assertFalse(reading() instanceof AgentReading.Said);
  }

  @Test
  void anotherConfigurationIsAskedForAndTheLastWordStands() throws InterruptedException {
    // Given
    look(pod());
    awaitNews();

    // When
    watch.watch(Example.NAMES, trust, List.of(pod()), Map.of("proxy", "newer"));

    // Then
    assertInstanceOf(AgentReading.Said.class, reading());
    answer = json("ready", "newer");
    awaitNews();
    assertEquals("newer", assertInstanceOf(AgentReading.Said.class, reading()).configHash());
  }

  @Test
  void whatIsGoneIsNotAsked() throws InterruptedException {
    // Given
    look(pod());
    awaitNews();

    // When: the pod goes, then the cluster
    look();

    // Then
    assertEquals(Map.of(), watch.readings(Example.NAMES));
    Thread.sleep(100);
    int asked = requests.get();
    Thread.sleep(200);
    assertEquals(asked, requests.get());

    // When
    look(pod());
    awaitNews();
    watch.forget(Example.NAMES);
    Thread.sleep(100);
    asked = requests.get();
    Thread.sleep(200);

    // Then
    assertEquals(asked, requests.get());
  }
}
