package dev.outrider.e2e.faults;

import java.util.List;
import java.util.Locale;

/**
 * What came of a fault.
 *
 * @param replication async or sync
 * @param operatorKilled whether the operator was killed too
 * @param writes how long writes by way of the Service were away
 * @param reads how long reads of replicas were away
 * @param held what became of the connections that were held
 * @param rows how many rows were acknowledged
 * @param lost how many of them are gone
 * @param loss when the lost ones were written
 * @param timelines before and after
 * @param remarks what somebody should look at
 * @param failures what must not be; empty if the fault was borne
 */
record Outcome(
    Fault fault,
    String replication,
    boolean operatorKilled,
    Away writes,
    Away reads,
    String held,
    int rows,
    int lost,
    String loss,
    String timelines,
    double seconds,
    List<String> remarks,
    List<String> failures) {

  /** The head of a table of {@link #line} lines. */
  static final List<String> HEAD =
      List.of(
          "| fault | replication | writes away, s | reads away, s | rows acknowledged | lost |"
              + " timeline | held connections | all in, s |",
          "|---|---|---|---|---|---|---|---|---|");

  String line() {
    return String.format(
        Locale.ROOT,
        "| %s%s | %s | %s | %s | %d | %d%s | %s | %s | %.0f |",
        fault.title(),
        operatorKilled ? ", operator killed" : "",
        replication,
        writes,
        reads,
        rows,
        lost,
        loss.isEmpty() ? "" : ", " + loss,
        timelines,
        held,
        seconds);
  }
}
