package dev.outrider.e2e.faults;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Whether what clients saw can be: one primary at a time, and every acknowledged row still there.
 *
 * <p>Two servers have accepted writes at the same time if one of them got a statement on an older
 * timeline, and acknowledged it, when the client already had an acknowledgement of the other on a
 * newer one. The times of sending and of acknowledgement are those of the clients, on one clock: a
 * statement was received after it was sent, and committed before it was acknowledged, so however
 * slow client or network are, what is found is true. On one timeline two servers must not take
 * turns.
 *
 * @param twoPrimaries why two servers accepted writes at a time, one sentence for each pair; empty
 *     if none did
 * @param suspicious what proves nothing, but somebody should look at
 * @param lost acknowledged rows that are gone
 * @param acknowledged how many rows were acknowledged
 */
record Verdict(
    List<String> twoPrimaries,
    List<String> suspicious,
    List<Acknowledgement> lost,
    int acknowledged) {

  /** What one server acknowledged on one timeline, as far as it matters. */
  private static final class Tenure {
    private final String server;
    private final int timeline;
    private Acknowledgement first;
    private Acknowledgement lastSent;
    private Acknowledgement lastAcknowledged;

    Tenure(Acknowledgement one) {
      this.server = one.server();
      this.timeline = one.timeline();
      this.first = one;
      this.lastSent = one;
      this.lastAcknowledged = one;
    }

    void add(Acknowledgement one) {
      if (one.acknowledged() < first.acknowledged()) {
        first = one;
      }
      if (one.sent() > lastSent.sent()) {
        lastSent = one;
      }
      if (one.acknowledged() > lastAcknowledged.acknowledged()) {
        lastAcknowledged = one;
      }
    }

    /** It took a statement after the other had acknowledged one. */
    boolean goesOnAfter(Tenure other) {
      return lastSent.sent() > other.first.acknowledged();
    }
  }

  /**
   * Judges.
   *
   * @param all in any order
   * @param instances the names of the servers' instances, as far as known
   * @param kept the rows at the end
   * @param origin to which times are told, {@link System#nanoTime()}
   */
  static Verdict judge(
      Collection<Acknowledgement> all, Map<String, String> instances, Rows kept, long origin) {
    Map<List<Object>, Tenure> found = new HashMap<>();
    for (Acknowledgement one : all) {
      List<Object> key = List.of(one.server(), one.timeline());
      Tenure tenure = found.get(key);
      if (tenure == null) {
        found.put(key, new Tenure(one));
      } else {
        tenure.add(one);
      }
    }
    List<Tenure> tenures =
        found.values().stream()
            .sorted(
                (a, b) ->
                    a.timeline != b.timeline
                        ? Integer.compare(a.timeline, b.timeline)
                        : Long.compare(a.first.acknowledged(), b.first.acknowledged()))
            .toList();
    List<String> twoPrimaries = new ArrayList<>();
    List<String> suspicious = new ArrayList<>();
    for (int i = 0; i < tenures.size(); i++) {
      for (int j = i + 1; j < tenures.size(); j++) {
        Tenure older = tenures.get(i);
        Tenure newer = tenures.get(j);
        if (!older.server.equals(newer.server)) {
          compare(older, newer, new Words(instances, origin), twoPrimaries, suspicious);
        }
      }
    }
    return new Verdict(
        List.copyOf(twoPrimaries),
        List.copyOf(suspicious),
        all.stream().filter(one -> !kept.contains(one.writer(), one.number())).toList(),
        all.size());
  }

  private static void compare(
      Tenure older, Tenure newer, Words words, List<String> twoPrimaries, List<String> suspicious) {
    if (older.timeline == newer.timeline) {
      if (older.goesOnAfter(newer) && newer.goesOnAfter(older)) {
        twoPrimaries.add(
            "%s and %s took turns on one timeline: after %s came %s"
                .formatted(
                    words.name(older),
                    words.name(newer),
                    words.acknowledged(newer.first),
                    words.sent(older.lastSent)));
      } else if (!words.name(older).equals(words.name(newer))) {
        suspicious.add(
            "%s and %s wrote on one timeline, one after the other"
                .formatted(words.name(older), words.name(newer)));
      }
    } else if (older.goesOnAfter(newer)) {
      twoPrimaries.add(
          "%s took writes although %s was primary on a newer timeline: after %s came %s"
              .formatted(
                  words.name(older),
                  words.name(newer),
                  words.acknowledged(newer.first),
                  words.sent(older.lastSent)));
    } else if (older.lastAcknowledged.acknowledged() > newer.first.acknowledged()) {
      suspicious.add(
          "an answer of %s came late: %s, after %s"
              .formatted(
                  words.name(older),
                  words.sent(older.lastAcknowledged),
                  words.acknowledged(newer.first)));
    }
  }

  private record Words(Map<String, String> instances, long origin) {
    String name(Tenure tenure) {
      return instances.getOrDefault(tenure.server, "the server of " + tenure.server)
          + " on timeline "
          + tenure.timeline;
    }

    String acknowledged(Acknowledgement one) {
      return "%s's row %d (acknowledged at %s)"
          .formatted(one.writer(), one.number(), at(one.acknowledged()));
    }

    String sent(Acknowledgement one) {
      return "%s's row %d (sent at %s, acknowledged at %s)"
          .formatted(one.writer(), one.number(), at(one.sent()), at(one.acknowledged()));
    }

    private String at(long nanos) {
      return String.format(Locale.ROOT, "%.3f s", (nanos - origin) / 1e9);
    }
  }
}
