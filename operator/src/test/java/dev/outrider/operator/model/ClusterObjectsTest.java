package dev.outrider.operator.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.outrider.agents.config.ConfigTree;
import dev.outrider.agents.config.ProxyConfig;
import dev.outrider.agents.config.TlsConfig;
import dev.outrider.operator.api.PostgresClusterSpec;
import dev.outrider.operator.pki.CertificateAuthority;
import dev.outrider.operator.pki.Seed;
import dev.outrider.operator.pki.ServerCertificate;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.OwnerReference;
import io.fabric8.kubernetes.api.model.PersistentVolumeClaim;
import io.fabric8.kubernetes.api.model.PersistentVolumeClaimBuilder;
import io.fabric8.kubernetes.api.model.PodTemplateSpec;
import io.fabric8.kubernetes.api.model.Quantity;
import io.fabric8.kubernetes.api.model.Secret;
import io.fabric8.kubernetes.api.model.Service;
import io.fabric8.kubernetes.api.model.ServicePort;
import io.fabric8.kubernetes.api.model.Toleration;
import io.fabric8.kubernetes.api.model.VolumeMount;
import io.fabric8.kubernetes.api.model.apps.StatefulSet;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ClusterObjectsTest {
  private static final String SPEC = "{\"storage\":{\"size\":\"10Gi\"}}";

  private static List<HasMetadata> all(PostgresClusterSpec spec) {
    ClusterObjects objects = Example.objects(spec);
    List<HasMetadata> all = new ArrayList<>();
    all.add(
        ClusterObjects.keys(
            Example.NAMES, Example.OWNER, Example.TRUST, List.of(), LastKnown.NOTHING));
    all.addAll(objects.surroundings());
    all.add(objects.statefulSet(3, null, SPEC));
    return all;
  }

  private static <T extends HasMetadata> T find(
      Class<T> type, String name, PostgresClusterSpec spec) {
    return find(type, name, all(spec));
  }

  private static PodTemplateSpec template(String yaml) {
    return Example.objects(Example.small(yaml)).podTemplate();
  }

  private static String hash(PodTemplateSpec template) {
    return template.getMetadata().getAnnotations().getOrDefault(ClusterObjects.TEMPLATE_HASH, "");
  }

  private static List<Container> containers(PodTemplateSpec template) {
    return Stream.concat(
            template.getSpec().getInitContainers().stream(),
            template.getSpec().getContainers().stream())
        .toList();
  }

  private static String text(Secret secret, String key) {
    return new String(
        Base64.getDecoder().decode(secret.getData().getOrDefault(key, "")), StandardCharsets.UTF_8);
  }

  @ParameterizedTest
  @ValueSource(strings = {"minimal", "everything", "proxy-off", "tls"})
  void areAsReviewed(String spec) {
    Golden.check("cluster-" + spec + ".yaml", all(Example.valid(spec)));
  }

  @ParameterizedTest
  @ValueSource(strings = {"minimal", "everything", "proxy-off", "tls"})
  void eachIsLabelledAndOwned(String spec) {
    Set<String> seen = new HashSet<>();
    for (HasMetadata object : all(Example.valid(spec))) {
      String name = object.getKind() + "/" + object.getMetadata().getName();
      assertTrue(seen.add(name), () -> name + " twice");
      assertTrue(object.getMetadata().getName().startsWith("shop"), name);
      assertEquals("demo", object.getMetadata().getNamespace(), name);
      assertTrue(
          object
              .getMetadata()
              .getLabels()
              .entrySet()
              .containsAll(Example.NAMES.labels().entrySet()),
          name);
      assertEquals(List.of(Example.OWNER), object.getMetadata().getOwnerReferences(), name);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        // the user's tolerations | ours that are added
        "[] | not-ready unreachable",
        "[{key: database, operator: Exists}] | not-ready unreachable",
        "[{key: node.kubernetes.io/unreachable, operator: Exists, effect: NoExecute,"
            + " tolerationSeconds: 900}] | not-ready",
        "[{key: node.kubernetes.io/not-ready, operator: Exists}] | unreachable",
        "[{key: node.kubernetes.io/not-ready, operator: Exists, effect: NoSchedule}] | not-ready"
            + " unreachable",
        "[{operator: Exists}] | ''",
        "[{operator: Exists, effect: NoSchedule}] | not-ready unreachable",
      })
  void aPodIsGivenUpThirtySecondsAfterItsNode(String users, String ours) {
    // When
    List<Toleration> all = template("pod: {tolerations: " + users + "}").getSpec().getTolerations();

    // Then
    assertEquals(
        ours,
        all.stream()
            .filter(t -> Long.valueOf(30).equals(t.getTolerationSeconds()))
            .peek(t -> assertEquals("Exists NoExecute", t.getOperator() + " " + t.getEffect()))
            .map(t -> t.getKey().substring("node.kubernetes.io/".length()))
            .collect(Collectors.joining(" ")));
  }

  @Test
  void whatAPodNeedsComesBeforeTheServices() {
    // When
    List<String> kinds =
        Example.objects(Example.valid("minimal")).surroundings().stream()
            .map(HasMetadata::getKind)
            .toList();

    // Then
    assertTrue(kinds.lastIndexOf("Secret") < kinds.indexOf("Service"), kinds::toString);
    assertTrue(kinds.lastIndexOf("ConfigMap") < kinds.indexOf("Service"), kinds::toString);
    assertEquals("ServiceAccount", kinds.getFirst());
  }

  @ParameterizedTest
  @ValueSource(strings = {"minimal", "everything", "proxy-off", "version-17"})
  void podsAreAllowedUnderPodSecurityRestricted(String spec) {
    // When
    PodTemplateSpec template = Example.objects(Example.valid(spec)).podTemplate();

    // Then (Kubernetes documentation, "Pod Security Standards", Restricted)
    var pod = template.getSpec();
    assertEquals(true, pod.getSecurityContext().getRunAsNonRoot());
    assertEquals(5432L, pod.getSecurityContext().getRunAsUser());
    assertEquals("RuntimeDefault", pod.getSecurityContext().getSeccompProfile().getType());
    assertNull(pod.getHostNetwork());
    assertNull(pod.getHostPID());
    assertNull(pod.getHostIPC());
    for (Container container : containers(template)) {
      var security = container.getSecurityContext();
      assertEquals(false, security.getAllowPrivilegeEscalation(), container.getName());
      assertEquals(true, security.getReadOnlyRootFilesystem(), container.getName());
      assertEquals(List.of("ALL"), security.getCapabilities().getDrop(), container.getName());
      assertEquals(List.of(), security.getCapabilities().getAdd(), container.getName());
      assertNull(security.getPrivileged(), container.getName());
      assertNull(security.getRunAsUser(), container.getName());
      assertNull(security.getRunAsNonRoot(), container.getName());
      container.getPorts().forEach(port -> assertNull(port.getHostPort(), container.getName()));
    }
    pod.getVolumes()
        .forEach(
            volume ->
                assertTrue(
                    volume.getConfigMap() != null
                        || volume.getSecret() != null
                        || volume.getEmptyDir() != null
                        || volume.getProjected() != null,
                    volume.getName()));
  }

  @ParameterizedTest
  @ValueSource(strings = {"minimal", "everything", "proxy-off", "tls"})
  void onlyPostgresHasAToken(String spec) {
    // When
    PodTemplateSpec template = Example.objects(Example.valid(spec)).podTemplate();

    // Then
    assertEquals(false, template.getSpec().getAutomountServiceAccountToken());
    List<String> withToken =
        containers(template).stream()
            .filter(c -> c.getVolumeMounts().stream().anyMatch(m -> m.getName().equals("token")))
            .map(Container::getName)
            .toList();
    assertEquals(List.of("postgres"), withToken);
  }

  @ParameterizedTest
  @ValueSource(strings = {"minimal", "everything", "proxy-off", "tls"})
  void everyMountHasAVolumeAndEveryVolumeIsMounted(String spec) {
    // When
    StatefulSet set = find(StatefulSet.class, "shop", Example.valid(spec));

    // Then
    Set<String> volumes = new HashSet<>();
    set.getSpec().getTemplate().getSpec().getVolumes().forEach(v -> volumes.add(v.getName()));
    set.getSpec().getVolumeClaimTemplates().forEach(v -> volumes.add(v.getMetadata().getName()));
    Set<String> mounted = new HashSet<>();
    for (Container container : containers(set.getSpec().getTemplate())) {
      for (VolumeMount mount : container.getVolumeMounts()) {
        mounted.add(mount.getName());
        // A subPath of a ConfigMap or Secret would never be refreshed.
        assertTrue(
            mount.getSubPath() == null || mount.getName().equals(ClusterObjects.VOLUME),
            mount::toString);
      }
    }
    assertEquals(volumes, mounted);
  }

  @Test
  void agentsDoNotSeeTheData() {
    // When
    List<Container> agents = template("").getSpec().getInitContainers();

    // Then
    assertFalse(agents.isEmpty());
    for (Container agent : agents) {
      assertEquals("Always", agent.getRestartPolicy());
      agent
          .getVolumeMounts()
          .forEach(m -> assertNotEquals(ClusterObjects.VOLUME, m.getName(), agent.getName()));
      assertEquals(List.of(), agent.getEnv(), "no password in an agent's environment");
    }
  }

  @Test
  void passwordsComeToPodsBySecretsOnly() {
    // Given
    List<String> passwords =
        Stream.of("superuser", "replication", "rewind", "restapi", "application")
            .map(Example.TRUST.seed()::password)
            .toList();

    for (HasMetadata object : all(Example.valid("minimal"))) {
      // When
      String yaml = Golden.yaml(object);

      // Then
      for (String password : passwords) {
        assertFalse(yaml.contains(password), () -> object.getKind() + " has a password in it");
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"minimal,primary,5434,5432", "proxy-off,postgres,5433,5433"})
  void theServiceOfThePrimaryLeadsToWhereNobodyGetsAStandby(
      String spec, String name, int primary, int any) {
    // Given
    PostgresClusterSpec cluster = Example.valid(spec);

    // When
    ServicePort rw = find(Service.class, "shop-rw", cluster).getSpec().getPorts().getFirst();
    ServicePort ro = find(Service.class, "shop-ro", cluster).getSpec().getPorts().getFirst();
    Container postgres =
        Example.objects(cluster).podTemplate().getSpec().getContainers().getFirst();

    // Then
    assertEquals(name, rw.getTargetPort().getStrVal());
    assertEquals(primary, port(postgres, name));
    assertEquals(
        "[{\"name\": \"" + rw.getName() + "\", \"port\": " + primary + "}]",
        postgres.getEnv().stream()
            .filter(variable -> variable.getName().equals("PATRONI_KUBERNETES_PORTS"))
            .findFirst()
            .orElseThrow()
            .getValue());
    assertEquals("postgres", ro.getTargetPort().getStrVal());
    assertEquals(any, port(postgres, "postgres"));
  }

  private static int port(Container container, String name) {
    return container.getPorts().stream()
        .filter(port -> port.getName().equals(name))
        .findFirst()
        .orElseThrow()
        .getContainerPort();
  }

  @Test
  void theApplicationsSecretHasAllThatADriverWants() {
    // When
    Secret app = find(Secret.class, "shop-app", Example.valid("everything"));

    // Then
    String password = Example.TRUST.applicationPassword();
    assertEquals("shop-rw.demo.svc", text(app, "host"));
    assertEquals("5432", text(app, "port"));
    assertEquals("orders", text(app, "dbname"));
    assertEquals("clerk", text(app, "username"));
    assertEquals(password, text(app, "password"));
    assertEquals(
        "postgresql://clerk:" + password + "@shop-rw.demo.svc:5432/orders", text(app, "uri"));
    assertEquals(
        "jdbc:postgresql://shop-rw.demo.svc:5432/orders?user=clerk&password=" + password,
        text(app, "jdbc-uri"));
    assertEquals(Example.TRUST.authority().certificate(), text(app, "ca.crt"));
  }

  private static Secret app(String tls, ServedTls served) {
    return Example.objects(Example.small("proxy: {tls: " + tls + "}"), Example.IMAGES, served)
        .surroundings()
        .stream()
        .filter(o -> o instanceof Secret && o.getMetadata().getName().equals("shop-app"))
        .map(Secret.class::cast)
        .findFirst()
        .orElseThrow();
  }

  @ParameterizedTest
  @CsvSource({"allow,false", "disable,false", "require,true"})
  void addressesSayThatTlsIsNeededOnlyWhereItIs(String mode, boolean needed) {
    // When
    Secret app = app("{mode: " + mode + "}", Example.SERVED);

    // Then
    assertEquals(needed, text(app, "uri").endsWith("/app?sslmode=require"), text(app, "uri"));
    assertEquals(needed, text(app, "jdbc-uri").endsWith("&sslmode=require"), text(app, "jdbc-uri"));
    assertEquals(needed, text(app, "uri").contains("sslmode"));
    assertEquals(needed, text(app, "jdbc-uri").contains("sslmode"));
  }

  private static ServedTls served(@Nullable String authority, @Nullable String clientAuthority) {
    return new ServedTls(
        new ServerCertificate(
            "(a certificate)",
            "(its key)",
            authority,
            Instant.EPOCH,
            Instant.EPOCH.plusSeconds(1),
            List.of()),
        "Secret shop-public",
        clientAuthority,
        List.of());
  }

  @Test
  void clientsGetTheAuthorityOfTheCertificateThatTheyAreShown() {
    // Given
    String tls = "{certificateSecret: {name: shop-public}}";

    // Then
    assertEquals("(a CA)", text(app(tls, served("(a CA)", null)), "ca.crt"));
    assertFalse(app(tls, served(null, null)).getData().containsKey("ca.crt"), "nobody said");
  }

  @Test
  void anotherCertificateIsAnotherContentOfTheSameVolume() {
    // Given
    PostgresClusterSpec spec = Example.small("proxy: {tls: {certificateSecret: {name: mine}}}");
    ClusterObjects before = Example.objects(spec);

    // When
    ClusterObjects after = Example.objects(spec, Example.IMAGES, served(null, null));

    // Then: the kubelet is told, no pod has to be made again and no agent gets another file name
    assertEquals(hash(before.podTemplate()), hash(after.podTemplate()));
    assertNotEquals(before.configHash(), after.configHash());
    assertEquals(before.agentConfigHashes(), after.agentConfigHashes());
    Secret secret = find(Secret.class, "shop-tls", after.surroundings());
    assertEquals("(a certificate)", text(secret, "server.crt"));
    assertEquals("(its key)", text(secret, "server.key"));
    assertEquals("(the certificate)", text(secret, "tls.crt"), "of the instances, as before");
    assertEquals("Secret shop-public", secret.getMetadata().getAnnotations().get(ServedTls.SOURCE));
  }

  @Test
  void theProxyAsksForCertificatesAsSoonAsItCanVerifyThem() {
    // Given
    PostgresClusterSpec spec =
        Example.small(
            "proxy: {tls: {mode: require, clientCa: {name: ours}, clientCertificates:"
                + " verify-full}}");

    // When
    ClusterObjects not = Example.objects(spec, Example.IMAGES, served(null, null));
    ClusterObjects yes = Example.objects(spec, Example.IMAGES, served(null, "(clients' CA)"));

    // Then
    assertEquals(TlsConfig.ClientCertificates.OFF, config(not).tls().clientCertificates());
    assertEquals(TlsConfig.Mode.REQUIRE, config(not).tls().mode());
    assertEquals(TlsConfig.ClientCertificates.VERIFY_FULL, config(yes).tls().clientCertificates());
    assertEquals(Path.of("/etc/outrider/tls/client-ca.crt"), config(yes).tls().clientCa());
    assertEquals(
        "(clients' CA)", text(find(Secret.class, "shop-tls", yes.surroundings()), "client-ca.crt"));
    assertEquals(
        "(the authority's certificate)",
        text(find(Secret.class, "shop-tls", not.surroundings()), "client-ca.crt"),
        "a configuration that names the file finds it");
    assertEquals(
        TlsConfig.DISABLED,
        config(Example.objects(Example.small("proxy: {tls: {mode: disable}}"))).tls());
  }

  private static ProxyConfig config(ClusterObjects objects) {
    return ProxyConfig.from(ConfigTree.parse("proxy.yaml", objects.proxyYaml()));
  }

  private static <T extends HasMetadata> T find(
      Class<T> type, String name, List<HasMetadata> objects) {
    return objects.stream()
        .filter(o -> type.isInstance(o) && o.getMetadata().getName().equals(name))
        .map(type::cast)
        .findFirst()
        .orElseThrow(() -> new AssertionError("no " + type.getSimpleName() + " " + name));
  }

  @Test
  void theServiceOfThePrimaryHasNoSelectorSincePatroniPointsIt() {
    // Given
    PostgresClusterSpec spec = Example.valid("everything");

    // Then
    Service rw = find(Service.class, "shop-rw", spec);
    assertTrue(rw.getSpec().getSelector() == null || rw.getSpec().getSelector().isEmpty());
    assertEquals("LoadBalancer", rw.getSpec().getType());
    assertEquals(List.of("10.0.0.0/8"), rw.getSpec().getLoadBalancerSourceRanges());
    assertEquals("orders-team", rw.getMetadata().getAnnotations().get("example.com/owner"));
    assertEquals("orders", rw.getMetadata().getLabels().get("team"));
    assertEquals(
        "replica",
        find(Service.class, "shop-ro", spec).getSpec().getSelector().get(Names.ROLE_LABEL));
    assertNull(find(Service.class, "shop-r", spec).getSpec().getSelector().get(Names.ROLE_LABEL));
  }

  @Test
  void aServicesLabelsCannotTakeItAwayFromTheCluster() {
    // When
    Service rw =
        find(
            Service.class,
            "shop-rw",
            Example.small("services: {rw: {labels: {outrider.dev/cluster: other}}}"));

    // Then
    assertEquals("shop", rw.getMetadata().getLabels().get(Names.CLUSTER_LABEL));
  }

  @Test
  void onePodAtATimeMayBeEvicted() {
    // When
    var budget =
        find(
            io.fabric8.kubernetes.api.model.policy.v1.PodDisruptionBudget.class,
            "shop",
            Example.valid("minimal"));

    // Then
    assertEquals(1, budget.getSpec().getMaxUnavailable().getIntVal());
    assertEquals(Example.NAMES.patroniLabels(), budget.getSpec().getSelector().getMatchLabels());
  }

  @Test
  void templateHashStaysWhereRunningPodsCanFollow() {
    // Given
    String before = hash(template(""));

    // Then
    ClusterObjects otherAgents =
        Example.objects(
            Example.small(""), new Images("registry/agents:2", Example.IMAGES.postgres()));
    assertEquals(before, hash(otherAgents.podTemplate()), "a new image of the agents");
    assertEquals(before, hash(template("pod: {labels: {team: orders}}")), "labels");
    assertEquals(before, hash(template("pod: {annotations: {a: b}}")), "annotations");
    assertEquals(before, hash(template("instances: 3")), "instances");
    assertEquals(before, hash(template("services: {rw: {type: NodePort}}")), "services");
    assertEquals(
        before,
        hash(template("postgres: {parameters: {work_mem: 8MB}}")),
        "parameters come by Patroni");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "postgres: {resources: {limits: {memory: 2Gi}}}",
        "postgres: {version: 17}",
        "proxy: {resources: {limits: {memory: 128Mi}}}",
        "proxy: {enabled: false}",
        "pod: {nodeSelector: {disk: ssd}}",
        "pod: {priorityClassName: high}",
        "pod: {tolerations: [{key: database, operator: Exists}]}",
        "pod: {imagePullSecrets: [{name: registry}]}"
      })
  void templateHashChangesWithWhatOnlyANewPodTakesOn(String yaml) {
    assertNotEquals(hash(template("")), hash(template(yaml)));
  }

  @Test
  void templateHashChangesWithTheImageOfPostgres() {
    // Given
    Images newer = new Images(Example.IMAGES.agents(), Map.of(18, "registry/postgres:18.1"));

    // Then
    assertNotEquals(
        hash(template("")), hash(Example.objects(Example.small(""), newer).podTemplate()));
  }

  @Test
  void configHashChangesWithWhatIsMounted() {
    // Given
    String before = Example.objects(Example.small("")).configHash();

    // Then
    assertEquals(before, Example.objects(Example.small("instances: 3")).configHash());
    assertNotEquals(before, Example.objects(Example.small("proxy: {enabled: false}")).configHash());
    assertNotEquals(before, withTrust("(another authority)", "(the certificate)").configHash());
    assertNotEquals(before, withTrust("(the authority's certificate)", "(renewed)").configHash());
    assertEquals(
        before, withTrust("(the authority's certificate)", "(the certificate)").configHash());
    assertEquals(
        before,
        Example.objects(Example.small(""))
            .podTemplate()
            .getMetadata()
            .getAnnotations()
            .get(ClusterObjects.CONFIG_HASH));
  }

  private static ClusterObjects withTrust(String authority, String certificate) {
    return new ClusterObjects(
        Example.NAMES,
        Example.OWNER,
        Example.wanted(""),
        Example.IMAGES,
        new Trust(
            new CertificateAuthority(authority, "(key)"),
            new CertificateAuthority.Issued(certificate, "(key)"),
            Seed.parse(Example.TRUST.seed().text())),
        Example.SERVED,
        false);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{} | postgres replicator rewind",
        "{superuserAccess: false} | postgres replicator rewind",
        "{superuserAccess: true} | replicator rewind",
      })
  void noRoleOfPatronisComesInByTheProxy(String proxy, String refused) {
    assertEquals(
        refused,
        String.join(" ", config(Example.objects(Example.small("proxy: " + proxy))).refusedUsers()));
  }

  @Test
  void whatCertManagerWasAskedForIsRemembered() {
    // Given
    Wanted direct = Example.wanted("proxy: {enabled: false}");

    // Then
    assertEquals("shop-certificate", requested(direct, true));
    assertNull(requested(direct, false));
  }

  private static @Nullable String requested(Wanted wanted, boolean requested) {
    var annotations =
        find(
                Secret.class,
                "shop-tls",
                new ClusterObjects(
                        Example.NAMES,
                        Example.OWNER,
                        wanted,
                        Example.IMAGES,
                        Example.TRUST,
                        null,
                        requested)
                    .surroundings())
            .getMetadata()
            .getAnnotations();
    return annotations == null ? null : annotations.get(ServedTls.REQUESTED);
  }

  @Test
  void usersLabelsAndAnnotationsDoNotReplaceOurs() {
    // When
    var metadata =
        template(
                """
                pod:
                  labels: {outrider.dev/cluster: other, team: orders}
                  annotations: {outrider.dev/config-hash: mine, outrider.dev/template-hash: mine}
                """)
            .getMetadata();

    // Then
    assertEquals("shop", metadata.getLabels().get(Names.CLUSTER_LABEL));
    assertEquals("orders", metadata.getLabels().get("team"));
    assertNotEquals("mine", metadata.getAnnotations().get(ClusterObjects.CONFIG_HASH));
    assertNotEquals("mine", metadata.getAnnotations().get(ClusterObjects.TEMPLATE_HASH));
  }

  @Test
  void spreadsOverNodesAndFillsInTheSelector() {
    // When
    var standard = template("").getSpec().getTopologySpreadConstraints();
    var own =
        Example.objects(Example.valid("everything"))
            .podTemplate()
            .getSpec()
            .getTopologySpreadConstraints();

    // Then
    assertEquals("kubernetes.io/hostname", standard.getFirst().getTopologyKey());
    assertEquals("ScheduleAnyway", standard.getFirst().getWhenUnsatisfiable());
    assertEquals(Example.NAMES.patroniLabels(), own.getFirst().getLabelSelector().getMatchLabels());
    assertEquals(Map.of("team", "orders"), own.get(1).getLabelSelector().getMatchLabels());
  }

  @Test
  void theStatefulSetLeavesRestartsToTheOperator() {
    // When
    StatefulSet set = Example.objects(Example.valid("minimal")).statefulSet(2, null, SPEC);

    // Then
    assertEquals(2, set.getSpec().getReplicas());
    assertEquals("Parallel", set.getSpec().getPodManagementPolicy());
    assertEquals("OnDelete", set.getSpec().getUpdateStrategy().getType());
    assertEquals(SPEC, set.getMetadata().getAnnotations().get(ClusterObjects.APPLIED_SPEC));
  }

  @ParameterizedTest
  @ValueSource(strings = {"minimal", "everything"})
  void noVolumeGoesWithTheStatefulSet(String spec) {
    // When
    var policy =
        find(StatefulSet.class, "shop", Example.valid(spec))
            .getSpec()
            .getPersistentVolumeClaimRetentionPolicy();

    // Then
    assertEquals("Retain", policy.getWhenDeleted());
    assertEquals("Retain", policy.getWhenScaled(), "a smaller cluster keeps its data always");
  }

  @Test
  void anExistingStatefulSetKeepsItsClaimTemplates() {
    // Given: volumeClaimTemplates cannot be changed
    StatefulSet existing = Example.objects(Example.small("")).statefulSet(1, null, SPEC);

    // When
    StatefulSet grown =
        Example.objects(Example.spec("storage: {size: 20Gi}")).statefulSet(1, existing, SPEC);

    // Then
    assertEquals(
        existing.getSpec().getVolumeClaimTemplates(), grown.getSpec().getVolumeClaimTemplates());
  }

  @ParameterizedTest
  @CsvSource({"5Gi, 10Gi", "10Gi, 10Gi", "10240Mi, 10240Mi", "20Gi, 20Gi"})
  void claimsGrowAndNeverShrink(String now, String then) {
    // Given
    PersistentVolumeClaim claim =
        new PersistentVolumeClaimBuilder()
            .withNewMetadata()
            .withName("data-shop-0")
            .endMetadata()
            .withNewSpec()
            .withNewResources()
            .addToRequests("storage", new Quantity(now))
            .endResources()
            .endSpec()
            .build();

    // When
    PersistentVolumeClaim kept = Example.objects(Example.small("")).kept(claim);

    // Then
    assertEquals("data-shop-0", kept.getMetadata().getName());
    assertEquals(new Quantity(then), kept.getSpec().getResources().getRequests().get("storage"));
    assertEquals(List.of(), kept.getMetadata().getOwnerReferences());
  }

  @Test
  void withDeletionPolicyDeleteClaimsGoWithTheClusterAndNotWithTheStatefulSet() {
    // Given
    ClusterObjects objects = Example.objects(Example.small("deletionPolicy: Delete"));
    PersistentVolumeClaim claim =
        new PersistentVolumeClaimBuilder()
            .withNewMetadata()
            .withName("data-shop-0")
            .endMetadata()
            .withNewSpec()
            .withNewResources()
            .addToRequests("storage", new Quantity("10Gi"))
            .endResources()
            .endSpec()
            .build();

    // When
    PersistentVolumeClaim kept = objects.kept(claim);

    // Then
    assertEquals(List.of(Example.OWNER), kept.getMetadata().getOwnerReferences());
    assertEquals(
        "Retain",
        objects
            .statefulSet(1, null, SPEC)
            .getSpec()
            .getPersistentVolumeClaimRetentionPolicy()
            .getWhenDeleted());
  }

  @Test
  void anInstanceWithoutDataMakesNoDatabaseOfItsOwnOnceThereIsOne() {
    // When
    List<HasMetadata> objects = Example.objects(Example.small("")).surroundings("757575");

    // Then
    assertEquals(
        "757575",
        objects.stream()
            .filter(o -> o.getMetadata().getName().equals("shop-rw-config"))
            .filter(o -> o.getKind().equals("Endpoints"))
            .findFirst()
            .orElseThrow()
            .getMetadata()
            .getAnnotations()
            .get("initialize"));
  }

  @Test
  void theKeysLiveAsLongAsTheVolumesThatTheyOpen() {
    // Given
    PersistentVolumeClaim claim =
        new PersistentVolumeClaimBuilder()
            .withNewMetadata()
            .withName("data-shop-0")
            .withUid("claim-uid")
            .endMetadata()
            .build();

    // When
    Secret keys =
        ClusterObjects.keys(
            Example.NAMES,
            Example.OWNER,
            Example.TRUST,
            List.of(claim),
            new LastKnown(
                "7575757575757575757",
                "shop-1",
                null,
                new LastKnown.Position(67160232, Instant.parse("2026-11-21T12:00:00Z"))));

    // Then
    assertEquals(
        List.of("PostgresCluster/shop", "PersistentVolumeClaim/data-shop-0"),
        keys.getMetadata().getOwnerReferences().stream()
            .map(o -> o.getKind() + "/" + o.getName())
            .toList());
    assertEquals(
        1,
        keys.getMetadata().getOwnerReferences().stream()
            .filter(o -> Boolean.TRUE.equals(o.getController()))
            .map(OwnerReference::getUid)
            .count());
    assertEquals("7575757575757575757", LastKnown.of(keys).systemIdentifier());
    assertEquals(Example.TRUST.seed().text(), text(keys, "seed"));
  }

  @Test
  void namesOfTheLongestClusterFit() {
    // Given: the longest name that the CRD lets in
    Names names = new Names("demo", "a".repeat(50));

    for (HasMetadata object :
        new ClusterObjects(
                names,
                Example.OWNER,
                Example.wanted(""),
                Example.IMAGES,
                Example.TRUST,
                Example.SERVED,
                false)
            .surroundings()) {
      // Then: names of Services and values of labels end at 63 characters
      assertTrue(object.getMetadata().getName().length() <= 63, object.getMetadata().getName());
      object
          .getMetadata()
          .getLabels()
          .forEach((name, value) -> assertTrue(value.length() <= 63, () -> name + "=" + value));
    }
    assertTrue(names.pod(31).length() <= 63);
  }

  @ParameterizedTest
  @CsvSource({
    "shop-0, 0",
    "shop-31, 31",
    "data-shop-2, 2",
    "shop, -1",
    "shop-x, -1",
    "shop-, -1",
    "shop-99999999999999999999, -1"
  })
  void theOrdinalIsTheNumberAtTheEnd(String name, int ordinal) {
    assertEquals(ordinal, Names.ordinal(name));
  }

  @Test
  void theSelectorOfTheScaleSubresourceSelectsThePods() {
    // Given
    Map<String, String> labels = template("").getMetadata().getLabels();

    // Then
    for (String term : Example.NAMES.selector().split(",", -1)) {
      String[] parts = term.split("=", -1);
      assertEquals(parts[1], labels.get(parts[0]));
    }
  }

  @Test
  void theAppliedSpecIsReadAsItWasWritten() throws Exception {
    // Given
    ObjectMapper json = new ObjectMapper();
    PostgresClusterSpec spec = Example.valid("everything");

    // When
    PostgresClusterSpec again =
        json.readValue(json.writeValueAsString(spec), PostgresClusterSpec.class);

    // Then
    assertEquals(spec, again);
    assertEquals(Example.objects(spec).podTemplate(), Example.objects(again).podTemplate());
  }
}
