package dev.outrider.operator.model;

import dev.outrider.agents.config.DurationText;
import dev.outrider.operator.api.PostgresClusterStatus.InstanceStatus;
import dev.outrider.operator.api.PostgresClusterStatus.RecoveryPhase;
import dev.outrider.operator.api.PostgresClusterStatus.RecoveryStatus;
import io.fabric8.kubernetes.api.model.PersistentVolumeClaim;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * How an instance that is stuck or lost comes back.
 *
 * <p>The algorithm, at most one step each time it is asked:
 *
 * <ol>
 *   <li>A pod that should have ended 30 s ago, on a node that does not answer, is removed by force,
 *       so that the StatefulSet may make it anew. On a node that answers, its processes may still
 *       write to the volume: it is left alone.
 *   <li>An instance of which Patroni says that it is stuck is restarted, by deleting its pod, 15 s
 *       after that was seen first.
 *   <li>If it is stuck again before it has been well for 10 minutes, and PostgreSQL's container has
 *       run for 45 s, it gets a new copy: claim and pod are deleted, the StatefulSet makes both
 *       again, and Patroni copies the primary. The same for a container that has been failing for
 *       10 minutes after that restart.
 *   <li>An instance whose new pod cannot be placed because its volume is bound to another node gets
 *       a new copy after {@code spec.recovery.newVolumeAfter}, unless that node is only cordoned.
 *   <li>A new copy that did not help is not followed by another within an hour: a person must look.
 * </ol>
 *
 * <p>Important properties:
 *
 * <ul>
 *   <li>Steps 2 to 5 never touch the instance that holds the leader lock, and wait while no other
 *       instance holds it, is ready, is well and renews it; while a switchover or a change of the
 *       number of instances is under way; and while Patroni is paused.
 *   <li>A volume is given up only if the primary's timeline and WAL position are not behind what
 *       the instance reported last; what is not known counts as behind. Never two volumes at once.
 *   <li>Each step is written into the status before it is taken, with the uids of what it deletes,
 *       and is taken again until they are gone. So it can be repeated, and a restart of the
 *       operator neither forgets nor doubles it.
 *   <li>With synchronous replication nothing more is needed: every acknowledged row is on the
 *       primary, and that one must be there.
 *   <li>Of a cluster that hibernates, and of instances that are to go, nothing is touched.
 * </ul>
 */
public final class Recovery {
  static final Duration BEFORE_RESTART = Duration.ofSeconds(15);
  static final Duration WATCHED = Duration.ofMinutes(10);
  static final Duration AFTER_START = Duration.ofSeconds(45);
  static final Duration BETWEEN_COPIES = Duration.ofHours(1);
  static final Duration OVERDUE = Duration.ofSeconds(30);

  /** A pod that was deleted is back after this time, or nobody waits for it any longer. */
  static final Duration RETURN = Duration.ofMinutes(2);

  /** What keeps a volume for as long is a matter for a person. */
  static final Duration PATIENCE = Duration.ofMinutes(5);

  private static final String CREATING = "creating replica";

  private Recovery() {}

  /** What is done. */
  public sealed interface Step {
    /** The instance that it is done to. */
    String instance();

    /** The uid of the pod that goes. */
    String pod();

    /** What is done and why, for an event. */
    String why();
  }

  /** The pod is deleted, with all the time that it needs to end. */
  public record Restart(String instance, String pod, String why) implements Step {}

  /**
   * Claim and pod are deleted.
   *
   * @param claim the uid
   */
  public record NewCopy(String instance, String pod, String claimName, String claim, String why)
      implements Step {}

  /** The pod is removed without a word from its node. */
  public record ForceDelete(String instance, String pod, String why) implements Step {}

  /**
   * Everything that a decision is made from.
   *
   * @param leaderAlive whether the leader lock is being renewed
   * @param scaling what a change of the number of instances waits for, or null where none is under
   *     way
   * @param nodes those that hold overdue pods, or volumes of pods that cannot be placed
   * @param memory of the last decision
   * @param before the instances as the last status had them
   */
  public record Facts(
      Names names,
      Wanted wanted,
      Observed observed,
      boolean leaderAlive,
      @Nullable String scaling,
      Map<String, NodeState> nodes,
      List<RecoveryStatus> memory,
      List<InstanceStatus> before) {}

  /**
   * What comes of it.
   *
   * @param memory for the next decision; it is written before the step is taken
   * @param lookAgain whether time alone may bring a next step
   */
  public record Decision(List<RecoveryStatus> memory, @Nullable Step step, boolean lookAgain) {
    public static final Decision NONE = new Decision(List.of(), null, false);
  }

  /** The nodes of which {@link Facts#nodes()} should tell. */
  public static List<String> nodesInQuestion(Names names, Observed observed, Instant now) {
    List<String> nodes = new ArrayList<>();
    for (Instance instance : observed.instances()) {
      Optional<Problem> problem = Problem.of(instance, now);
      if (problem.isPresent() && problem.get().kind() == Problem.Kind.LOST) {
        nodes.add(instance.pod().getSpec().getNodeName());
      } else if (problem.isPresent() && problem.get().kind() == Problem.Kind.UNSCHEDULABLE) {
        observed.claim(names, instance.ordinal()).map(Recovery::node).ifPresent(nodes::add);
      }
    }
    return nodes.stream().filter(Objects::nonNull).distinct().toList();
  }

  /** The next step, if there is one. */
  public static Decision next(Facts facts, Instant now) {
    List<Case> cases = new ArrayList<>();
    for (int ordinal = 0; ordinal < facts.wanted().instances(); ordinal++) {
      cases.add(new Case(facts, ordinal, now));
    }
    Step step = forceDelete(facts, now);
    for (Case one : cases) {
      Step cure = one.cure(cases, step == null);
      step = step == null ? cure : step;
    }
    List<RecoveryStatus> memory =
        cases.stream().filter(one -> one.keep).map(Case::toStatus).toList();
    return new Decision(
        memory,
        step,
        !memory.isEmpty() || facts.observed().instances().stream().anyMatch(i -> !i.ready()));
  }

  private static @Nullable Step forceDelete(Facts facts, Instant now) {
    for (Instance instance : facts.observed().instances()) {
      String node = instance.pod().getSpec().getNodeName();
      Instant end = Problem.time(instance.pod().getMetadata().getDeletionTimestamp());
      if (end == null || node == null || now.isBefore(end.plus(OVERDUE))) {
        continue;
      }
      if (isLost(facts, instance, node)) {
        return new ForceDelete(
            instance.name(),
            uid(instance),
            instance.name()
                + ": node "
                + node
                + " does not answer, and the pod should have ended at "
                + end
                + ". It is removed, so that the instance can start elsewhere. Should PostgreSQL"
                + " still run there it accepts no writes: it cannot renew Patroni's lease, without"
                + " which the proxy ends its sessions and Patroni makes it a standby");
      }
    }
    return null;
  }

  /** By the node itself; where that cannot be seen, by the mark of whoever evicted the pod. */
  private static boolean isLost(Facts facts, Instance instance, String node) {
    return switch (facts.nodes().getOrDefault(node, NodeState.UNKNOWN)) {
      case LOST -> true;
      case READY, CORDONED -> false;
      case UNKNOWN -> Problem.evicted(instance);
    };
  }

  private static String uid(Instance instance) {
    return String.valueOf(instance.pod().getMetadata().getUid());
  }

  /** The node that the scheduler chose when the volume was made. */
  private static @Nullable String node(PersistentVolumeClaim claim) {
    return Optional.ofNullable(claim.getMetadata().getAnnotations())
        .map(annotations -> annotations.get("volume.kubernetes.io/selected-node"))
        .orElse(null);
  }

  private static @Nullable String text(@Nullable Instant time) {
    return time == null ? null : time.truncatedTo(ChronoUnit.SECONDS).toString();
  }

  /** One instance, what is remembered of it, and what that makes of it now. */
  private static final class Case {
    private final Facts facts;
    private final Instant now;
    private final int ordinal;
    private final String name;
    private final @Nullable Instance instance;
    private final @Nullable Problem problem;

    private boolean keep = true;
    private boolean person;
    private @Nullable String reason;
    private @Nullable String next;
    private @Nullable Instant namedAt;
    private @Nullable Instant restartedAt;
    private @Nullable Instant newCopyAt;
    private @Nullable Instant wellSince;
    private @Nullable String pod;
    private @Nullable String claim;
    private @Nullable String role;
    private @Nullable Long timeline;
    private @Nullable Long location;

    Case(Facts facts, int ordinal, Instant now) {
      this.facts = facts;
      this.now = now;
      this.ordinal = ordinal;
      this.name = facts.names().pod(ordinal);
      this.instance =
          facts.observed().instances().stream()
              .filter(i -> i.ordinal() == ordinal)
              .findFirst()
              .orElse(null);
      this.problem = instance == null ? null : Problem.of(instance, now).orElse(null);
      Optional<RecoveryStatus> memory =
          facts.memory().stream().filter(m -> m.instance().equals(name)).findFirst();
      memory.ifPresent(this::recall);
      // Readiness is noticed later than that Patroni no longer says how far it is.
      if (instance != null
          && instance.ready()
          && problem == null
          && instance.member().timeline() != null) {
        well();
      } else {
        unwell(memory.isPresent());
      }
    }

    private void recall(RecoveryStatus memory) {
      reason = memory.reason();
      namedAt = Problem.time(memory.namedAt());
      restartedAt = Problem.time(memory.restartedAt());
      newCopyAt = Problem.time(memory.newCopyAt());
      wellSince = Problem.time(memory.wellSince());
      pod = memory.pod();
      claim = memory.claim();
      role = memory.role();
      timeline = memory.timeline();
      location = memory.location();
    }

    private void well() {
      wellSince = wellSince == null ? now : wellSince;
      keep = stepTaken() && wellSince.plus(WATCHED).isAfter(now);
      namedAt = null;
      role = null;
      timeline = null;
      location = null;
      next = "it is well again";
    }

    private void unwell(boolean known) {
      wellSince = null;
      report(known);
      if (problem != null) {
        namedAt = namedAt == null ? now : namedAt;
        reason = problem.reason();
      } else if (!stepTaken()) {
        namedAt = null;
        reason = null;
      }
      keep = problem != null || stepTaken() || timeline != null;
    }

    /**
     * What it holds, for the time when its pod is gone. The position of one that runs changes all
     * the time; it is taken down when the pod goes.
     */
    private void report(boolean known) {
      if (instance != null && instance.member().timeline() != null) {
        role = instance.member().role();
        timeline = instance.member().timeline();
        location =
            instance.terminating() || uid(instance).equals(pod)
                ? instance.member().location()
                : null;
      } else if (!known) {
        facts.before().stream()
            .filter(i -> i.name().equals(name))
            .forEach(
                i -> {
                  role = i.role();
                  timeline = i.timeline();
                });
      }
    }

    private boolean stepTaken() {
      return restartedAt != null || newCopyAt != null;
    }

    private boolean copyWasLast() {
      return newCopyAt != null && (restartedAt == null || !restartedAt.isAfter(newCopyAt));
    }

    private Optional<PersistentVolumeClaim> volume() {
      return facts.observed().claim(facts.names(), ordinal);
    }

    /**
     * The step that is due, or null with what comes next in {@link #next}.
     *
     * @param free whether no other step is taken in this run
     */
    @Nullable Step cure(List<Case> all, boolean free) {
      if (problem == null || instance == null) {
        if (!keep || wellSince != null) {
          return null;
        }
        next = stepTaken() ? "it starts" : null;
        return null;
      }
      return switch (problem.kind()) {
        case LOST -> {
          next =
              "its pod is removed by force if its node "
                  + instance.pod().getSpec().getNodeName()
                  + " does not answer either";
          yield null;
        }
        case FAILING -> failing(all, free);
        case UNSCHEDULABLE -> unschedulable(all, free);
        case STUCK -> stuck(all, free);
      };
    }

    private @Nullable Step stuck(List<Case> all, boolean free) {
      Instance stuck = Objects.requireNonNull(instance);
      if (CREATING.equals(stuck.member().state())) {
        next = "it copies the primary";
        return null;
      }
      if (unfinishedCopy()) {
        return newCopy(all, free);
      }
      if (!stepTaken() || (!copyWasLast() && uid(stuck).equals(pod))) {
        Instant due = Objects.requireNonNull(namedAt).plus(BEFORE_RESTART);
        if (now.isBefore(due)) {
          next = "it is restarted, unless it recovers by itself";
          return null;
        }
        return restart(all, free);
      }
      Optional<Instant> started = Problem.running(stuck, Names.POSTGRES_CONTAINER);
      if (started.isEmpty() || started.get().plus(AFTER_START).isAfter(now)) {
        next = "it gets a new copy, unless it recovers by itself";
        return null;
      }
      return newCopy(all, free);
    }

    private @Nullable Step failing(List<Case> all, boolean free) {
      if (unfinishedCopy()
          || (restartedAt != null && !copyWasLast() && !restartedAt.plus(WATCHED).isAfter(now))) {
        return newCopy(all, free);
      }
      next = "Kubernetes goes on trying";
      return null;
    }

    private @Nullable Step unschedulable(List<Case> all, boolean free) {
      Problem why = Objects.requireNonNull(problem);
      PersistentVolumeClaim volume = volume().orElse(null);
      if (volume == null
          || volume.getStatus() == null
          || !"Bound".equals(volume.getStatus().getPhase())
          || !Problem.tiedByVolume(why)) {
        next = "it waits for a node that can take it";
        return null;
      }
      String node = node(volume);
      if (node != null && facts.nodes().get(node) == NodeState.CORDONED) {
        next =
            "it waits for the end of the maintenance of node "
                + node
                + ", which is cordoned and has its volume";
        return null;
      }
      String where =
          node == null ? "the node with its volume" : "node " + node + " with its volume";
      String after = facts.wanted().newVolumeAfter();
      if (after.equals(Wanted.NEVER)) {
        next = "it waits for " + where + ", since spec.recovery.newVolumeAfter is never";
        return null;
      }
      if (why.since().plus(DurationText.parse(after)).isAfter(now)) {
        next = "it waits for " + where + " for " + after + ", then it gets a new copy elsewhere";
        return null;
      }
      return newCopy(all, free);
    }

    /** Whether the last step was a new copy and the old claim is still there, not given up. */
    private boolean unfinishedCopy() {
      return copyWasLast()
          && volume().map(c -> c.getMetadata().getUid()).filter(u -> u.equals(claim)).isPresent();
    }

    private @Nullable Step restart(List<Case> all, boolean free) {
      Optional<String> waits =
          hold()
              .or(
                  () ->
                      all.stream()
                          .filter(other -> other != this && other.isAway())
                          .map(other -> other.name + " to be back")
                          .findFirst());
      if (waits.isPresent() || !free) {
        next = "its restart waits for " + waits.orElse("another step");
        return null;
      }
      Instance gone = Objects.requireNonNull(instance);
      restartedAt = now;
      pod = uid(gone);
      location = gone.member().location();
      next = "it is restarted";
      return new Restart(
          name,
          uid(gone),
          name + " is stuck: " + reason + ". Its pod is deleted, so that it starts anew");
    }

    private @Nullable Step newCopy(List<Case> all, boolean free) {
      boolean unfinished = unfinishedCopy();
      if (newCopyAt != null && !unfinished && newCopyAt.plus(BETWEEN_COPIES).isAfter(now)) {
        person = true;
        next =
            "a person must look, since the new copy made at "
                + text(newCopyAt)
                + " did not help; the next one is made an hour after that at the earliest";
        return null;
      }
      Optional<String> waits =
          hold()
              .or(
                  () ->
                      all.stream()
                          .filter(other -> other != this && other.isCopied())
                          .map(other -> "the new copy of " + other.name)
                          .findFirst());
      if (waits.isPresent() || !free) {
        next = "a new copy waits for " + waits.orElse("another step");
        return null;
      }
      Instance gone = Objects.requireNonNull(instance);
      Optional<String> treasure = onlyHere(facts.observed().leader(facts.names()).orElseThrow());
      if (treasure.isPresent()) {
        // Of two that report every other second one may well seem to be ahead for a moment.
        person = !Objects.requireNonNull(namedAt).plus(PATIENCE).isAfter(now);
        next =
            (person ? "a person must look, since its volume is kept: " : "its volume is kept: ")
                + treasure.get();
        return null;
      }
      PersistentVolumeClaim volume = volume().orElse(null);
      if (volume == null) {
        next = "it waits for its volume to be made";
        return null;
      }
      newCopyAt = unfinished ? newCopyAt : now;
      pod = uid(gone);
      claim = volume.getMetadata().getUid();
      if (gone.member().timeline() != null) {
        location = gone.member().location();
      }
      next = "it copies the primary";
      return new NewCopy(
          name,
          uid(gone),
          volume.getMetadata().getName(),
          volume.getMetadata().getUid(),
          name
              + ": "
              + reason
              + ". Its volume is given up and it copies the primary, which has all that this"
              + " instance had");
    }

    /** Whether its pod is away after a step, for no longer than that takes. */
    private boolean isAway() {
      Instant step = copyWasLast() ? newCopyAt : restartedAt;
      return step != null
          && step.plus(RETURN).isAfter(now)
          && (instance == null || instance.terminating() || uid(instance).equals(pod));
    }

    /** Whether it is still being copied after its volume was given up. */
    private boolean isCopied() {
      return newCopyAt != null
          && wellSince == null
          && (newCopyAt.plus(WATCHED).isAfter(now)
              || (instance != null && CREATING.equals(instance.member().state())));
    }

    /** What any cure waits for. */
    private Optional<String> hold() {
      Observed observed = facts.observed();
      Names names = facts.names();
      if (observed.paused(names)) {
        return Optional.of("the end of Patroni's pause");
      }
      if (observed.switchoverPending(names)) {
        return Optional.of("the end of a switchover");
      }
      if (facts.scaling() != null) {
        return Optional.of(facts.scaling());
      }
      Instance leader = observed.leader(names).orElse(null);
      if (leader == null) {
        return Optional.of("a primary");
      }
      if (leader.name().equals(name)) {
        return Optional.of("another primary, since it is the primary itself");
      }
      if (!leader.ready()) {
        return Optional.of("the primary " + leader.name() + " to be ready");
      }
      return facts.leaderAlive()
          ? Optional.empty()
          : Optional.of("the primary " + leader.name() + " to renew its lock");
    }

    /** What may be on its volume and nowhere else; empty where the primary has all of it. */
    private Optional<String> onlyHere(Instance leader) {
      Long hereTimeline = timeline;
      Long here = location;
      PatroniMember live = Objects.requireNonNull(instance).member();
      if (live.timeline() != null) {
        hereTimeline = live.timeline();
        here = live.location();
      }
      Long leaderTimeline = leader.member().timeline();
      Long there = leader.member().location();
      if (leaderTimeline == null || there == null) {
        return Optional.of("the primary " + leader.name() + " does not say how far it is");
      }
      if (hereTimeline == null) {
        return Optional.of("it is not known how far it was");
      }
      if (here == null) {
        // A replica on the primary's own timeline has its WAL from that primary.
        return Names.REPLICA.equals(role) && hereTimeline.equals(leaderTimeline)
            ? Optional.empty()
            : Optional.of(
                "it was on timeline "
                    + hereTimeline
                    + ", it is not known how far, and "
                    + leader.name()
                    + " is on "
                    + leaderTimeline);
      }
      return leaderTimeline >= hereTimeline && there >= here
          ? Optional.empty()
          : Optional.of(
              "it was on timeline "
                  + hereTimeline
                  + " at "
                  + lsn(here)
                  + ", ahead of "
                  + leader.name()
                  + " on timeline "
                  + leaderTimeline);
    }

    private RecoveryPhase phase() {
      if (person) {
        return RecoveryPhase.PersonNeeded;
      }
      if (stepTaken()) {
        return copyWasLast() ? RecoveryPhase.NewCopy : RecoveryPhase.Restarted;
      }
      return problem == null ? RecoveryPhase.Watched : RecoveryPhase.Named;
    }

    RecoveryStatus toStatus() {
      return new RecoveryStatus(
          name,
          phase(),
          reason,
          next,
          text(namedAt),
          text(restartedAt),
          text(newCopyAt),
          text(wellSince),
          pod,
          claim,
          role,
          timeline,
          location);
    }
  }

  /** A WAL position as PostgreSQL writes it. */
  static String lsn(long location) {
    return "%X/%X".formatted(location >>> 32, location & 0xFFFFFFFFL);
  }
}
