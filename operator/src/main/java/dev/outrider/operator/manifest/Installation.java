package dev.outrider.operator.manifest;

import dev.outrider.operator.api.PostgresCluster;
import dev.outrider.operator.model.Images;
import io.fabric8.kubernetes.api.model.EnvVar;
import io.fabric8.kubernetes.api.model.EnvVarBuilder;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.NamespaceBuilder;
import io.fabric8.kubernetes.api.model.Quantity;
import io.fabric8.kubernetes.api.model.ServiceAccountBuilder;
import io.fabric8.kubernetes.api.model.Toleration;
import io.fabric8.kubernetes.api.model.TolerationBuilder;
import io.fabric8.kubernetes.api.model.apps.DeploymentBuilder;
import io.fabric8.kubernetes.api.model.rbac.ClusterRoleBindingBuilder;
import io.fabric8.kubernetes.api.model.rbac.ClusterRoleBuilder;
import io.fabric8.kubernetes.api.model.rbac.PolicyRule;
import io.fabric8.kubernetes.api.model.rbac.PolicyRuleBuilder;
import io.fabric8.kubernetes.api.model.rbac.RoleBindingBuilder;
import io.fabric8.kubernetes.api.model.rbac.RoleBuilder;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What installs the operator beside the CRDs: namespace, rights, Deployment. */
final class Installation {
  private static final String NAME = "outrider-operator";
  private static final Map<String, String> LABELS =
      Map.of("app.kubernetes.io/name", "outrider", "app.kubernetes.io/component", "operator");

  private Installation() {}

  /**
   * @param only the namespace to watch and to live in, or null to watch all and live in {@code
   *     outrider-system}
   */
  static List<HasMetadata> objects(String operatorImage, Images images, @Nullable String only) {
    String namespace = only == null ? "outrider-system" : only;
    List<HasMetadata> objects = new ArrayList<>();
    if (only == null) {
      objects.add(
          new NamespaceBuilder()
              .withNewMetadata()
              .withName(namespace)
              .withLabels(Map.of("pod-security.kubernetes.io/enforce", "restricted"))
              .endMetadata()
              .build());
    }
    objects.add(
        new ServiceAccountBuilder()
            .withNewMetadata()
            .withName(NAME)
            .withNamespace(namespace)
            .withLabels(LABELS)
            .endMetadata()
            .build());
    if (only == null) {
      objects.add(
          new ClusterRoleBuilder()
              .withNewMetadata()
              .withName(NAME)
              .withLabels(LABELS)
              .endMetadata()
              .withRules(clusterRules())
              .addAllToRules(nodeRules())
              .build());
      objects.add(
          new ClusterRoleBindingBuilder()
              .withNewMetadata()
              .withName(NAME)
              .withLabels(LABELS)
              .endMetadata()
              .withNewRoleRef("rbac.authorization.k8s.io", "ClusterRole", NAME)
              .addNewSubject(null, "ServiceAccount", NAME, namespace)
              .build());
    } else {
      objects.add(
          new RoleBuilder()
              .withNewMetadata()
              .withName(NAME)
              .withNamespace(namespace)
              .withLabels(LABELS)
              .endMetadata()
              .withRules(clusterRules())
              .build());
      objects.add(
          new RoleBindingBuilder()
              .withNewMetadata()
              .withName(NAME)
              .withNamespace(namespace)
              .withLabels(LABELS)
              .endMetadata()
              .withNewRoleRef("rbac.authorization.k8s.io", "Role", NAME)
              .addNewSubject(null, "ServiceAccount", NAME, namespace)
              .build());
    }
    objects.add(
        new RoleBuilder()
            .withNewMetadata()
            .withName(NAME + "-election")
            .withNamespace(namespace)
            .withLabels(LABELS)
            .endMetadata()
            .withRules(
                rule("coordination.k8s.io", List.of("leases"), "get", "create", "update", "patch"))
            .build());
    objects.add(
        new RoleBindingBuilder()
            .withNewMetadata()
            .withName(NAME + "-election")
            .withNamespace(namespace)
            .withLabels(LABELS)
            .endMetadata()
            .withNewRoleRef("rbac.authorization.k8s.io", "Role", NAME + "-election")
            .addNewSubject(null, "ServiceAccount", NAME, namespace)
            .build());
    objects.add(deployment(namespace, operatorImage, images, only));
    return objects;
  }

  /**
   * What the operator may do with the objects of clusters. The rights on Endpoints and pods are
   * also those that it hands to Patroni: Kubernetes lets nobody grant what they do not have.
   */
  static List<PolicyRule> clusterRules() {
    return List.of(
        rule(PostgresCluster.GROUP, List.of("postgresclusters"), "get", "list", "watch"),
        rule(PostgresCluster.GROUP, List.of("postgresclusters/status"), "get", "update", "patch"),
        // Owners' deletion may be blocked only by those who may finalize them (OpenShift).
        rule(PostgresCluster.GROUP, List.of("postgresclusters/finalizers"), "update"),
        rule(
            "",
            List.of("configmaps", "secrets", "services", "serviceaccounts"),
            "get",
            "list",
            "watch",
            "create",
            "patch"),
        rule("", List.of("endpoints/restricted"), "create"),
        rule(
            "",
            List.of("endpoints"),
            "get",
            "list",
            "watch",
            "create",
            "patch",
            "update",
            "delete"),
        // Deleted to bring back an instance that is stuck or lost (see Recovery).
        rule("", List.of("persistentvolumeclaims"), "get", "list", "watch", "patch", "delete"),
        rule("", List.of("pods"), "get", "list", "watch", "patch", "update", "delete"),
        rule("", List.of("events"), "create", "patch"),
        rule("events.k8s.io", List.of("events"), "create", "patch"),
        // Asked for where a spec names an issuer, and deleted when it no longer does.
        rule("cert-manager.io", List.of("certificates"), "get", "create", "patch", "delete"),
        rule("apps", List.of("statefulsets"), "get", "list", "watch", "create", "patch"),
        rule("policy", List.of("poddisruptionbudgets"), "get", "list", "watch", "create", "patch"),
        rule(
            "rbac.authorization.k8s.io",
            List.of("roles", "rolebindings"),
            "get",
            "list",
            "watch",
            "create",
            "patch"));
  }

  /**
   * Whether a node answers, to tell a pod that hangs from one that is lost. Nodes belong to no
   * namespace: an operator of one namespace does without.
   */
  static List<PolicyRule> nodeRules() {
    return List.of(rule("", List.of("nodes"), "get"));
  }

  private static PolicyRule rule(String group, List<String> resources, String... verbs) {
    return new PolicyRuleBuilder()
        .withApiGroups(group)
        .withResources(resources)
        .withVerbs(verbs)
        .build();
  }

  private static Toleration lostNode(String taint) {
    return new TolerationBuilder()
        .withKey("node.kubernetes.io/" + taint)
        .withOperator("Exists")
        .withEffect("NoExecute")
        .withTolerationSeconds(30L)
        .build();
  }

  private static HasMetadata deployment(
      String namespace, String operatorImage, Images images, @Nullable String only) {
    List<EnvVar> environment = new ArrayList<>();
    environment.add(
        new EnvVarBuilder()
            .withName("OUTRIDER_NAMESPACE")
            .withNewValueFrom()
            .withNewFieldRef(null, "metadata.namespace")
            .endValueFrom()
            .build());
    environment.add(
        new EnvVarBuilder()
            .withName("OUTRIDER_POD")
            .withNewValueFrom()
            .withNewFieldRef(null, "metadata.name")
            .endValueFrom()
            .build());
    if (only != null) {
      environment.add(new EnvVarBuilder().withName("OUTRIDER_WATCH").withValue(only).build());
    }
    images
        .environment()
        .forEach(
            (name, value) ->
                environment.add(new EnvVarBuilder().withName(name).withValue(value).build()));
    return new DeploymentBuilder()
        .withNewMetadata()
        .withName(NAME)
        .withNamespace(namespace)
        .withLabels(LABELS)
        .endMetadata()
        .withNewSpec()
        .withReplicas(1)
        .withNewSelector()
        .withMatchLabels(LABELS)
        .endSelector()
        .withNewTemplate()
        .withNewMetadata()
        .withLabels(LABELS)
        .endMetadata()
        .withNewSpec()
        .withServiceAccountName(NAME)
        // Instances on the same lost node wait for the operator; Kubernetes' default is 5 minutes.
        .withTolerations(lostNode("not-ready"), lostNode("unreachable"))
        .withNewSecurityContext()
        .withRunAsNonRoot(true)
        .withRunAsUser(5432L)
        .withRunAsGroup(5432L)
        .withNewSeccompProfile()
        .withType("RuntimeDefault")
        .endSeccompProfile()
        .endSecurityContext()
        .addNewContainer()
        .withName("operator")
        .withImage(operatorImage)
        .withEnv(environment)
        .addNewPort()
        .withName("http")
        .withContainerPort(8080)
        .endPort()
        .withNewStartupProbe()
        .withNewHttpGet()
        .withPath("/livez")
        .withNewPort("http")
        .endHttpGet()
        .withPeriodSeconds(1)
        .withFailureThreshold(60)
        .endStartupProbe()
        .withNewLivenessProbe()
        .withNewHttpGet()
        .withPath("/livez")
        .withNewPort("http")
        .endHttpGet()
        .withPeriodSeconds(20)
        .withTimeoutSeconds(5)
        .endLivenessProbe()
        .withNewReadinessProbe()
        .withNewHttpGet()
        .withPath("/readyz")
        .withNewPort("http")
        .endHttpGet()
        .withPeriodSeconds(5)
        .withTimeoutSeconds(5)
        .endReadinessProbe()
        .withNewResources()
        .addToRequests("cpu", new Quantity("50m"))
        .addToRequests("memory", new Quantity("96Mi"))
        .addToLimits("memory", new Quantity("256Mi"))
        .endResources()
        .withNewSecurityContext()
        .withAllowPrivilegeEscalation(false)
        .withReadOnlyRootFilesystem(true)
        .withNewCapabilities()
        .addToDrop("ALL")
        .endCapabilities()
        .endSecurityContext()
        .addNewVolumeMount()
        .withName("tmp")
        .withMountPath("/tmp")
        .endVolumeMount()
        .endContainer()
        .addNewVolume()
        .withName("tmp")
        .withNewEmptyDir()
        .endEmptyDir()
        .endVolume()
        .endSpec()
        .endTemplate()
        .endSpec()
        .build();
  }
}
