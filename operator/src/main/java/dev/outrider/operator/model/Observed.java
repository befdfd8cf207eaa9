package dev.outrider.operator.model;

import io.fabric8.kubernetes.api.model.Endpoints;
import io.fabric8.kubernetes.api.model.PersistentVolumeClaim;
import io.fabric8.kubernetes.api.model.apps.StatefulSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What is there of a cluster now.
 *
 * @param instances by ordinal
 * @param endpoints of Patroni, by name
 */
public record Observed(
    @Nullable StatefulSet statefulSet,
    List<Instance> instances,
    List<PersistentVolumeClaim> claims,
    Map<String, Endpoints> endpoints) {

  private static final Pattern PAUSE = Pattern.compile("\"pause\"\\s*:\\s*true");

  /** The instance that holds the leader lock, if its pod is there. */
  public Optional<Instance> leader(Names names) {
    String leader = annotation(names.scope(), "leader");
    return instances.stream().filter(i -> i.name().equals(leader) && !i.terminating()).findFirst();
  }

  /** How far the WAL of the instance with the leader lock was, as Patroni last wrote it, bytes. */
  public Optional<Long> position(Names names) {
    String optime = annotation(names.scope(), "optime");
    return annotation(names.scope(), "leader") == null
            || optime == null
            || !optime.matches("[0-9]{1,18}")
        ? Optional.empty()
        : Optional.of(Long.parseLong(optime));
  }

  /** PostgreSQL's system identifier, once the cluster has been made. */
  public Optional<String> systemIdentifier(Names names) {
    return Optional.ofNullable(annotation(names.patroniConfig(), "initialize"))
        .filter(id -> !id.isEmpty());
  }

  /** Whether a switchover has been asked for and Patroni has not dealt with it. */
  public boolean switchoverPending(Names names) {
    return annotation(names.patroniFailover(), "leader") != null
        || annotation(names.patroniFailover(), "member") != null;
  }

  /** The switchover that Patroni has been asked for, in words. */
  String switchoverWords(Names names) {
    String from = annotation(names.patroniFailover(), "leader");
    String to = annotation(names.patroniFailover(), "member");
    String at = annotation(names.patroniFailover(), "scheduled_at");
    return (from == null ? "" : "from " + from + " ")
        + "to "
        + (to == null ? "any replica" : to)
        + (at == null ? "" : ", at " + at);
  }

  /** Which of our requests Patroni has or had, by the time of its start. */
  Optional<String> switchoverRequestedAt(Names names) {
    return Optional.ofNullable(annotation(names.patroniFailover(), Switchover.REQUESTED_AT));
  }

  /**
   * The replicas that confirm each commit of the present primary, as Patroni keeps them; none with
   * asynchronous replication.
   */
  public Set<String> synchronous(Names names) {
    String leader = annotation(names.patroniSync(), "leader");
    return leader == null || !leader.equals(annotation(names.scope(), "leader"))
        ? Set.of()
        : synchronousState(names).orElse(Set.of());
  }

  /**
   * The same of the primary that Patroni knew last, which need not be there; nothing where
   * replication is asynchronous.
   */
  Optional<Set<String>> synchronousState(Names names) {
    if (annotation(names.patroniSync(), "leader") == null) {
      return Optional.empty();
    }
    Set<String> standbys = new TreeSet<>();
    for (String name :
        Optional.ofNullable(annotation(names.patroniSync(), "sync_standby"))
            .orElse("")
            .split(",", -1)) {
      if (!name.isBlank()) {
        standbys.add(name.strip());
      }
    }
    return Optional.of(standbys);
  }

  /** When the leader lock was renewed, in Patroni's own words; null where there is no lock. */
  public @Nullable String renewTime(Names names) {
    return annotation(names.scope(), "renewTime");
  }

  /** Whether Patroni is told to leave everything alone (its maintenance mode). */
  public boolean paused(Names names) {
    String config = annotation(names.patroniConfig(), "config");
    return config != null && PAUSE.matcher(config).find();
  }

  /** The claim of an instance's volume, if it is there. */
  public Optional<PersistentVolumeClaim> claim(Names names, int ordinal) {
    return claims.stream()
        .filter(c -> c.getMetadata().getName().equals(names.claim(ordinal)))
        .findFirst();
  }

  private @Nullable String annotation(String object, String annotation) {
    return Optional.ofNullable(endpoints.get(object))
        .map(e -> e.getMetadata().getAnnotations())
        .map(annotations -> annotations.get(annotation))
        .orElse(null);
  }

  /** How many pods the StatefulSet is told to keep; -1 where there is none. */
  public int replicas() {
    return statefulSet == null
        ? -1
        : Optional.ofNullable(statefulSet.getSpec().getReplicas()).orElse(1);
  }
}
