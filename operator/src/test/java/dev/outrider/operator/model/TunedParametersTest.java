package dev.outrider.operator.model;

import static dev.outrider.operator.model.Bytes.GIB;
import static dev.outrider.operator.model.Bytes.MIB;
import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.outrider.operator.api.OwnedParameters;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TunedParametersTest {
  private static final long TIB = 1024 * GIB;

  @ParameterizedTest
  @CsvSource({
    // memory, storage, shared buffers, cache, connections, work_mem, maintenance, WAL, slots
    "128,       512,     32MB,    96MB, 100,  4MB,   32MB,   128MB,    256MB",
    "128,   1048576,     32MB,    96MB, 100,  4MB,   32MB, 16384MB, 262144MB",
    "512,     10240,    128MB,   384MB, 100,  4MB,   32MB,  1024MB,   2560MB",
    "4096,    10240,   1024MB,  3072MB, 256,  4MB,  256MB,  1024MB,   2560MB",
    "4096,   102400,   1024MB,  3072MB, 256,  4MB,  256MB, 10240MB,  25600MB",
    "65536,   10240,  16384MB, 49152MB, 400, 40MB, 2048MB,  1024MB,   2560MB",
    "65536, 1048576,  16384MB, 49152MB, 400, 40MB, 2048MB, 16384MB, 262144MB",
  })
  void followsMemoryAndStorage(
      long memory,
      long storage,
      String sharedBuffers,
      String cache,
      String connections,
      String workMem,
      String maintenance,
      String wal,
      String slots) {
    // When
    Map<String, String> p =
        TunedParameters.of(18, new TunedParameters.Size(memory * MIB, 1000, storage * MIB));

    // Then
    assertAll(
        () -> assertEquals(sharedBuffers, p.get("shared_buffers")),
        () -> assertEquals(cache, p.get("effective_cache_size")),
        () -> assertEquals(connections, p.get("max_connections")),
        () -> assertEquals(workMem, p.get("work_mem")),
        () -> assertEquals(maintenance, p.get("maintenance_work_mem")),
        () -> assertEquals(wal, p.get("max_wal_size")),
        () -> assertEquals(slots, p.get("max_slot_wal_keep_size")));
  }

  @ParameterizedTest
  @CsvSource({
    // milli-CPUs, I/O workers, worker processes, parallel, per gather, autovacuum
    "  200,  3,   8,  2, 1, 3",
    " 4000,  4,   8,  4, 2, 4",
    "16000, 16,  32, 16, 4, 8",
    "64000, 16, 128, 64, 4, 8",
  })
  void followsProcessors(
      long milliCpus, String io, String workers, String parallel, String gather, String vacuum) {
    // When
    Map<String, String> p =
        TunedParameters.of(18, new TunedParameters.Size(4 * GIB, milliCpus, 100 * GIB));

    // Then
    assertAll(
        () -> assertEquals(io, p.get("io_workers")),
        () -> assertEquals(workers, p.get("max_worker_processes")),
        () -> assertEquals(parallel, p.get("max_parallel_workers")),
        () -> assertEquals(gather, p.get("max_parallel_workers_per_gather")),
        () -> assertEquals(vacuum, p.get("autovacuum_max_workers")));
  }

  @Test
  void setsNothingThatAnOlderVersionDoesNotKnow() {
    // When
    Map<String, String> p = TunedParameters.of(17, new TunedParameters.Size(GIB, 1000, GIB));

    // Then
    assertNull(p.get("io_method"));
    assertNull(p.get("io_workers"));
  }

  @Test
  void holdsItsPromisesForEverySize() {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    for (int i = 0; i < 500; i++) {
      // Given
      TunedParameters.Size size =
          new TunedParameters.Size(
              logarithmic(random, 64 * MIB, 2 * TIB),
              logarithmic(random, 10, 256_000),
              logarithmic(random, 512 * MIB, 64 * TIB));
      for (int version : new int[] {17, 18}) {
        // When
        Map<String, String> p = TunedParameters.of(version, size);

        // Then
        String about = "seed " + seed + ", PostgreSQL " + version + ", " + size + ": " + p;
        everyValueIsAllowed(version, p, about);
        memoryIsBounded(size, p, about);
        walIsBounded(size, p, about);
        workersFit(p, about);
      }
    }
  }

  private static void everyValueIsAllowed(int version, Map<String, String> p, String about) {
    p.forEach(
        (name, value) ->
            assertEquals(
                Optional.empty(),
                ParameterCatalog.of(version).check(name, value),
                () -> name + " = " + value + ", " + about));
  }

  private static void memoryIsBounded(
      TunedParameters.Size size, Map<String, String> p, String about) {
    long buffers = megabytes(p, "shared_buffers");
    long connections = number(p, "max_connections");
    // Below these PostgreSQL is of no use; so small containers get them whatever they have.
    long least = 32 + 100 * 4;
    assertTrue(
        buffers + connections * megabytes(p, "work_mem")
            <= Math.max(least, size.memory() / MIB / 2 + 400),
        about);
    assertTrue(buffers <= Math.max(32, size.memory() / MIB / 4), about);
    assertTrue(megabytes(p, "effective_cache_size") < size.memory() / MIB, about);
    assertTrue(
        number(p, "autovacuum_max_workers") * megabytes(p, "autovacuum_work_mem")
            <= Math.max(8 * 16, size.memory() / MIB / 4),
        about);
    assertTrue(
        megabytes(p, "maintenance_work_mem") <= Math.max(32, size.memory() / MIB / 16), about);
  }

  private static void walIsBounded(TunedParameters.Size size, Map<String, String> p, String about) {
    long storage = size.storage() / MIB;
    long maxWal = megabytes(p, "max_wal_size");
    long slots = megabytes(p, "max_slot_wal_keep_size");
    assertTrue(megabytes(p, "min_wal_size") <= maxWal, about);
    // Two segments (PostgreSQL does not start with less).
    assertTrue(megabytes(p, "min_wal_size") >= 32, about);
    assertTrue(megabytes(p, "wal_keep_size") <= slots, about);
    assertTrue(maxWal <= storage / 4, about);
    assertTrue(slots <= Math.max(256, storage / 4), about);
  }

  private static void workersFit(Map<String, String> p, String about) {
    assertTrue(number(p, "max_parallel_workers") <= number(p, "max_worker_processes"), about);
    assertTrue(
        number(p, "max_parallel_workers_per_gather") <= number(p, "max_parallel_workers"), about);
    assertTrue(
        number(p, "max_parallel_maintenance_workers") <= number(p, "max_parallel_workers"), about);
  }

  @Test
  void givesMoreToTheLarger() {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    for (int i = 0; i < 500; i++) {
      // Given
      long memory = logarithmic(random, 64 * MIB, TIB);
      long storage = logarithmic(random, 512 * MIB, 64 * TIB);
      TunedParameters.Size small = new TunedParameters.Size(memory, 1000, storage);
      TunedParameters.Size large = new TunedParameters.Size(memory * 2, 2000, storage * 2);

      // When
      Map<String, String> s = TunedParameters.of(18, small);
      Map<String, String> l = TunedParameters.of(18, large);

      // Then
      String about = "seed " + seed + ", " + small + ": " + s + ", twice: " + l;
      for (String name :
          new String[] {
            "shared_buffers",
            "effective_cache_size",
            "work_mem",
            "maintenance_work_mem",
            "max_wal_size",
            "max_slot_wal_keep_size"
          }) {
        assertTrue(megabytes(s, name) <= megabytes(l, name), () -> name + ", " + about);
      }
      assertTrue(number(s, "max_connections") <= number(l, "max_connections"), about);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {17, 18})
  void ownedParametersAreAllowedAndNobodyElses(int version) {
    // Given
    Map<String, String> tuned =
        TunedParameters.of(version, new TunedParameters.Size(GIB, 1000, GIB));

    // When
    Map<String, String> owned = TunedParameters.owned();

    // Then
    everyValueIsAllowed(version, owned, "owned");
    assertTrue(OwnedParameters.NAMES.containsAll(owned.keySet()), owned::toString);
    for (String name : OwnedParameters.NAMES) {
      assertFalse(tuned.containsKey(name), name);
    }
  }

  private static long megabytes(Map<String, String> parameters, String name) {
    String value = parameters.getOrDefault(name, "");
    assertTrue(value.endsWith("MB"), () -> name + " = " + value);
    return Long.parseLong(value.substring(0, value.length() - 2));
  }

  private static long number(Map<String, String> parameters, String name) {
    return Long.parseLong(parameters.getOrDefault(name, ""));
  }

  /** Every order of magnitude is as likely as the others. */
  private static long logarithmic(Random random, long least, long most) {
    return Math.round(
        Math.exp(random.nextDouble(Math.log((double) least), Math.log((double) most))));
  }
}
