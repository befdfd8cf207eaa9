package dev.outrider.operator.reconcile;

import dev.outrider.operator.model.NodeState;
import dev.outrider.operator.model.Recovery.ForceDelete;
import dev.outrider.operator.model.Recovery.NewCopy;
import dev.outrider.operator.model.Recovery.Restart;
import dev.outrider.operator.model.Recovery.Step;
import io.fabric8.kubernetes.api.model.DeleteOptions;
import io.fabric8.kubernetes.api.model.DeleteOptionsBuilder;
import io.fabric8.kubernetes.api.model.Node;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.net.HttpURLConnection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Carries out what {@link dev.outrider.operator.model.Recovery} decided. */
final class RecoverySteps {
  private static final Logger LOG = LoggerFactory.getLogger(RecoverySteps.class);

  private final KubernetesClient client;

  RecoverySteps(KubernetesClient client) {
    this.client = client;
  }

  /** How these nodes are, as far as the operator may see. */
  Map<String, NodeState> nodes(List<String> names) {
    Map<String, NodeState> states = new HashMap<>();
    names.forEach(name -> states.put(name, node(name)));
    return states;
  }

  private NodeState node(String name) {
    try {
      return state(client.nodes().withName(name).get());
    } catch (KubernetesClientException e) {
      // An operator for one namespace has no such right; any other failure is no knowledge either.
      return NodeState.UNKNOWN;
    }
  }

  private static NodeState state(@Nullable Node node) {
    if (node == null) {
      return NodeState.LOST;
    }
    boolean ready =
        node.getStatus() != null
            && node.getStatus().getConditions().stream()
                .anyMatch(c -> c.getType().equals("Ready") && "True".equals(c.getStatus()));
    if (!ready) {
      return NodeState.LOST;
    }
    return Optional.ofNullable(node.getSpec())
            .map(spec -> Boolean.TRUE.equals(spec.getUnschedulable()))
            .orElse(false)
        ? NodeState.CORDONED
        : NodeState.READY;
  }

  /**
   * Deletes what a step names: those very objects, not others that have taken their names.
   *
   * @throws KubernetesClientException if the API server refuses
   */
  void take(Step step, String namespace) {
    LOG.atInfo()
        .addKeyValue("namespace", namespace)
        .addKeyValue("instance", step.instance())
        .addKeyValue("step", step.getClass().getSimpleName())
        .log(step.why());
    switch (step) {
      case Restart restart -> delete(namespace, "pods", restart.instance(), restart.pod(), null);
      case ForceDelete force -> delete(namespace, "pods", force.instance(), force.pod(), 0L);
      case NewCopy copy -> {
        // The claim first: it stays for as long as the pod uses it, and the StatefulSet makes no
        // new pod before it is gone.
        delete(namespace, "persistentvolumeclaims", copy.claimName(), copy.claim(), null);
        delete(namespace, "pods", copy.instance(), copy.pod(), null);
      }
    }
  }

  private void delete(
      String namespace, String resource, String name, String uid, @Nullable Long grace) {
    DeleteOptions options =
        new DeleteOptionsBuilder()
            .withApiVersion("v1")
            .withKind("DeleteOptions")
            .withNewPreconditions(null, uid)
            .withGracePeriodSeconds(grace)
            .build();
    try {
      client.raw(
          "/api/v1/namespaces/" + namespace + "/" + resource + "/" + name, "DELETE", options);
    } catch (KubernetesClientException e) {
      // Gone, or another one by now: just what was wanted.
      if (e.getCode() != HttpURLConnection.HTTP_NOT_FOUND
          && e.getCode() != HttpURLConnection.HTTP_CONFLICT) {
        throw e;
      }
    }
  }
}
