package dev.outrider.metrics.proxy.wire;

import io.prometheus.metrics.model.snapshots.ClassicHistogramBuckets;
import io.prometheus.metrics.model.snapshots.NativeHistogramBuckets;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * A histogram of times: buckets with bounds of their own, and those of a native histogram, which
 * grow by 2<sup>1/8</sup> (<a href="https://prometheus.io/docs/specs/native_histograms/">schema
 * 3</a>). For one thread.
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
  private static final long[] NONE = {};
  private static final int ROOM = 8;

  static {
    for (int i = 0; i < STEPS; i++) {
      STEP_BITS[i] = Double.doubleToRawLongBits(Math.pow(2, (double) i / STEPS)) & MANTISSA;
    }
  }

  private final double[] bounds;
  private final long[] classic;
  private long zeros;
  // The native buckets from the one with index `first` on.
  private int first;
  private long[] natives = NONE;
  private long sum;
  // The last time of which it is known whose it was; null where nobody traces.
  private @Nullable Sighting seen;

  Latencies(double[] bounds) {
    this.bounds = bounds;
    this.classic = new long[bounds.length + 1];
  }

  /** Counts a time, in nanoseconds, from 0. */
  void observe(long nanos) {
    double seconds = nanos / 1e9;
    int i = 0;
    while (i < bounds.length && seconds > bounds[i]) {
      i++;
    }
    classic[i]++;
    sum += nanos;
    if (nanos <= 0) {
      zeros++;
    } else {
      int at = place(nativeIndex(seconds));
      natives[at]++;
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
    int at = index - first;
    if (at >= 0 && at < natives.length) {
      return at;
    }
    if (natives.length == 0) {
      first = index - ROOM;
      natives = new long[2 * ROOM];
    } else if (at < 0) {
      int more = ROOM - at;
      long[] wider = new long[natives.length + more];
      System.arraycopy(natives, 0, wider, more, natives.length);
      natives = wider;
      first -= more;
    } else {
      natives = Arrays.copyOf(natives, at + ROOM);
    }
    return index - first;
  }

  /** Takes in what another with the same bounds has counted. */
  void add(Latencies other) {
    for (int i = 0; i < classic.length; i++) {
      classic[i] += other.classic[i];
    }
    zeros += other.zeros;
    if (other.seen != null && (seen == null || seen.millis() < other.seen.millis())) {
      seen = other.seen;
    }
    sum += other.sum;
    for (int i = 0; i < other.natives.length; i++) {
      if (other.natives[i] > 0) {
        int at = place(other.first + i);
        natives[at] += other.natives[i];
      }
    }
  }

  /** How many times were counted. */
  long count() {
    return Arrays.stream(classic).sum();
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
    return ClassicHistogramBuckets.of(upper, classic);
  }

  NativeHistogramBuckets nativeBuckets() {
    int used = 0;
    for (long count : natives) {
      used += count > 0 ? 1 : 0;
    }
    int[] indexes = new int[used];
    long[] counts = new long[used];
    int at = 0;
    for (int i = 0; i < natives.length; i++) {
      if (natives[i] > 0) {
        indexes[at] = first + i;
        counts[at++] = natives[i];
      }
    }
    return NativeHistogramBuckets.of(indexes, counts);
  }
}
