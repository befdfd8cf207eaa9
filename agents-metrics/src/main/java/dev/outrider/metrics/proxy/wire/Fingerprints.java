package dev.outrider.metrics.proxy.wire;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The fingerprints that have figures of their own: those that take the most time, as many as are
 * allowed.
 *
 * <ol>
 *   <li>Every new one gets in. When there is no room, the eighth that took the least time lately is
 *       retired: its figures go to the rest of its labels, where they stay.
 *   <li>So a statement that takes much time has as many newcomers' time to show it as an eighth of
 *       the room, and no sum over all fingerprints and the rest ever loses anything.
 *   <li>One that comes back after it was retired starts from nothing, as any counter after a
 *       restart. Its text is remembered for a while: what was prepared long ago does not tell it
 *       again.
 * </ol>
 *
 * <p>Safe for all threads; asked only for what an event loop has not met yet.
 */
final class Fingerprints {
  /** How much of its weight a fingerprint keeps from one retirement to the next. */
  static final double REMEMBERED = 0.9;

  private record Key(LabelSet labels, long hash) {}

  // Of the texts of retired ones, in characters.
  private static final int MOST_REMEMBERED = 128 << 10;

  private final int most;
  // By hash, the one that was wanted last at the end.
  private final Map<Long, String> texts = new LinkedHashMap<>(16, 0.75f, true);
  private int remembered;
  private final Map<Key, Fingerprint> kept = new HashMap<>();

  Fingerprints(int most) {
    this.most = most;
  }

  /**
   * The fingerprint, as it is or made now, for an event loop that will count with it.
   *
   * @param text gives its normalised text; null if that is not known any more
   */
  synchronized Figures admit(LabelSet labels, long hash, Supplier<@Nullable String> text) {
    Key key = new Key(labels, hash);
    Fingerprint known = kept.get(key);
    if (known == null) {
      if (kept.size() >= most) {
        retire();
      }
      String told = text.get();
      known = new Fingerprint(labels, hash, told == null ? texts.get(hash) : told);
      kept.put(key, known);
    } else if (known.text() == null) {
      String told = text.get();
      if (told != null) {
        known.seen(told);
      }
    }
    Figures figures = new Figures(known);
    known.counts(figures);
    return figures;
  }

  private void retire() {
    List<Fingerprint> all = new ArrayList<>(kept.values());
    all.forEach(Fingerprint::weigh);
    all.sort(Comparator.comparingDouble(Fingerprint::weight));
    for (Fingerprint least : all.subList(0, Math.max(1, most / 8))) {
      remember(least.hash, least.text());
      least.retire();
      kept.remove(new Key(least.labels, least.hash));
    }
  }

  private void remember(long hash, @Nullable String text) {
    if (text == null) {
      return;
    }
    String before = texts.put(hash, text);
    remembered += text.length() - (before == null ? 0 : before.length());
    Iterator<String> oldest = texts.values().iterator();
    while (remembered > MOST_REMEMBERED) {
      remembered -= oldest.next().length();
      oldest.remove();
    }
  }

  /** How many event loops' figures of one fingerprint can be in a table at once, at most. */
  int most() {
    return most;
  }

  /** The one that is kept, for tests. */
  synchronized @Nullable Fingerprint find(LabelSet labels, long hash) {
    return kept.get(new Key(labels, hash));
  }
}
