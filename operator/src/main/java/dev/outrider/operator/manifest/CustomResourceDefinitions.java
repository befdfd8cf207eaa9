package dev.outrider.operator.manifest;

import dev.outrider.operator.api.OwnedParameters;
import dev.outrider.operator.api.PostgresCluster;
import io.fabric8.crdv2.generator.CRDGenerator;
import io.fabric8.kubernetes.api.model.apiextensions.v1.CustomResourceDefinition;
import io.fabric8.kubernetes.api.model.apiextensions.v1.JSONSchemaProps;
import io.fabric8.kubernetes.api.model.apiextensions.v1.JSONSchemaPropsBuilder;
import io.fabric8.kubernetes.api.model.apiextensions.v1.ValidationRule;
import io.fabric8.kubernetes.api.model.apiextensions.v1.ValidationRuleBuilder;
import io.fabric8.kubernetes.client.utils.KubernetesSerialization;
import java.io.ByteArrayOutputStream;
import java.io.OutputStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;

/**
 * The CRDs, generated from the Java types, with the rules that the generator has no annotation for:
 * those on the name of the object itself.
 */
final class CustomResourceDefinitions {
  /** The order that tells the story. */
  private static final List<String> COLUMNS =
      List.of("Version", "Ready", "Primary", "Status", "Age", "Message");

  private CustomResourceDefinitions() {}

  static List<CustomResourceDefinition> all() {
    Map<String, ByteArrayOutputStream> files = new LinkedHashMap<>();
    new CRDGenerator()
        .customResourceClasses(PostgresCluster.class)
        .forCRDVersions("v1")
        .withOutput(
            new CRDGenerator.CRDOutput<OutputStream>() {
              @Override
              public OutputStream outputFor(String name) {
                return files.computeIfAbsent(name, n -> new ByteArrayOutputStream());
              }

              @Override
              public URI crdURI(String name) {
                return URI.create("file:///" + name);
              }

              @Override
              public void close() {}
            })
        .generate();
    List<CustomResourceDefinition> crds = new ArrayList<>();
    files.forEach(
        (name, bytes) -> {
          CustomResourceDefinition crd =
              new KubernetesSerialization()
                  .unmarshal(
                      bytes.toString(StandardCharsets.UTF_8), CustomResourceDefinition.class);
          crds.add(withNameRules(crd));
        });
    return crds;
  }

  private static CustomResourceDefinition withNameRules(CustomResourceDefinition crd) {
    crd.getSpec()
        .getVersions()
        .forEach(
            version -> {
              JSONSchemaProps root = version.getSchema().getOpenAPIV3Schema();
              root.setXKubernetesValidations(nameRules());
              root.getProperties().put("metadata", boundedName());
              root.setRequired(List.of("spec"));
              tidy(root);
              version
                  .getAdditionalPrinterColumns()
                  .sort(Comparator.comparingInt(column -> COLUMNS.indexOf(column.getName())));
            });
    return crd;
  }

  /**
   * The generator sees a record component twice (field and accessor) and writes its rules twice;
   * lists of named things are maps for server-side apply.
   */
  private static void tidy(JSONSchemaProps schema) {
    if (schema.getXKubernetesValidations() != null) {
      schema.setXKubernetesValidations(
          new ArrayList<>(new LinkedHashSet<>(schema.getXKubernetesValidations())));
    }
    schema
        .getProperties()
        .forEach(
            (name, property) -> {
              tidy(property);
              if (name.equals("parameters") && property.getMaxProperties() != null) {
                property.setXKubernetesValidations(ownedParameterRules());
              }
              if (name.equals("conditions")) {
                property
                    .getItems()
                    .getSchema()
                    .setRequired(List.of("type", "status", "reason", "lastTransitionTime"));
                property.setXKubernetesListType("map");
                property.setXKubernetesListMapKeys(List.of("type"));
              }
            });
    if (schema.getItems() != null && schema.getItems().getSchema() != null) {
      tidy(schema.getItems().getSchema());
    }
  }

  /** What Kubernetes itself allows; said here so that the API server can bound the rules' cost. */
  private static JSONSchemaProps boundedName() {
    return new JSONSchemaPropsBuilder()
        .withType("object")
        .addToProperties(
            "name", new JSONSchemaPropsBuilder().withType("string").withMaxLength(253L).build())
        .build();
  }

  /** A rule for each name, so that the message can say which one it was at no cost. */
  private static List<ValidationRule> ownedParameterRules() {
    return OwnedParameters.NAMES.stream()
        .map(
            name ->
                new ValidationRuleBuilder()
                    .withRule("!('" + name + "' in self)")
                    .withMessage(OwnedParameters.refusal(name))
                    .build())
        .toList();
  }

  /**
   * A Service is named NAME-rw-config, and the pods' label controller-revision-hash is NAME and 11
   * characters more; both end at 63 characters (RFC 1035 labels).
   */
  private static List<ValidationRule> nameRules() {
    return List.of(
        new ValidationRuleBuilder()
            .withRule("self.metadata.name.size() <= 50")
            .withMessageExpression(
                "'metadata.name: \"' + self.metadata.name + '\" is too long; allowed are 50"
                    + " characters, since the names of Services and pods are made from it'")
            .build(),
        new ValidationRuleBuilder()
            .withRule("self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')")
            .withMessageExpression(
                "'metadata.name: \"' + self.metadata.name + '\" cannot be the name of a Service;"
                    + " allowed are a-z, 0-9 and -, beginning with a letter and ending with a letter"
                    + " or digit'")
            .build());
  }
}
