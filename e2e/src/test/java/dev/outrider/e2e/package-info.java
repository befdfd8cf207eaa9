/** Journeys on a real Kubernetes. */
@NullMarked
package dev.outrider.e2e;

import org.jspecify.annotations.NullMarked;
