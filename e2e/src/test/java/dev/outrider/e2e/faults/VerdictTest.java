package dev.outrider.e2e.faults;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** The checker itself: histories that can be, and those that it must not let pass. */
class VerdictTest {
  private static final Map<String, String> INSTANCES =
      Map.of("A", "shop-0", "A again", "shop-0", "B", "shop-1");

  private final List<Acknowledgement> history = new ArrayList<>();
  private final Rows kept = new Rows();
  private long number;

  /** A row that is still there; times in milliseconds. */
  private void row(String server, int timeline, long sent, long acknowledged) {
    lostRow(server, timeline, sent, acknowledged);
    kept.add("w", number);
  }

  private void lostRow(String server, int timeline, long sent, long acknowledged) {
    number++;
    history.add(
        new Acknowledgement(
            "w", number, server, timeline, sent * 1_000_000, acknowledged * 1_000_000));
  }

  private Verdict judge() {
    Collections.shuffle(history, new Random(history.size()));
    return Verdict.judge(history, INSTANCES, kept, 0);
  }

  private void passes() {
    Verdict verdict = judge();
    assertEquals(List.of(), verdict.twoPrimaries());
    assertEquals(List.of(), verdict.lost());
    assertEquals(history.size(), verdict.acknowledged());
  }

  @Test
  void oneAfterTheOther() {
    row("A", 1, 0, 10);
    row("A", 1, 50, 60);
    row("B", 2, 2000, 2010);
    row("B", 2, 2050, 2060);
    passes();
    assertEquals(List.of(), judge().suspicious());
  }

  @Test
  void thereAndBackAgain() {
    row("A", 1, 0, 10);
    row("B", 2, 1000, 1010);
    row("A again", 3, 2000, 2010);
    passes();
    assertEquals(List.of(), judge().suspicious());
  }

  @Test
  void theOldPrimaryGoesOn() {
    row("A", 1, 0, 10);
    row("B", 2, 2000, 2010);
    row("A", 1, 2011, 2020);
    assertEquals(
        List.of(
            "shop-0 on timeline 1 took writes although shop-1 on timeline 2 was primary on a newer"
                + " timeline: after w's row 2 (acknowledged at 2.010 s) came w's row 3 (sent at"
                + " 2.011 s, acknowledged at 2.020 s)"),
        judge().twoPrimaries());
  }

  @Test
  void theOldPrimaryWakesUpLongAfter() {
    row("A", 1, 0, 10);
    for (int i = 0; i < 100; i++) {
      row("B", 2, 2000 + i * 50, 2010 + i * 50);
    }
    row("A", 1, 60_000, 60_010);
    assertEquals(1, judge().twoPrimaries().size());
  }

  @Test
  void aServerThatIsNotKnownByNameCountsToo() {
    row("A", 1, 0, 10);
    row("C", 2, 2000, 2010);
    row("A", 1, 2050, 2060);
    assertTrue(judge().twoPrimaries().getFirst().contains("the server of C on timeline 2"));
  }

  @Test
  void twoServersThatTookTheSameTimeline() {
    row("A", 2, 0, 10);
    row("B", 2, 50, 60);
    row("A", 2, 100, 110);
    assertEquals(1, judge().twoPrimaries().size());
  }

  @Test
  void twoServersOneAfterTheOtherOnOneTimelineAreSuspicious() {
    row("A", 2, 0, 10);
    row("B", 2, 50, 60);
    passes();
    assertEquals(1, judge().suspicious().size());
  }

  @Test
  void aRestartOfAnInstanceIsAnotherServer() {
    row("A", 1, 0, 10);
    row("A again", 1, 900, 910);
    passes();
    assertEquals(List.of(), judge().suspicious());
  }

  @Test
  void anInstanceThatRunsTwice() {
    row("A", 1, 0, 10);
    row("A again", 2, 900, 910);
    row("A", 1, 950, 960);
    assertEquals(1, judge().twoPrimaries().size());
  }

  @Test
  void anAnswerThatCameLateProvesNothing() {
    row("A", 1, 0, 5000);
    row("B", 2, 2000, 2010);
    passes();
    assertEquals(
        List.of(
            "an answer of shop-0 on timeline 1 came late: w's row 1 (sent at 0.000 s, acknowledged"
                + " at 5.000 s), after w's row 2 (acknowledged at 2.010 s)"),
        judge().suspicious());
  }

  @Test
  void aStatementThatIsUnderWayWhileTheOtherAnswersProvesNothing() {
    row("A", 1, 2005, 2020);
    row("B", 2, 2000, 2010);
    passes();
  }

  @Test
  void anAcknowledgedRowThatIsGone() {
    row("A", 1, 0, 10);
    lostRow("A", 1, 50, 60);
    row("B", 2, 2000, 2010);
    assertEquals(List.of(2L), judge().lost().stream().map(Acknowledgement::number).toList());
    assertEquals(List.of(), judge().twoPrimaries());
  }

  @Test
  void aRowThatNobodyWasToldOfMayBeThere() {
    row("A", 1, 0, 10);
    kept.add("w", 77);
    passes();
  }

  @Test
  void nothingAtAll() {
    passes();
  }
}
