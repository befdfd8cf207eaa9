package dev.outrider.metrics.proxy;

import dev.outrider.protocol.sql.Fingerprinter;
import io.netty.buffer.Unpooled;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import io.prometheus.metrics.model.snapshots.CounterSnapshot;
import io.prometheus.metrics.model.snapshots.CounterSnapshot.CounterDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.MetricSnapshot;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.postgresql.PGConnection;

/**
 * What applications do, in every way in which pgjdbc sends it, and what pg_stat_statements and the
 * proxy make of it.
 */
final class MixedRun {
  /** Connects through the proxy. */
  interface Connector {
    /** With names and values of properties. */
    Connection connect(String... properties) throws SQLException;
  }

  private MixedRun() {}

  static void prepare(Connector proxy) throws SQLException {
    try (Connection connection = proxy.connect("ApplicationName", "setup");
        Statement statement = connection.createStatement()) {
      statement.execute("create extension if not exists pg_stat_statements");
      statement.execute("drop table if exists item, unique_item");
      statement.execute("create table item (id int, name text)");
      statement.execute("create table unique_item (id int primary key)");
      statement.execute("insert into unique_item values (1)");
      statement.execute("insert into item select i, 'n' || i from generate_series(1, 1000) i");
      statement.execute("select pg_stat_statements_reset()");
    }
  }

  /** Returns how many sessions there were. */
  static int run(Connector proxy) throws SQLException, IOException {
    int sessions = 0;
    for (String mode :
        new String[] {"simple", "extended", "extendedForPrepared", "extendedCacheEverything"}) {
      for (String threshold : new String[] {"1", "5"}) {
        for (String rewrite : new String[] {"false", "true"}) {
          try (Connection connection =
              proxy.connect(
                  "preferQueryMode", mode,
                  "prepareThreshold", threshold,
                  "reWriteBatchedInserts", rewrite,
                  "ApplicationName", "mixed")) {
            session(connection, mode);
            sessions++;
          }
        }
      }
    }
    return sessions;
  }

  private static void session(Connection connection, String mode) throws SQLException, IOException {
    statements(connection);
    prepared(connection);
    batches(connection);
    errors(connection);
    transactions(connection);
    cursors(connection);
    if (!mode.equals("simple")) {
      copies(connection);
    }
    sqlPrepared(connection);
  }

  private static void statements(Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      for (int i = 0; i < 7; i++) {
        rows(statement.executeQuery("select * from item where id = " + i));
        statement.execute("update item set name = 'x" + i + "' where id < " + i);
        statement.execute(
            "select 1; select 'a;b', 2 from item limit 3; insert into item values (7)");
        statement.execute("delete from item where id in (5000, 5001, " + i * 10_000 + ")");
        statement.execute("");
        statement.execute(" /* nothing */ ; ");
      }
      statement.execute("create temp table t" + System.nanoTime() + " as select * from item");
      statement.execute("set work_mem = '8MB'");
      statement.execute("show work_mem");
      statement.execute(
          "merge into item using (values (1)) v (id) on item.id = v.id"
              + " when matched then update set name = 'merged'");
    }
  }

  private static int rows(ResultSet result) throws SQLException {
    int rows = 0;
    try (result) {
      while (result.next()) {
        rows++;
      }
    }
    return rows;
  }

  private static void prepared(Connection connection) throws SQLException {
    try (PreparedStatement select =
            connection.prepareStatement("select name from item where id between ? and ?");
        PreparedStatement update =
            connection.prepareStatement("update item set name = ? where id = ? returning id")) {
      for (int i = 0; i < 9; i++) {
        select.setInt(1, i);
        select.setInt(2, 2 * i);
        rows(select.executeQuery());
        update.setString(1, "name " + i);
        update.setInt(2, i);
        rows(update.executeQuery());
      }
    }
  }

  private static void batches(Connection connection) throws SQLException {
    try (PreparedStatement insert =
            connection.prepareStatement("insert into item (id, name) values (?, ?)");
        Statement statement = connection.createStatement()) {
      for (int i = 0; i < 300; i++) {
        insert.setInt(1, 20_000 + i);
        insert.setString(2, "batch");
        insert.addBatch();
      }
      insert.executeBatch();
      for (int i = 0; i < 20; i++) {
        statement.addBatch("delete from item where id = " + (20_000 + i));
      }
      statement.executeBatch();
    }
  }

  private static void errors(Connection connection) throws SQLException {
    for (String text :
        new String[] {
          "select 1 / (id - 1) from item where id = 1",
          "select * from nowhere",
          "select it's wrong",
          "insert into unique_item select 1",
          "select 1; select 1 / 0; select 2"
        }) {
      try (PreparedStatement statement = connection.prepareStatement(text)) {
        boolean _ = statement.execute();
        throw new AssertionError("has not failed: " + text);
      } catch (SQLException e) {
        // As it should.
      }
    }
    try (PreparedStatement insert =
        connection.prepareStatement("insert into unique_item values (?)")) {
      for (int id : new int[] {100, 1, 101}) {
        insert.setInt(1, id);
        insert.addBatch();
      }
      int[] _ = insert.executeBatch();
      throw new AssertionError("has not failed");
    } catch (SQLException e) {
      // The second is there already; the others are rolled back with it, or not.
    }
    try (Statement statement = connection.createStatement()) {
      statement.execute("delete from unique_item where id > 1");
    }
  }

  private static void transactions(Connection connection) throws SQLException {
    connection.setAutoCommit(false);
    try (Statement statement = connection.createStatement()) {
      statement.execute("insert into item values (30000)");
      Savepoint savepoint = connection.setSavepoint("a");
      statement.execute("insert into item values (30001), (30002)");
      connection.rollback(savepoint);
      connection.releaseSavepoint(savepoint);
      connection.commit();
      statement.execute("delete from item where id = 30000");
      connection.rollback();
      statement.execute("delete from item where id = 30000");
      connection.commit();
    } finally {
      connection.setAutoCommit(true);
    }
  }

  private static void cursors(Connection connection) throws SQLException {
    connection.setAutoCommit(false);
    try (Statement statement = connection.createStatement();
        PreparedStatement some =
            connection.prepareStatement("select id from item where id > ? order by id")) {
      some.setFetchSize(100);
      some.setInt(1, 10);
      for (int i = 0; i < 6; i++) {
        rows(some.executeQuery());
      }
      // Left before its end.
      try (ResultSet result = some.executeQuery()) {
        boolean _ = result.next();
      }
      statement.execute("declare c cursor for select * from item");
      statement.execute("fetch 10 from c");
      statement.execute("move 10 from c");
      // Not the same text: of a utility statement that is prepared, pg_stat_statements counts only
      // the first execution. So it does of COMMIT.
      statement.execute("fetch 11 from c");
      statement.execute("close c");
      connection.commit();
    } finally {
      connection.setAutoCommit(true);
    }
  }

  private static void copies(Connection connection) throws SQLException, IOException {
    var copies = connection.unwrap(PGConnection.class).getCopyAPI();
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    copies.copyOut("copy (select id, name from item where id < 100) to stdout", out);
    copies.copyIn(
        "copy item from stdin",
        new ByteArrayInputStream(
            "40000\tcopied\n40001\tcopied\n".getBytes(StandardCharsets.UTF_8)));
    try {
      copies.copyIn(
          "copy item from stdin",
          new ByteArrayInputStream("wrong\n".getBytes(StandardCharsets.UTF_8)));
      throw new AssertionError("has not failed");
    } catch (SQLException e) {
      // As it should.
    }
    try (Statement statement = connection.createStatement()) {
      statement.execute("delete from item where id >= 40000");
    }
  }

  private static void sqlPrepared(Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute("PREPARE Find (int) AS SELECT * FROM item WHERE id = $1");
      for (int i = 0; i < 3; i++) {
        statement.execute("execute find (" + i + ")");
      }
      statement.execute("execute \"find\" (7)");
      statement.execute("deallocate find");
    }
  }

  /**
   * By fingerprint, calls and rows as pg_stat_statements has them.
   *
   * @param texts gets what each fingerprint looks like
   */
  static Map<String, String> ofPostgres(Connection connection, Map<String, String> texts)
      throws SQLException {
    Map<String, long[]> sums = new TreeMap<>();
    // With the limits of the proxy: where a text is cut, its hash depends on them.
    Fingerprinter fingerprinter = new Fingerprinter(64 << 10, 4 << 10);
    try (Statement statement = connection.createStatement();
        ResultSet result =
            statement.executeQuery(
                "select query, calls, rows from pg_stat_statements where toplevel")) {
      while (result.next()) {
        int statements =
            fingerprinter.read(Unpooled.copiedBuffer(result.getString(1), StandardCharsets.UTF_8));
        if (statements != 1) {
          throw new AssertionError(statements + " statements: " + result.getString(1));
        }
        if (fingerprinter.text(0).contains("pg_stat_statements")) {
          continue;
        }
        String hash = String.format(Locale.ROOT, "%016x", fingerprinter.hash(0));
        long[] sum = sums.computeIfAbsent(hash, _ -> new long[2]);
        sum[0] += result.getLong(2);
        sum[1] += result.getLong(3);
        texts.put(hash, fingerprinter.text(0));
      }
    }
    Map<String, String> told = new TreeMap<>();
    sums.forEach((hash, sum) -> told.put(hash, sum[0] + " calls " + sum[1] + " rows"));
    return told;
  }

  /** The same as the proxy has it, of sessions with this application name. */
  static Map<String, String> ofProxy(PrometheusRegistry metrics, String application) {
    Map<String, long[]> sums = new TreeMap<>();
    for (MetricSnapshot snapshot : metrics.scrape()) {
      int place =
          switch (snapshot.getMetadata().getName()) {
            case "outrider_proxy_fingerprint_calls" -> 0;
            case "outrider_proxy_fingerprint_rows" -> 1;
            default -> -1;
          };
      if (place >= 0 && snapshot instanceof CounterSnapshot counter) {
        for (CounterDataPointSnapshot point : counter.getDataPoints()) {
          if (application.equals(point.getLabels().get("application"))) {
            String hash = String.valueOf(point.getLabels().get("fingerprint"));
            sums.computeIfAbsent(hash, _ -> new long[2])[place] += (long) point.getValue();
          }
        }
      }
    }
    Map<String, String> told = new TreeMap<>();
    sums.forEach(
        (hash, sum) -> {
          if (sum[0] > 0) {
            told.put(hash, sum[0] + " calls " + sum[1] + " rows");
          }
        });
    return told;
  }
}
