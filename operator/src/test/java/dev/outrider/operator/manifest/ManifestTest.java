package dev.outrider.operator.manifest;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.outrider.operator.api.OwnedParameters;
import dev.outrider.operator.model.ClusterObjects;
import dev.outrider.operator.model.Example;
import dev.outrider.operator.model.Images;
import dev.outrider.operator.model.Wanted;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.apiextensions.v1.CustomResourceDefinition;
import io.fabric8.kubernetes.api.model.apiextensions.v1.CustomResourceDefinitionVersion;
import io.fabric8.kubernetes.api.model.apiextensions.v1.JSONSchemaProps;
import io.fabric8.kubernetes.api.model.apiextensions.v1.ValidationRule;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.fabric8.kubernetes.api.model.rbac.ClusterRole;
import io.fabric8.kubernetes.api.model.rbac.PolicyRule;
import io.fabric8.kubernetes.api.model.rbac.Role;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BiConsumer;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class ManifestTest {
  private static final CustomResourceDefinition CRD = CustomResourceDefinitions.all().getFirst();
  private static final CustomResourceDefinitionVersion VERSION =
      CRD.getSpec().getVersions().getFirst();

  private static void walk(
      String path, JSONSchemaProps schema, BiConsumer<String, JSONSchemaProps> visitor) {
    visitor.accept(path, schema);
    schema.getProperties().forEach((name, child) -> walk(path + "." + name, child, visitor));
    if (schema.getItems() != null && schema.getItems().getSchema() != null) {
      walk(path + "[]", schema.getItems().getSchema(), visitor);
    }
    if (schema.getAdditionalProperties() != null
        && schema.getAdditionalProperties().getSchema() != null) {
      walk(path + "{}", schema.getAdditionalProperties().getSchema(), visitor);
    }
  }

  private static JSONSchemaProps schema(String path) {
    List<JSONSchemaProps> found = new ArrayList<>();
    walk(
        "",
        VERSION.getSchema().getOpenAPIV3Schema(),
        (at, schema) -> {
          if (at.equals(path)) {
            found.add(schema);
          }
        });
    assertEquals(1, found.size(), path);
    return found.getFirst();
  }

  @Test
  void theCommittedManifestIsTheOneOfTheTypes() throws IOException {
    // Given
    List<HasMetadata> objects = new ArrayList<>(CustomResourceDefinitions.all());
    objects.addAll(Installation.objects(Images.DEFAULT_OPERATOR, Images.from(Map.of()), null));

    // When
    String committed = Files.readString(Path.of("../deploy/outrider.yaml"), StandardCharsets.UTF_8);

    // Then
    assertEquals(
        committed,
        Manifest.render(objects),
        "deploy/outrider.yaml is older than the Java types: `make manifest` brings it up to date");
  }

  @Test
  void kubectlGetTellsTheStory() {
    assertEquals(
        List.of("Version", "Ready", "Primary", "Status", "Age", "Message"),
        VERSION.getAdditionalPrinterColumns().stream().map(c -> c.getName()).toList());
    assertEquals(
        List.of(0, 0, 0, 0, 0, 1),
        VERSION.getAdditionalPrinterColumns().stream().map(c -> c.getPriority()).toList());
    for (var column : VERSION.getAdditionalPrinterColumns()) {
      if (column.getJsonPath().startsWith(".status")) {
        schema(column.getJsonPath());
      }
    }
  }

  @Test
  void theKindHasItsNamesAndScale() {
    assertEquals("postgresclusters.outrider.dev", CRD.getMetadata().getName());
    assertEquals("Namespaced", CRD.getSpec().getScope());
    assertEquals(List.of("pgc"), CRD.getSpec().getNames().getShortNames());
    assertEquals("PostgresCluster", CRD.getSpec().getNames().getKind());
    assertEquals(".spec.instances", VERSION.getSubresources().getScale().getSpecReplicasPath());
    assertEquals(".status.replicas", VERSION.getSubresources().getScale().getStatusReplicasPath());
    assertEquals(".status.selector", VERSION.getSubresources().getScale().getLabelSelectorPath());
    assertTrue(VERSION.getSubresources().getStatus() != null);
    assertEquals(true, VERSION.getServed());
    assertEquals(true, VERSION.getStorage());
  }

  @Test
  void storageAloneMustBeThere() {
    assertEquals(List.of("spec"), schema("").getRequired());
    assertEquals(List.of("storage"), schema(".spec").getRequired());
    assertEquals(List.of("size"), schema(".spec.storage").getRequired());
    for (String part :
        List.of(
            ".spec.postgres", ".spec.proxy", ".spec.bootstrap", ".spec.services", ".spec.pod")) {
      assertTrue(schema(part).getRequired() == null || schema(part).getRequired().isEmpty(), part);
    }
  }

  @Test
  void noRuleIsThereTwiceAndEachSaysWhatIsWrong() {
    walk(
        "",
        VERSION.getSchema().getOpenAPIV3Schema(),
        (path, schema) -> {
          Set<String> rules = new HashSet<>();
          for (ValidationRule rule :
              schema.getXKubernetesValidations() == null
                  ? List.<ValidationRule>of()
                  : schema.getXKubernetesValidations()) {
            assertTrue(rules.add(rule.getRule()), () -> path + ": twice " + rule.getRule());
            assertTrue(
                rule.getMessage() != null || rule.getMessageExpression() != null,
                () -> path + ": no message for " + rule.getRule());
          }
        });
  }

  @Test
  void everyParameterThatIsOursIsRefused() {
    // When
    List<String> rules =
        schema(".spec.postgres.parameters").getXKubernetesValidations().stream()
            .map(ValidationRule::getRule)
            .toList();

    // Then
    assertEquals(OwnedParameters.NAMES.stream().map(n -> "!('" + n + "' in self)").toList(), rules);
    assertEquals(OwnedParameters.NAMES.stream().sorted().toList(), OwnedParameters.NAMES);
  }

  @Test
  void everyFieldOfTheSpecIsExplained() {
    for (String part :
        List.of(
            ".spec",
            ".spec.storage",
            ".spec.postgres",
            ".spec.proxy",
            ".spec.proxy.tls",
            ".spec.proxy.tls.issuer",
            ".spec.recovery")) {
      schema(part)
          .getProperties()
          .forEach((name, field) -> assertTrue(field.getDescription() != null, part + "." + name));
    }
  }

  @Test
  void theOperatorHasEveryRightThatItHandsToPatroni() {
    // Given
    List<PolicyRule> own = Installation.clusterRules();
    List<Role> roles =
        new ClusterObjects(
                Example.NAMES,
                Example.OWNER,
                Wanted.of(Example.spec("storage: {size: 10Gi}")),
                Example.IMAGES,
                Example.TRUST,
                Example.SERVED,
                false)
            .surroundings().stream().filter(Role.class::isInstance).map(Role.class::cast).toList();

    // Then: Kubernetes lets nobody grant what they do not have
    assertEquals(1, roles.size());
    for (PolicyRule rule : roles.getFirst().getRules()) {
      for (String group : rule.getApiGroups()) {
        for (String resource : rule.getResources()) {
          for (String verb : rule.getVerbs()) {
            assertTrue(
                own.stream()
                    .anyMatch(
                        r ->
                            r.getResourceNames().isEmpty()
                                && r.getApiGroups().contains(group)
                                && r.getResources().contains(resource)
                                && r.getVerbs().contains(verb)),
                verb + " " + resource);
          }
        }
      }
    }
  }

  @Test
  void nobodyHasARightToEverything() {
    for (PolicyRule rule : Installation.clusterRules()) {
      assertFalse(rule.getApiGroups().contains("*"), rule::toString);
      assertFalse(rule.getResources().contains("*"), rule::toString);
      assertFalse(rule.getVerbs().contains("*"), rule::toString);
      assertFalse(rule.getVerbs().contains("escalate"), rule::toString);
      assertFalse(rule.getVerbs().contains("bind"), rule::toString);
    }
    // A user's spec is the user's: the operator may not even write it.
    for (PolicyRule rule : Installation.clusterRules()) {
      if (rule.getResources().contains("postgresclusters")) {
        assertEquals(List.of("get", "list", "watch"), rule.getVerbs());
      }
    }
  }

  @Test
  void onlyThePartsOfAnInstanceAreDeleted() {
    // Endpoints are there because Patroni gets that right, Certificates since cert-manager would go
    // on renewing one that no spec asks for any more.
    assertEquals(
        Set.of("pods", "persistentvolumeclaims", "endpoints", "certificates"),
        Installation.clusterRules().stream()
            .filter(r -> r.getVerbs().contains("delete"))
            .flatMap(r -> r.getResources().stream())
            .collect(Collectors.toSet()));
    for (PolicyRule rule : Installation.nodeRules()) {
      assertEquals(List.of("nodes"), rule.getResources());
      assertEquals(List.of("get"), rule.getVerbs());
    }
  }

  @Test
  void anOperatorOfOneNamespaceNeedsNothingOfTheCluster() {
    // When
    List<HasMetadata> objects =
        Installation.objects(Images.DEFAULT_OPERATOR, Images.from(Map.of()), "team");

    // Then
    for (HasMetadata object : objects) {
      assertEquals("team", object.getMetadata().getNamespace(), object::toString);
    }
    assertTrue(objects.stream().noneMatch(ClusterRole.class::isInstance));
    assertTrue(
        objects.stream()
            .filter(Role.class::isInstance)
            .flatMap(role -> ((Role) role).getRules().stream())
            .noneMatch(rule -> rule.getResources().contains("nodes")));
    assertTrue(
        deployment(objects)
            .getSpec()
            .getTemplate()
            .getSpec()
            .getContainers()
            .getFirst()
            .getEnv()
            .stream()
            .anyMatch(e -> e.getName().equals("OUTRIDER_WATCH") && e.getValue().equals("team")));
  }

  @Test
  void theOperatorItselfIsRestricted() {
    // When
    var pod =
        deployment(Installation.objects("operator:1", Images.from(Map.of()), null))
            .getSpec()
            .getTemplate()
            .getSpec();

    // Then
    assertEquals(true, pod.getSecurityContext().getRunAsNonRoot());
    assertEquals("RuntimeDefault", pod.getSecurityContext().getSeccompProfile().getType());
    var container = pod.getContainers().getFirst();
    assertEquals("operator:1", container.getImage());
    assertEquals(false, container.getSecurityContext().getAllowPrivilegeEscalation());
    assertEquals(true, container.getSecurityContext().getReadOnlyRootFilesystem());
    assertEquals(List.of("ALL"), container.getSecurityContext().getCapabilities().getDrop());
  }

  private static Deployment deployment(List<HasMetadata> objects) {
    return objects.stream()
        .filter(Deployment.class::isInstance)
        .map(Deployment.class::cast)
        .findFirst()
        .orElseThrow();
  }
}
