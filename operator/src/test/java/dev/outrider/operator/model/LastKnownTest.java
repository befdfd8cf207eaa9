package dev.outrider.operator.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.fabric8.kubernetes.api.model.Endpoints;
import io.fabric8.kubernetes.api.model.PersistentVolumeClaimBuilder;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What a cluster that is made again knows of its earlier life. */
class LastKnownTest {
  private static final Instant NOON = Instant.parse("2026-11-21T12:00:00Z");
  private static final LastKnown EARLIER = new LastKnown("7575", "shop-0", "shop-1", null);

  private static Observed observed(Map<String, String> synchronous) {
    Map<String, Endpoints> endpoints = new HashMap<>();
    endpoints.put(
        Example.NAMES.scope(),
        Example.endpoints(Example.NAMES.scope(), Map.of("leader", "shop-0")));
    endpoints.put(
        Example.NAMES.patroniSync(), Example.endpoints(Example.NAMES.patroniSync(), synchronous));
    return new Observed(null, List.of(), List.of(), endpoints);
  }

  private static Observed claims(String... pods) {
    return new Observed(
        null,
        List.of(),
        List.of(pods).stream()
            .map(
                pod ->
                    new PersistentVolumeClaimBuilder()
                        .withNewMetadata()
                        .withName("data-" + pod)
                        .endMetadata()
                        .build())
            .toList(),
        Map.of());
  }

  @Test
  void followsWhoIsSynchronous() {
    assertEquals(
        "shop-1,shop-2",
        EARLIER
            .updated(
                Example.NAMES,
                observed(Map.of("leader", "shop-0", "sync_standby", "shop-2,shop-1")),
                NOON)
            .synchronous());
    assertEquals(
        "",
        EARLIER.updated(Example.NAMES, observed(Map.of("leader", "shop-0")), NOON).synchronous());
  }

  @Test
  void forgetsItWhenReplicationIsAsynchronous() {
    assertEquals(
        new LastKnown("7575", "shop-0", null, null),
        EARLIER.updated(Example.NAMES, observed(Map.of()), NOON));
  }

  @Test
  void keepsItWhileNothingIsThere() {
    assertEquals(EARLIER, EARLIER.updated(Example.NAMES, claims("shop-0"), NOON));
  }

  @Test
  void isReadAsItWasWritten() {
    // When
    var keys = ClusterObjects.keys(Example.NAMES, Example.OWNER, Example.TRUST, List.of(), EARLIER);
    // Then
    assertEquals(EARLIER, LastKnown.of(keys));
  }

  @Test
  void onlyOneWithEveryRowBecomesPrimaryIfSuchAVolumeIsLeft() {
    assertTrue(EARLIER.hasSynchronous(claims("shop-0", "shop-2")));
    assertTrue(EARLIER.hasSynchronous(claims("shop-1", "shop-2")));
    assertFalse(EARLIER.hasSynchronous(claims("shop-2")));
    assertFalse(new LastKnown("7575", "shop-0", null, null).hasSynchronous(claims("shop-0")));
  }

  @Test
  void patroniFindsItsStateAgain() {
    assertEquals(
        Map.of("leader", "shop-0", "sync_standby", "shop-1"),
        ClusterObjects.lastSynchronous(Example.NAMES, Example.OWNER, EARLIER)
            .getMetadata()
            .getAnnotations());
    assertEquals(
        Map.of("leader", "shop-0"),
        ClusterObjects.lastSynchronous(
                Example.NAMES, Example.OWNER, new LastKnown("7575", "shop-0", "", null))
            .getMetadata()
            .getAnnotations());
  }
}
