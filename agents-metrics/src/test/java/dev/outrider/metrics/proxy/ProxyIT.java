package dev.outrider.metrics.proxy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.outrider.agents.AgentCommand.Surroundings;
import dev.outrider.agents.config.ConfigTree;
import dev.outrider.agents.config.ProxyConfig;
import dev.outrider.metrics.proxy.fence.InstanceFile;
import dev.outrider.metrics.proxy.session.Entrance;
import dev.outrider.metrics.proxy.tls.Authority;
import dev.outrider.metrics.proxy.traces.CollectorServer;
import io.opentelemetry.proto.trace.v1.Span;
import io.opentelemetry.proto.trace.v1.Status.StatusCode;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.Certificate;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.zip.CRC32;
import java.util.zip.CheckedOutputStream;
import javax.net.ssl.SSLSocket;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.postgresql.PGConnection;
import org.testcontainers.containers.GenericContainer;
import org.testcontainers.images.builder.Transferable;
import org.testcontainers.utility.DockerImageName;

/** The proxy before the project's own Postgres image, on its Unix socket. */
@Timeout(240)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class ProxyIT {
  private static final String PASSWORD = RealPostgres.PASSWORD;
  private static final String HOST = RealPostgres.HOST;
  private static final long COPIED = 300L << 20;
  private static final int SSL_REQUEST = 80877103;
  // A few bytes for each query would be far more.
  private static final long MOST_GROWTH = 4 << 20;

  private static @Nullable RealPostgres server;
  private static Path sockets = Path.of("unset");
  private static GenericContainer<?> postgres =
      new GenericContainer<>(DockerImageName.parse("unset"));
  private ProxyAgent proxy = proxy(Transport.best());
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();

  @BeforeAll
  static void startPostgres() throws IOException {
    server = RealPostgres.start();
    postgres = server.container();
    sockets = server.sockets();
  }

  @AfterAll
  static void stopPostgres() throws IOException {
    if (server != null) {
      server.close();
    }
  }

  private static ProxyAgent proxy(Transport transport) {
    return proxy(transport, Map.of());
  }

  private static ProxyAgent proxy(Transport transport, Map<String, String> more) {
    return proxy(transport, more, new PrometheusRegistry());
  }

  private static ProxyAgent proxy(
      Transport transport, Map<String, String> more, PrometheusRegistry metrics) {
    ConfigTree tree = ConfigTree.empty();
    Map<String, String> keys = new HashMap<>(more);
    keys.put("listen", "0.0.0.0:0");
    keys.putIfAbsent("upstream", "unix:" + sockets.toAbsolutePath().resolve(".s.PGSQL.5433"));
    for (Map.Entry<String, String> key : keys.entrySet()) {
      tree = tree.with(key.getKey(), key.getValue(), "test");
    }
    return new ProxyAgent(
        ProxyConfig.from(tree),
        new Surroundings(metrics, Clock.systemUTC(), error -> {}),
        transport);
  }

  private void start(Transport transport) {
    proxy = proxy(transport);
    proxy.start();
    ProxyFixture.until(() -> proxy.unready().isEmpty());
  }

  @BeforeEach
  void startProxy() {
    start(Transport.best());
  }

  @AfterEach
  void stopProxy() {
    proxy.stop();
    threads.shutdownNow();
  }

  private Connection connect(String... properties) throws SQLException {
    return connect(Entrance.ANY, properties);
  }

  private Connection connect(Entrance entrance, String... properties) throws SQLException {
    Properties all = new Properties();
    all.setProperty("user", "postgres");
    all.setProperty("password", PASSWORD);
    all.setProperty("sslmode", "disable");
    for (int i = 0; i < properties.length; i += 2) {
      all.setProperty(properties[i], properties[i + 1]);
    }
    return DriverManager.getConnection(
        "jdbc:postgresql://127.0.0.1:" + proxy.address(entrance).getPort() + "/postgres", all);
  }

  @ParameterizedTest
  @Order(1)
  @EnumSource
  void aSessionIsWhatItIsWithoutTheProxy(Transport transport) throws SQLException {
    proxy.stop();
    start(transport);
    // SSL is asked for and declined, as on the socket itself.
    try (Connection connection = connect("sslmode", "prefer");
        PreparedStatement statement = connection.prepareStatement("SELECT ? || '!'")) {
      for (int i = 0; i < 20; i++) {
        statement.setString(1, "hello " + i);
        try (ResultSet result = statement.executeQuery()) {
          assertTrue(result.next());
          assertEquals("hello " + i + "!", result.getString(1));
        }
      }
      try (Statement other = connection.createStatement()) {
        SQLException error = assertThrows(SQLException.class, () -> other.execute("SELECT 1/0"));
        assertEquals("22012", error.getSQLState());
        assertTrue(other.execute("SELECT 1"));
      }
    }
  }

  @ParameterizedTest
  @Order(1)
  @CsvSource({
    "allow, disable, postgres",
    "allow, prefer, postgres",
    "allow, require, postgres",
    "require, allow, postgres",
    "require, verify-ca, postgres",
    "require, verify-full, postgres",
    "require, require, direct",
    "require, verify-full, direct"
  })
  void aSessionIsWhatItIsWithEverySslmode(
      String mode, String sslmode, String negotiation, @TempDir Path folder) throws Exception {
    // Given
    Authority _ = startWithTls(mode, folder);

    // When
    try (Connection connection = connectTls(folder, sslmode, negotiation, "prefer");
        Statement statement = connection.createStatement();
        ResultSet result = statement.executeQuery("SELECT count(*) FROM generate_series(1, 9)")) {
      // Then
      assertTrue(result.next());
      assertEquals(9, result.getInt(1));
    }
  }

  @Test
  @Order(1)
  void whoInsistsOnTlsOrOnChannelBindingHearsTheTruth(@TempDir Path folder) throws Exception {
    // Given
    Authority _ = startWithTls("require", folder);

    // Then
    assertEquals(
        "28000",
        assertThrows(
                SQLException.class,
                () -> connectTls(folder, "disable", "postgres", "prefer").close())
            .getSQLState());
    String message =
        String.valueOf(
            assertThrows(
                    SQLException.class,
                    () -> connectTls(folder, "require", "postgres", "require").close())
                .getMessage());
    assertTrue(
        message.startsWith("Channel Binding is required, but server did not offer"), message);
  }

  private Authority startWithTls(String mode, Path folder) throws Exception {
    proxy.stop();
    Authority authority = new Authority("test");
    authority.write(folder.resolve("ca.crt"));
    authority
        .identity("CN=proxy", "localhost", Duration.ofDays(30))
        .write(folder.resolve("tls.crt"), folder.resolve("tls.key"));
    proxy =
        proxy(
            Transport.best(),
            Map.of(
                "tls.mode",
                mode,
                "tls.certificate",
                folder.resolve("tls.crt").toString(),
                "tls.key",
                folder.resolve("tls.key").toString()));
    proxy.start();
    ProxyFixture.until(() -> proxy.unready().isEmpty());
    return authority;
  }

  private Connection connectTls(
      Path folder, String sslmode, String negotiation, String channelBinding) throws SQLException {
    Properties all = new Properties();
    all.setProperty("user", "postgres");
    all.setProperty("password", PASSWORD);
    all.setProperty("sslmode", sslmode);
    all.setProperty("sslNegotiation", negotiation);
    all.setProperty("channelBinding", channelBinding);
    all.setProperty("sslrootcert", folder.resolve("ca.crt").toString());
    return DriverManager.getConnection(
        "jdbc:postgresql://localhost:" + proxy.address().getPort() + "/postgres", all);
  }

  @Test
  @Order(1)
  void aWrongPasswordIsPostgresAnswer() {
    SQLException error =
        assertThrows(SQLException.class, () -> connect("password", "another").close());
    assertEquals("28P01", error.getSQLState());
  }

  /** Whatever succeeded, in whichever way it was sent, is counted as Postgres counts it. */
  @Test
  @Order(1)
  void figuresAgreeWithPgStatStatements() throws Exception {
    // Given
    proxy.stop();
    PrometheusRegistry metrics = new PrometheusRegistry();
    proxy = proxy(Transport.best(), Map.of("metrics.maxFingerprints", "500"), metrics);
    proxy.start();
    MixedRun.Connector connector =
        properties -> {
          // The name is told at the start, not set by a statement.
          String[] more = Arrays.copyOf(properties, properties.length + 2);
          more[properties.length] = "assumeMinServerVersion";
          more[properties.length + 1] = "14";
          return connect(more);
        };
    MixedRun.prepare(connector);

    // When
    int sessions = MixedRun.run(connector);

    // Then
    Map<String, String> texts = new HashMap<>();
    Map<String, String> ofPostgres;
    try (Connection reader = connector.connect("ApplicationName", "reader")) {
      ofPostgres = MixedRun.ofPostgres(reader, texts);
    }
    Map<String, String> ofProxy = MixedRun.ofProxy(metrics, "mixed");
    texts.forEach(
        (hash, text) -> {
          if (text.equals("commit")) {
            assertEquals(3 * sessions + " calls 0 rows", ofProxy.remove(hash));
            ofPostgres.remove(hash);
          }
        });
    assertEquals(ofPostgres, ofProxy, texts::toString);
  }

  /** As pgbench sends them: by Query, by a Parse for each, and by one Parse for all. */
  @ParameterizedTest
  @Order(1)
  @ValueSource(strings = {"simple", "extended", "prepared"})
  void figuresOfPgbenchAgreeWithPgStatStatements(String mode) throws Exception {
    // Given
    proxy.stop();
    PrometheusRegistry metrics = new PrometheusRegistry();
    proxy = proxy(Transport.best(), Map.of(), metrics);
    proxy.start();
    ProxyFixture.until(() -> proxy.unready().isEmpty());
    run("pgbench", "-i", "-q", libpq("setup"));
    try (Connection setup = connect("ApplicationName", "setup");
        Statement statement = setup.createStatement()) {
      statement.execute("create extension if not exists pg_stat_statements");
      statement.execute("select pg_stat_statements_reset()");
    }

    // When
    run("pgbench", "-n", "-M", mode, "-c", "5", "-j", "2", "-t", "40", libpq("pgbench"));
    run("pgbench", "-n", "-S", "-C", "-M", mode, "-c", "2", "-t", "20", libpq("pgbench"));

    // Then
    Map<String, String> texts = new HashMap<>();
    Map<String, String> ofPostgres;
    try (Connection reader = connect("ApplicationName", "reader", "assumeMinServerVersion", "14")) {
      ofPostgres = MixedRun.ofPostgres(reader, texts);
    }
    Map<String, String> ofProxy = MixedRun.ofProxy(metrics, "pgbench");
    texts.forEach(
        (hash, text) -> {
          if (text.equals("begin") || text.equals("end")) {
            // Of a utility statement that is prepared, pg_stat_statements counts only the first.
            assertEquals("200 calls 0 rows", ofProxy.remove(hash), text);
            String counted = ofPostgres.remove(hash);
            if (!mode.equals("prepared")) {
              assertEquals("200 calls 0 rows", counted, text);
            }
          }
        });
    assertTrue(ofProxy.containsValue("240 calls 240 rows"), () -> "no SELECTs: " + texts + ofProxy);
    assertEquals(ofPostgres, ofProxy, texts::toString);
  }

  private String libpq(String application) {
    return "host=%s port=%d user=postgres dbname=postgres password='%s' application_name=%s"
        .formatted(HOST, proxy.address().getPort(), PASSWORD, application);
  }

  @Test
  @Order(1)
  void aQueryIsCancelled() throws Exception {
    try (Connection connection = connect();
        Statement statement = connection.createStatement()) {
      // Given
      CountDownLatch running = new CountDownLatch(1);
      Future<SQLException> query =
          threads.submit(
              () -> {
                running.countDown();
                return assertThrows(
                    SQLException.class, () -> statement.execute("SELECT pg_sleep(60)"));
              });
      running.await();
      try (Connection other = connect();
          Statement look = other.createStatement()) {
        ProxyFixture.until(() -> sleeps(look));
      }

      // When
      statement.cancel();

      // Then
      assertEquals("57014", query.get(20, TimeUnit.SECONDS).getSQLState());
      assertTrue(statement.execute("SELECT 1"));
    }
  }

  private static boolean sleeps(Statement look) {
    try (ResultSet result =
        look.executeQuery("SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'")) {
      return result.next();
    } catch (SQLException e) {
      throw new AssertionError(e);
    }
  }

  /** Another Postgres, in recovery without a primary, until somebody promotes it. */
  @Test
  @Order(1)
  void aStandbyIsNoPrimaryUntilItsPromotionIsOver(@TempDir Path folder) throws Exception {
    // Given
    InstanceFile record = new InstanceFile(folder.resolve("instance.json"));
    run(
        "bash",
        "-c",
        "initdb -A scram-sha-256 -U postgres --pwfile=<(echo '"
            + PASSWORD
            + "') -D /tmp/standby && touch /tmp/standby/standby.signal"
            + " && pg_ctl -D /tmp/standby -l /tmp/standby.log -w -o '-c port=5434"
            + " -c unix_socket_directories=/run/postgresql -c listen_addresses=' start");
    try {
      for (String role : List.of("standby", "primary", "")) {
        // When
        startBefore(record, role);

        // Then
        assertRefusedAsStandby();
        try (Connection any = connect();
            Statement statement = any.createStatement()) {
          assertEquals("t", first(statement, "SELECT pg_is_in_recovery()"));
          assertEquals(
              "25006",
              assertThrows(SQLException.class, () -> statement.execute("CREATE TABLE t (i int)"))
                  .getSQLState());
        }
        // A libpq that knows several hosts goes on to the next.
        assertEquals(
            "t\n",
            run(
                "psql",
                "-XAtc",
                "SELECT pg_is_in_recovery()",
                "host=%s,%s port=%d,%d user=postgres dbname=postgres password='%s'"
                    .formatted(
                        HOST,
                        HOST,
                        proxy.address(Entrance.PRIMARY).getPort(),
                        proxy.address().getPort(),
                        PASSWORD)));
      }

      // When
      try (Connection any = connect();
          Statement statement = any.createStatement()) {
        assertEquals("t", first(statement, "SELECT pg_promote()"));
      }

      // Then
      for (String role : List.of("primary", "")) {
        startBefore(record, role);
        for (Entrance entrance : Entrance.values()) {
          try (Connection connection = connect(entrance);
              Statement statement = connection.createStatement()) {
            assertEquals(0, statement.executeUpdate("CREATE TEMPORARY TABLE t (i int)"));
          }
        }
      }
      startBefore(record, "standby");
      assertRefusedAsStandby();
    } finally {
      run("bash", "-c", "pg_ctl -D /tmp/standby -m immediate stop && rm -r /tmp/standby");
    }
  }

  /** Starts the proxy before the standby, with a record of this role, or without one. */
  private void startBefore(InstanceFile record, String role) throws IOException {
    proxy.stop();
    Map<String, String> keys = new HashMap<>();
    keys.put("primary.listen", "0.0.0.0:0");
    keys.put("upstream", "unix:" + sockets.toAbsolutePath().resolve(".s.PGSQL.5434"));
    if (!role.isEmpty()) {
      keys.put("instance", record.path().toString());
    }
    if (role.equals("primary")) {
      record.primary(InstanceFile.now(), InstanceFile.now() + 20);
    } else if (!role.isEmpty()) {
      record.role(role, InstanceFile.now());
    }
    proxy = proxy(Transport.best(), keys);
    proxy.start();
    ProxyFixture.until(() -> proxy.unready().isEmpty());
  }

  private void assertRefusedAsStandby() {
    SQLException refused =
        assertThrows(SQLException.class, () -> connect(Entrance.PRIMARY).close());
    assertEquals("57P03", refused.getSQLState());
    assertTrue(
        String.valueOf(refused.getMessage())
            .contains("this instance is a standby, and this port is for the primary; try again"),
        refused.getMessage());
  }

  private static String first(Statement statement, String query) throws SQLException {
    try (ResultSet result = statement.executeQuery(query)) {
      assertTrue(result.next());
      return result.getString(1);
    }
  }

  @ParameterizedTest
  @Order(1)
  @EnumSource
  void copyGoesBothWays(Transport transport) throws Exception {
    proxy.stop();
    start(transport);
    try (Connection connection = connect();
        Statement statement = connection.createStatement()) {
      // Given
      statement.execute("DROP TABLE IF EXISTS copied");
      statement.execute("CREATE UNLOGGED TABLE copied (line text)");
      Lines lines = new Lines();

      // When
      long rows =
          connection
              .unwrap(PGConnection.class)
              .getCopyAPI()
              .copyIn("COPY copied FROM STDIN", lines);
      CheckedOutputStream back =
          new CheckedOutputStream(OutputStream.nullOutputStream(), new CRC32());
      long rowsBack =
          connection.unwrap(PGConnection.class).getCopyAPI().copyOut("COPY copied TO STDOUT", back);

      // Then
      assertEquals(COPIED / Lines.LENGTH, rows);
      assertEquals(rows, rowsBack);
      assertEquals(lines.checksum.getValue(), back.getChecksum().getValue());
      statement.execute("DROP TABLE copied");
    }
  }

  /** Lines of text that differ, made as they are read. */
  private static final class Lines extends InputStream {
    static final int LENGTH = 1024;
    final CRC32 checksum = new CRC32();
    private final byte[] line = new byte[LENGTH];
    private long made;

    @Override
    public int read() {
      throw new UnsupportedOperationException();
    }

    @Override
    public int read(byte[] into, int offset, int length) {
      if (made >= COPIED) {
        return -1;
      }
      for (int i = 0; i < LENGTH - 1; i++) {
        line[i] = (byte) ('a' + (made / LENGTH + i) % 26);
      }
      line[LENGTH - 1] = '\n';
      System.arraycopy(line, 0, into, offset, LENGTH);
      checksum.update(line);
      made += LENGTH;
      return LENGTH;
    }
  }

  @Test
  @Order(1)
  void pgbenchRunsWithoutAnError() throws Exception {
    // Given
    String connection = libpq("pgbench");

    // When
    run("pgbench", "-i", "-q", "-s", "2", connection);
    for (String mode : new String[] {"simple", "extended", "prepared"}) {
      String report = run("pgbench", "-M", mode, "-c", "20", "-j", "2", "-t", "200", connection);

      // Then
      assertTrue(report.contains("actually processed: 4000/4000"), report);
      assertTrue(report.contains("number of failed transactions: 0 (0.000%)"), report);
    }
    String reconnecting = run("pgbench", "-S", "-C", "-c", "10", "-t", "20", connection);
    assertTrue(reconnecting.contains("actually processed: 200/200"), reconnecting);
  }

  /** In short what {@code make soak} does for long. */
  @Test
  @Order(1)
  @Timeout(600)
  void memoryStaysFlatOverManyQueries() throws Exception {
    // Given
    run("pgbench", "-i", "-q", libpq("setup"));
    script("literals", "\\set value random(1, 1000000000)", "select :value, 'x:value';");
    script("fingerprints", "\\set name random(1, 1000000)", "select :name as n:name;");
    script("names", "\\set name random(1, 150)", "set application_name = 'app :name';");
    manyQueries();
    long before = ProxyFixture.memory();

    // When
    for (int round = 0; round < 3; round++) {
      manyQueries();
    }

    // Then
    long grown = ProxyFixture.memory() - before;
    assertTrue(grown < MOST_GROWTH, grown + " bytes");
  }

  private static void script(String name, String... lines) {
    postgres.copyFileToContainer(
        Transferable.of(String.join("\n", lines) + "\n"), "/tmp/" + name + ".sql");
  }

  /** Twenty-five thousand. */
  private void manyQueries() throws Exception {
    String many = libpq("many");
    run("pgbench", "-n", "-S", "-M", "prepared", "-c", "10", "-t", "750", many);
    run("pgbench", "-n", "-f", "/tmp/literals.sql", "-c", "10", "-t", "750", many);
    run("pgbench", "-n", "-f", "/tmp/fingerprints.sql", "-c", "10", "-t", "750", many);
    run("pgbench", "-n", "-f", "/tmp/names.sql", "-c", "10", "-t", "240", many);
    run("pgbench", "-n", "-S", "-C", "-c", "10", "-t", "10", many);
  }

  @Test
  @Order(1)
  void newCertificatesDisturbNobody(@TempDir Path folder) throws Exception {
    // Given
    Authority authority = startWithTls("require", folder);
    run("pgbench", "-i", "-q", libpq("setup") + " sslmode=require");
    renew(authority, folder);
    Path ca = folder.resolve("ca.crt");
    postgres.copyFileToContainer(Transferable.of(Files.readAllBytes(ca), 0644), "/tmp/ca.crt");
    String verified = libpq("tls") + " sslmode=verify-full sslrootcert=/tmp/ca.crt";
    AtomicBoolean stopping = new AtomicBoolean();
    AtomicInteger connecting = new AtomicInteger();
    List<Future<?>> clients = new ArrayList<>();
    for (String[] options : new String[][] {{"-C", "-t", "5"}, {"-M", "prepared", "-t", "1000"}}) {
      clients.add(
          threads.submit(
              () -> {
                while (!stopping.get()) {
                  List<String> words = new ArrayList<>(List.of("pgbench", "-n", "-S", "-c", "4"));
                  words.addAll(List.of(options));
                  words.add(verified);
                  run(words.toArray(new String[0]));
                  connecting.incrementAndGet();
                }
                return null;
              }));
    }
    try {
      for (int round = 0; round < 3; round++) {
        int before = connecting.get();
        ProxyFixture.until(() -> connecting.get() > before + 1 || anyEnded(clients));

        // When
        Certificate renewed = renew(authority, folder);

        // Then
        assertEquals(renewed, shown(authority));
      }
    } finally {
      stopping.set(true);
    }
    for (Future<?> client : clients) {
      client.get(60, TimeUnit.SECONDS);
    }
  }

  private Certificate renew(Authority authority, Path folder) throws Exception {
    Authority.Identity renewed = authority.identity("CN=proxy", HOST, Duration.ofDays(60));
    renewed.write(folder.resolve("tls.crt"), folder.resolve("tls.key"));
    proxy.look();
    proxy.look();
    return renewed.certificate();
  }

  private static boolean anyEnded(List<Future<?>> clients) {
    return clients.stream().anyMatch(Future::isDone);
  }

  /** The certificate that somebody sees who connects now. */
  private Certificate shown(Authority authority) throws Exception {
    try (CutSocket plain = new CutSocket(proxy.address(), left -> left)) {
      plain.getOutputStream().write(RefusalTest.request(SSL_REQUEST));
      assertEquals('S', plain.getInputStream().read());
      SSLSocket encrypted =
          (SSLSocket)
              authority
                  .client(null)
                  .getSocketFactory()
                  .createSocket(plain, HOST, plain.getPort(), true);
      return encrypted.getSession().getPeerCertificates()[0];
    }
  }

  private static String run(String... command) throws Exception {
    return RealPostgres.run(postgres, command);
  }

  @Test
  @Order(1)
  void aPrimaryIsReachedOnlyWhileItsLeaseIsGood(@TempDir Path folder) throws Exception {
    // Given
    proxy.stop();
    InstanceFile record = new InstanceFile(folder.resolve("instance.json"));
    record.primary(InstanceFile.now(), InstanceFile.now() + 20);
    proxy = proxy(Transport.best(), Map.of("instance", record.path().toString()));
    proxy.start();
    ProxyFixture.until(() -> proxy.unready().isEmpty());
    try (Connection writer = connect();
        Statement statement = writer.createStatement()) {
      statement.execute("DROP TABLE IF EXISTS fenced");
      statement.execute("CREATE TABLE fenced (row integer)");
      AtomicInteger acknowledged = new AtomicInteger();
      Future<SQLException> writes =
          threads.submit(
              () ->
                  assertThrows(
                      SQLException.class,
                      () -> {
                        while (true) {
                          statement.execute("INSERT INTO fenced VALUES (1)");
                          acknowledged.incrementAndGet();
                        }
                      }));
      ProxyFixture.until(() -> acknowledged.get() > 100);

      // When
      record.role("none", InstanceFile.now());

      // Then
      assertEquals("08006", writes.get(10, TimeUnit.SECONDS).getSQLState());
      SQLException refused = assertThrows(SQLException.class, () -> connect().close());
      assertEquals("57P03", refused.getSQLState());
      assertEquals(
          "FATAL: the proxy lets no session through: Patroni does not let the instance serve: a"
              + " test",
          refused.getMessage());

      // When
      record.primary(InstanceFile.now(), InstanceFile.now() + 20);

      // Then
      ProxyFixture.until(() -> proxy.unready().isEmpty());
      try (Connection reader = connect();
          Statement look = reader.createStatement();
          ResultSet rows = look.executeQuery("SELECT count(*) FROM fenced")) {
        assertTrue(rows.next());
        int found = rows.getInt(1);
        assertTrue(
            found == acknowledged.get() || found == acknowledged.get() + 1,
            found + " rows, " + acknowledged + " acknowledged");
        look.execute("DROP TABLE fenced");
      }
    }
  }

  @Test
  @Order(1)
  void aDrainLetsTransactionsFinish() throws Exception {
    try (Connection idle = connect();
        Connection transaction = connect();
        Connection stuck = connect();
        Statement atOnce = idle.createStatement();
        Statement last = transaction.createStatement();
        Statement sleep = stuck.createStatement()) {
      // Given
      assertTrue(atOnce.execute("SELECT 1"));
      transaction.setAutoCommit(false);
      assertTrue(last.execute("SELECT 1"));
      Future<SQLException> sleeping =
          threads.submit(
              () -> assertThrows(SQLException.class, () -> sleep.execute("SELECT pg_sleep(60)")));
      ProxyFixture.until(() -> sleeps(last));
      CountDownLatch ended = new CountDownLatch(1);

      // When
      proxy.drain(ended::countDown);

      // Then
      SQLException gone =
          assertThrows(
              SQLException.class,
              () -> {
                // It may have been faster than the drain.
                while (true) {
                  atOnce.execute("SELECT 1");
                }
              });
      assertEquals("57P01", gone.getSQLState());
      assertEquals(
          "FATAL: terminating connection: the instance is going away; connect again",
          gone.getMessage());
      assertEquals(
          "57P03", assertThrows(SQLException.class, () -> connect().close()).getSQLState());
      assertTrue(last.execute("SELECT 2"));
      transaction.commit();
      assertEquals(
          "57P01", assertThrows(SQLException.class, () -> last.execute("SELECT 3")).getSQLState());

      // When
      sleep.cancel();

      // Then
      assertEquals("57014", sleeping.get(20, TimeUnit.SECONDS).getSQLState());
      assertTrue(ended.await(10, TimeUnit.SECONDS));
    }
  }

  /** The last test: it takes Postgres away and brings it back, twice. */
  @Test
  @Order(2)
  void whilePostgresIsAwayClientsHearSoAndReadinessSaysWhy() throws Exception {
    // When it is stopped
    postgres.execInContainer("pg_ctl", "stop", "-m", "fast", "-W");

    // Then
    assertAway("no socket at " + sockets.resolve(".s.PGSQL.5433"));

    // When
    postgres.stop();
    postgres.start();

    // Then
    ProxyFixture.until(() -> proxy.unready().isEmpty());
    try (Connection open = connect();
        Statement statement = open.createStatement()) {
      assertTrue(statement.execute("SELECT 1"));

      // When it is killed
      postgres.stop();

      // Then
      assertAway("cannot connect to unix:" + sockets.resolve(".s.PGSQL.5433"));
      assertThrows(SQLException.class, () -> statement.execute("SELECT 1"));
    }

    // When
    postgres.start();

    // Then
    ProxyFixture.until(() -> proxy.unready().isEmpty());
    ProxyFixture.until(this::answers);
  }

  private void assertAway(String problem) {
    ProxyFixture.until(() -> !proxy.unready().isEmpty());
    String message = proxy.unready().get(0).message();
    assertTrue(message.startsWith(problem), message);
    SQLException error = assertThrows(SQLException.class, () -> connect().close());
    assertEquals("57P03", error.getSQLState());
    assertEquals("FATAL: the proxy cannot reach Postgres; try again", error.getMessage());
  }

  private boolean answers() {
    try (Connection connection = connect();
        Statement statement = connection.createStatement()) {
      return statement.execute("SELECT 1");
    } catch (SQLException e) {
      return false;
    }
  }

  private static String comment(int span) {
    return String.format("/*traceparent='00-0af7651916cd43dd8448eb211c80319c-%016x-01'*/", span);
  }

  /** What Postgres takes for a comment or a setting is a trace, and each query one span. */
  @Test
  @Order(1)
  void queriesOfATraceAreSpansAtTheCollector() throws Exception {
    try (CollectorServer collector = new CollectorServer()) {
      // Given
      proxy.stop();
      PrometheusRegistry metrics = new PrometheusRegistry();
      proxy = proxy(Transport.best(), Map.of("traces.endpoint", collector.endpoint()), metrics);
      proxy.start();
      ProxyFixture.until(() -> proxy.unready().isEmpty());

      // When
      try (Connection connection = connect("prepareThreshold", "1");
          Statement statement = connection.createStatement()) {
        statement.execute("SELECT 'a secret' " + comment(1));
        assertThrows(SQLException.class, () -> statement.execute("SELECT 1/0 " + comment(2)));
        String named = "SELECT generate_series(1, ?) " + comment(3);
        try (PreparedStatement prepared = connection.prepareStatement(named)) {
          for (int rows = 1; rows <= 2; rows++) {
            prepared.setInt(1, rows);
            prepared.executeQuery().close();
          }
        }
        statement.execute("SELECT 1");
      }
      String header = "00-0af7651916cd43dd8448eb211c80319c-0000000000000004-01";
      try (Connection connection =
              connect("preferQueryMode", "simple", "options", "-c outrider.traceparent=" + header);
          Statement statement = connection.createStatement()) {
        assertTrue(statement.execute("SHOW outrider.traceparent; SELECT 1"));
        try (ResultSet shown = statement.getResultSet()) {
          assertTrue(shown.next());
          assertEquals(header, shown.getString(1));
        }
      }
      proxy.stop();

      // Then: of the driver's own queries, those of the second session have its trace, too
      List<Span> spans = new ArrayList<>();
      while (spans.stream()
          .noneMatch(span -> parent(span) == 4 && span.getName().equals("SELECT postgres"))) {
        spans.addAll(collector.next().spans());
      }
      Map<Long, List<String>> names = new TreeMap<>();
      for (Span span : spans) {
        names.computeIfAbsent(parent(span), _ -> new ArrayList<>()).add(span.getName());
      }
      assertEquals(List.of("SELECT postgres"), names.get(1L));
      assertEquals(List.of("postgres"), names.get(2L));
      assertEquals(List.of("SELECT postgres"), names.get(3L));
      assertTrue(
          names
              .getOrDefault(4L, List.of())
              .containsAll(List.of("SHOW postgres", "SELECT postgres")));
      assertEquals(Set.of(1L, 2L, 3L, 4L), names.keySet());
      assertFalse(spans.toString().contains("secret"));
      Span failed = spans.stream().filter(span -> parent(span) == 2).findFirst().orElseThrow();
      assertEquals(StatusCode.STATUS_CODE_ERROR, failed.getStatus().getCode());
      assertTrue(failed.toString().contains("22012"));
      long now = System.currentTimeMillis();
      for (Span span : spans) {
        assertTrue(span.getStartTimeUnixNano() <= span.getEndTimeUnixNano(), span::toString);
        long ago = now - span.getEndTimeUnixNano() / 1_000_000;
        assertTrue(ago >= -1000 && ago < 240_000, "ms ago: " + ago);
      }
    }
  }

  private static long parent(Span span) {
    return span.getParentSpanId().asReadOnlyByteBuffer().getLong();
  }
}
