package dev.outrider.operator.reconcile;

import dev.outrider.operator.api.PostgresCluster;
import dev.outrider.operator.model.Switchover;
import io.fabric8.kubernetes.api.model.ObjectMeta;
import io.javaoperatorsdk.operator.processing.event.source.filter.OnUpdateFilter;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Which changes of a {@link PostgresCluster} matter: of its spec, its deletion, and a switchover
 * that is asked for. Its status is the operator's own.
 */
public final class ClusterRelevance implements OnUpdateFilter<PostgresCluster> {
  @Override
  public boolean accept(PostgresCluster now, PostgresCluster before) {
    ObjectMeta a = now.getMetadata();
    ObjectMeta b = before.getMetadata();
    return !Objects.equals(a.getGeneration(), b.getGeneration())
        || !Objects.equals(a.getUid(), b.getUid())
        || !Objects.equals(a.getDeletionTimestamp(), b.getDeletionTimestamp())
        || !Objects.equals(switchover(a), switchover(b));
  }

  private static @Nullable String switchover(ObjectMeta metadata) {
    return Objects.requireNonNullElse(metadata.getAnnotations(), Map.<String, String>of())
        .get(Switchover.ANNOTATION);
  }
}
