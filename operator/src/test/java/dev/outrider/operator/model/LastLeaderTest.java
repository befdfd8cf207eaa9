package dev.outrider.operator.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import dev.outrider.operator.model.LastLeader.Next;
import io.fabric8.kubernetes.api.model.Endpoints;
import io.fabric8.kubernetes.api.model.PersistentVolumeClaim;
import io.fabric8.kubernetes.api.model.PersistentVolumeClaimBuilder;
import io.fabric8.kubernetes.api.model.apps.StatefulSet;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class LastLeaderTest {
  private static final Instant NOON = Instant.parse("2026-11-21T12:00:00Z");
  private static final LastKnown KNOWN =
      new LastKnown(
          "75", "shop-1", null, new LastKnown.Position(67160232, NOON.minusSeconds(3600)));
  private static final LastLeader LEADER = new LastLeader(Example.NAMES, 1, KNOWN);

  private static PersistentVolumeClaim claim(String phase) {
    return new PersistentVolumeClaimBuilder()
        .withNewMetadata()
        .withName("data-shop-1")
        .endMetadata()
        .withNewStatus()
        .withPhase(phase)
        .endStatus()
        .build();
  }

  private static Observed observed(
      @Nullable StatefulSet set,
      @Nullable Endpoints lock,
      PersistentVolumeClaim claim,
      Instance... instances) {
    return new Observed(
        set,
        List.of(instances),
        List.of(claim),
        lock == null ? Map.of() : Map.of(Example.NAMES.scope(), lock));
  }

  private static Observed starting(Endpoints lock, Instance... instances) {
    return observed(Example.statefulSet(3), lock, claim("Bound"), instances);
  }

  private static Endpoints made() {
    Endpoints lock = LEADER.make(Example.OWNER, NOON);
    lock.getMetadata().setResourceVersion("7");
    return lock;
  }

  private static Endpoints with(Endpoints lock, Map<String, String> annotations) {
    Map<String, String> all = new HashMap<>(lock.getMetadata().getAnnotations());
    all.putAll(annotations);
    return lock.edit().editMetadata().withAnnotations(all).endMetadata().build();
  }

  private static Next next(Observed observed, Instant now) {
    return LEADER.next(observed, 3, now);
  }

  private static Instant after(long seconds) {
    return NOON.plusSeconds(seconds);
  }

  @Test
  void theLockIsMadeBeforeThePodsAre() {
    assertEquals(Next.MAKE, next(observed(null, null, claim("Bound")), NOON));
    assertEquals(Next.NOTHING, next(observed(Example.statefulSet(3), null, claim("Bound")), NOON));
    assertEquals(
        Next.NOTHING,
        new LastLeader(Example.NAMES, -1, LastKnown.NOTHING)
            .next(observed(null, null, claim("Bound")), 3, NOON));
  }

  @Test
  void theLockSaysHowFarTheLastPrimaryWas() {
    Map<String, String> annotations = made().getMetadata().getAnnotations();
    assertEquals("shop-1", annotations.get("leader"));
    assertEquals("67160232", annotations.get("optime"));
    assertEquals("20", annotations.get("ttl"));
    assertNull(
        new LastLeader(Example.NAMES, 1, new LastKnown("75", "shop-1", null, null))
            .make(Example.OWNER, NOON)
            .getMetadata()
            .getAnnotations()
            .get("optime"));
  }

  @Test
  void theLockIsRenewedWellWithinItsLife() {
    assertEquals(Next.WAIT, next(starting(made()), after(3)));
    assertEquals(Next.RENEW, next(starting(made()), after(5)));

    // And what is renewed is ours again
    Observed now = starting(made());
    Map<String, String> change = LEADER.renewed(now, after(5)).getMetadata().getAnnotations();
    assertEquals("7", LEADER.renewed(now, after(5)).getMetadata().getResourceVersion());
    assertNull(change.get("acquireTime"));
    assertEquals(Next.WAIT, next(starting(with(made(), change)), after(6)));
    assertEquals(Next.RENEW, next(starting(with(made(), change)), after(10)));
  }

  @Test
  void aLockThatPatroniRenewedOrTookIsPatronis() {
    assertEquals(
        Next.NOTHING,
        next(starting(with(made(), Map.of("renewTime", "2026-11-21T12:00:01+00:00"))), after(5)));
    assertEquals(Next.NOTHING, next(starting(with(made(), Map.of("leader", "shop-0"))), after(5)));
    Endpoints released = with(made(), Map.of());
    released.getMetadata().getAnnotations().remove("leader");
    assertEquals(Next.NOTHING, next(starting(released), after(5)));
  }

  @Test
  void nobodyIsWaitedForForever() {
    Endpoints renewed =
        with(made(), LEADER.renewed(starting(made()), after(590)).getMetadata().getAnnotations());
    assertEquals(Next.RENEW, next(starting(renewed), after(599)));
    assertEquals(Next.NOTHING, next(starting(renewed), NOON.plus(LastLeader.BOUND)));
    assertEquals(Duration.ofMinutes(10), LastLeader.BOUND);
  }

  @Test
  void anInstanceThatCannotComeIsNotWaitedFor() {
    assertEquals(
        Next.NOTHING, next(observed(Example.statefulSet(3), made(), claim("Lost")), after(5)));
    PersistentVolumeClaim going = claim("Bound");
    going.getMetadata().setDeletionTimestamp("2026-11-21T12:00:00Z");
    assertEquals(Next.NOTHING, next(observed(Example.statefulSet(3), made(), going), after(5)));

    ExamplePod pod = new ExamplePod(1).running();
    assertEquals(Next.RENEW, next(starting(made(), pod.instance()), after(5)));
    assertEquals(
        Next.RENEW,
        next(starting(made(), pod.patroni("{\"state\":\"starting\"}").instance()), after(5)));
    assertEquals(
        Next.NOTHING,
        next(starting(made(), pod.patroni("{\"state\":\"start failed\"}").instance()), after(5)));
  }

  @Test
  void aClusterThatIsMadeAgainHibernatedIsWaitedForWhenItWakesUp() {
    // Given
    Observed asleep = observed(Example.statefulSet(0), made(), claim("Bound"));

    // Then
    assertEquals(Next.NOTHING, LEADER.next(asleep, 0, after(86_400)));
    assertEquals(Next.RENEW, LEADER.next(asleep, 3, after(86_400)));
    assertEquals(
        after(86_400).toString(),
        LEADER.renewed(asleep, after(86_400)).getMetadata().getAnnotations().get("acquireTime"));
  }
}
