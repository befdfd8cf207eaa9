/** The Postgres behind the proxy: how it is reached and whether it was reached lately. */
@NullMarked
package dev.outrider.metrics.proxy.upstream;

import org.jspecify.annotations.NullMarked;
