package dev.outrider.metrics.proxy.wire;

import io.prometheus.metrics.model.snapshots.ClassicHistogramBuckets;
import io.prometheus.metrics.model.snapshots.NativeHistogramBuckets;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * A histogram of times: buckets with bounds of their own, and those of a native histogram, which
 * grow by 2<sup>1/8</sup> (<a href="https://prometheus.io/docs/specs/native_histograms/">schema
 * 3</a>). Takes memory by what it counts: there are thousands of these. For one thread.
 */
final class Latencies {
  /** Each native bucket's upper bound is 2<sup>1/8</sup> times the one before. */
  static final int SCHEMA = 3;

  /** The bounds for whole sessions' figures, in seconds. */
  static final double[] FINE = {
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
    30
  };

  /** The bounds for what there is much of, in seconds. */
  static final double[] COARSE = {0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5};

  private static final int STEPS = 1 << SCHEMA;
  // Where the steps between two powers of two begin, as mantissas.
  private static final long[] STEP_BITS = new long[STEPS];
  private static final long MANTISSA = (1L << 52) - 1;
  private static final int[] NONE = {};
  // How many native buckets more than are needed are made on a side.
  private static final int ROOM = 4;

  static {
    for (int i = 0; i < STEPS; i++) {
      STEP_BITS[i] = Double.doubleToRawLongBits(Math.pow(2, (double) i / STEPS)) & MANTISSA;
    }
  }

  private final double[] bounds;
  // How many times were in each bucket: first those with bounds of their own, then the native ones
  // from that with index `first` on. In `wide` once a number does not fit.
  private int[] narrow = NONE;
  private long @Nullable [] wide;
  private int first;
  private long zeros;
  private long sum;
  // The last time of which it is known whose it was; null where nobody traces.
  private @Nullable Sighting seen;

  Latencies(double[] bounds) {
    this.bounds = bounds;
  }

  /** Counts a time, in nanoseconds, from 0. */
  void observe(long nanos) {
    double seconds = nanos / 1e9;
    int i = 0;
    while (i < bounds.length && seconds > bounds[i]) {
      i++;
    }
    if (narrow.length == 0) {
      narrow = new int[classics()];
    }
    count(i, 1);
    sum += nanos;
    if (nanos <= 0) {
      zeros++;
    } else {
      count(place(nativeIndex(seconds)), 1);
    }
  }

  /** The time that was counted last, in nanoseconds, was that of a query with a trace. */
  void saw(long nanos, Sighting whose) {
    seen = whose.withNanos(nanos);
  }

  /** The last time of which it is known whose it was. */
  @Nullable Sighting seen() {
    return seen;
  }

  private int classics() {
    return bounds.length + 1;
  }

  private void count(int at, long more) {
    long[] all = wide;
    if (all == null) {
      long count = narrow[at] + more;
      if (count <= Integer.MAX_VALUE) {
        narrow[at] = (int) count;
        return;
      }
      all = widened();
    }
    all[at] += more;
  }

  private long[] widened() {
    long[] all = new long[narrow.length];
    for (int i = 0; i < all.length; i++) {
      all[i] = narrow[i];
    }
    wide = all;
    return all;
  }

  private long at(int place) {
    long[] all = wide;
    return all == null ? narrow[place] : all[place];
  }

  /** How many buckets there are; all have a count or could have one without more memory. */
  private int places() {
    return narrow.length;
  }

  /** The index of the native bucket: the least whose bound is not below the value. */
  static int nativeIndex(double seconds) {
    long bits = Double.doubleToRawLongBits(seconds);
    long mantissa = bits & MANTISSA;
    int step = mantissa > STEP_BITS[4] ? 5 : 0;
    if (step == 5) {
      while (step < STEPS && mantissa > STEP_BITS[step]) {
        step++;
      }
    } else {
      while (mantissa > STEP_BITS[step]) {
        step++;
      }
    }
    return Math.getExponent(seconds) * STEPS + step;
  }

  private int place(int index) {
    int classics = classics();
    int natives = places() - classics;
    int at = index - first;
    if (natives == 0) {
      first = index - ROOM;
      resize(0, 2 * ROOM);
    } else if (at < 0) {
      resize(ROOM - at, natives + ROOM - at);
      first -= ROOM - at;
    } else if (at >= natives) {
      resize(0, at + ROOM);
    }
    return classics + index - first;
  }

  /** Makes room for so many native buckets, and moves those that there are up by so many places. */
  private void resize(int up, int natives) {
    int classics = classics();
    int[] before = narrow;
    narrow = new int[classics + natives];
    System.arraycopy(before, 0, narrow, 0, classics);
    System.arraycopy(before, classics, narrow, classics + up, before.length - classics);
    long[] wideBefore = wide;
    if (wideBefore != null) {
      long[] all = new long[narrow.length];
      System.arraycopy(wideBefore, 0, all, 0, classics);
      System.arraycopy(wideBefore, classics, all, classics + up, wideBefore.length - classics);
      wide = all;
    }
  }

  /** Takes in what another with the same bounds has counted. */
  void add(Latencies other) {
    if (other.places() == 0) {
      return;
    }
    if (narrow.length == 0) {
      narrow = new int[classics()];
    }
    for (int i = 0; i < classics(); i++) {
      count(i, other.at(i));
    }
    zeros += other.zeros;
    if (other.seen != null && (seen == null || seen.millis() < other.seen.millis())) {
      seen = other.seen;
    }
    sum += other.sum;
    for (int i = classics(); i < other.places(); i++) {
      long more = other.at(i);
      if (more > 0) {
        count(place(other.first + i - classics()), more);
      }
    }
  }

  /** Forgets all. */
  void clear() {
    narrow = NONE;
    wide = null;
    zeros = 0;
    sum = 0;
    seen = null;
  }

  /** How many times were counted. */
  long count() {
    long count = 0;
    for (int i = 0; i < Math.min(classics(), places()); i++) {
      count += at(i);
    }
    return count;
  }

  /** Their sum, in seconds. */
  double seconds() {
    return sum / 1e9;
  }

  /** How many of them were 0. */
  long zeros() {
    return zeros;
  }

  ClassicHistogramBuckets classicBuckets() {
    double[] upper = Arrays.copyOf(bounds, bounds.length + 1);
    upper[bounds.length] = Double.POSITIVE_INFINITY;
    long[] counts = new long[classics()];
    for (int i = 0; i < Math.min(counts.length, places()); i++) {
      counts[i] = at(i);
    }
    return ClassicHistogramBuckets.of(upper, counts);
  }

  NativeHistogramBuckets nativeBuckets() {
    int used = 0;
    for (int i = classics(); i < places(); i++) {
      used += at(i) > 0 ? 1 : 0;
    }
    int[] indexes = new int[used];
    long[] counts = new long[used];
    int to = 0;
    for (int i = classics(); i < places(); i++) {
      long count = at(i);
      if (count > 0) {
        indexes[to] = first + i - classics();
        counts[to++] = count;
      }
    }
    return NativeHistogramBuckets.of(indexes, counts);
  }
}
