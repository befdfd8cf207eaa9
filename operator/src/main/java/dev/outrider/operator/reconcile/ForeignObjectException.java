package dev.outrider.operator.reconcile;

import io.fabric8.kubernetes.api.model.HasMetadata;

/** An object that a cluster needs is there already and belongs to somebody else. */
final class ForeignObjectException extends RuntimeException {
  private static final long serialVersionUID = 1;

  ForeignObjectException(HasMetadata object) {
    super(
        object.getKind()
            + " "
            + object.getMetadata().getName()
            + " exists and does not belong to this cluster (no owner reference to it); it is left"
            + " alone. Delete or rename it, or give the cluster another name");
  }
}
