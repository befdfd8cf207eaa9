package dev.outrider.operator;

import io.fabric8.kubernetes.api.model.coordination.v1.Lease;
import io.fabric8.kubernetes.api.model.coordination.v1.LeaseSpec;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The Lease by which operators agree who of them leads. */
final class Leadership {
  /** Its name. */
  static final String LEASE = "outrider-operator";

  private static final Logger LOG = LoggerFactory.getLogger(Leadership.class);

  private Leadership() {}

  /**
   * Gives the Lease up if it is ours, so that the next operator need not wait until it ends; to be
   * called when nothing is reconciled any more. The framework does not: it makes its elector
   * without {@code releaseOnCancel}.
   *
   * @param namespace where the Lease is
   * @param instance who we are
   */
  static void giveUp(KubernetesClient client, String namespace, String instance) {
    try {
      Lease lease = client.leases().inNamespace(namespace).withName(LEASE).get();
      LeaseSpec spec = lease == null ? null : lease.getSpec();
      if (spec == null || !instance.equals(spec.getHolderIdentity())) {
        return;
      }
      spec.setHolderIdentity(null);
      // With the version that was read: a Lease that somebody has taken meanwhile stays theirs.
      client.resource(lease).update();
      LOG.info("gave the Lease up");
    } catch (KubernetesClientException e) {
      LOG.atInfo()
          .addKeyValue("problem", e.getMessage())
          .log("could not give the Lease up; it ends by itself");
    }
  }
}
