/**
 * Asks the agents of all clusters what they do: {@code GET /status} with mutual TLS, now and then,
 * beside the reconciler and never in its way.
 */
@NullMarked
package dev.outrider.operator.agents;

import org.jspecify.annotations.NullMarked;
