package dev.outrider.metrics.proxy.wire;

import dev.outrider.metrics.proxy.wire.WireSession.State;
import java.util.Collection;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.Map;

/** What all event loops have counted, added up. For one thread at a time. */
final class Totals {
  /** What the sessions with one set of labels are doing now. */
  static final class Now {
    final LabelSet labels;
    final Counts<State> sessions = new Counts<>(State.class);
    final Counts<State> oldestNanos = new Counts<>(State.class);
    long prepared;

    Now(LabelSet labels) {
      this.labels = labels;
    }
  }

  private final Map<LabelSet, SessionFigures> sessions = new HashMap<>();
  private final Map<LabelSet, Now> now = new HashMap<>();
  private final Map<Fingerprint, Figures> fingerprints = new HashMap<>();
  private final Map<Overflow, Long> overflows = new EnumMap<>(Overflow.class);
  private long cancels;
  private long opaque;

  void add(SessionFigures figures) {
    sessions.computeIfAbsent(figures.labels, SessionFigures::new).add(figures);
  }

  void add(Figures figures) {
    if (figures.fingerprint != null) {
      fingerprints.computeIfAbsent(figures.fingerprint, Figures::new).add(figures);
    }
  }

  void add(Overflow what, long count) {
    overflows.merge(what, count, Long::sum);
  }

  void addCancels(long count) {
    cancels += count;
  }

  void add(LabelSet labels, State state, long nanos, int prepared) {
    Now of = now.computeIfAbsent(labels, Now::new);
    of.sessions.add(state, 1);
    of.oldestNanos.atLeast(state, nanos);
    of.prepared += prepared;
    opaque += state == State.OPAQUE ? 1 : 0;
  }

  /** Moves what was retired since it was added to the rest; to be called when all is added. */
  void settle() {
    fingerprints
        .values()
        .removeIf(
            figures -> {
              Fingerprint of = figures.fingerprint;
              if (of == null || !of.isRetired()) {
                return false;
              }
              sessions.computeIfAbsent(of.labels, SessionFigures::new).rest.add(figures);
              return true;
            });
  }

  Collection<SessionFigures> sessions() {
    return sessions.values();
  }

  Collection<Now> now() {
    return now.values();
  }

  Collection<Figures> fingerprints() {
    return fingerprints.values();
  }

  long overflows(Overflow what) {
    return overflows.getOrDefault(what, 0L);
  }

  long cancels() {
    return cancels;
  }

  long opaque() {
    return opaque;
  }
}
