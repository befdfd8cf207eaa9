package dev.outrider.metrics.proxy.wire;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.outrider.protocol.SqlState;
import dev.outrider.protocol.backend.BindComplete;
import dev.outrider.protocol.backend.CopyFormat;
import dev.outrider.protocol.backend.CopyInResponse;
import dev.outrider.protocol.backend.ErrorFields;
import dev.outrider.protocol.backend.ErrorResponse;
import dev.outrider.protocol.backend.NoticeResponse;
import dev.outrider.protocol.backend.NotificationResponse;
import dev.outrider.protocol.backend.ParameterStatus;
import dev.outrider.protocol.backend.ParseComplete;
import dev.outrider.protocol.backend.RowDescription;
import dev.outrider.protocol.frontend.CopyData;
import dev.outrider.protocol.frontend.CopyDone;
import dev.outrider.protocol.frontend.Describe;
import dev.outrider.protocol.frontend.Execute;
import dev.outrider.protocol.frontend.Flush;
import dev.outrider.protocol.frontend.Query;
import dev.outrider.protocol.frontend.Sync;
import dev.outrider.protocol.frontend.Terminate;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class WireSessionTest {
  private static final long MILLI = 1_000_000;

  private final Told told = Told.whole();

  private static String alice(String name, String... more) {
    StringBuilder labels = new StringBuilder(name).append("{application=\"app\",database=\"shop\"");
    for (int i = 0; i < more.length; i += 2) {
      labels.append(',').append(more[i]).append("=\"").append(more[i + 1]).append('"');
    }
    return labels.append(",user=\"alice\"}").toString();
  }

  private String value(String name, String... more) {
    return told.series().getOrDefault(alice("outrider_proxy_" + name, more), "none");
  }

  /** A session with a bit of everything, in steps of one side each. */
  private static void play(Told told) {
    told.begin("alice", "shop", "app");
    told.pass(MILLI);
    told.client(Messages.query("SELECT 'a secret' ; insert into t values (1)"));
    told.pass(MILLI);
    told.upstream(new RowDescription(List.of()), Messages.row());
    told.pass(MILLI);
    told.upstream(Messages.row(), Messages.done("SELECT 2"));
    told.pass(MILLI);
    told.upstream(Messages.done("INSERT 0 5"), Messages.READY);
    told.client(
        Messages.parse("s", "update t set a = $1"),
        Messages.bind("", "s"),
        new Execute("", 0),
        Messages.bind("", "s"),
        new Execute("", 0),
        Sync.INSTANCE);
    told.pass(2 * MILLI);
    told.upstream(
        ParseComplete.INSTANCE,
        BindComplete.INSTANCE,
        Messages.done("UPDATE 3"),
        BindComplete.INSTANCE,
        Messages.error("23505"),
        Messages.READY);
    told.client(Messages.query("begin"));
    told.upstream(
        new NoticeResponse(
            ErrorFields.of(
                ErrorFields.Severity.WARNING, new SqlState("25001"), "already", null, null)),
        Messages.done("BEGIN"),
        Messages.READY_IN_TRANSACTION);
    told.pass(7 * MILLI);
  }

  @Test
  void countsWhatWasSaid() {
    // When
    play(told);

    // Then
    assertEquals("1", value("sessions", "encryption", "none"));
    assertEquals("2", value("messages", "from", "client", "type", "query"));
    assertEquals("2", value("messages", "from", "client", "type", "bind"));
    assertEquals("2", value("messages", "from", "upstream", "type", "data_row"));
    assertEquals("1", value("statements", "kind", "select"));
    assertEquals("2", value("rows", "kind", "select"));
    assertEquals("5", value("rows", "kind", "insert"));
    assertEquals("3", value("rows", "kind", "update"));
    assertEquals("1", value("transactions", "outcome", "committed"));
    assertEquals("1", value("transactions", "outcome", "rolled_back"));
    assertEquals("1", value("errors", "severity", "error", "sqlstate", "23505"));
    assertEquals("1", value("notices", "severity", "warning"));
    assertEquals("1.0", value("open_sessions", "state", "idle_in_transaction"));
    assertEquals("0.007", value("open_sessions_oldest_seconds", "state", "idle_in_transaction"));
    assertEquals("1.0", value("prepared_statements"));
    assertEquals(2, told.figures("update t set a = $1").latencies().count());
    assertEquals(1, told.figures("update t set a = $1").calls());
  }

  @Test
  void measuresFromTheStatementOrTheAnswerBeforeIt() {
    // When
    play(told);

    // Then
    assertEquals(0.002, told.figures("select $1").latencies().seconds());
    assertEquals(0.001, told.figures("insert into t values ($1)").latencies().seconds());
    SessionFigures alice =
        told.totals().sessions().stream()
            .filter(figures -> figures.labels.user().equals("alice"))
            .findFirst()
            .orElseThrow();
    assertEquals(0.001, alice.firstRow.seconds());
    assertEquals(1, alice.firstRow.count());
    assertEquals(0.005, alice.transaction.seconds());
    assertEquals(2, alice.transaction.count());
  }

  @Test
  void cutAnywhereTheFiguresAreTheSame() {
    // Given
    play(told);
    Map<String, String> whole = told.series();
    Random random = new Random(42);
    for (int round = 0; round < 300; round++) {
      // When
      Told cut = new Told(random, 100);
      play(cut);
      // Then
      assertEquals(whole, cut.series());
    }
  }

  @Test
  void noValueIsEverShown() {
    play(told);
    assertFalse(told.series().toString().contains("secret"));
    for (Figures figures : told.totals().fingerprints()) {
      assertFalse(
          figures.fingerprint != null
              && String.valueOf(figures.fingerprint.text()).contains("secret"));
    }
  }

  @Test
  void queriesShowsWhatSucceededWithoutItsValues() {
    // Given
    play(told);
    told.client(Messages.query("select it's a secret, the second secret is 'mine"));
    told.upstream(Messages.error("42601"), Messages.READY_FAILED);

    // When
    String plain = QueriesPage.of(told.totals(), true, false).text();
    String json = QueriesPage.of(told.totals(), true, true).text();
    String withoutTexts = QueriesPage.of(told.totals(), false, true).text();

    // Then
    assertTrue(plain.contains(" alice@shop/app: update t set a = $1"), plain);
    assertTrue(
        json.contains(
            "\"seconds\":0.002,\"calls\":1,\"errors\":{\"23505\":1},\"rows\":3,"
                + "\"bytesFromClient\":103,\"bytesFromUpstream\":53,"
                + "\"text\":\"update t set a = $1\"}"),
        json);
    assertTrue(json.contains("\"errors\":{\"42601\":1}"), json);
    for (String shown : List.of(plain, json)) {
      assertFalse(shown.contains("secret"), shown);
      assertFalse(shown.contains("mine"), shown);
    }
    assertFalse(withoutTexts.contains("update t"), withoutTexts);
  }

  @Test
  void whoIsNotLetInMakesUpNoLabels() {
    // When
    for (int i = 0; i < 50; i++) {
      told.begin("alice", "shop", "app");
    }
    Told refused = Told.whole();
    refused.client(startup("mallory"));
    refused.upstream(new ErrorResponse(new SqlState("28P01"), "no"));

    // Then
    assertEquals("50", value("sessions", "encryption", "none"));
    String errors = "outrider_proxy_errors{application=\"\",database=\"\",";
    assertEquals(
        "1", refused.series().get(errors + "severity=\"fatal\",sqlstate=\"28P01\",user=\"\"}"));
    assertFalse(refused.series().toString().contains("mallory"));
  }

  private static ByteBuf startup(String user) {
    ByteBuf out = Unpooled.buffer();
    new dev.outrider.protocol.frontend.StartupMessage(
            dev.outrider.protocol.frontend.StartupMessage.PROTOCOL_3_2, Map.of("user", user))
        .encode(out);
    return out;
  }

  @Test
  void labelsAreBounded() {
    // When
    for (int i = 0; i < 100; i++) {
      told.begin("alice", "shop", "app-" + i);
      told.client(Messages.query("select " + i));
      told.upstream(Messages.done("SELECT 0"), Messages.READY);
    }

    // Then
    long sets =
        told.series().keySet().stream()
            .filter(name -> name.startsWith("outrider_proxy_sessions{"))
            .count();
    assertEquals(16, sets);
    assertEquals(
        "85",
        told.series()
            .get(
                "outrider_proxy_sessions{application=\"other\",database=\"shop\","
                    + "encryption=\"none\",user=\"alice\"}"));
  }

  @Test
  void anApplicationMayChangeItsName() {
    told.begin("alice", "shop", "psql");
    told.client(Messages.parse("s", "select 1"), Sync.INSTANCE);
    told.upstream(ParseComplete.INSTANCE, Messages.READY);

    // When
    told.client(Messages.query("set application_name to 'app'"));
    told.upstream(
        Messages.done("SET"), new ParameterStatus("application_name", "app"), Messages.READY);
    told.client(Messages.bind("", "s"), new Execute("", 0), Sync.INSTANCE);
    told.upstream(BindComplete.INSTANCE, Messages.done("SELECT 1"), Messages.READY);

    // Then
    assertEquals("1", value("statements", "kind", "select"));
    assertEquals(
        List.of("app"),
        told.totals().fingerprints().stream()
            .map(figures -> figures.fingerprint)
            .filter(fingerprint -> fingerprint != null && "select $1".equals(fingerprint.text()))
            .filter(fingerprint -> fingerprint != null)
            .map(fingerprint -> fingerprint.labels.application())
            .filter(application -> !application.equals("psql"))
            .toList());
  }

  @Test
  void stringsAreReadAsTheSessionReadsThem() {
    told.begin("alice", "shop", "app");
    told.upstream(new ParameterStatus("standard_conforming_strings", "off"));
    told.client(Messages.query("select 'it\\'s a secret'"));
    told.upstream(Messages.done("SELECT 1"), Messages.READY);
    assertEquals(1, told.figures("select $1").calls());
  }

  /** What comes behind may be read otherwise than the proxy knows, so nobody is shown it. */
  @Test
  void aTextThatMayBeReadOtherwiseIsNotShown() {
    // Given
    told.begin("alice", "shop", "app");
    String text = "select 'it\\'s a secret', 'x'";

    // When
    told.client(Messages.query("set standard_conforming_strings to off"), Messages.query(text));
    told.upstream(
        Messages.done("SET"),
        new ParameterStatus("standard_conforming_strings", "off"),
        Messages.READY,
        Messages.done("SELECT 1"),
        Messages.READY);

    // Then
    assertShown("set standard_conforming_strings to $1");
    assertFalse(queries().contains("secret"), queries());

    // When it is known
    told.client(Messages.query(text));
    told.upstream(Messages.done("SELECT 1"), Messages.READY);

    // Then
    assertShown("select $1, $2");
    assertFalse(queries().contains("secret"), queries());
  }

  @Test
  void aTextThatMayBeReadOtherwiseInAnEncodingOfClientsIsNotShown() {
    // Given
    told.begin("alice", "shop", "app");
    ByteBuf text = Unpooled.buffer();
    text.writeBytes("select 1 as a, E'".getBytes(StandardCharsets.US_ASCII));
    text.writeByte(0x95).writeByte('\\');
    text.writeBytes("', 'secret'".getBytes(StandardCharsets.US_ASCII));

    // When
    told.upstream(new ParameterStatus("client_encoding", "SJIS"));
    for (int i = 0; i < 3; i++) {
      told.client(new Query(text.duplicate()), Messages.query("select 2"));
      told.upstream(Messages.done("SELECT 1"), Messages.READY);
      told.upstream(Messages.done("SELECT 1"), Messages.READY);
    }

    // Then
    assertShown("select $1");
    assertFalse(queries().contains("secret"), queries());
    assertFalse(queries().contains("select $1 as a"), queries());
  }

  private String queries() {
    return QueriesPage.of(told.totals(), true, false).text();
  }

  private void assertShown(String text) {
    assertTrue(queries().contains("alice@shop/app: " + text + "\n"), queries());
  }

  @ParameterizedTest
  @CsvSource({
    // The transaction is open, nothing is under way: Postgres rolls it back.
    "begin, BEGIN, T, rolled_back",
    // Postgres had not answered: nobody here knows.
    "insert into t values (1), '', '', unknown",
  })
  void aSessionThatEndsInATransaction(String text, String tag, String status, String outcome) {
    told.begin("alice", "shop", "app");
    told.client(Messages.query(text));
    if (!tag.isEmpty()) {
      told.upstream(Messages.done(tag), Messages.READY_IN_TRANSACTION);
    }
    told.client(Terminate.INSTANCE);
    told.session().end();
    told.session().end();
    assertEquals("1", value("transactions", "outcome", outcome));
    assertEquals("none", value("open_sessions", "state", "idle"));
  }

  @Test
  void tooMuchAtOnceIsCountedWithTheRest() {
    told.begin("alice", "shop", "app");
    int many = Pending.MOST + 10;
    for (int i = 0; i < many; i++) {
      told.client(Messages.query("select 1"));
    }
    for (int i = 0; i < many; i++) {
      told.upstream(Messages.done("SELECT 1"), Messages.READY);
    }
    Totals totals = told.totals();
    assertEquals(1, totals.overflows(Overflow.PIPELINE));
    assertEquals(String.valueOf(many), value("fingerprint_calls", "fingerprint", "other"));
    assertEquals(String.valueOf(many), value("transactions", "outcome", "committed"));

    // When nothing waits any more
    told.client(Messages.query("select 1"));
    told.upstream(Messages.done("SELECT 1"), Messages.READY);

    // Then
    assertEquals(1, told.figures("select $1").calls());
  }

  /** As drivers do with a batch: one Sync behind all. */
  @Test
  void tooMuchBeforeASyncIsCountedWithTheRest() {
    // Given
    told.begin("alice", "shop", "app");
    prepare("a", "select a");
    prepare("b", "select b");
    int many = Pending.MOST;

    // When
    for (int i = 0; i < many; i++) {
      told.client(Messages.bind("", "a"), new Execute("", 0));
    }
    told.client(Messages.bind("", "b"), new Execute("", 0));
    for (int i = 0; i < many / 2; i++) {
      told.upstream(BindComplete.INSTANCE, Messages.done("SELECT 1"));
    }
    told.client(Messages.bind("", "b"), new Execute("", 0), Sync.INSTANCE);
    for (int i = 0; i < many / 2 + 2; i++) {
      told.upstream(BindComplete.INSTANCE, Messages.done("SELECT 1"));
    }
    assertEquals("1.0", value("open_sessions", "state", "active"));
    told.upstream(Messages.READY);

    // Then
    assertEquals(1, told.totals().overflows(Overflow.PIPELINE));
    assertEquals(0, told.totals().overflows(Overflow.ANSWER));
    assertEquals(String.valueOf(many + 2), value("fingerprint_calls", "fingerprint", "other"));
    assertEquals("1.0", value("open_sessions", "state", "idle"));

    // When nothing waits any more
    told.client(Messages.bind("", "b"), new Execute("", 0), Sync.INSTANCE);
    told.upstream(BindComplete.INSTANCE, Messages.done("SELECT 1"), Messages.READY);

    // Then
    assertEquals(0, told.figures("select a").calls());
    assertEquals(1, told.figures("select b").calls());
  }

  private void prepare(String name, String text) {
    told.client(Messages.parse(name, text), Sync.INSTANCE);
    told.upstream(ParseComplete.INSTANCE, Messages.READY);
  }

  /** Postgres skips the Query, so it does not wait for its answer for ever. */
  @Test
  void aMessageIsSkippedAlsoIfItHadBegunWhenTheOneBeforeFailed() {
    // Given
    told.begin("alice", "shop", "app");
    told.client(Messages.parse("", "select 1 / a"), Messages.bind("", ""), new Execute("", 0));
    ByteBuf next = Unpooled.buffer();
    Messages.parse("never", "select a").encode(next);

    // When
    told.client(next.readSlice(8));
    told.upstream(ParseComplete.INSTANCE, BindComplete.INSTANCE, Messages.error("22012"));
    told.client(next);
    told.client(Sync.INSTANCE);
    told.upstream(Messages.READY);

    // Then
    assertEquals(0, told.totals().overflows(Overflow.ANSWER));
    assertEquals("0.0", value("prepared_statements"));
  }

  @Test
  void whatWasNeverPreparedHasNoErrors() {
    // Given
    told.begin("alice", "shop", "app");

    // When: sent before it is known that the first has failed, and the second was skipped
    told.client(
        Messages.parse("", "select nothing"),
        Messages.parse("never", "select a"),
        Sync.INSTANCE,
        Messages.bind("", "never"),
        new Execute("", 0),
        Sync.INSTANCE);
    told.upstream(Messages.error("42703"), Messages.READY, Messages.error("26000"), Messages.READY);

    // Then
    assertEquals("1", value("fingerprint_errors", "fingerprint", "other", "sqlstate", "26000"));
  }

  @Test
  void whatFailsAmongTooMuchIsSkippedUpToTheSync() {
    // Given
    told.begin("alice", "shop", "app");
    prepare("a", "select a");
    for (int i = 0; i < Pending.MOST; i++) {
      told.client(Messages.bind("", "a"), new Execute("", 0));
    }

    // When
    told.upstream(BindComplete.INSTANCE, Messages.error("22012"));
    told.client(Messages.query("select 1"), Sync.INSTANCE);
    told.upstream(Messages.READY);
    told.client(Messages.query("select 1"));
    told.upstream(Messages.done("SELECT 1"), Messages.READY);

    // Then
    assertEquals(1, told.figures("select $1").calls());
  }

  /** The Sync behind the Execute is ignored, see Turns. */
  @Test
  void aCopyAmongTooMuchIsFollowedToItsEnd() {
    // Given
    told.begin("alice", "shop", "app");
    int many = Pending.MOST + 1;
    for (int i = 0; i < many; i++) {
      told.client(Messages.query("select 1"));
    }
    told.client(
        Messages.parse("", "copy t from stdin"),
        Messages.bind("", ""),
        new Execute("", 0),
        Sync.INSTANCE);
    for (int i = 0; i < many; i++) {
      told.upstream(Messages.done("SELECT 1"), Messages.READY);
    }

    // When
    told.upstream(
        ParseComplete.INSTANCE,
        BindComplete.INSTANCE,
        new CopyInResponse(new CopyFormat(0, List.of(0))));
    told.client(CopyDone.INSTANCE, Sync.INSTANCE);
    told.upstream(Messages.done("COPY 7"), Messages.READY);
    told.client(Messages.query("select 1"));
    told.upstream(Messages.done("SELECT 1"), Messages.READY);

    // Then
    assertEquals("7", value("rows", "kind", "copy"));
    assertEquals(1, told.figures("select $1").calls());
  }

  /** What a name was tied to before is kept no longer than Postgres may refuse the new one. */
  @Test
  void ofOneNameOneStatementIsKept() {
    // Given
    told.begin("alice", "shop", "app");
    told.client(Messages.parse("s", "select 1"), Messages.parse("s", "select 2"));
    assertEquals(1, told.session().keptBefore("s"));

    // When
    for (int i = 0; i < Pending.MOST + 10; i++) {
      told.client(Messages.parse("s", "select 3"));
    }

    // Then
    assertEquals(0, told.session().keptBefore("s"));
  }

  @Test
  void ofManyThatWaitUnderOneNameNotAllAreKept() {
    // Given
    told.begin("alice", "shop", "app");

    for (int i = 1; i < 1000; i++) {
      // When
      told.client(Messages.parse("s", "select 1"));

      // Then
      assertTrue(told.session().keptBefore("s") <= 64);
    }
  }

  /** A prepared statement may stay for days. */
  @Test
  void aPreparedStatementKeepsNothingOfAFingerprintThatHasMadeRoom() {
    // Given
    Told few = new Told(new Random(0), 8);
    few.begin("alice", "shop", "app");
    few.client(
        Messages.parse("s", "select a from t"),
        Messages.bind("", "s"),
        new Execute("", 0),
        Sync.INSTANCE);
    few.upstream(
        ParseComplete.INSTANCE, BindComplete.INSTANCE, Messages.done("SELECT 1"), Messages.READY);
    Fingerprint before = few.totals().fingerprints().iterator().next().fingerprint;
    assertTrue(before != null && "select a from t".equals(before.text()));

    // When
    for (int i = 0; i < 100; i++) {
      few.pass(MILLI);
      few.client(Messages.query("select a from t_" + i));
      few.pass(MILLI);
      few.upstream(Messages.done("SELECT 1"), Messages.READY);
    }

    // Then
    assertTrue(before.isRetired());
    assertNull(before.text());

    // When
    few.client(Messages.bind("", "s"), new Execute("", 0), Sync.INSTANCE);
    few.upstream(BindComplete.INSTANCE, Messages.done("SELECT 1"), Messages.READY);

    // Then: it is known again, and no call is lost
    assertEquals(1, few.figures("select a from t").calls());
    long calls = 0;
    for (Figures figures : few.totals().fingerprints()) {
      calls += figures.calls();
    }
    for (SessionFigures session : few.totals().sessions()) {
      calls += session.rest.calls();
    }
    assertEquals(102, calls);
  }

  /** Postgres skips all up to the next Sync, a Query as well. */
  @Test
  void aQueryBehindASeriesThatFailsIsNotWaitedForThoughItCannotBeFollowed() {
    // Given: an answer that nothing waited for
    told.begin("alice", "shop", "app");
    told.client(Messages.parse("", "select nothing"));
    told.upstream(Messages.done("SELECT 1"));
    told.client(Messages.query("select 1"), Messages.query("select 2"), Sync.INSTANCE);
    assertEquals("1.0", value("open_sessions", "state", "active"));

    // When
    told.upstream(Messages.error("42601"), Messages.READY);

    // Then
    assertEquals("1.0", value("open_sessions", "state", "idle"));
    told.client(Messages.query("select a from b where c = 5"));
    told.upstream(Messages.done("SELECT 1"), Messages.READY);
    assertEquals(1, told.figures("select a from b where c = $1").calls());
    assertEquals("1.0", value("open_sessions", "state", "idle"));
  }

  @Test
  void aQueryThatFailsBehindASeriesThatDoesNotIsNoHarm() {
    // Given
    told.begin("alice", "shop", "app");
    told.client(Messages.parse("", "select nothing"));
    told.upstream(Messages.done("SELECT 1"));
    told.client(Messages.query("select 1"), Sync.INSTANCE);

    // When
    told.upstream(ParseComplete.INSTANCE, Messages.error("42601"), Messages.READY, Messages.READY);

    // Then
    assertEquals("1.0", value("open_sessions", "state", "idle"));
    told.client(Messages.query("select a from b where c = 5"));
    told.upstream(Messages.done("SELECT 1"), Messages.READY);
    assertEquals(1, told.figures("select a from b where c = $1").calls());
  }

  /** As asyncpg does: it prepares, and only later executes. */
  @Test
  void whatPassesBetweenTheAnswerToParseAndBindIsNotTheStatements() {
    // Given
    told.begin("alice", "shop", "app");
    told.client(
        Messages.parse("s", "select a"),
        new Describe(Describe.Target.STATEMENT, "s"),
        Flush.INSTANCE);
    told.pass(MILLI);
    told.upstream(ParseComplete.INSTANCE, new RowDescription(List.of()));
    told.pass(1000 * MILLI);

    // When
    told.client(Messages.bind("", "s"), new Execute("", 0), Sync.INSTANCE);
    told.pass(MILLI);
    told.upstream(BindComplete.INSTANCE, Messages.done("SELECT 1"), Messages.READY);

    // Then
    assertEquals(0.001, told.figures("select a").latencies().seconds());
  }

  @Test
  void theDataOfACopyThatFailedAreNotTheNextStatements() {
    // Given
    told.begin("alice", "shop", "app");
    told.client(Messages.query("copy t from stdin"));
    told.upstream(
        new CopyInResponse(new CopyFormat(0, List.of(0))), Messages.error("22P02"), Messages.READY);

    // When
    told.client(new CopyData(Unpooled.wrappedBuffer(new byte[1000])), CopyDone.INSTANCE);
    told.upstream(new NotificationResponse(1, "channel", "payload"));
    told.client(Messages.query("select a"));
    told.upstream(Messages.done("SELECT 1"), Messages.READY);

    // Then
    assertEquals(1 + 4 + 9, told.figures("select a").bytesFromClient());
    assertEquals(1 + 4 + 9, told.figures("select a").bytesFromUpstream());
  }

  /** Two series of one name with the same labels would make every scrape fail. */
  @Test
  void aClientMayBeCalledOther() {
    // When
    told.begin("other", "other", "other");
    for (int i = 0; i < 30; i++) {
      told.begin("user-" + i, "shop", "app");
    }

    // Then
    assertEquals(
        "11",
        told.series()
            .get(
                "outrider_proxy_sessions{application=\"other\",database=\"other\","
                    + "encryption=\"none\",user=\"other\"}"));
  }

  @Test
  void whatTakesLittleTimeMakesRoomAndNothingIsLost() {
    Told few = new Told(new Random(1), 8);
    few.begin("alice", "shop", "app");
    for (int i = 0; i < 500; i++) {
      few.client(Messages.query("select a" + i + " from t"));
      few.upstream(Messages.done("SELECT 2"), Messages.READY);
      few.client(Messages.query("select slow from t"));
      few.pass(MILLI);
      few.upstream(Messages.done("SELECT 1"), Messages.READY);
    }
    Totals totals = few.totals();
    assertTrue(totals.fingerprints().size() <= 8);
    assertEquals(500, few.figures("select slow from t").calls());
    long calls = 0;
    long rows = 0;
    for (Figures figures : totals.fingerprints()) {
      calls += figures.calls();
      rows += figures.rows();
    }
    for (SessionFigures figures : totals.sessions()) {
      calls += figures.rest.calls();
      rows += figures.rest.rows();
    }
    assertEquals(1000, calls);
    assertEquals(1500, rows);
  }

  /** Whatever both sides say, nothing is thrown, and no count goes below nothing. */
  @Test
  void nonsenseIsCounted() {
    long seed = Long.getLong("fuzz.seed", System.nanoTime());
    System.out.println("WireSessionTest: -Dfuzz.seed=" + seed);
    Random random = new Random(seed);
    String frontend = "QFSPBEDCcfdHpX";
    String backend = "GWECTDZIZTHcd12nstNSAKRVv3";
    for (int round = 0; round < 1500; round++) {
      Told some = new Told(random, 8);
      some.begin("alice", "shop", "app");
      for (int i = 0; i < 60; i++) {
        boolean fromClient = random.nextBoolean();
        String types = fromClient ? frontend : backend;
        byte[] body = new byte[random.nextInt(12)];
        random.nextBytes(body);
        for (int at = 0; at < body.length; at++) {
          body[at] = random.nextInt(3) == 0 ? 0 : body[at];
        }
        ByteBuf message =
            Unpooled.buffer()
                .writeByte(types.charAt(random.nextInt(types.length())))
                .writeInt(body.length + 4)
                .writeBytes(body);
        if (fromClient) {
          some.client(message);
        } else {
          some.upstream(message);
        }
        some.pass(random.nextInt(1000));
      }
      some.series()
          .forEach((name, value) -> assertFalse(value.startsWith("-"), "seed " + seed + name));
      some.session().end();
      assertEquals(0, some.totals().now().size());
    }
  }
}
