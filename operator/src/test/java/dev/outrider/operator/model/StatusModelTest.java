package dev.outrider.operator.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.outrider.operator.api.PostgresClusterStatus;
import dev.outrider.operator.api.PostgresClusterStatus.AgentState;
import dev.outrider.operator.api.PostgresClusterStatus.InstanceProblem;
import dev.outrider.operator.api.PostgresClusterStatus.InstanceStatus;
import dev.outrider.operator.api.PostgresClusterStatus.RecoveryPhase;
import dev.outrider.operator.api.PostgresClusterStatus.RecoveryStatus;
import dev.outrider.operator.api.TlsSpec;
import io.fabric8.kubernetes.api.model.Condition;
import io.fabric8.kubernetes.api.model.Endpoints;
import io.fabric8.kubernetes.api.model.PodTemplateSpec;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class StatusModelTest {
  private static final Instant NOON = Instant.parse("2026-11-21T12:00:00.123Z");
  private static final Instant LATER = NOON.plusSeconds(3600);
  private static final PodTemplateSpec TEMPLATE =
      Example.objects(Example.valid("minimal")).podTemplate();

  /** The agents of a pod whose containers do not run. */
  private static final List<AgentState> SILENT =
      List.of(new AgentState("proxy", "not running", null, null, null));

  /** Facts of a cluster of three with nothing in the way. */
  private static StatusModel.Facts facts(Observed observed) {
    return facts(3, observed, null);
  }

  private static StatusModel.Facts facts(
      int instances, Observed observed, @Nullable PostgresClusterStatus previous) {
    return new StatusModel.Facts(
        7,
        Example.NAMES,
        Example.wanted("instances: " + instances),
        observed,
        null,
        null,
        null,
        TEMPLATE,
        Example.IMAGES,
        "0.1.0",
        List.of(),
        AgentFacts.NONE,
        Example.SERVED,
        previous);
  }

  private static StatusModel.Facts with(StatusModel.Facts f, StatusModel.@Nullable Obstacle o) {
    return new StatusModel.Facts(
        f.generation(),
        f.names(),
        f.wanted(),
        f.observed(),
        o,
        f.waitingFor(),
        null,
        f.template(),
        f.images(),
        f.outriderVersion(),
        f.recovery(),
        f.agents(),
        f.served(),
        f.previous());
  }

  private static StatusModel.Facts waiting(StatusModel.Facts f, String waitingFor) {
    return new StatusModel.Facts(
        f.generation(),
        f.names(),
        f.wanted(),
        f.observed(),
        f.obstacle(),
        waitingFor,
        null,
        f.template(),
        f.images(),
        f.outriderVersion(),
        f.recovery(),
        f.agents(),
        f.served(),
        f.previous());
  }

  private static Instance primary(int ordinal) {
    return new ExamplePod(ordinal).primary(64 * Bytes.MIB).instance();
  }

  private static Instance replica(int ordinal) {
    return new ExamplePod(ordinal).replica(64 * Bytes.MIB).instance();
  }

  private static Observed healthy() {
    return Example.observed("shop-0", primary(0), replica(1), replica(2));
  }

  /** A status in which the cluster has been healthy, as it was left at noon. */
  private static PostgresClusterStatus wasHealthy() {
    return StatusModel.of(facts(healthy()), NOON);
  }

  private static String condition(PostgresClusterStatus status, String type) {
    Condition condition = find(status, type);
    return condition.getStatus() + " " + condition.getReason() + ": " + condition.getMessage();
  }

  private static Condition find(PostgresClusterStatus status, String type) {
    assertNotNull(status.conditions());
    return status.conditions().stream()
        .filter(c -> c.getType().equals(type))
        .findFirst()
        .orElseThrow();
  }

  private static InstanceStatus instance(PostgresClusterStatus status, int index) {
    assertNotNull(status.instances());
    return status.instances().get(index);
  }

  @Test
  void ofAClusterThatIsBeingMade() {
    // When
    PostgresClusterStatus status = StatusModel.of(facts(Example.observed(-1, null)), NOON);

    // Then
    assertEquals("Starting", status.summary());
    assertEquals("False Starting: no pod is there yet", condition(status, "Ready"));
    assertEquals("True Scaling: 0 of 3 pods are there", condition(status, "Progressing"));
    assertEquals("0/3", status.ready());
    assertNull(status.primary());
  }

  @Test
  void ofAClusterWhoseReplicasAreStillCopied() {
    // Given
    Instance copying =
        new ExamplePod(1)
            .running()
            .patroni("{\"state\":\"creating replica\",\"role\":\"replica\"}")
            .instance();

    // When
    PostgresClusterStatus status =
        StatusModel.of(facts(2, Example.observed("shop-0", primary(0), copying), null), NOON);

    // Then
    assertEquals("Starting", status.summary());
    assertEquals(
        "False Starting: shop-0 is primary; 1 of 2 instances are ready; shop-1: PostgreSQL is"
            + " creating replica",
        condition(status, "Ready"));
    assertEquals("shop-0", status.primary());
    assertEquals("creating replica", instance(status, 1).state());
  }

  @Test
  void ofAHealthyCluster() {
    // When
    PostgresClusterStatus status = wasHealthy();

    // Then
    assertEquals("Healthy", status.summary());
    assertEquals("shop-0 is primary; 3 of 3 instances are ready", status.message());
    assertEquals(
        "True Healthy: shop-0 is primary; 3 of 3 instances are ready", condition(status, "Ready"));
    assertEquals("False Settled: everything is as the spec says", condition(status, "Progressing"));
    assertEquals(
        "False NothingPending: nothing waits for a restart", condition(status, "RestartPending"));
    assertEquals("3/3", status.ready());
    assertEquals(3, status.replicas());
    assertEquals(7L, status.observedGeneration());
    assertEquals("shop-0", status.primary());
    assertEquals(new PostgresClusterStatus.Versions("0.1.0", "18", "4.1.5"), status.versions());
    assertEquals(
        new InstanceStatus(
            "shop-0", "primary", "running", true, "node1", 1L, null, null, null, null, null,
            SILENT),
        instance(status, 0));
    assertEquals(
        new InstanceStatus(
            "shop-1",
            "replica",
            "streaming",
            true,
            "node1",
            1L,
            0L,
            null,
            null,
            null,
            null,
            SILENT),
        instance(status, 1));
    assertNotNull(status.resolved());
    assertEquals("registry/postgres:18", status.resolved().postgresImage());
    assertEquals("registry/agents:1", status.resolved().agentsImage());
  }

  @Test
  void ofAClusterThatLostAReplica() {
    // Given
    Instance down =
        new ExamplePod(2)
            .running()
            .patroni("{\"state\":\"stopped\",\"role\":\"replica\"}")
            .instance();

    // When
    PostgresClusterStatus status =
        StatusModel.of(
            facts(3, Example.observed("shop-0", primary(0), replica(1), down), wasHealthy()),
            LATER);

    // Then
    assertEquals("InstancesNotReady", status.summary());
    assertEquals(
        "False InstancesNotReady: shop-0 is primary; 2 of 3 instances are ready; shop-2: PostgreSQL"
            + " is stopped",
        condition(status, "Ready"));
    assertEquals("2/3", status.ready());
  }

  @Test
  void ofAClusterWithoutAPrimary() {
    // When
    PostgresClusterStatus status =
        StatusModel.of(
            facts(3, Example.observed(null, replica(0), replica(1), replica(2)), wasHealthy()),
            LATER);

    // Then
    assertEquals("NoPrimary", status.summary());
    assertTrue(condition(status, "Ready").startsWith("False NoPrimary: no primary accepts"));
    assertNull(status.primary());
    assertNull(instance(status, 1).lagBytes());
  }

  @Test
  void aPrimaryThatIsNotReadyIsNone() {
    // Given
    Instance busy = new ExamplePod(0).primary(1).running().instance();

    // When
    PostgresClusterStatus status =
        StatusModel.of(
            facts(3, Example.observed("shop-0", busy, replica(1), replica(2)), wasHealthy()),
            LATER);

    // Then
    assertEquals("NoPrimary", status.summary());
    assertEquals("no primary accepts connections; shop-0: PostgreSQL is running", status.message());
    assertEquals("shop-0", status.primary(), "it still holds the lock");
  }

  @Test
  void aLockOfAPodThatGoesIsNoPrimary() {
    // Given
    Instance going = new ExamplePod(0).primary(1).deleted().instance();

    // When
    PostgresClusterStatus status =
        StatusModel.of(
            facts(3, Example.observed("shop-0", going, replica(1), replica(2)), wasHealthy()),
            LATER);

    // Then
    assertNull(status.primary());
    assertEquals("no primary accepts connections; shop-0: being deleted", status.message());
    assertEquals("2/3", status.ready());
  }

  @Test
  void ofAHibernatedCluster() {
    // When
    PostgresClusterStatus status =
        StatusModel.of(facts(0, Example.observed(0, null), wasHealthy()), LATER);

    // Then
    assertEquals("Hibernated", status.summary());
    assertEquals(
        "False Hibernated: no instance is wanted; the data is kept on its volumes",
        condition(status, "Ready"));
    assertEquals("False Settled: everything is as the spec says", condition(status, "Progressing"));
    assertEquals("0/0", status.ready());
  }

  @Test
  void aClusterThatWakesUpIsStartingAndNotBroken() {
    // Given
    PostgresClusterStatus asleep =
        StatusModel.of(facts(0, Example.observed(0, null), wasHealthy()), LATER);

    // When
    PostgresClusterStatus status =
        StatusModel.of(facts(3, Example.observed(1, null), asleep), LATER.plusSeconds(1));

    // Then
    assertEquals("Starting", status.summary());
  }

  @Test
  void ofABadSpecWhoseClusterRunsOn() {
    // When
    PostgresClusterStatus status =
        StatusModel.of(
            with(
                facts(3, healthy(), wasHealthy()),
                new StatusModel.Obstacle(
                    "InvalidSpec",
                    "spec.postgres.parameters.x: is not a parameter of PostgreSQL 18")),
            LATER);

    // Then
    assertEquals("InvalidSpec", status.summary());
    assertEquals(
        "spec.postgres.parameters.x: is not a parameter of PostgreSQL 18", status.message());
    assertEquals(
        "True Healthy: shop-0 is primary; 3 of 3 instances are ready", condition(status, "Ready"));
    assertTrue(condition(status, "Progressing").startsWith("False InvalidSpec: "));
    assertEquals("3/3", status.ready());
  }

  @Test
  void theCertificateInForceIsShown() {
    // When
    PostgresClusterStatus status = StatusModel.of(facts(healthy()), NOON);

    // Then
    assertEquals(
        "True CertificateInForce: in force is a certificate of the cluster's own authority, valid"
            + " until 2027-02-19T12:00:00Z",
        condition(status, "TLSReady"));
    assertEquals(
        new PostgresClusterStatus.CertificateStatus(
            "operator", "2027-02-19T12:00:00Z", List.of("shop-rw.demo.svc")),
        status.certificate());
    assertNotNull(status.resolved());
    assertEquals(
        new TlsSpec(TlsSpec.Mode.ALLOW, null, null, null, TlsSpec.ClientCertificates.NONE, null),
        status.resolved().tls());
  }

  @Test
  void whatIsWrongWithACertificateIsToldAndTheStoryGoesOn() {
    // Given
    StatusModel.Facts facts =
        with(
            facts(healthy()),
            new ServedTls(
                Example.SERVED.certificate(),
                "Secret shop-public",
                null,
                List.of(
                    new ServedTls.Fault("SecretMissing", "there is no Secret x"),
                    new ServedTls.Fault("SecretUnusable", "Secret y: wrong"))));

    // When
    PostgresClusterStatus status = StatusModel.of(facts, NOON);

    // Then
    assertEquals(
        "False SecretMissing: there is no Secret x; Secret y: wrong; in force is the certificate of"
            + " Secret shop-public, for shop-rw.demo.svc, valid until 2027-02-19T12:00:00Z",
        condition(status, "TLSReady"));
    assertEquals("Healthy", status.summary());
  }

  @ParameterizedTest
  @ValueSource(strings = {"{enabled: false}", "{tls: {mode: disable}}"})
  void withoutTlsNothingIsSaidOfIt(String proxy) {
    // Given
    StatusModel.Facts f = facts(healthy());
    StatusModel.Facts facts =
        new StatusModel.Facts(
            f.generation(),
            f.names(),
            Example.wanted("proxy: " + proxy),
            f.observed(),
            null,
            null,
            null,
            f.template(),
            f.images(),
            f.outriderVersion(),
            f.recovery(),
            f.agents(),
            f.served(),
            null);

    // When
    PostgresClusterStatus status = StatusModel.of(facts, NOON);

    // Then
    assertNotNull(status.conditions());
    assertTrue(status.conditions().stream().noneMatch(c -> c.getType().equals("TLSReady")));
    assertNull(status.certificate());
  }

  private static StatusModel.Facts with(StatusModel.Facts f, ServedTls served) {
    return new StatusModel.Facts(
        f.generation(),
        f.names(),
        f.wanted(),
        f.observed(),
        f.obstacle(),
        f.waitingFor(),
        f.switchover(),
        f.template(),
        f.images(),
        f.outriderVersion(),
        f.recovery(),
        f.agents(),
        served,
        f.previous());
  }

  @Test
  void ofASpecThatWasNeverGood() {
    // Given
    StatusModel.Facts facts =
        new StatusModel.Facts(
            1,
            Example.NAMES,
            null,
            Example.observed(-1, null),
            new StatusModel.Obstacle("InvalidSpec", "spec.x: wrong"),
            null,
            null,
            null,
            Example.IMAGES,
            "0.1.0",
            List.of(),
            AgentFacts.NONE,
            null,
            null);

    // When
    PostgresClusterStatus status = StatusModel.of(facts, NOON);

    // Then
    assertEquals("InvalidSpec", status.summary());
    assertEquals(
        "False NotCreated: nothing has been made of this spec yet", condition(status, "Ready"));
    assertNull(status.resolved());
  }

  @Test
  void ofAForeignObjectInTheWay() {
    // When
    PostgresClusterStatus status =
        StatusModel.of(
            with(
                facts(Example.observed(-1, null)),
                new StatusModel.Obstacle("ForeignObject", "Service shop-rw exists")),
            NOON);

    // Then
    assertEquals("ForeignObject", status.summary());
    assertEquals("Service shop-rw exists", status.message());
    assertEquals("False ForeignObject: Service shop-rw exists", condition(status, "Progressing"));
  }

  @Test
  void ofScalingThatWaits() {
    // When
    PostgresClusterStatus status =
        StatusModel.of(
            waiting(facts(1, healthy(), wasHealthy()), "shop-0 to take over from shop-2"), LATER);

    // Then
    assertEquals("Scaling", status.summary());
    assertEquals("waiting for shop-0 to take over from shop-2", status.message());
    assertEquals(
        "True Healthy: shop-0 is primary; 3 of 1 instances are ready", condition(status, "Ready"));
  }

  @Test
  void tellsOfAPodThatFitsOnNoNode() {
    // Given
    Instance homeless =
        new ExamplePod(2)
            .condition(
                "PodScheduled",
                "False",
                "Unschedulable",
                "0/2 nodes are available: 2 Insufficient memory.")
            .instance();

    // When
    PostgresClusterStatus status =
        StatusModel.of(facts(Example.observed("shop-0", primary(0), replica(1), homeless)), NOON);

    // Then
    assertEquals(
        "shop-0 is primary; 2 of 3 instances are ready; shop-2: Unschedulable (0/2 nodes are"
            + " available: 2 Insufficient memory.)",
        status.message());
  }

  @Test
  void tellsOfAnInstanceThatIsStuck() {
    // Given
    Instance stuck =
        new ExamplePod(2)
            .stuck(1, 1, NOON.minusSeconds(30), "replay stands still at 0/4000000")
            .ready()
            .instance();

    // When
    PostgresClusterStatus status =
        StatusModel.of(
            recovering(
                facts(3, Example.observed("shop-0", primary(0), replica(1), stuck), wasHealthy()),
                RecoveryPhase.Named,
                "it is restarted, unless it recovers by itself"),
            NOON);

    // Then
    assertEquals("InstanceStuck", status.summary());
    assertEquals("2/3", status.ready());
    assertEquals(
        "shop-0 is primary; 2 of 3 instances are ready; shop-2: replay stands still at 0/4000000,"
            + " since 2026-11-21T11:59:30Z",
        status.message());
    assertEquals(
        "True InstanceTrouble: shop-2: replay stands still at 0/4000000, since"
            + " 2026-11-21T11:59:30Z; it is restarted, unless it recovers by itself",
        condition(status, "Trouble"));
    assertEquals(
        new InstanceProblem("replay stands still at 0/4000000", "2026-11-21T11:59:30Z"),
        instance(status, 2).problem());
    assertEquals(
        "False NoTrouble: every instance is well or on its way",
        condition(wasHealthy(), "Trouble"));
  }

  @ParameterizedTest
  @CsvSource({
    "Watched, False NoTrouble: every instance is well or on its way",
    "Restarted, True InstanceRestarted: shop-2: it was the trouble that no WAL receiver; it starts",
    "NewCopy, True NewCopy: shop-2: it was the trouble that no WAL receiver; it starts",
  })
  void tellsOfACureUntilItsEnd(RecoveryPhase phase, String words) {
    // When
    PostgresClusterStatus status =
        StatusModel.of(
            recovering(
                facts(
                    3,
                    Example.observed(
                        "shop-0", primary(0), replica(1), new ExamplePod(2).running().instance()),
                    wasHealthy()),
                phase,
                "it starts"),
            NOON);

    // Then
    assertEquals(words, condition(status, "Trouble"));
  }

  @Test
  void tellsThatAPersonMustLook() {
    // Given
    Instance stuck = new ExamplePod(2).stuck(1, 1, NOON, "no WAL receiver").instance();

    // When
    PostgresClusterStatus status =
        StatusModel.of(
            recovering(
                facts(3, Example.observed("shop-0", primary(0), replica(1), stuck), wasHealthy()),
                RecoveryPhase.PersonNeeded,
                "a person must look"),
            NOON);

    // Then
    assertEquals(
        "True PersonNeeded: shop-2: no WAL receiver, since 2026-11-21T12:00:00Z; a person must look",
        condition(status, "Trouble"));
  }

  private static StatusModel.Facts recovering(
      StatusModel.Facts f, RecoveryPhase phase, String next) {
    return new StatusModel.Facts(
        f.generation(),
        f.names(),
        f.wanted(),
        f.observed(),
        f.obstacle(),
        f.waitingFor(),
        f.switchover(),
        f.template(),
        f.images(),
        f.outriderVersion(),
        List.of(
            new RecoveryStatus(
                "shop-2",
                phase,
                "no WAL receiver",
                next,
                null,
                null,
                null,
                null,
                null,
                null,
                null,
                null,
                null)),
        f.agents(),
        f.served(),
        f.previous());
  }

  @Test
  void tellsOfAnImageThatCannotBePulled() {
    // Given
    Instance stuck =
        new ExamplePod(2)
            .running()
            .waiting("postgres", "ImagePullBackOff", "Back-off pulling image \"x\"")
            .instance();

    // When
    PostgresClusterStatus status =
        StatusModel.of(facts(Example.observed("shop-0", primary(0), replica(1), stuck)), NOON);

    // Then
    assertEquals(
        "shop-0 is primary; 2 of 3 instances are ready; shop-2: container postgres waits:"
            + " ImagePullBackOff (Back-off pulling image \"x\")",
        status.message());
  }

  @Test
  void aContainerThatIsJustBeingMadeIsNoNews() {
    // Given
    Instance starting = new ExamplePod(2).waiting("postgres", "PodInitializing", "").instance();

    // When
    PostgresClusterStatus status =
        StatusModel.of(facts(Example.observed("shop-0", primary(0), replica(1), starting)), NOON);

    // Then
    assertEquals(
        "shop-0 is primary; 2 of 3 instances are ready; shop-2: pod is pending", status.message());
  }

  @Test
  void aPodWithoutAStatusIsPending() {
    // Given: as the API server shows it in its very first moment
    var pod = new ExamplePod(0).pod();
    pod.setStatus(null);

    // When
    PostgresClusterStatus status =
        StatusModel.of(facts(1, Example.observed(null, Instance.of(pod)), null), NOON);

    // Then
    assertEquals("shop-0: pod is pending", status.message());
  }

  @Test
  void parametersThatWaitForARestart() {
    // Given
    String reason =
        """
        {"state":"running","role":"%s","xlog_location":1,"pending_restart":true,\
        "pending_restart_reason":{"max_connections":{"old_value":"100","new_value":"120"}}}""";
    Observed observed =
        Example.observed(
            "shop-0",
            new ExamplePod(0).ready().patroni(reason.formatted("primary")).instance(),
            new ExamplePod(1).ready().patroni(reason.formatted("replica")).instance());

    // When
    PostgresClusterStatus status = StatusModel.of(facts(2, observed, wasHealthy()), LATER);

    // Then
    assertEquals(
        "True ParametersChanged: these parameters change when PostgreSQL restarts: max_connections"
            + " 100 -> 120",
        condition(status, "RestartPending"));
    assertEquals("Healthy", status.summary());
    assertEquals(Map.of("max_connections", "100 -> 120"), instance(status, 1).pendingRestart());
  }

  @Test
  void podsOfAnOlderTemplateSayWhatIsOld() {
    // Given
    PodTemplateSpec newer =
        Example.objects(
                Example.small("postgres: {resources: {limits: {memory: 2Gi}}}"),
                new Images("registry/agents:2", Map.of(18, "registry/postgres:18.1")))
            .podTemplate();
    StatusModel.Facts facts =
        new StatusModel.Facts(
            8,
            Example.NAMES,
            Example.wanted("instances: 2"),
            Example.observed("shop-0", primary(0), new ExamplePod(1, newer).replica(1).instance()),
            null,
            null,
            null,
            newer,
            Example.IMAGES,
            "0.1.0",
            List.of(),
            AgentFacts.NONE,
            null,
            null);

    // When
    PostgresClusterStatus status = StatusModel.of(facts, NOON);

    // Then
    assertEquals(
        List.of("image of postgres", "resources of postgres"), instance(status, 0).pendingPod());
    assertNull(instance(status, 1).pendingPod());
    assertEquals(
        "True PodTemplateChanged: these pods are of an older template and take on the new one when"
            + " they are deleted, replicas first: shop-0",
        condition(status, "RestartPending"));
  }

  @Test
  void theTimeOfATransitionStaysUntilTheNext() {
    // Given
    PostgresClusterStatus first = wasHealthy();

    // When
    PostgresClusterStatus same = StatusModel.of(facts(3, healthy(), first), LATER);
    PostgresClusterStatus moved =
        StatusModel.of(
            facts(3, Example.observed("shop-1", replica(0), primary(1), replica(2)), same), LATER);
    PostgresClusterStatus broken =
        StatusModel.of(
            facts(3, Example.observed(null, replica(0), replica(1), replica(2)), moved), LATER);

    // Then
    assertEquals(first, same, "nothing to write where nothing happened");
    assertEquals("2026-11-21T12:00:00Z", find(first, "Ready").getLastTransitionTime());
    assertEquals("2026-11-21T12:00:00Z", find(moved, "Ready").getLastTransitionTime());
    assertEquals("2026-11-21T13:00:00Z", find(broken, "Ready").getLastTransitionTime());
    assertEquals(
        "2026-11-21T12:00:00Z",
        find(broken, "Progressing").getLastTransitionTime(),
        "each condition has a time of its own");
  }

  @Test
  void anotherReasonIsNoTransition() {
    // Given: false since one o'clock, for lack of a primary
    PostgresClusterStatus noPrimary =
        StatusModel.of(
            facts(3, Example.observed(null, replica(0), replica(1), replica(2)), wasHealthy()),
            LATER);

    // When
    PostgresClusterStatus degraded =
        StatusModel.of(
            facts(
                3,
                Example.observed(
                    "shop-0", primary(0), replica(1), new ExamplePod(2).running().instance()),
                noPrimary),
            LATER.plusSeconds(60));

    // Then
    assertEquals("InstancesNotReady", find(degraded, "Ready").getReason());
    assertEquals("2026-11-21T13:00:00Z", find(degraded, "Ready").getLastTransitionTime());
  }

  @ParameterizedTest
  @CsvSource({
    // kibibytes behind, lag in MiB
    "-5, 0",
    "0, 0",
    "1, 0",
    "1023, 0",
    "1024, 1",
    "2047, 1",
    "2048, 2",
    "4095, 2",
    "5120, 4",
    "1048576, 1024",
    "2097151, 1024",
  })
  void lagIsToldInSteps(long kibibytes, long mebibytes) {
    // Given
    long location = 1L << 40;
    Observed observed =
        Example.observed(
            "shop-0",
            new ExamplePod(0).primary(location).instance(),
            new ExamplePod(1).replica(location - kibibytes * 1024).instance());

    // When
    PostgresClusterStatus status = StatusModel.of(facts(2, observed, null), NOON);

    // Then
    assertEquals(mebibytes * Bytes.MIB, instance(status, 1).lagBytes());
  }

  @Test
  void aMessageHasABound() {
    // When
    PostgresClusterStatus status =
        StatusModel.of(
            with(facts(healthy()), new StatusModel.Obstacle("InvalidSpec", "x".repeat(100_000))),
            NOON);

    // Then
    assertNotNull(status.message());
    assertTrue(status.message().length() < 2100);
  }

  @Test
  void tellsWhichReplicasAreSynchronous() {
    // Given
    Map<String, Endpoints> endpoints = new HashMap<>(healthy().endpoints());
    endpoints.put(
        Example.NAMES.patroniSync(),
        Example.endpoints(
            Example.NAMES.patroniSync(), Map.of("leader", "shop-0", "sync_standby", "shop-2")));
    Observed observed =
        new Observed(healthy().statefulSet(), healthy().instances(), List.of(), endpoints);
    // When
    PostgresClusterStatus status = StatusModel.of(facts(observed), NOON);
    // Then
    assertNull(instance(status, 0).synchronous());
    assertNull(instance(status, 1).synchronous());
    assertEquals(true, instance(status, 2).synchronous());
    assertEquals("replica", instance(status, 2).role());
  }

  @Test
  void whoWasSynchronousWithAnotherPrimaryIsNotAnyMore() {
    // Given
    Map<String, Endpoints> endpoints = new HashMap<>(healthy().endpoints());
    endpoints.put(
        Example.NAMES.patroniSync(),
        Example.endpoints(
            Example.NAMES.patroniSync(), Map.of("leader", "shop-1", "sync_standby", "shop-2")));
    // Then
    assertEquals(
        Set.of(), new Observed(null, List.of(), List.of(), endpoints).synchronous(Example.NAMES));
  }
}
