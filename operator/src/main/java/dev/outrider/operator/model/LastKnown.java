package dev.outrider.operator.model;

import io.fabric8.kubernetes.api.model.Secret;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What must be known of a cluster when it is made again on volumes that it left behind. It stands
 * in annotations of the Secret with the keys, which lives as long as the volumes.
 *
 * @param systemIdentifier PostgreSQL's, so that no empty instance makes another database meanwhile
 * @param primary the pod that was primary last, so that none with older data becomes it now
 * @param synchronous the replicas that had every acknowledged row too, separated by commas, so that
 *     none of the others becomes primary; null with asynchronous replication
 */
public record LastKnown(
    @Nullable String systemIdentifier, @Nullable String primary, @Nullable String synchronous) {
  private static final String SYSTEM_IDENTIFIER = "outrider.dev/system-identifier";
  private static final String PRIMARY = "outrider.dev/primary";
  private static final String SYNCHRONOUS = "outrider.dev/synchronous";

  /** What the Secret says; nothing where there is none. */
  public static LastKnown of(@Nullable Secret keys) {
    Map<String, String> annotations =
        Optional.ofNullable(keys)
            .map(secret -> secret.getMetadata().getAnnotations())
            .orElse(Map.of());
    return new LastKnown(
        annotations.get(SYSTEM_IDENTIFIER), annotations.get(PRIMARY), annotations.get(SYNCHRONOUS));
  }

  /** The same after a look at the cluster: what is not there now stays as it was known. */
  public LastKnown updated(Names names, Observed observed) {
    return new LastKnown(
        observed.systemIdentifier(names).orElse(systemIdentifier),
        observed.leader(names).map(Instance::name).orElse(primary),
        observed.endpoints().containsKey(names.patroniSync())
            ? observed.synchronousState(names).map(s -> String.join(",", s)).orElse(null)
            : synchronous);
  }

  /**
   * Whether the volume of one is there that has every acknowledged row, the last primary or a
   * replica that was synchronous with it. Where none is left, what the others have is all there is.
   */
  public boolean hasSynchronous(Observed observed) {
    return primary != null
        && synchronous != null
        && Stream.concat(Stream.of(primary), Arrays.stream(synchronous.split(",", -1)))
            .anyMatch(
                name ->
                    observed.claims().stream()
                        .anyMatch(
                            c ->
                                c.getMetadata()
                                    .getName()
                                    .equals(ClusterObjects.VOLUME + "-" + name)));
  }

  /** The number of the last primary if its volume is there, else -1. */
  public int primaryOrdinal(Names names, Observed observed) {
    if (primary == null) {
      return -1;
    }
    int ordinal = Names.ordinal(primary);
    return ordinal >= 0
            && observed.claims().stream()
                .anyMatch(c -> c.getMetadata().getName().equals(names.claim(ordinal)))
        ? ordinal
        : -1;
  }

  Map<String, String> annotations() {
    Map<String, String> annotations = new TreeMap<>();
    if (systemIdentifier != null) {
      annotations.put(SYSTEM_IDENTIFIER, systemIdentifier);
    }
    if (primary != null) {
      annotations.put(PRIMARY, primary);
    }
    if (synchronous != null) {
      annotations.put(SYNCHRONOUS, synchronous);
    }
    return annotations;
  }
}
