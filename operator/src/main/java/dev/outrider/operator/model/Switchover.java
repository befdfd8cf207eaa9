package dev.outrider.operator.model;

import dev.outrider.operator.api.SwitchoverStatus;
import dev.outrider.operator.api.SwitchoverStatus.Phase;
import dev.outrider.operator.api.SwitchoverStatus.RefusedRequest;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * A switchover that a user asks for by the annotation {@link #ANNOTATION}: {@code TARGET} or {@code
 * TARGET@ANYTHING}, where {@code TARGET} is an instance or {@code any}.
 *
 * <p>The algorithm, one step each time it is asked:
 *
 * <ol>
 *   <li>A value that the status does not know is judged. What cannot work is refused with the
 *       reason, and nothing changes. A replica that is too far behind gets {@link #PATIENCE} first:
 *       positions are told every 2 s, so that of a busy cluster looks behind when it is not.
 *   <li>What can work is put into the status, then Patroni is asked. The request carries the time
 *       of its start, so that an operator that was restarted in between asks once more or not at
 *       all.
 *   <li>It is followed until another instance is primary, until Patroni has dropped the request, or
 *       for {@link #LIMIT}; then the request is withdrawn.
 * </ol>
 *
 * <p>Important properties: a value is acted on once, for it stays in the status; one switchover at
 * a time; the annotation, which is the user's, is never touched.
 */
public final class Switchover {
  /** On the {@code PostgresCluster}. */
  public static final String ANNOTATION = "outrider.dev/switchover";

  /** On Patroni's failover object: which of our requests stands or stood there. */
  public static final String REQUESTED_AT = "outrider.dev/requested-at";

  /** How long a replica may take to catch up before a request is refused. */
  static final Duration PATIENCE = Duration.ofSeconds(10);

  /** How long a switchover may take before the request is withdrawn. */
  static final Duration LIMIT = Duration.ofSeconds(60);

  private static final String ANY = "any";
  private static final Pattern REQUEST =
      Pattern.compile("(?<target>[a-z0-9]([-a-z0-9.]*[a-z0-9])?)(@.*)?", Pattern.DOTALL);

  /** More of a value is not kept in the status. */
  private static final int LONGEST = 253;

  private final Names names;
  private final Observed observed;
  private final int wanted;
  private final boolean synchronous;
  private final Instant now;

  /**
   * @param wanted how many instances the spec in force wants; -1 where there never was a good one
   * @param synchronous whether only a synchronous instance may take over
   */
  public Switchover(Names names, Observed observed, int wanted, boolean synchronous, Instant now) {
    this.names = names;
    this.observed = observed;
    this.wanted = wanted;
    this.synchronous = synchronous;
    this.now = now;
  }

  /**
   * What to do.
   *
   * @param status what became of it so far, or null where nothing was ever asked for
   * @param ask what to ask Patroni for, once the status has been written, or null
   * @param withdraw whether to take the request away from Patroni, before the status is written
   */
  public record Decision(@Nullable SwitchoverStatus status, @Nullable Ask ask, boolean withdraw) {}

  /**
   * A request to Patroni.
   *
   * @param to the instance that shall take over, or null for any
   * @param requestedAt tells this request from all others
   */
  public record Ask(String from, @Nullable String to, String requestedAt) {}

  /**
   * The next step.
   *
   * @param annotation its value, or null where it is not set
   * @param memory what the status says so far
   */
  public Decision next(@Nullable String annotation, @Nullable SwitchoverStatus memory) {
    String request =
        annotation == null || annotation.length() <= LONGEST
            ? annotation
            : annotation.substring(0, LONGEST);
    if (memory != null && memory.underWay()) {
      Decision decision = follow(memory);
      SwitchoverStatus status = decision.status();
      return request == null || status == null || !status.underWay() || known(request, status)
          ? decision
          : new Decision(
              withRefused(
                  status,
                  new RefusedRequest(
                      request,
                      "the switchover " + memory.request() + " is under way; ask again after it",
                      time(now))),
              decision.ask(),
              decision.withdraw());
    }
    if (request == null || (memory != null && known(request, memory))) {
      return new Decision(memory, null, false);
    }
    Matcher matcher = REQUEST.matcher(request);
    if (!matcher.matches()) {
      return done(
          new SwitchoverStatus(request, null, null, Phase.Requested, null, time(now), null, null),
          Phase.Refused,
          "\""
              + request
              + "\" is not a request; allowed is the name of an instance, or any, then optionally @"
              + " and anything that makes it new");
    }
    return judge(
        new SwitchoverStatus(
            request, matcher.group("target"), null, Phase.Requested, null, time(now), null, null));
  }

  private static boolean known(String request, SwitchoverStatus memory) {
    return request.equals(memory.request())
        || (memory.refused() != null && request.equals(memory.refused().request()));
  }

  private sealed interface Verdict {}

  private record Go() implements Verdict {}

  /** Not yet. */
  private record Wait(String reason) implements Verdict {}

  private record No(String reason) implements Verdict {}

  private Decision judge(SwitchoverStatus request) {
    Optional<Instance> leader = observed.leader(names);
    return switch (verdict(String.valueOf(request.target()), leader)) {
      case No no -> done(request, Phase.Refused, no.reason());
      case Wait wait ->
          elapsed(request).compareTo(PATIENCE) < 0
              ? new Decision(
                  with(request, null, Phase.Requested, "waiting: " + wait.reason(), null),
                  null,
                  false)
              : done(request, Phase.Refused, wait.reason());
      case Go() -> {
        String from = leader.orElseThrow().name();
        yield new Decision(
            with(
                request,
                from,
                Phase.Requested,
                from
                    + " hands over to "
                    + (ANY.equals(request.target()) ? "any replica" : request.target()),
                null),
            ask(request, from),
            false);
      }
    };
  }

  private Verdict verdict(String target, Optional<Instance> leader) {
    if (wanted < 0) {
      return new No("nothing has been made of this spec yet");
    }
    if (wanted == 0) {
      return new No("the cluster is hibernated (instances: 0)");
    }
    if (observed.replicas() != wanted || observed.instances().size() > wanted) {
      return new No(
          "instances are being added or removed: "
              + observed.instances().size()
              + " are there and "
              + wanted
              + " are wanted; ask again when that is done");
    }
    if (wanted == 1) {
      return new No("there is only one instance, so none could take over");
    }
    if (leader.isEmpty()) {
      return new No("no instance is primary at present, so none can hand over");
    }
    if (observed.switchoverPending(names)) {
      return new No(
          "another switchover is under way: "
              + observed.switchoverWords(names)
              + "; ask again after it");
    }
    Instance primary = leader.get();
    List<Instance> others =
        observed.instances().stream().filter(i -> !i.name().equals(primary.name())).toList();
    if (target.equals(primary.name())) {
      return new No(target + " is primary already");
    }
    if (!target.equals(ANY)) {
      return others.stream()
          .filter(i -> i.name().equals(target))
          .findFirst()
          .map(i -> verdict(i, primary))
          .orElseGet(
              () ->
                  new No(
                      target
                          + " is not an instance of this cluster; allowed are "
                          + others.stream().map(Instance::name).collect(Collectors.joining(", "))
                          + " and any"));
    }
    List<String> reasons = new ArrayList<>();
    boolean wait = false;
    for (Instance other : others) {
      switch (verdict(other, primary)) {
        case Go go -> {
          return go;
        }
        case Wait(String reason) -> {
          wait = true;
          reasons.add(reason);
        }
        case No(String reason) -> reasons.add(reason);
      }
    }
    String all = "no replica can take over: " + String.join("; ", reasons);
    return wait ? new Wait(all) : new No(all);
  }

  private Verdict verdict(Instance heir, Instance primary) {
    String name = heir.name();
    PatroniMember member = heir.member();
    if (heir.terminating()) {
      return new No(name + " is being deleted");
    }
    if (!"streaming".equals(member.replication())) {
      return new No(
          name
              + " does not stream from the primary"
              + (member.state() == null
                  ? ""
                  : ": it is "
                      + (member.replication() == null ? member.state() : member.replication())));
    }
    Set<String> confirming = observed.synchronous(names);
    if (synchronous && !confirming.contains(name)) {
      return new No(
          name
              + " is not synchronous, so it may lack acknowledged rows; synchronous at present: "
              + (confirming.isEmpty() ? "none" : String.join(", ", confirming)));
    }
    Long lag = primary.member().ahead(member);
    if (lag == null) {
      return new Wait("it is not known how far " + name + " is behind " + primary.name());
    }
    if (lag > PatroniConfiguration.MAXIMUM_LAG) {
      return new Wait(
          name
              + " is "
              + size(lag)
              + " of WAL behind "
              + primary.name()
              + "; allowed is "
              + size(PatroniConfiguration.MAXIMUM_LAG)
              + " or less");
    }
    return heir.ready() ? new Go() : new No(name + " is not ready");
  }

  private Decision follow(SwitchoverStatus memory) {
    String from = memory.from();
    if (from == null) {
      return judge(memory);
    }
    boolean late = elapsed(memory).compareTo(LIMIT) >= 0;
    Optional<Instance> leader = observed.leader(names);
    if (leader.isPresent() && !leader.get().name().equals(from)) {
      String primary = leader.get().name();
      if (!ANY.equals(memory.target()) && !primary.equals(memory.target())) {
        return done(memory, Phase.Failed, primary + " is primary now, and not " + memory.target());
      }
      if (Names.PRIMARY.equals(leader.get().member().role())) {
        return done(
            memory,
            Phase.Completed,
            primary + " is primary, after " + from + "; it took " + seconds(elapsed(memory)));
      }
    }
    boolean asked = observed.switchoverRequestedAt(names).equals(Optional.of(memory.startedAt()));
    if (late) {
      Decision failed =
          done(
              memory,
              Phase.Failed,
              "not done within "
                  + LIMIT.toSeconds()
                  + " s; the request was withdrawn, the log of "
                  + from
                  + " says more");
      return new Decision(failed.status(), null, asked && observed.switchoverPending(names));
    }
    boolean unchanged = leader.filter(l -> l.name().equals(from)).isPresent();
    if (!asked) {
      // The operator ended before it asked.
      return new Decision(
          memory,
          unchanged && !observed.switchoverPending(names) ? ask(memory, from) : null,
          false);
    }
    if (unchanged && !observed.switchoverPending(names)) {
      return done(
          memory,
          Phase.Failed,
          "Patroni dropped the request and "
              + from
              + " is still primary; the log of "
              + from
              + " says why");
    }
    return new Decision(memory, null, false);
  }

  private static Ask ask(SwitchoverStatus request, String from) {
    return new Ask(
        from, ANY.equals(request.target()) ? null : request.target(), request.startedAt());
  }

  private Decision done(SwitchoverStatus request, Phase phase, String reason) {
    return new Decision(with(request, request.from(), phase, reason, time(now)), null, false);
  }

  private static SwitchoverStatus with(
      SwitchoverStatus s,
      @Nullable String from,
      Phase phase,
      String reason,
      @Nullable String finishedAt) {
    return new SwitchoverStatus(
        s.request(), s.target(), from, phase, reason, s.startedAt(), finishedAt, s.refused());
  }

  private static SwitchoverStatus withRefused(SwitchoverStatus s, RefusedRequest refused) {
    return new SwitchoverStatus(
        s.request(),
        s.target(),
        s.from(),
        s.phase(),
        s.reason(),
        s.startedAt(),
        s.finishedAt(),
        refused);
  }

  private Duration elapsed(SwitchoverStatus request) {
    return Duration.between(Instant.parse(request.startedAt()), now);
  }

  private static String time(Instant instant) {
    return instant.truncatedTo(ChronoUnit.MILLIS).toString();
  }

  private static String seconds(Duration duration) {
    return String.format(Locale.ROOT, "%.1f s", duration.toMillis() / 1000.0);
  }

  private static String size(long bytes) {
    return bytes >= 10 * Bytes.MIB || bytes % Bytes.MIB == 0
        ? bytes / Bytes.MIB + " MiB"
        : String.format(Locale.ROOT, "%.1f MiB", (double) bytes / Bytes.MIB);
  }
}
