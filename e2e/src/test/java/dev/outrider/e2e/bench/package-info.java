/**
 * The figures of docs/benchmarks.md, measured on the local cluster, beside a peer's if it is there.
 */
@NullMarked
package dev.outrider.e2e.bench;

import org.jspecify.annotations.NullMarked;
