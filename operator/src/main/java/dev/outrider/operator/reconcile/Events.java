package dev.outrider.operator.reconcile;

import dev.outrider.operator.api.PostgresCluster;
import dev.outrider.operator.api.PostgresClusterStatus;
import dev.outrider.operator.api.PostgresClusterStatus.InstanceStatus;
import dev.outrider.operator.api.PostgresClusterStatus.RecoveryPhase;
import dev.outrider.operator.api.PostgresClusterStatus.RecoveryStatus;
import dev.outrider.operator.api.SwitchoverStatus;
import dev.outrider.operator.model.ServedTls;
import dev.outrider.operator.model.StatusModel;
import io.fabric8.kubernetes.api.model.Condition;
import io.fabric8.kubernetes.api.model.MicroTime;
import io.fabric8.kubernetes.api.model.events.v1.EventBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.time.InstantSource;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Tells a user in events what changed: one for each condition that took on another reason. */
final class Events {
  private static final Logger LOG = LoggerFactory.getLogger(Events.class);
  private static final DateTimeFormatter MICROSECONDS =
      DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss.SSSSSS'Z'").withZone(ZoneOffset.UTC);

  /** Kubernetes allows 1024 characters in a note. */
  private static final int NOTE_LIMIT = 1000;

  /** Reasons that somebody should look at. */
  private static final Set<String> WARNINGS =
      Set.of(
          "InvalidSpec",
          "ForeignObject",
          "ApplyFailed",
          "NoPrimary",
          "InstancesNotReady",
          "SwitchoverRefused",
          "SwitchoverFailed",
          "InstanceTrouble",
          "InstanceRestarted",
          "NewCopy",
          "PodRemoved",
          "PersonNeeded",
          "ProxyConfigurationRefused",
          "ProxyProblem",
          ServedTls.SECRET_MISSING,
          ServedTls.SECRET_UNREADABLE,
          ServedTls.SECRET_UNUSABLE,
          ServedTls.EXPIRED,
          ServedTls.NOT_YET_VALID,
          ServedTls.NO_CERT_MANAGER);

  /** Conditions whose words tell of another thing when they change. */
  private static final Set<String> TOLD_BY_WORDS =
      Set.of(StatusModel.PROGRESSING, StatusModel.TLS_READY);

  private final KubernetesClient client;
  private final InstantSource clock;
  private final String instance;

  Events(KubernetesClient client, InstantSource clock, String instance) {
    this.client = client;
    this.clock = clock;
    this.instance = instance;
  }

  /**
   * Compares a status with the one before it.
   *
   * @param switchoverBefore what was told of last, which the status in the cache may not have yet
   */
  void tell(
      PostgresCluster cluster,
      @Nullable PostgresClusterStatus before,
      PostgresClusterStatus after,
      @Nullable SwitchoverStatus switchoverBefore) {
    tell(cluster, switchoverBefore, after.switchover());
    Map<String, Condition> old = conditions(before);
    conditions(after)
        .forEach(
            (type, condition) -> {
              Condition previous = old.get(type);
              boolean news =
                  previous == null
                      ? condition.getStatus().equals("True")
                          || WARNINGS.contains(condition.getReason())
                      : !Objects.equals(previous.getReason(), condition.getReason())
                          || (WARNINGS.contains(condition.getReason())
                              && TOLD_BY_WORDS.contains(type)
                              && !Objects.equals(previous.getMessage(), condition.getMessage()));
              if (news && !toldByInstance(type, condition)) {
                send(cluster, condition.getReason(), condition.getMessage());
              }
            });
    troubles(cluster, before, after);
    String oldPrimary = before == null ? null : before.primary();
    if (after.primary() != null && !after.primary().equals(oldPrimary)) {
      send(
          cluster,
          "PrimaryChanged",
          oldPrimary == null
              ? after.primary() + " is primary"
              : after.primary() + " is primary, after " + oldPrimary);
    }
  }

  private void tell(
      PostgresCluster cluster, @Nullable SwitchoverStatus before, @Nullable SwitchoverStatus now) {
    if (now == null) {
      return;
    }
    SwitchoverStatus same =
        before != null && before.startedAt().equals(now.startedAt()) ? before : null;
    if (same == null || same.phase() != now.phase() || !Objects.equals(same.from(), now.from())) {
      send(
          cluster,
          "Switchover" + now.phase(),
          now.request() + ": " + Objects.requireNonNullElse(now.reason(), ""));
    }
    if (now.refused() != null && (same == null || !now.refused().equals(same.refused()))) {
      send(cluster, "SwitchoverRefused", now.refused().request() + ": " + now.refused().reason());
    }
  }

  /** What {@link #troubles} tells for each instance. */
  private static boolean toldByInstance(String type, Condition condition) {
    return type.equals(StatusModel.TROUBLE)
        || condition.getReason().equals(StatusModel.INSTANCE_STUCK);
  }

  /** A problem of an instance that had none, and a cure that came to its end. */
  private void troubles(
      PostgresCluster cluster,
      @Nullable PostgresClusterStatus before,
      PostgresClusterStatus after) {
    for (InstanceStatus instance : instances(after)) {
      boolean known =
          instances(before).stream()
              .anyMatch(i -> i.name().equals(instance.name()) && i.problem() != null);
      if (instance.problem() != null && !known) {
        send(
            cluster,
            "InstanceTrouble",
            instance.name()
                + ": "
                + instance.problem().reason()
                + ", since "
                + instance.problem().since());
      }
    }
    for (RecoveryStatus one : recovery(after)) {
      boolean known =
          recovery(before).stream()
              .anyMatch(r -> r.instance().equals(one.instance()) && r.phase() == one.phase());
      if (one.phase() == RecoveryPhase.PersonNeeded && !known) {
        send(cluster, "PersonNeeded", one.instance() + ": " + one.reason() + "; " + one.next());
      }
    }
  }

  private static List<InstanceStatus> instances(@Nullable PostgresClusterStatus status) {
    return status == null || status.instances() == null ? List.of() : status.instances();
  }

  private static List<RecoveryStatus> recovery(@Nullable PostgresClusterStatus status) {
    return status == null || status.recovery() == null ? List.of() : status.recovery();
  }

  private static Map<String, Condition> conditions(@Nullable PostgresClusterStatus status) {
    Map<String, Condition> conditions = new TreeMap<>();
    if (status != null && status.conditions() != null) {
      status.conditions().forEach(condition -> conditions.put(condition.getType(), condition));
    }
    return conditions;
  }

  void send(PostgresCluster cluster, String reason, String note) {
    try {
      client
          .resource(
              new EventBuilder()
                  .withNewMetadata()
                  .withGenerateName(cluster.getMetadata().getName() + "-")
                  .withNamespace(cluster.getMetadata().getNamespace())
                  .endMetadata()
                  .withEventTime(new MicroTime(MICROSECONDS.format(clock.instant())))
                  .withType(WARNINGS.contains(reason) ? "Warning" : "Normal")
                  .withReason(reason)
                  .withAction("Reconcile")
                  .withNote(
                      note.length() <= NOTE_LIMIT ? note : note.substring(0, NOTE_LIMIT) + "…")
                  .withReportingController("outrider.dev/operator")
                  .withReportingInstance(instance)
                  .withNewRegarding()
                  .withApiVersion(cluster.getApiVersion())
                  .withKind(cluster.getKind())
                  .withName(cluster.getMetadata().getName())
                  .withNamespace(cluster.getMetadata().getNamespace())
                  .withUid(cluster.getMetadata().getUid())
                  .endRegarding()
                  .build())
          .create();
    } catch (KubernetesClientException e) {
      // An event is a courtesy: the same is in the status.
      LOG.atWarn()
          .addKeyValue("cluster", cluster.getMetadata().getName())
          .addKeyValue("reason", reason)
          .addKeyValue("problem", Optional.ofNullable(e.getMessage()).orElse(""))
          .log("event not recorded");
    }
  }
}
