package dev.outrider.operator.api;

import io.fabric8.crd.generator.annotation.AdditionalPrinterColumn;
import io.fabric8.crd.generator.annotation.AdditionalPrinterColumns;
import io.fabric8.kubernetes.api.model.Namespaced;
import io.fabric8.kubernetes.client.CustomResource;
import io.fabric8.kubernetes.model.annotation.Group;
import io.fabric8.kubernetes.model.annotation.Kind;
import io.fabric8.kubernetes.model.annotation.Plural;
import io.fabric8.kubernetes.model.annotation.ShortNames;
import io.fabric8.kubernetes.model.annotation.Singular;
import io.fabric8.kubernetes.model.annotation.Version;
import org.jspecify.annotations.Nullable;

/** A replicated PostgreSQL: one primary and its replicas, with the agents beside each. */
@Group(PostgresCluster.GROUP)
@Version(PostgresCluster.VERSION)
@Kind(PostgresCluster.KIND)
@Singular("postgrescluster")
@Plural("postgresclusters")
@ShortNames("pgc")
@AdditionalPrinterColumns({
  @AdditionalPrinterColumn(
      name = "Version",
      jsonPath = ".status.versions.postgres",
      type = AdditionalPrinterColumn.Type.STRING),
  @AdditionalPrinterColumn(
      name = "Ready",
      jsonPath = ".status.ready",
      type = AdditionalPrinterColumn.Type.STRING),
  @AdditionalPrinterColumn(
      name = "Primary",
      jsonPath = ".status.primary",
      type = AdditionalPrinterColumn.Type.STRING),
  @AdditionalPrinterColumn(
      name = "Status",
      jsonPath = ".status.summary",
      type = AdditionalPrinterColumn.Type.STRING),
  @AdditionalPrinterColumn(
      name = "Age",
      jsonPath = ".metadata.creationTimestamp",
      type = AdditionalPrinterColumn.Type.DATE),
  @AdditionalPrinterColumn(
      name = "Message",
      jsonPath = ".status.message",
      type = AdditionalPrinterColumn.Type.STRING,
      priority = 1)
})
public final class PostgresCluster
    extends CustomResource<PostgresClusterSpec, PostgresClusterStatus> implements Namespaced {
  public static final String GROUP = "outrider.dev";
  public static final String VERSION = "v1alpha1";
  public static final String KIND = "PostgresCluster";

  private static final long serialVersionUID = 1;

  @Override
  protected @Nullable PostgresClusterSpec initSpec() {
    return null;
  }

  @Override
  protected @Nullable PostgresClusterStatus initStatus() {
    return null;
  }
}
