package dev.outrider.operator.model;

import io.fabric8.kubernetes.api.model.Secret;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
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
 * @param position how far the primary's WAL was, so that no replica that is far behind it becomes
 *     primary, should that one not come back
 */
public record LastKnown(
    @Nullable String systemIdentifier,
    @Nullable String primary,
    @Nullable String synchronous,
    @Nullable Position position) {
  /** Nothing. */
  public static final LastKnown NOTHING = new LastKnown(null, null, null, null);

  private static final String SYSTEM_IDENTIFIER = "outrider.dev/system-identifier";
  private static final String PRIMARY = "outrider.dev/primary";
  private static final String SYNCHRONOUS = "outrider.dev/synchronous";
  private static final String POSITION = "outrider.dev/primary-wal";
  private static final String POSITION_AT = "outrider.dev/primary-wal-at";

  /** The position of a busy primary changes all the time; it is written this often at most. */
  static final Duration STEP = Duration.ofMinutes(1);

  /**
   * A position in the WAL.
   *
   * @param bytes from its beginning, as Patroni counts them in {@code optime}
   * @param at when it was seen
   */
  public record Position(long bytes, Instant at) {}

  /** What the Secret says; nothing where there is none. */
  public static LastKnown of(@Nullable Secret keys) {
    Map<String, String> annotations =
        Optional.ofNullable(keys)
            .map(secret -> secret.getMetadata().getAnnotations())
            .orElse(Map.of());
    return new LastKnown(
        annotations.get(SYSTEM_IDENTIFIER),
        annotations.get(PRIMARY),
        annotations.get(SYNCHRONOUS),
        position(annotations));
  }

  private static @Nullable Position position(Map<String, String> annotations) {
    String bytes = annotations.get(POSITION);
    String at = annotations.get(POSITION_AT);
    if (bytes == null || at == null) {
      return null;
    }
    try {
      return new Position(Long.parseLong(bytes), Instant.parse(at));
    } catch (NumberFormatException | DateTimeException e) {
      return null; // Edited by hand.
    }
  }

  /**
   * The same after a look at the cluster: what is not there now stays as it was known, and the
   * position for {@link #STEP} too.
   */
  public LastKnown updated(Names names, Observed observed, Instant now) {
    boolean due =
        position == null
            || !now.isBefore(position.at().plus(STEP))
            || observed.leader(names).filter(i -> !i.name().equals(primary)).isPresent();
    return looked(names, observed, due, now);
  }

  /** The same after the last look there will be. */
  public LastKnown latest(Names names, Observed observed, Instant now) {
    return looked(names, observed, true, now);
  }

  private LastKnown looked(Names names, Observed observed, boolean due, Instant now) {
    return new LastKnown(
        observed.systemIdentifier(names).orElse(systemIdentifier),
        observed.leader(names).map(Instance::name).orElse(primary),
        observed.endpoints().containsKey(names.patroniSync())
            ? observed.synchronousState(names).map(s -> String.join(",", s)).orElse(null)
            : synchronous,
        observed
            .position(names)
            .filter(bytes -> due && (position == null || bytes != position.bytes()))
            .map(bytes -> new Position(bytes, now.truncatedTo(ChronoUnit.SECONDS)))
            .orElse(position));
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
    return ordinal >= 0 && observed.claim(names, ordinal).isPresent() ? ordinal : -1;
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
    if (position != null) {
      annotations.put(POSITION, Long.toString(position.bytes()));
      annotations.put(POSITION_AT, position.at().toString());
    }
    return annotations;
  }
}
