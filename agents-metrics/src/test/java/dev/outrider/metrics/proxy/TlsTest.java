package dev.outrider.metrics.proxy;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.outrider.agents.config.ConfigTree;
import dev.outrider.agents.config.Problem;
import dev.outrider.agents.config.ProxyConfig;
import dev.outrider.agents.lifecycle.AgentException;
import dev.outrider.metrics.proxy.fence.InstanceFile;
import dev.outrider.metrics.proxy.tls.Authority;
import java.io.IOException;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPairGenerator;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.IntUnaryOperator;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** TLS that ends at the proxy, with Java's own TLS as the client. */
@Timeout(60)
class TlsTest {
  private static final int SSL_REQUEST = 80877103;
  private static final int GSSENC_REQUEST = 80877104;
  private static final int CANCEL_REQUEST = 80877102;
  private static final byte[] READY = {'R', 0, 0, 0, 8, 0, 0, 0, 0, 'Z', 0, 0, 0, 5, 'I'};

  @TempDir Path folder = Path.of("unset");
  private final Authority authority;
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();

  TlsTest() throws Exception {
    authority = new Authority("clients and servers");
  }

  @BeforeEach
  void writeFiles() throws Exception {
    server(Duration.ofDays(90));
    authority.write(folder.resolve("ca.crt"));
  }

  @AfterEach
  void endThreads() {
    threads.shutdownNow();
  }

  private X509Certificate server(Duration life) throws Exception {
    Authority.Identity server = authority.identity("CN=proxy", "localhost", life);
    server.write(folder.resolve("tls.crt"), folder.resolve("tls.key"));
    return server.certificate();
  }

  private Map<String, String> keys(String... more) {
    Map<String, String> keys = new HashMap<>();
    keys.put("tls.mode", "allow");
    keys.put("tls.certificate", folder.resolve("tls.crt").toString());
    keys.put("tls.key", folder.resolve("tls.key").toString());
    for (int i = 0; i < more.length; i += 2) {
      keys.put(more[i], more[i + 1]);
    }
    return keys;
  }

  private ProxyFixture proxy(Transport transport, String... more) throws IOException {
    return ProxyFixture.with(transport, keys(more));
  }

  private static CutSocket whole(ProxyFixture fixture) throws IOException {
    return new CutSocket(fixture.proxy.address(), left -> left);
  }

  private SSLSocket encrypt(Socket plain, Authority.@Nullable Identity shown, String... protocols)
      throws Exception {
    SSLSocket encrypted =
        (SSLSocket)
            authority
                .client(shown)
                .getSocketFactory()
                .createSocket(plain, "localhost", plain.getPort(), true);
    SSLParameters parameters = encrypted.getSSLParameters();
    parameters.setEndpointIdentificationAlgorithm("HTTPS");
    if (protocols.length > 0) {
      parameters.setProtocols(protocols);
    }
    encrypted.setSSLParameters(parameters);
    return encrypted;
  }

  private SSLSocket ask(Socket plain, Authority.@Nullable Identity shown, String... protocols)
      throws Exception {
    plain.getOutputStream().write(RefusalTest.request(SSL_REQUEST));
    assertEquals('S', plain.getInputStream().read());
    SSLSocket encrypted = encrypt(plain, shown, protocols);
    encrypted.startHandshake();
    return encrypted;
  }

  private SSLSocket atOnce(Socket plain, String... alpn) throws Exception {
    SSLSocket encrypted = encrypt(plain, null);
    SSLParameters parameters = encrypted.getSSLParameters();
    parameters.setApplicationProtocols(alpn);
    encrypted.setSSLParameters(parameters);
    encrypted.startHandshake();
    return encrypted;
  }

  /** Begins a session; Postgres has let it in, and it is idle. */
  private static SocketChannel letIn(ProxyFixture fixture, Socket client) throws IOException {
    byte[] startup = RefusalTest.startup();
    client.getOutputStream().write(startup);
    SocketChannel server = fixture.acceptUpstream(startup);
    ProxyFixture.write(server, READY);
    assertArrayEquals(READY, client.getInputStream().readNBytes(READY.length));
    return server;
  }

  private static byte[] query(int length) {
    byte[] query = ByteBuffer.allocate(length).put((byte) 'Q').putInt(length - 1).array();
    new Random(length).ints(length - 5, 1, 256).forEach(new Filler(query)::next);
    return query;
  }

  private static final class Filler {
    private final byte[] into;
    private int at = 5;

    Filler(byte[] into) {
      this.into = into;
    }

    void next(int value) {
      into[at++] = (byte) value;
    }
  }

  private static void exchange(Socket client, SocketChannel server, int length) throws IOException {
    byte[] query = query(length);
    client.getOutputStream().write(query);
    assertArrayEquals(query, ProxyFixture.read(server, length));
    byte[] answer = query.clone();
    answer[0] = 'T';
    ProxyFixture.write(server, answer);
    assertArrayEquals(answer, client.getInputStream().readNBytes(length));
  }

  @ParameterizedTest
  @CsvSource({"EPOLL,TLSv1.3", "EPOLL,TLSv1.2", "NIO,TLSv1.3", "NIO,TLSv1.2"})
  void encryptionEndsAtTheProxy(Transport transport, String protocol) throws Exception {
    try (ProxyFixture fixture = proxy(transport);
        CutSocket plain = whole(fixture)) {
      // Given: GSSENCRequest first, as libpq does
      plain.getOutputStream().write(RefusalTest.request(GSSENC_REQUEST));
      assertEquals('N', plain.getInputStream().read());

      // When
      SSLSocket client = ask(plain, null, protocol);
      SocketChannel server = letIn(fixture, client);

      // Then
      for (int length : new int[] {5, 100, 20_000}) {
        exchange(client, server, length);
      }
      assertEquals(protocol, client.getSession().getProtocol());
      assertEquals(
          1,
          fixture.counter(
              "outrider_proxy_tls_handshakes",
              "cipher",
              client.getSession().getCipherSuite(),
              "version",
              protocol));
      server.close();
      assertEquals(-1, client.getInputStream().read());
    }
  }

  @ParameterizedTest
  @EnumSource
  void encryptionMayBeginAtOnce(Transport transport) throws Exception {
    try (ProxyFixture fixture = proxy(transport);
        CutSocket plain = whole(fixture)) {
      // When
      SSLSocket client = atOnce(plain, "postgresql");
      SocketChannel server = letIn(fixture, client);

      // Then
      assertEquals("postgresql", client.getApplicationProtocol());
      exchange(client, server, 100);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "http/1.1"})
  void atOnceTheProtocolMustBeAgreedOn(String alpn) throws Exception {
    try (ProxyFixture fixture = proxy(Transport.best());
        CutSocket plain = whole(fixture)) {
      // When
      SSLSocket client = alpn.isEmpty() ? atOnce(plain) : atOnce(plain, alpn);

      // Then
      RefusalTest.assertError(
          "08P01",
          "received direct SSL connection request without ALPN protocol negotiation extension",
          client.getInputStream());
      assertEquals(1, fixture.counter("outrider_proxy_refused", "reason", "encryption"));
      assertTrue(fixture.nobodyConnected());
    }
  }

  @Test
  void recordsMayArriveInAnyPieces() throws Exception {
    long seed = new Random().nextLong();
    System.out.println("TlsTest: seed " + seed);
    Random random = new Random(seed);
    try (ProxyFixture fixture = proxy(Transport.best())) {
      for (int round = 0; round < 24; round++) {
        // Given: byte by byte, or at random
        IntUnaryOperator pieces =
            round % 4 == 0 ? left -> 1 : left -> 1 + random.nextInt(Math.min(left, 400));
        try (CutSocket plain = new CutSocket(fixture.proxy.address(), pieces)) {
          // When
          SSLSocket client =
              round % 2 == 0
                  ? ask(plain, null, round % 3 == 0 ? "TLSv1.2" : "TLSv1.3")
                  : atOnce(plain, "postgresql");
          SocketChannel server = letIn(fixture, client);

          // Then
          exchange(client, server, 700);
          exchange(client, server, 5 + random.nextInt(3000));
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void muchGoesToASlowSideInBoundedMemory(Transport transport) throws Exception {
    int length = 8 << 20;
    try (ProxyFixture fixture = proxy(transport);
        CutSocket plain = whole(fixture)) {
      // Given
      SSLSocket client = ask(plain, null);
      SocketChannel server = fixture.opaque(client.getOutputStream());
      byte[] much = new byte[length];
      new Random(42).nextBytes(much);

      // When
      Future<?> answering =
          threads.submit(
              () -> {
                ProxyFixture.write(server, much);
                return null;
              });
      // Then
      assertArrayEquals(much, client.getInputStream().readNBytes(length));
      answering.get();

      // When
      Future<?> asking =
          threads.submit(
              () -> {
                client.getOutputStream().write(much);
                return null;
              });
      // Then
      assertArrayEquals(much, ProxyFixture.read(server, length));
      asking.get();
    }
  }

  @Test
  void whatWasSentBeforeTheHandshakeIsNotTakenForEncrypted() throws Exception {
    try (ProxyFixture fixture = proxy(Transport.best())) {
      // Given
      Socket client = fixture.connect();
      ByteBuffer both = ByteBuffer.allocate(8 + RefusalTest.startup().length);
      both.put(RefusalTest.request(SSL_REQUEST)).put(RefusalTest.startup());

      // When
      client.getOutputStream().write(both.array());

      // Then
      assertEquals(-1, client.getInputStream().read());
      assertEquals(1, fixture.counter("outrider_proxy_refused", "reason", "protocol"));
      assertTrue(fixture.nobodyConnected());
    }
  }

  @Test
  void withoutTlsRequestsForItAreDeclined() throws Exception {
    try (ProxyFixture fixture = ProxyFixture.with(Transport.best())) {
      // When
      Socket client = fixture.connect();
      client.getOutputStream().write(RefusalTest.request(SSL_REQUEST));
      // Then
      assertEquals('N', client.getInputStream().read());
      SocketChannel server = letIn(fixture, client);
      exchange(client, server, 10);

      // When: TLS at once
      Socket direct = fixture.connect();
      direct.getOutputStream().write(0x16);
      // Then
      assertEquals(-1, direct.getInputStream().read());
      assertEquals(1, fixture.counter("outrider_proxy_refused", "reason", "encryption"));
    }
  }

  @Test
  void garbageInsteadOfAHandshakeDisturbsNobody() throws Exception {
    try (ProxyFixture fixture = proxy(Transport.best())) {
      // Given
      Socket client = fixture.connect();
      client.getOutputStream().write(RefusalTest.request(SSL_REQUEST));
      assertEquals('S', client.getInputStream().read());

      // When
      client.getOutputStream().write(RefusalTest.startup());

      // Then: an alert and the end
      byte[] answer = client.getInputStream().readAllBytes();
      assertTrue(answer.length == 0 || answer[0] == 0x15, Arrays.toString(answer));
      assertEquals(1, fixture.counter("outrider_proxy_refused", "reason", "handshake"));
      try (CutSocket plain = whole(fixture)) {
        exchange(plain, letIn(fixture, plain), 10);
      }
    }
  }

  @Test
  void whereTlsIsRequiredNoSessionIsWithoutItButACancelRequestIs() throws Exception {
    try (ProxyFixture fixture = proxy(Transport.best(), "tls.mode", "require")) {
      // When
      Socket client = fixture.connect();
      client.getOutputStream().write(RefusalTest.startup());
      // Then
      RefusalTest.assertError(
          "28000",
          "the proxy lets in no session without TLS (sslmode=require, for example)",
          client.getInputStream());
      assertTrue(fixture.nobodyConnected());

      // When
      byte[] cancel = ByteBuffer.allocate(16).putInt(16).putInt(CANCEL_REQUEST).putLong(42).array();
      fixture.connect().getOutputStream().write(cancel);
      // Then
      assertArrayEquals(cancel, ProxyFixture.read(fixture.acceptUpstream(), 16));
    }
  }

  @ParameterizedTest
  @CsvSource(
      nullValues = "-",
      textBlock =
          """
          verify-ca,   -,                -,    connection requires a valid client certificate
          verify-ca,   CN=anybody,       -,    -
          verify-full, -,                -,    connection requires a valid client certificate
          verify-full, CN=shop,          -,    -
          verify-full, CN=shop2,         -,    certificate authentication failed for user "shop"
          verify-full, 'CN=shop,O=us',   -,    -
          verify-full, 'CN=x,CN=shop',   -,    certificate authentication failed for user "shop"
          verify-full, O=shop,           -,    certificate authentication failed for user "shop"
          verify-full, O=us,             shop, -
          verify-full, CN=x,             SHOP, certificate authentication failed for user "shop"
          off,         CN=anybody,       -,    -
          """)
  void clientsShowWhatIsDemanded(
      String demand, @Nullable String subject, @Nullable String dnsName, @Nullable String error)
      throws Exception {
    Authority.Identity shown =
        subject == null ? null : authority.identity(subject, dnsName, Duration.ofDays(1));
    try (ProxyFixture fixture =
            proxy(
                Transport.best(),
                "tls.mode",
                "require",
                "tls.clientCa",
                folder.resolve("ca.crt").toString(),
                "tls.clientCertificates",
                demand);
        CutSocket plain = whole(fixture)) {
      // When
      SSLSocket client = ask(plain, shown);

      // Then
      if (error == null) {
        exchange(client, letIn(fixture, client), 10);
      } else {
        client.getOutputStream().write(RefusalTest.startup());
        RefusalTest.assertError("28000", error, client.getInputStream());
        assertEquals(1, fixture.counter("outrider_proxy_refused", "reason", "certificate"));
        assertTrue(fixture.nobodyConnected());
      }
    }
  }

  @Test
  void aCertificateOfAnotherAuthorityEndsTheHandshake() throws Exception {
    Authority.Identity strange =
        // Of the same name, or the client would keep its certificate to itself.
        new Authority("clients and servers").identity("CN=shop", null, Duration.ofDays(1));
    try (ProxyFixture fixture =
            proxy(
                Transport.best(),
                "tls.mode",
                "require",
                "tls.clientCa",
                folder.resolve("ca.crt").toString(),
                "tls.clientCertificates",
                "verify-ca");
        CutSocket plain = whole(fixture)) {
      // When: in TLS 1.2, where a client hears of it in its handshake
      assertThrows(SSLException.class, () -> ask(plain, strange, "TLSv1.2"));

      // Then
      ProxyFixture.until(
          () -> fixture.counter("outrider_proxy_refused", "reason", "handshake") == 1);
    }
  }

  @Test
  void aClientThatSaysGoodbyeByTlsIsDone() throws Exception {
    try (ProxyFixture fixture = proxy(Transport.best());
        CutSocket plain = whole(fixture)) {
      // Given
      SSLSocket client = ask(plain, null);
      SocketChannel server = letIn(fixture, client);

      // When
      client.shutdownOutput();

      // Then
      assertEquals(0, ProxyFixture.readAll(server).length);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"TLSv1.3", "TLSv1.2"})
  void aDrainedSessionHearsWhyAndThatThatWasAll(String protocol) throws Exception {
    try (ProxyFixture fixture = proxy(Transport.best());
        CutSocket plain = whole(fixture)) {
      // Given
      SSLSocket client = ask(plain, null, protocol);
      letIn(fixture, client);
      CountDownLatch ended = new CountDownLatch(1);

      // When
      fixture.proxy.drain(ended::countDown);

      // Then
      RefusalTest.assertError(
          "57P01",
          "terminating connection: the instance is going away; connect again",
          client.getInputStream());
      assertTrue(ended.await(10, TimeUnit.SECONDS));
      if (protocol.equals("TLSv1.2")) {
        // Of an alert the type can be seen: it is the last record, of a nonce, 2 bytes and a tag.
        byte[] received = plain.received();
        int alert = received.length - 5 - 8 - 2 - 16;
        assertEquals(0x15, received[alert], "no close_notify");
      }

      // When
      try (CutSocket late = whole(fixture)) {
        SSLSocket refused = ask(late, null);
        refused.getOutputStream().write(RefusalTest.startup());
        // Then
        RefusalTest.assertError(
            "57P03", "the proxy is shutting down; try again", refused.getInputStream());
      } catch (IOException e) {
        // The listener was closed already.
        assertEquals(0, ended.getCount());
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void theFenceEndsEncryptedSessionsAndThrowsAwayWhatWaits(Transport transport) throws Exception {
    InstanceFile record = new InstanceFile(folder.resolve("instance.json"));
    record.role("standby", InstanceFile.now());
    try (ProxyFixture fixture = proxy(transport, "instance", record.path().toString());
        CutSocket plain = whole(fixture);
        CutSocket slowPlain = whole(fixture)) {
      // Given: one that idles, and one whose client is slow
      SSLSocket client = ask(plain, null);
      SocketChannel server = letIn(fixture, client);
      SSLSocket slow = ask(slowPlain, null);
      SocketChannel slowServer = fixture.opaque(slow.getOutputStream());
      Future<?> flood =
          threads.submit(
              () ->
                  assertThrows(
                      IOException.class,
                      () -> {
                        while (true) {
                          ProxyFixture.write(slowServer, new byte[1 << 16]);
                        }
                      }));

      // When
      record.role("none", InstanceFile.now());

      // Then
      flood.get();
      assertEquals(0, ProxyFixture.readAll(server).length);
      assertFalse(ends(client) instanceof AssertionError);
      assertEquals(2, fixture.counter("outrider_proxy_fenced_sessions"));

      // When
      try (CutSocket late = whole(fixture)) {
        SSLSocket refused = ask(late, null);
        refused.getOutputStream().write(RefusalTest.startup());
        // Then
        RefusalTest.assertError(
            "57P03",
            "the proxy lets no session through: Patroni does not let the instance serve: a test",
            refused.getInputStream());
      }
    }
  }

  /** How a session ended; an AssertionError if it brought bytes. */
  private static @Nullable Throwable ends(Socket client) {
    try {
      return client.getInputStream().read() < 0 ? null : new AssertionError("bytes");
    } catch (IOException e) {
      return e;
    }
  }

  private static void look(ProxyFixture fixture) {
    fixture.proxy.look();
    fixture.proxy.look();
  }

  private X509Certificate shown(ProxyFixture fixture) throws Exception {
    try (CutSocket plain = whole(fixture)) {
      return (X509Certificate) ask(plain, null).getSession().getPeerCertificates()[0];
    }
  }

  @Test
  void aNewCertificateIsForNewConnectionsAndDisturbsNoOldOne() throws Exception {
    try (ProxyFixture fixture = proxy(Transport.best());
        CutSocket plain = whole(fixture)) {
      // Given
      SSLSocket client = ask(plain, null);
      SocketChannel server = letIn(fixture, client);
      for (int round = 1; round <= 12; round++) {
        // When
        X509Certificate renewed = server(Duration.ofDays(90 + round));
        look(fixture);

        // Then
        assertEquals(renewed, shown(fixture));
        exchange(client, server, 100);
        assertEquals(round, fixture.counter("outrider_proxy_tls_reloads", "result", "success"));
        assertEquals(
            (double) renewed.getNotAfter().toInstant().getEpochSecond(),
            fixture.gauge("outrider_proxy_tls_certificate_end_timestamp_seconds"));
      }
      assertEquals(List.of(), fixture.proxy.warnings());
    }
  }

  @Test
  void filesThatDoNotBelongTogetherAreNotTakenUp() throws Exception {
    try (ProxyFixture fixture = proxy(Transport.best())) {
      // Given
      X509Certificate before = shown(fixture);
      Path key = folder.resolve("tls.key");

      // When: a key of another certificate
      authority
          .identity("CN=other", null, Duration.ofDays(1))
          .write(folder.resolve("other.crt"), key);
      look(fixture);
      // Then
      assertEquals(before, shown(fixture));
      assertEquals(1, fixture.counter("outrider_proxy_tls_reloads", "result", "failure"));
      assertProblem(
          fixture,
          "the certificates cannot be used: the key in "
              + key
              + " is not that of the first certificate in "
              + folder.resolve("tls.crt"));

      // When: half a file
      String whole = Files.readString(key, UTF_8);
      Files.writeString(key, whole.substring(0, 60), UTF_8);
      look(fixture);
      // Then
      assertEquals(before, shown(fixture));
      assertEquals(2, fixture.counter("outrider_proxy_tls_reloads", "result", "failure"));

      // When
      X509Certificate renewed = server(Duration.ofDays(1));
      look(fixture);
      // Then
      assertEquals(renewed, shown(fixture));
      assertEquals(List.of(), fixture.proxy.unready());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"TLSv1.2", "TLSv1.3"})
  void aKeyOfEd25519Serves(String version) throws Exception {
    // Given
    authority
        .identity(
            "CN=edwards",
            "localhost",
            Duration.ofDays(90),
            KeyPairGenerator.getInstance("Ed25519").generateKeyPair())
        .write(folder.resolve("tls.crt"), folder.resolve("tls.key"));
    try (ProxyFixture fixture = proxy(Transport.best());
        CutSocket plain = whole(fixture)) {
      // When
      plain.getOutputStream().write(RefusalTest.request(SSL_REQUEST));
      assertEquals('S', plain.getInputStream().read());
      SSLSocket client =
          (SSLSocket)
              authority
                  .client(null)
                  .getSocketFactory()
                  .createSocket(plain, "localhost", plain.getPort(), true);
      client.setEnabledProtocols(new String[] {version});
      client.startHandshake();

      // Then
      assertEquals(version, client.getSession().getProtocol());
      X509Certificate shown = (X509Certificate) client.getSession().getPeerCertificates()[0];
      assertEquals("CN=edwards", shown.getSubjectX500Principal().getName());
    }
  }

  @Test
  void aKeyThatIsNotForTlsIsRefusedWithWhatIs() throws Exception {
    // Given
    authority
        .identity(
            "CN=edwards",
            "localhost",
            Duration.ofDays(90),
            KeyPairGenerator.getInstance("Ed448").generateKeyPair())
        .write(folder.resolve("tls.crt"), folder.resolve("tls.key"));

    // When
    AgentException error = assertThrows(AgentException.class, () -> proxy(Transport.best()));

    // Then
    assertEquals(
        "tls: the certificates cannot be used: the key is of Ed448 (expected: EC, RSA or Ed25519)",
        error.getMessage());
  }

  private static void assertProblem(ProxyFixture fixture, String message) {
    List<Problem> warnings = fixture.proxy.warnings();
    assertEquals(1, warnings.size());
    assertEquals("tls", warnings.get(0).what());
    assertEquals(message, warnings.get(0).message());
  }

  @Test
  void aCertificateThatIsAboutToEndIsTold() throws Exception {
    try (ProxyFixture fixture = proxy(Transport.best())) {
      // When: it began a minute ago and has a second left
      server(Duration.ofSeconds(1));
      look(fixture);

      // Then
      List<Problem> warnings = fixture.proxy.warnings();
      assertEquals(1, warnings.size());
      assertTrue(warnings.get(0).message().startsWith("the certificate end"), warnings.toString());
      assertEquals(List.of(), fixture.proxy.unready());
    }
  }

  @Test
  void filesThatCannotBeUsedAreRefusedAtTheStartAndInANewConfiguration() throws Exception {
    Path missing = folder.resolve("missing");

    // When
    AgentException error =
        assertThrows(
            AgentException.class,
            () -> proxy(Transport.best(), "tls.certificate", missing.toString()));
    // Then
    assertTrue(
        String.valueOf(error.getMessage()).startsWith("tls: the certificates cannot be used: "),
        error.getMessage());

    try (ProxyFixture fixture = proxy(Transport.best())) {
      // Given
      ConfigTree tree = ProxyFixture.config(fixture.socket, 100).toTree();
      for (Map.Entry<String, String> key : keys("tls.key", missing.toString()).entrySet()) {
        tree = tree.with(key.getKey(), key.getValue(), "test");
      }
      ProxyConfig changed = ProxyConfig.from(tree);

      // When
      assertThrows(AgentException.class, () -> fixture.proxy.reconfigure(changed));

      // Then
      assertEquals("CN=proxy", shown(fixture).getSubjectX500Principal().getName());

      // When: TLS is switched off
      fixture.proxy.reconfigure(ProxyFixture.config(fixture.socket, 100));
      Socket client = fixture.connect();
      client.getOutputStream().write(RefusalTest.request(SSL_REQUEST));

      // Then
      assertEquals('N', client.getInputStream().read());
    }
  }
}
