package dev.outrider.operator.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import dev.outrider.operator.model.LastKnown.Position;
import io.fabric8.kubernetes.api.model.Secret;
import io.fabric8.kubernetes.api.model.SecretBuilder;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class LastPositionTest {
  private static final Instant NOON = Instant.parse("2026-11-21T12:00:00Z");

  /** A primary whose lock says how far it is. */
  private static Observed observed(String leader, long position) {
    return new Observed(
        Example.statefulSet(2),
        List.of(new ExamplePod(0).ready().instance(), new ExamplePod(1).ready().instance()),
        List.of(),
        Map.of(
            Example.NAMES.scope(),
            Example.endpoints(
                Example.NAMES.scope(), Map.of("leader", leader, "optime", "" + position))));
  }

  private static LastKnown known(long position) {
    return new LastKnown(null, "shop-0", null, new Position(position, NOON));
  }

  private static LastKnown updated(LastKnown known, Observed observed, long seconds) {
    return known.updated(Example.NAMES, observed, NOON.plusSeconds(seconds));
  }

  @Test
  void thePositionIsWrittenDownOnceAMinuteAtMost() {
    assertEquals(known(100), updated(LastKnown.NOTHING, observed("shop-0", 100), 0));
    assertEquals(known(100), updated(known(100), observed("shop-0", 200), 59));
    assertEquals(
        new LastKnown(null, "shop-0", null, new Position(200, NOON.plusSeconds(60))),
        updated(known(100), observed("shop-0", 200), 60));
  }

  @Test
  void aPositionThatStandsIsNotWrittenAgain() {
    assertEquals(known(100), updated(known(100), observed("shop-0", 100), 3600));
  }

  @Test
  void thePositionOfANewPrimaryIsWrittenAtOnce() {
    assertEquals(
        new LastKnown(null, "shop-1", null, new Position(200, NOON.plusSeconds(1))),
        updated(known(100), observed("shop-1", 200), 1));
  }

  @Test
  void theLastLookTakesWhatThereIs() {
    assertEquals(
        new LastKnown(null, "shop-0", null, new Position(200, NOON.plusSeconds(1))),
        known(100).latest(Example.NAMES, observed("shop-0", 200), NOON.plusSeconds(1)));
    assertEquals(known(100), known(100).latest(Example.NAMES, Example.observed(2, null), NOON));
  }

  @Test
  void whatIsWrittenIsRead() {
    // Given
    LastKnown known =
        new LastKnown("7575757575757575757", "shop-1", "shop-0", new Position(42, NOON));

    // When
    Secret secret =
        ClusterObjects.keys(Example.NAMES, Example.OWNER, Example.TRUST, List.of(), known);

    // Then
    assertEquals(known, LastKnown.of(secret));
  }

  @Test
  void whatIsNoPositionIsNone() {
    for (Map<String, String> annotations :
        List.of(
            Map.of("outrider.dev/primary-wal", "x", "outrider.dev/primary-wal-at", "x"),
            Map.of("outrider.dev/primary-wal", "1", "outrider.dev/primary-wal-at", "x"),
            Map.of("outrider.dev/primary-wal", "1"))) {
      assertNull(
          LastKnown.of(
                  new SecretBuilder()
                      .withNewMetadata()
                      .withAnnotations(annotations)
                      .endMetadata()
                      .build())
              .position());
    }
    assertEquals(
        LastKnown.NOTHING,
        LastKnown.NOTHING.updated(Example.NAMES, Example.observed(2, null), NOON));
  }
}
