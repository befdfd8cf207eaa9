package dev.outrider.metrics.proxy.wire;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A statement without its values, of sessions with one set of labels, that has figures of its own.
 * What is not said otherwise is guarded by {@link Fingerprints}.
 */
final class Fingerprint {
  /** Of whose sessions. Any thread. */
  final LabelSet labels;

  /** The hash of the normalised text. Any thread. */
  final long hash;

  private volatile @Nullable String text;
  private volatile boolean retired;
  private volatile boolean withheld;
  private final List<Figures> figures = new ArrayList<>(1);
  private long nanosBefore;
  private double weight;

  Fingerprint(LabelSet labels, long hash, @Nullable String text) {
    this.labels = labels;
    this.hash = hash;
    this.text = text;
  }

  /**
   * The normalised text. To be shown only once a statement with it has succeeded, and unless it is
   * withheld. Null when it is retired, or came back and its text was not seen again. Any thread.
   */
  @Nullable String text() {
    return text;
  }

  /** Its text was seen again. */
  void seen(String text) {
    this.text = text;
  }

  /** Whether its figures belong to the rest by now. Any thread. */
  boolean isRetired() {
    return retired;
  }

  /** Takes its figures' leave; what is prepared may know it still, and shall keep no more alive. */
  void retire() {
    retired = true;
    text = null;
    figures.clear();
  }

  /** Whether its text may have values in it. Any thread. */
  boolean isWithheld() {
    return withheld;
  }

  /** Its text may have values in it. Any thread. */
  void withhold() {
    withheld = true;
  }

  void counts(Figures here) {
    figures.add(here);
  }

  /** What it took lately: what was before counts less each time. */
  double weigh() {
    long nanos = 0;
    for (Figures here : figures) {
      nanos += here.nanos();
    }
    weight = weight * Fingerprints.REMEMBERED + (nanos - nanosBefore);
    nanosBefore = nanos;
    return weight;
  }

  double weight() {
    return weight;
  }
}
