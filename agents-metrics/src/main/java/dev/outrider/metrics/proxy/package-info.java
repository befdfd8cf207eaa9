/**
 * The proxy before Postgres. In its first form it relays bytes between TCP clients and Postgres's
 * Unix socket and looks at none of them.
 */
@NullMarked
package dev.outrider.metrics.proxy;

import org.jspecify.annotations.NullMarked;
