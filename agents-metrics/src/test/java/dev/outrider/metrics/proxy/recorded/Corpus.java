package dev.outrider.metrics.proxy.recorded;

import dev.outrider.metrics.proxy.RealPostgres;
import dev.outrider.protocol.Values;
import dev.outrider.protocol.frontend.Bind;
import dev.outrider.protocol.frontend.CancelRequest;
import dev.outrider.protocol.frontend.Close;
import dev.outrider.protocol.frontend.CopyData;
import dev.outrider.protocol.frontend.CopyDone;
import dev.outrider.protocol.frontend.CopyFail;
import dev.outrider.protocol.frontend.Describe;
import dev.outrider.protocol.frontend.Describe.Target;
import dev.outrider.protocol.frontend.Execute;
import dev.outrider.protocol.frontend.Flush;
import dev.outrider.protocol.frontend.FrontendMessage;
import dev.outrider.protocol.frontend.FunctionCall;
import dev.outrider.protocol.frontend.Parse;
import dev.outrider.protocol.frontend.Query;
import dev.outrider.protocol.frontend.StartupMessage;
import dev.outrider.protocol.frontend.Sync;
import dev.outrider.protocol.frontend.Terminate;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Properties;
import org.postgresql.PGConnection;
import org.postgresql.largeobject.LargeObject;
import org.postgresql.largeobject.LargeObjectManager;

/** Has real clients talk to a real Postgres, and records them. */
public final class Corpus implements AutoCloseable {
  private static final String PSQL =
      """
      insert into recorded values (100, 'it''s', '\\xdead');
      select 1\\; select 'a;b', 2\\; insert into recorded values (101, 'x') returning id;
      select * from recorded where id < 4 order by id;
      select * from nowhere;
      select 'never ends;
      ';
      do $$ begin raise notice 'a notice'; raise warning 'a warning'; end $$;
      begin;
      update recorded set name = 'changed' where id <= 3;
      savepoint a;
      select 1 / 0;
      rollback to savepoint a;
      release a;
      commit;
      begin;
      select 1 / 0;
      select 2;
      commit;
      copy recorded (id, name) from stdin;
      200\tcopied
      201\tcopied, too
      \\.
      copy recorded (id) from stdin;
      wrong
      \\.
      copy (select id, name from recorded where id < 9 order by id) to stdout;
      listen news;
      notify news, 'a payload';
      unlisten *;
      prepare find (int) as select name from recorded where id = $1;
      execute find (1);
      execute find (2);
      deallocate find;
      execute find (3);
      select $1::int + $2::int \\bind 1 2 \\g
      select name from recorded where id = $1 \\parse named
      \\bind_named named 1 \\g
      \\bind_named named 2 \\g
      select name, data from recorded \\gdesc
      \\close_prepared named
      \\startpipeline
      select 1 \\bind \\sendpipeline
      insert into recorded values ($1, $2) \\bind 300 piped \\sendpipeline
      \\syncpipeline
      select $1::int / 0 \\bind 5 \\sendpipeline
      select 'skipped' \\bind \\sendpipeline
      \\syncpipeline
      select 3 \\bind \\sendpipeline
      \\endpipeline
      begin;
      declare c cursor for select id from recorded order by id;
      fetch 3 from c;
      move 2 from c;
      fetch all from c;
      close c;
      rollback;
      \\set FETCH_COUNT 3
      select id from recorded order by id limit 8;
      set work_mem = '8MB';
      show work_mem;
      reset work_mem;
      set application_name = 'another';
      explain (costs off) select 1;
      ;
      create temp table gone (a int);
      drop table gone;
      merge into recorded r using (values (1), (900)) v (id) on r.id = v.id
        when matched then update set name = 'merged' when not matched then insert values (v.id);
      discard all;
      """;

  private final RealPostgres postgres;
  private final RecordingRelay relay;
  private final RawClient setup;
  private final List<RecordedSession> sessions = new ArrayList<>();

  /** Prepares a Postgres: a user without a password, and tables. */
  public Corpus(RealPostgres postgres) throws Exception {
    this.postgres = postgres;
    postgres.run(
        "bash",
        "-c",
        """
        set -e
        export PGPASSWORD="$1" PGHOST=/run/postgresql PGPORT=5433 PGUSER=postgres
        psql -qc "create role $0 superuser login replication"
        pgbench -qi -I dtg
        sed -i "1i local all,replication $0 trust" "$PGDATA/pg_hba.conf"
        psql -qc 'select pg_reload_conf()' > /dev/null
        """,
        RawClient.USER,
        RealPostgres.PASSWORD);
    relay = new RecordingRelay(postgres.socket());
    setup = RawClient.unix(postgres.socket()).start();
    setup.query(
        """
        create table recorded (id int primary key, name text, data bytea);
        create table deferred (id int unique deferrable initially deferred);
        """);
  }

  /** All tables as they are before each session. */
  public void reset() throws IOException {
    setup.query(
        """
        truncate recorded, deferred, pgbench_history;
        insert into recorded select i, 'name ' || i, '\\xdeadbeef' from generate_series(1, 20) i;
        update pgbench_accounts set abalance = 0 where abalance <> 0;
        update pgbench_tellers set tbalance = 0 where tbalance <> 0;
        update pgbench_branches set bbalance = 0 where bbalance <> 0;
        """);
  }

  private interface Talk {
    void run() throws Exception;
  }

  private void record(String name, boolean repeatable, Talk talk) throws Exception {
    reset();
    talk.run();
    sessions.addAll(relay.take(name, repeatable));
  }

  /** Records all there are. */
  public List<RecordedSession> record() throws Exception {
    record("psql", true, () -> psql("", PSQL));
    record("psql replication", false, () -> psql("replication=database", "IDENTIFY_SYSTEM;"));
    record("psql refused", false, this::refused);
    for (String mode : List.of("simple", "extended", "prepared")) {
      record("pgbench " + mode, true, () -> pgbench("-M", mode, "-t", "2"));
    }
    record("pgbench pipeline", true, () -> pipelines("extended"));
    record("pgbench prepared pipeline", true, () -> pipelines("prepared"));
    for (String mode : List.of("simple", "extended", "extendedCacheEverything")) {
      record("pgjdbc " + mode, true, () -> jdbc(mode));
    }
    record("pgjdbc large object", false, this::largeObject);
    record("extended", true, this::extended);
    record("COPY", true, this::copy);
    record("functions", true, this::functions);
    record("protocol 3.2", true, this::newProtocol);
    record("vanished", true, this::vanished);
    record("replication", false, this::replication);
    record("cancel", false, this::cancel);
    return sessions;
  }

  private String libpq(String more) {
    return "host=%s port=%d user=postgres dbname=postgres sslmode=prefer %s"
        .formatted(RealPostgres.HOST, relay.port(), more);
  }

  private void psql(String more, String script) throws Exception {
    String _ =
        postgres.run(
            "bash",
            "-c",
            "PGPASSWORD=\"$2\" psql -X -o /dev/null \"$0\" <<< \"$1\"",
            libpq(more),
            script,
            RealPostgres.PASSWORD);
  }

  private void refused() throws Exception {
    String _ =
        postgres.run("bash", "-c", "! PGPASSWORD=wrong psql -X -c 'select 1' \"$0\"", libpq(""));
  }

  private void pgbench(String... options) throws Exception {
    List<String> words =
        new ArrayList<>(List.of("env", "PGPASSWORD=" + RealPostgres.PASSWORD, "pgbench", "-n"));
    words.addAll(Arrays.asList(options));
    words.add(libpq(""));
    String _ = postgres.run(words.toArray(new String[0]));
  }

  private void pipelines(String mode) throws Exception {
    String _ =
        postgres.run(
            "bash",
            "-c",
            """
            cat > /tmp/pipeline.sql <<'END'
            \\startpipeline
            begin;
            insert into recorded values (500 + :client_id + random(1, 300), 'piped');
            select name from recorded where id = :client_id + 1;
            end;
            \\syncpipeline
            select count(*) from recorded;
            \\endpipeline
            END
            PGPASSWORD="$2" pgbench -n -f /tmp/pipeline.sql --random-seed=7 -M "$1" -t 2 "$0"
            """,
            libpq(""),
            mode,
            RealPostgres.PASSWORD);
  }

  private Connection connect(String... properties) throws SQLException {
    Properties all = new Properties();
    all.setProperty("user", "postgres");
    all.setProperty("password", RealPostgres.PASSWORD);
    all.setProperty("sslmode", "disable");
    for (int i = 0; i < properties.length; i += 2) {
      all.setProperty(properties[i], properties[i + 1]);
    }
    return DriverManager.getConnection(
        "jdbc:postgresql://127.0.0.1:" + relay.port() + "/postgres", all);
  }

  private void jdbc(String mode) throws Exception {
    try (Connection connection =
        connect("preferQueryMode", mode, "prepareThreshold", "2", "ApplicationName", "jdbc")) {
      try (PreparedStatement find =
              connection.prepareStatement("select name, data from recorded where id = ?");
          PreparedStatement insert =
              connection.prepareStatement("insert into recorded (id, name) values (?, ?)")) {
        for (int i = 0; i < 4; i++) {
          find.setInt(1, i);
          rows(find.executeQuery());
        }
        for (int id : new int[] {30, 31, 32, 33, 34}) {
          insert.setInt(1, id);
          insert.setString(2, "batch");
          insert.addBatch();
        }
        int[] _ = insert.executeBatch();
        for (int id : new int[] {40, 30, 41}) {
          insert.setInt(1, id);
          insert.setString(2, "not all of it");
          insert.addBatch();
        }
        fails(insert::executeBatch);
      }
      portals(connection);
      copies(connection);
      try (Statement statement = connection.createStatement()) {
        statement.execute("select 1; select 2; update recorded set name = 'both' where id = 1");
        fails(() -> statement.execute("select 1 / 0"));
        statement.execute("");
        statement.execute("listen news");
        statement.execute("notify news");
      }
    }
  }

  private static void portals(Connection connection) throws SQLException, IOException {
    connection.setAutoCommit(false);
    try (PreparedStatement some =
            connection.prepareStatement("select id from recorded where id > ? order by id");
        Statement statement = connection.createStatement()) {
      some.setFetchSize(4);
      some.setInt(1, 7);
      rows(some.executeQuery());
      some.setInt(1, 0);
      try (ResultSet result = some.executeQuery()) {
        boolean _ = result.next();
      }
      Savepoint savepoint = connection.setSavepoint("here");
      fails(() -> statement.execute("insert into recorded values (1)"));
      connection.rollback(savepoint);
      connection.commit();
      statement.execute("delete from recorded where id = 5");
      connection.rollback();
    } finally {
      connection.setAutoCommit(true);
    }
  }

  private static void copies(Connection connection) throws SQLException, IOException {
    var copies = connection.unwrap(PGConnection.class).getCopyAPI();
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    copies.copyOut("copy (select id, name from recorded order by id limit 5) to stdout", out);
    copies.copyIn(
        "copy recorded (id, name) from stdin",
        new ByteArrayInputStream("60\tcopied\n61\tcopied\n".getBytes(StandardCharsets.UTF_8)));
    fails(
        () ->
            copies.copyIn(
                "copy recorded (id, name) from stdin",
                new ByteArrayInputStream("wrong\n".getBytes(StandardCharsets.UTF_8))));
  }

  private static void rows(ResultSet result) throws SQLException {
    try (result) {
      while (result.next()) {
        String _ = result.getString(1);
      }
    }
  }

  private interface Failing {
    Object run() throws SQLException, IOException;
  }

  private static void fails(Failing what) throws IOException {
    try {
      Object _ = what.run();
    } catch (SQLException e) {
      return;
    }
    throw new AssertionError("has not failed");
  }

  private void largeObject() throws SQLException {
    try (Connection connection = connect("ApplicationName", "large")) {
      connection.setAutoCommit(false);
      LargeObjectManager manager = connection.unwrap(PGConnection.class).getLargeObjectAPI();
      long id = manager.createLO();
      try (LargeObject large = manager.open(id)) {
        large.write(new byte[5000]);
        large.seek(100);
        byte[] _ = large.read(1000);
      }
      manager.delete(id);
      connection.commit();
    }
  }

  private RawClient raw(String... more) throws IOException {
    return RawClient.tcp(relay.port()).start(StartupMessage.PROTOCOL_3_0, more);
  }

  private static ByteBuf utf8(String text) {
    return Unpooled.copiedBuffer(text, StandardCharsets.UTF_8);
  }

  private static FrontendMessage parse(String name, String text) {
    return new Parse(name, utf8(text), List.of());
  }

  private static FrontendMessage bind(String portal, String statement, String... values) {
    return new Bind(
        portal,
        statement,
        List.of(),
        Values.of(Arrays.stream(values).map(Corpus::utf8).toList()),
        List.of());
  }

  private static FrontendMessage execute(String portal, int rows) {
    return new Execute(portal, rows);
  }

  private static void end(RawClient client) throws IOException {
    client.send(Terminate.INSTANCE).toEnd();
    client.close();
  }

  /** What libraries send in pipelines, and what they seldom send. */
  private void extended() throws IOException {
    RawClient client = raw();
    client
        .send(
            parse("", "select $1::int + 1"),
            bind("", "", "7"),
            new Describe(Target.PORTAL, ""),
            execute("", 0),
            parse("named", "select id, name from recorded where id > $1 order by id"),
            new Describe(Target.STATEMENT, "named"),
            Flush.INSTANCE)
        .until('t')
        .send(bind("", "named", "15"), execute("", 0), Sync.INSTANCE)
        .until('Z');
    // Fails in the middle; the rest up to the Sync is skipped, what is behind it is not.
    client
        .send(
            parse("skips", "insert into recorded values ($1)"),
            bind("", "skips", "70"),
            execute("", 0),
            bind("", "skips", "70"),
            execute("", 0),
            parse("never", "select 1"),
            new Close(Target.STATEMENT, "named"),
            Sync.INSTANCE,
            bind("", "named", "19"),
            execute("", 0),
            bind("", "never"),
            Sync.INSTANCE,
            Sync.INSTANCE)
        .until('Z')
        .until('Z')
        .until('Z');
    // A name that is taken, one that is not, one that is given up.
    client.send(parse("named", "select 2"), Sync.INSTANCE).until('Z');
    client.send(bind("", "nobody"), execute("", 0), Sync.INSTANCE).until('Z');
    client.send(new Describe(Target.STATEMENT, "nobody"), Sync.INSTANCE).until('Z');
    client.send(execute("no portal", 0), Sync.INSTANCE).until('Z');
    client
        .send(
            parse("again", "select 1"),
            new Close(Target.STATEMENT, "again"),
            parse("again", "select 'another'"),
            bind("", "again"),
            execute("", 0),
            parse("", ""),
            bind("", ""),
            new Describe(Target.PORTAL, ""),
            execute("", 0),
            Sync.INSTANCE)
        .until('Z');
    // Two portals in turns.
    client.query("begin");
    client
        .send(
            bind("one", "named", "0"),
            bind("two", "named", "10"),
            execute("one", 3),
            execute("two", 4),
            execute("one", 3),
            execute("two", 0),
            new Close(Target.PORTAL, "one"),
            Sync.INSTANCE)
        .until('Z');
    client.query("commit");
    // At the Sync, the transaction fails.
    client
        .send(
            parse("", "insert into deferred values ($1), ($1)"),
            bind("", "", "1"),
            execute("", 0),
            Sync.INSTANCE)
        .until('Z');
    client.query("prepare of_sql as select $1::text");
    client.send(bind("", "of_sql", "a"), execute("", 0), Sync.INSTANCE).until('Z');
    client.query("deallocate again; execute of_sql ('b'); deallocate all");
    client.send(bind("", "named", "1"), Sync.INSTANCE).until('Z');
    client.query("begin; select 1 / 0; select 2");
    client.query("select 3");
    client.query("rollback");
    client.query("listen news; notify news, 'one'; notify news, 'two'");
    end(client);
  }

  private static final FrontendMessage ROW = new CopyData(utf8("80\tcopied\n"));

  private void copy() throws IOException {
    RawClient client = raw();
    // As libpq sends it: a Sync behind Execute, which Postgres ignores.
    client
        .send(
            parse("", "copy recorded (id, name) from stdin"),
            bind("", ""),
            new Describe(Target.PORTAL, ""),
            execute("", 0),
            Sync.INSTANCE)
        .until('G')
        .send(ROW, CopyDone.INSTANCE, Sync.INSTANCE)
        .until('Z');
    client
        .send(
            parse("", "copy recorded (id, name) from stdin"),
            bind("", ""),
            execute("", 0),
            Flush.INSTANCE)
        .until('G')
        .send(ROW, new CopyFail("enough"), Sync.INSTANCE)
        .until('Z');
    // All at once.
    client
        .send(
            parse("", "copy recorded (id) from stdin"),
            bind("", ""),
            execute("", 0),
            new CopyData(utf8("81\n8")),
            new CopyData(utf8("2\n")),
            CopyDone.INSTANCE,
            Sync.INSTANCE,
            new Query(utf8("select count(*) from recorded")))
        .until('Z')
        .until('Z');
    client
        .send(
            parse("", "copy (select id from recorded order by id limit 3) to stdout"),
            bind("", ""),
            execute("", 0),
            Sync.INSTANCE)
        .until('Z');
    client
        .send(new Query(utf8("select 1; copy recorded (id) from stdin; select 2")))
        .until('G')
        .send(new CopyData(utf8("83\n")), CopyDone.INSTANCE)
        .until('Z');
    end(client);
  }

  private static FrontendMessage call(int function, ByteBuf... arguments) {
    return new FunctionCall(function, List.of(1), Values.of(List.of(arguments)), 1);
  }

  private static ByteBuf number(int value) {
    return Unpooled.buffer(4).writeInt(value);
  }

  /** Large objects as libpq has them: by functions, which have had these numbers always. */
  private void functions() throws IOException {
    RawClient client = raw();
    client.query("begin");
    client.send(call(715, number(424242))).until('Z');
    client.send(call(952, number(424242), number(0x60000))).until('Z');
    client.send(call(955, number(0), utf8("large"))).until('Z');
    client
        .send(
            call(956, number(0), number(0), number(0)),
            call(954, number(0), number(5)),
            call(953, number(0)))
        .until('Z')
        .until('Z')
        .until('Z');
    client.send(call(964, number(424242))).until('Z');
    client.query("commit");
    client.send(call(1, number(1))).until('Z');
    client.send(call(964, number(424242))).until('Z');
    end(client);
  }

  private void newProtocol() throws IOException {
    RawClient client =
        RawClient.tcp(relay.port())
            .start(StartupMessage.PROTOCOL_3_2, "_pq_.unknown", "1", "options", "-c work_mem=5MB");
    client.query("show work_mem");
    end(client);
  }

  private void vanished() throws IOException {
    try (RawClient client = raw()) {
      client.query("begin; insert into recorded values (90)");
    }
  }

  private void replication() throws IOException {
    RawClient client = raw("replication", "true");
    client.query("IDENTIFY_SYSTEM");
    String said = new String(client.received(), StandardCharsets.ISO_8859_1);
    String position = said.replaceFirst("(?s).*?([0-9A-F]+/[0-9A-F]+).*", "$1");
    client
        .send(new Query(utf8("START_REPLICATION PHYSICAL " + position)))
        .until('W')
        // What it has, and that an answer is wanted.
        .send(
            new CopyData(
                Unpooled.wrappedBuffer(
                    ByteBuffer.allocate(34).put((byte) 'r').put(33, (byte) 1).array())))
        .until('d')
        .send(CopyDone.INSTANCE)
        .until('Z');
    end(client);
  }

  private void cancel() throws IOException, InterruptedException {
    RawClient client = RawClient.tcp(relay.port());
    client.start(StartupMessage.PROTOCOL_3_2, "application_name", "sleeper");
    ByteBuffer key = ByteBuffer.wrap(keyData(client.received()));
    client.send(new Query(utf8("select pg_sleep(60)")));
    String sleeps = "select 'it ' || 'sleeps' from pg_stat_activity where wait_event = 'PgSleep'";
    do {
      setup.query(sleeps);
    } while (!new String(setup.received(), StandardCharsets.UTF_8).contains("it sleeps"));
    RawClient other = RawClient.tcp(relay.port());
    ByteBuf request = Unpooled.buffer();
    new CancelRequest(key.getInt(), Unpooled.wrappedBuffer(key)).encode(request);
    byte[] bytes = new byte[request.readableBytes()];
    request.readBytes(bytes);
    other.send(bytes);
    other.toEnd();
    other.close();
    client.until('Z');
    end(client);
  }

  /** The body of BackendKeyData. */
  private static byte[] keyData(byte[] received) {
    ByteBuffer in = ByteBuffer.wrap(received);
    while (true) {
      int type = in.get();
      byte[] body = new byte[in.getInt() - 4];
      in.get(body);
      if (type == 'K') {
        return body;
      }
    }
  }

  @Override
  public void close() throws IOException {
    relay.close();
    setup.close();
  }
}
