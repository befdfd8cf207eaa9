package dev.outrider.operator.model;

import dev.outrider.operator.api.ReplicationSpec;
import java.util.Comparator;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * How many pods there should be now, on the way to as many as the spec says.
 *
 * <p>The algorithm, one step each time it is asked:
 *
 * <ol>
 *   <li>A new cluster starts with all its instances at once: replicas wait for the primary. So does
 *       one that is made again on volumes that it left, but never without the instance that was
 *       primary last.
 *   <li>Instances are added once there is a primary that is ready.
 *   <li>Instances go from the highest number down, as a StatefulSet does it. A primary that would
 *       go hands over first to the furthest of the instances that stay; with synchronous
 *       replication to a synchronous one, for which {@link #replication} makes all of them
 *       synchronous meanwhile.
 *   <li>Hibernating (0) goes by way of one instance, number 0, which is the last primary; so it has
 *       every acknowledged row.
 *   <li>Waking up goes the same way back: number 0 first, alone, then the others, since their data
 *       is older. Where another was primary last, the instances up to that one.
 * </ol>
 *
 * <p>Important properties: no step removes a primary; no step lets an instance with older data
 * become primary; every step can be repeated.
 */
public final class Scaling {
  private Scaling() {}

  /**
   * The next step.
   *
   * @param replicas what the StatefulSet shall say now
   * @param switchoverTo the instance that shall become primary before anything goes on, or null
   * @param waitingFor what the next step waits for, in words, or null when there is no next step
   */
  public record Step(int replicas, @Nullable String switchoverTo, @Nullable String waitingFor) {}

  /**
   * The next step towards {@code wanted} instances.
   *
   * @param lastPrimary the number of the instance that was primary last, whose volume is there; -1
   *     for a new cluster
   * @param synchronous whether only a synchronous instance may take over
   */
  public static Step next(
      int wanted, Names names, Observed observed, int lastPrimary, boolean synchronous) {
    int now = observed.replicas();
    if (now < 0 && wanted > 0 && lastPrimary >= wanted) {
      return new Step(
          lastPrimary + 1, null, names.pod(lastPrimary) + ", which was primary last, to be up");
    }
    if (now < 0 || now == wanted) {
      return new Step(wanted, null, null);
    }
    Optional<Instance> primary = observed.leader(names).filter(Instance::ready);
    return wanted > now
        ? up(wanted, now, primary, lastPrimary)
        : down(wanted, now, primary, names, observed, synchronous);
  }

  /**
   * The replication that is right for now. While the primary is to hand over because its instance
   * goes, every replica is synchronous: else the one that Patroni chose could be one that goes too.
   * And a cluster that is put to sleep stops no writes before its last instance stops.
   */
  public static Wanted.Replication replication(Wanted wanted, Names names, Observed observed) {
    Wanted.Replication replication = wanted.replication();
    if (!replication.synchronous()) {
      return replication;
    }
    int now = observed.replicas();
    boolean handsOver =
        now > wanted.instances()
            && observed
                .leader(names)
                .filter(leader -> leader.ordinal() >= Math.max(1, wanted.instances()))
                .isPresent();
    return new Wanted.Replication(
        wanted.instances() == 0 ? ReplicationSpec.Mode.SYNC : replication.mode(),
        handsOver ? Math.max(replication.syncInstances(), now - 1) : replication.syncInstances());
  }

  private static Step up(int wanted, int now, Optional<Instance> primary, int lastPrimary) {
    if (now == 0) {
      // Another than 0 was primary last only where the cluster was made again, hibernated, on
      // volumes of one that was not.
      int first = Math.max(0, lastPrimary) + 1;
      return new Step(
          first,
          null,
          wanted == first
              ? null
              : "the instance that was primary last to be up, before the others start");
    }
    return primary.isPresent()
        ? new Step(wanted, null, null)
        : new Step(now, null, "a primary that is ready, before instances are added");
  }

  private static Step down(
      int wanted,
      int now,
      Optional<Instance> primary,
      Names names,
      Observed observed,
      boolean synchronous) {
    int staying = Math.max(1, wanted);
    if (primary.isEmpty()) {
      return new Step(now, null, "a primary that is ready, before instances are removed");
    }
    if (primary.get().ordinal() >= staying) {
      if (observed.switchoverPending(names)) {
        return new Step(now, null, "Patroni to hand over from " + primary.get().name());
      }
      return observed.instances().stream()
          .filter(i -> i.ordinal() < staying && i.ready())
          .filter(i -> !synchronous || observed.synchronous(names).contains(i.name()))
          .max(Comparator.comparingLong(Scaling::location))
          .map(
              heir ->
                  new Step(
                      now, heir.name(), heir.name() + " to take over from " + primary.get().name()))
          .orElseGet(
              () ->
                  new Step(
                      now,
                      null,
                      "a replica that is ready "
                          + (synchronous ? "and synchronous " : "")
                          + "among the instances that stay, to take over from "
                          + primary.get().name()));
    }
    if (wanted == 0 && now == 1 && observed.instances().size() <= 1) {
      return new Step(0, null, null);
    }
    return new Step(
        staying, null, wanted == 0 ? "the replicas to be gone, before the primary stops" : null);
  }

  private static long location(Instance instance) {
    return instance.member().location() == null ? -1 : instance.member().location();
  }
}
