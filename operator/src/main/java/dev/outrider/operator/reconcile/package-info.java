/** Observes a cluster, brings about what the model says of it, and writes its status. */
@NullMarked
package dev.outrider.operator.reconcile;

import org.jspecify.annotations.NullMarked;
