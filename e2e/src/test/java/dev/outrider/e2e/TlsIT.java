package dev.outrider.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.outrider.operator.pki.CertificateAuthority;
import dev.outrider.operator.pki.CertificateAuthority.Issued;
import io.fabric8.kubernetes.api.model.Condition;
import io.fabric8.kubernetes.api.model.ContainerStatus;
import io.fabric8.kubernetes.api.model.SecretBuilder;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.math.BigInteger;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509ExtendedTrustManager;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** A certificate of the user's own: before it is there, when it comes, and when it is renewed. */
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class TlsIT {
  private static final Kube KUBE = Kube.connect();
  private static final String NAMESPACE = "e2e-tls";
  private static final String SECRET = "own-public";
  private static final int RENEWALS = 1;

  private static final SecureRandom RANDOM = new SecureRandom();
  private static CertificateAuthority authority;

  @RegisterExtension static final OwnNamespace OWN_NAMESPACE = new OwnNamespace(KUBE, NAMESPACE);

  @TempDir static Path folder;

  @BeforeAll
  static void createAuthority() {
    authority = CertificateAuthority.create("a company's", Instant.now(), RANDOM);
  }

  @Test
  @Order(1)
  void withoutTheSecretThereIsTlsAllTheSame() throws SQLException {
    // Given a cluster that names a Secret which is not there
    KUBE.apply(
        NAMESPACE,
        """
        apiVersion: outrider.dev/v1alpha1
        kind: PostgresCluster
        metadata: {name: own}
        spec:
          instances: 1
          storage: {size: 1Gi}
          proxy: {tls: {mode: require, certificateSecret: {name: %s}}}
        """
            .formatted(SECRET));
    KUBE.awaitSummary(NAMESPACE, "own", "1/1", "Healthy");
    awaitRoute();

    // Then the condition says so, and who trusts the cluster's own authority is let in
    assertReason("False", "SecretMissing");
    try (Connection connection =
        connect(Path.of("cluster.crt"), String.valueOf(app().get("ca.crt")))) {
      assertEquals(1, one(connection));
    }
    // And nobody else
    SQLException plain = assertThrows(SQLException.class, () -> connect("disable", null).close());
    assertEquals("28000", plain.getSQLState(), plain.getMessage());
  }

  @Test
  @Order(2)
  void theSecretIsTakenUpWhenItComes() throws SQLException {
    // When
    Issued issued = renew();

    // Then
    awaitSerial(issued);
    awaitReason("True", "CertificateInForce");
    assertEquals(authority.certificate(), app().get("ca.crt"));
    try (Connection connection = connect(Path.of("own.crt"), authority.certificate())) {
      assertEquals(1, one(connection));
    }
  }

  @Test
  @Order(3)
  void aRenewalDisturbsNobody() throws Exception {
    // Given
    List<String> before = containers();
    try (Load load = new Load()) {
      // When
      for (int i = 0; i < RENEWALS; i++) {
        Issued issued = renew();
        // Then
        awaitSerial(issued);
      }
      load.end();
      assertEquals(List.of(), List.copyOf(load.errors));
      assertTrue(load.connections.get() > 50, load.connections + " connections were made");
      assertTrue(load.queries.get() > 50, load.queries + " queries through the held one");
    }
    assertEquals(before, containers());
  }

  @Test
  @Order(4)
  void aKeyOfAnotherCertificateIsNotTakenUp() {
    // Given
    BigInteger before = serial();

    // When
    write(issue().certificate(), issue().key());

    // Then
    awaitReason("False", "SecretUnusable");
    assertEquals(before, serial());
  }

  private static Issued issue() {
    return authority.issueServer("own-rw", List.of("own-rw." + NAMESPACE), Instant.now(), RANDOM);
  }

  private static Issued renew() {
    Issued issued = issue();
    write(issued.certificate(), issued.key());
    return issued;
  }

  private static void write(String certificate, String key) {
    KUBE.client
        .resource(
            new SecretBuilder()
                .withNewMetadata()
                .withName(SECRET)
                .withNamespace(NAMESPACE)
                .endMetadata()
                .withType("kubernetes.io/tls")
                .withStringData(
                    Map.of(
                        "tls.crt", certificate, "tls.key", key, "ca.crt", authority.certificate()))
                .build())
        .serverSideApply();
  }

  private static void awaitSerial(Issued issued) {
    BigInteger wanted = parse(issued.certificate()).getSerialNumber();
    Kube.await(
        Duration.ofSeconds(60),
        () -> serial().equals(wanted) ? null : "the certificate before is shown to clients");
  }

  /** The Service leads to the pod a moment after the pod is ready. */
  private static void awaitRoute() {
    Kube.await(
        Duration.ofSeconds(40),
        () -> {
          try {
            return serial().signum() == 0 ? "no serial number" : null;
          } catch (UncheckedIOException e) {
            return String.valueOf(e.getMessage());
          }
        });
  }

  private static X509Certificate parse(String pem) {
    try (var in = new ByteArrayInputStream(pem.getBytes(StandardCharsets.US_ASCII))) {
      return (X509Certificate) CertificateFactory.getInstance("X.509").generateCertificate(in);
    } catch (IOException | GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Of the certificate that the proxy shows; whose it is does not matter. */
  private static BigInteger serial() {
    String address = KUBE.address(NAMESPACE, "own", "rw");
    try (Socket plain = new Socket()) {
      plain.setSoTimeout(5000);
      plain.connect(new InetSocketAddress(address, 5432), 5000);
      // SSLRequest, https://www.postgresql.org/docs/18/protocol-message-formats.html
      plain.getOutputStream().write(new byte[] {0, 0, 0, 8, 4, (byte) 0xd2, 0x16, 0x2f});
      assertEquals('S', plain.getInputStream().read());
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(null, new TrustManager[] {new Anybody()}, RANDOM);
      try (SSLSocket tls =
          (SSLSocket) context.getSocketFactory().createSocket(plain, address, 5432, true)) {
        tls.startHandshake();
        return ((X509Certificate) tls.getSession().getPeerCertificates()[0]).getSerialNumber();
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  private static void assertReason(String status, String reason) {
    Condition condition = Kube.condition(KUBE.status(NAMESPACE, "own"), "TLSReady");
    assertEquals(
        status + " " + reason,
        condition == null ? null : condition.getStatus() + " " + condition.getReason());
  }

  private static void awaitReason(String status, String reason) {
    Kube.await(
        Duration.ofSeconds(30),
        () -> {
          Condition condition = Kube.condition(KUBE.status(NAMESPACE, "own"), "TLSReady");
          return condition != null
                  && condition.getStatus().equals(status)
                  && condition.getReason().equals(reason)
              ? null
              : "TLSReady is " + condition;
        });
  }

  private static Map<String, String> app() {
    return KUBE.secret(NAMESPACE, "own-app");
  }

  /** Which containers there are: one that is started again has another id. */
  private static List<String> containers() {
    return KUBE.pods(NAMESPACE, "own").stream()
        .flatMap(
            pod ->
                Stream.concat(
                    pod.getStatus().getInitContainerStatuses().stream(),
                    pod.getStatus().getContainerStatuses().stream()))
        .map(ContainerStatus::getContainerID)
        .toList();
  }

  private static int one(Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery("select 1")) {
      row.next();
      return row.getInt(1);
    }
  }

  private static Connection connect(Path name, String authority) throws SQLException {
    try {
      return connect("verify-ca", Files.writeString(folder.resolve(name), authority));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Connection connect(String mode, @Nullable Path authority) throws SQLException {
    Map<String, String> app = app();
    Properties properties = new Properties();
    properties.setProperty("user", String.valueOf(app.get("username")));
    properties.setProperty("password", String.valueOf(app.get("password")));
    properties.setProperty("sslmode", mode);
    if (authority != null) {
      properties.setProperty("sslrootcert", authority.toString());
    }
    properties.setProperty("connectTimeout", "5");
    properties.setProperty("socketTimeout", "20");
    return DriverManager.getConnection(
        "jdbc:postgresql://" + KUBE.address(NAMESPACE, "own", "rw") + ":5432/" + app.get("dbname"),
        properties);
  }

  /** A connection that is held, and others that come and go; each checks the certificate. */
  private static final class Load implements AutoCloseable {
    final Queue<String> errors = new ConcurrentLinkedQueue<>();
    final AtomicInteger connections = new AtomicInteger();
    final AtomicInteger queries = new AtomicInteger();
    private final List<Thread> threads = new ArrayList<>();
    private volatile boolean stopped;

    Load() {
      threads.add(Thread.ofVirtual().start(this::hold));
      threads.add(Thread.ofVirtual().start(() -> comeAndGo("a.crt")));
      threads.add(Thread.ofVirtual().start(() -> comeAndGo("b.crt")));
    }

    private void hold() {
      try (Connection connection = connect(Path.of("held.crt"), authority.certificate());
          Statement statement = connection.createStatement()) {
        while (!stopped) {
          statement.execute("select 1");
          queries.incrementAndGet();
          Thread.sleep(20);
        }
      } catch (SQLException e) {
        errors.add("held: " + e);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }

    private void comeAndGo(String file) {
      try {
        while (!stopped) {
          try (Connection connection = connect(Path.of(file), authority.certificate());
              Statement statement = connection.createStatement()) {
            statement.execute("select 1");
            connections.incrementAndGet();
          } catch (SQLException e) {
            errors.add("new: " + e);
          }
          Thread.sleep(50);
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }

    void end() throws InterruptedException {
      stopped = true;
      for (Thread thread : threads) {
        thread.join();
      }
    }

    @Override
    public void close() {
      stopped = true;
    }
  }

  /** Believes everybody. */
  private static final class Anybody extends X509ExtendedTrustManager {
    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type, Socket socket) {}

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type, Socket socket) {}

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type, SSLEngine engine) {}

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type, SSLEngine engine) {}

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type) {}

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type) {}

    @Override
    public X509Certificate[] getAcceptedIssuers() {
      return new X509Certificate[0];
    }
  }
}
