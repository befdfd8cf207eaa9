package dev.outrider.e2e;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.StringReader;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.postgresql.PGConnection;
import org.postgresql.largeobject.LargeObject;
import org.postgresql.largeobject.LargeObjectManager;

/** Real drivers and programs get from PostgreSQL through the proxy what they get without it. */
class DriversIT {
  private static final Kube KUBE = Kube.connect();
  private static final String NAMESPACE = "e2e-drivers";
  private static final String CLUSTER = "drivers";
  private static final String POD = CLUSTER + "-0";
  private static final Path SCRIPTS = Path.of("../e2e/drivers");

  @RegisterExtension static final OwnNamespace OWN_NAMESPACE = new OwnNamespace(KUBE, NAMESPACE);

  private static Path programs = SCRIPTS;
  private static Path authority = SCRIPTS;

  @BeforeAll
  static void createCluster() throws IOException {
    KUBE.apply(
        NAMESPACE,
        """
        apiVersion: outrider.dev/v1alpha1
        kind: PostgresCluster
        metadata: {name: drivers}
        spec:
          instances: 1
          storage: {size: 4Gi}
          postgres: {parameters: {max_wal_size: 2GB}}
        """);
    programs = Path.of(run(Map.of(), SCRIPTS.resolve("prepare").toString()));
    KUBE.awaitSummary(NAMESPACE, CLUSTER, "1/1", "Healthy");
    Map<String, String> app = KUBE.secret(NAMESPACE, CLUSTER + "-app");
    KUBE.superuser(
        NAMESPACE,
        POD,
        "create role copier login replication password '" + app.get("password") + "'");
    KUBE.superuser(NAMESPACE, POD, "grant connect on database app to copier");
    authority = Files.writeString(Path.of("target/drivers-ca.crt"), app.get("ca.crt"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"disable", "verify-full"})
  void libpqAndItsPrograms(String sslMode) throws IOException {
    Map<String, String> app = KUBE.secret(NAMESPACE, CLUSTER + "-app");
    KUBE.superuser(NAMESPACE, POD, "drop database if exists restored");
    KUBE.superuser(NAMESPACE, POD, "create database restored owner " + app.get("username"));

    // In the image's own container, since there are the programs of this very PostgreSQL.
    String told =
        KUBE.exec(
            NAMESPACE,
            POD,
            "env",
            "PGHOST=" + CLUSTER + "-rw",
            "PGUSER=" + app.get("username"),
            "PGPASSWORD=" + app.get("password"),
            "PGDATABASE=" + app.get("dbname"),
            "PGSSLMODE=" + sslMode,
            "PGSSLROOTCERT=/etc/outrider/tls/ca.crt",
            "bash",
            "-c",
            "mkdir -p /var/lib/outrider/pgdata/e2e && PATH=/usr/lib/postgresql/18/bin:$PATH bash -c"
                + " \"$0\" libpq /var/lib/outrider/pgdata/e2e",
            Files.readString(SCRIPTS.resolve("libpq")));

    passed(told, 9);
  }

  /** Of these three only pgx cannot be told a name and an address. */
  @ParameterizedTest
  @ValueSource(strings = {"disable", "require", "verify-ca"})
  void pgx(String sslMode) {
    passed(run(environment(sslMode), programs.resolve("pgx").toString()), 7);
  }

  @ParameterizedTest
  @ValueSource(strings = {"disable", "require", "verify-full"})
  void psycopg(String sslMode) {
    passed(
        run(
            environment(sslMode),
            programs.resolve("python/bin/python").toString(),
            programs.resolve("with_psycopg.py").toString()),
        9);
  }

  @ParameterizedTest
  @ValueSource(strings = {"disable", "require", "verify-full"})
  void nodePostgres(String sslMode) {
    passed(run(environment(sslMode), "node", programs.resolve("node/main.mjs").toString()), 7);
  }

  @Test
  void jdbcLargeObjects() throws SQLException {
    byte[] sent = new byte[3_000_000];
    new Random(5).nextBytes(sent);
    try (Connection connection = KUBE.connect(NAMESPACE, CLUSTER, "rw")) {
      connection.setAutoCommit(false);
      // Of all drivers only this one still sends FunctionCall.
      LargeObjectManager objects = connection.unwrap(PGConnection.class).getLargeObjectAPI();
      long id = objects.createLO();
      try (LargeObject object = objects.open(id)) {
        object.write(sent);
        object.seek(0);
        assertArrayEquals(sent, object.read(sent.length));
      }
      objects.delete(id);
      connection.commit();
    }
  }

  @Test
  void jdbcStatementsBatchesAndCursors() throws SQLException {
    try (Connection connection = KUBE.connect(NAMESPACE, CLUSTER, "rw");
        Statement statement = connection.createStatement()) {
      statement.execute("create temp table t (id int primary key, body text)");
      try (PreparedStatement insert = connection.prepareStatement("insert into t values (?, ?)")) {
        for (int i = 0; i < 1000; i++) {
          insert.setInt(1, i);
          insert.setString(2, "é" + i);
          insert.addBatch();
        }
        assertEquals(1000, Arrays.stream(insert.executeBatch()).sum());
      }
      connection.setAutoCommit(false);
      try (PreparedStatement select =
          connection.prepareStatement("select id, body from t order by id")) {
        select.setFetchSize(17); // a portal that is suspended again and again
        int i = 0;
        try (ResultSet rows = select.executeQuery()) {
          while (rows.next()) {
            assertEquals(i, rows.getInt(1));
            assertEquals("é" + i, rows.getString(2));
            i++;
          }
        }
        assertEquals(1000, i);
      }
      SQLException refused =
          assertThrows(SQLException.class, () -> statement.execute("insert into t values (1)"));
      assertEquals("23505", refused.getSQLState());
      connection.rollback();
      assertTrue(statement.execute("select 1; select 2"));
      assertTrue(statement.getMoreResults());
    }
  }

  @Test
  void jdbcCopy() throws SQLException, IOException {
    try (Connection connection = KUBE.connect(NAMESPACE, CLUSTER, "rw");
        Statement statement = connection.createStatement()) {
      statement.execute("create temp table t (id int, body text)");
      var copy = connection.unwrap(PGConnection.class).getCopyAPI();
      StringWriter lines = new StringWriter();
      for (int i = 0; i < 50_000; i++) {
        lines.write(i + "\tbody " + i + "\n");
      }
      assertEquals(50_000, copy.copyIn("copy t from stdin", new StringReader(lines.toString())));
      ByteArrayOutputStream out = new ByteArrayOutputStream();
      assertEquals(50_000, copy.copyOut("copy t to stdout", out));
      assertEquals(lines.toString(), out.toString(StandardCharsets.UTF_8));
    }
  }

  @Test
  void jdbcCancel() throws Exception {
    try (Connection connection = KUBE.connect(NAMESPACE, CLUSTER, "rw");
        Statement statement = connection.createStatement()) {
      Thread canceller =
          Thread.startVirtualThread(
              () -> {
                try {
                  TimeUnit.MILLISECONDS.sleep(300);
                  statement.cancel();
                } catch (InterruptedException | SQLException e) {
                  throw new IllegalStateException(e);
                }
              });
      SQLException cancelled =
          assertThrows(SQLException.class, () -> statement.execute("select pg_sleep(15)"));
      assertEquals("57014", cancelled.getSQLState());
      canceller.join();
    }
  }

  private static Map<String, String> environment(String sslMode) {
    Map<String, String> app = KUBE.secret(NAMESPACE, CLUSTER + "-app");
    String address = KUBE.address(NAMESPACE, CLUSTER, "rw");
    String name = CLUSTER + "-rw." + NAMESPACE + ".svc";
    boolean full = sslMode.equals("verify-full");
    Map<String, String> environment =
        new HashMap<>(
            Map.of(
                "PGHOST",
                full ? name : address,
                "SERVER_NAME",
                name,
                "PGPORT",
                "5432",
                "PGUSER",
                String.valueOf(app.get("username")),
                "PGPASSWORD",
                String.valueOf(app.get("password")),
                "PGDATABASE",
                String.valueOf(app.get("dbname")),
                "PGSSLMODE",
                sslMode,
                "PGSSLROOTCERT",
                authority.toAbsolutePath().toString()));
    if (full) {
      environment.put("PGHOSTADDR", address);
    }
    return environment;
  }

  /** Each check says that it went well, and none is missing. */
  private static void passed(String told, int checks) {
    List<String> lines = told.lines().toList();
    assertTrue(lines.stream().allMatch(line -> line.startsWith("ok ")), told);
    assertEquals(checks, lines.size(), told);
  }

  /** What a program says, whether it went well or not. */
  private static String run(Map<String, String> environment, String... command) {
    try {
      ProcessBuilder builder = new ProcessBuilder(new ArrayList<>(List.of(command)));
      builder.environment().putAll(environment);
      builder.redirectError(ProcessBuilder.Redirect.INHERIT);
      Process process = builder.start();
      String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      assertTrue(process.waitFor(10, TimeUnit.MINUTES), "hangs: " + String.join(" ", command));
      return out.strip();
    } catch (IOException e) {
      throw new AssertionError(String.join(" ", command) + " cannot be run", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError(e);
    }
  }
}
