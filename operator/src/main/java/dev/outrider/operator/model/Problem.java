package dev.outrider.operator.model;

import io.fabric8.kubernetes.api.model.ContainerStateWaiting;
import io.fabric8.kubernetes.api.model.ContainerStatus;
import io.fabric8.kubernetes.api.model.PodCondition;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.format.DateTimeParseException;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Why an instance is of no use, as far as Patroni and Kubernetes say.
 *
 * @param reason short, and the same for as long as nothing else happens
 * @param since by the clock of whoever said it
 */
public record Problem(Kind kind, String reason, Instant since) {
  /** Who says so, and with that, what can help. */
  public enum Kind {
    /** Patroni: the instance does not follow the primary. */
    STUCK,
    /** The scheduler: the pod fits on no node. */
    UNSCHEDULABLE,
    /** The kubelet: a container does not start, or ends again and again. */
    FAILING,
    /** The pod should have ended and has not: its node does not answer. */
    LOST
  }

  /** A pod that has just been made is unschedulable for a moment, until its volume is bound. */
  private static final Duration BINDING = Duration.ofSeconds(10);

  /** A container that ran for as long is no longer one that ends again and again. */
  private static final Duration SETTLED = Duration.ofSeconds(60);

  private static final int MANY_RESTARTS = 3;

  private static final String CRASH_LOOP = "CrashLoopBackOff";
  private static final Set<String> BEGINNING = Set.of("PodInitializing", "ContainerCreating");
  private static final Set<String> IMAGE =
      Set.of("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull");

  /** What is wrong with an instance; empty where nothing is, or it just starts or ends. */
  public static Optional<Problem> of(Instance instance, Instant now) {
    if (instance.terminating()) {
      Instant end = time(instance.pod().getMetadata().getDeletionTimestamp());
      String node = instance.pod().getSpec().getNodeName();
      return end == null || node == null || !now.isAfter(end)
          ? Optional.empty()
          : Optional.of(
              new Problem(Kind.LOST, "its pod on node " + node + " should have ended", end));
    }
    Optional<PodCondition> unscheduled = unscheduled(instance);
    if (unscheduled.isPresent()) {
      PodCondition condition = unscheduled.get();
      Instant since = orElse(time(condition.getLastTransitionTime()), created(instance), now);
      return since.plus(BINDING).isAfter(now)
          ? Optional.empty()
          : Optional.of(
              new Problem(
                  Kind.UNSCHEDULABLE,
                  "no node takes its pod: "
                      + condition.getReason()
                      + " ("
                      + condition.getMessage()
                      + ")",
                  since));
    }
    Optional<Problem> stuck = stuck(instance, now);
    return stuck.isPresent() && running(instance, Names.POSTGRES_CONTAINER).isPresent()
        ? stuck
        : failing(instance, now).or(() -> stuck);
  }

  private static Optional<Problem> stuck(Instance instance, Instant now) {
    PatroniMember.Stuck stuck = instance.member().stuck();
    return stuck == null
        ? Optional.empty()
        : Optional.of(
            new Problem(
                Kind.STUCK, stuck.reason(), orElse(stuck.since(), unreadySince(instance), now)));
  }

  private static Optional<Problem> failing(Instance instance, Instant now) {
    return containers(instance)
        .flatMap(c -> failing(c, now).stream())
        .findFirst()
        .map(
            reason ->
                new Problem(
                    Kind.FAILING, reason, orElse(unreadySince(instance), created(instance), now)));
  }

  /** Words without counters and times, which would be news at every turn. */
  private static Optional<String> failing(ContainerStatus container, Instant now) {
    String name = "container " + container.getName();
    if (Boolean.TRUE.equals(container.getReady()) || container.getState() == null) {
      return Optional.empty();
    }
    var waiting = container.getState().getWaiting();
    if (waiting == null) {
      Instant started = started(container);
      boolean again =
          started != null
              && started.plus(SETTLED).isAfter(now)
              && container.getRestartCount() != null
              && container.getRestartCount() >= MANY_RESTARTS;
      return again ? Optional.of(endsAgain(name, container)) : Optional.empty();
    }
    if (isBeginning(waiting)) {
      return Optional.empty();
    }
    String reason = String.valueOf(waiting.getReason());
    if (IMAGE.contains(reason)) {
      return Optional.of("image " + container.getImage() + " of " + name + " cannot be pulled");
    }
    return Optional.of(
        reason.equals(CRASH_LOOP)
            ? endsAgain(name, container)
            : name
                + " does not start: "
                + reason
                + Optional.ofNullable(waiting.getMessage()).map(m -> " (" + m + ")").orElse(""));
  }

  /** Whether a container waits for what comes before it, as each one does. */
  static boolean isBeginning(ContainerStateWaiting waiting) {
    return BEGINNING.contains(String.valueOf(waiting.getReason()));
  }

  private static String endsAgain(String name, ContainerStatus container) {
    var last = container.getLastState() == null ? null : container.getLastState().getTerminated();
    return name
        + " ends again and again"
        + (last == null
            ? ""
            : ", last with exit code "
                + last.getExitCode()
                + (last.getReason() == null || last.getReason().equals("Error")
                    ? ""
                    : " (" + last.getReason() + ")"));
  }

  /** What the scheduler says of a pod that it has no node for. */
  static Optional<PodCondition> unscheduled(Instance instance) {
    return conditions(instance)
        .filter(c -> c.getType().equals("PodScheduled") && "False".equals(c.getStatus()))
        .findFirst();
  }

  /** Whether Kubernetes deleted the pod because its node is tainted, as it does to a lost one. */
  static boolean evicted(Instance instance) {
    return conditions(instance)
        .anyMatch(
            c ->
                c.getType().equals("DisruptionTarget")
                    && "True".equals(c.getStatus())
                    && "DeletionByTaintManager".equals(c.getReason()));
  }

  /** When a container that runs was started; empty where it does not run. */
  static Optional<Instant> running(Instance instance, String container) {
    return containers(instance)
        .filter(c -> c.getName().equals(container))
        .flatMap(c -> Optional.ofNullable(started(c)).stream())
        .findFirst();
  }

  /** All containers of a pod; the agents are init containers that keep running. */
  static Stream<ContainerStatus> containers(Instance instance) {
    var status = instance.pod().getStatus();
    return status == null
        ? Stream.empty()
        : Stream.concat(
            status.getInitContainerStatuses().stream(), status.getContainerStatuses().stream());
  }

  private static @Nullable Instant started(ContainerStatus container) {
    return container.getState() == null || container.getState().getRunning() == null
        ? null
        : time(container.getState().getRunning().getStartedAt());
  }

  private static Stream<PodCondition> conditions(Instance instance) {
    var status = instance.pod().getStatus();
    return status == null ? Stream.empty() : status.getConditions().stream();
  }

  private static @Nullable Instant unreadySince(Instance instance) {
    return conditions(instance)
        .filter(c -> c.getType().equals("Ready") && "False".equals(c.getStatus()))
        .map(c -> Optional.ofNullable(time(c.getLastTransitionTime())))
        .findFirst()
        .flatMap(time -> time)
        .orElse(null);
  }

  private static @Nullable Instant created(Instance instance) {
    return time(instance.pod().getMetadata().getCreationTimestamp());
  }

  private static Instant orElse(@Nullable Instant first, @Nullable Instant second, Instant last) {
    return first != null ? first : second != null ? second : last;
  }

  /** A time as Kubernetes and the status write it; null where there is none. */
  static @Nullable Instant time(@Nullable String text) {
    try {
      return text == null ? null : OffsetDateTime.parse(text).toInstant();
    } catch (DateTimeParseException e) {
      return null;
    }
  }

  /** Reasons of the scheduler that say that it is the volume that ties a pod to its node. */
  static boolean tiedByVolume(Problem problem) {
    return List.of("PersistentVolume's node affinity", "volume node affinity conflict").stream()
        .anyMatch(problem.reason()::contains);
  }
}
