package dev.outrider.agents.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.outrider.agents.config.Problem;
import dev.outrider.agents.tls.KeyFiles;
import dev.outrider.agents.tls.ReloadingKeys;
import java.io.IOException;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ReloadingKeysTest {
  private static final Instant NOW = Instant.parse("2026-01-02T03:04:05Z");

  @TempDir Path folder = Path.of("unset");
  private final AtomicReference<Instant> now = new AtomicReference<>(NOW);
  // Why nothing can be made of any files for the moment.
  private @Nullable String trouble;
  private int attempts;

  private ReloadingKeys<X509Certificate> keys() {
    return new ReloadingKeys<>(
        "tls",
        new KeyFiles(folder.resolve("tls.crt"), folder.resolve("tls.key"), null),
        material -> {
          attempts++;
          if (trouble != null) {
            throw new IOException(trouble);
          }
          return material.chain().get(0);
        },
        now::get);
  }

  private Certificate write(String name) throws Exception {
    Certificate certificate = Certificate.make(folder, name);
    certificate.writeCertificate(folder.resolve("tls.crt"));
    certificate.writeKey(folder.resolve("tls.key"));
    return certificate;
  }

  @BeforeEach
  void first() throws Exception {
    write("first");
  }

  private void pass(int seconds) {
    now.updateAndGet(instant -> instant.plusSeconds(seconds));
  }

  @Test
  void filesThatCannotBeUsedForAMomentAreTriedAgainAndToldOnceForEachReason() throws Exception {
    // Given
    ReloadingKeys<X509Certificate> keys = keys();
    X509Certificate first = keys.first();
    Certificate second = write("second");
    trouble = "not now";
    assertFalse(keys.look());
    assertTrue(keys.look());
    Problem problem =
        new Problem("tls", "the certificates cannot be used: java.io.IOException: not now", NOW);
    assertEquals(problem, keys.problem());

    // When: looked at often, and at the same files
    for (int look = 0; look < 100; look++) {
      assertFalse(keys.look());
    }
    // Then
    assertEquals(2, attempts);

    // When
    pass(1);
    // Then: the same reason is no news
    assertFalse(keys.look());
    assertEquals(3, attempts);
    assertEquals(problem, keys.problem());

    // When
    trouble = "too late";
    pass(2);
    // Then
    assertTrue(keys.look());
    assertEquals(first, keys.made());

    // When
    trouble = null;
    pass(4);
    // Then
    assertTrue(keys.look());
    assertEquals(second.certificate(), keys.made());
    assertNull(keys.problem());
    pass(600);
    assertFalse(keys.look());
  }

  @Test
  void whoAsksForWhatIsInForceFindsFilesUsableThatWereNotAMomentAgo() throws Exception {
    // Given
    Certificate first = write("another");
    ReloadingKeys<X509Certificate> keys = keys();
    trouble = "not now";
    assertNull(keys.current());
    trouble = null;

    // When
    pass(1);

    // Then
    assertEquals(first.certificate(), keys.current());
    assertNull(keys.problem());
  }

  @Test
  void whoReadsThemFirstHearsWhyTheyCannotBeUsed() {
    // Given
    ReloadingKeys<X509Certificate> keys = keys();
    trouble = "not now";

    // When
    IOException error = assertThrows(IOException.class, keys::first);

    // Then
    assertEquals("not now", error.getMessage());
    assertNull(keys.problem());
  }
}
