package dev.outrider.metrics.proxy.wire;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class LatenciesTest {
  @Test
  void aBucketHoldsWhatIsNotAboveItsBound() {
    Random random = new Random(7);
    for (int i = 0; i < 100_000; i++) {
      double seconds = Math.exp(random.nextDouble() * 40 - 25);
      int index = Latencies.nativeIndex(seconds);
      assertTrue(seconds <= Math.pow(2, index / 8.0) * (1 + 1e-12), seconds + " " + index);
      assertTrue(seconds > Math.pow(2, (index - 1) / 8.0) * (1 - 1e-12), seconds + " " + index);
    }
    assertEquals(0, Latencies.nativeIndex(1));
    assertEquals(8, Latencies.nativeIndex(2));
    assertEquals(9, Latencies.nativeIndex(Math.nextUp(2)));
    assertEquals(-8, Latencies.nativeIndex(0.5));
  }

  @Test
  void addsUp() {
    // Given
    Latencies one = new Latencies(Latencies.FINE);
    Latencies other = new Latencies(Latencies.FINE);
    Latencies both = new Latencies(Latencies.FINE);
    Random random = new Random(8);
    for (int i = 0; i < 1000; i++) {
      long nanos = i % 10 == 0 ? 0 : (long) Math.exp(random.nextDouble() * 25);
      (i % 3 == 0 ? one : other).observe(nanos);
      both.observe(nanos);
    }

    // When
    one.add(other);

    // Then
    assertEquals(1000, one.count());
    assertEquals(100, one.zeros());
    assertEquals(both.seconds(), one.seconds());
    assertEquals(counts(both), counts(one));
    long natives = one.nativeBuckets().stream().mapToLong(bucket -> bucket.getCount()).sum();
    assertEquals(900, natives);
  }

  @Test
  void countsBeyondWhatFitsInHalfTheMemory() {
    // Given: as many as nobody observes one by one
    Latencies one = new Latencies(Latencies.COARSE);
    Latencies other = new Latencies(Latencies.COARSE);
    one.observe(1_000_000);
    long[] wanted = {1, 0};
    for (int i = 0; i < 25; i++) {
      other.add(one);
      wanted[1] += wanted[0];
      one.add(other);
      wanted[0] += wanted[1];
    }
    assertTrue(wanted[1] > Integer.MAX_VALUE);

    // When: in buckets on both sides of those that there are
    one.observe(1);
    one.observe(100_000_000_000L);
    one.observe(1_000_000);

    // Then
    assertEquals(wanted[0] + 3, one.count());
    assertEquals(
        List.of(1L, wanted[0] + 1, 1L),
        one.nativeBuckets().stream().map(bucket -> bucket.getCount()).toList());
  }

  private static List<Long> counts(Latencies times) {
    return times.classicBuckets().stream().map(bucket -> bucket.getCount()).toList();
  }
}
