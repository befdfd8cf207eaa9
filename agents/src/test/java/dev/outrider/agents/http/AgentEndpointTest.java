package dev.outrider.agents.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.outrider.agents.config.AgentStatus;
import dev.outrider.agents.config.ConfigTree;
import dev.outrider.agents.config.Problem;
import dev.outrider.agents.config.ProxyConfig;
import dev.outrider.agents.lifecycle.AgentException;
import dev.outrider.agents.lifecycle.Page;
import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.core.metrics.GaugeWithCallback;
import io.prometheus.metrics.core.metrics.Histogram;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.zip.GZIPInputStream;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class AgentEndpointTest {
  private static final Instant SINCE = Instant.parse("2026-01-02T03:04:05Z");
  private static final AgentStatus STATUS =
      new AgentStatus("proxy", "1", "hash", null, "ready", SINCE, List.of());

  private static final Problem BUG = new Problem("test", "bug", SINCE);

  private final List<Problem> unready = new CopyOnWriteArrayList<>();
  private final List<Problem> stuck = new CopyOnWriteArrayList<>();
  private final PrometheusRegistry metrics = new PrometheusRegistry();

  private AgentEndpoint start(Map<String, String> keys) {
    ConfigTree tree = ConfigTree.empty().with("http.listen", "127.0.0.1:0", "test");
    for (Map.Entry<String, String> key : keys.entrySet()) {
      tree = tree.with(key.getKey(), key.getValue(), "test");
    }
    return AgentEndpoint.start(
        ProxyConfig.from(tree),
        metrics,
        new AgentEndpoint.Readings() {
          @Override
          public List<Problem> unready() {
            return unready;
          }

          @Override
          public List<Problem> stuck() {
            if (stuck.contains(BUG)) {
              throw new IllegalStateException("a bug");
            }
            return stuck;
          }

          @Override
          public @Nullable Page page(String path, boolean json) {
            return path.equals("/own")
                ? json ? new Page("application/json", "{}") : new Page("text/plain", "own")
                : null;
          }

          @Override
          public AgentStatus status() {
            return STATUS;
          }
        },
        InstantSource.fixed(SINCE));
  }

  private static HttpResponse<String> get(
      HttpClient client, String scheme, InetSocketAddress address, String path)
      throws IOException, InterruptedException {
    return client.send(
        HttpRequest.newBuilder(URI.create(scheme + "://127.0.0.1:" + address.getPort() + path))
            .timeout(Duration.ofSeconds(10))
            .build(),
        HttpResponse.BodyHandlers.ofString());
  }

  private static HttpResponse<String> get(AgentEndpoint endpoint, String path)
      throws IOException, InterruptedException {
    try (HttpClient client = HttpClient.newHttpClient()) {
      return get(client, "http", endpoint.address(), path);
    }
  }

  @Test
  void anAgentMayHavePathsOfItsOwn() throws Exception {
    try (AgentEndpoint endpoint = start(Map.of());
        HttpClient client = HttpClient.newHttpClient()) {
      // When
      HttpResponse<String> plain = get(endpoint, "/own");
      HttpResponse<String> json =
          client.send(
              HttpRequest.newBuilder(
                      URI.create("http://127.0.0.1:" + endpoint.address().getPort() + "/own"))
                  .header("Accept", "application/json")
                  .build(),
              HttpResponse.BodyHandlers.ofString());

      // Then
      assertEquals("own", plain.body());
      assertEquals("{}", json.body());
      assertEquals("application/json", json.headers().firstValue("Content-Type").orElse(""));
      assertEquals(404, get(endpoint, "/own/more").statusCode());
    }
  }

  @Test
  void readyzSaysWhatIsNotReadyWhyAndSinceWhen() throws Exception {
    try (AgentEndpoint endpoint = start(Map.of())) {
      // Given
      HttpResponse<String> ready = get(endpoint, "/readyz");

      // When
      unready.add(new Problem("upstream", "no socket at /run/s", SINCE));
      HttpResponse<String> notReady = get(endpoint, "/readyz");

      // Then
      assertEquals(200, ready.statusCode());
      assertEquals("ready\n", ready.body());
      assertEquals(503, notReady.statusCode());
      assertEquals(
          "not ready\nupstream: no socket at /run/s (since 2026-01-02T03:04:05.000Z)\n",
          notReady.body());
      assertEquals(200, get(endpoint, "/livez").statusCode());
    }
  }

  @Test
  void livezSaysWhatIsStuck() throws Exception {
    try (AgentEndpoint endpoint = start(Map.of())) {
      // When
      stuck.add(new Problem("relay", "does not answer", SINCE));

      // Then
      assertEquals(503, get(endpoint, "/livez").statusCode());
    }
  }

  @Test
  void aBugInAReadingEndsThatRequestAlone() throws Exception {
    try (AgentEndpoint endpoint = start(Map.of())) {
      // When
      stuck.add(BUG);

      // Then
      assertThrows(IOException.class, () -> get(endpoint, "/livez"));
      assertEquals(200, get(endpoint, "/readyz").statusCode());
    }
  }

  @Test
  void whoAsksForProtobufGetsNativeHistograms() throws Exception {
    // Given
    Histogram.builder().name("seconds").help("A time").nativeOnly().register(metrics).observe(0.3);
    String protobuf =
        "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited";
    try (AgentEndpoint endpoint = start(Map.of());
        HttpClient client = HttpClient.newHttpClient()) {
      URI metrics = URI.create("http://127.0.0.1:" + endpoint.address().getPort() + "/metrics");

      // When
      HttpResponse<byte[]> answer =
          client.send(
              HttpRequest.newBuilder(metrics)
                  .header("Accept", protobuf + ";q=0.6,text/plain;version=0.0.4;q=0.2")
                  .build(),
              HttpResponse.BodyHandlers.ofByteArray());

      // Then
      assertEquals(
          protobuf, answer.headers().firstValue("Content-Type").orElse("").replace("; ", ";"));
      byte[] body = answer.body();
      assertEquals(body.length - 1, body[0], "one message of this length");
      assertEquals("\n\7seconds", new String(body, 1, 9, StandardCharsets.US_ASCII), "its name");
      String shown = get(endpoint, "/metrics?debug=prometheus-protobuf").body();
      assertTrue(shown.contains("positive_span"), shown);
    }
  }

  @Test
  void metricsAreServed() throws Exception {
    // Given
    Counter.builder().name("things_total").help("Things").register(metrics).inc(3);
    try (AgentEndpoint endpoint = start(Map.of())) {
      // Then
      assertTrue(get(endpoint, "/metrics").body().contains("\nthings_total 3.0\n"));
    }
  }

  @Test
  void metricsAreSentAsTheyAreWrittenAndNotHeldAsAWhole() throws Exception {
    // Given
    Counter.builder().name("things_total").help("Things").register(metrics).inc(3);
    try (AgentEndpoint endpoint = start(Map.of());
        HttpClient client = HttpClient.newHttpClient()) {
      URI uri = URI.create("http://127.0.0.1:" + endpoint.address().getPort() + "/metrics");

      // When
      HttpResponse<String> plain =
          client.send(HttpRequest.newBuilder(uri).build(), HttpResponse.BodyHandlers.ofString());
      HttpResponse<byte[]> compressed =
          client.send(
              HttpRequest.newBuilder(uri).header("Accept-Encoding", "br, gzip").build(),
              HttpResponse.BodyHandlers.ofByteArray());

      // Then
      assertTrue(plain.headers().firstValue("Content-Length").isEmpty());
      assertEquals("gzip", compressed.headers().firstValue("Content-Encoding").orElse(""));
      try (InputStream in = new GZIPInputStream(new ByteArrayInputStream(compressed.body()))) {
        assertEquals(plain.body(), new String(in.readAllBytes(), StandardCharsets.UTF_8));
      }
    }
  }

  @Test
  void scrapesAtOnceAreAnsweredOneAfterTheOther() throws Exception {
    // Given
    AtomicInteger underWay = new AtomicInteger();
    AtomicInteger most = new AtomicInteger();
    GaugeWithCallback.builder()
        .name("slow")
        .help("Slow")
        .callback(
            callback -> {
              most.accumulateAndGet(underWay.incrementAndGet(), Math::max);
              LockSupport.parkNanos(1_000_000);
              callback.call(1);
              underWay.decrementAndGet();
            })
        .register(metrics);
    try (AgentEndpoint endpoint = start(Map.of());
        HttpClient client = HttpClient.newHttpClient()) {
      URI uri = URI.create("http://127.0.0.1:" + endpoint.address().getPort() + "/metrics");

      // When
      List<CompletableFuture<HttpResponse<String>>> answers = new ArrayList<>();
      for (int i = 0; i < 8; i++) {
        answers.add(
            client.sendAsync(
                HttpRequest.newBuilder(uri).build(), HttpResponse.BodyHandlers.ofString()));
      }

      // Then
      for (CompletableFuture<HttpResponse<String>> answer : answers) {
        assertEquals(200, answer.get().statusCode());
      }
      assertEquals(1, most.get());
    }
  }

  @Test
  void otherPathsAndMethodsAreRefused() throws Exception {
    try (AgentEndpoint endpoint = start(Map.of());
        HttpClient client = HttpClient.newHttpClient()) {
      // Then
      assertEquals(404, get(endpoint, "/livezzz").statusCode());
      assertEquals(404, get(endpoint, "/").statusCode());
      URI ready = URI.create("http://127.0.0.1:" + endpoint.address().getPort() + "/readyz");
      HttpRequest post =
          HttpRequest.newBuilder(ready).POST(HttpRequest.BodyPublishers.noBody()).build();
      assertEquals(405, client.send(post, HttpResponse.BodyHandlers.discarding()).statusCode());
    }
  }

  @Test
  void silentPeersDoNotKeepProbesFromBeingAnswered() throws Exception {
    try (AgentEndpoint endpoint = start(Map.of())) {
      // Given
      List<Socket> silent = new ArrayList<>();
      for (int i = 0; i < 10; i++) {
        Socket socket = new Socket(InetAddress.getLoopbackAddress(), endpoint.address().getPort());
        socket.getOutputStream().write("GET /livez".getBytes(StandardCharsets.US_ASCII));
        silent.add(socket);
      }

      // Then
      assertEquals(200, get(endpoint, "/livez").statusCode());
      for (Socket socket : silent) {
        socket.close();
      }
    }
  }

  @Test
  void statusIsServedOnLoopbackButNotToTheWorld() throws Exception {
    try (AgentEndpoint endpoint = start(Map.of())) {
      HttpResponse<String> status = get(endpoint, "/status");
      assertEquals(200, status.statusCode());
      assertEquals(STATUS.toJson() + "\n", status.body());
    }
    try (AgentEndpoint endpoint = start(Map.of("http.listen", "0.0.0.0:0"))) {
      assertEquals(404, get(endpoint, "/status").statusCode());
      assertEquals(200, get(endpoint, "/livez").statusCode());
    }
  }

  @Test
  void anAddressThatIsTakenIsNamed() {
    try (AgentEndpoint endpoint = start(Map.of())) {
      // Given
      String taken = "127.0.0.1:" + endpoint.address().getPort();

      // When
      AgentException error =
          assertThrows(AgentException.class, () -> start(Map.of("http.listen", taken)));

      // Then
      assertEquals(
          "http.listen: cannot listen on " + taken + ": Address already in use",
          error.getMessage());
    }
  }

  private static HttpClient client(@Nullable Certificate identity, X509Certificate... trusted)
      throws Exception {
    KeyStore anchors = KeyStore.getInstance("PKCS12");
    anchors.load(null, null);
    for (X509Certificate anchor : trusted) {
      anchors.setCertificateEntry("anchor-" + anchors.size(), anchor);
    }
    TrustManagerFactory trust = TrustManagerFactory.getInstance("PKIX");
    trust.init(anchors);
    SSLContext context = SSLContext.getInstance("TLS");
    if (identity == null) {
      context.init(null, trust.getTrustManagers(), null);
    } else {
      KeyManagerFactory keys = KeyManagerFactory.getInstance("PKIX");
      keys.init(identity.store(), Certificate.password());
      context.init(keys.getKeyManagers(), trust.getTrustManagers(), null);
    }
    return HttpClient.newBuilder().sslContext(context).build();
  }

  @Test
  void statusOverMutualTlsFollowsItsFiles(@TempDir Path folder) throws Exception {
    // Given
    Certificate first = Certificate.make(folder, "first");
    Certificate second = Certificate.make(folder, "second");
    Certificate operator = Certificate.make(folder, "operator");
    Certificate stranger = Certificate.make(folder, "stranger");
    Path certificate = folder.resolve("tls.crt");
    Path key = folder.resolve("tls.key");
    Path clientCa = folder.resolve("ca.crt");
    first.writeCertificate(certificate);
    first.writeKey(key);
    operator.writeCertificate(clientCa);
    Map<String, String> config =
        Map.of(
            "http.listen", "127.0.0.1:0",
            "status.listen", "127.0.0.1:0",
            "status.tls.certificate", certificate.toString(),
            "status.tls.key", key.toString(),
            "status.tls.clientCa", clientCa.toString());
    try (AgentEndpoint endpoint = start(config)) {
      InetSocketAddress address = endpoint.statusAddress();
      if (address == null) {
        throw new AssertionError("no listener for the status");
      }
      // Then: served to the operator, and to nobody else, not even on the plain listener
      try (HttpClient client = client(operator, first.certificate(), second.certificate());
          HttpClient anonymous = client(null, first.certificate());
          HttpClient other = client(stranger, first.certificate())) {
        assertEquals(200, get(client, "https", address, "/status").statusCode());
        assertEquals(404, get(endpoint, "/status").statusCode());
        assertThrows(IOException.class, () -> get(anonymous, "https", address, "/status"));
        assertThrows(IOException.class, () -> get(other, "https", address, "/status"));
      }

      // When
      second.writeCertificate(certificate);
      second.writeKey(key);

      // Then
      try (HttpClient client = client(operator, first.certificate(), second.certificate())) {
        HttpResponse<String> status = get(client, "https", address, "/status");
        assertEquals(
            second.certificate(), status.sslSession().orElseThrow().getPeerCertificates()[0]);
      }

      // When
      Files.writeString(key, "nonsense");

      // Then
      try (HttpClient client = client(operator, second.certificate())) {
        String status = get(client, "https", address, "/status").body();
        assertTrue(
            status.contains(
                "\"problems\":[{\"what\":\"status.tls\",\"message\":\"the certificates cannot be"
                    + " used: "
                    + key
                    + " does not hold a private key in PEM and PKCS#8 without a passphrase"),
            status);
      }
    }
  }
}
