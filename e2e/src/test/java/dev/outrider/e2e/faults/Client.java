package dev.outrider.e2e.faults;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import org.jspecify.annotations.Nullable;

/**
 * A client that does the same thing every 50 ms, whatever happens, on a thread of its own.
 *
 * <p>A <em>held</em> one has one connection, made before the fault, and waits for an answer for
 * ever: when it comes late, the late answer is seen. The others give up after half a second and
 * connect again at once.
 */
final class Client implements Runnable {
  /** What it does. */
  enum Task {
    /** Writes a row; on a standby it asks whether it still is one. */
    WRITE,
    /** Reads. */
    READ
  }

  /** The table that all write to. */
  static final String TABLE =
      """
      create table writes (
        run text, writer text, number bigint, at timestamptz not null default clock_timestamp(),
        primary key (run, writer, number))
      """;

  private static final String INSERT =
      """
      insert into writes (run, writer, number) values (?, ?, ?)
      returning pg_postmaster_start_time()::text,
        left(pg_walfile_name(pg_current_wal_insert_lsn()), 8)
      """;

  private static final long EVERY_MILLIS = 50;
  private static final int PATIENCE_MILLIS = 500;

  private final String name;
  private final Target target;
  private final @Nullable String instance;
  private final boolean held;
  private final Task task;
  private final String run;
  private final Notes notes;
  private volatile boolean stopped;
  private long number;
  private boolean standby;

  /**
   * A client that does not run yet.
   *
   * @param instance if the target is an instance's own address: its name
   * @param run distinguishes the rows of one experiment from all others
   */
  Client(
      String name,
      Target target,
      @Nullable String instance,
      boolean held,
      Task task,
      String run,
      Notes notes) {
    this.name = name;
    this.target = target;
    this.instance = instance;
    this.held = held;
    this.task = task;
    this.run = run;
    this.notes = notes;
  }

  String name() {
    return name;
  }

  /** What is under way is finished, unless the thread is interrupted. */
  void stop() {
    stopped = true;
  }

  @Override
  public void run() {
    try {
      while (!stopped) {
        try (Connection connection = target.connect(held ? 0 : PATIENCE_MILLIS)) {
          notes.opened(name);
          standby = false;
          work(connection);
        } catch (SQLException e) {
          if (!stopped) {
            notes.closed(name, words(e));
          }
        }
        if (held) {
          return;
        }
        Thread.sleep(EVERY_MILLIS);
      }
    } catch (InterruptedException e) {
      // Stopped in the middle of a pause.
      Thread.currentThread().interrupt();
    }
  }

  private void work(Connection connection) throws SQLException, InterruptedException {
    while (!stopped) {
      long start = System.nanoTime();
      try {
        switch (task) {
          case WRITE -> write(connection);
          case READ -> read(connection);
        }
      } catch (SQLException e) {
        // 25006: a standby. Whatever leaves the connection usable does not end it.
        standby = "25006".equals(e.getSQLState());
        if (connection.isClosed()) {
          throw e;
        }
        if (!standby) {
          notes.failed(name, words(e));
        } else if (instance == null) {
          // The Service of the primary has led to a standby: as a pool would, it tries again.
          notes.failed(name, "led to a standby by " + way(ImpatientSockets.lastPort()));
          throw e;
        }
      }
      long spent = (System.nanoTime() - start) / 1_000_000;
      Thread.sleep(Math.max(1, EVERY_MILLIS - spent));
    }
  }

  private void write(Connection connection) throws SQLException {
    // A standby's refusals would fill its log.
    if (standby && inRecovery(connection)) {
      return;
    }
    standby = false;
    number++;
    try (PreparedStatement insert = connection.prepareStatement(INSERT)) {
      insert.setString(1, run);
      insert.setString(2, name);
      insert.setLong(3, number);
      long sent = System.nanoTime();
      try (ResultSet row = insert.executeQuery()) {
        long acknowledged = System.nanoTime();
        row.next();
        String server = row.getString(1);
        if (instance != null) {
          notes.server(server, instance);
        }
        notes.acknowledged(
            new Acknowledgement(
                name, number, server, Integer.parseInt(row.getString(2), 16), sent, acknowledged));
      }
    }
  }

  private void read(Connection connection) throws SQLException {
    inRecovery(connection);
    notes.answered(name, System.nanoTime());
  }

  private static boolean inRecovery(Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery("select pg_is_in_recovery()")) {
      row.next();
      return row.getBoolean(1);
    }
  }

  /** What the kernel has made of a connection from this port: where it goes in truth. */
  private static String way(int port) {
    try {
      return Surroundings.run("conntrack", "-L", "-p", "tcp", "--sport", Integer.toString(port));
    } catch (IllegalStateException e) {
      return String.valueOf(e.getMessage());
    }
  }

  private static String words(SQLException e) {
    return e.getSQLState() + " " + String.valueOf(e.getMessage()).lines().findFirst().orElse("");
  }
}
