package dev.outrider.metrics.proxy;

/**
 * How Netty shall be, said before any of it is loaded: it reads these once. What was set on the
 * command line stays.
 *
 * <p>Pooled buffers in small chunks, one arena for each event loop, took less processor time and
 * less memory here than Netty's adaptive ones. Flight-recorder events would load 80 classes into
 * every agent, and leak detection samples buffers that a relay never loses sight of (the tests have
 * it on).
 */
final class NettyProperties {
  private static final int PAGE_SHIFTS = 5; // chunks of 256 KiB: 8 KiB << 5

  // Else it would be as much as the heap, which is small: some hundred clients that are slow to
  // read would use it up, and the next read of any other would fail. Half of a pod's limit for the
  // proxy; what happens when half of it is taken is told in Buffers.
  private static final int MOST_DIRECT = 128 * 1024 * 1024;

  private NettyProperties() {}

  static void set(int arenas) {
    byDefault("io.netty.allocator.type", "pooled");
    byDefault("io.netty.allocator.numHeapArenas", "0");
    byDefault("io.netty.allocator.numDirectArenas", String.valueOf(arenas));
    byDefault("io.netty.allocator.maxOrder", String.valueOf(PAGE_SHIFTS));
    byDefault("io.netty.allocator.useCacheForAllThreads", "false");
    byDefault("io.netty.maxDirectMemory", String.valueOf(MOST_DIRECT));
    byDefault("io.netty.jfr.enabled", "false");
    byDefault("io.netty.leakDetection.level", "disabled");
  }

  private static void byDefault(String property, String value) {
    if (System.getProperty(property) == null) {
      System.setProperty(property, value);
    }
  }
}
