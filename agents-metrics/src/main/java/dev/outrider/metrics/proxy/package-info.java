/**
 * The proxy before Postgres: relays bytes between TCP clients and Postgres's Unix socket, follows
 * where messages begin and end, and lets sessions through only while Patroni allows it.
 */
@NullMarked
package dev.outrider.metrics.proxy;

import org.jspecify.annotations.NullMarked;
