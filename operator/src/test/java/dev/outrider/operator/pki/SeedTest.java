package dev.outrider.operator.pki;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.security.SecureRandom;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SeedTest {
  private static final String KNOWN = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";

  @Test
  void passwordsOfAClusterNeverChange() {
    // A change here would lock every running cluster out.
    Seed seed = Seed.parse(KNOWN);

    assertEquals("oJevarkhF6vRil2x1nOXwZlIqdY8efXk", seed.password("superuser"));
    assertEquals("P73RZas0H0PSxNeJTNNsrRG3J2XmiUYk", seed.password("application"));
  }

  @Test
  void isReadAsItWasWritten() {
    // Given
    Seed seed = Seed.create(new SecureRandom());

    // When
    Seed again = Seed.parse(seed.text() + "\n");

    // Then
    assertEquals(seed.text(), again.text());
    assertEquals(seed.password("superuser"), again.password("superuser"));
  }

  @Test
  void everyPurposeAndEverySeedHasAPasswordOfItsOwn() {
    // Given
    SecureRandom random = new SecureRandom();
    Set<String> passwords = new HashSet<>();

    for (int i = 0; i < 100; i++) {
      // When
      Seed seed = Seed.create(random);
      for (String purpose :
          new String[] {"superuser", "replication", "rewind", "restapi", "application"}) {
        String password = seed.password(purpose);

        // Then
        assertTrue(passwords.add(password));
        assertTrue(password.matches("[A-Za-z0-9_]{32}"), "safe in URIs, shells and pgpass");
      }
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "MDEy",
        "no base64!",
        KNOWN + "AAAA",
        "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMw=="
      })
  void refusesWhatIsNoSeed(String text) {
    assertThrows(IllegalArgumentException.class, () -> Seed.parse(text));
  }
}
