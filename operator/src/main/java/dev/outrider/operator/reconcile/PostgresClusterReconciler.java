package dev.outrider.operator.reconcile;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.outrider.operator.agents.AgentWatch;
import dev.outrider.operator.api.PostgresCluster;
import dev.outrider.operator.api.PostgresClusterSpec;
import dev.outrider.operator.api.PostgresClusterStatus;
import dev.outrider.operator.api.PostgresClusterStatus.RecoveryStatus;
import dev.outrider.operator.api.SwitchoverStatus;
import dev.outrider.operator.model.AgentFacts;
import dev.outrider.operator.model.ClusterObjects;
import dev.outrider.operator.model.Images;
import dev.outrider.operator.model.Instance;
import dev.outrider.operator.model.LastKnown;
import dev.outrider.operator.model.LastLeader;
import dev.outrider.operator.model.LeaderHeartbeat;
import dev.outrider.operator.model.Names;
import dev.outrider.operator.model.Observed;
import dev.outrider.operator.model.Recovery;
import dev.outrider.operator.model.Scaling;
import dev.outrider.operator.model.ServedTls;
import dev.outrider.operator.model.SpecError;
import dev.outrider.operator.model.SpecValidation;
import dev.outrider.operator.model.StatusModel;
import dev.outrider.operator.model.StatusModel.Obstacle;
import dev.outrider.operator.model.Switchover;
import dev.outrider.operator.model.Trust;
import dev.outrider.operator.model.Wanted;
import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.ContainerBuilder;
import io.fabric8.kubernetes.api.model.Endpoints;
import io.fabric8.kubernetes.api.model.EndpointsBuilder;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.OwnerReference;
import io.fabric8.kubernetes.api.model.OwnerReferenceBuilder;
import io.fabric8.kubernetes.api.model.PersistentVolumeClaim;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import io.fabric8.kubernetes.api.model.PodTemplateSpec;
import io.fabric8.kubernetes.api.model.Secret;
import io.fabric8.kubernetes.api.model.Service;
import io.fabric8.kubernetes.api.model.ServiceAccount;
import io.fabric8.kubernetes.api.model.apps.StatefulSet;
import io.fabric8.kubernetes.api.model.policy.v1.PodDisruptionBudget;
import io.fabric8.kubernetes.api.model.rbac.Role;
import io.fabric8.kubernetes.api.model.rbac.RoleBinding;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import io.javaoperatorsdk.operator.api.config.informer.Informer;
import io.javaoperatorsdk.operator.api.config.informer.InformerEventSourceConfiguration;
import io.javaoperatorsdk.operator.api.reconciler.Context;
import io.javaoperatorsdk.operator.api.reconciler.ControllerConfiguration;
import io.javaoperatorsdk.operator.api.reconciler.EventSourceContext;
import io.javaoperatorsdk.operator.api.reconciler.Reconciler;
import io.javaoperatorsdk.operator.api.reconciler.UpdateControl;
import io.javaoperatorsdk.operator.processing.event.ResourceID;
import io.javaoperatorsdk.operator.processing.event.source.EventSource;
import io.javaoperatorsdk.operator.processing.event.source.filter.OnUpdateFilter;
import io.javaoperatorsdk.operator.processing.event.source.inbound.SimpleInboundEventSource;
import io.javaoperatorsdk.operator.processing.event.source.informer.InformerEventSource;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Brings about what a {@link PostgresCluster} says.
 *
 * <p>Each run does everything, and nothing twice: observe, validate, apply what surrounds the pods,
 * take one step of scaling, bring what can change in running pods there, write the status. It never
 * waits, and restarts no pod but one whose instance is stuck or lost (see {@link Recovery}).
 */
@ControllerConfiguration(
    name = "postgrescluster",
    fieldManager = Applier.FIELD_MANAGER,
    // An annotation asks for a switchover; the filter sorts out the rest.
    generationAwareEventProcessing = false,
    informer = @Informer(onUpdateFilter = ClusterRelevance.class),
    // So that a run follows the deletion too: there is no finalizer, and what is kept must go.
    triggerReconcilerOnAllEvents = true)
public final class PostgresClusterReconciler implements Reconciler<PostgresCluster> {
  private static final Logger LOG = LoggerFactory.getLogger(PostgresClusterReconciler.class);
  private static final PatchContext STATUS =
      new PatchContext.Builder()
          .withPatchType(PatchType.SERVER_SIDE_APPLY)
          .withFieldManager(Applier.FIELD_MANAGER)
          .withForce(true)
          .build();
  private static final PatchContext MERGE =
      new PatchContext.Builder()
          .withPatchType(PatchType.JSON_MERGE)
          .withFieldManager(Applier.FIELD_MANAGER)
          .build();

  /** HTTP 409: it exists already, and the cache has not seen it yet. */
  private static final int CONFLICT = 409;

  /** HTTP 404: it is gone, and the cache has not seen it yet. */
  private static final int NOT_FOUND = 404;

  /** Certificates are looked at this often when nothing else happens. */
  private static final Duration REGULAR = Duration.ofHours(1);

  /** While a certificate cannot be had: that cert-manager has been installed is told by nobody. */
  private static final Duration CERTIFICATE_PENDING = Duration.ofMinutes(1);

  /** While a switchover is under way: its end is to be told at once. */
  private static final Duration AT_ONCE = Duration.ofSeconds(1);

  /** While something is under way that no event tells of. */
  private static final Duration SOON = Duration.ofSeconds(5);

  private final KubernetesClient client;
  private final Images images;
  private final String version;
  private final InstantSource clock;
  private final Applier applier;
  private final Trusts trusts;
  private final Certificates certificates;
  private final Events events;
  private final ClusterGauges gauges;
  private final RecoverySteps recoverySteps;
  private final SimpleInboundEventSource<PostgresCluster> news =
      new SimpleInboundEventSource<>("news");
  private final AgentWatch agents;
  private final ObjectMapper json = new ObjectMapper();

  /** By uid of the cluster: whether its leader lock was seen to be renewed. */
  private final Map<String, LeaderHeartbeat> heartbeats = new ConcurrentHashMap<>();

  /** By uid of the cluster: what was last written of its recovery. */
  private final Map<String, List<RecoveryStatus>> memories = new ConcurrentHashMap<>();

  /** What is under way in each cluster's pods. */
  private final Map<Names, Replacements> replacements = new ConcurrentHashMap<>();

  /**
   * By uid of the cluster: what the status says of its switchover. The cache may not have it yet,
   * and what has been asked for must not be asked for again.
   */
  private final Map<String, SwitchoverStatus> switchovers = new ConcurrentHashMap<>();

  /**
   * @param client for all reads and writes
   * @param version of Outrider, shown in status
   * @param instance the name of the operator's pod, shown in events
   */
  public PostgresClusterReconciler(
      KubernetesClient client,
      Images images,
      String version,
      String instance,
      InstantSource clock,
      SecureRandom random,
      ClusterGauges gauges) {
    this.client = client;
    this.images = images;
    this.version = version;
    this.clock = clock;
    this.applier = new Applier(client);
    this.trusts = new Trusts(client, clock, random);
    this.certificates =
        new Certificates(client, applier, clock, random, new NamedObjects(client, this::tell));
    this.events = new Events(client, clock, instance);
    this.gauges = gauges;
    this.recoverySteps = new RecoverySteps(client);
    this.agents = new AgentWatch(AgentWatch.Pace.DEFAULT, clock, this::tell);
  }

  /** What no informer sees has changed. */
  private void tell(Names names) {
    news.propagateEvent(new ResourceID(names.cluster(), names.namespace()));
  }

  @Override
  public List<EventSource<?, PostgresCluster>> prepareEventSources(
      EventSourceContext<PostgresCluster> context) {
    List<EventSource<?, PostgresCluster>> sources = new ArrayList<>();
    sources.add(source(context, ServiceAccount.class, null));
    sources.add(source(context, Role.class, null));
    sources.add(source(context, RoleBinding.class, null));
    sources.add(source(context, Secret.class, null));
    sources.add(source(context, ConfigMap.class, null));
    sources.add(source(context, Service.class, null));
    sources.add(source(context, PersistentVolumeClaim.class, null));
    sources.add(source(context, PodDisruptionBudget.class, null));
    sources.add(source(context, StatefulSet.class, null));
    sources.add(source(context, Endpoints.class, Relevance::ofEndpoints));
    sources.add(source(context, Pod.class, Relevance::ofPod));
    sources.add(news);
    return sources;
  }

  private static <T extends HasMetadata> InformerEventSource<T, PostgresCluster> source(
      EventSourceContext<PostgresCluster> context,
      Class<T> type,
      @Nullable OnUpdateFilter<T> filter) {
    var configuration =
        InformerEventSourceConfiguration.from(type, PostgresCluster.class)
            .withLabelSelector(Names.CLUSTER_LABEL)
            .withNamespacesInheritedFromController()
            .withSecondaryToPrimaryMapper(
                object ->
                    Set.of(
                        new ResourceID(
                            object.getMetadata().getLabels().get(Names.CLUSTER_LABEL),
                            object.getMetadata().getNamespace())));
    if (filter != null) {
      configuration = configuration.withOnUpdateFilter(filter);
    }
    return new InformerEventSource<>(configuration.build(), context);
  }

  @Override
  public UpdateControl<PostgresCluster> reconcile(
      PostgresCluster cluster, Context<PostgresCluster> context) {
    Names names = new Names(cluster.getMetadata().getNamespace(), cluster.getMetadata().getName());
    if (context.isPrimaryResourceDeleted()) {
      farewell(names, cluster.getMetadata().getUid(), context);
      gauges.forget(cluster);
      agents.forget(names);
      certificates.forget(names);
      replacements.remove(names);
      trusts.forget(cluster.getMetadata().getUid());
      switchovers.remove(cluster.getMetadata().getUid());
      heartbeats.remove(cluster.getMetadata().getUid());
      memories.remove(cluster.getMetadata().getUid());
      return UpdateControl.noUpdate(); // Owner references take everything along.
    }
    if (cluster.getMetadata().getDeletionTimestamp() != null) {
      return UpdateControl.noUpdate();
    }
    Observed observed = observe(names, context);

    List<SpecError> errors = SpecValidation.check(cluster.getSpec());
    PostgresClusterSpec inForce =
        errors.isEmpty() ? cluster.getSpec() : lastGood(observed).orElse(null);
    Obstacle obstacle =
        errors.isEmpty()
            ? null
            : new Obstacle(
                "InvalidSpec",
                errors.stream().map(SpecError::toString).collect(Collectors.joining("; ")));
    Wanted wanted = inForce == null ? null : Wanted.of(inForce);
    Outcome outcome =
        new Outcome(
            null,
            null,
            null,
            new Recovery.Decision(memory(cluster), null, false),
            Map.of(),
            null,
            false);
    try {
      if (inForce != null && wanted != null) {
        outcome = bringAbout(cluster, context, names, observed, inForce, wanted);
      }
      Switchover.Decision switchover = switchover(cluster, names, wanted, observed);
      if (switchover.withdraw()) {
        withdrawSwitchover(names);
      }
      writeStatus(cluster, names, wanted, observed, obstacle, outcome, switchover.status());
      // After the status: whoever takes over from this operator knows of it.
      if (switchover.ask() != null) {
        askForSwitchover(names, observed, switchover.ask());
      }
      takeStep(cluster, outcome.recovery(), switchover.status());
      if (switchover.status() != null && switchover.status().underWay()) {
        return UpdateControl.<PostgresCluster>noUpdate().rescheduleAfter(AT_ONCE);
      }
    } catch (KubernetesClientException e) {
      if (namespaceGoes(e)) {
        return UpdateControl.noUpdate();
      }
      throw e;
    }
    return UpdateControl.<PostgresCluster>noUpdate().rescheduleAfter(pause(outcome));
  }

  private static Duration pause(Outcome outcome) {
    if (outcome.again() || outcome.recovery().lookAgain()) {
      return SOON;
    }
    ServedTls served = outcome.served();
    return served == null || served.faults().isEmpty() ? REGULAR : CERTIFICATE_PENDING;
  }

  private Switchover.Decision switchover(
      PostgresCluster cluster, Names names, @Nullable Wanted wanted, Observed observed) {
    PostgresClusterStatus status = cluster.getStatus();
    SwitchoverStatus memory =
        switchovers.getOrDefault(
            cluster.getMetadata().getUid(), status == null ? null : status.switchover());
    Map<String, String> annotations =
        Objects.requireNonNullElse(cluster.getMetadata().getAnnotations(), Map.of());
    return new Switchover(
            names,
            observed,
            wanted == null ? -1 : wanted.instances(),
            wanted != null && wanted.replication().synchronous(),
            clock.instant())
        .next(annotations.get(Switchover.ANNOTATION), memory);
  }

  /**
   * What came of a run.
   *
   * @param obstacle what stood in the way, or null
   * @param waitingFor what scaling waits for, or null
   * @param recovery what is done for instances that are not well
   * @param configHashes by agent: the configuration that it should have in force
   * @param served what clients are shown; null where there is no proxy
   * @param again whether to look again soon
   */
  private record Outcome(
      @Nullable Obstacle obstacle,
      @Nullable String waitingFor,
      @Nullable PodTemplateSpec template,
      Recovery.Decision recovery,
      Map<String, String> configHashes,
      @Nullable ServedTls served,
      boolean again) {}

  private Outcome bringAbout(
      PostgresCluster cluster,
      Context<PostgresCluster> context,
      Names names,
      Observed observed,
      PostgresClusterSpec spec,
      Wanted wanted) {
    OwnerReference owner = owner(cluster);
    Predicate<HasMetadata> ours = object -> isOurs(object, names, owner, observed);
    List<Obstacle> obstacles = new ArrayList<>();
    Map<String, Secret> secrets = byName(context, Secret.class);
    LastKnown lastKnown =
        LastKnown.of(secrets.get(names.keys())).updated(names, observed, clock.instant());
    Recovery.Decision undecided = new Recovery.Decision(memory(cluster), null, true);
    int lastPrimary = lastKnown.primaryOrdinal(names, observed);
    Trust trust;
    try {
      trust = trusts.of(names, owner.getUid(), secrets, ours);
      // The keys come before everything that is made with them.
      apply(context, ClusterObjects.keys(names, owner, trust, observed.claims(), lastKnown), ours);
    } catch (ForeignObjectException e) {
      return new Outcome(obstacle(e), null, null, undecided, Map.of(), null, true);
    }
    ServedTls served = null;
    if (wanted.proxy()) {
      served = certificates.of(names, owner, wanted.tls(), trust.authority(), secrets, ours);
    } else {
      certificates.forget(names);
    }
    boolean requested =
        (wanted.proxy() && wanted.tls().issuer() != null)
            || !certificates.withdraw(names, wanted.tls(), secrets, ours);
    ClusterObjects objects =
        new ClusterObjects(
            names,
            owner,
            wanted.with(Scaling.replication(wanted, names, observed)),
            images,
            trust,
            served,
            requested);
    PodTemplateSpec template = objects.podTemplate();
    Map<String, String> configHashes = objects.agentConfigHashes();
    agents.watch(names, trust, observed.instances(), configHashes);

    for (HasMetadata object : objects.surroundings(lastKnown.systemIdentifier())) {
      attempt(obstacles, () -> apply(context, object, ours));
    }
    ownEndpoints(names, owner, observed, obstacles);
    if (!obstacles.isEmpty()) {
      // Pods that lack something are not made, and what no Secret of ours has is served by nobody.
      Secret tls = secrets.get(names.tls());
      return new Outcome(
          obstacles.getFirst(),
          null,
          template,
          undecided,
          configHashes,
          tls != null && ours.test(tls) ? served : null,
          true);
    }
    if (observed.statefulSet() == null
        && !observed.endpoints().containsKey(names.scope())
        && wanted.replication().synchronous()
        && lastKnown.hasSynchronous(observed)) {
      // Who was not synchronous with the last primary does not take its place.
      attempt(obstacles, () -> createOnce(ClusterObjects.lastSynchronous(names, owner, lastKnown)));
    }
    if (!obstacles.isEmpty()) {
      return new Outcome(
          obstacles.getFirst(), null, template, undecided, configHashes, served, true);
    }
    LastLeader leader = new LastLeader(names, lastPrimary, lastKnown);
    boolean waiting =
        switch (leader.next(observed, wanted.instances(), clock.instant())) {
          case NOTHING -> false;
          case WAIT -> true;
          case MAKE -> {
            attempt(obstacles, () -> makeLastLeader(leader, owner));
            yield true;
          }
          case RENEW -> {
            attempt(obstacles, () -> renewLastLeader(leader, observed));
            yield true;
          }
        };
    Scaling.Step step =
        Scaling.next(
            wanted.instances(), names, observed, lastPrimary, wanted.replication().synchronous());
    attempt(
        obstacles,
        () ->
            apply(
                context,
                objects.statefulSet(step.replicas(), observed.statefulSet(), asJson(spec)),
                ours));
    String heir = step.switchoverTo();
    if (heir != null) {
      String from = observed.leader(names).map(Instance::name).orElseThrow();
      attempt(
          obstacles,
          () ->
              askForSwitchover(
                  names, observed, new Switchover.Ask(from, heir, clock.instant().toString())));
    }
    keepClaims(objects, observed, obstacles);
    boolean unfinished = refreshPods(names, template, observed, obstacles);
    String waitingFor =
        step.waitingFor() == null && waiting ? leader.waitingFor() : step.waitingFor();
    Recovery.Decision recovery = recover(cluster, names, wanted, observed, step, waitingFor);
    return new Outcome(
        obstacles.isEmpty() ? null : obstacles.getFirst(),
        waitingFor,
        template,
        recovery,
        configHashes,
        served,
        !obstacles.isEmpty() || waitingFor != null || unfinished);
  }

  private Recovery.Decision recover(
      PostgresCluster cluster,
      Names names,
      Wanted wanted,
      Observed observed,
      Scaling.Step scaling,
      @Nullable String waitingForScaling) {
    Instant now = clock.instant();
    LeaderHeartbeat heartbeat =
        heartbeats
            .getOrDefault(cluster.getMetadata().getUid(), LeaderHeartbeat.NONE)
            .look(observed.renewTime(names), now);
    heartbeats.put(cluster.getMetadata().getUid(), heartbeat);
    String waitingFor = waitingForScaling;
    SwitchoverStatus switchover = switchovers.get(cluster.getMetadata().getUid());
    if (waitingFor == null && switchover != null && switchover.underWay()) {
      waitingFor = "the end of the switchover";
    }
    return Recovery.next(
        new Recovery.Facts(
            names,
            wanted,
            observed,
            heartbeat.alive(now),
            waitingFor != null
                ? waitingFor
                : scaling.replicas() == observed.replicas()
                    ? null
                    : "the number of instances to be " + wanted.instances(),
            recoverySteps.nodes(Recovery.nodesInQuestion(names, observed, now)),
            memory(cluster),
            Optional.ofNullable(cluster.getStatus())
                .map(PostgresClusterStatus::instances)
                .orElse(List.of())),
        now);
  }

  /** Of this operator if it has one, since the status in the cache may be an older one. */
  private List<RecoveryStatus> memory(PostgresCluster cluster) {
    List<RecoveryStatus> own = memories.get(cluster.getMetadata().getUid());
    return own != null
        ? own
        : Optional.ofNullable(cluster.getStatus())
            .map(PostgresClusterStatus::recovery)
            .orElse(List.of());
  }

  private void takeStep(
      PostgresCluster cluster, Recovery.Decision decision, @Nullable SwitchoverStatus switchover) {
    memories.put(cluster.getMetadata().getUid(), decision.memory());
    Recovery.Step step = decision.step();
    if (switchover != null && switchover.underWay() && !(step instanceof Recovery.ForceDelete)) {
      return; // It began in this very run; the step is taken when it is over.
    }
    if (step != null) {
      recoverySteps.take(step, cluster.getMetadata().getNamespace());
      events.send(
          cluster,
          switch (step) {
            case Recovery.Restart restart -> "InstanceRestarted";
            case Recovery.NewCopy copy -> "NewCopy";
            case Recovery.ForceDelete force -> "PodRemoved";
          },
          step.why());
    }
  }

  /** Brings configuration hash, labels, annotations and the agents' image into running pods. */
  private boolean refreshPods(
      Names names, PodTemplateSpec template, Observed observed, List<Obstacle> obstacles) {
    Replacements replaced = replacements.computeIfAbsent(names, n -> new Replacements());
    Map<String, String> agents = new TreeMap<>();
    template
        .getSpec()
        .getInitContainers()
        .forEach(container -> agents.put(container.getName(), container.getImage()));
    // An instance whose agents are broken and have not got the newest image holds up nobody: it
    // may be that image that mends them.
    replaced.look(observed.instances(), agents.keySet());
    boolean restarting =
        observed.instances().stream()
            .anyMatch(
                i ->
                    !i.terminating()
                        && Replacements.hasImages(i, agents)
                        && !replaced.isUp(i, agents.keySet()));
    boolean unfinished = false;
    for (Instance instance : observed.instances()) {
      if (instance.terminating()) {
        continue;
      }
      Map<String, String> images = new TreeMap<>();
      for (var container : instance.pod().getSpec().getInitContainers()) {
        String wanted = agents.get(container.getName());
        if (wanted == null) {
          // Not wanted any more, but there as long as the pod is: its image stays what it was.
          images.put(container.getName(), container.getImage());
          continue;
        }
        boolean change = !Objects.equals(wanted, container.getImage());
        if (change && restarting) {
          // One instance at a time: the next when the agents of this one are up.
          unfinished = true;
          wanted = container.getImage();
        } else if (change) {
          restarting = true;
          unfinished = true;
          replaced.begin(instance, agents.keySet());
        }
        images.put(container.getName(), wanted);
      }
      attempt(obstacles, () -> refresh(instance.pod(), template, images));
    }
    return unfinished;
  }

  private void refresh(Pod pod, PodTemplateSpec template, Map<String, String> images) {
    Map<String, String> annotations = new TreeMap<>(template.getMetadata().getAnnotations());
    // This one says what the pod was made from.
    annotations.remove(ClusterObjects.TEMPLATE_HASH);
    var desired =
        new PodBuilder()
            .withNewMetadata()
            .withName(pod.getMetadata().getName())
            .withNamespace(pod.getMetadata().getNamespace())
            .withUid(pod.getMetadata().getUid())
            .withLabels(template.getMetadata().getLabels())
            .withAnnotations(annotations)
            .endMetadata()
            .withNewSpec()
            .endSpec()
            .build();
    images.forEach(
        (name, image) ->
            desired
                .getSpec()
                .getInitContainers()
                .add(new ContainerBuilder().withName(name).withImage(image).build()));
    applier.apply(desired, pod, object -> true);
  }

  private void keepClaims(ClusterObjects objects, Observed observed, List<Obstacle> obstacles) {
    for (PersistentVolumeClaim claim : observed.claims()) {
      if (claim.getMetadata().getDeletionTimestamp() == null) {
        attempt(obstacles, () -> applier.apply(objects.kept(claim), claim, object -> true));
      }
    }
  }

  /** Endpoints that Patroni made belong to the cluster too, so that they go when it goes. */
  private void ownEndpoints(
      Names names, OwnerReference owner, Observed observed, List<Obstacle> obstacles) {
    observed
        .endpoints()
        .forEach(
            (name, endpoints) -> {
              if (!name.equals(names.patroniConfig()) && isPatronis(endpoints, names)) {
                attempt(
                    obstacles,
                    () ->
                        applier.apply(
                            new EndpointsBuilder()
                                .withNewMetadata()
                                .withName(name)
                                .withNamespace(names.namespace())
                                // One that is gone meanwhile must not be made by this.
                                .withUid(endpoints.getMetadata().getUid())
                                .withLabels(names.patroniLabels())
                                .withOwnerReferences(owner)
                                .endMetadata()
                                .build(),
                            endpoints,
                            object -> true));
              }
            });
  }

  /**
   * Asks Patroni for a switchover the way its own REST API does: by its failover object. Patroni
   * takes the request out when it has dealt with it.
   */
  private void askForSwitchover(Names names, Observed observed, Switchover.Ask ask) {
    LOG.atInfo()
        .addKeyValue("cluster", names.cluster())
        .addKeyValue("from", ask.from())
        .addKeyValue("to", Objects.requireNonNullElse(ask.to(), "any"))
        .log("switchover requested");
    Map<String, String> request = new TreeMap<>();
    request.put("leader", ask.from());
    if (ask.to() != null) {
      request.put("member", ask.to());
    }
    request.put(Switchover.REQUESTED_AT, ask.requestedAt());
    var object =
        new EndpointsBuilder()
            .withNewMetadata()
            .withName(names.patroniFailover())
            .withNamespace(names.namespace())
            .withLabels(names.patroniLabels())
            .withAnnotations(request)
            .endMetadata()
            .build();
    if (observed.endpoints().containsKey(names.patroniFailover())) {
      client.resource(object).patch(MERGE);
    } else {
      createOnce(object);
    }
  }

  /** Takes a request away that Patroni has not dealt with. */
  private void withdrawSwitchover(Names names) {
    try {
      client
          .endpoints()
          .inNamespace(names.namespace())
          .withName(names.patroniFailover())
          .patch(MERGE, "{\"metadata\":{\"annotations\":{\"leader\":null,\"member\":null}}}");
    } catch (KubernetesClientException e) {
      if (e.getCode() != NOT_FOUND) {
        throw e;
      }
    }
  }

  private void makeLastLeader(LastLeader leader, OwnerReference owner) {
    LOG.atInfo()
        .addKeyValue("cluster", owner.getName())
        .addKeyValue("waitingFor", leader.waitingFor())
        .log("made again on volumes that were left: the last primary goes first");
    createOnce(leader.make(owner, clock.instant()));
  }

  private void createOnce(Endpoints endpoints) {
    try {
      client.resource(endpoints).create();
    } catch (KubernetesClientException e) {
      if (e.getCode() != CONFLICT) {
        throw e;
      }
    }
  }

  private void renewLastLeader(LastLeader leader, Observed observed) {
    try {
      client.resource(leader.renewed(observed, clock.instant())).patch(MERGE);
    } catch (KubernetesClientException e) {
      // Patroni was there first, which is what this waits for.
      if (e.getCode() != CONFLICT) {
        throw e;
      }
    }
  }

  /**
   * The last look at a cluster that is gone. Its volumes that stay are worth nothing without the
   * Secret with the keys, which may not belong to them yet: they may have come after the last run.
   */
  private void farewell(Names names, String uid, Context<PostgresCluster> context) {
    Trust trust = trusts.remembered(names, uid).orElse(null);
    if (trust == null) {
      return;
    }
    try {
      List<PersistentVolumeClaim> staying =
          client
              .persistentVolumeClaims()
              .inNamespace(names.namespace())
              .withLabel(Names.CLUSTER_LABEL, names.cluster())
              .list()
              .getItems()
              .stream()
              .filter(claim -> claim.getMetadata().getDeletionTimestamp() == null)
              .filter(
                  claim ->
                      claim.getMetadata().getOwnerReferences().stream()
                          .noneMatch(o -> o.getUid().equals(uid)))
              .toList();
      if (staying.isEmpty()) {
        return;
      }
      Secret keys = byName(context, Secret.class).get(names.keys());
      LastKnown lastKnown =
          LastKnown.of(keys).latest(names, observe(names, context), clock.instant());
      Secret left = ClusterObjects.keysLeft(names, trust, staying, lastKnown);
      applier.apply(
          left,
          client.resource(left).get(),
          secret ->
              secret.getMetadata().getOwnerReferences().stream()
                  .anyMatch(
                      o ->
                          o.getUid().equals(uid)
                              || staying.stream()
                                  .anyMatch(c -> c.getMetadata().getUid().equals(o.getUid()))));
    } catch (KubernetesClientException | ForeignObjectException e) {
      if (e instanceof KubernetesClientException failed && namespaceGoes(failed)) {
        return;
      }
      LOG.atWarn()
          .addKeyValue("namespace", names.namespace())
          .addKeyValue("cluster", names.cluster())
          .addKeyValue("problem", String.valueOf(e.getMessage()))
          .log("the keys of a cluster that was deleted may not outlive it");
    }
  }

  private void writeStatus(
      PostgresCluster cluster,
      Names names,
      @Nullable Wanted wanted,
      Observed observed,
      @Nullable Obstacle obstacle,
      Outcome outcome,
      @Nullable SwitchoverStatus switchover) {
    PostgresClusterStatus before = cluster.getStatus();
    PostgresClusterStatus after =
        StatusModel.of(
            new StatusModel.Facts(
                cluster.getMetadata().getGeneration(),
                names,
                wanted,
                observed,
                obstacle != null ? obstacle : outcome.obstacle(),
                outcome.waitingFor(),
                switchover,
                outcome.template(),
                images,
                version,
                outcome.recovery().memory(),
                new AgentFacts(outcome.configHashes(), agents.readings(names)),
                outcome.served(),
                before),
            clock.instant());
    gauges.set(cluster, after);
    if (json.valueToTree(after).equals(json.valueToTree(before))) {
      return;
    }
    PostgresCluster patch = new PostgresCluster();
    patch.getMetadata().setName(names.cluster());
    patch.getMetadata().setNamespace(names.namespace());
    patch.setStatus(after);
    client.resource(patch).subresource("status").patch(STATUS);
    SwitchoverStatus told =
        switchover == null ? null : switchovers.put(cluster.getMetadata().getUid(), switchover);
    events.tell(
        cluster, before, after, told != null || before == null ? told : before.switchover());
  }

  private Observed observe(Names names, Context<PostgresCluster> context) {
    return new Observed(
        context.getSecondaryResourcesAsStream(StatefulSet.class).findFirst().orElse(null),
        context
            .getSecondaryResourcesAsStream(Pod.class)
            .map(Instance::of)
            .filter(i -> i.ordinal() >= 0 && i.name().equals(names.pod(i.ordinal())))
            .sorted(Comparator.comparingInt(Instance::ordinal))
            .toList(),
        context
            .getSecondaryResourcesAsStream(PersistentVolumeClaim.class)
            .sorted(Comparator.comparing(claim -> claim.getMetadata().getName()))
            .toList(),
        byName(context, Endpoints.class));
  }

  private static <T extends HasMetadata> Map<String, T> byName(
      Context<PostgresCluster> context, Class<T> type) {
    Map<String, T> found = new HashMap<>();
    context
        .getSecondaryResourcesAsStream(type)
        .forEach(object -> found.put(object.getMetadata().getName(), object));
    return found;
  }

  @SuppressWarnings("unchecked") // The class of an object is the class of what it is looked up by.
  private <T extends HasMetadata> void apply(
      Context<PostgresCluster> context, T desired, Predicate<HasMetadata> ours) {
    String name = desired.getMetadata().getName();
    T cached =
        context
            .getSecondaryResourcesAsStream((Class<T>) desired.getClass())
            .filter(object -> object.getMetadata().getName().equals(name))
            .findFirst()
            .orElse(null);
    applier.apply(desired, cached, ours);
  }

  /** Runs one part of the work; what goes wrong in it does not stop the others. */
  private static void attempt(List<Obstacle> obstacles, Runnable part) {
    try {
      part.run();
    } catch (ForeignObjectException e) {
      obstacles.add(obstacle(e));
    } catch (KubernetesClientException e) {
      if (namespaceGoes(e)) {
        throw e; // Nothing is put back into a namespace that is being deleted.
      }
      obstacles.add(
          new Obstacle(
              "ApplyFailed",
              Optional.ofNullable(e.getStatus())
                  .map(status -> status.getMessage())
                  .orElse(String.valueOf(e.getMessage()))));
    }
  }

  private static boolean namespaceGoes(KubernetesClientException e) {
    return e.getStatus() != null
        && e.getStatus().getDetails() != null
        && e.getStatus().getDetails().getCauses().stream()
            .anyMatch(cause -> "NamespaceTerminating".equals(cause.getReason()));
  }

  private static Obstacle obstacle(ForeignObjectException e) {
    return new Obstacle("ForeignObject", String.valueOf(e.getMessage()));
  }

  /**
   * Whether an existing object belongs to the cluster: by owner reference; or, for the Secret with
   * the keys, by the claims of an earlier cluster of this name, whose volumes are taken up again;
   * or, for Endpoints, by the labels that Patroni gives its own.
   */
  private static boolean isOurs(
      HasMetadata object, Names names, OwnerReference owner, Observed observed) {
    List<OwnerReference> owners = object.getMetadata().getOwnerReferences();
    if (owners.stream().anyMatch(o -> o.getUid().equals(owner.getUid()))) {
      return true;
    }
    if (object instanceof Secret) {
      Set<String> claims =
          observed.claims().stream().map(c -> c.getMetadata().getUid()).collect(Collectors.toSet());
      return owners.stream().anyMatch(o -> claims.contains(o.getUid()));
    }
    return object instanceof Endpoints && isPatronis(object, names);
  }

  private static boolean isPatronis(HasMetadata object, Names names) {
    Map<String, String> labels = object.getMetadata().getLabels();
    return labels != null && labels.entrySet().containsAll(names.patroniLabels().entrySet());
  }

  private Optional<PostgresClusterSpec> lastGood(Observed observed) {
    return Optional.ofNullable(observed.statefulSet())
        .map(set -> set.getMetadata().getAnnotations())
        .map(annotations -> annotations.get(ClusterObjects.APPLIED_SPEC))
        .flatMap(
            text -> {
              try {
                return Optional.of(json.readValue(text, PostgresClusterSpec.class));
              } catch (JsonProcessingException e) {
                LOG.atError()
                    .addKeyValue("problem", e.getOriginalMessage())
                    .log("annotation " + ClusterObjects.APPLIED_SPEC + " cannot be read");
                return Optional.empty();
              }
            });
  }

  private String asJson(PostgresClusterSpec spec) {
    try {
      return json.writeValueAsString(spec);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }

  private static OwnerReference owner(PostgresCluster cluster) {
    return new OwnerReferenceBuilder()
        .withApiVersion(cluster.getApiVersion())
        .withKind(cluster.getKind())
        .withName(cluster.getMetadata().getName())
        .withUid(cluster.getMetadata().getUid())
        .withController(true)
        .withBlockOwnerDeletion(true)
        .build();
  }
}
