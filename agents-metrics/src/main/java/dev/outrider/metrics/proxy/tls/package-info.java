/** The TLS of clients, which ends at the proxy. */
@NullMarked
package dev.outrider.metrics.proxy.tls;

import org.jspecify.annotations.NullMarked;
