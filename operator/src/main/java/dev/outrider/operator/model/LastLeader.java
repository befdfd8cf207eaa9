package dev.outrider.operator.model;

import io.fabric8.kubernetes.api.model.Endpoints;
import io.fabric8.kubernetes.api.model.EndpointsBuilder;
import io.fabric8.kubernetes.api.model.OwnerReference;
import io.fabric8.kubernetes.api.model.PersistentVolumeClaim;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Patroni's leader lock, held for the instance that was primary last, where a cluster is made again
 * on the volumes that it left.
 *
 * <ol>
 *   <li>The lock is made before the pods are, in the name of the last primary: the other instances
 *       wait for it, as they do after a loss of power.
 *   <li>Until Patroni of that instance renews the lock itself, the operator does, for as long as
 *       the instance has its volume and has not failed, and for {@link #BOUND} at most.
 *   <li>With the lock stands how far the WAL of the last primary was. When the lock has expired,
 *       Patroni lets only an instance take it that lacks no more than {@code
 *       maximum_lag_on_failover}.
 * </ol>
 *
 * <p>Important properties: the operator never touches a lock that Patroni has taken or renewed;
 * where it is away, the lock expires as any other.
 */
public final class LastLeader {
  /** How long the operator keeps the lock for an instance that does not come. */
  public static final Duration BOUND = Duration.ofMinutes(10);

  /** What the operator wrote as {@code renewTime}: another one is Patroni's. */
  public static final String RENEWED = "outrider.dev/renewed";

  private static final Duration OFTEN = Duration.ofSeconds(4);
  private static final String LEADER = "leader";
  private static final String RENEW_TIME = "renewTime";
  private static final String ACQUIRE_TIME = "acquireTime";

  /** Patroni's words for an instance that does not become primary by waiting. */
  private static final Set<String> FAILED =
      Set.of("start failed", "crashed", "initdb failed", "custom bootstrap failed", "stopped");

  private final Names names;
  private final int ordinal;
  private final LastKnown lastKnown;

  /**
   * The lock of a cluster.
   *
   * @param ordinal of the instance that was primary last and whose volume is there; -1 where there
   *     is none
   */
  public LastLeader(Names names, int ordinal, LastKnown lastKnown) {
    this.names = names;
    this.ordinal = ordinal;
    this.lastKnown = lastKnown;
  }

  /** What is to be done about the lock. */
  public enum Next {
    /** Nothing: it is Patroni's, or nobody is waited for any more. */
    NOTHING,
    /** It is held, and was renewed a moment ago. */
    WAIT,
    MAKE,
    RENEW
  }

  /**
   * What is to be done now.
   *
   * @param wanted how many instances the spec says
   */
  public Next next(Observed observed, int wanted, Instant now) {
    if (ordinal < 0) {
      return Next.NOTHING;
    }
    Endpoints lock = observed.endpoints().get(names.scope());
    if (lock == null) {
      return observed.statefulSet() == null ? Next.MAKE : Next.NOTHING;
    }
    if (wanted == 0 || !isOurs(lock) || !mayCome(observed)) {
      return Next.NOTHING;
    }
    // A cluster that was made again hibernated is waited for when it wakes up.
    if (observed.replicas() > 0 && !now.isBefore(time(lock, ACQUIRE_TIME).plus(BOUND))) {
      return Next.NOTHING;
    }
    return now.isBefore(time(lock, RENEW_TIME).plus(OFTEN)) ? Next.WAIT : Next.RENEW;
  }

  private boolean isOurs(Endpoints lock) {
    String renewed = annotation(lock, RENEWED);
    return renewed != null
        && renewed.equals(annotation(lock, RENEW_TIME))
        && names.pod(ordinal).equals(annotation(lock, LEADER));
  }

  private boolean mayCome(Observed observed) {
    return observed.claim(names, ordinal).filter(LastLeader::isBound).isPresent()
        && observed.instances().stream()
            .filter(instance -> instance.ordinal() == ordinal)
            .allMatch(
                instance ->
                    !FAILED.contains(Objects.requireNonNullElse(instance.member().state(), "")));
  }

  private static boolean isBound(PersistentVolumeClaim claim) {
    return claim.getMetadata().getDeletionTimestamp() == null
        && claim.getStatus() != null
        && Objects.equals(claim.getStatus().getPhase(), "Bound");
  }

  /** What is waited for while the lock is held. */
  public String waitingFor() {
    return names.pod(ordinal) + ", which was primary last, to be up";
  }

  /** The lock as it is made. */
  public Endpoints make(OwnerReference owner, Instant now) {
    Map<String, String> annotations = renewal(now);
    annotations.put(LEADER, names.pod(ordinal));
    annotations.put("ttl", Integer.toString(PatroniConfiguration.TTL));
    annotations.put(ACQUIRE_TIME, now.toString());
    annotations.put("transitions", "0");
    LastKnown.Position position = lastKnown.position();
    if (position != null) {
      annotations.put("optime", Long.toString(position.bytes()));
    }
    return new EndpointsBuilder()
        .withNewMetadata()
        .withName(names.scope())
        .withNamespace(names.namespace())
        .withLabels(names.patroniLabels())
        .withAnnotations(annotations)
        .withOwnerReferences(owner)
        .endMetadata()
        .build();
  }

  /** The change that renews the lock, of the very version that was observed. */
  public Endpoints renewed(Observed observed, Instant now) {
    Endpoints lock = Objects.requireNonNull(observed.endpoints().get(names.scope()));
    Map<String, String> annotations = renewal(now);
    if (observed.replicas() <= 0) {
      annotations.put(ACQUIRE_TIME, now.toString());
    }
    return new EndpointsBuilder()
        .withNewMetadata()
        .withName(names.scope())
        .withNamespace(names.namespace())
        .withResourceVersion(lock.getMetadata().getResourceVersion())
        .withAnnotations(annotations)
        .endMetadata()
        .build();
  }

  private static Map<String, String> renewal(Instant now) {
    return new TreeMap<>(Map.of(RENEW_TIME, now.toString(), RENEWED, now.toString()));
  }

  private static @Nullable String annotation(Endpoints lock, String name) {
    return Optional.ofNullable(lock.getMetadata().getAnnotations())
        .map(annotations -> annotations.get(name))
        .orElse(null);
  }

  private static Instant time(Endpoints lock, String name) {
    try {
      return Instant.parse(Objects.requireNonNullElse(annotation(lock, name), ""));
    } catch (DateTimeException e) {
      return Instant.EPOCH; // Edited by hand: it is not waited for any longer.
    }
  }
}
