package dev.outrider.metrics.proxy.wire;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.outrider.protocol.backend.BackendMessage;
import dev.outrider.protocol.backend.BindComplete;
import dev.outrider.protocol.backend.CloseComplete;
import dev.outrider.protocol.backend.CopyData;
import dev.outrider.protocol.backend.CopyDone;
import dev.outrider.protocol.backend.CopyFormat;
import dev.outrider.protocol.backend.CopyInResponse;
import dev.outrider.protocol.backend.CopyOutResponse;
import dev.outrider.protocol.backend.EmptyQueryResponse;
import dev.outrider.protocol.backend.NoData;
import dev.outrider.protocol.backend.ParseComplete;
import dev.outrider.protocol.backend.PortalSuspended;
import dev.outrider.protocol.backend.RowDescription;
import dev.outrider.protocol.frontend.Close;
import dev.outrider.protocol.frontend.Describe;
import dev.outrider.protocol.frontend.Execute;
import dev.outrider.protocol.frontend.Flush;
import dev.outrider.protocol.frontend.FrontendMessage;
import dev.outrider.protocol.frontend.Sync;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/**
 * Sessions of a client and a Postgres that are made up at random, with a count of their own: of
 * what Postgres did, not of what it said. Cut anywhere, the metrics are that count.
 */
class WireModelTest {
  private static final int ROUNDS = Integer.getInteger("fuzz.rounds", 300);

  /** What a statement came to. */
  private static final class Expected {
    long calls;
    long rows;
    long errors;

    @Override
    public String toString() {
      return calls + " calls " + rows + " rows " + errors + " errors";
    }
  }

  private final List<FrontendMessage> sent = new ArrayList<>();
  private final List<BackendMessage> answers = new ArrayList<>();
  private final Map<String, Expected> expected = new TreeMap<>();
  private final Map<String, String> prepared = new HashMap<>();
  private Random random = new Random();
  private Told told = Told.whole();
  private char status = 'I';
  private boolean worked;
  private boolean failedOutside;
  private long committed;
  private long rolledBack;
  private long frontendMessages;
  private long backendMessages;
  private int names;

  @Test
  void figuresAreWhatPostgresDid() {
    long seed = Long.getLong("fuzz.seed", System.nanoTime());
    System.out.println("WireModelTest: -Dfuzz.seed=" + seed);
    for (int round = 0; round < ROUNDS; round++) {
      random = new Random(seed + round);
      told = new Told(random, 1000);
      told.begin("alice", "shop", "app");
      reset();
      for (int turn = 0; turn < 30; turn++) {
        for (int together = random.nextInt(3); together >= 0; together--) {
          turn();
        }
        say();
        told.pass(random.nextInt(1_000_000));
      }
      check("seed " + (seed + round));
    }
  }

  private void reset() {
    sent.clear();
    answers.clear();
    expected.clear();
    prepared.clear();
    status = 'I';
    worked = false;
    failedOutside = false;
    committed = 0;
    rolledBack = 0;
    frontendMessages = 0;
    backendMessages = 1;
    names = 0;
  }

  private void say() {
    frontendMessages += sent.size();
    backendMessages += answers.size();
    if (random.nextBoolean()) {
      told.client(sent.toArray(new FrontendMessage[0]));
      told.upstream(answers.toArray(new BackendMessage[0]));
    } else {
      // Postgres answers while the client still sends, but never before it was asked.
      ByteBuf bytes = Unpooled.buffer();
      for (FrontendMessage message : sent) {
        message.encode(bytes);
      }
      int all = bytes.readableBytes();
      told.client(bytes.readSlice(all));
      for (BackendMessage answer : answers) {
        told.pass(random.nextInt(1000));
        told.upstream(answer);
      }
    }
    sent.clear();
    answers.clear();
  }

  private void check(String what) {
    Totals totals = told.totals();
    Map<String, String> wanted = new TreeMap<>();
    expected.forEach((text, count) -> wanted.put(text, count.toString()));
    Map<String, String> is = new TreeMap<>();
    for (Figures figures : totals.fingerprints()) {
      if (figures.isUsed() && figures.fingerprint != null) {
        long[] errors = {0};
        figures.errors().forEach((_, count) -> errors[0] += count);
        is.put(
            String.valueOf(figures.fingerprint.text()),
            figures.calls() + " calls " + figures.rows() + " rows " + errors[0] + " errors");
      }
    }
    Map<String, String> both = new TreeMap<>(wanted);
    both.entrySet().removeAll(is.entrySet());
    is.entrySet().removeAll(wanted.entrySet());
    assertEquals(both, is, what);
    for (Overflow overflow : Overflow.values()) {
      assertEquals(0, totals.overflows(overflow), what + " " + overflow);
    }
    SessionFigures session =
        totals.sessions().stream()
            .filter(figures -> figures.labels.user().equals("alice"))
            .findFirst()
            .orElseThrow();
    assertEquals(
        committed, session.transactions.of(SessionFigures.Outcome.COMMITTED), what + " committed");
    assertEquals(
        rolledBack,
        session.transactions.of(SessionFigures.Outcome.ROLLED_BACK),
        what + " rolled back");
    long[] messages = {0, 0};
    for (SessionFigures figures : totals.sessions()) {
      figures.forEachFromClient((_, count) -> messages[0] += count);
      figures.forEachFromUpstream((_, count) -> messages[1] += count);
    }
    assertEquals(frontendMessages, messages[0], what);
    assertEquals(backendMessages, messages[1], what);
    assertTrue(told.desyncs.isEmpty(), what);
    long open = totals.now().iterator().next().prepared;
    assertEquals(prepared.size(), open, what + " prepared");
  }

  private Expected of(String text) {
    return expected.computeIfAbsent(text, _ -> new Expected());
  }

  private void turn() {
    switch (random.nextInt(12)) {
      case 0, 1 -> simple();
      case 2, 3, 4, 5 -> extended();
      case 6 -> transaction();
      case 7 -> copyOut();
      case 8 -> copyIn();
      case 9 -> sqlPrepared();
      case 10 -> pieces();
      default -> {
        sent.add(Messages.query("  ; -- nothing"));
        answers.add(EmptyQueryResponse.INSTANCE);
        ready();
      }
    }
  }

  /** A ReadyForQuery, and what its transaction came to. */
  private void ready() {
    if (status == 'I') {
      if (failedOutside) {
        rolledBack++;
      } else if (worked) {
        committed++;
      }
      worked = false;
      failedOutside = false;
    }
    answers.add(
        switch (status) {
          case 'T' -> Messages.READY_IN_TRANSACTION;
          case 'E' -> Messages.READY_FAILED;
          default -> Messages.READY;
        });
  }

  private void fail(String text, String code) {
    of(text).errors++;
    answers.add(Messages.error(code));
    if (status == 'I') {
      failedOutside = true;
    } else {
      status = 'E';
    }
  }

  private String literal() {
    return switch (random.nextInt(3)) {
      case 0 -> String.valueOf(random.nextInt(1000));
      case 1 -> "'it''s; a secret '";
      default -> "$$ ; $$";
    };
  }

  /** Executes one statement for sure; false if it has failed. */
  private boolean execute(String text, String kind) {
    if (status == 'E') {
      fail(text, "25P02");
      return false;
    }
    if (random.nextInt(8) == 0) {
      fail(text, "22012");
      return false;
    }
    int rows = random.nextInt(3);
    if (kind.equals("SELECT")) {
      for (int i = 0; i < rows; i++) {
        answers.add(Messages.row());
      }
    }
    answers.add(Messages.done(kind.equals("INSERT") ? "INSERT 0 " + rows : kind + " " + rows));
    of(text).calls++;
    of(text).rows += rows;
    worked = true;
    return true;
  }

  private void simple() {
    StringBuilder text = new StringBuilder();
    List<String> normalised = new ArrayList<>();
    for (int i = random.nextInt(3); i >= 0; i--) {
      String column = "c" + random.nextInt(5);
      if (random.nextBoolean()) {
        text.append("SELECT ").append(column).append(" FROM t WHERE a = ").append(literal());
        normalised.add("select " + column + " from t where a = $1");
      } else {
        text.append("insert into ").append(column).append(" values (").append(literal());
        text.append(")");
        normalised.add("insert into " + column + " values ($1)");
      }
      text.append(" ; ");
    }
    sent.add(Messages.query(text.toString()));
    for (String statement : normalised) {
      boolean select = statement.startsWith("select");
      if (select && status != 'E') {
        answers.add(new RowDescription(List.of()));
      }
      if (!execute(statement, select ? "SELECT" : "INSERT")) {
        break;
      }
    }
    ready();
  }

  private void extended() {
    boolean skipping = false;
    for (int i = random.nextInt(4); i >= 0; i--) {
      String column = "x" + random.nextInt(5);
      String text = "update " + column + " set a = $1 where b = $2";
      String name = random.nextBoolean() ? "" : "s" + names++;
      boolean describe = random.nextBoolean();
      sent.add(Messages.parse(name, "UPDATE " + column + " SET a = $1 WHERE b = " + literal()));
      if (random.nextInt(4) == 0) {
        sent.add(Flush.INSTANCE);
      }
      skipping = skipping || parse(name, text);
      sent.add(Messages.bind("", name));
      if (!skipping) {
        answers.add(BindComplete.INSTANCE);
      }
      if (describe) {
        sent.add(new Describe(Describe.Target.PORTAL, ""));
        if (!skipping) {
          answers.add(NoData.INSTANCE);
        }
      }
      sent.add(new Execute("", 0));
      skipping = skipping || !execute(text, "UPDATE");
      if (random.nextInt(3) == 0 && !prepared.isEmpty()) {
        skipping = again(skipping);
      }
    }
    sent.add(Sync.INSTANCE);
    ready();
  }

  /** Whether it has failed. */
  private boolean parse(String name, String text) {
    if (status == 'E') {
      fail(text, "25P02");
      return true;
    }
    if (random.nextInt(10) == 0) {
      fail(text, "42601");
      return true;
    }
    answers.add(ParseComplete.INSTANCE);
    if (!name.isEmpty()) {
      prepared.put(name, text);
    }
    return false;
  }

  /** Executes or closes a statement that was prepared before. */
  private boolean again(boolean skipping) {
    String name = new ArrayList<>(prepared.keySet()).get(random.nextInt(prepared.size()));
    String text = String.valueOf(prepared.get(name));
    if (random.nextInt(3) == 0) {
      sent.add(new Close(Describe.Target.STATEMENT, name));
      if (!skipping) {
        answers.add(CloseComplete.INSTANCE);
        prepared.remove(name);
      }
      return skipping;
    }
    sent.add(Messages.bind("", name));
    sent.add(new Execute("", 0));
    if (skipping) {
      return true;
    }
    if (status == 'E') {
      fail(text, "25P02");
      return true;
    }
    answers.add(BindComplete.INSTANCE);
    return !execute(text, "UPDATE");
  }

  private void transaction() {
    if (status == 'I') {
      sent.add(Messages.query("begin"));
      answers.add(Messages.done("BEGIN"));
      of("begin").calls++;
      worked = true;
      status = 'T';
      ready();
      return;
    }
    switch (random.nextInt(4)) {
      case 0 -> {
        sent.add(Messages.query("COMMIT"));
        boolean failed = status == 'E';
        answers.add(Messages.done(failed ? "ROLLBACK" : "COMMIT"));
        of("commit").calls++;
        end(!failed);
      }
      case 1 -> {
        sent.add(Messages.query("rollback"));
        answers.add(Messages.done("ROLLBACK"));
        of("rollback").calls++;
        end(false);
      }
      case 2 -> {
        sent.add(Messages.query("ROLLBACK TO SAVEPOINT a"));
        answers.add(Messages.done("ROLLBACK"));
        of("rollback to savepoint $1").calls++;
        status = 'T';
        ready();
      }
      default -> {
        sent.add(Messages.parse("", "rollback work and chain"));
        sent.add(Messages.bind("", ""));
        sent.add(new Execute("", 0));
        sent.add(Sync.INSTANCE);
        answers.add(ParseComplete.INSTANCE);
        answers.add(BindComplete.INSTANCE);
        answers.add(Messages.done("ROLLBACK"));
        of("rollback work and chain").calls++;
        rolledBack++;
        worked = false;
        status = 'T';
        ready();
      }
    }
  }

  private void end(boolean commit) {
    if (commit) {
      committed++;
    } else {
      rolledBack++;
    }
    worked = false;
    status = 'I';
    ready();
  }

  private void copyOut() {
    String text = "copy t to stdout";
    sent.add(Messages.query(text));
    if (status == 'E') {
      fail(text, "25P02");
    } else {
      answers.add(new CopyOutResponse(new CopyFormat(0, List.of(0))));
      for (int i = 0; i < 3; i++) {
        answers.add(new CopyData(Unpooled.wrappedBuffer(new byte[] {'Z', 0, 0, 0, 5, 'I'})));
      }
      answers.add(CopyDone.INSTANCE);
      answers.add(Messages.done("COPY 3"));
      of(text).calls++;
      of(text).rows += 3;
      worked = true;
    }
    ready();
  }

  /** With Syncs as libraries send them: behind Execute, and behind the data. */
  private void copyIn() {
    String text = "copy t from stdin";
    boolean query = random.nextBoolean();
    if (query) {
      sent.add(Messages.query(text));
    } else {
      sent.add(Messages.parse("", text));
      sent.add(Messages.bind("", ""));
      sent.add(new Execute("", 0));
    }
    if (status == 'E') {
      fail(text, "25P02");
      if (!query) {
        sent.add(Sync.INSTANCE);
      }
      ready();
      return;
    }
    if (!query) {
      answers.add(ParseComplete.INSTANCE);
      answers.add(BindComplete.INSTANCE);
      if (random.nextBoolean()) {
        // Postgres ignores it: it waits for data.
        sent.add(Sync.INSTANCE);
      }
    }
    answers.add(new CopyInResponse(new CopyFormat(0, List.of(0))));
    if (random.nextBoolean()) {
      say();
    }
    sent.add(
        new dev.outrider.protocol.frontend.CopyData(
            Unpooled.wrappedBuffer(new byte[] {'Q', 0, 0, 0, 5, 0})));
    boolean fails = random.nextInt(3) == 0;
    sent.add(
        fails
            ? new dev.outrider.protocol.frontend.CopyFail("enough")
            : dev.outrider.protocol.frontend.CopyDone.INSTANCE);
    if (fails) {
      fail(text, "57014");
    } else {
      answers.add(Messages.done("COPY 7"));
      of(text).calls++;
      of(text).rows += 7;
      worked = true;
    }
    if (!query) {
      sent.add(Sync.INSTANCE);
    }
    ready();
  }

  private void sqlPrepared() {
    if (status == 'E') {
      return;
    }
    String name = "p" + names++;
    String text = "prepare " + name + " as select $1";
    sent.add(Messages.query("PREPARE " + name + " AS SELECT 'a secret'"));
    answers.add(Messages.done("PREPARE"));
    worked = true;
    ready();
    sent.add(Messages.query("execute " + name));
    answers.add(new RowDescription(List.of()));
    execute(text, "SELECT");
    ready();
    if (status == 'E') {
      prepared.put(name, text);
      return;
    }
    switch (random.nextInt(4)) {
      case 0 -> {
        sent.add(Messages.query("DEALLOCATE \"" + name + "\""));
        answers.add(Messages.done("DEALLOCATE"));
        of("deallocate $1").calls++;
        worked = true;
        ready();
      }
      case 1 -> {
        sent.add(Messages.query("deallocate all"));
        answers.add(Messages.done("DEALLOCATE ALL"));
        of("deallocate all").calls++;
        worked = true;
        prepared.clear();
        ready();
      }
      default -> prepared.put(name, text);
    }
  }

  /** A portal that is executed in pieces. */
  private void pieces() {
    String text = "select a from big";
    String portal = random.nextBoolean() ? "" : "C_1";
    sent.add(Messages.parse("", "select a from big"));
    sent.add(Messages.bind(portal, ""));
    if (status == 'E') {
      sent.add(new Execute(portal, 2));
      sent.add(Sync.INSTANCE);
      fail(text, "25P02");
      ready();
      return;
    }
    answers.add(ParseComplete.INSTANCE);
    answers.add(BindComplete.INSTANCE);
    int pieces = random.nextInt(3);
    for (int i = 0; i < pieces; i++) {
      sent.add(new Execute(portal, 2));
      sent.add(Flush.INSTANCE);
      answers.add(Messages.row());
      answers.add(Messages.row());
      answers.add(PortalSuspended.INSTANCE);
      of(text).rows += 2;
      if (random.nextBoolean()) {
        say();
      }
    }
    sent.add(new Execute(portal, 2));
    answers.add(Messages.row());
    answers.add(Messages.done("SELECT 1"));
    of(text).calls++;
    of(text).rows++;
    worked = true;
    sent.add(Sync.INSTANCE);
    ready();
  }
}
