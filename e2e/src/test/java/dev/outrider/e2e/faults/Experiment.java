package dev.outrider.e2e.faults;

import dev.outrider.e2e.Kube;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * Does one fault to a cluster while clients write, and finds out what came of it.
 *
 * <ol>
 *   <li>All instances are there; the primary is where the fault needs it.
 *   <li>The clients are at work: each has its connection, rows are acknowledged.
 *   <li>The fault begins, goes on for its time, and is undone, whatever happens.
 *   <li>Writes are back, then every node and instance is, without help.
 *   <li>The clients end; the instances come to agree; what the clients saw is judged.
 * </ol>
 *
 * Only safety and the return of everything can fail it; how long something took is told.
 */
final class Experiment {
  private static final AtomicInteger COUNT = new AtomicInteger();
  private static final Duration ANOTHER_PRIMARY = Duration.ofMinutes(2);

  private final Stage stage;
  private final Fault fault;
  private final Duration lasts;
  private final boolean operatorKilled;
  private final Diary diary;
  private final List<String> failures = new ArrayList<>();

  /**
   * An experiment that has not begun.
   *
   * @param lasts how long the fault goes on
   * @param operatorKilled whether the operator is killed as the fault begins
   */
  Experiment(Stage stage, Fault fault, Duration lasts, boolean operatorKilled) {
    this.stage = stage;
    this.fault = fault;
    this.lasts = lasts;
    this.operatorKilled = operatorKilled;
    Path folder = Surroundings.top().resolve("e2e/target/faults");
    this.diary =
        new Diary(
            folder.resolve(
                String.format(
                    Locale.ROOT,
                    "%s-%03d-%s.log",
                    Long.toString(ProcessHandle.current().pid()),
                    COUNT.incrementAndGet(),
                    fault.name().toLowerCase(Locale.ROOT).replace('_', '-'))));
  }

  /** Where it was noted what happened when. */
  Path diary() {
    return diary.file();
  }

  /** Does it. Never fails: what must not be is in the outcome. */
  Outcome run() {
    long start = System.nanoTime();
    String run = "%d-%s".formatted(System.currentTimeMillis(), fault);
    History history = new History(diary);
    long begun = start;
    long ended = start;
    String primary = "";
    @Nullable Verdict verdict = null;
    try {
      diary.note(fault.title() + ", run " + run);
      stage.setUp();
      String needed = fault.needsPrimary(stage);
      if (needed != null) {
        stage.makePrimary(needed);
      }
      primary = stage.leader();
      diary.note("primary is " + primary);
      Inside inside =
          fault.hasClientOnNode2() ? Inside.start(stage, stage.primary(), run, history) : null;
      try (inside;
          Workload workload = Workload.start(stage, run, history)) {
        if (inside != null) {
          Kube.await(
              Duration.ofSeconds(60),
              () ->
                  history.times("inside rw").size() < 5
                      ? "the clients on node2 do not write"
                      : null);
        }
        begun = System.nanoTime();
        inject(workload);
        everythingComesBack(workload, System.nanoTime());
        ended = System.nanoTime();
      }
    } catch (RuntimeException | AssertionError e) {
      failed("the experiment broke off: " + e, e);
      ended = System.nanoTime();
    } finally {
      stage.letOthersGoOn();
    }
    try {
      verdict =
          Verdict.judge(history.acknowledgements(), history.instances(), stage.rows(run), begun);
      judge(verdict);
    } catch (RuntimeException | AssertionError e) {
      failed("the rows could not be compared: " + e, e);
    }
    if (!failures.isEmpty()) {
      stage.describe(diary);
      rescue();
    }
    rest();
    Outcome outcome = outcome(history, verdict, primary, begun, ended, start);
    diary.note(outcome.line());
    outcome.remarks().forEach(diary::note);
    return outcome;
  }

  private void rest() {
    try {
      TimeUnit.NANOSECONDS.sleep(fault.rest().toNanos());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  private void inject(Workload workload) {
    int timeline = workload.timeline();
    diary.note("the fault begins");
    if (operatorKilled) {
      stage.killOperator();
    }
    Fault.Ongoing ongoing = fault.begin(stage);
    try {
      diary.note("it has begun");
      if (fault.lastsUntilAnotherPrimary()) {
        workload.awaitAnotherPrimary(timeline, ANOTHER_PRIMARY);
        diary.note("another primary takes writes");
      }
      goOn(ongoing);
    } finally {
      diary.note("undoing it");
      ongoing.undo();
      diary.note("undone");
    }
  }

  /** The time that a fault lasts has to pass: there is nothing to wait for but its end. */
  private void goOn(Fault.Ongoing ongoing) {
    long start = System.nanoTime();
    boolean half = false;
    while (System.nanoTime() - start < lasts.toNanos()) {
      if (ongoing.isOver()) {
        diary.note("it has ended by itself: the container was ended");
        return;
      }
      if (!half && System.nanoTime() - start > lasts.toNanos() / 2) {
        half = true;
        diary.note("half of its time has passed");
        ongoing.halfTime();
      }
      try {
        Thread.sleep(100);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IllegalStateException(e);
      }
    }
  }

  private void everythingComesBack(Workload workload, long since) {
    try {
      workload.awaitWrites(since, Stage.PATIENCE);
      diary.note("rows are written after the fault");
      stage.awaitAllBack(missing -> diary.note("not back: " + missing));
      diary.note("everything is back");
      // Who was primary before and woke up has had time to answer; now a last row for everybody.
      workload.awaitWrites(System.nanoTime(), Stage.PATIENCE);
    } catch (AssertionError e) {
      failed("not everything came back: " + e.getMessage(), e);
    }
  }

  private void judge(Verdict verdict) {
    verdict.twoPrimaries().forEach(words -> failed("two primaries: " + words, null));
    boolean mayLose = !stage.isSync() && !fault.handsOver();
    if (!verdict.lost().isEmpty() && !mayLose) {
      failed(
          "%d acknowledged rows are gone, the first: %s"
              .formatted(verdict.lost().size(), verdict.lost().getFirst()),
          null);
    }
  }

  private void failed(String words, @Nullable Throwable cause) {
    failures.add(words + " (see " + diary.file() + ")");
    diary.note("FAILED: " + words);
    if (cause != null) {
      for (StackTraceElement element : cause.getStackTrace()) {
        if (element.getClassName().startsWith("dev.outrider")) {
          diary.note("  at " + element);
        }
      }
    }
  }

  /** Brings everything back by hand, so that what comes next means something. */
  private void rescue() {
    try {
      Surroundings.repair();
      stage.awaitAllBack();
      diary.note("rescued");
    } catch (RuntimeException | AssertionError e) {
      diary.note("not rescued, the cluster is made anew: " + e.getMessage());
      try {
        boolean sync = stage.isSync();
        stage.create();
        stage.replication(sync ? "sync" : "async");
      } catch (RuntimeException | AssertionError again) {
        diary.note("that did not help: " + again);
        failures.add("and the cluster could not be made anew: " + again.getMessage());
      }
    }
  }

  private Outcome outcome(
      History history,
      @Nullable Verdict verdict,
      String primary,
      long begun,
      long ended,
      long start) {
    List<Integer> timelines =
        history.acknowledgements().stream()
            .map(Acknowledgement::timeline)
            .distinct()
            .sorted()
            .toList();
    List<String> remarks = new ArrayList<>(verdict == null ? List.of() : verdict.suspicious());
    List<Acknowledgement> lost = verdict == null ? List.of() : verdict.lost();
    return new Outcome(
        fault,
        stage.isSync() ? "sync" : "async",
        operatorKilled,
        Away.between(history.times(Workload.WRITER), begun, ended),
        Away.between(history.answers(Workload.READER), begun, ended),
        held(history, primary, begun, ended),
        history.acknowledgements().size(),
        lost.size(),
        when(lost, begun),
        timelines.isEmpty()
            ? "–"
            : timelines.size() == 1
                ? timelines.getFirst().toString()
                : timelines.getFirst() + " → " + timelines.getLast(),
        (System.nanoTime() - start) / 1e9,
        remarks,
        List.copyOf(failures));
  }

  private static String when(List<Acknowledgement> lost, long begun) {
    if (lost.isEmpty()) {
      return "";
    }
    long first = lost.stream().mapToLong(Acknowledgement::acknowledged).min().orElseThrow();
    long last = lost.stream().mapToLong(Acknowledgement::acknowledged).max().orElseThrow();
    return String.format(
        Locale.ROOT,
        "acknowledged %.2f s to %.2f s after the fault",
        (first - begun) / 1e9,
        (last - begun) / 1e9);
  }

  /** What became of the held connection to the primary, and of those to replicas. */
  private static String held(History history, String primary, long begun, long ended) {
    Map<String, History.Closed> closed = new TreeMap<>();
    for (History.Closed one : history.closed()) {
      if (one.time() < ended && one.client().startsWith(Workload.held(""))) {
        closed.putIfAbsent(one.client(), one);
      }
    }
    History.Closed ofPrimary = closed.remove(Workload.held(primary));
    String last =
        history.times(Workload.held(primary)).stream()
            .max(Long::compare)
            .map(time -> String.format(Locale.ROOT, "%.1f", (time - begun) / 1e9))
            .orElse("–");
    String words =
        ofPrimary == null
            ? "primary's: stays, last row at " + last + " s"
            : String.format(
                Locale.ROOT,
                "primary's: ended at %.1f s (%s), last row at %s s",
                (ofPrimary.time() - begun) / 1e9,
                ofPrimary.why().split(" ", 2)[0],
                last);
    return words
        + (closed.isEmpty() ? "; replicas': stay" : "; replicas': " + closed.size() + " ended");
  }
}
