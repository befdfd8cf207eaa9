/**
 * What the wire tells: counts and times of messages, statements, transactions and fingerprints,
 * from decoded frames and without asking Postgres. See {@link
 * dev.outrider.metrics.proxy.wire.WireSession} for how, {@link
 * dev.outrider.metrics.proxy.wire.LoopFigures} for who may touch what.
 */
@NullMarked
package dev.outrider.metrics.proxy.wire;

import org.jspecify.annotations.NullMarked;
